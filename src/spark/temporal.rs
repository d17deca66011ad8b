//! Functions that take more types than the engine's of that name: text for days and instants (`year('2020-05-17')`), and numbers
//! of days that are bigint while a statement is planned. What they compute is the engine's.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion_spark::function::datetime as spark;

use crate::ddl::timestamp;

/// A function, which of its arguments are days or instants, as what text is read there, and which are ints.
type Row = (Arc<ScalarUDF>, &'static [usize], DataType, &'static [usize]);

/// All functions of this module.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let instant = timestamp();
    let day = DataType::Date32;
    let int = DataType::Int32;
    let table: [Row; 15] = [
        (spark::date_part(), &[1], instant.clone(), &[]),
        (spark::date_trunc(), &[1], instant.clone(), &[]),
        (spark::hour(), &[0], instant.clone(), &[]),
        (spark::minute(), &[0], instant.clone(), &[]),
        (spark::second(), &[0], instant, &[]),
        (spark::date_add(), &[0], day.clone(), &[1]),
        (spark::date_sub(), &[0], day.clone(), &[1]),
        (spark::add_months(), &[0], day.clone(), &[1]),
        (spark::last_day(), &[0], day.clone(), &[]),
        (spark::next_day(), &[0], day.clone(), &[]),
        (spark::date_diff(), &[0, 1], day, &[]),
        (datafusion_spark::function::string::space(), &[], int.clone(), &[0]),
        (datafusion_spark::function::math::factorial(), &[], int.clone(), &[0]),
        (datafusion_spark::function::bitwise::shiftleft(), &[], int.clone(), &[1]),
        (datafusion_spark::function::bitwise::shiftright(), &[], int, &[1]),
    ];
    let signature = Signature::user_defined(Volatility::Immutable);
    let wrapped = table.into_iter().map(|(engine, at, to, ints)| Temporal { engine, at, to, ints, signature: signature.clone() });
    wrapped.map(|function| Arc::new(ScalarUDF::new_from_impl(function))).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Temporal {
    engine: Arc<ScalarUDF>,
    /// Which arguments are days or instants,
    at: &'static [usize],
    /// and what text there is read as.
    to: DataType,
    /// Which arguments are ints.
    ints: &'static [usize],
    signature: Signature,
}

impl Temporal {
    fn fields(&self, fields: &[FieldRef]) -> Result<Vec<FieldRef>> {
        let read = |(i, field): (usize, &FieldRef)| {
            let text = self.at.contains(&i) && field.data_type().is_string();
            let bigint = self.ints.contains(&i) && *field.data_type() == DataType::Int64;
            let to = if text {
                self.to.clone()
            } else if bigint {
                DataType::Int32
            } else {
                field.data_type().clone()
            };
            Arc::new(field.as_ref().clone().with_data_type(to))
        };
        let read: Vec<FieldRef> = fields.iter().enumerate().map(read).collect();
        fields_with_udf(&read, self.engine.as_ref())
    }
}

impl ScalarUDFImpl for Temporal {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let fields: Vec<FieldRef> = types.iter().map(|t| Arc::new(arrow::datatypes::Field::new("", t.clone(), true))).collect();
        Ok(self.fields(&fields)?.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(&self.coerce_types(types)?)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let fields = self.fields(args.arg_fields)?;
        self.engine.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: args.scalar_arguments })
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // By then the arguments have their types.
        Ok(ExprSimplifyResult::Simplified(self.engine.call(args)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("`{}` was not replaced by the engine's function", self.name())
    }
}
