//! State against a plain map, over random histories of epochs, images, lingering readers and restarts at other parallelism.

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use tidemill_planner::OperatorId;
use tidemill_planner::key::{groups_of_task, key_group, stable_hash, task_of_group};
use tidemill_planner::seam::state::{Entry, NO_PANE, Overlay, StateRead};

use super::query::dump;
use super::*;
use tidemill_planner::seam::state::group_of;

const GROUPS: u16 = 16;

#[derive(Debug, Clone)]
enum Op {
    Put { pane: i64, key: u8, due_us: i64, value: u8 },
    Remove { pane: i64, key: u8 },
    DropPane(i64),
}

#[derive(Debug, Clone)]
enum Step {
    /// An epoch, and how far its watermark rises.
    Epoch(Vec<Op>, i64),
    /// Someone takes hold of this version, as an image being written or a lingering attempt does.
    Hold,
    /// Everyone lets go.
    Release,
    /// An image of this version.
    Image,
    /// The number of tasks changes while the query runs.
    Spread(usize),
    /// A restart from the last image and the changelogs after it.
    Restart(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let pane = || prop_oneof![3 => Just(NO_PANE), 4 => 0i64..4];
    let due = prop_oneof![1 => Just(i64::MAX), 4 => -5i64..60];
    prop_oneof![
        8 => (pane(), 0u8..24, due, any::<u8>()).prop_map(|(pane, key, due_us, value)| Op::Put { pane, key, due_us, value }),
        3 => (pane(), 0u8..24).prop_map(|(pane, key)| Op::Remove { pane, key }),
        1 => pane().prop_map(Op::DropPane),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (prop::collection::vec(op(), 0..20), 0i64..12).prop_map(|(ops, rise)| Step::Epoch(ops, rise)),
        2 => Just(Step::Hold),
        2 => Just(Step::Release),
        1 => Just(Step::Image),
        1 => (1usize..8).prop_map(Step::Spread),
        2 => (1usize..20).prop_map(Step::Restart),
    ]
}

type Model = BTreeMap<(i64, Vec<u8>), Entry>;

fn state_key(key: u8) -> Vec<u8> {
    let group = key_group(stable_hash(&[key]), GROUPS);
    [&group.to_be_bytes()[..], &[key]].concat()
}

fn operator() -> OperatorId {
    OperatorId::new("op")
}

struct Story {
    state: QueryState,
    tasks: usize,
    model: Model,
    watermark: i64,
    image: Option<bytes::Bytes>,
    log: Vec<StateChange>,
    held: Vec<(StateSnapshot, Model)>,
}

impl Story {
    fn new(tasks: usize) -> Self {
        let mut state = QueryState::new(GROUPS);
        state.open(&operator(), tasks);
        Self { state, tasks, model: Model::new(), watermark: -10, image: None, log: Vec::new(), held: Vec::new() }
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Epoch(ops, rise) => self.epoch(ops, *rise),
            Step::Hold => self.held.push((self.state.snapshot(), self.model.clone())),
            Step::Release => self.held.clear(),
            Step::Image => {
                self.image = Some(Image::encode("q", "r", 0, &self.state.snapshot(), &BTreeMap::new()).unwrap());
                self.log.clear();
            }
            Step::Spread(tasks) => {
                self.tasks = *tasks;
                self.state.open(&operator(), *tasks);
            }
            Step::Restart(tasks) => {
                self.tasks = *tasks;
                self.held.clear();
                self.state = self.load();
            }
        }
    }

    fn epoch(&mut self, ops: &[Op], rise: i64) {
        let mut overlays = vec![Overlay::default(); self.tasks];
        for op in ops {
            match op {
                Op::Put { pane, key, due_us, value } => {
                    let (key, entry) = (state_key(*key), Entry { due_us: *due_us, value: vec![*value; usize::from(*value % 4)].into() });
                    overlays[self.owner(&key)].put(*pane, &key, entry.clone());
                    self.model.insert((*pane, key), entry);
                }
                Op::Remove { pane, key } => {
                    let key = state_key(*key);
                    overlays[self.owner(&key)].remove(*pane, &key);
                    self.model.remove(&(*pane, key));
                }
                Op::DropPane(pane) => {
                    overlays.iter_mut().for_each(|overlay| overlay.drop_pane(*pane));
                    self.model.retain(|(p, _), _| p != pane);
                }
            }
        }
        self.watermark += rise;
        let overlays: Overlays = overlays.into_iter().enumerate().map(|(at, overlay)| ((operator(), at), overlay)).collect();
        self.log.extend(self.state.changes(&overlays).unwrap());
        self.state.accept(overlays, self.watermark);
    }

    fn owner(&self, key: &[u8]) -> usize {
        task_of_group(group_of(key).unwrap(), self.tasks, GROUPS)
    }

