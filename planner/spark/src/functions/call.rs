//! A call that is being resolved: its arguments, how they are brought to the types that a function takes, and what it becomes.

use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, NullTreatment, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{AggregateUDF, ColumnarValue, Expr, Volatility, WindowFrame, WindowFunctionDefinition, WindowUDF};

use crate::error::error;
use crate::kernel::{ScalarKernel, SparkScalar};
use crate::plan::{CastMode, Expression, Span};
use crate::types::{SparkType, Want, cast, lattice};
use crate::{Result, Settings, Sql, Typed};

/// An argument.
#[derive(Debug, Clone)]
pub enum Arg {
    /// A value.
    Value(Typed),
    /// `x -> …`, resolved when the types of its parameters are known: see [`Call::lambda`].
    Lambda(Expression),
}

/// A resolved lambda.
#[derive(Debug, Clone)]
pub struct Lambda {
    /// The names of the columns that stand for its parameters in `body`.
    pub parameters: Vec<String>,
    /// What it computes: over its parameters, and over columns from outside.
    pub body: Typed,
}

/// Resolves a lambda's body; the resolver is one.
pub trait LambdaResolver {
    /// The lambda over parameters of these types (and whether they may be null).
    ///
    /// # Errors
    /// When `argument` is no lambda, has another number of parameters, or its body does not resolve.
    fn lambda(&mut self, argument: &Expression, parameters: &[(SparkType, bool)]) -> Result<Lambda>;
}

/// A key to sort by, resolved.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// By what.
    pub key: Typed,
    /// Rising or falling.
    pub ascending: bool,
    /// Where nulls stand.
    pub nulls_first: bool,
}

/// The window that a call is over.
#[derive(Debug, Clone)]
pub struct WindowContext {
    /// `PARTITION BY`
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`
    pub order_by: Vec<datafusion::logical_expr::SortExpr>,
    /// The frame; the function's own or Spark's default is put in by the resolver.
    pub frame: WindowFrame,
    /// Whether the statement said a frame.
    pub frame_given: bool,
}

/// A call that is being resolved.
pub struct Call<'a> {
    /// The function's name, as the table has it.
    pub name: &'static str,
    /// The arguments; named ones are in their places.
    pub args: Vec<Arg>,
    /// `DISTINCT`
    pub distinct: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Typed>,
    /// `WITHIN GROUP (ORDER BY …)`
    pub order_by: Vec<SortKey>,
    /// `IGNORE NULLS`, `RESPECT NULLS`
    pub ignore_nulls: Option<bool>,
    /// The window, for `call OVER (…)`
    pub window: Option<WindowContext>,
    /// Where it was said.
    pub span: Option<Span>,
    /// The statement's settings.
    pub settings: &'a Arc<Settings>,
    /// Who resolves lambdas.
    pub lambdas: &'a mut dyn LambdaResolver,
}

impl Call<'_> {
    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// Refuses a call with another number of arguments.
    ///
    /// # Errors
    /// `WRONG_NUM_ARGS.WITHOUT_SUGGESTION`
    pub fn arity(&self, expected: RangeInclusive<usize>) -> Result<()> {
        if expected.contains(&self.args.len()) {
            return Ok(());
        }
        let (low, high) = (*expected.start(), *expected.end());
        let wanted = if low == high {
            low.to_string()
        } else if high == usize::MAX {
            format!("{low} or more")
        } else if high == low + 1 {
            format!("{low} or {high}")
        } else {
            format!("from {low} to {high}")
        };
        Err(self.wrong_arity(&wanted))
    }

    /// The error for a wrong number of arguments; `wanted` says which are right, as in `2 or 4`.
    pub fn wrong_arity(&self, wanted: &str) -> crate::Error {
        let message = format!("`{}` takes {wanted} arguments, and the call has {}", self.name, self.args.len());
        self.refuse("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", message)
    }

    /// An error about this call.
    pub fn refuse(&self, condition: &'static str, message: impl std::fmt::Display) -> crate::Error {
        crate::error::at(error(condition, message), self.span)
    }

    /// The `at`-th argument (from 0), which must be a value.
    ///
    /// # Errors
    /// `INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION` for a lambda; `WRONG_NUM_ARGS` where it is missing.
    pub fn arg(&self, at: usize) -> Result<Typed> {
        match self.args.get(at) {
            Some(Arg::Value(value)) => Ok(value.clone()),
            Some(Arg::Lambda(_)) => Err(self.refuse(
                "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                format!("`{}` takes no lambda: give it a value", self.name),
            )),
            None => Err(self.wrong_arity(&format!("at least {}", at + 1))),
        }
    }

    /// All arguments, which must be values.
    ///
    /// # Errors
    /// As [`Call::arg`].
    pub fn values(&self) -> Result<Vec<Typed>> {
        (0..self.args.len()).map(|at| self.arg(at)).collect()
    }

    /// The `at`-th argument as the function takes it, cast without being asked where Spark does that.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` where Spark does not.
    pub fn want(&self, at: usize, want: &Want) -> Result<Typed> {
        let value = self.arg(at)?;
        match lattice::implicit_type(&value.data_type, want, self.settings.ansi) {
            Some(wanted) => self.cast(value, &wanted),
            None => Err(self.unexpected_type(at, &value, &lattice::want_text(want))),
        }
    }

