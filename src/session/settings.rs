//! The session's settings: one table entry each, checked when the session is built and when SET changes them. It acts on none.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, RwLock};

use tidemill_executor::pool::Scheduling;
use tidemill_planner::options::{OptionSpec, Options};
use tidemill_planner::stage::{AdaptiveSettings, FilterSettings, SkewSettings};
use tidemill_spark::error::error;
use tidemill_spark::switches::{self, SWITCHES, Takes};
use tidemill_spark::types::TimeZone;
use tidemill_streaming::watermark::WatermarkPolicy;

use super::master::Master;
use tidemill_planner::{Error, Result};

/// Every setting that a session understands.
pub(crate) const SETTINGS: &[OptionSpec] = &[
    OptionSpec {
        name: "tidemill.parallelism",
        default: "number of cores",
        doc: "How many tasks a stage has, unless sizes speak for fewer or more.",
    },
    OptionSpec { name: "tidemill.batchSize", default: "8192", doc: "Rows per Arrow batch." },
    OptionSpec { name: "tidemill.threads", default: "number of cores", doc: "Threads that compute." },
    OptionSpec {
        name: "tidemill.memoryBytes",
        default: "half of the memory",
        doc: "What queries hold in memory, blocks between stages and what operators build together; as `4g`, `512MB` or a number of bytes.",
    },
    OptionSpec {
        name: "tidemill.shuffle.memoryBytes",
        default: "three fifths of that",
        doc: "The most of it for blocks between stages; beyond that they go to disk.",
    },
    OptionSpec { name: "tidemill.spillDir", default: "the system's", doc: "Where goes what does not fit in memory." },
];

/// Where the checkpoints of streaming queries are that are given none.
pub(crate) const CHECKPOINT_LOCATION: &str = "spark.sql.streaming.checkpointLocation";

const ADAPTIVE: &str = "spark.sql.adaptive.enabled";
const COALESCE: &str = "spark.sql.adaptive.coalescePartitions.enabled";
const ADVISORY_SIZE: &str = "spark.sql.adaptive.advisoryPartitionSizeInBytes";
const LEAST_SIZE: &str = "spark.sql.adaptive.coalescePartitions.minPartitionSize";
const BROADCAST: &str = "spark.sql.autoBroadcastJoinThreshold";
const JOIN_REORDER: &str = "spark.sql.cbo.joinReorder.enabled";
const SKEW: &str = "spark.sql.adaptive.skewJoin.enabled";
const SKEW_FACTOR: &str = "spark.sql.adaptive.skewJoin.skewedPartitionFactor";
const SKEW_SIZE: &str = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes";
const SORT_MERGE: &str = "spark.sql.join.preferSortMergeJoin";
const BUILD_SIZE: &str = "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold";
const EXCLUDED_RULES: &str = "spark.sql.adaptive.optimizer.excludedRules";
const FILTERS: &str = "spark.sql.optimizer.runtime.bloomFilter.enabled";
const FILTER_CREATION: &str = "spark.sql.optimizer.runtime.bloomFilter.creationSideThreshold";
const FILTER_APPLICATION: &str = "spark.sql.optimizer.runtime.bloomFilter.applicationSideScanSizeThreshold";
const FILTER_BITS: &str = "spark.sql.optimizer.runtime.bloomFilter.maxNumBits";
const MAX_RESULT: &str = "spark.driver.maxResultSize";
const MASTER: &str = "spark.master";
const MAX_FAILURES: &str = "spark.task.maxFailures";
const SCHEDULING: &str = "spark.scheduler.mode";
const POOL: &str = "spark.scheduler.pool";
const POOLS_FILE: &str = "spark.scheduler.allocation.file";

