//! Recovery as a table: a log in a few words, what the sinks say, what is decided.

use expect_test::{Expect, expect};
use serde_json::json;
use tidemill_planner::ErrorKind;

use super::*;
use crate::record::testing::{cut, manifest, operator, promise, record, start, stop, target, types};

/// `S:a` run a starts (`s:a`: of a release whose commits did not name the query); `E0:a:x5,y0` its epoch 0 gives 5 rows to sink x and none to y; `P1:a` it promises epoch 1; `X0:a` it stops
/// with epoch 0 settled. `=0` at the end of an epoch: epoch 0 was settled when it was written.
fn entries(script: &str) -> Vec<(u64, Entry)> {
    let parse = |word: &str| {
        let (word, settled) = word.split_once('=').map_or((word, None), |(w, s)| (w, Some(s.parse().unwrap())));
        let parts: Vec<&str> = word.split(':').collect();
        let (kind, epoch) = parts[0].split_at(1);
        let number = || epoch.parse::<u64>().unwrap();
        match kind {
            "S" => start(parts[1]),
            "s" => match start(parts[1]) {
                Entry::Start(start) => Entry::Start(Start { commits_name_query: false, ..start }),
                other => other,
            },
            "P" => promise(parts[1], number()),
            "X" => stop(parts[1], number()),
            _ => {
                let sinks = parts.get(2).into_iter().flat_map(|sinks| sinks.split(','));
                let sinks = sinks.map(|s| manifest(&s[..1], s[1..].parse().unwrap())).collect();
                let mut record = record(parts[1], number(), sinks);
                record.settled = settled;
                Entry::Epoch(record)
            }
        }
    };
    script.split_whitespace().enumerate().map(|(n, word)| (n as u64, parse(word))).collect()
}

/// `x2 y-` : sink x has published epoch 2, sink y nothing. `x~2`: epoch 2 is there under the sink's id alone; `x!2`: another query with
/// this checkpoint directory has published it; all three together `x2~3!4`.
fn now(sinks: &str) -> QueryNow {
    let sink = |word: &str| {
        let (id, rest) = word.split_at(1);
        let (rest, by_former) = rest.split_once('!').unwrap_or((rest, ""));
        let (by_query, unowned) = rest.split_once('~').unwrap_or((rest, ""));
        let epoch = |text: &str| text.parse().ok();
        let sink = SinkNow {
            description: format!("at {id}"),
            target: target(&format!("table-{id}")),
            capability: Capability::Staged,
            published: PublishedEpochs { by_query: epoch(by_query), unowned: epoch(unowned), by_former: epoch(by_former) },
        };
        (id.to_owned(), sink)
    };
    QueryNow {
        operators: vec![operator("dedupe-1")],
        settings: BTreeMap::new(),
        sources: vec![SourceId::new("files")],
        sinks: sinks.split_whitespace().map(sink).collect(),
        abandoned_sinks: BTreeSet::new(),
    }
}

fn decide(script: &str, images: &[u64], now: &QueryNow) -> String {
    match recover(&entries(script), images, now, &|number| format!("log/{number}.rec")) {
        Ok(Recovery::Fresh) => "fresh".to_owned(),
        Ok(Recovery::Resume(resume)) => {
            let publish: Vec<String> = resume.publish.iter().map(|p| format!("{}@{} in {}", p.epoch, p.entry, p.sinks.join("+"))).collect();
            let promised = resume.promised.as_ref().map(|cut| format!(", promised {}", cut.epoch)).unwrap_or_default();
            let settled = resume.settled.map(|epoch| format!(", settled {epoch}")).unwrap_or_default();
            format!("next {}, publish [{}]{promised}{settled}", resume.next_epoch, publish.join(", "))
        }
        Err(error) => format!("{}: {error}", error.kind().as_str()),
    }
}

