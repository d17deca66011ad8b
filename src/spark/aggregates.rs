//! `sum` that fails where the total does not fit, and `avg` that stays a decimal over decimals, as in Spark's ANSI mode. Other
//! types keep the engine's aggregates.

use std::sync::Arc;

use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, i256};
use datafusion::common::{not_impl_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility};

use super::decimal::rounded;
use super::running::{Finish, Running, Single, overflow};

/// The aggregates that take the place of the engine's.
pub(crate) fn functions() -> Vec<Arc<AggregateUDF>> {
    let average =
        Average { engine: datafusion_spark::function::aggregate::avg(), signature: Signature::user_defined(Volatility::Immutable) };
    let sum = Sum { engine: datafusion::functions_aggregate::sum::sum_udaf() };
    vec![Arc::new(AggregateUDF::new_from_impl(sum)), Arc::new(AggregateUDF::new_from_impl(average))]
}

/// A total as it is, if it has the digits that its type allows.
#[derive(Debug, Clone)]
struct Total(DataType);

impl Finish<Int64Type> for Total {
    fn finish(&self, sum: i64, _: i64) -> Result<i64> {
        Ok(sum)
    }

    fn data_type(&self) -> &DataType {
        &self.0
    }

    const COUNTED: bool = false;
}

impl Finish<Decimal128Type> for Total {
    fn finish(&self, sum: i128, _: i64) -> Result<i128> {
        let digits = if let DataType::Decimal128(precision, _) = self.0 { precision } else { 38 };
        if sum.unsigned_abs() < 10_u128.pow(digits.into()) { Ok(sum) } else { Err(overflow()) }
    }

    fn data_type(&self) -> &DataType {
        &self.0
    }

    const COUNTED: bool = false;
}

/// A total divided by its count, half up.
#[derive(Debug, Clone)]
struct Mean {
    data_type: DataType,
    /// Places after the point that the mean has more than the sum.
    more_places: u32,
}

impl Finish<Decimal128Type> for Mean {
    fn finish(&self, sum: i128, count: i64) -> Result<i128> {
        let scaled = i256::from_i128(sum).wrapping_mul(i256::from_i128(10).wrapping_pow(self.more_places));
        let digits = if let DataType::Decimal128(precision, _) = self.data_type { precision } else { 38 };
        let mean = rounded(scaled, i256::from_i128(count.into())).to_i128();
        mean.filter(|m| m.unsigned_abs() < 10_u128.pow(digits.into())).ok_or_else(overflow)
    }

    fn data_type(&self) -> &DataType {
        &self.data_type
    }

    const COUNTED: bool = true;
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    engine: Arc<AggregateUDF>,
}

impl Sum {
    fn int(args: &AccumulatorArgs<'_>) -> Running<Int64Type, Total> {
        Running::new(args.return_type().clone(), Total(args.return_type().clone()))
    }