/// Spark's names that mean something here, besides the switches of its language ([`SWITCHES`]).
const SPARK: &[OptionSpec] = &[
    OptionSpec { name: "spark.app.name", default: "", doc: "Accepted, without effect." },
    OptionSpec {
        name: MASTER,
        default: "local[*]",
        doc: "Threads that compute, and tasks of a stage: `local[n]`, `local[*]` for one per core, `local[n,f]` for f failures of a task; \
              `local-cluster[e,n,m]` for e executors in this process, each with n threads and m MB.",
    },
    OptionSpec {
        name: MAX_FAILURES,
        default: "4",
        doc: "How often a task may fail for a reason that may pass, as storage that stays away, before its query fails.",
    },
    OptionSpec {
        name: SCHEDULING,
        default: "FAIR",
        doc: "How batch queries share the threads: FAIR, they take turns; FIFO, the first has all that it can use. Streams go before both.",
    },
    OptionSpec {
        name: POOL,
        default: "",
        doc: "The pool of the queries that are begun from here on: those of one pool have one turn among them. None: each has its own.",
    },
    OptionSpec { name: "spark.sql.shuffle.partitions", default: "", doc: "The same as `tidemill.parallelism`." },
    OptionSpec {
        name: ADAPTIVE,
        default: "true",
        doc: "Whether a query changes while it runs, by the exact sizes of the stages that are done.",
    },
    OptionSpec { name: COALESCE, default: "true", doc: "Whether tasks then read as many buckets as make a good share." },
    OptionSpec {
        name: ADVISORY_SIZE,
        default: "64MB",
        doc: "What a task reads of an exchange, at most where that can be told; as `64MB`, `1g` or a number of bytes.",
    },
    OptionSpec { name: LEAST_SIZE, default: "1MB", doc: "What a task should at least read of an exchange." },
    OptionSpec {
        name: BROADCAST,
        default: "64MB",
        doc: "The largest build side of a join that every task reads whole, so that the other side is not exchanged; -1 for none.",
    },
    OptionSpec {
        name: JOIN_REORDER,
        default: "true",
        doc: "Whether joins take the order in which the fewest rows move, by what tables say of themselves; else that in which they are written.",
    },
    OptionSpec {
        name: SKEW,
        default: "true",
        doc: "Whether a bucket of a join that is much larger than the others is read by several tasks.",
    },
    OptionSpec { name: SKEW_FACTOR, default: "5.0", doc: "How many times as large as the middle one such a bucket is at least." },
    OptionSpec {
        name: SKEW_SIZE,
        default: "8MB",
        doc: "How large such a bucket is at least; Spark's 256MB are for tasks that cost more to start.",
    },
    OptionSpec {
        name: SORT_MERGE,
        default: "true",
        doc: "Whether a join by buckets sorts both sides and merges them where neither can be built in memory.",
    },
    OptionSpec {
        name: BUILD_SIZE,
        default: "a task's share of the memory",
        doc: "The most that a task builds in memory of one side of a join by buckets, its hash table included.",
    },
    OptionSpec {
        name: EXCLUDED_RULES,
        default: "",
        doc: "Rules by their names in Spark that are not applied while a query runs; known is AQEPropagateEmptyRelation: what can give no \
              rows any more, since a stage that it reads has none, is not run.",
    },
    OptionSpec {
        name: FILTERS,
        default: "true",
        doc: "Whether the keys of one side of a join keep rows of the other back before they are exchanged.",
    },
    OptionSpec { name: FILTER_CREATION, default: "512MB", doc: "The most bytes of rows whose keys make such a filter." },
    OptionSpec { name: FILTER_APPLICATION, default: "0", doc: "The least bytes of a scan that is filtered so, where they are known." },
    OptionSpec { name: FILTER_BITS, default: "67108864", doc: "The most bits of such a filter: there is none where keys want more." },
    OptionSpec {
        name: "spark.sql.files.maxRecordsPerFile",
        default: "0",
        doc: "How many rows a written file has at most; 0 for any number.",
    },
    OptionSpec {
        name: MAX_RESULT,
        default: "0",
        doc: "The most bytes that the rows of a `collect` may take, and those of an epoch for a function, `memory` or `console`; a query whose \
              rows take more fails. 0 for any number.",
    },
    OptionSpec { name: "spark.sql.session.timeZone", default: "UTC", doc: "The zone in which moments are read and shown." },
    OptionSpec { name: "spark.sql.repl.eagerEval.enabled", default: "false", doc: "Python: whether a DataFrame shows its first rows." },
    OptionSpec { name: "spark.sql.repl.eagerEval.maxNumRows", default: "20", doc: "Python: how many rows it then shows." },
    OptionSpec { name: "spark.sql.repl.eagerEval.truncate", default: "20", doc: "Python: at how many characters cells are cut then." },
    OptionSpec {
        name: "spark.sql.pyspark.plotting.max_rows",
        default: "1000",
        doc: "Python: how many rows a plot of single rows takes at most.",
    },
    OptionSpec {
        name: CHECKPOINT_LOCATION,
        default: "",
        doc: "Where streaming queries that are given no checkpoint keep theirs: a folder per query, by its name.",
    },
    OptionSpec {
        name: "spark.sql.streaming.multipleWatermarkPolicy",
        default: "min",
        doc: "Which of several watermarks is the query's, `min` or `max`; pinned when its checkpoint is made.",
    },
    OptionSpec { name: "spark.sql.sources.default", default: "parquet", doc: "The provider of a table that names none." },
    OptionSpec {
        name: "spark.sql.sources.partitionOverwriteMode",
        default: "STATIC",
        doc: "Whether INSERT OVERWRITE without values for partition columns replaces all partitions or, DYNAMIC, those that it writes.",
    },
    OptionSpec { name: "spark.sql.storeAssignmentPolicy", default: "ANSI", doc: "ANSI: which types INSERT puts into which columns." },
    OptionSpec { name: "spark.sql.warehouse.dir", default: "spark-warehouse", doc: "The folder of databases and tables." },
];