#[test]
fn what_a_start_does() {
    let cases = [
        ("no entries", "", "x-", "fresh"),
        ("only a start", "S:a", "x-", "next 0, publish []"),
        ("two starts", "S:a S:b", "x-", "next 0, publish []"),
        ("recorded, not published", "S:a E0:a:x5", "x-", "next 1, publish [0@1 in x]"),
        ("published", "S:a E0:a:x5", "x0", "next 1, publish []"),
        ("published in one of two", "S:a E0:a:x5,y3", "x0 y-", "next 1, publish [0@1 in y]"),
        ("no rows, nothing to publish", "S:a E0:a:x0", "x-", "next 1, publish []"),
        ("several epochs behind", "S:a E0:a:x5,y1 E1:a:x5,y0 E2:a:x5,y1", "x1 y0", "next 3, publish [2@3 in x+y]"),
        ("an epoch without rows between", "S:a E0:a:x5 E1:a:x0 E2:a:x5", "x0", "next 3, publish [2@3 in x]"),
        ("settled is not asked again", "S:a E0:a:x5 E1:a:x5=0", "x-", "next 2, publish [1@2 in x], settled 0"),
        ("stopped in order", "S:a E0:a:x5 E1:a:x5 X1:a", "x-", "next 2, publish [], settled 1"),
        ("a stop that settled less", "S:a E0:a:x5 E1:a:x5 X0:a", "x0", "next 2, publish [1@2 in x], settled 0"),
        ("started again, died idle", "S:a E0:a:x5 S:b S:c", "x0", "next 1, publish []"),
        ("promised before any epoch", "S:a P0:a", "x-", "next 0, publish [], promised 0"),
        ("promised", "S:a E0:a:x5 P1:a", "x0", "next 1, publish [], promised 1"),
        ("promised and recorded", "S:a P0:a E0:a:x5", "x0", "next 1, publish []"),
        ("promised twice, the same", "S:a P0:a S:b P0:b", "x-", "next 0, publish [], promised 0"),
        ("recorded by the run after the promise", "S:a P0:a S:b E0:b:x5", "x0", "next 1, publish []"),
        ("unpublished and promised", "S:a E0:a:x5 P1:a", "x-", "next 1, publish [0@1 in x], promised 1"),
        ("older records are gone", "S:a E7:a:x5=6", "x6", "next 8, publish [7@1 in x], settled 6"),
        ("a sink that is new", "S:a E0:a:x5", "x0 z-", "next 1, publish []"),
        ("a removed sink that was settled", "S:a E0:a:x5,y2 X0:a", "x0", "next 1, publish [], settled 0"),
        ("a removed sink without rows", "S:a E0:a:x5,y0", "x0", "next 1, publish []"),
    ];
    for (what, script, sinks, expected) in cases {
        assert_eq!(decide(script, &[], &now(sinks)), expected, "{what}");
    }
}

#[test]
fn whose_an_epoch_is() {
    let told = "deleted or replaced";
    let cases = [
        ("what another query has published is not ours", "S:a E0:a:x5", "x-~7", "publish [0@1 in x]"),
        ("an earlier release wrote the sink's id alone", "s:a E0:a:x5 E1:a:x5", "x-~0", "publish [1@2 in x]"),
        ("and this one goes on from there", "s:a E0:a:x5 E1:a:x5", "x1~0", "publish []"),
        ("its last epoch was published by this release", "s:a E0:a:x5 S:b E1:b:x5", "x1~0", "publish []"),
        ("it was not", "s:a E0:a:x5 S:b E1:b:x5", "x-~1", "publish [1@3 in x]"),
        ("the first start of this release published nothing", "s:a E0:a:x5 S:b", "x-~0", "publish []"),
        ("an earlier release's checkpoint was deleted", "", "x-~3", told),
        ("it went back to an older copy", "s:a E0:a:x5", "x-~3", told),
        ("this release's checkpoint was deleted", "", "x-!3", told),
        ("and begun anew without a record", "S:a", "x-!3", told),
        ("a stranger's epochs do not matter once there is a record", "S:a E0:a:x5", "x-!3", "publish [0@1 in x]"),
    ];
    for (what, script, sinks, expected) in cases {
        let decided = decide(script, &[], &now(sinks));
        assert!(decided.contains(expected), "{what}: {decided}");
    }
}

fn refused(script: &str, images: &[u64], now: &QueryNow, expected: Expect) {
    expected.assert_eq(&decide(script, images, now));
}

#[test]
fn what_is_no_history() {
    let x = now("x-");
    refused(
        "S:a E0:a:x5 E2:a:x5",
        &[],
        &x,
        expect!["corrupt: log/2.rec: holds epoch 2, and epoch 1 is next; restore the checkpoint's files, or start with a new checkpoint"],
    );
    refused(
        "S:a E0:a:x5 P2:a",
        &[],
        &x,
        expect![
            "corrupt: log/2.rec: promises epoch 2, and epoch 1 is next; restore the checkpoint's files, or start with a new checkpoint"
        ],
    );
    refused(
        "S:a E0:b:x5",
        &[],
        &x,
        expect![
            "corrupt: log/1.rec: was written by run b, while run a was at work; restore the checkpoint's files, or start with a new checkpoint"
        ],
    );
    refused(
        "E0:a:x5",
        &[],
        &x,
        expect![
            "corrupt: log/0.rec: was written by run a, while run (none) was at work; restore the checkpoint's files, or start with a new checkpoint"
        ],
    );
    refused(
        "S:a",
        &[3],
        &x,
        expect![
            "corrupt: the checkpoint has a state image of epoch 3, but no record of any epoch; restore the log's missing files, or start with a new checkpoint"
        ],
    );
    refused(
        "S:a E0:a:x5 E1:a:x5",
        &[0, 3],
        &x,
        expect![
            "corrupt: the checkpoint has a state image of epoch 3, but its last record is of epoch 1; restore the log's missing files, or start with a new checkpoint"
        ],
    );
}

