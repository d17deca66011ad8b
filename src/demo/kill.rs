//! Where the child is killed: after which file, in which phase, how far into it. It decides; the parent kills.
//!
//! ```text
//! epoch    run · stage · record · publish · settle; promise with a direct sink; clean_up when little is kept
//! start    restore · republish · discard: they have something to do only after a kill, so these kills are the second of a pair
//! ```
//! A start's phases and a clean-up may last less than a millisecond. In a build with failpoints the child lingers in the one that it is
//! to be killed in; in any other the kill hits what it hits.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The phases of every epoch, and how often each is aimed at: the short ones more often, since a kill that comes a moment too
/// late hits the phase after them.
const EPOCH: [(&str, u64); 5] = [("run", 2), ("stage", 5), ("record", 2), ("publish", 2), ("settle", 4)];

/// The phase that an epoch has with a direct sink alone.
const PROMISE: (&str, u64) = ("promise", 8);

/// The phase that few epochs have.
const CLEAN_UP: (&str, u64) = ("clean_up", 8);

/// The phases of a start.
const START: [&str; 3] = ["restore", "republish", "discard"];

/// Where pairs of kills hit, and how often each is aimed at: what the first one cuts off is what the start has to do that the second
/// one hits.
const PAIRS: [((&str, &str), u64); 5] = [
    (("publish", "republish"), 4),
    (("record", "discard"), 3),
    (("stage", "discard"), 1),
    (("run", "restore"), 2),
    (("settle", "restore"), 2),
];

/// A fixed sequence of choices (splitmix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    /// One of several, each as often as its weight says.
    fn choose<T: Copy>(&mut self, weighted: &[(T, u64)]) -> T {
        let mut left = self.below(weighted.iter().map(|(_, weight)| weight).sum());
        let mut at = 0;
        while left >= weighted[at].1 {
            left -= weighted[at].1;
            at += 1;
        }
        weighted[at].0
    }
}

/// What can be aimed at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets {
    /// Starts, too.
    pub(super) starts: bool,
    /// Promises: there is a direct sink.
    pub(super) promises: bool,
    /// Clean-ups: so little is kept that they come often.
    pub(super) clean_ups: bool,
}

/// A kill that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kill {
    phase: &'static str,
    linger: Option<Linger>,
}

/// Where a child lingers until it is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Linger {
    failpoint: String,
    /// It is killed within so many milliseconds.
    ms: u64,
}

impl Kill {
    /// A kill in `phase`; in a pair, the next one hits the start after it in `then`.
    fn new(phase: &'static str, then: Option<&str>, lingers: bool, dice: &mut Dice) -> Self {
        Self { phase, linger: if lingers { linger(phase, then, dice) } else { None } }
    }

    /// Whether it hits the start that the kill before it makes necessary, rather than an epoch.
    pub(super) fn is_in_a_start(&self) -> bool {
        START.contains(&self.phase)
    }

    /// What the child that it is to hit gets as a failpoint.
    pub(super) fn failpoint(&self) -> Option<&str> {
        self.linger.as_ref().map(|linger| linger.failpoint.as_str())
    }
}

/// Where the child lingers for a kill in `phase`. A start passes each of its points once, an epoch's come again and again.
fn linger(phase: &str, then: Option<&str>, dice: &mut Dice) -> Option<Linger> {
    let ms = 10 + dice.below(20);
    let every = |point: &str| format!("streaming::{point}=sleep({ms})");
    let once = |passed: u64| format!("streaming::{phase}={passed}*off->1*sleep({ms})");
    let failpoint = match (phase, then) {
        // Before or after the state is loaded.
        ("restore", _) => once(dice.below(2)),
        // Before one of the sinks, or after the last.
        ("republish", _) => once(dice.below(3)),
        ("discard", _) => once(dice.below(5)),
        // Before the promise is durable; else in whatever the promise is at.
        ("promise", _) if dice.below(2) == 0 => every("promise"),
        // Before each removal: the kill comes before the first or the second.
        ("clean_up", _) => return Some(Linger { failpoint: every("clean_up"), ms: 2 * ms }),
        // No sink has published, or one has.
        ("publish", Some("republish")) if dice.below(2) == 0 => every("publish"),
        ("publish", Some("republish")) => every("between_publishes"),
        // Every sink has staged.
        ("record", Some("discard")) => every("record"),
        _ => return None,
    };
    Some(Linger { failpoint, ms })
}