/// Those that hold from the start of the session to its end.
const STATIC: [&str; 6] = [
    "spark.sql.warehouse.dir",
    "spark.sql.catalogImplementation",
    "spark.sql.globalTempDatabase",
    "spark.sql.extensions",
    "spark.sql.streaming.streamingQueryListeners",
    "spark.sql.queryExecutionListeners",
];

/// Those that shape the results of a stream: pinned when its checkpoint is made.
pub(crate) const RESULT_SETTINGS: [&str; 4] =
    [WatermarkPolicy::SETTING, "spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.caseSensitive"];

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) parallelism: usize,
    pub(super) batch_size: usize,
    pub(super) executors: usize,
    /// Of each executor; 0 for one per core.
    pub(super) threads: usize,
    /// 0 for the engine's choice.
    pub(super) memory_bytes: u64,
    /// 0 for the engine's choice.
    pub(super) shuffle_memory_bytes: u64,
    pub(super) spill_dir: Option<PathBuf>,
    /// 0 for the engine's choice.
    pub(super) max_failures: u32,
    pub(super) scheduling: Scheduling,
    /// What a new checkpoint pins.
    pub(super) watermark_policy: String,
    given: Options,
    /// All settings as text, those of Spark that mean something by their own spelling: what SET shows and changes.
    conf: RwLock<BTreeMap<String, String>>,
    /// The same as they were at the start, for RESET.
    initial: BTreeMap<String, String>,
}

impl Settings {
    pub(super) fn check(all: &BTreeMap<String, String>) -> Result<Self> {
        let given = all;
        let mut ours = BTreeMap::new();
        let mut parallelism = None;
        let mut watermark_policy = "min".to_owned();
        let (mut master, mut max_failures, mut scheduling) = (Master::default(), None, Scheduling::default());
        for (name, value) in given {
            // Those of object stores are read when a path asks for a store.
            if crate::stores::is_setting(name) {
                continue;
            }
            if !name.starts_with("spark.") {
                ours.insert(name.clone(), value.clone());
                continue;
            }
            match known(name) {
                Some("spark.sql.shuffle.partitions") => parallelism = Some(positive(name, value)?),
                Some(MASTER) => master = Master::parse(value)?,
                Some(MAX_FAILURES) => max_failures = value.trim().parse().ok(),
                Some(SCHEDULING) if value.trim().eq_ignore_ascii_case("FIFO") => scheduling = Scheduling::Fifo,
                Some(WatermarkPolicy::SETTING) => {
                    watermark_policy = value.to_ascii_lowercase();
                    WatermarkPolicy::of(&BTreeMap::from([(WatermarkPolicy::SETTING.to_owned(), watermark_policy.clone())]))?;
                }
                Some(_) => {}
                None => warn_once(name),
            }
            check_spark(name, value)?;
        }
        let given = Options::check("the session", SETTINGS, ours.iter())?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let parallelism = given.get_positive("tidemill.parallelism")?.or(parallelism).or(master.all_threads()).unwrap_or_else(cores);
        let batch_size = given.get_positive("tidemill.batchSize")?.unwrap_or(8192);
        let threads = given.get_positive("tidemill.threads")?.or(master.threads).unwrap_or(0);
        // A master that says how often a task may fail is Spark's last word on it.
        let max_failures = master.max_failures.or(max_failures).unwrap_or(0);
        let bytes = |name: &str| match given.get(name).map(|text| (byte_count(text), text)) {
            None => Ok(0),
            Some((Some(bytes), _)) if bytes > 0 => Ok(bytes),
            Some((_, text)) => {
                Err(Error::analysis(format!("`{name}` is a number of bytes such as `4g` or `512MB`, not `{text}`: set one")))
            }
        };
        let (memory_bytes, shuffle_memory_bytes) = (bytes("tidemill.memoryBytes")?, bytes("tidemill.shuffle.memoryBytes")?);
        let memory_bytes = match master.executors {
            None => memory_bytes,
            Some(executors) if memory_bytes == 0 => executors.memory_bytes,
            Some(_) => {
                let message = "`tidemill.memoryBytes` is what one engine has, and a `local-cluster` says what each of its executors has: leave one \
                               of them out";
                return Err(error("INVALID_CONF_VALUE.REQUIREMENT", message));
            }
        };
        let spill_dir = given.get("tidemill.spillDir").map(PathBuf::from);
        let initial: BTreeMap<String, String> = all.iter().map(|(name, value)| (spelled(name), value.clone())).collect();
        let conf = RwLock::new(initial.clone());
        Ok(Self {
            parallelism,
            batch_size,
            executors: master.executors.map_or(1, |executors| executors.count),
            threads,
            memory_bytes,
            shuffle_memory_bytes,
            spill_dir,
            max_failures,
            scheduling,
            watermark_policy,
            given,
            conf,
            initial,
        })
    }

