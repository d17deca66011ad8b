//! Checkpoints on disk: written, damaged, inspected, loaded at another parallelism.

use futures::executor::block_on;
use tidemill_planner::key::task_of_group;
use tidemill_planner::seam::state::group_of;
use tidemill_planner::seam::state::{Entry as StateEntry, NO_PANE};

use super::*;
use crate::chain::Chain;
use crate::record::testing::{cut, operator, record, start};
use crate::recover::{QueryNow, Recovery, recover};
use crate::state::Overlays;

const TASKS: usize = 2;

fn id() -> OperatorId {
    OperatorId::new("dedupe-1")
}

fn key(n: u64) -> Vec<u8> {
    let group = tidemill_planner::key::key_group(tidemill_planner::key::stable_hash(&n.to_be_bytes()), 4096);
    [&group.to_be_bytes()[..], &n.to_be_bytes()].concat()
}

/// A checkpoint of `epochs` epochs, each of which adds ten keys; images after those in `images`.
fn checkpoint(root: &Path, epochs: u64, images: &[u64]) -> Checkpoint {
    let checkpoint = Checkpoint::open(root).unwrap();
    let (mut chain, _) = block_on(Chain::open(checkpoint.log())).unwrap();
    block_on(chain.append(&start("a"))).unwrap();
    let mut state = QueryState::new(4096);
    state.open(&id(), TASKS);
    for epoch in 0..epochs {
        let mut overlays = Overlays::new();
        for n in epoch * 10..epoch * 10 + 10 {
            let key = key(n);
            let task = task_of_group(group_of(&key).unwrap(), TASKS, 4096);
            let entry = StateEntry { due_us: n as i64, value: Box::from(&b"value"[..]) };
            overlays.entry((id(), task)).or_default().put(NO_PANE, &key, entry);
        }
        let mut record = record("a", epoch, vec![]);
        record.state = state.changes(&overlays).unwrap();
        block_on(chain.append(&Entry::Epoch(record))).unwrap();
        state.accept(overlays, 0);
        if images.contains(&epoch) {
            let sources = BTreeMap::from([(SourceId::new("files"), format!("seen {epoch}").into_bytes())]);
            let bytes = Image::encode("q", "a", epoch, &state.snapshot(), &sources).unwrap();
            Image::write(&checkpoint.images_dir(), epoch, &bytes).unwrap();
        }
    }
    checkpoint
}

fn load_at(checkpoint: &Checkpoint, tasks: usize) -> Result<Restored> {
    let (_, entries) = block_on(Chain::open(checkpoint.log()))?;
    let now = QueryNow { operators: vec![operator("dedupe-1")], sources: vec![SourceId::new("files")], ..QueryNow::default() };
    let images: Vec<u64> = checkpoint.images()?.iter().map(|file| file.epoch).collect();
    let Recovery::Resume(resume) = recover(&entries, &images, &now, &|n| checkpoint.log().location(n))? else {
        return Err(Error::internal("there is something to resume"));
    };
    checkpoint.restore(&entries, &resume, &[(id(), tasks)])
}

fn keys(restored: &Restored) -> u64 {
    let views = &restored.state.lend()[&id()];
    let due: usize = views.iter().map(|view| view.due(i64::MAX - 1).len()).sum();
    assert_eq!(due as u64, restored.state.rows(&id()));
    due as u64
}

#[test]
fn state_is_loaded_at_any_parallelism() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = checkpoint(&dir.path().join("made/on/demand"), 9, &[2, 5]);
    for tasks in [1, 2, 7, 100] {
        let restored = load_at(&checkpoint, tasks).unwrap();
        assert_eq!((keys(&restored), restored.replayed_epochs, restored.damaged.len()), (90, 3, 0), "{tasks} tasks");
        let files = &restored.sources[&SourceId::new("files")];
        assert_eq!(files.image.as_deref(), Some(&b"seen 5"[..]));
        assert_eq!(files.offsets.iter().map(|o| o.0["files"][0].as_str().unwrap()).collect::<Vec<_>>(), ["6.json", "7.json", "8.json"]);
    }
}

#[test]
fn a_damaged_image_is_passed_over_and_a_lost_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = checkpoint(dir.path(), 6, &[1, 4]);
    let images = checkpoint.images().unwrap();
    let whole = std::fs::read(&images[1].path).unwrap();
    let damages: [(&str, Vec<u8>); 3] = [
        ("torn", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("a bit", whole.iter().enumerate().map(|(at, byte)| if at == 300 { byte ^ 4 } else { *byte }).collect()),
    ];
    for (what, bytes) in damages {
        std::fs::write(&images[1].path, bytes).unwrap();
        let restored = load_at(&checkpoint, 3).unwrap();
        assert_eq!((keys(&restored), restored.replayed_epochs, restored.damaged.len()), (60, 4, 1), "{what}");
        assert!(restored.damaged[0].message().contains(&images[1].path.display().to_string()), "{what}");
    }
    // Without the first image's records there is no way back to it.
    std::fs::write(&images[0].path, b"TM_IMAGE").unwrap();
    assert_eq!(keys(&load_at(&checkpoint, 3).unwrap()), 60, "all records are still there");
    block_on(checkpoint.log().remove(1)).unwrap();
    let error = load_at(&checkpoint, 3).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for part in [&images[0].path.display().to_string(), &images[1].path.display().to_string(), "no state image can be read"] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn an_image_of_another_query_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = checkpoint(dir.path(), 3, &[]);
    let mut other = QueryState::new(4096);
    other.open(&id(), 1);
    let bytes = Image::encode("another", "a", 2, &other.snapshot(), &BTreeMap::new()).unwrap();
    Image::write(&checkpoint.images_dir(), 2, &bytes).unwrap();
    let restored = load_at(&checkpoint, 2).unwrap();
    assert_eq!((keys(&restored), restored.damaged.len()), (30, 1));
    assert!(restored.damaged[0].message().contains("is of query another, not q"));
}

