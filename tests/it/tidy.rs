//! The house rules that a compiler does not check: which crate may name which, and that every file says what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each may depend on.
const ARROWS: [(&str, &[&str]); 7] = [
    ("tidemill-planner", &[]),
    ("tidemill-spark", &["tidemill-planner"]),
    ("tidemill-executor", &["tidemill-planner"]),
    ("tidemill-lakehouse", &["tidemill-executor", "tidemill-planner"]),
    ("tidemill-streaming", &["tidemill-executor", "tidemill-planner"]),
    ("tidemill", &["tidemill-executor", "tidemill-lakehouse", "tidemill-planner", "tidemill-spark", "tidemill-streaming"]),
    ("tidemill-python", &["tidemill", "tidemill-spark"]),
];

#[test]
fn crates_name_only_those_below_them() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs, since it runs this test");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a package has a name").to_owned();
        let ours: Vec<String> = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter_map(|d| d["name"].as_str())
            .filter(|d| d.starts_with("tidemill"))
            .map(str::to_owned)
            .collect();
        found.insert(name, ours);
    }
    for (name, allowed) in ARROWS {
        let named = found.get(name).unwrap_or_else(|| panic!("there is no crate {name}"));
        let too_many: Vec<&String> = named.iter().filter(|d| !allowed.contains(&d.as_str())).collect();
        assert!(too_many.is_empty(), "{name} may name {allowed:?} of our crates, and names {too_many:?} as well");
    }
}

/// The README's first command and its second compile the same dependencies: none with other features in one than in the other.
#[test]
fn the_two_commands_share_what_they_compile() {
    let features = |args: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--prefix", "none", "--format", "{p}|{f}", "--manifest-path"])
            .arg(root().join("Cargo.toml"))
            .args(args)
            .output()
            .expect("cargo runs, since it runs this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some((package, features)) = line.split_once('|') else { continue };
            found.entry(package.to_owned()).or_default().insert(features.trim_end_matches(" (*)").to_owned());
        }
        found
    };
    let (first, second) = (features(&["--edges", "no-dev"]), features(&["--workspace"]));
    assert!(first.len() > 200, "{}", first.len());
    let others: Vec<_> = first.iter().filter(|(package, features)| second.get(*package) != Some(features)).collect();
    assert!(others.is_empty(), "compiled twice, with other features than the tests': {others:?}");
}

#[test]
fn every_file_says_what_it_is() {
    let mut silent = Vec::new();
    let mut read = 0;
    for dir in ["planner", "executor", "lakehouse", "streaming", "python", "src", "tests", "benches"] {
        for file in rust_files(&root().join(dir)) {
            read += 1;
            let text = std::fs::read_to_string(&file).expect("a source file is text");
            let opening = text.lines().next().unwrap_or_default();
            if !opening.starts_with("//! ") || opening.len() < 20 {
                silent.push(file);
            }
        }
    }
    assert!(read > 100, "only {read} files were found: this test looks in the wrong place");
    assert!(silent.is_empty(), "files whose first line is no `//!` sentence: {silent:#?}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("a folder lists").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