    /// What was given so far, by name.
    pub(super) fn conf(&self) -> BTreeMap<String, String> {
        self.conf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many tasks a stage has at most, as it is set now.
    pub(super) fn parallelism_now(&self) -> usize {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        conf.get("spark.sql.shuffle.partitions").and_then(|n| n.trim().parse().ok()).filter(|n| *n > 0).unwrap_or(self.parallelism)
    }

    /// How batch queries change while they run, as it is set now.
    pub(super) fn adaptive(&self) -> AdaptiveSettings {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        let flag = |name: &str| conf.get(name).and_then(|text| text.trim().to_ascii_lowercase().parse().ok()).unwrap_or(true);
        let bytes = |name: &str, usual: u64| conf.get(name).and_then(|text| byte_count(text)).unwrap_or(usual);
        let parallelism = conf.get("spark.sql.shuffle.partitions").and_then(|n| n.trim().parse().ok()).filter(|n| *n > 0);
        let usual = AdaptiveSettings::usual(parallelism.unwrap_or(self.parallelism));
        let skew = SkewSettings {
            percent_of_median: conf.get(SKEW_FACTOR).and_then(|text| percent(text)).unwrap_or(SkewSettings::USUAL.percent_of_median),
            threshold_bytes: bytes(SKEW_SIZE, SkewSettings::USUAL.threshold_bytes),
        };
        AdaptiveSettings {
            enabled: flag(ADAPTIVE),
            coalesce: flag(COALESCE),
            broadcast_bytes: bytes(BROADCAST, usual.broadcast_bytes),
            advisory_bytes: bytes(ADVISORY_SIZE, usual.advisory_bytes),
            least_bytes: bytes(LEAST_SIZE, usual.least_bytes),
            skew: flag(SKEW).then_some(skew),
            sort_merge: flag(SORT_MERGE),
            build_bytes: conf.get(BUILD_SIZE).and_then(|text| byte_count(text)),
            empty_branches: conf.get(EXCLUDED_RULES).is_none_or(|rules| !names_rule(rules, "AQEPropagateEmptyRelation")),
            filters: FilterSettings {
                enabled: flag(FILTERS),
                creation_bytes: bytes(FILTER_CREATION, usual.filters.creation_bytes),
                application_bytes: bytes(FILTER_APPLICATION, usual.filters.application_bytes),
                most_bits: bytes(FILTER_BITS, usual.filters.most_bits),
            },
            ..usual
        }
    }

    /// Whether joins take another order than that in which they are written, as it is set now.
    pub(super) fn reorders_joins(&self) -> bool {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        conf.get(JOIN_REORDER).and_then(|text| text.trim().to_ascii_lowercase().parse().ok()).unwrap_or(true)
    }

    /// How many bytes the rows of a result may take, as it is set now; 0 for any number.
    pub(super) fn max_result_bytes(&self) -> u64 {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        conf.get(MAX_RESULT).and_then(|text| byte_count(text)).unwrap_or(0)
    }

    /// The scheduler's pool of a query that is begun now.
    pub(super) fn scheduler_pool(&self) -> Option<String> {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        conf.get(POOL).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Gives a setting a value from here on.
    ///
    /// # Errors
    /// `CANNOT_MODIFY_STATIC_CONFIG`, `CANNOT_MODIFY_CONFIG`, `INVALID_CONF_VALUE.*`; `Analysis` for an unknown one of ours.
    pub(super) fn set(&self, name: &str, value: &str) -> Result<()> {
        refuse_fixed(name)?;
        check_spark(name, value)?;
        if known(name) == Some(WatermarkPolicy::SETTING) {
            WatermarkPolicy::of(&BTreeMap::from([(WatermarkPolicy::SETTING.to_owned(), value.to_ascii_lowercase())]))?;
        } else if name.starts_with("spark.") && known(name).is_none() && !crate::stores::is_setting(name) {
            warn_once(name);
        }
        self.conf.write().unwrap_or_else(PoisonError::into_inner).insert(spelled(name), value.to_owned());
        Ok(())
    }

    /// Takes a setting back to what it was at the start.
    ///
    /// # Errors
    /// As [`Settings::set`].
    pub(super) fn unset(&self, name: &str) -> Result<()> {
        refuse_fixed(name)?;
        let name = spelled(name);
        let mut conf = self.conf.write().unwrap_or_else(PoisonError::into_inner);
        match self.initial.get(&name) {
            Some(value) => conf.insert(name, value.clone()),
            None => conf.remove(&name),
        };
        Ok(())
    }

    /// Takes all settings back to what they were at the start.
    pub(super) fn reset(&self) {
        self.conf.write().unwrap_or_else(PoisonError::into_inner).clone_from(&self.initial);
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let given = self.conf.read().unwrap_or_else(PoisonError::into_inner).get(&spelled(name)).cloned();
        if known(name) == Some(WatermarkPolicy::SETTING) {
            return Some(given.map_or_else(|| self.watermark_policy.clone(), |policy| policy.to_ascii_lowercase()));
        }
        if !name.starts_with("tidemill.") {
            let default = documented().find(|spec| spec.name.eq_ignore_ascii_case(name)).map(|spec| spec.default);
            let default = match default {
                Some("") if known(name) == Some("spark.sql.shuffle.partitions") => Some(self.parallelism.to_string()),
                other => other.map(str::to_owned),
            };
            return given.or(default);
        }
        let spec = SETTINGS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))?;
        Some(match spec.name {
            "tidemill.parallelism" => self.parallelism.to_string(),
            "tidemill.batchSize" => self.batch_size.to_string(),
            "tidemill.threads" if self.threads > 0 => self.threads.to_string(),
            other => self.given.get(other).unwrap_or(spec.default).to_owned(),
        })
    }
}

