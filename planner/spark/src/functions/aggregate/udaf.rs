//! One engine aggregate for all of ours: around an accumulator that folds values as they come, or a function over all rows of a group.
//! DISTINCT and moving frames work for all of them, because rows can be kept.

use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, ReversedUDAF, Signature, Volatility};
use tidemill_planner::float::{Normal, holds_floats, normalize};
use tidemill_planner::logical::UserFunction;

use super::counting::distinct_key;
use super::ordered::{InOrder, kept_rows, ordered_fields, takes_rows_in_order};
use crate::functions::Call;
use crate::plan::Span;
use crate::types::{SparkType, StructField, field_of, to_arrow};
use crate::{Result, Settings, Typed};

/// What an aggregate is over.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// The name of the behaviour.
    pub(super) name: &'static str,
    /// The arguments' types.
    pub(super) types: Vec<SparkType>,
    /// The result's type.
    pub(super) out: SparkType,
    /// What the call fixed.
    pub(super) constants: Vec<ScalarValue>,
    /// The statement's settings.
    pub(super) settings: Arc<Settings>,
    /// Where it was called.
    pub(super) span: Option<Span>,
}

impl Spec {
    /// The Arrow type of results.
    pub(super) fn arrow(&self) -> DataType {
        to_arrow(&self.out)
    }

    /// A null of the result's type.
    pub(super) fn null(&self) -> Result<ScalarValue> {
        Ok(ScalarValue::try_from(&self.arrow())?)
    }

    /// The Arrow types of the arguments.
    pub(super) fn inputs(&self) -> Vec<DataType> {
        self.types.iter().map(to_arrow).collect()
    }

    fn failed(&self, error: crate::Error) -> DataFusionError {
        DataFusionError::from(crate::error::at(error, self.span))
    }
}

/// Makes an accumulator of many groups.
type MakeMany = fn(&Arc<Spec>) -> Result<Box<dyn GroupsAccumulator>>;

/// How the result comes about.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// Values are folded as they come.
    Fold {
        /// An accumulator of one group.
        one: fn(&Arc<Spec>) -> Result<Box<dyn Accumulator>>,
        /// One of many groups, where that is worth while.
        many: Option<MakeMany>,
        /// What is kept between two steps.
        state: fn(&Spec) -> Vec<DataType>,
    },
    /// All rows of a group are kept; the columns hold them in the order in which they came.
    Whole(fn(&Spec, &[ArrayRef]) -> Result<ScalarValue>),
    /// The same, by a function of the program.
    User(Arc<dyn UserFunction>),
}

/// An aggregate of ours over given types.
#[derive(Debug, Clone)]
struct SparkAggregate {
    spec: Arc<Spec>,
    how: How,
    signature: Signature,
}

/// The aggregate `how` over these values, by the call's DISTINCT, FILTER and window. The call's order is not looked at.
pub(super) fn make(
    call: &Call<'_>,
    name: &'static str,
    how: How,
    args: Vec<Typed>,
    constants: Vec<ScalarValue>,
    out: SparkType,
    nullable: bool,
) -> Typed {
    // The engine may find out itself which values are different, and for it −0.0 and 0.0 are.
    let alike = |arg: Typed| {
        if call.distinct && holds_floats(&to_arrow(&arg.data_type)) {
            return Typed { expr: distinct_key(call, vec![arg.clone()]), ..arg };
        }
        arg
    };
    let args: Vec<Typed> = args.into_iter().map(alike).collect();
    let types = args.iter().map(|arg| arg.data_type.clone()).collect();
    let spec = Spec { name, types, out: out.clone(), constants, settings: Arc::clone(call.settings), span: call.span };
    let function = SparkAggregate { spec: Arc::new(spec), how, signature: Signature::user_defined(Volatility::Immutable) };
    let function = Arc::new(AggregateUDF::new_from_impl(function));
    call.aggregate(&function, args.into_iter().map(|arg| arg.expr).collect(), out, nullable)
}

/// A function of the program over all rows of a group.
pub(crate) fn user_aggregate(
    function: Arc<dyn UserFunction>,
    types: Vec<SparkType>,
    out: &SparkType,
    settings: Arc<Settings>,
    args: Vec<Expr>,
) -> Expr {
    let spec = Spec { name: "user_aggregate", types, out: out.clone(), constants: Vec::new(), settings, span: None };
    let how = How::User(function);
    let function = SparkAggregate { spec: Arc::new(spec), how, signature: Signature::user_defined(Volatility::Immutable) };
    let params = AggregateFunctionParams { args, distinct: false, filter: None, order_by: Vec::new(), null_treatment: None };
    Expr::AggregateFunction(AggregateFunction { func: Arc::new(AggregateUDF::new_from_impl(function)), params })
}

