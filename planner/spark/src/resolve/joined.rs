//! The engine's joins: by condition, and by keys of which nulls equal each other.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{JoinConstraint, JoinType, NullEquality, ScalarValue};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder, lit};

use crate::Result;
use crate::error::error;

/// The engine's join.
pub(super) fn joined(left: LogicalPlan, right: LogicalPlan, condition: Option<Expr>, join_type: JoinType) -> Result<LogicalPlan> {
    let builder = LogicalPlanBuilder::from(left);
    Ok(match (condition, join_type) {
        (None, JoinType::Inner) => builder.cross_join(right)?.build()?,
        (condition, join_type) => builder.join_on(right, join_type, [condition.unwrap_or_else(|| lit(true))])?.build()?,
    })
}

/// The engine's join on keys of which nulls equal each other.
pub(super) fn joined_on_nulls(left: LogicalPlan, right: LogicalPlan, keys: Vec<(Expr, Expr)>, join_type: JoinType) -> Result<LogicalPlan> {
    let keys = null_safe(&left, &right, keys)?;
    if keys.is_empty() {
        return joined(left, right, (join_type != JoinType::Inner).then(|| lit(true)), join_type);
    }
    let join =
        Join::try_new(Arc::new(left), Arc::new(right), keys, None, join_type, JoinConstraint::On, NullEquality::NullEqualsNothing, false)?;
    Ok(LogicalPlan::Join(join))
}

/// Keys of which nulls equal each other, as keys of a plain join. The engine has such joins, but what its rules push into one, as
/// `WHERE a = b` above it, would then hold for nulls, too.
pub(super) fn null_safe(left: &LogicalPlan, right: &LogicalPlan, keys: Vec<(Expr, Expr)>) -> Result<Vec<(Expr, Expr)>> {
    let mut safe = Vec::with_capacity(keys.len());
    for (l, r) in keys {
        // Of a column of nothing but nulls every value is the same.
        if l.get_type(left.schema())? == DataType::Null && r.get_type(right.schema())? == DataType::Null {
            continue;
        }
        let data_type = l.get_type(left.schema())?;
        if holds_map(&data_type) {
            let message = "a subquery, or a lateral join, names a map of the row around it: compute what it needs of the map in a column of its \
                           own first, as in `SELECT …, m['k'] AS k`";
            return Err(error("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_REFERENCE_DATA_TYPE", message));
        }
        if !l.nullable(left.schema())? && !r.nullable(right.schema())? {
            safe.push((l, r));
            continue;
        }
        // A list by default calls its items otherwise than ours do: it is cast.
        let stand_in = ScalarValue::new_default(&data_type)?.cast_to(&data_type)?;
        let filled = |e: &Expr| {
            let branch = (Box::new(e.clone().is_null()), Box::new(Expr::Literal(stand_in.clone(), None)));
            Expr::Case(Case::new(None, vec![branch], Some(Box::new(e.clone()))))
        };
        safe.push((filled(&l), filled(&r)));
        safe.push((l.is_null(), r.is_null()));
    }
    Ok(safe)
}

fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => holds_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(field.data_type())),
        _ => false,
    }
}
