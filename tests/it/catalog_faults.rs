//! Statements of two sessions at once over one warehouse, and statements that a kill cuts short: the interleavings and the deaths are
//! forced at named points.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use fail::FailScenario;
use tidemill::Session;

use crate::catalog::{outcome, session};

/// Carries statements out in order, each in a session of its own; each gives these rows, or fails with this condition.
async fn check(warehouse: &Path, story: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(&outcome(&session(warehouse), text).await, expected, "{story}: {text}");
    }
}

/// The folders of data in a warehouse.
fn folders(warehouse: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(warehouse).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "_tidemill_catalog");
    names.sort();
    names
}

const SECOND: &str = "the second session";

/// Carries `first` out, and `second` on another thread from when `first` comes to `point`; `first` goes on when `second` is done, or waits
/// for a lock. What each gives.
async fn at_once(warehouse: &Path, point: &str, first: &str, second: &str) -> (String, String) {
    let ours = thread::current().id();
    let (event, events) = mpsc::channel::<()>();
    let (waits, done) = (event.clone(), event);
    let wait = move || {
        if thread::current().name() == Some(SECOND) {
            let _ = waits.send(());
        }
    };
    fail::cfg_callback("catalog::lock.wait", wait).unwrap();
    let running = Arc::new(Mutex::new(None));
    let (started, events, called) = (Arc::clone(&running), Mutex::new(events), AtomicBool::new(false));
    let (theirs, text) = (warehouse.to_owned(), second.to_owned());
    let begin = move || {
        if thread::current().id() != ours || called.swap(true, Ordering::Relaxed) {
            return;
        }
        let (theirs, text, done) = (theirs.clone(), text.clone(), done.clone());
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let outcome = runtime.block_on(async { outcome(&session(&theirs), &text).await });
            let _ = done.send(());
            outcome
        };
        *started.lock().unwrap() = Some(thread::Builder::new().name(SECOND.to_owned()).spawn(run).unwrap());
        events.lock().unwrap().recv().unwrap();
    };
    fail::cfg_callback(point, begin).unwrap();
    let first_gave = outcome(&session(warehouse), first).await;
    let second = running.lock().unwrap().take().unwrap_or_else(|| panic!("{first} did not come to {point}: {first_gave}"));
    let second_gave = second.join().unwrap();
    fail::remove(point);
    fail::remove("catalog::lock.wait");
    (first_gave, second_gave)
}

/// Two statements at once.
struct Race {
    before: &'static [&'static str],
    point: &'static str,
    first: (&'static str, &'static str),
    second: (&'static str, &'static str),
    after: &'static [(&'static str, &'static str)],
}

const T: &[&str] = &["CREATE TABLE t USING $f AS SELECT 1 AS a"];