/// The kills of a run, in order.
pub(super) fn plan(kills: u32, targets: Targets, lingers: bool, dice: &mut Dice) -> VecDeque<Kill> {
    let mut phases = EPOCH.to_vec();
    phases.extend(targets.promises.then_some(PROMISE));
    phases.extend(targets.clean_ups.then_some(CLEAN_UP));
    let kills = kills as usize;
    let mut plan = VecDeque::new();
    while plan.len() < kills {
        if targets.starts && plan.len() + 2 <= kills && dice.below(2) == 0 {
            let (first, second) = dice.choose(&PAIRS);
            plan.push_back(Kill::new(first, Some(second), lingers, dice));
            plan.push_back(Kill::new(second, None, lingers, dice));
        } else {
            let phase = dice.choose(&phases);
            plan.push_back(Kill::new(phase, None, lingers, dice));
        }
    }
    plan
}

/// How many of the planned kills are due after which file: spread over the run, pairs together.
pub(super) fn due_after_files(plan: &VecDeque<Kill>, files: u32, dice: &mut Dice) -> BTreeMap<u32, usize> {
    let strikes = plan.iter().filter(|kill| !kill.is_in_a_start()).count();
    let mut after = after_files(strikes as u32, files, dice).into_iter();
    let (mut due, mut file) = (BTreeMap::<u32, usize>::new(), 0);
    for kill in plan {
        if !kill.is_in_a_start() {
            file = after.next().unwrap_or(file);
        }
        *due.entry(file).or_default() += 1;
    }
    due
}

/// After which files the child is killed: `kills` of them, spread over the run, the first and the last file spared.
fn after_files(kills: u32, files: u32, dice: &mut Dice) -> Vec<u32> {
    let span = u64::from(files.saturating_sub(2).max(1));
    (0..u64::from(kills))
        .map(|k| {
            let (low, high) = (k * span / u64::from(kills), (k + 1) * span / u64::from(kills));
            1 + (low + dice.below(high - low)) as u32
        })
        .collect()
}

/// The kill that is due, and how long phases take.
#[derive(Debug, Default)]
pub(super) struct Aim {
    armed: Option<Armed>,
    phase: String,
    phase_ms: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy)]
struct Armed {
    phase: &'static str,
    /// How long the child lingers there.
    linger_ms: Option<u64>,
}

impl Aim {
    /// The next time the child enters the kill's phase, it is to be killed somewhere in it.
    pub(super) fn arm(&mut self, kill: &Kill) {
        self.armed = Some(Armed { phase: kill.phase, linger_ms: kill.linger.as_ref().map(|linger| linger.ms) });
    }

    pub(super) fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// How long a phase took last.
    pub(super) fn learn(&mut self, phase: &str, ms: f64) {
        self.phase_ms.insert(phase.to_owned(), ms);
    }

    /// The phase that was aimed at has not come, though the child has worked all there is: the next epoch has to do.
    pub(super) fn take_the_next_epoch(&mut self, dice: &mut Dice) {
        if let Some(armed) = &mut self.armed {
            *armed = Armed { phase: dice.choose(&EPOCH), linger_ms: None };
        }
    }

    /// The child has entered `phase`: when it is the one, how long to wait before the kill.
    pub(super) fn entered(&mut self, phase: &str, dice: &mut Dice) -> Option<Duration> {
        phase.clone_into(&mut self.phase);
        let mut armed = self.armed?;
        if START.contains(&armed.phase) && !START.contains(&phase) {
            // The start is over, and had nothing to do there.
            self.take_the_next_epoch(dice);
            armed = self.armed?;
        }
        if armed.phase != phase {
            return None;
        }
        // Half of what the phase took last: hearing of it has taken a while already.
        let last_us = self.phase_ms.get(phase).map_or(500.0, |ms| ms * 5e2) as u64;
        let us = armed.linger_ms.map_or(last_us, |ms| ms * 1_000);
        Some(Duration::from_micros(dice.below(us.clamp(1, 1_000_000))))
    }

    /// The child is dead. The phase that it died in, when it was at work; else the kill is still due.
    pub(super) fn hit(&mut self) -> Option<&'static str> {
        let mut phases = EPOCH.into_iter().chain([PROMISE, CLEAN_UP]).map(|(phase, _)| phase).chain(START);
        let phase = phases.find(|phase| *phase == self.phase);
        if phase.is_some() {
            self.armed = None;
        }
        self.phase.clear();
        phase
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tidemill_streaming::query::Phase::{self, CleanUp, Discard, Promise, Publish, Record, Republish, Restore, Run, Settle, Stage};

