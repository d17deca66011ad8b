//! VALUES whose columns meet in Spark's common types. What a value's type is comes out only in analysis, after the planner has
//! given every column a type of the engine's choice. So each value passes the planner under a mark, which tells what was
//! written from the planner's casts around it; here the mark is taken off and the column gets its type.
//!
//! ```text
//! before  Values: (CAST(__value(Decimal128(0.5)) AS Decimal128(30, 15))), (CAST(__value(Float64(1e-20)) AS Decimal128(30, 15)))
//! after   Values: (Float64(0.5)), (Float64(1e-20))
//! ```

use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Values,
    Volatility,
};

use super::types::{Meeting, common_of};

/// The function that marks a value; nobody calls it by this name.
pub(crate) const MARK: &str = "__value";

/// The mark.
pub(crate) fn mark() -> Arc<ScalarUDF> {
    static MARKING: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(Marked { signature: Signature::any(1, Volatility::Immutable) })));
    Arc::clone(&MARKING)
}

/// Whether these are values as the planner leaves them.
pub(super) fn are_marked(values: &Values) -> bool {
    values.values.iter().flatten().any(|value| written(value).is_some())
}

/// The values with one type in each column; `resolved` gives a value its own.
pub(super) fn meet(values: Values, mut resolved: impl FnMut(Expr) -> Result<Expr>) -> Result<LogicalPlan> {
    let nothing = DFSchema::empty();
    let mut rows: Vec<Vec<Expr>> = Vec::with_capacity(values.values.len());
    for row in values.values {
        rows.push(row.into_iter().map(|value| resolved(written(&value).cloned().unwrap_or(value))).collect::<Result<_>>()?);
    }
    for column in 0..rows.first().map_or(0, Vec::len) {
        let types: Vec<DataType> = rows.iter().map(|row| row[column].get_type(&nothing)).collect::<Result<_>>()?;
        let met = match common_of(&types, Meeting::Unified) {
            Some(met) => met,
            None => engines(&types, column)?,
        };
        for value in rows.iter_mut().map(|row| &mut row[column]) {
            *value = super::cast::to(std::mem::take(value), &met, &nothing)?;
        }
    }
    LogicalPlanBuilder::values(rows)?.build()
}

/// What was written, if the planner has left it under a mark.
fn written(value: &Expr) -> Option<&Expr> {
    match value {
        Expr::ScalarFunction(f) if f.func.inner().is::<Marked>() => f.args.first(),
        Expr::Cast(cast) => match cast.expr.as_ref() {
            Expr::ScalarFunction(f) if f.func.inner().is::<Marked>() => f.args.first(),
            _ => None,
        },
        _ => None,
    }
}

/// The engine's choice, where it is Spark's.
fn engines(types: &[DataType], column: usize) -> Result<DataType> {
    let mut known = types.iter().filter(|t| !t.is_null());
    let Some(first) = known.next() else { return Ok(DataType::Null) };
    let mut met = first.clone();
    for other in known {
        met = match type_union_coercion(&met, other) {
            Some(met) => met,
            None => return plan_err!("column {} of VALUES has {met} and {other}, which have no common type: cast one of them", column + 1),
        };
    }
    Ok(met)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Marked {
    signature: Signature,
}

impl ScalarUDFImpl for Marked {
    fn name(&self) -> &str {
        MARK
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("a value is still marked")
    }
}