/// `$f` is the format, and `$d` a folder outside the warehouse.
const RACES: &[Race] = &[
    Race {
        before: T,
        point: "command::insert.target",
        first: ("INSERT INTO t VALUES (2)", ""),
        second: ("ALTER TABLE t RENAME TO u", ""),
        after: &[("SELECT * FROM u ORDER BY a", "1;2"), ("SHOW TABLES", "false|default|u"), ("CREATE TABLE t AS SELECT 3 AS a", "")],
    },
    Race {
        before: T,
        point: "catalog::rename.moving",
        first: ("ALTER TABLE t RENAME TO u", ""),
        second: ("INSERT INTO t VALUES (2)", "TABLE_OR_VIEW_NOT_FOUND"),
        after: &[("SELECT * FROM u", "1"), ("SELECT * FROM t", "TABLE_OR_VIEW_NOT_FOUND")],
    },
    Race {
        before: T,
        point: "command::insert.target",
        first: ("INSERT INTO t VALUES (2)", ""),
        second: ("DROP TABLE t", ""),
        after: &[("CREATE TABLE t USING $f AS SELECT 9 AS a", ""), ("SELECT * FROM t", "9")],
    },
    Race {
        before: T,
        point: "command::insert.target",
        first: ("INSERT INTO t VALUES (2)", ""),
        second: ("TRUNCATE TABLE t", ""),
        after: &[("SELECT * FROM t", "")],
    },
    Race {
        before: &[],
        point: "command::create.put",
        first: ("CREATE TABLE t USING $f AS SELECT 1 AS a", ""),
        second: ("INSERT INTO t VALUES (2)", ""),
        after: &[("SELECT * FROM t ORDER BY a", "1;2")],
    },
    Race {
        before: T,
        point: "command::create.put",
        first: ("CREATE OR REPLACE TABLE t USING $f AS SELECT 5 AS a", ""),
        second: ("INSERT INTO t VALUES (2)", ""),
        after: &[("SELECT * FROM t ORDER BY a", "2;5")],
    },
    Race {
        before: T,
        point: "catalog::rename.moving",
        first: ("ALTER TABLE t RENAME TO x", ""),
        second: ("ALTER TABLE t RENAME TO y", "TABLE_OR_VIEW_NOT_FOUND"),
        after: &[("SHOW TABLES", "false|default|x"), ("SELECT * FROM x", "1")],
    },
    Race {
        before: &[],
        point: "command::create.filled",
        first: ("CREATE TABLE t USING $f LOCATION '$d' AS SELECT 1 AS a", ""),
        second: ("CREATE TABLE t USING $f LOCATION '$d' AS SELECT 2 AS a", "TABLE_OR_VIEW_ALREADY_EXISTS"),
        after: &[("SELECT * FROM t", "1")],
    },
    Race {
        before: &[],
        point: "command::create.filled",
        first: ("CREATE OR REPLACE TABLE t USING $f AS SELECT 1 AS a", ""),
        second: ("CREATE OR REPLACE TABLE t USING $f AS SELECT 2 AS a", ""),
        after: &[("SELECT * FROM t", "2")],
    },
    Race {
        before: &["CREATE TABLE t (a INT) USING $f"],
        point: "command::alter.found",
        first: ("ALTER TABLE t SET TBLPROPERTIES ('x' = '1')", ""),
        second: ("ALTER TABLE t SET TBLPROPERTIES ('y' = '2')", ""),
        after: &[("SHOW TBLPROPERTIES t", "x|1;y|2")],
    },
    // Readers hold nothing, and still read the table as it was before or is after.
    Race {
        before: T,
        point: "open::relation.found",
        first: ("SELECT * FROM t", "5"),
        second: ("CREATE OR REPLACE TABLE t USING $f AS SELECT 5 AS a", ""),
        after: &[],
    },
    Race {
        before: T,
        point: "open::relation.found",
        first: ("SELECT * FROM t", "TABLE_OR_VIEW_NOT_FOUND"),
        second: ("DROP TABLE t", ""),
        after: &[],
    },
    Race {
        before: &["CREATE DATABASE db"],
        point: "command::create.filled",
        first: ("CREATE TABLE db.t USING $f AS SELECT 1 AS a", ""),
        second: ("DROP DATABASE db", "SCHEMA_NOT_EMPTY"),
        after: &[("SELECT * FROM db.t", "1"), ("DROP DATABASE db CASCADE", "")],
    },
    // Two databases, one folder.
    Race {
        before: &["CREATE DATABASE d1 LOCATION '$d'", "CREATE DATABASE d2 LOCATION '$d'"],
        point: "command::create.filled",
        first: ("CREATE TABLE d1.z USING $f AS SELECT 1 AS a", ""),
        second: ("CREATE TABLE d2.z USING $f AS SELECT 2 AS a", ""),
        after: &[("SELECT * FROM d2.z", "2")],
    },
    Race {
        before: &["CREATE DATABASE db", "CREATE TABLE db.t USING $f AS SELECT 1 AS a"],
        point: "command::insert.target",
        first: ("INSERT INTO db.t VALUES (2)", ""),
        second: ("DROP DATABASE db CASCADE", ""),
        after: &[("SELECT * FROM db.t", "TABLE_OR_VIEW_NOT_FOUND"), ("CREATE DATABASE db", ""), ("SHOW TABLES IN db", "")],
    },
];

/// Column changes, which Delta tables do not have here.
const FILE_RACES: &[Race] = &[Race {
    before: &["CREATE TABLE t (a INT) USING $f"],
    point: "command::alter.found",
    first: ("ALTER TABLE t ALTER COLUMN a COMMENT 'c'", ""),
    second: ("ALTER TABLE t ALTER COLUMN a SET DEFAULT 5", ""),
    after: &[
        ("DESCRIBE t", "a|c|int;||;# Column Default Values||;a|5|int"),
        ("INSERT INTO t VALUES (DEFAULT)", ""),
        ("SELECT * FROM t", "5"),
    ],
}];

#[tokio::test]
async fn of_two_statements_at_once_each_is_whole() {
    let scenario = FailScenario::setup();
    for (races, format) in [(RACES, "parquet"), (RACES, "delta"), (FILE_RACES, "parquet")] {
        for race in races {
            let dir = tempfile::tempdir().unwrap();
            let warehouse = dir.path().join("warehouse");
            let said = |text: &str| text.replace("$f", format).replace("$d", &dir.path().join("outside").display().to_string());
            let story = format!("{format}: {} beside {}", race.first.0, race.second.0);
            for text in race.before {
                check(&warehouse, &story, &[(&said(text), "")]).await;
            }
            let gave = at_once(&warehouse, race.point, &said(race.first.0), &said(race.second.0)).await;
            assert_eq!((gave.0.as_str(), gave.1.as_str()), (race.first.1, race.second.1), "{story}");
            for (text, expected) in race.after {
                check(&warehouse, &story, &[(&said(text), expected)]).await;
            }
            let left = folders(&warehouse);
            assert!(!left.iter().any(|name| name.starts_with('_')) && left.len() <= 2, "{story}: {left:?}");
        }
    }
    scenario.teardown();
}

