//! When the next epoch starts. It decides; the epoch loop waits.

/// When epochs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// At multiples of so many milliseconds since the Unix epoch; 0 is as soon as there is something to do.
    ProcessingTime(i64),
    /// Until all is read that was there at the start, in as many epochs as the sources' limits make of it.
    AvailableNow,
}

/// What the loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fire {
    /// Run an epoch now.
    Now,
    /// Wait until this time, milliseconds since the Unix epoch, and ask again.
    WaitUntil(i64),
    /// There will be no more epochs.
    Done,
}

/// How long a query without an interval waits before it looks for data again (Spark's `pollingDelay`).
const POLL_MS: i64 = 10;

/// What to do at `now_ms`. `last_start_ms` is when the loop last looked for data, and `had_data` whether it then found something
/// to run (an epoch without rows that evicts state counts too). A tick that an epoch overran fires at once, and only once.
pub fn next_fire(now_ms: i64, last_start_ms: Option<i64>, trigger: Trigger, had_data: bool) -> Fire {
    let Some(last_start_ms) = last_start_ms else { return Fire::Now };
    match trigger {
        Trigger::AvailableNow if had_data => Fire::Now,
        Trigger::AvailableNow => Fire::Done,
        Trigger::ProcessingTime(..=0) if had_data => Fire::Now,
        Trigger::ProcessingTime(..=0) => wait_until(last_start_ms.min(now_ms) + POLL_MS, now_ms),
        // A clock that was set back must not put the next tick far away, hence the lesser of the two.
        Trigger::ProcessingTime(interval_ms) => {
            let ticks = last_start_ms.min(now_ms).div_euclid(interval_ms);
            wait_until(ticks.saturating_add(1).saturating_mul(interval_ms), now_ms)
        }
    }
}

fn wait_until(time_ms: i64, now_ms: i64) -> Fire {
    if now_ms >= time_ms { Fire::Now } else { Fire::WaitUntil(time_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_next_epoch_starts() {
        use Trigger::{AvailableNow, ProcessingTime};
        let cases = [
            ("the first epoch starts at once", 1_234, None, ProcessingTime(1_000), false, Fire::Now),
            ("then at the next multiple", 1_240, Some(1_234), ProcessingTime(1_000), true, Fire::WaitUntil(2_000)),
            ("with or without data", 1_240, Some(1_234), ProcessingTime(1_000), false, Fire::WaitUntil(2_000)),
            ("the tick itself", 2_000, Some(1_234), ProcessingTime(1_000), true, Fire::Now),
            ("an overrun fires at once", 5_700, Some(2_000), ProcessingTime(1_000), true, Fire::Now),
            ("and the missed ticks are gone", 5_710, Some(5_700), ProcessingTime(1_000), true, Fire::WaitUntil(6_000)),
            ("a clock set back", 500, Some(90_000), ProcessingTime(1_000), true, Fire::WaitUntil(1_000)),
            ("before 1970", -1_500, Some(-1_600), ProcessingTime(1_000), true, Fire::WaitUntil(-1_000)),
            ("no interval, more to do", 100, Some(99), ProcessingTime(0), true, Fire::Now),
            ("no interval, idle", 100, Some(99), ProcessingTime(0), false, Fire::WaitUntil(109)),
            ("no interval, idle for long", 110, Some(99), ProcessingTime(0), false, Fire::Now),
            ("a negative interval is none", 100, Some(99), ProcessingTime(-5), true, Fire::Now),
            ("available now: start", 1, None, AvailableNow, false, Fire::Now),
            ("available now: go on", 2, Some(1), AvailableNow, true, Fire::Now),
            ("available now: end", 3, Some(2), AvailableNow, false, Fire::Done),
        ];
        for (what, now, last, trigger, had_data, expected) in cases {
            assert_eq!(next_fire(now, last, trigger, had_data), expected, "{what}");
        }
    }
}