#[test]
fn a_promise_is_kept() {
    let mut entries = entries("S:a P0:a S:b P0:b");
    let Entry::Promise(second) = &mut entries[3].1 else { unreachable!("it is a promise") };
    second.cut.sources[0].to = Some(Offset(json!({"files": ["other.json"]})));
    let at = |n: u64| format!("log/{n}.rec");
    let error = recover(&entries, &[], &now("x-"), &at).unwrap_err();
    assert!(error.message().starts_with("log/3.rec: promises epoch 0 other input than an entry before it"), "{error}");
    entries[3].1 = Entry::Epoch(record("b", 0, vec![]));
    let Entry::Epoch(record) = &mut entries[3].1 else { unreachable!("it is an epoch") };
    record.cut.timestamp_ms += 1;
    let error = recover(&entries, &[], &now("x-"), &at).unwrap_err();
    assert!(error.message().starts_with("log/3.rec: holds epoch 0 with other input than was promised"), "{error}");
}

#[test]
fn a_sink_that_is_ahead_of_the_checkpoint() {
    refused(
        "",
        &[],
        &now("x4"),
        expect![
            "analysis: sink `x` has published epoch 4 to table-x, but this checkpoint has no record of any epoch: it was deleted or replaced, and the table would take the epochs up to 4 for ones it has. Restore the checkpoint. Or, if another query wrote that epoch, or all input is to be written once more, give the sink a name of its own"
        ],
    );
    refused(
        "S:a",
        &[],
        &now("x0"),
        expect![
            "analysis: sink `x` has published epoch 0 to table-x, but this checkpoint has no record of any epoch: it was deleted or replaced, and the table would take the epochs up to 0 for ones it has. Restore the checkpoint. Or, if another query wrote that epoch, or all input is to be written once more, give the sink a name of its own"
        ],
    );
    refused(
        "S:a E0:a:x5",
        &[],
        &now("x3"),
        expect![
            "analysis: sink `x` has published epoch 3 to table-x, but this checkpoint ends with epoch 0: it was deleted or replaced, and the table would take the epochs up to 3 for ones it has. Restore the checkpoint. Or, if another query wrote that epoch, or all input is to be written once more, give the sink a name of its own"
        ],
    );
    // A direct sink may have seen the promised epoch.
    let mut direct = now("x1");
    direct.sinks.get_mut("x").unwrap().capability = Capability::Direct;
    assert_eq!(decide("S:a E0:a P1:a", &[], &direct), "next 1, publish [], promised 1");
}

#[test]
fn a_sink_that_is_another_or_gone() {
    let mut other = now("x0");
    other.sinks.get_mut("x").unwrap().target.id = "table-new".into();
    refused(
        "S:a E0:a:x5",
        &[],
        &other,
        expect![
            "data: sink `x` wrote to table-x until epoch 0, and would now write to table-new: the table was dropped and made again, or the sink points elsewhere. Restore the table, or give the sink a new name (it gets the epochs from now on)"
        ],
    );
    refused(
        "S:a E0:a:x5,y3",
        &[],
        &now("x0"),
        expect![
            "analysis: 3 rows of epoch 0 may not be published in sink `y` (table-y), which the query no longer has; start the query once more with it and stop it in order, or abandon the sink"
        ],
    );
    let mut abandoned = now("x0");
    abandoned.abandoned_sinks.insert("y".into());
    assert_eq!(decide("S:a E0:a:x5,y3", &[], &abandoned), "next 1, publish []");
}