/// Tells the process that is killed its warehouse and its statement.
const STATEMENT: &str = "TIDEMILL_TEST_STATEMENT";

#[tokio::test]
#[ignore = "it is the process that the next tests kill"]
async fn statement() {
    let Ok(told) = std::env::var(STATEMENT) else { return };
    let (warehouse, text) = told.split_once('\n').unwrap();
    let _armed = FailScenario::setup();
    let session: Session = session(Path::new(warehouse));
    panic!("the statement has ended: {}", outcome(&session, text).await);
}

fn dies(warehouse: &Path, death: &str, text: &str) {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["catalog_faults::statement", "--exact", "--ignored"])
        .env("FAILPOINTS", format!("{death}=return"))
        .env(STATEMENT, format!("{}\n{text}", warehouse.display()))
        .output()
        .unwrap();
    const SIGABRT: i32 = 6;
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{text}: {death} was not reached: {ended:?}");
}

/// A statement that dies, and what is said after it.
struct Death {
    point: &'static str,
    before: &'static [&'static str],
    text: &'static str,
    after: &'static [(&'static str, &'static str)],
    /// The folders that are there in the end, up to a `-`.
    left: &'static [&'static str],
}

const RENAME: &str = "ALTER TABLE t RENAME TO u";
const REPLACE: &str = "CREATE OR REPLACE TABLE t USING $f AS SELECT 2 AS a";
const CREATE: &str = "CREATE TABLE t USING $f AS SELECT 3 AS a";
const GONE: &str = "TABLE_OR_VIEW_NOT_FOUND";

/// The old name is free, and nothing that is done with it touches the new one.
const RENAMED: &[(&str, &str)] = &[
    ("SHOW TABLES", "false|default|u"),
    ("SELECT * FROM t", GONE),
    ("SELECT * FROM u", "1"),
    ("DROP TABLE IF EXISTS t", ""),
    ("SELECT * FROM u", "1"),
    (CREATE, ""),
    ("SELECT * FROM t", "3"),
    ("SELECT * FROM u", "1"),
    ("ALTER TABLE u SET TBLPROPERTIES ('x' = '1')", ""),
    ("SELECT * FROM t", "3"),
    ("DROP TABLE u", ""),
    ("SELECT * FROM t", "3"),
    ("DROP TABLE t", ""),
];

const DEATHS: &[Death] = &[
    Death {
        point: "catalog::rename.moving",
        before: T,
        text: RENAME,
        after: &[
            ("SHOW TABLES", "false|default|t"),
            ("SELECT * FROM u", GONE),
            ("CREATE TABLE u USING $f AS SELECT 2 AS a", ""),
            ("SELECT * FROM t", "1"),
            ("DROP TABLE u", ""),
            ("SELECT * FROM t", "1"),
            (RENAME, ""),
            ("SELECT * FROM u", "1"),
            ("SELECT * FROM t", GONE),
            ("DROP TABLE u", ""),
        ],
        left: &[],
    },
    Death { point: "catalog::rename.named", before: T, text: RENAME, after: RENAMED, left: &[] },
    Death { point: "catalog::settle.renamed", before: T, text: RENAME, after: RENAMED, left: &[] },
    // What is done with the new name first settles the old one.
    Death {
        point: "catalog::rename.named",
        before: T,
        text: RENAME,
        after: &[
            ("ALTER TABLE u RENAME TO v", ""),
            ("SELECT * FROM t", GONE),
            ("SELECT * FROM v", "1"),
            ("DROP TABLE v", ""),
            ("SHOW TABLES", ""),
        ],
        left: &[],
    },
    Death {
        point: "catalog::rename.named",
        before: &["CREATE VIEW t AS SELECT 1 AS a"],
        text: "ALTER VIEW t RENAME TO u",
        after: &[("SELECT * FROM t", GONE), ("SELECT * FROM u", "1"), ("DROP VIEW u", ""), ("SELECT * FROM t", GONE)],
        left: &[],
    },
    Death { point: "catalog::drop.put", before: T, text: "DROP TABLE t", after: &[("SELECT * FROM t", GONE), (CREATE, "")], left: &["t"] },
    Death {
        point: "catalog::settle.removed",
        before: T,
        text: "DROP TABLE t",
        after: &[(CREATE, ""), ("SELECT * FROM t", "3")],
        left: &["t"],
    },
    Death {
        point: "command::create.filled",
        before: &[],
        text: CREATE,
        after: &[("SELECT * FROM t", GONE), (CREATE, ""), ("SELECT * FROM t", "3")],
        left: &["t"],
    },
    Death {
        point: "command::create.put",
        before: &[],
        text: CREATE,
        after: &[
            ("SELECT * FROM t", "3"),
            ("INSERT INTO t VALUES (4)", ""),
            (RENAME, ""),
            ("SELECT * FROM u ORDER BY a", "3;4"),
            ("DROP TABLE u", ""),
        ],
        left: &[],
    },
    Death {
        point: "command::create.filled",
        before: T,
        text: REPLACE,
        after: &[("SELECT * FROM t", "1"), (REPLACE, ""), ("SELECT * FROM t", "2")],
        left: &["t-"],
    },
    Death {
        point: "command::create.put",
        before: T,
        text: REPLACE,
        after: &[("SELECT * FROM t", "2"), ("ALTER TABLE t SET TBLPROPERTIES ('x' = '1')", ""), ("SELECT * FROM t", "2")],
        left: &["t-"],
    },
    Death {
        point: "catalog::settle.removed",
        before: T,
        text: REPLACE,
        after: &[("SELECT * FROM t", "2"), ("DROP TABLE t", "")],
        left: &[],
    },
];