    fn load(&self) -> QueryState {
        let mut loader = StateLoader::new(GROUPS, [(operator(), self.tasks)]);
        if let Some(bytes) = &self.image {
            loader.image(&Image::decode(bytes, "image").unwrap()).unwrap();
        }
        self.log.iter().for_each(|change| loader.change(change).unwrap());
        loader.finish()
    }

    fn check(&self) {
        let as_model = |state: &QueryState| dump(state, &operator()).into_iter().collect::<Model>();
        assert_eq!(as_model(&self.state), self.model);
        assert_eq!(as_model(&self.load()), self.model, "a restart here");
        assert_eq!(self.state.rows(&operator()), self.model.len() as u64);
        let views = &self.state.lend()[&operator()];
        for (task, view) in views.iter().enumerate() {
            let groups = groups_of_task(task, self.tasks, GROUPS);
            let mine = |key: &[u8]| groups.contains(&group_of(key).unwrap());
            check_view(&**view, &self.model.iter().filter(|((_, key), _)| mine(key)).map(|(k, e)| (k.clone(), e.clone())).collect());
        }
        for (snapshot, model) in &self.held {
            let image = Image::encode("q", "r", 0, snapshot, &BTreeMap::new()).unwrap();
            let mut loader = StateLoader::new(GROUPS, [(operator(), 3)]);
            loader.image(&Image::decode(&image, "image").unwrap()).unwrap();
            assert_eq!(&as_model(&loader.finish()), model, "a held version");
        }
    }
}