    /// Shorthand for [`Call::want`] of one type.
    ///
    /// # Errors
    /// As [`Call::want`].
    pub fn want_type(&self, at: usize, data_type: SparkType) -> Result<Typed> {
        self.want(at, &Want::Type(data_type))
    }

    /// The error for an argument of a type that the function does not take.
    pub fn unexpected_type(&self, at: usize, value: &Typed, wanted: &str) -> crate::Error {
        let message = format!(
            "cannot resolve \"{}\": parameter {} of `{}` takes {wanted}, and \"{}\" is \"{}\"; cast it",
            self.sql(),
            at + 1,
            self.name,
            value.sql,
            value.data_type.sql()
        );
        self.refuse("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message)
    }

    /// `value` as another type, by the session's rules for casts; its text stays.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` where there is no such cast.
    pub fn cast(&self, value: Typed, to: &SparkType) -> Result<Typed> {
        if value.data_type == *to {
            return Ok(value);
        }
        let (sql, name) = (value.sql.clone(), value.name.clone());
        let mut made = cast::cast(value, to, CastMode::Session, self.settings, self.span)?;
        made.sql = sql;
        made.name = name;
        Ok(made)
    }

    /// These values in the one type that they have in common.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.DATA_DIFF_TYPES` where they have none.
    pub fn same_type(&self, values: Vec<Typed>) -> Result<Vec<Typed>> {
        let Some(common) = lattice::common_type_of(values.iter().map(|v| &v.data_type), self.settings.ansi) else {
            let types: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.data_type.sql())).collect();
            let message = format!(
                "cannot resolve \"{}\": the arguments of `{}` need one type, and they are [{}]; cast them",
                self.sql(),
                self.name,
                types.join(", ")
            );
            return Err(self.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message));
        };
        values.into_iter().map(|value| self.cast(value, &common)).collect()
    }

    /// The value of the `at`-th argument, which must be constant, as `data_type`.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT` where it depends on a row.
    pub fn constant(&self, at: usize, data_type: &SparkType) -> Result<ScalarValue> {
        let value = self.want(at, &Want::Type(data_type.clone()))?;
        constant(&value)?.ok_or_else(|| {
            let message = format!(
                "cannot resolve \"{}\": parameter {} of `{}` has to be a constant, and \"{}\" is none",
                self.sql(),
                at + 1,
                self.name,
                value.sql
            );
            self.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message)
        })
    }

    /// How Spark shows the call: `name(a, b)`.
    pub fn sql(&self) -> Sql {
        let mut parts = vec![Sql::from(format!("{}({}", self.name, if self.distinct { "DISTINCT " } else { "" }))];
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                parts.push(Sql::from(", "));
            }
            parts.push(match arg {
                Arg::Value(value) => value.sql.clone(),
                Arg::Lambda(_) => Sql::from("lambdafunction"),
            });
        }
        parts.push(Sql::from(")"));
        Sql::concat(parts)
    }

    /// A kernel over these values, shown as this call.
    pub fn scalar(&self, kernel: ScalarKernel, args: Vec<Typed>, out: SparkType, nullable: bool) -> Typed {
        self.scalar_with(kernel, args, Vec::new(), out, nullable)
    }

    /// A kernel over these values and constants, shown as this call.
    pub fn scalar_with(
        &self,
        kernel: ScalarKernel,
        args: Vec<Typed>,
        constants: Vec<ScalarValue>,
        out: SparkType,
        nullable: bool,
    ) -> Typed {
        let types = args.iter().map(|arg| arg.data_type.clone()).collect();
        let function = SparkScalar::new(self.name, kernel, types, out.clone(), Arc::clone(self.settings))
            .with_constants(constants)
            .with_nullable(nullable)
            .at(self.span);
        let expr = function.call(args.into_iter().map(|arg| arg.expr).collect());
        Typed::new(expr, out, nullable, self.sql())
    }

    /// An expression of the engine's, shown as this call.
    pub fn made(&self, expr: Expr, out: SparkType, nullable: bool) -> Typed {
        Typed::new(expr, out, nullable, self.sql())
    }

    /// An aggregate of the engine's with this call's DISTINCT, FILTER and order, over the call's window if it has one. The engine's
    /// result must have the Arrow type of `out`; where it has another, cast the expression that comes back.
    pub fn aggregate(&self, function: &Arc<AggregateUDF>, args: Vec<Expr>, out: SparkType, nullable: bool) -> Typed {
        self.aggregate_with(function, args, self.distinct, self.filter.as_ref().map(|f| f.expr.clone()), out, nullable)
    }

    /// The same with a DISTINCT and FILTER of the caller's.
    pub fn aggregate_with(
        &self,
        function: &Arc<AggregateUDF>,
        args: Vec<Expr>,
        distinct: bool,
        filter: Option<Expr>,
        out: SparkType,
        nullable: bool,
    ) -> Typed {
        let null_treatment = self.ignore_nulls.map(|ignore| if ignore { NullTreatment::IgnoreNulls } else { NullTreatment::RespectNulls });
        let order_by: Vec<_> = self
            .order_by
            .iter()
            .map(|key| datafusion::logical_expr::SortExpr::new(key.key.expr.clone(), key.ascending, key.nulls_first))
            .collect();
        let filter = filter.map(Box::new);
        let expr = match &self.window {
            None => Expr::AggregateFunction(AggregateFunction {
                func: Arc::clone(function),
                params: AggregateFunctionParams { args, distinct, filter, order_by, null_treatment },
            }),
            Some(window) => {
                let params = WindowFunctionParams {
                    args,
                    partition_by: window.partition_by.clone(),
                    order_by: window.order_by.clone(),
                    window_frame: window.frame.clone(),
                    filter,
                    null_treatment,
                    distinct,
                };
                let fun = WindowFunctionDefinition::AggregateUDF(Arc::clone(function));
                Expr::WindowFunction(Box::new(WindowFunction { fun, params }))
            }
        };
        Typed::new(expr, out, nullable, self.sql())
    }

    /// A window function of the engine's over the call's window.
    ///
    /// # Errors
    /// `WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE` without one.
    pub fn window_function(&self, function: &Arc<WindowUDF>, args: Vec<Expr>, out: SparkType, nullable: bool) -> Result<Typed> {
        let Some(window) = &self.window else {
            let message = format!("`{0}` is a function over windows: write `{0}(…) OVER (ORDER BY …)`", self.name);
            return Err(self.refuse("WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", message));
        };
        let params = WindowFunctionParams {
            args,
            partition_by: window.partition_by.clone(),
            order_by: window.order_by.clone(),
            window_frame: window.frame.clone(),
            filter: None,
            null_treatment: self.ignore_nulls.map(|i| if i { NullTreatment::IgnoreNulls } else { NullTreatment::RespectNulls }),
            distinct: false,
        };
        let fun = WindowFunctionDefinition::WindowUDF(Arc::clone(function));
        Ok(Typed::new(Expr::WindowFunction(Box::new(WindowFunction { fun, params })), out, nullable, self.sql()))
    }

    /// The `at`-th argument as a lambda over parameters of these types.
    ///
    /// # Errors
    /// As [`LambdaResolver::lambda`].
    pub fn lambda(&mut self, at: usize, parameters: &[(SparkType, bool)]) -> Result<Lambda> {
        match self.args.get(at) {
            Some(Arg::Lambda(argument)) => {
                let argument = argument.clone();
                self.lambdas.lambda(&argument, parameters)
            }
            // A plain value is a lambda that does not look at its parameters.
            Some(Arg::Value(value)) => {
                let parameters = (0..parameters.len()).map(|i| format!("unused_{i}")).collect();
                Ok(Lambda { parameters, body: value.clone() })
            }
            None => Err(self.wrong_arity(&format!("at least {}", at + 1))),
        }
    }
}

