//! How functions that take lambdas run: one engine function for all of them. A lambda's body is an expression over columns; it is
//! computed once over the elements of all rows, beside each element the columns that it captures of its row.
//!
//! ```text
//! transform(xs, x -> x + y)      args: xs, y     body: parameter_0 + capture_0
//! row 0: [1, 2], 10              parameter_0  1 2 3
//! row 1: [3],    20              capture_0   10 10 20    body: 11 12 23    lists again: [11, 12] [23]
//! ```
//!
//! Captured columns are arguments of the call, so that the optimizer sees them; in the body they have names of the call's own.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, UInt64Array, new_empty_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use crate::functions::{Call, Lambda};
use crate::kernel::retype::retype;
use crate::plan::Span;
use crate::types::{SparkType, StructField, field_of, to_arrow};
use crate::{Error, Result, Settings, Sql, Typed};

/// What a function with lambdas computes.
pub(super) type LambdaKernel = fn(&LambdaArgs<'_>) -> Result<ArrayRef>;

/// What such a kernel is given.
pub(super) struct LambdaArgs<'a> {
    /// The arguments that are no lambdas.
    pub(super) arrays: &'a [ArrayRef],
    /// How many rows.
    pub(super) rows: usize,
    /// The type of the result.
    pub(super) out: &'a SparkType,
    /// Flags that the call fixed.
    pub(super) constants: &'a [ScalarValue],
    /// The statement's settings.
    pub(super) settings: &'a Settings,
    bodies: &'a [Body],
    captures: &'a [ArrayRef],
}

/// A lambda's body over `parameter_0`, …, `capture_0`, ….
#[derive(Debug, Clone)]
struct Body {
    parameters: Vec<(SparkType, bool)>,
    expr: Expr,
    out: SparkType,
    nullable: bool,
    /// Made when first used; the same for all that are equal.
    physical: OnceLock<Arc<dyn PhysicalExpr>>,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.parameters == other.parameters && self.expr == other.expr && self.out == other.out && self.nullable == other.nullable
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parameters.hash(state);
        self.expr.hash(state);
        self.out.hash(state);
    }
}

/// A function over lambdas that are resolved.
#[derive(Debug, Clone)]
struct HigherOrder {
    name: &'static str,
    kernel: LambdaKernel,
    /// How many arguments there are before the captures.
    plain: usize,
    bodies: Vec<Body>,
    out: SparkType,
    nullable: bool,
    constants: Vec<ScalarValue>,
    settings: Arc<Settings>,
    volatility: Volatility,
    span: Option<Span>,
    signature: Signature,
}

impl PartialEq for HigherOrder {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.plain == other.plain
            && self.bodies == other.bodies
            && self.out == other.out
            && self.constants == other.constants
            && self.volatility == other.volatility
            && (Arc::ptr_eq(&self.settings, &other.settings) || self.settings == other.settings)
    }
}

impl Eq for HigherOrder {}

impl Hash for HigherOrder {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.bodies.hash(state);
        self.out.hash(state);
        self.constants.hash(state);
    }
}

/// How Spark shows a lambda.
pub(super) fn lambda_sql(lambda: &Lambda) -> Sql {
    let parameter = Sql::from("namedlambdavariable()");
    let parameters = lambda.parameters.iter().map(|_| &parameter);
    Sql::call("lambdafunction", std::iter::once(&lambda.body.sql).chain(parameters))
}

/// A call of such a function: the plain arguments, and lambdas with the types of their parameters.
///
/// # Errors
/// `UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION` for a query in a lambda.
#[allow(clippy::too_many_arguments)]
pub(super) fn call_with(
    call: &Call<'_>,
    name: &'static str,
    kernel: LambdaKernel,
    args: Vec<Typed>,
    lambdas: Vec<(Lambda, Vec<(SparkType, bool)>)>,
    constants: Vec<ScalarValue>,
    out: SparkType,
    nullable: bool,
) -> Result<Typed> {
    let sql = Sql::call(call.name, args.iter().map(|arg| &arg.sql).chain(&lambdas.iter().map(|(l, _)| lambda_sql(l)).collect::<Vec<_>>()));
    let mut captures: Vec<Expr> = Vec::new();
    let mut bodies = Vec::with_capacity(lambdas.len());
    for (lambda, parameters) in lambdas {
        let expr = capture(call, &lambda, &mut captures)?;
        let (out, nullable) = (lambda.body.data_type, lambda.body.nullable);
        bodies.push(Body { parameters, expr, out, nullable, physical: OnceLock::new() });
    }
    let volatility = if bodies.iter().any(|body| body.expr.is_volatile()) { Volatility::Volatile } else { Volatility::Immutable };
    let function = HigherOrder {
        name,
        kernel,
        plain: args.len(),
        bodies,
        out: out.clone(),
        nullable,
        constants,
        settings: Arc::clone(call.settings),
        volatility,
        span: call.span,
        signature: Signature::user_defined(volatility),
    };
    let args = args.into_iter().map(|arg| arg.expr).chain(captures).collect();
    let function = datafusion::logical_expr::expr::ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), args);
    Ok(Typed::new(Expr::ScalarFunction(function), out, nullable, sql))
}

