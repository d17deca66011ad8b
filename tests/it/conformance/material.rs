//! Brings Spark's published jars into a cache outside the repository, and unpacks what the tests read.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "4.2.0";

/// Where the jars are kept: `TIDEMILL_SUITES`, or a folder of the user's cache.
fn cache() -> Result<PathBuf, String> {
    let cache = match (std::env::var_os("TIDEMILL_SUITES"), std::env::var_os("HOME")) {
        (Some(given), _) => PathBuf::from(given),
        (None, Some(home)) => Path::new(&home).join(".cache/tidemill-suites"),
        (None, None) => return Err("neither HOME nor TIDEMILL_SUITES is set: set TIDEMILL_SUITES to a folder for Spark's jars".to_owned()),
    };
    std::fs::create_dir_all(cache.join("jars")).map_err(|e| format!("{}: {e}", cache.display()))?;
    cache.canonicalize().map_err(|e| format!("{}: {e}", cache.display()))
}

/// The folder `name` of the cache, with these parts of the jar; nothing is fetched when it is there.
pub(super) fn unpacked(name: &str, artifact: &str, classifier: &str, parts: &[&str]) -> Result<PathBuf, String> {
    let cache = cache()?;
    let ready = cache.join(name);
    if ready.exists() {
        return Ok(ready);
    }
    let jar = jar(&cache, artifact, classifier)?;
    // Another run may do the same now: each works in a folder of its own, and the first one to rename it wins.
    let work = tempfile::tempdir_in(&cache).map_err(|e| format!("{}: {e}", cache.display()))?;
    let (all, picked) = (work.path().join("all"), work.path().join("picked"));
    unpack(&jar, &all, parts)?;
    for part in parts {
        let target = picked.join(part);
        std::fs::create_dir_all(target.parent().unwrap_or(&picked)).map_err(|e| format!("{}: {e}", target.display()))?;
        std::fs::rename(all.join(part), &target)
            .map_err(|e| format!("{} holds no {part}: {e}; remove it to fetch it again", jar.display()))?;
    }
    match std::fs::rename(&picked, &ready) {
        Err(error) if !ready.exists() => Err(format!("{}: {error}", ready.display())),
        _ => Ok(ready),
    }
}

fn jar(cache: &Path, artifact: &str, classifier: &str) -> Result<PathBuf, String> {
    let file = format!("{artifact}-{VERSION}-{classifier}.jar");
    let jar = cache.join("jars").join(&file);
    if jar.exists() {
        return Ok(jar);
    }
    let coordinates = format!("org.apache.spark:{artifact}:{VERSION}:jar:{classifier}");
    let work = tempfile::tempdir_in(cache).map_err(|e| format!("{}: {e}", cache.display()))?;
    let maven = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy", "-Dmdep.useBaseVersion=true"])
        .arg(format!("-Dartifact={coordinates}"))
        .arg(format!("-DoutputDirectory={}", work.path().display()))
        .current_dir(work.path())
        .stdin(Stdio::null())
        .output();
    let by_hand = format!("install Maven (`apt install maven`), or put {coordinates} of Maven Central at {}", jar.display());
    match maven {
        Err(error) => Err(format!("the conformance tests need Spark's jars, and `mvn` does not start ({error}): {by_hand}")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            Err(format!("`mvn` could not bring {coordinates}: {}\n{by_hand}", said.trim()))
        }
        Ok(_) => {
            std::fs::rename(work.path().join(&file), &jar).map_err(|e| format!("`mvn` left no {file}: {e}; {by_hand}"))?;
            Ok(jar)
        }
    }
}

/// Unpacks at least these parts with whichever tool is there.
fn unpack(jar: &Path, into: &Path, parts: &[&str]) -> Result<(), String> {
    std::fs::create_dir_all(into).map_err(|e| format!("{}: {e}", into.display()))?;
    let mut unzip = Command::new("unzip");
    unzip.arg("-q").arg(jar).args(parts.iter().map(|part| format!("{part}/*")));
    let mut java = Command::new("jar");
    java.arg("xf").arg(jar).args(parts);
    let mut python = Command::new("python3");
    python.args(["-m", "zipfile", "-e"]).arg(jar).arg(".");
    let mut told = Vec::new();
    for mut tool in [unzip, java, python] {
        match tool.current_dir(into).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => told.push(format!("{tool:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => told.push(format!("{tool:?}: {error}")),
        }
    }
    Err(format!("{} cannot be unpacked: install unzip, python3 or a JDK\n{}", jar.display(), told.join("\n")))
}
