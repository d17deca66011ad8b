//! The logical nodes that DataFusion does not have: what each means over a table is its meaning over a stream. Batch
//! kernels and state are elsewhere; these nodes are plain data.
//!
//! | node | Spark's name |
//! |---|---|
//! | [`Watermark`] | `withWatermark` |
//! | [`Dedup`] | `dropDuplicates` |
//! | [`WindowAggregate`] | `groupBy(window(…))`, `groupBy(session_window(…))` |
//! | [`FlatMapGroups`] | `flatMapGroupsWithState` |
//! | [`SidePort`] | none: late and malformed rows as rows |
//! | [`MapBatches`] | `mapInArrow` |
//! | [`RowStep`] | `sample`; limits of recursive queries; named queries that are made once |
//! | [`Exchange`] | `repartition`, `repartitionByRange`, `coalesce`, DISTRIBUTE BY |
//! | [`SortWithin`] | `sortWithinPartitions`, SORT BY |

mod dedup;
mod event_time;
mod exchange;
mod groups;
mod map_batches;
mod row_step;
mod rows_at_once;
mod side_port;
mod sort_within;
mod user_function;
mod watermark;
mod window;

pub use dedup::Dedup;
pub use event_time::{WATERMARK_DELAY_KEY, event_time_column, watermark_delay_us, without_event_time};
pub use exchange::{Dealing, Exchange};
pub use groups::{FlatMapGroups, GroupFn, GroupFunction, GroupOutput, GroupRows, GroupState};
pub use map_batches::{BatchesFunction, MapBatches};
pub use row_step::{Pass, RowPass, RowStep};
pub use rows_at_once::RowsAtOnce;
pub use side_port::{SidePort, late_schema};
pub use sort_within::SortWithin;
pub use user_function::{UserFunction, UserScalarFunction};
pub use watermark::Watermark;
pub use window::{EventTime, Groups, WindowAggregate, WindowKind};

use datafusion::logical_expr::LogicalPlan;

use crate::OperatorId;

/// The operator id that one of our nodes carries, once [`crate::operator_id::name_operators`] has given it one.
pub fn operator_id_of(plan: &LogicalPlan) -> Option<&OperatorId> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    let node = extension.node.as_any();
    if let Some(n) = node.downcast_ref::<Watermark>() {
        return n.id.as_ref();
    }
    if let Some(n) = node.downcast_ref::<Dedup>() {
        return n.id.as_ref();
    }
    if let Some(n) = node.downcast_ref::<WindowAggregate>() {
        return n.id.as_ref();
    }
    node.downcast_ref::<FlatMapGroups>().and_then(|n| n.id.as_ref())
}

/// Node boilerplate: extension nodes are ordered by their explain text, which is all that DataFusion needs an order for.
macro_rules! order_by_text {
    ($node:ty) => {
        impl PartialOrd for $node {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                (self == other).then_some(std::cmp::Ordering::Equal)
            }
        }
    };
}
pub(crate) use order_by_text;

/// An operator node: ordered by its text, and named once.
macro_rules! operator_node {
    ($node:ty) => {
        crate::logical::order_by_text!($node);

        impl $node {
            /// The same operator under `id`.
            #[must_use]
            pub fn named(&self, id: crate::OperatorId) -> Self {
                Self { id: Some(id), ..self.clone() }
            }
        }
    };
}
pub(crate) use operator_node;
