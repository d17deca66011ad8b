//! How many rows a function of the program is given at once: Spark's `spark.sql.execution.arrow.maxRecordsPerBatch`.

/// How many rows a function of the program is given at once, at most. A call costs as much as some thousand rows of simple work, so a
/// stage that calls such functions works in batches of as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowsAtOnce(Option<usize>);

impl RowsAtOnce {
    /// Without a setting. Spark has 10 000, for rows that go to another process.
    pub const DEFAULT: i64 = 262_144;

    /// So many; any number for 0 and less, as in Spark.
    pub fn at_most(rows: i64) -> Self {
        Self(usize::try_from(rows).ok().filter(|rows| *rows > 0))
    }

    /// How many rows a batch of the stage should have, if the engine would give it `usual`.
    pub fn wanted(self, usual: usize) -> usize {
        self.0.unwrap_or(Self::DEFAULT as usize).max(usual)
    }

    /// The calls that so many rows take: the first row of each, and how many there are.
    pub fn parts(self, rows: usize) -> impl Iterator<Item = (usize, usize)> {
        let most = self.0.unwrap_or(rows).max(1);
        (0..rows).step_by(most).map(move |from| (from, most.min(rows - from)))
    }
}

#[cfg(test)]
mod tests {
    use super::RowsAtOnce;

    #[test]
    fn no_part_is_larger_than_the_setting() {
        for (most, rows, parts) in [
            (3, 7, vec![(0, 3), (3, 3), (6, 1)]),
            (3, 3, vec![(0, 3)]),
            (10, 3, vec![(0, 3)]),
            (10, 0, vec![]),
            (0, 5, vec![(0, 5)]),
            (-1, 5, vec![(0, 5)]),
        ] {
            assert_eq!(RowsAtOnce::at_most(most).parts(rows).collect::<Vec<_>>(), parts, "{rows} rows by {most}");
        }
    }

    #[test]
    fn a_stage_works_in_batches_that_a_call_takes_whole_and_in_no_smaller_ones_than_usual() {
        assert_eq!(RowsAtOnce::at_most(100_000).wanted(8_192), 100_000);
        assert_eq!(RowsAtOnce::at_most(10).wanted(8_192), 8_192);
        assert_eq!(RowsAtOnce::at_most(0).wanted(8_192), 262_144);
    }
}