/// A number of bytes as Spark takes it: plain, or with a unit of 1 024s. What is negative is none at all.
fn byte_count(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        "t" | "tb" => 40,
        "p" | "pb" => 50,
        _ => return None,
    };
    let number: i64 = number.parse().ok()?;
    u64::try_from(number).unwrap_or(0).checked_mul(1 << shift)
}

/// A factor as hundredths; `None` for what is no number from 0 up.
fn percent(text: &str) -> Option<u64> {
    let factor: f64 = text.trim().parse().ok()?;
    (factor.is_finite() && factor >= 0.0).then_some((factor * 100.0).round() as u64)
}

/// Whether a list of rules, each with or without its package, has this one.
fn names_rule(rules: &str, rule: &str) -> bool {
    rules.split(',').filter_map(|named| named.trim().rsplit('.').next()).any(|named| named == rule)
}

fn positive(name: &str, value: &str) -> Result<usize> {
    match value.parse::<usize>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(Error::analysis(format!("setting `{name}` must be a whole number of at least 1, not `{value}`"))),
    }
}

/// Spark's own spelling of a setting that means something here.
fn known(name: &str) -> Option<&'static str> {
    SPARK.iter().map(|spec| spec.name).chain(SWITCHES.iter().map(|switch| switch.name)).find(|known| known.eq_ignore_ascii_case(name))
}

