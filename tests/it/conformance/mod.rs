//! Spark's own answers as a measure: the golden files of its SQL suite and the examples of its function docs, with a ratchet on both.
//!
//! Spark's published jars are the material; none of it is in this repository, and `material.rs` brings it. The files and functions
//! are dealt into two halves by a hash of their names. This test runs one half; the other is kept closed, so that it can judge
//! later whether rules were met or cases were learned.
//!
//! ```text
//! UPDATE_EXPECT=1                          what is better than its line in golden.tsv or functions.tsv gets a new line
//! UPDATE_EXPECT=1 TIDEMILL_RATCHET=reset   so does what is worse
//! TIDEMILL_ONLY=text                       only files and groups that have the text in their name; every difference is printed
//! TIDEMILL_TABLE=1                         the table of docs/conformance.md, with the reasons that it has now, is printed
//! ```

mod compare;
mod functions;
mod golden;
mod material;
mod ratchet;
mod report;
mod run;
mod tables;
mod tpc;

use report::Report;

/// Whether a file or function of that name is in the half that is run here: the first byte of the name's MD5 is even.
fn is_ours(name: &str) -> bool {
    use md5::Digest;
    md5::Md5::digest(name.as_bytes())[0].is_multiple_of(2)
}

/// `TIDEMILL_ONLY`, if it is set.
fn only() -> Option<String> {
    std::env::var("TIDEMILL_ONLY").ok().filter(|text| !text.is_empty())
}

#[test]
fn golden_files_do_no_worse() {
    let material = golden::material().unwrap_or_else(|why| panic!("{why}"));
    let files: Vec<golden::File> = golden::files(&material).into_iter().filter(|file| is_asked(&file.name)).collect();
    assert!(only().is_some() || files.len() > 90, "only {} golden files were found in {}", files.len(), material.display());
    let reports = run::in_parallel(&files, |file| file.cases.len(), |runtime, file| golden::run(runtime, &material, file));
    report::print_summary("golden files", &reports);
    report::write_details("conformance-golden.json", &reports);
    if report::is_table_asked() {
        println!("{}", report::table(&reports));
    }
    held("golden.tsv", "# file\tqueries\terrors\tcommands\tstatements that do not agree yet, by number", &reports);
}

#[test]
fn function_examples_do_no_worse() {
    let material = functions::material().unwrap_or_else(|why| panic!("{why}"));
    let sets: Vec<functions::Set> = functions::sets(&material).into_iter().filter(|set| is_asked(&set.group)).collect();
    assert!(only().is_some() || sets.len() > 10, "only {} groups of functions were found in {}", sets.len(), material.display());
    let reports = run::in_parallel(&sets, |set| set.examples.len(), functions::run);
    let reports = functions::by_group(reports);
    report::print_summary("function examples", &reports);
    report::write_details("conformance-functions.json", &reports);
    held("functions.tsv", "# group\texamples\terrors\tcommands\tfunctions whose examples do not all agree yet", &reports);
}

fn is_asked(name: &str) -> bool {
    only().is_none_or(|text| name.contains(&text))
}

fn held(file: &str, header: &str, reports: &[Report]) {
    if only().is_some() {
        for report in reports {
            report.differences().for_each(|case| println!("{}", case.told(&report.name)));
        }
    }
    if let Err(losses) = ratchet::check(file, header, reports, only().is_some()) {
        panic!("{losses}");
    }
}

#[test]
fn names_are_dealt_by_their_hash() {
    for (name, ours) in [("cast.sql", true), ("postgreSQL/date.sql", true), ("union.sql", true)] {
        assert_eq!(is_ours(name), ours, "{name}");
    }
    let ours = (0..1000).filter(|n| is_ours(&n.to_string())).count();
    assert!((400..600).contains(&ours), "{ours} of 1000 names are ours");
}
