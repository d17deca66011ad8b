//! `spark.master`: what the text says of threads and attempts. The engine is always in this process; text that names another place is
//! refused here.

use tidemill_planner::{Error, Result};
use tidemill_spark::error::error;

/// What a master that is in this process says; what it leaves open is the session's usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Master {
    /// How many threads compute, and how many tasks a stage has where nothing else says so.
    pub(super) threads: Option<usize>,
    /// How often a task may fail.
    pub(super) max_failures: Option<u32>,
}

impl Master {
    /// `local`, `local[n]`, `local[*]`, `local[n,f]` or `local[*,f]`.
    ///
    /// # Errors
    /// `Unsupported` for a place elsewhere, and for executors of their own; `INVALID_CONF_VALUE.REQUIREMENT` for what names none.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text == "local" {
            return Ok(Self { threads: Some(1), max_failures: None });
        }
        if text.starts_with("local-cluster[") {
            let message = format!(
                "`{text}` asks for several executors, and there is one, in this process: say `local[n]` with as many threads as all of them \
                 would have, and give it their memory as `tidemill.memoryBytes`"
            );
            return Err(Error::unsupported(message));
        }
        let elsewhere = ["spark://", "k8s://", "mesos://", "sc://"].iter().any(|scheme| text.starts_with(scheme));
        if elsewhere || text.starts_with("yarn") {
            let message = format!("the engine runs in this process, and `{text}` names another place: leave it out, or say `local[n]`");
            return Err(Error::unsupported(message));
        }
        let inner = text.strip_prefix("local[").and_then(|rest| rest.strip_suffix(']'));
        inner.and_then(Self::of_parts).ok_or_else(|| {
            let message =
                format!("`spark.master` is `local`, `local[n]`, `local[*]` or `local[n,failures]`, not `{text}`: set one of them");
            error("INVALID_CONF_VALUE.REQUIREMENT", message)
        })
    }

    /// What stands between the brackets.
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
        Some(Self { threads, max_failures })
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
            assert_eq!(Master::parse(text).unwrap(), Master { threads, max_failures }, "{text}");
        }
        for text in ["", "local[0]", "local[4,0]", "local[]", "local[-1]", "local[four]", "local[2", "local[1,2,3]", "localhost", "LOCAL"] {
            let error = Master::parse(text).unwrap_err();
            let condition = error.condition().map(|condition| condition.name.as_str());
            assert_eq!(condition, Some("INVALID_CONF_VALUE.REQUIREMENT"), "{text}");
        }
        for text in ["spark://elsewhere:7077", "yarn", "k8s://https://there", "local-cluster[2,1,1024]"] {
            let error = Master::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
            assert!(error.message().contains(text) && error.message().contains("local[n]"), "{error}");
        }
    }
}