fn spelled(name: &str) -> String {
    known(name).map_or_else(|| name.to_owned(), str::to_owned)
}

/// Every setting that means something: name, default, meaning.
pub(crate) fn documented() -> impl Iterator<Item = OptionSpec> {
    let switches = SWITCHES.iter().map(|switch| OptionSpec { name: switch.name, default: switch.default, doc: switch.doc });
    SPARK.iter().copied().chain(switches).chain(SETTINGS.iter().copied())
}

fn refuse_fixed(name: &str) -> Result<()> {
    if STATIC.iter().any(|fixed| fixed.eq_ignore_ascii_case(name)) {
        let message = format!("`{name}` holds for the whole session: give it when the session is built");
        return Err(error("CANNOT_MODIFY_STATIC_CONFIG", message).with_parameter("key", format!("\"{name}\"")));
    }
    if name.starts_with("tidemill.") {
        Options::check("the session", SETTINGS, [(&name.to_owned(), &String::new())])?;
        let message = format!("`{name}` is about the engine, which has started: give it when the session is built");
        return Err(error("CANNOT_MODIFY_CONFIG", message).with_parameter("key", format!("\"{name}\"")));
    }
    const CORE: [&str; 10] = [
        MASTER,
        SCHEDULING,
        POOLS_FILE,
        "spark.app.",
        "spark.driver.",
        "spark.executor.",
        "spark.task.",
        "spark.jars",
        "spark.local.",
        "spark.memory.",
    ];
    if CORE.iter().any(|prefix| name.starts_with(prefix)) {
        let message = format!("`{name}` is about the process, which has started: give it when the session is built");
        return Err(error("CANNOT_MODIFY_CONFIG", message).with_parameter("key", format!("\"{name}\"")));
    }
    Ok(())
}

/// Refuses a value that one of Spark's settings does not take.
fn check_spark(name: &str, value: &str) -> Result<()> {
    let one_of = |allowed: &[&str]| {
        if allowed.iter().any(|a| a.eq_ignore_ascii_case(value.trim())) {
            return Ok(());
        }
        let message = format!("`{name}` is one of {}, not `{value}`: set one of them", allowed.join(", "));
        Err(error("INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS", message))
    };
    let mismatch = |what: &str| error("INVALID_CONF_VALUE.TYPE_MISMATCH", format!("`{name}` is {what}, not `{value}`: set one"));
    if let Some(switch) = switches::find(name) {
        let text = value.trim();
        return match switch.takes {
            Takes::Flag if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => Ok(()),
            Takes::Flag => Err(mismatch("true or false")),
            Takes::Whole => text.parse::<i32>().map(|_| ()).map_err(|_| mismatch("a whole number")),
            Takes::OneOf(words) => one_of(words),
            Takes::Text => Ok(()),
        };
    }
    if name.eq_ignore_ascii_case(POOLS_FILE) {
        let message = format!("`{name}` is not read, pools have neither weights nor shares: leave it out, `{POOL}` alone names a pool");
        return Err(Error::unsupported(message));
    }
    match known(name) {
        Some(MASTER) => Master::parse(value).map(drop),
        Some(MAX_FAILURES) => match value.trim().parse::<u32>() {
            Ok(failures) if failures > 0 => Ok(()),
            _ => Err(mismatch("a whole number of at least 1")),
        },
        Some(SCHEDULING) => one_of(&["FAIR", "FIFO"]),
        Some("spark.sql.session.timeZone") => TimeZone::parse(value).map(|_| ()).map_err(|_| {
            let message = format!("`{value}` is no time zone: name one like `Europe/Berlin`, `UTC` or `+01:00`");
            error("INVALID_CONF_VALUE.TIME_ZONE", message).with_parameter("confName", name).with_parameter("confValue", value)
        }),
        Some("spark.sql.shuffle.partitions") => match value.trim().parse::<usize>() {
            Ok(n) if n > 0 => Ok(()),
            Ok(_) => Err(error(
                "INVALID_CONF_VALUE.REQUIREMENT",
                format!("setting `{name}` must be a whole number of at least 1, not `{value}`"),
            )),
            Err(_) => Err(error(
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                format!("setting `{name}` must be a whole number of at least 1, not `{value}`"),
            )),
        },
        Some(ADVISORY_SIZE | LEAST_SIZE | BROADCAST | SKEW_SIZE | BUILD_SIZE | FILTER_CREATION | FILTER_APPLICATION | MAX_RESULT) => {
            match byte_count(value) {
                Some(_) => Ok(()),
                None => Err(mismatch("a number of bytes such as `64MB`, `1g` or `1048576`")),
            }
        }
        Some(SKEW_FACTOR) => percent(value).map(drop).ok_or_else(|| mismatch("a number from 0 up")),
        Some(FILTER_BITS) => match value.trim().parse::<u64>() {
            Ok(bits) if bits > 0 => Ok(()),
            _ => Err(mismatch("a whole number of at least 1")),
        },
        Some("spark.sql.repl.eagerEval.enabled" | ADAPTIVE | COALESCE | JOIN_REORDER | SKEW | SORT_MERGE | FILTERS) => {
            if value.trim().parse::<bool>().is_ok() { Ok(()) } else { Err(mismatch("true or false")) }
        }
        Some("spark.sql.repl.eagerEval.maxNumRows" | "spark.sql.repl.eagerEval.truncate" | "spark.sql.pyspark.plotting.max_rows") => {
            value.trim().parse::<u32>().map(drop).map_err(|_| mismatch("a whole number"))
        }
        Some("spark.sql.sources.partitionOverwriteMode") => one_of(&["STATIC", "DYNAMIC"]),
        Some("spark.sql.storeAssignmentPolicy") => one_of(&["ANSI", "LEGACY", "STRICT"]),
        _ => Ok(()),
    }
}