fn check_view(view: &dyn StateRead, model: &Model) {
    assert_eq!(view.len(), model.len() as u64);
    for pane in [NO_PANE, -1, 0, 1, 2, 3, 4] {
        for key in 0..24 {
            let key = state_key(key);
            let expected = model.get(&(pane, key.clone()));
            assert_eq!(view.get(pane, &key).as_ref(), expected);
            assert_eq!(view.contains(pane, &key), expected.is_some());
        }
        let mut seen = Vec::new();
        view.for_each(pane, &mut |key, entry| seen.push((key.to_vec(), entry.clone())));
        seen.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let expected: Vec<_> = model.iter().filter(|((p, _), _)| *p == pane).map(|((_, k), e)| (k.clone(), e.clone())).collect();
        assert_eq!(seen, expected);
        let mut panes: Vec<i64> = model.keys().map(|(p, _)| *p).filter(|p| *p != NO_PANE && *p <= pane).collect();
        panes.dedup();
        assert_eq!(view.panes_through(pane), panes);
    }
    for through in [-10, 0, 7, 30, 59, i64::MAX - 1] {
        let mut due: Vec<_> = model.iter().filter(|((p, _), e)| *p == NO_PANE && e.due_us <= through).collect();
        due.sort_unstable_by(|a, b| (a.1.due_us, &a.0.1).cmp(&(b.1.due_us, &b.0.1)));
        let due: Vec<&[u8]> = due.into_iter().map(|((_, key), _)| key.as_slice()).collect();
        let found = view.due(through);
        assert_eq!(found.iter().map(|key| &**key).collect::<Vec<_>>(), due, "due through {through}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn state_is_a_plain_map(tasks in 1usize..6, steps in prop::collection::vec(step(), 1..40)) {
        let mut story = Story::new(tasks);
        for step in &steps {
            story.play(step);
            story.check();
        }
    }
}

fn small_image() -> bytes::Bytes {
    let mut story = Story::new(2);
    let put = |pane, key, due_us, value| Op::Put { pane, key, due_us, value };
    story.epoch(&[put(NO_PANE, 1, 1_700_000_000_000_000, 3), put(5, 2, i64::MAX, 0), put(5, 3, i64::MAX, 1), put(NO_PANE, 4, 7, 2)], 0);
    let sources = BTreeMap::from([(tidemill_planner::SourceId::new("files"), b"seen".to_vec())]);
    Image::encode("query-1", "run-1", 41, &story.state.snapshot(), &sources).unwrap()
}

#[test]
fn the_image_format_is_frozen() {
    let rows: Vec<String> = small_image().chunks(32).map(|row| row.iter().map(|b| format!("{b:02x}")).collect()).collect();
    expect![[r#"
        544d5f494d414745010091000000030000004100000000000000280000000000
        000004000000000000007b2271756572795f6964223a2271756572792d31222c
        2272756e5f6964223a2272756e2d31222c2265706f6368223a34312c226b6579
        5f67726f757073223a31362c226f70657261746f7273223a5b7b226964223a22
        6f70222c22726f7773223a342c22656e7472696573223a302c22696e64657822
        3a317d5d2c22736f7572636573223a7b2266696c6573223a327d7d01ffffffff
        ffffffffff010103000204050e020201ffffffffffffffffff010103000b0107
        8080f28183898506030303010a0103000d030201010a0103000f020002000000
        0000000000000b0014000000000000000d0030000000000000000f0039000000
        000000007365656eadd2f0787694e147"#]]
    .assert_eq(&rows.join("\n"));
    let image = Image::decode(&small_image(), "f").unwrap();
    expect![[r#"{"query_id":"query-1","run_id":"run-1","epoch":41,"key_groups":16,"operators":[{"id":"op","rows":4,"entries":0,"index":1}],"sources":{"files":2}}"#]].assert_eq(&serde_json::to_string(&image.header).unwrap());
    assert_eq!(image.source(&tidemill_planner::SourceId::new("files")).unwrap(), &b"seen"[..]);
    let operator = &image.header.operators[0];
    let (mut all, mut some) = (Vec::new(), Vec::new());
    image.visit(operator, 0..GROUPS, &mut |e| all.push((e.group, e.pane, e.key.to_vec()))).unwrap();
    image.visit(operator, 3..9, &mut |e| some.push((e.group, e.pane, e.key.to_vec()))).unwrap();
    assert!(all.is_sorted() && all.len() == 4);
    all.retain(|(group, ..)| (3..9).contains(group));
    assert_eq!(some, all, "a task reads its own groups alone");
}

#[test]
fn no_damaged_image_is_read() {
    let whole = small_image();
    for length in 0..whole.len() {
        assert!(Image::decode(&whole.slice(..length), "f").is_err(), "cut to {length}");
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = Image::decode(&bytes.into(), "dir/41.img").expect_err("a flipped bit");
        assert!(error.message().contains("dir/41.img"), "{error}");
    }
}

/// The checksum guards the bytes; this holds the decoder to what it says even where the checksum was made to fit.
#[test]
fn no_forged_image_panics() {
    let image = Image::decode(&small_image(), "f").unwrap();
    let mut random = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    for _ in 0..20_000 {
        let mut forged = image.clone();
        let (at, byte) = (random.next_u32() as usize, random.next_u32() as u8);
        let section = at % 2;
        let mut bytes = forged.section(section).to_vec();
        let place = (random.next_u32() as usize) % bytes.len();
        bytes[place] = byte;
        forged.set_section(section, bytes.into());
        let mut loader = StateLoader::new(GROUPS, [(operator(), 3)]);
        let _ = loader.image(&forged);
    }
}

#[test]
fn changes_of_partitions_that_are_not_open_are_refused() {
    let story = Story::new(2);
    let mut overlay = Overlay::default();
    overlay.drop_pane(1);
    let error = story.state.changes(&Overlays::from([((operator(), 2), overlay)])).unwrap_err();
    assert!(error.message().contains("partition 2 of operator op, which has 2"), "{error}");
}

#[tokio::test]
async fn images_are_written_in_the_background_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ImageWriter::new(dir.path().to_owned(), ImagePolicy { epochs: 3, changelog_bytes: 100 }, (0, 0), 0);
    let due: Vec<bool> = [10, 10, 10].map(|bytes| writer.due(bytes)).to_vec();
    assert_eq!(due, [false, false, true], "after three epochs");
    let mut story = Story::new(2);
    story.epoch(&[Op::Put { pane: 1, key: 1, due_us: 5, value: 2 }], 1);
    let of = |epoch| ImageOf { query_id: "q".into(), run_id: "r".into(), epoch };
    writer.start(of(2), story.state.snapshot(), BTreeMap::new());
    assert!(!writer.due(1_000), "one at a time");
    let first = writer.wait().await.unwrap().unwrap();
    assert!(writer.due(0), "the bytes of the epoch before were above the limit");
    writer.start(of(12), story.state.snapshot(), BTreeMap::new());
    let second = writer.wait().await.unwrap().unwrap();
    assert_eq!(writer.poll().await.unwrap(), None);
    std::fs::write(dir.path().join(".00000000000000000099-x.tmp"), b"half").unwrap();
    std::fs::write(dir.path().join("99-x.img"), b"foreign").unwrap();
    assert_eq!(ImageFile::list(dir.path()).unwrap(), [first.clone(), second]);
    assert_eq!(Image::read(&first).unwrap().header.epoch, 2);
    let renamed = ImageFile { epoch: 3, path: dir.path().join("00000000000000000003-x.img") };
    std::fs::rename(&first.path, &renamed.path).unwrap();
    assert!(Image::read(&renamed).unwrap_err().message().contains("holds epoch 2"));
    std::fs::remove_dir_all(dir.path()).unwrap();
    writer.start(of(13), story.state.snapshot(), BTreeMap::new());
    let error = writer.wait().await.unwrap_err();
    assert!(error.message().contains("cannot write state image"), "{error}");
}