/// The one value that a function of the program gives for a group.
fn user_value(spec: &Spec, function: &dyn UserFunction, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let rows = columns.first().map_or(0, |column| column.len());
    let value = function.call(columns, rows)?;
    if value.len() != 1 || *value.data_type() != spec.arrow() {
        let (name, gave, promised) = (function.name(), value.data_type(), spec.arrow());
        let message = format!("the aggregate `{name}` gave {} values of {gave} for a group: one of {promised} is needed", value.len());
        return Err(crate::Error::data(message));
    }
    value_at(&value, 0)
}

impl PartialEq for SparkAggregate {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.spec, &other.spec);
        let same_function = match (&self.how, &other.how) {
            (How::User(one), How::User(other)) => Arc::ptr_eq(one, other),
            _ => true,
        };
        same_function && a.name == b.name && a.types == b.types && a.out == b.out && a.constants == b.constants && a.settings == b.settings
    }
}

impl Eq for SparkAggregate {}

impl Hash for SparkAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spec.name.hash(state);
        self.spec.types.hash(state);
        self.spec.constants.hash(state);
    }
}

impl SparkAggregate {
    fn rows(&self, distinct: bool, moving: bool) -> Rows {
        Rows {
            spec: Arc::clone(&self.spec),
            how: self.how.clone(),
            distinct,
            seen: (distinct && !moving).then(HashSet::new),
            chunks: VecDeque::new(),
        }
    }
}

impl AggregateUDFImpl for SparkAggregate {
    fn name(&self) -> &str {
        self.spec.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.spec.arrow())
    }

    fn return_field(&self, _: &[FieldRef]) -> DfResult<FieldRef> {
        Ok(field_of(&StructField::new(self.spec.name, self.spec.out.clone())))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let made: Box<dyn Accumulator> = match self.how {
            How::Fold { one, .. } if !args.is_distinct => one(&self.spec).map_err(|e| self.spec.failed(e))?,
            _ => Box::new(self.rows(args.is_distinct, false)),
        };
        Ok(if args.order_bys.is_empty() { made } else { Box::new(InOrder::new(made, self.spec.inputs(), &args)?) })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        if let How::Fold { one, .. } = self.how
            && !args.is_distinct
        {
            let accumulator = one(&self.spec).map_err(|e| self.spec.failed(e))?;
            if accumulator.supports_retract_batch() {
                return Ok(accumulator);
            }
        }
        Ok(Box::new(self.rows(args.is_distinct, true)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct && args.order_bys.is_empty() && matches!(self.how, How::Fold { many: Some(_), .. })
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        match self.how {
            How::Fold { many: Some(many), .. } => many(&self.spec).map_err(|e| self.spec.failed(e)),
            _ => internal_err!("`{}` has no accumulator of many groups", self.spec.name),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        let keys = args.ordering_fields.iter().map(|field| field.data_type().clone());
        let types = match self.how {
            _ if !args.ordering_fields.is_empty() => vec![list_type(ordered_fields(self.spec.inputs(), keys))],
            How::Fold { state, .. } if !args.is_distinct => state(&self.spec),
            _ => vec![list_type(kept_fields(&self.spec))],
        };
        let field = |(i, data_type)| Arc::new(Field::new(format_state_name(args.name, &format!("kept{i}")), data_type, true));
        Ok(types.into_iter().enumerate().map(field).collect())
    }

    fn default_value(&self, _: &DataType) -> DfResult<ScalarValue> {
        self.rows(false, false).evaluate()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::NotSupported
    }

    /// [`InOrder`] puts rows in order itself, since they come from several tasks: the engine need not sort them before.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        if takes_rows_in_order(self.spec.name) { AggregateOrderSensitivity::Beneficial } else { AggregateOrderSensitivity::Insensitive }
    }

    fn with_beneficial_ordering(self: Arc<Self>, _: bool) -> DfResult<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    fn supports_null_handling_clause(&self) -> bool {
        true
    }
}

fn kept_fields(spec: &Spec) -> Fields {
    ordered_fields(spec.inputs(), std::iter::empty())
}

fn list_type(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Struct(fields), true)))
}

/// The rows of a group.
#[derive(Debug)]
struct Rows {
    spec: Arc<Spec>,
    how: How,
    distinct: bool,
    /// The keys of the rows that are there; not kept where rows leave again.
    seen: Option<HashSet<Box<[u8]>>>,
    /// Columns of rows, one batch after the other.
    chunks: VecDeque<Vec<ArrayRef>>,
}