#[test]
fn what_writers_that_died_have_left_is_swept_away() {
    let dir = tempfile::tempdir().unwrap();
    let left = checkpoint(dir.path(), 1, &[0]).images_dir().join(".00000000000000000001-x.tmp");
    std::fs::write(&left, b"half").unwrap();
    let again = Checkpoint::open(dir.path()).unwrap();
    assert!(!left.exists());
    let images = again.images().unwrap();
    again.remove_images(&[images[0].path.clone(), left]).unwrap();
    assert_eq!(again.images().unwrap(), []);
}

#[test]
fn sparks_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["offsets", "commits", "state"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let error = Checkpoint::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Analysis);
    assert!(error.message().contains("is a checkpoint of Spark"), "{error}");
    assert!(!dir.path().join(LOG).exists());
}

#[test]
fn inspect_shows_what_is_there_and_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Checkpoint::inspect(dir.path()).unwrap_err().kind(), ErrorKind::NotFound);
    let checkpoint = checkpoint(dir.path(), 4, &[1]);
    let writing = dir.path().join(LOG).join(".00000000000000000005.x.tmp");
    std::fs::write(&writing, b"half").unwrap();
    let shown = Checkpoint::inspect(dir.path()).unwrap();
    assert!(writing.exists());
    let at = |pointer: &str| shown.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {shown:#}")).clone();
    assert_eq!(at("/query/name"), "main");
    assert_eq!(at("/last_epoch/epoch"), 3);
    assert_eq!(at("/last_epoch/offsets/files/files/0"), "3.json");
    assert_eq!(at("/last_epoch/next_watermarks/global_us"), 4_000);
    assert_eq!(at("/state/operators/0/rows"), 40);
    assert_eq!(at("/state/replayed_epochs"), 2);
    assert_eq!(at("/images/0/operators/0/rows"), 20);
    assert_eq!(at("/entries/4/entry/epoch/state/0/rows_changed"), 10);
    assert_eq!(at("/missing_entry"), serde_json::Value::Null);
    std::fs::write(checkpoint.log().location(2), b"damaged").unwrap();
    std::fs::write(&checkpoint.images().unwrap()[0].path, b"damaged").unwrap();
    let shown = Checkpoint::inspect(dir.path()).unwrap();
    assert!(shown.pointer("/entries/2/error").unwrap().as_str().unwrap().contains("too short"));
    assert!(shown.pointer("/images/0/error").unwrap().as_str().unwrap().contains("too short"));
    assert_eq!(shown.pointer("/missing_entry").unwrap(), 2);
}

#[test]
fn cuts_are_read_from_the_log_and_kept_beyond_its_clean_up() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("checkpoint"), dir.path().join("records"));
    Checkpoint::keep_log(&root, &copy).unwrap();
    assert!(!copy.exists(), "there is no log yet");
    assert_eq!(Checkpoint::cuts(&root).unwrap_err().kind(), ErrorKind::NotFound);
    let checkpoint = checkpoint(&root, 4, &[]);
    std::fs::write(root.join(LOG).join(".00000000000000000005.x.tmp"), b"half").unwrap();
    let epochs = |root: &Path| Checkpoint::cuts(root).unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(epochs(&root), [0, 1, 2, 3]);
    Checkpoint::keep_log(&root, &copy).unwrap();
    assert_eq!(epochs(&copy), [0, 1, 2, 3]);
    // The log's first entry is a start, its next two are the records of epochs 0 and 1.
    for removed in [1, 2] {
        block_on(checkpoint.log().remove(removed)).unwrap();
    }
    let (mut chain, _) = block_on(Chain::open(checkpoint.log())).unwrap();
    block_on(chain.append(&Entry::Epoch(record("a", 4, vec![])))).unwrap();
    for _ in 0..2 {
        Checkpoint::keep_log(&root, &copy).unwrap();
        assert_eq!((epochs(&root), epochs(&copy)), (vec![2, 3, 4], vec![0, 1, 2, 3, 4]));
    }
    assert_eq!(Checkpoint::cuts(&copy).unwrap()[&1], cut(1));

    let second = copy.join(LOG).join("00000000000000000009.rec");
    std::fs::copy(checkpoint.log().location(4), &second).unwrap();
    let error = Checkpoint::cuts(&copy).unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.message().contains("9.rec: is a second record of epoch 3"), "{error}");
    std::fs::write(&second, b"damaged").unwrap();
    assert!(Checkpoint::cuts(&copy).unwrap_err().message().contains("9.rec"));
}
