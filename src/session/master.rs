//! `spark.master`: what the text says of executors, threads and attempts. The engine is always in this process; text that names another place
//! is refused here.

use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;

/// What a master that is in this process says; what it leaves open is the session's usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Master {
    /// How many threads of an executor compute; of all together, how many tasks a stage has where nothing else says so.
    pub(super) threads: Option<usize>,
    /// How often a task may fail.
    pub(super) max_failures: Option<u32>,
    /// Where there are several executors.
    pub(super) executors: Option<Executors>,
}

/// Executors of a `local-cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Executors {
    pub(super) count: usize,
    /// What each has.
    pub(super) memory_bytes: u64,
}

impl Master {
    /// `local`, `local[n]`, `local[*]`, `local[n,f]`, `local[*,f]` or `local-cluster[executors,threads,MB]`.
    ///
    /// # Errors
    /// `Unsupported` for a place elsewhere; `INVALID_CONF_VALUE.REQUIREMENT` for what names none.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text == "local" {
            return Ok(Self { threads: Some(1), ..Self::default() });
        }
        let elsewhere = ["spark://", "k8s://", "mesos://", "sc://"].iter().any(|scheme| text.starts_with(scheme));
        if elsewhere || text.starts_with("yarn") {
            let message = format!("the engine runs in this process, and `{text}` names another place: leave it out, or say `local[n]`");
            return Err(Error::unsupported(message));
        }
        let within = |name: &str| text.strip_prefix(name).and_then(|rest| rest.strip_prefix('[')).and_then(|rest| rest.strip_suffix(']'));
        let master = match within("local-cluster") {
            Some(inner) => Self::of_cluster(inner),
            None => within("local").and_then(Self::of_parts),
        };
        master.ok_or_else(|| {
            let message = format!(
                "`spark.master` is `local`, `local[n]`, `local[*]`, `local[n,failures]` or `local-cluster[executors,threads,MB]`, not `{text}`: \
                 set one of them"
            );
            error("INVALID_CONF_VALUE.REQUIREMENT", message)
        })
    }

    /// How many threads all executors have.
    pub(super) fn all_threads(&self) -> Option<usize> {
        self.threads.map(|threads| threads * self.executors.map_or(1, |executors| executors.count))
    }

    /// What stands between the brackets of `local[…]`.
    fn of_parts(text: &str) -> Option<Self> {
        let (threads, failures) = match text.split_once(',') {
            Some((threads, failures)) => (threads.trim(), Some(failures.trim())),
            None => (text, None),
        };
        let threads = if threads == "*" { None } else { Some(threads.parse().ok().filter(|n: &usize| *n > 0)?) };
        let max_failures = match failures {
            Some(failures) => Some(failures.parse().ok().filter(|n: &u32| *n > 0)?),
            None => None,
        };
        Some(Self { threads, max_failures, executors: None })
    }

    /// What stands between the brackets of `local-cluster[…]`.
    fn of_cluster(text: &str) -> Option<Self> {
        let numbers: Vec<u32> = text.split(',').map(|part| part.trim().parse().ok().filter(|n: &u32| *n > 0)).collect::<Option<_>>()?;
        let [count, threads, megabytes] = numbers[..] else { return None };
        let executors = Executors { count: count as usize, memory_bytes: u64::from(megabytes) << 20 };
        Some(Self { threads: Some(threads as usize), max_failures: None, executors: Some(executors) })
    }
}

#[cfg(test)]
mod tests {
    use tidemill_planner::ErrorKind;

    use super::*;

    #[test]
    fn masters_are_local_or_refused_by_name() {
        for (text, threads, max_failures) in [
            ("local", Some(1), None),
            ("local[*]", None, None),
            (" local[4] ", Some(4), None),
            ("local[4,2]", Some(4), Some(2)),
            ("local[*, 7]", None, Some(7)),
        ] {
            assert_eq!(Master::parse(text).unwrap(), Master { threads, max_failures, executors: None }, "{text}");
            assert_eq!(Master::parse(text).unwrap().all_threads(), threads, "{text}");
        }
        for text in ["local-cluster[3,2,1024]", " local-cluster[ 3 , 2 , 1024 ] "] {
            let master = Master::parse(text).unwrap();
            let executors = Some(Executors { count: 3, memory_bytes: 1 << 30 });
            assert_eq!(master, Master { threads: Some(2), max_failures: None, executors }, "{text}");
            assert_eq!(master.all_threads(), Some(6), "{text}");
        }
        for text in [
            "",
            "local[0]",
            "local[4,0]",
            "local[]",
            "local[-1]",
            "local[four]",
            "local[2",
            "local[1,2,3]",
            "localhost",
            "LOCAL",
            "local-cluster",
            "local-cluster[]",
            "local-cluster[2,1]",
            "local-cluster[0,1,1024]",
            "local-cluster[2,0,1024]",
            "local-cluster[2,1,0]",
            "local-cluster[2,1,1g]",
            "local-cluster[*,1,1024]",
            "local-cluster[2,1,1024,3]",
        ] {
            let error = Master::parse(text).unwrap_err();
            let condition = error.condition().map(|condition| condition.name.as_str());
            assert_eq!(condition, Some("INVALID_CONF_VALUE.REQUIREMENT"), "{text}");
        }
        for text in ["spark://elsewhere:7077", "yarn", "k8s://https://there"] {
            let error = Master::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
            assert!(error.message().contains(text) && error.message().contains("local[n]"), "{error}");
        }
    }
}