/// The value of an expression that depends on no row; `None` for one that does.
///
/// # Errors
/// What computing it raises.
pub(crate) fn constant(value: &Typed) -> Result<Option<ScalarValue>> {
    if let Some(literal) = value.as_literal() {
        return Ok(Some(literal.clone()));
    }
    if !value.expr.column_refs().is_empty() || changes(&value.expr) || has_rows(&value.expr) {
        return Ok(None);
    }
    let schema = DFSchema::empty();
    let physical =
        datafusion::physical_expr::create_physical_expr(&value.expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
    let batch = arrow::record_batch::RecordBatch::try_new_with_options(
        Arc::new(arrow::datatypes::Schema::empty()),
        vec![],
        &arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    Ok(Some(match physical.evaluate(&batch)? {
        ColumnarValue::Scalar(scalar) => scalar,
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0)?,
    }))
}

/// Whether it is something else at another time: random numbers, the clock.
fn changes(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    let is_fixed = |e: &Expr| !matches!(e, Expr::ScalarFunction(f) if f.func.signature().volatility != Volatility::Immutable);
    expr.exists(|e| Ok(!is_fixed(e))).unwrap_or(true)
}

/// Whether it holds an aggregate, a window function or a subquery.
fn has_rows(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| {
        Ok(matches!(
            e,
            Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::OuterReferenceColumn(..)
        ))
    })
    .unwrap_or(true)
}
