//! Windows of rows: `Window::partition_by(["user"]).order_by(["time"]).rows_between(-2, 0)`.

use tidemill_spark::plan::{Expression, FrameBound, FrameUnit, WindowFrame};

use super::Column;

/// Begins a [`WindowSpec`].
#[derive(Debug, Clone, Copy)]
pub struct Window;

/// Over which rows a function is computed for each row.
#[derive(Debug, Clone, Default)]
pub struct WindowSpec {
    pub(crate) spec: tidemill_spark::plan::WindowSpec,
}

impl Window {
    /// The first row of the partition, as an end of a frame.
    pub const UNBOUNDED_PRECEDING: i64 = i64::MIN;
    /// The last row of the partition, as an end of a frame.
    pub const UNBOUNDED_FOLLOWING: i64 = i64::MAX;
    /// The current row, as an end of a frame.
    pub const CURRENT_ROW: i64 = 0;

    /// Rows that agree in these columns.
    pub fn partition_by<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> WindowSpec {
        WindowSpec::default().partition_by(columns)
    }

    /// All rows, in this order.
    pub fn order_by<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> WindowSpec {
        WindowSpec::default().order_by(columns)
    }

    /// The rows of a frame.
    pub fn rows_between(start: i64, end: i64) -> WindowSpec {
        WindowSpec::default().rows_between(start, end)
    }

    /// The rows of a frame of values.
    pub fn range_between(start: i64, end: i64) -> WindowSpec {
        WindowSpec::default().range_between(start, end)
    }
}

impl WindowSpec {
    /// Rows that agree in these columns.
    #[must_use]
    pub fn partition_by<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.spec.partition_by = columns.into_iter().map(|c| c.into().expression).collect();
        self
    }

    /// The order of the rows in a partition.
    #[must_use]
    pub fn order_by<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.spec.order_by = columns.into_iter().map(|c| c.into().into_sort_order()).collect();
        self
    }

    /// So many rows: from `start` to `end`, counted from the current one, negative ones before it.
    #[must_use]
    pub fn rows_between(self, start: i64, end: i64) -> Self {
        self.frame(FrameUnit::Rows, start, end)
    }

    /// The rows whose sort key lies between the current one's plus `start` and plus `end`.
    #[must_use]
    pub fn range_between(self, start: i64, end: i64) -> Self {
        self.frame(FrameUnit::Range, start, end)
    }

    fn frame(mut self, unit: FrameUnit, start: i64, end: i64) -> Self {
        let bound = |at: i64| match at {
            Window::UNBOUNDED_PRECEDING => FrameBound::UnboundedPreceding,
            Window::UNBOUNDED_FOLLOWING => FrameBound::UnboundedFollowing,
            Window::CURRENT_ROW => FrameBound::CurrentRow,
            before if before < 0 => FrameBound::Preceding(distance(before.unsigned_abs())),
            after => FrameBound::Following(distance(after.unsigned_abs())),
        };
        self.spec.frame = Some(WindowFrame { unit, lower: bound(start), upper: bound(end) });
        self
    }
}

/// A whole number as SQL writes it: an integer if it fits.
fn distance(rows: u64) -> Expression {
    match i32::try_from(rows) {
        Ok(small) => Expression::literal(small),
        Err(_) => Expression::literal(i64::try_from(rows).unwrap_or(i64::MAX)),
    }
}

impl From<&WindowSpec> for WindowSpec {
    fn from(spec: &WindowSpec) -> Self {
        spec.clone()
    }
}
