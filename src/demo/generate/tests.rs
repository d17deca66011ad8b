//! Tests of the generator: its bytes, its truth, and that there is something in them for each part of the job to do.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;

fn all(config: GeneratorConfig) -> (Vec<Vec<u8>>, Truth) {
    let mut generator = Generator::new(config);
    let files: Vec<Vec<u8>> = std::iter::from_fn(|| generator.next_file()).collect();
    (files, generator.truth())
}

/// FNV-1a, which never changes.
fn hash(files: &[Vec<u8>]) -> u64 {
    files.iter().flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A line as an event, by the letter of [`EVENT_COLUMNS`].
fn event(line: &[u8]) -> Option<(String, String, String, i64, Option<i64>)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let nullable = |name: &str, is: fn(&Value) -> bool| value[name].is_null() || is(&value[name]);
    let fits = nullable("contentId", Value::is_string) && nullable("dwellMs", Value::is_i64) && nullable("completed", Value::is_boolean);
    let event = (text("eventId")?, text("userId")?, text("eventType")?, value["eventTimeMs"].as_i64()?, value["dwellMs"].as_i64());
    (value.is_object() && fits).then_some(event)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let config = GeneratorConfig::new(20_000, 42);
    let (files, truth) = all(config.clone());
    assert_eq!((files.clone(), truth), all(config));
    assert_eq!(files.len(), 4);
    assert_ne!(hash(&files), hash(&all(GeneratorConfig::new(20_000, 43)).0));
    assert_eq!(hash(&files), 8_025_552_540_592_276_774, "the generator's bytes changed: every recorded figure and seed changes with them");
}

#[test]
fn the_truth_is_what_the_lines_say() {
    for (events, seed) in [(0, 1), (3, 1), (300, 7), (60_000, 42)] {
        let (files, truth) = all(GeneratorConfig::new(events, seed));
        let lines: Vec<&[u8]> =
            files.iter().flat_map(|file| file.split_inclusive(|b| *b == b'\n')).map(|line| &line[..line.len() - 1]).collect();
        let good: Vec<_> = lines.iter().filter_map(|line| event(line)).collect();
        let distinct: HashSet<_> = good.iter().collect();
        let ids: HashSet<_> = good.iter().map(|event| &event.0).collect();
        assert_eq!(ids.len(), distinct.len(), "copies are exact");
        assert_eq!(truth.lines, lines.len() as u64);
        assert_eq!(truth.events, events);
        assert_eq!(truth.events, distinct.len() as u64);
        assert_eq!(truth.duplicates, (good.len() - distinct.len()) as u64);
        assert_eq!(truth.malformed, (lines.len() - good.len()) as u64);
    }
}

#[test]
fn there_is_something_to_do_for_every_part_of_the_job() {
    let (files, truth) = all(GeneratorConfig::new(60_000, 42));
    let share = |n: u64| n as f64 / truth.events as f64;
    assert!((0.010..0.020).contains(&share(truth.duplicates)), "{truth:?}");
    assert!((0.0005..0.0020).contains(&share(truth.malformed)), "{truth:?}");
    assert!((0.003..0.008).contains(&share(truth.far_late)), "{truth:?}");
    assert!(truth.drops > 100, "{truth:?}");

    // As they arrive, events are at most 90 seconds behind the greatest time so far, or at least two hours.
    let (mut latest, mut out_of_order, mut far_late) = (i64::MIN, 0, 0);
    let mut latest_by_file = Vec::new();
    let mut times: HashMap<String, Vec<i64>> = HashMap::new();
    for file in &files {
        for (_, user, _, time_ms, _) in file.split(|b| *b == b'\n').filter_map(event) {
            let behind_ms = latest.max(time_ms) - time_ms;
            assert!(behind_ms <= MAX_DELAY_MS as i64 || behind_ms > HOUR_MS, "{behind_ms}");
            out_of_order += usize::from((1..=MAX_DELAY_MS as i64).contains(&behind_ms));
            far_late += u64::from(behind_ms > HOUR_MS);
            latest = latest.max(time_ms);
            if behind_ms <= MAX_DELAY_MS as i64 {
                times.entry(user).or_default().push(time_ms);
            }
        }
        latest_by_file.push(latest);
    }
    assert!(out_of_order > 1_000);
    assert_eq!(far_late, truth.far_late);
    assert!(latest_by_file.is_sorted_by(|a, b| a + 10 * MINUTE_MS < *b), "time moves from file to file");

    let closing = times.remove(CLOSING_USER).unwrap();
    let last = times.values().flatten().max().unwrap();
    assert!(*closing.iter().min().unwrap() > last + 30 * MINUTE_MS + 10 * MINUTE_MS);
    assert_eq!(closing.len() as u64, CLOSING_EVENTS);
    let sessions = |times: &mut Vec<i64>| {
        times.sort_unstable();
        1 + times.windows(2).filter(|pair| pair[1] - pair[0] > 30 * MINUTE_MS).count()
    };
    let counts: Vec<usize> = times.values_mut().map(sessions).collect();
    assert!(counts.iter().sum::<usize>() >= 3 * counts.len(), "several sessions per user");
}

#[test]
fn every_damage_is_found() {
    let good = r#"{"eventId":"e-000000001","userId":"user-000001","contentId":"c-1","eventType":"view_end","eventTimeMs":1760000000000,"dwellMs":12,"completed":true}"#;
    assert!(event(good.as_bytes()).is_some());
    for (name, damage) in malformed::DAMAGES {
        assert!(event(&damage(good)).is_none(), "{name}");
        assert!(!damage(good).contains(&b'\n'), "{name}");
    }
}

#[test]
fn files_appear_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_file_by_rename(dir.path(), 7, b"{}\n").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"{}\n");
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["events-000007.json"]);
    let error = write_file_by_rename(&dir.path().join("gone"), 1, b"").unwrap_err();
    assert!(error.message().contains("gone/events-000001.json"), "{error}");
}