fn warn_once(name: &str) {
    static WARNED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !warned.iter().any(|known| known == name) {
        tracing::warn!(setting = name, "this Spark setting is not known and has no effect");
        warned.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidemill_planner::stage::{AdaptiveSettings, SkewSettings};

    use super::Settings;

    fn adaptive(given: &[(&str, &str)]) -> AdaptiveSettings {
        let given: BTreeMap<String, String> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::check(&given).unwrap().adaptive()
    }

    #[test]
    fn rules_of_adaptive_execution_are_turned_off_and_set() {
        let usual = adaptive(&[]);
        assert_eq!(usual, AdaptiveSettings::usual(usual.parallelism));
        let skew = |percent_of_median, threshold_bytes| Some(SkewSettings { percent_of_median, threshold_bytes });
        for (name, value, expected) in [
            ("spark.sql.adaptive.skewJoin.enabled", "false", AdaptiveSettings { skew: None, ..usual.clone() }),
            (
                "spark.sql.adaptive.skewJoin.skewedPartitionFactor",
                "2.5",
                AdaptiveSettings { skew: skew(250, SkewSettings::USUAL.threshold_bytes), ..usual.clone() },
            ),
            (
                "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes",
                "256MB",
                AdaptiveSettings { skew: skew(SkewSettings::USUAL.percent_of_median, 256 << 20), ..usual.clone() },
            ),
            ("spark.sql.join.preferSortMergeJoin", "false", AdaptiveSettings { sort_merge: false, ..usual.clone() }),
            (
                "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold",
                "1KB",
                AdaptiveSettings { build_bytes: Some(1_024), ..usual.clone() },
            ),
            (
                "spark.sql.adaptive.optimizer.excludedRules",
                "Other, org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
                AdaptiveSettings { empty_branches: false, ..usual.clone() },
            ),
            ("spark.sql.adaptive.optimizer.excludedRules", "Other", usual.clone()),
        ] {
            assert_eq!(adaptive(&[(name, value)]), expected, "{name} = {value}");
        }
    }

    #[test]
    fn values_that_they_do_not_take_are_refused() {
        for (name, value) in [
            ("spark.sql.adaptive.skewJoin.enabled", "yes"),
            ("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "-1"),
            ("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "NaN"),
            ("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "much"),
            ("spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold", "1 mile"),
        ] {
            let error = Settings::check(&BTreeMap::from([(name.to_owned(), value.to_owned())])).unwrap_err();
            assert!(error.message().contains(name) && error.message().contains(value), "{error}");
        }
    }
}