    fn decimal(args: &AccumulatorArgs<'_>) -> Running<Decimal128Type, Total> {
        Running::new(args.return_type().clone(), Total(args.return_type().clone()))
    }
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engine.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match args.return_type() {
            DataType::Int64 if args.is_distinct => Ok(Box::new(DistinctSum::<Int64Type>::new(&self.engine, args)?)),
            DataType::Decimal128(..) if args.is_distinct => Ok(Box::new(DistinctSum::<Decimal128Type>::new(&self.engine, args)?)),
            DataType::Int64 => Ok(Box::new(Single::new(Self::int(&args)))),
            DataType::Decimal128(..) => Ok(Box::new(Single::new(Self::decimal(&args)))),
            _ => self.engine.accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.engine.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_type() {
            DataType::Int64 => Ok(Box::new(Self::int(&args))),
            DataType::Decimal128(..) => Ok(Box::new(Self::decimal(&args))),
            _ => self.engine.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return not_impl_err!("`sum(DISTINCT …)` over a moving window: collect the values in a subquery first");
        }
        match args.return_type() {
            DataType::Int64 | DataType::Decimal128(..) => self.accumulator(args),
            _ => self.engine.create_sliding_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The engine's set of distinct values, whose sum is checked.
#[derive(Debug)]
struct DistinctSum<T: arrow::datatypes::ArrowPrimitiveType + std::fmt::Debug> {
    values: Box<dyn Accumulator>,
    data_type: DataType,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: arrow::datatypes::ArrowPrimitiveType + std::fmt::Debug> DistinctSum<T> {
    fn new(engine: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Self> {
        let data_type = args.return_type().clone();
        Ok(Self { values: engine.accumulator(args)?, data_type, kind: std::marker::PhantomData })
    }
}

impl<T: arrow::datatypes::ArrowPrimitiveType + std::fmt::Debug> Accumulator for DistinctSum<T>
where
    Total: Finish<T>,
{
    fn update_batch(&mut self, values: &[arrow::array::ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<datafusion::scalar::ScalarValue> {
        let kept = self.values.state()?;
        let datafusion::scalar::ScalarValue::List(list) = &kept[0] else {
            return datafusion::common::internal_err!("distinct values are kept as a list");
        };
        let mut sum = Single::new(Running::<T, Total>::new(self.data_type.clone(), Total(self.data_type.clone())));
        sum.update_batch(&[Arc::clone(list.values())])?;
        sum.evaluate()
    }

    fn size(&self) -> usize {
        self.values.size()
    }

    fn state(&mut self) -> Result<Vec<datafusion::scalar::ScalarValue>> {
        self.values.state()
    }

    fn merge_batch(&mut self, kept: &[arrow::array::ArrayRef]) -> Result<()> {
        self.values.merge_batch(kept)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    engine: Arc<AggregateUDF>,
    signature: Signature,
}

impl Average {
    fn mean(args: &AccumulatorArgs<'_>) -> Result<Running<Decimal128Type, Mean>> {
        let (DataType::Decimal128(_, from), DataType::Decimal128(_, to)) = (args.expr_fields[0].data_type(), args.return_type()) else {
            return datafusion::common::internal_err!("the mean of {} as {}", args.expr_fields[0].data_type(), args.return_type());
        };
        let finish = Mean { data_type: args.return_type().clone(), more_places: (to - from) as u32 };
        Ok(Running::new(DataType::Decimal128(38, *from), finish))
    }

    fn check(args: &AccumulatorArgs<'_>) -> Result<()> {
        if args.is_distinct {
            return plan_err!("`avg(DISTINCT …)` is not supported beside other aggregates: average the rows of a SELECT DISTINCT");
        }
        Ok(())
    }
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &str {
        "avg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [decimal @ DataType::Decimal128(..)] => Ok(vec![decimal.clone()]),
            [number] if number.is_numeric() || number.is_null() || number.is_string() => Ok(vec![DataType::Float64]),
            [other] => plan_err!("`avg` takes numbers, not {other}"),
            _ => plan_err!("`avg` takes one argument, not {}", types.len()),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match types.first() {
            Some(DataType::Decimal128(precision, scale)) => DataType::Decimal128((precision + 4).min(38), (scale + 4).min(38)),
            _ => DataType::Float64,
        })
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let DataType::Decimal128(_, scale) = args.input_fields[0].data_type() else { return self.engine.state_fields(args) };
        let field = |name: &str, data_type| Arc::new(Field::new(format_state_name(args.name, name), data_type, true));
        Ok(vec![field("sum", DataType::Decimal128(38, *scale)), field("count", DataType::Int64)])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Self::check(&args)?;
        if args.return_type().is_decimal() { Ok(Box::new(Single::new(Self::mean(&args)?))) } else { self.engine.accumulator(args) }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        if args.return_type().is_decimal() { Ok(Box::new(Self::mean(&args)?)) } else { self.engine.create_groups_accumulator(args) }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}