#[test]
fn a_query_that_is_another() {
    let mut without = now("x0");
    without.operators = vec![operator("dedupe-2")];
    refused(
        "S:a E0:a:x5",
        &[],
        &without,
        expect![
            "analysis: the state of these operators would be lost, because the query no longer has them: dedupe-1 (dedupe) (new in this query: dedupe-2 (dedupe)); restore the query, or start with a new checkpoint"
        ],
    );
    let mut changed = now("x0");
    changed.operators[0].types = Some(types("bigint"));
    refused(
        "S:a E0:a:x5",
        &[],
        &changed,
        expect![
            "analysis: operator `dedupe-1` (dedupe) has in state keys (eventId string), and in the query now keys (eventId bigint): state is not read as another type. Cast the columns back to what they were, or start with a new checkpoint"
        ],
    );
    // Earlier releases did not say what they kept.
    changed.operators[0].types = None;
    assert_eq!(decide("S:a E0:a:x5", &[], &changed), "next 1, publish []");
    let mut elsewhere = now("x0");
    elsewhere.settings = BTreeMap::from([("tidemill.watermark.policy".into(), "max".into()), ("new".into(), "1".into())]);
    refused(
        "S:a E0:a:x5",
        &[],
        &elsewhere,
        expect![
            "analysis: the query was begun with tidemill.watermark.policy=min, and the session has max: results would change in the middle; set it back, or start with a new checkpoint"
        ],
    );
    let mut renamed = now("x0");
    renamed.sources = vec![SourceId::new("kafka")];
    refused(
        "S:a E0:a:x5",
        &[],
        &renamed,
        expect![
            "analysis: the checkpoint holds offsets of sources that the query no longer has: `files` (it has `kafka`); restore the query, name its sources as they were, or start with a new checkpoint"
        ],
    );
    refused(
        "S:a P0:a",
        &[],
        &QueryNow { sinks: now("x-").sinks, ..renamed.clone() },
        expect![
            "analysis: the checkpoint holds offsets of sources that the query no longer has: `files` (it has `kafka`); restore the query, name its sources as they were, or start with a new checkpoint"
        ],
    );
    // Before the first record nothing is bound, and what is new may come at any time.
    let fresh = QueryNow { sinks: now("x-").sinks, ..renamed };
    assert_eq!(decide("S:a", &[], &fresh), "next 0, publish []");
    let mut more = now("x0");
    more.operators.push(operator("sessions-1"));
    more.sources.push(SourceId::new("kafka"));
    assert_eq!(decide("S:a E0:a:x5", &[], &more), "next 1, publish []");
}

#[test]
fn it_takes_up_offsets_watermarks_and_settings() {
    let Recovery::Resume(resume) = recover(&entries("S:a E0:a:x5 E1:a:x5"), &[], &now("x1"), &|_| String::new()).unwrap() else {
        panic!("there is something to resume")
    };
    assert_eq!(resume.offsets[&SourceId::new("files")], cut(1).sources[0].to.clone().unwrap());
    assert_eq!((resume.ran_by.eviction_us, resume.watermarks.global_us), (1_000, 2_000));
    assert_eq!((resume.query_id.as_str(), resume.key_groups, resume.last_epoch), ("q", 4096, Some(1)));
    assert_eq!(resume.settings["tidemill.watermark.policy"], "min");
}

#[test]
fn which_image_to_begin_with() {
    type Case = (&'static [u64], Option<u64>, Option<u64>, &'static [Option<u64>]);
    let cases: [Case; 7] = [
        (&[], None, None, &[None]),
        (&[], Some(0), Some(9), &[None]),
        (&[3, 7], Some(0), Some(9), &[Some(7), Some(3), None]),
        (&[3, 7], Some(4), Some(9), &[Some(7), Some(3)]),
        (&[3, 7], Some(5), Some(9), &[Some(7)]),
        (&[7, 7, 9], Some(8), Some(9), &[Some(9), Some(7)]),
        (&[9], Some(9), Some(9), &[Some(9)]),
    ];
    for (images, first, last, expected) in cases {
        assert_eq!(bases(images, first, last).unwrap(), expected, "{images:?} {first:?}");
    }
    let error = bases(&[1], Some(5), Some(9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("begin with epoch 5"), "{error}");
}

#[test]
fn a_table_made_anew_behind_a_sink_without_a_name_is_refused() {
    // The last start had sink `x` at `DeltaSink[/x]`; now another sink is there, and `x` is gone.
    let mut at_the_same_place = now("z-");
    at_the_same_place.sinks.get_mut("z").expect("z is a sink").description = "DeltaSink[/x]".to_owned();
    refused(
        "S:a E0:a:x5 X0:a",
        &[],
        &at_the_same_place,
        expect![[
            r#"data: DeltaSink[/x] holds another table than the one this query has written to: that was table-x, this is table-z. Restore the table; or abandon sink `x`, and `z` gets the epochs from now on"#
        ]],
    );
    at_the_same_place.abandoned_sinks.insert("x".to_owned());
    assert_eq!(decide("S:a E0:a:x5 X0:a", &[], &at_the_same_place), "next 1, publish [], settled 0");
}
