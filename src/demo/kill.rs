//! When the child is killed: after which file, in which phase, how far into it. It decides; the parent kills.

use std::collections::BTreeMap;
use std::time::Duration;

/// The phases of an epoch in which a kill counts.
pub(super) const PHASES: [&str; 5] = ["run", "stage", "record", "publish", "settle"];

/// How often each phase is aimed at, of the sum: the short ones more often, since a kill that comes a moment too late hits
/// the phase after them.
const WEIGHTS: [u64; 5] = [2, 5, 2, 2, 4];

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
}

/// After which files the child is killed: `kills` of them, spread over the run, the first and the last file spared.
pub(super) fn after_files(kills: u32, files: u32, dice: &mut Dice) -> Vec<u32> {
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
    armed: Option<&'static str>,
    phase: String,
    phase_ms: BTreeMap<String, f64>,
}

impl Aim {
    /// The next time the child enters a random phase, it is to be killed somewhere in it.
    pub(super) fn arm(&mut self, dice: &mut Dice) {
        let mut left = dice.below(WEIGHTS.iter().sum());
        for (phase, weight) in PHASES.into_iter().zip(WEIGHTS) {
            if left < weight {
                self.armed = Some(phase);
                return;
            }
            left -= weight;
        }
    }

    pub(super) fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// How long a phase took last.
    pub(super) fn learn(&mut self, phase: &str, ms: f64) {
        self.phase_ms.insert(phase.to_owned(), ms);
    }

    /// The child has entered `phase`: when it is the one, how long to wait before the kill.
    pub(super) fn entered(&mut self, phase: &str, dice: &mut Dice) -> Option<Duration> {
        phase.clone_into(&mut self.phase);
        if self.armed != Some(phase) {
            return None;
        }
        // Half of what the phase took last: hearing of it has taken a while already.
        let us = self.phase_ms.get(phase).map_or(500.0, |ms| ms * 5e2) as u64;
        Some(Duration::from_micros(dice.below(us.clamp(1, 1_000_000))))
    }

    /// The child is dead. The phase that it died in, when that was inside an epoch; else the kill is still due.
    pub(super) fn hit(&mut self) -> Option<&'static str> {
        let phase = PHASES.into_iter().find(|p| *p == self.phase);
        if phase.is_some() {
            self.armed = None;
        }
        self.phase.clear();
        phase
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_kill_outside_an_epoch_stays_due() {
        let (mut aim, mut dice) = (Aim::default(), Dice::new(1));
        aim.arm(&mut dice);
        assert_eq!(aim.entered("wait", &mut dice), None);
        assert_eq!(aim.hit(), None);
        assert!(aim.is_armed());
        let armed = aim.armed.unwrap();
        assert!(aim.entered(armed, &mut dice).is_some());
        assert_eq!(aim.hit(), Some(armed));
        assert!(!aim.is_armed());
    }
}