    use super::*;

    const EVERYTHING: Targets = Targets { starts: true, promises: true, clean_ups: true };
    const EPOCHS: Targets = Targets { starts: false, promises: false, clean_ups: false };

    fn kill(phase: &'static str) -> Kill {
        Kill { phase, linger: None }
    }

    #[test]
    fn kills_are_spread_and_spare_the_ends() {
        for (kills, files) in [(1, 4), (2, 8), (4, 200), (3, 3)] {
            let after = after_files(kills, files, &mut Dice::new(7));
            assert_eq!(after.len(), kills as usize);
            assert!(after.is_sorted(), "{after:?}");
            assert!(after.iter().all(|f| *f >= 1 && *f < files), "{after:?} of {files}");
        }
    }

    #[test]
    fn every_phase_is_aimed_at_and_starts_after_a_kill_that_leaves_them_something() {
        let plan = |targets| plan(1_000, targets, true, &mut Dice::new(3));
        let mut aimed: BTreeMap<&str, usize> = BTreeMap::new();
        let mut before = None;
        for kill in &plan(EVERYTHING) {
            *aimed.entry(kill.phase).or_default() += 1;
            if kill.is_in_a_start() {
                let first = before.expect("no run begins with a kill in its first start");
                assert!(PAIRS.iter().any(|(pair, _)| *pair == (first, kill.phase)), "{first}, {}", kill.phase);
                let point = format!("streaming::{}=", kill.phase);
                assert!(kill.failpoint().is_some_and(|f| f.starts_with(&point)), "{kill:?}");
            }
            before = Some(kill.phase);
        }
        assert_eq!(aimed.values().sum::<usize>(), 1_000);
        // All that the query tells of, but for looking for data and waiting for it.
        let told = [Restore, Republish, Discard, Promise, Run, Stage, Record, Publish, Settle, CleanUp].map(Phase::as_str);
        assert_eq!(aimed.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(told));
        assert!(aimed.values().all(|n| *n >= 25), "five hits in a campaign of about 500 kills: {aimed:?}");
        for kill in plan(EPOCHS) {
            assert!(EPOCH.iter().any(|(phase, _)| *phase == kill.phase), "{kill:?}");
            assert_eq!(kill.failpoint(), None);
        }
    }

    #[test]
    fn a_pair_is_due_after_one_file() {
        for seed in 0..50 {
            let dice = &mut Dice::new(seed);
            let plan = plan(4, EVERYTHING, false, dice);
            let due = due_after_files(&plan, 24, dice);
            assert_eq!(due.values().sum::<usize>(), 4);
            let strikes = plan.iter().filter(|kill| !kill.is_in_a_start()).count();
            assert_eq!(due.len(), strikes, "strikes are spread over {due:?}");
        }
    }

    #[test]
    fn a_kill_outside_of_all_work_stays_due() {
        let (mut aim, mut dice) = (Aim::default(), Dice::new(1));
        aim.arm(&kill("stage"));
        assert_eq!(aim.entered("wait", &mut dice), None);
        assert_eq!(aim.hit(), None);
        assert!(aim.is_armed());
        assert!(aim.entered("stage", &mut dice).is_some());
        assert_eq!(aim.hit(), Some("stage"));
        assert!(!aim.is_armed());
    }

    #[test]
    fn a_start_that_is_over_leaves_its_kill_to_an_epoch() {
        let (mut aim, mut dice) = (Aim::default(), Dice::new(1));
        aim.arm(&kill("republish"));
        assert_eq!(aim.entered("restore", &mut dice), None);
        // Nothing was left to publish.
        assert_eq!(aim.entered("discard", &mut dice), None);
        assert_eq!(aim.entered("discover", &mut dice), None);
        let now = aim.armed.unwrap().phase;
        assert!(EPOCH.iter().any(|(phase, _)| *phase == now), "{now}");
        assert!(aim.entered(now, &mut dice).is_some());
        assert_eq!(aim.hit(), Some(now));
    }

    #[test]
    fn a_kill_comes_while_the_child_lingers() {
        let mut dice = Dice::new(1);
        for _ in 0..100 {
            let mut aim = Aim::default();
            aim.arm(&Kill { phase: "discard", linger: Some(Linger { failpoint: String::new(), ms: 10 }) });
            let delay = aim.entered("discard", &mut dice).unwrap();
            assert!(delay < Duration::from_millis(10), "{delay:?}");
        }
    }
}