impl Rows {
    /// All rows in one batch.
    fn columns(&mut self) -> DfResult<Vec<ArrayRef>> {
        if self.chunks.len() != 1 {
            let types = self.spec.inputs();
            let mut columns = Vec::with_capacity(types.len());
            for (at, data_type) in types.iter().enumerate() {
                let parts: Vec<&dyn Array> = self.chunks.iter().filter_map(|chunk| chunk.get(at)).map(AsRef::as_ref).collect();
                columns.push(if parts.is_empty() { new_empty_array(data_type) } else { arrow::compute::concat(&parts)? });
            }
            self.chunks = VecDeque::from([columns]);
        }
        Ok(self.chunks.front().cloned().unwrap_or_default())
    }

    /// Takes in rows; those that are there already are left out where `seen` is kept.
    fn add(&mut self, columns: Vec<ArrayRef>) -> DfResult<()> {
        if columns.first().is_none_or(|column| column.is_empty()) {
            return Ok(());
        }
        let columns = match &mut self.seen {
            None => columns,
            Some(seen) => only_new(&columns, seen)?,
        };
        self.chunks.push_back(columns);
        Ok(())
    }
}

/// The rows whose key is not in `seen`, to which it is added.
fn only_new(columns: &[ArrayRef], seen: &mut HashSet<Box<[u8]>>) -> DfResult<Vec<ArrayRef>> {
    let keys = columns.iter().map(|column| normalize(column, Normal::Key).map_err(DataFusionError::from)).collect::<DfResult<Vec<_>>>()?;
    let converter = RowConverter::new(keys.iter().map(|key| SortField::new(key.data_type().clone())).collect())?;
    let rows = converter.convert_columns(&keys)?;
    let new: BooleanArray = rows.iter().map(|row| Some(seen.insert(row.as_ref().into()))).collect();
    columns.iter().map(|column| Ok(arrow::compute::filter(column, &new)?)).collect()
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.add(values.to_vec())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let mut columns = self.columns()?;
        if self.distinct && self.seen.is_none() {
            columns = only_new(&columns, &mut HashSet::new())?;
        }
        match self.how {
            How::Whole(finish) => finish(&self.spec, &columns).map_err(|e| self.spec.failed(e)),
            How::User(ref function) => user_value(&self.spec, &**function, &columns).map_err(|e| self.spec.failed(e)),
            How::Fold { one, .. } => {
                let mut folded = one(&self.spec).map_err(|e| self.spec.failed(e))?;
                folded.update_batch(&columns)?;
                folded.evaluate()
            }
        }
    }

    fn size(&self) -> usize {
        let arrays: usize = self.chunks.iter().flatten().map(|array| array.get_array_memory_size()).sum();
        let keys: usize = self.seen.iter().flatten().map(|key| key.len() + size_of::<Box<[u8]>>()).sum();
        size_of_val(self) + arrays + keys
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        let columns = self.columns()?;
        Ok(vec![kept_rows(kept_fields(&self.spec), columns)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let Some(kept) = states.first() else { return Ok(()) };
        for rows in kept.as_list::<i32>().iter().flatten() {
            self.add(rows.as_struct().columns().to_vec())?;
        }
        Ok(())
    }

    /// Rows leave in the order in which they came.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let mut leaving = values.first().map_or(0, Array::len);
        while leaving > 0 {
            let Some(chunk) = self.chunks.front_mut() else { return internal_err!("more rows leave a frame than came into it") };
            let rows = chunk.first().map_or(0, Array::len);
            if rows <= leaving {
                leaving -= rows;
                self.chunks.pop_front();
            } else {
                for column in chunk.iter_mut() {
                    *column = column.slice(leaving, rows - leaving);
                }
                leaving = 0;
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

/// The value at a row as the result.
pub(super) fn value_at(array: &ArrayRef, row: usize) -> Result<ScalarValue> {
    Ok(ScalarValue::try_from_array(array, row)?)
}

/// Where the array is null, false; and all else true.
pub(super) fn valid(array: &ArrayRef) -> BooleanArray {
    match array.logical_nulls() {
        Some(nulls) => BooleanArray::new(nulls.inner().clone(), None),
        None => BooleanArray::from(vec![true; array.len()]),
    }
}

/// A list of one result.
pub(super) fn list_of(spec: &Spec, items: ArrayRef) -> Result<ScalarValue> {
    let DataType::List(field) = spec.arrow() else {
        return Err(crate::error::error("INTERNAL_ERROR", format!("`{}` makes no array", spec.name)));
    };
    let items = if items.data_type() == field.data_type() { items } else { arrow::compute::cast(&items, field.data_type())? };
    let list = ListArray::try_new(field, OffsetBuffer::from_lengths([items.len()]), items, None)?;
    Ok(ScalarValue::List(Arc::new(list)))
}