/// The body with its parameters and captures under the call's names; what it captures is added to `captures`.
fn capture(call: &Call<'_>, lambda: &Lambda, captures: &mut Vec<Expr>) -> Result<Expr> {
    let mut query = false;
    let body = lambda.body.expr.clone().transform_down(|expr| {
        let rename = |name: String| Expr::Column(Column::new_unqualified(name));
        match &expr {
            Expr::Column(column) => {
                let own = lambda.parameters.iter().position(|p| column.relation.is_none() && *p == column.name);
                if let Some(own) = own {
                    return Ok(Transformed::new(rename(format!("parameter_{own}")), true, TreeNodeRecursion::Jump));
                }
            }
            // What is computed of a group or a window is computed outside.
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {}
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::OuterReferenceColumn(..) => {
                query = true;
                return Ok(Transformed::new(expr, false, TreeNodeRecursion::Stop));
            }
            _ => return Ok(Transformed::no(expr)),
        }
        let at = captures.iter().position(|captured| *captured == expr).unwrap_or_else(|| {
            captures.push(expr.clone());
            captures.len() - 1
        });
        Ok(Transformed::new(rename(format!("capture_{at}")), true, TreeNodeRecursion::Jump))
    })?;
    if query {
        let message = format!("a lambda of `{}` holds a query: put its result into a column first", call.name);
        return Err(call.refuse("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION", message));
    }
    Ok(body.data)
}

impl ScalarUDFImpl for HigherOrder {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(to_arrow(&self.out))
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(field_of(&StructField::new(self.name, self.out.clone()).with_nullable(self.nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let constant = self.volatility != Volatility::Volatile && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<DfResult<Vec<_>>>()?;
        let (plain, captures) = arrays.split_at(self.plain.min(arrays.len()));
        let lambda_args = LambdaArgs {
            arrays: plain,
            rows,
            out: &self.out,
            constants: &self.constants,
            settings: &self.settings,
            bodies: &self.bodies,
            captures,
        };
        let made = (self.kernel)(&lambda_args).map_err(|error| DataFusionError::from(crate::error::at(error, self.span)))?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?));
        }
        Ok(ColumnarValue::Array(made))
    }
}

impl LambdaArgs<'_> {
    /// What the `at`-th lambda computes of these parameters; the `i`-th of them belong to row `rows[i]`.
    ///
    /// # Errors
    /// What the body raises.
    pub(super) fn evaluate(&self, at: usize, parameters: &[ArrayRef], rows: &[u64]) -> Result<ArrayRef> {
        let body = self.bodies.get(at).ok_or_else(|| Error::internal("a lambda that is not there"))?;
        let out = to_arrow(&body.out);
        if rows.is_empty() {
            return Ok(new_empty_array(&out));
        }
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (i, ((data_type, nullable), values)) in body.parameters.iter().zip(parameters).enumerate() {
            let field = field_of(&StructField::new(format!("parameter_{i}"), data_type.clone()).with_nullable(*nullable));
            columns.push(retype(values, field.data_type())?);
            fields.push(field);
        }
        let indices = UInt64Array::from(rows.to_vec());
        for (i, values) in self.captures.iter().enumerate() {
            fields.push(Arc::new(Field::new(format!("capture_{i}"), values.data_type().clone(), true)));
            columns.push(take(values, &indices, None)?);
        }
        let schema = Arc::new(Schema::new(fields));
        let physical = match body.physical.get() {
            Some(physical) => Arc::clone(physical),
            None => {
                let names = DFSchema::try_from(Arc::clone(&schema))?;
                let made = create_physical_expr(&body.expr, &names, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
                Arc::clone(body.physical.get_or_init(|| made))
            }
        };
        let batch = RecordBatch::try_new_with_options(schema, columns, &RecordBatchOptions::new().with_row_count(Some(rows.len())))?;
        let values = physical.evaluate(&batch)?.into_array(rows.len())?;
        retype(&values, &out)
    }

    /// The type of what the `at`-th lambda computes.
    pub(super) fn body_type(&self, at: usize) -> DataType {
        self.bodies.get(at).map_or(DataType::Null, |body| to_arrow(&body.out))
    }

    /// The `at`-th plain argument.
    ///
    /// # Errors
    /// `Internal` where there is none.
    pub(super) fn array(&self, at: usize) -> Result<&ArrayRef> {
        self.arrays.get(at).ok_or_else(|| Error::internal("an argument that is not there"))
    }
}