/// Those that plain files alone have.
const FILE_DEATHS: &[Death] = &[
    Death { point: "catalog::settle.moved", before: T, text: RENAME, after: RENAMED, left: &[] },
    Death {
        point: "io::save.done",
        before: &["CREATE TABLE t (a INT, p INT) USING $f PARTITIONED BY (p)"],
        text: "INSERT INTO t VALUES (1, 1), (2, 2)",
        after: &[
            ("ALTER TABLE t DROP PARTITION (p = 1)", ""),
            ("SELECT * FROM t", "2|2"),
            ("INSERT INTO t VALUES (3, 3)", ""),
            ("SELECT * FROM t ORDER BY a", "2|2;3|3"),
        ],
        left: &["t"],
    },
    Death {
        point: "io::save.done",
        before: &["CREATE TABLE t (a INT, p INT) USING $f PARTITIONED BY (p)"],
        text: "INSERT INTO t VALUES (1, 1), (2, 2)",
        after: &[
            ("ALTER TABLE t PARTITION (p = 1) RENAME TO PARTITION (p = 3)", ""),
            ("INSERT INTO t VALUES (4, 4)", ""),
            ("SELECT * FROM t ORDER BY a", "1|3;2|2;4|4"),
        ],
        left: &["t"],
    },
    // Partitions that an overwrite has emptied go with the next save.
    Death {
        point: "io::save.removed",
        before: &["CREATE TABLE t (a INT, p INT) USING $f PARTITIONED BY (p)", "INSERT INTO t VALUES (1, 1), (2, 2)"],
        text: "INSERT OVERWRITE t VALUES (3, 3)",
        after: &[("INSERT INTO t VALUES (4, 3)", ""), ("SHOW PARTITIONS t", "p=3"), ("SELECT * FROM t ORDER BY a", "3|3;4|3")],
        left: &["t"],
    },
];

#[tokio::test]
async fn what_a_kill_leaves_is_one_table_under_one_name_and_nothing_else() {
    // Whoever waits for an armed scenario of another test must not hold the points of this process.
    let scenario = FailScenario::setup();
    for (deaths, format) in [(DEATHS, "parquet"), (DEATHS, "delta"), (FILE_DEATHS, "parquet")] {
        for death in deaths {
            let dir = tempfile::tempdir().unwrap();
            let warehouse = dir.path().join("warehouse");
            let said = |text: &str| text.replace("$f", format);
            let story = format!("{format}: {} dies at {}", death.text, death.point);
            for text in death.before {
                check(&warehouse, &story, &[(&said(text), "")]).await;
            }
            dies(&warehouse, death.point, &said(death.text));
            for (text, expected) in death.after {
                check(&warehouse, &story, &[(&said(text), expected)]).await;
            }
            let left = folders(&warehouse);
            let fits = |(name, wanted): (&String, &&str)| {
                if wanted.ends_with('-') { name.starts_with(*wanted) } else { name.split('-').next() == Some(wanted) }
            };
            assert!(left.len() == death.left.len() && left.iter().zip(death.left).all(fits), "{story}: {left:?}");
        }
    }
    scenario.teardown();
}
