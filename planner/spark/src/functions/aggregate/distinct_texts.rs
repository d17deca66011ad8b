//! `count(DISTINCT text)` in groups. DataFusion's accumulator of one group takes 8 KB for texts, and a table of 128 places, before it has
//! seen the first (datafusion-physical-expr-common 55, `binary_map.rs`, `ArrowBytesMap::new`); here a group takes what its texts take.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{HashSet, Result as DfResult, ScalarValue, internal_err};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

/// `count`, which counts different texts of many groups by itself.
pub(super) fn count_texts() -> Arc<AggregateUDF> {
    static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(CountTexts { of: count_udaf() })));
    Arc::clone(&FUNCTION)
}

/// Whether values of this type are counted here.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Binary)
}

#[derive(Debug, Clone)]
struct CountTexts {
    /// What counts all else.
    of: Arc<AggregateUDF>,
}

impl PartialEq for CountTexts {
    fn eq(&self, other: &Self) -> bool {
        self.of.name() == other.of.name()
    }
}

impl Eq for CountTexts {}

impl Hash for CountTexts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.name().hash(state);
    }
}

/// The type of the values, where it is different texts that are counted.
fn texts(args: &AccumulatorArgs<'_>) -> Option<DataType> {
    let [field] = args.expr_fields else { return None };
    (args.is_distinct && is_text(field.data_type())).then(|| field.data_type().clone())
}

impl AggregateUDFImpl for CountTexts {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, types: &[DataType]) -> DfResult<DataType> {
        self.of.return_type(types)
    }

    fn is_nullable(&self) -> bool {
        self.of.is_nullable()
    }

    fn default_value(&self, data_type: &DataType) -> DfResult<ScalarValue> {
        self.of.default_value(data_type)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.of.reverse_udf()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        self.of.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        self.of.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        texts(&args).is_some() || self.of.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        match texts(&args) {
            Some(data_type) => Ok(Box::new(Texts { data_type, groups: Vec::new(), bytes: 0 })),
            None => self.of.create_groups_accumulator(args),
        }
    }
}

/// The different texts of each group.
#[derive(Debug)]
struct Texts {
    data_type: DataType,
    groups: Vec<HashSet<Box<[u8]>>>,
    /// What they take, about.
    bytes: usize,
}

/// What a text takes besides its bytes: its place in a table that is half full, and what comes with an allocation.
const PER_TEXT: usize = 2 * (size_of::<Box<[u8]>>() + 1) + 16;

impl Texts {
    fn add(&mut self, group: usize, text: &[u8]) {
        let texts = &mut self.groups[group];
        if !texts.contains(text) {
            texts.insert(text.into());
            self.bytes += text.len() + PER_TEXT;
        }
    }

    /// Adds the text of each row that counts to the group that is told for it.
    fn add_rows(&mut self, values: &ArrayRef, group_of: impl Fn(usize) -> Option<usize>) {
        let rows = (0..values.len()).filter(|row| values.is_valid(*row)).filter_map(|row| Some((row, group_of(row)?)));
        match values.data_type() {
            DataType::Utf8 => {
                let texts = values.as_string::<i32>();
                rows.for_each(|(row, group)| self.add(group, texts.value(row).as_bytes()));
            }
            _ => {
                let texts = values.as_binary::<i32>();
                rows.for_each(|(row, group)| self.add(group, texts.value(row)));
            }
        }
    }

    fn with_groups(&mut self, total: usize) {
        self.groups.resize_with(total.max(self.groups.len()), HashSet::new);
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<HashSet<Box<[u8]>>> {
        let taken = emit_to.take_needed(&mut self.groups);
        let bytes: usize = taken.iter().flatten().map(|text| text.len() + PER_TEXT).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        taken
    }

    /// Lists of texts of these lengths, as DataFusion's own accumulator hands them on.
    fn lists<'t>(&self, texts: impl Iterator<Item = &'t [u8]>, lengths: Vec<usize>) -> DfResult<Vec<ArrayRef>> {
        let texts = arrow::compute::cast(&texts.map(Some).collect::<BinaryArray>(), &self.data_type)?;
        let item = Arc::new(Field::new_list_field(self.data_type.clone(), true));
        Ok(vec![Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), texts, None)?)])
    }
}

