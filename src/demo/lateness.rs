//! What is late in a stream with one watermark, by a model: it knows the greatest event time of each epoch and the watermark's delay,
//! and shares nothing with the engine that it judges.
//!
//! ```text
//! epoch                 0      1      2             3
//! greatest event time   t0     t1     none          t3
//! a window ends by      –      t0−d   max(t0,t1)−d  max(t0,t1)−d
//! a row is late by      –      –      t0−d          max(t0,t1)−d
//! ```
//! An epoch ends windows by what the epochs before it have seen. Its rows are late by what the epoch before it ended windows by, so that
//! what one operator gives in an epoch is not late in the next operator.
//!
//! Source: Spark, `WatermarkTracker`, `WatermarkPropagator.scala` (SPARK-40925).

use tidemill_planner::seam::Watermarks;

/// What an epoch has to run by, microseconds of event time; `None` before any event time has been seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// A row of the epoch at or before it is late.
    pub late_us: Option<i64>,
    /// A window that ends at or before it ends in the epoch.
    pub final_us: Option<i64>,
}

impl Bounds {
    /// Whether a row of the epoch is late. A row without a time never is.
    pub fn is_late(&self, time_us: Option<i64>) -> bool {
        time_us.zip(self.late_us).is_some_and(|(time_us, late_us)| time_us <= late_us)
    }

    /// Whether an epoch that says it ran by `watermarks` ran by these.
    pub fn agree_with(&self, watermarks: &Watermarks) -> bool {
        let known = |us: i64| (us != i64::MIN).then_some(us);
        (self.late_us, self.final_us) == (known(watermarks.late_us), known(watermarks.eviction_us))
    }
}

/// The bounds of every epoch, of which `maxima_us` are the greatest event times (`None` where no row had one), and of the epoch that
/// would come after them.
pub fn bounds(maxima_us: &[Option<i64>], delay_us: i64) -> Vec<Bounds> {
    let (mut top_us, mut now): (Option<i64>, _) = (None, Bounds::default());
    let mut all = vec![now];
    for max_us in maxima_us {
        top_us = top_us.max(*max_us);
        now = Bounds { late_us: now.final_us, final_us: top_us.map(|top_us| top_us.saturating_sub(delay_us)) };
        all.push(now);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds as `late/final`, epoch by epoch.
    fn shown(maxima_us: &[Option<i64>], delay_us: i64) -> String {
        let text = |us: Option<i64>| us.map_or("-".to_owned(), |us| us.to_string());
        let all = bounds(maxima_us, delay_us);
        all.iter().map(|b| format!("{}/{}", text(b.late_us), text(b.final_us))).collect::<Vec<_>>().join(" ")
    }

    /// Spark's rule by hand: SPARK-40925 has the rows of a batch late by the watermark of the batch before it.
    #[test]
    fn bounds_of_epochs() {
        for (maxima_us, delay_us, expected) in [
            (&[][..], 10, "-/-"),
            (&[None, None], 10, "-/- -/- -/-"),
            (&[Some(100)], 10, "-/- -/90"),
            (&[Some(100), None], 10, "-/- -/90 90/90"),
            (&[Some(100), None, Some(50), Some(130), None], 10, "-/- -/90 90/90 90/90 90/120 120/120"),
            (&[None, Some(100), Some(95), Some(101)], 0, "-/- -/- -/100 100/100 100/101"),
            (&[Some(-5)], 10, "-/- -/-15"),
        ] {
            assert_eq!(shown(maxima_us, delay_us), expected, "{maxima_us:?}");
        }
    }

    #[test]
    fn rows_and_records_are_held_to_the_bounds() {
        let (none, some) = (Bounds::default(), Bounds { late_us: Some(90), final_us: Some(120) });
        for (bounds, time_us, late) in
            [(none, Some(i64::MIN), false), (none, None, false), (some, Some(90), true), (some, Some(91), false), (some, None, false)]
        {
            assert_eq!(bounds.is_late(time_us), late, "{time_us:?}");
        }
        let recorded = Watermarks { late_us: 90, eviction_us: 120 };
        assert!(some.agree_with(&recorded) && none.agree_with(&Watermarks::NONE));
        for other in [Watermarks { late_us: 120, ..recorded }, Watermarks { eviction_us: 121, ..recorded }, Watermarks::NONE] {
            assert!(!some.agree_with(&other) && !none.agree_with(&recorded), "{other:?}");
        }
    }
}
