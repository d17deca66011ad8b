//! The session's settings: one table entry each, checked when the session is built. It acts on none of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use tidemill_planner::options::{OptionSpec, Options};
use tidemill_streaming::watermark::WatermarkPolicy;

use crate::{Error, Result};

/// Every setting that a session understands.
pub(crate) const SETTINGS: &[OptionSpec] = &[
    OptionSpec { name: "tidemill.parallelism", default: "number of cores", doc: "How many tasks a stage has at most." },
    OptionSpec { name: "tidemill.batchSize", default: "8192", doc: "Rows per Arrow batch." },
    OptionSpec { name: "tidemill.threads", default: "number of cores", doc: "Threads that compute." },
    OptionSpec { name: "tidemill.shuffle.memoryBytes", default: "half of the memory", doc: "Bytes between stages that stay in memory." },
    OptionSpec { name: "tidemill.spillDir", default: "the system's", doc: "Where goes what does not fit in memory." },
];

/// Spark's names that mean something here.
const SPARK: &[OptionSpec] = &[
    OptionSpec { name: "spark.app.name", default: "", doc: "Accepted, without effect." },
    OptionSpec { name: "spark.sql.shuffle.partitions", default: "", doc: "The same as `tidemill.parallelism`." },
    OptionSpec { name: "spark.sql.session.timeZone", default: "UTC", doc: "UTC is the only time zone." },
    OptionSpec { name: "spark.sql.caseSensitive", default: "false", doc: "Names are never case sensitive." },
    OptionSpec {
        name: "spark.sql.streaming.multipleWatermarkPolicy",
        default: "min",
        doc: "Which of several watermarks is the query's, `min` or `max`; pinned when its checkpoint is made.",
    },
    OptionSpec { name: "spark.sql.ansi.enabled", default: "true", doc: "ANSI mode is always on." },
];

/// Those that shape the results of a stream: pinned when its checkpoint is made.
pub(crate) const RESULT_SETTINGS: [&str; 4] =
    [WatermarkPolicy::SETTING, "spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.caseSensitive"];

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) parallelism: usize,
    pub(super) batch_size: usize,
    /// 0 for one per core.
    pub(super) threads: usize,
    /// 0 for the engine's choice.
    pub(super) shuffle_memory_bytes: u64,
    pub(super) spill_dir: Option<PathBuf>,
    /// What a new checkpoint pins.
    pub(super) watermark_policy: String,
    given: Options,
}

impl Settings {
    pub(super) fn check(given: &BTreeMap<String, String>) -> Result<Self> {
        let mut ours = BTreeMap::new();
        let mut parallelism = None;
        let mut watermark_policy = "min".to_owned();
        for (name, value) in given {
            if !name.starts_with("spark.") {
                ours.insert(name.clone(), value.clone());
                continue;
            }
            match SPARK.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)).map(|spec| spec.name) {
                Some("spark.sql.shuffle.partitions") => parallelism = Some(positive(name, value)?),
                Some("spark.sql.session.timeZone") => fixed(name, value, &["utc", "etc/utc", "z", "+00:00"], "UTC")?,
                Some(WatermarkPolicy::SETTING) => {
                    watermark_policy = value.to_ascii_lowercase();
                    WatermarkPolicy::of(&BTreeMap::from([(WatermarkPolicy::SETTING.to_owned(), watermark_policy.clone())]))?;
                }
                Some("spark.sql.caseSensitive") => fixed(name, value, &["false"], "false")?,
                Some("spark.sql.ansi.enabled") => fixed(name, value, &["true"], "true")?,
                Some(_) => {}
                None => warn_once(name),
            }
        }
        let given = Options::check("the session", SETTINGS, ours.iter())?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let parallelism = given.get_positive("tidemill.parallelism")?.or(parallelism).unwrap_or_else(cores);
        let batch_size = given.get_positive("tidemill.batchSize")?.unwrap_or(8192);
        let threads = given.get_positive("tidemill.threads")?.unwrap_or(0);
        let shuffle_memory_bytes = given.get_positive("tidemill.shuffle.memoryBytes")?.unwrap_or(0) as u64;
        let spill_dir = given.get("tidemill.spillDir").map(PathBuf::from);
        Ok(Self { parallelism, batch_size, threads, shuffle_memory_bytes, spill_dir, watermark_policy, given })
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        if name.eq_ignore_ascii_case(WatermarkPolicy::SETTING) {
            return Some(self.watermark_policy.clone());
        }
        // The others of Spark's are what they are by default, or are refused.
        if let Some(spec) = SPARK.iter().find(|spec| RESULT_SETTINGS.contains(&spec.name) && spec.name.eq_ignore_ascii_case(name)) {
            return Some(spec.default.to_owned());
        }
        let spec = SETTINGS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))?;
        Some(match spec.name {
            "tidemill.parallelism" => self.parallelism.to_string(),
            "tidemill.batchSize" => self.batch_size.to_string(),
            other => self.given.get(other).unwrap_or(spec.default).to_owned(),
        })
    }
}

fn positive(name: &str, value: &str) -> Result<usize> {
    match value.parse::<usize>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(Error::analysis(format!("setting `{name}` must be a whole number of at least 1, not `{value}`"))),
    }
}

fn fixed(name: &str, value: &str, accepted: &[&str], only: &str) -> Result<()> {
    if accepted.contains(&value.to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Error::unsupported(format!("setting `{name}` can only be `{only}`, not `{value}`")))
}

fn warn_once(name: &str) {
    static WARNED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !warned.iter().any(|known| known == name) {
        tracing::warn!(setting = name, "this Spark setting is not known and has no effect");
        warned.push(name.to_owned());
    }
}