/// Whether a row counts.
fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Texts {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> DfResult<()> {
        self.with_groups(total);
        let [values] = values else { return internal_err!("count of different texts is over one column") };
        self.add_rows(values, |row| passes(filter, row).then(|| groups[row]));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> DfResult<()> {
        self.with_groups(total);
        let [lists] = states else { return internal_err!("count of different texts hands on one column") };
        let lists = lists.as_list::<i32>();
        let mut group_of = vec![None; lists.values().len()];
        for (row, group) in groups.iter().enumerate() {
            let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
            group_of[start..end].fill(Some(*group));
        }
        self.add_rows(lists.values(), |text| group_of[text]);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let counts = self.take(emit_to).into_iter().map(|texts| texts.len() as i64);
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        self.lists(groups.iter().flatten().map(AsRef::as_ref), groups.iter().map(HashSet::len).collect())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        let [values] = values else { return internal_err!("count of different texts is over one column") };
        let mut rows = Self { data_type: self.data_type.clone(), groups: Vec::new(), bytes: 0 };
        rows.with_groups(values.len());
        rows.add_rows(values, |row| passes(filter, row).then_some(row));
        rows.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.capacity() * size_of::<HashSet<Box<[u8]>>>() + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
    use arrow::datatypes::Int64Type;
    use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

    use super::Texts;

    const ROWS: usize = 3_000;
    const GROUPS: usize = 100;

    fn texts() -> Vec<Option<String>> {
        (0..ROWS).map(|row| (row % 11 != 0).then(|| "x".repeat(row % 7) + &(row * row % 13).to_string())).collect()
    }

    fn group_of(row: usize) -> usize {
        row * 31 % GROUPS
    }

    fn counted(row: usize) -> Option<bool> {
        [Some(true), Some(true), Some(false), None][row % 4]
    }

    fn counts(array: &ArrayRef) -> Vec<i64> {
        array.as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn different_texts_are_counted_whichever_way_they_come() {
        let texts = texts();
        let mut model: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for row in (0..ROWS).filter(|row| counted(*row) == Some(true)) {
            model.entry(group_of(row)).or_default().extend(texts[row].as_deref());
        }
        let expected: Vec<i64> = (0..GROUPS).map(|group| model.get(&group).map_or(0, BTreeSet::len) as i64).collect();
        assert!(expected.iter().any(|count| *count > 3));
        let (groups, filter): (Vec<usize>, BooleanArray) = ((0..ROWS).map(group_of).collect(), (0..ROWS).map(counted).collect());
        let strings: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringArray>());
        let bytes: ArrayRef = Arc::new(texts.iter().map(|text| text.as_ref().map(String::as_bytes)).collect::<BinaryArray>());
        for values in [strings, bytes] {
            let new = || Texts { data_type: values.data_type().clone(), groups: Vec::new(), bytes: 0 };
            let values = [Arc::clone(&values)];

            let mut direct = new();
            direct.update_batch(&values, &groups, Some(&filter), GROUPS).unwrap();
            // What stands in no group takes nothing; a group takes its own texts alone.
            assert!(direct.size() < GROUPS * 2_000, "{} bytes", direct.size());
            let first = counts(&direct.evaluate(EmitTo::First(30)).unwrap());
            let rest = counts(&direct.evaluate(EmitTo::All).unwrap());
            assert_eq!([first, rest].concat(), expected);
            assert_eq!(direct.bytes, 0);

            // By way of two states: that of half of the rows, and that of each row of the other half.
            let half = ROWS / 2;
            let (low, high) = ([values[0].slice(0, half)], [values[0].slice(half, ROWS - half)]);
            let mut partial = new();
            partial.update_batch(&low, &groups[..half], Some(&filter.slice(0, half)), GROUPS).unwrap();
            let grouped = partial.state(EmitTo::All).unwrap();
            let by_row = partial.convert_to_state(&high, Some(&filter.slice(half, ROWS - half))).unwrap();
            let mut merged = new();
            merged.merge_batch(&grouped, &(0..GROUPS).collect::<Vec<_>>(), GROUPS).unwrap();
            merged.merge_batch(&by_row, &groups[half..], GROUPS).unwrap();
            assert_eq!(counts(&merged.evaluate(EmitTo::All).unwrap()), expected);
        }
    }
}
