//! Arrays, maps and structs in Arrow: taken apart, put together, and brought to a type that differs only in what may be null.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, UInt64Array, new_empty_array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, FieldRef};

use super::{Build, Call, Function, Group, Want};
use crate::error::error;
use crate::kernel::KernelArgs;
use crate::kernel::retype::{retype, struct_of, wrong_layout};
use crate::types::{SparkType, lattice, to_arrow};
use crate::{Error, Result, Typed};

/// How many elements Spark lets an array have.
pub(crate) const MAX_LENGTH: i64 = 2_147_483_632;

/// The source of a picked element that is null.
pub(crate) const NULL: usize = usize::MAX;

/// A row of the function table without parameters' names.
pub(crate) const fn row(
    name: &'static str,
    group: Group,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    Function { name, group, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// The error for place 0 where places are counted from 1.
pub(crate) fn index_zero() -> Error {
    error("INVALID_INDEX_OF_ZERO", "there is no element 0: places are counted from 1, or from -1 backwards")
}

/// The arrays of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists<'a>(&'a ListArray);

impl<'a> Lists<'a> {
    /// The column, which must hold arrays.
    ///
    /// # Errors
    /// `Internal` for another.
    pub(crate) fn new(array: &'a ArrayRef) -> Result<Self> {
        array.as_list_opt::<i32>().map(Self).ok_or_else(|| wrong_layout("an array", array.data_type()))
    }

    /// The `at`-th argument.
    ///
    /// # Errors
    /// `Internal` where it holds no arrays.
    pub(crate) fn of(args: &KernelArgs<'a>, at: usize) -> Result<Self> {
        Self::new(argument(args, at)?)
    }

    /// The elements of all rows.
    pub(crate) fn values(&self) -> &'a ArrayRef {
        self.0.values()
    }

    /// Where the elements of a row stand; `None` for null.
    pub(crate) fn range(&self, row: usize) -> Option<Range<usize>> {
        if self.0.is_null(row) {
            return None;
        }
        let offsets = self.0.value_offsets();
        Some(usize_of(offsets[row])..usize_of(offsets[row + 1]))
    }
}

/// The maps of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maps<'a>(&'a MapArray);

impl<'a> Maps<'a> {
    /// The column, which must hold maps.
    ///
    /// # Errors
    /// `Internal` for another.
    pub(crate) fn new(array: &'a ArrayRef) -> Result<Self> {
        array.as_map_opt().map(Self).ok_or_else(|| wrong_layout("a map", array.data_type()))
    }

    /// The `at`-th argument.
    ///
    /// # Errors
    /// `Internal` where it holds no maps.
    pub(crate) fn of(args: &KernelArgs<'a>, at: usize) -> Result<Self> {
        Self::new(argument(args, at)?)
    }

    /// The Arrow array.
    pub(crate) fn array(&self) -> &'a MapArray {
        self.0
    }

    /// The keys of all rows.
    pub(crate) fn keys(&self) -> &'a ArrayRef {
        self.0.keys()
    }

    /// The values of all rows.
    pub(crate) fn values(&self) -> &'a ArrayRef {
        self.0.values()
    }

    /// Where the entries of a row stand; `None` for null.
    pub(crate) fn range(&self, row: usize) -> Option<Range<usize>> {
        if self.0.is_null(row) {
            return None;
        }
        let offsets = self.0.value_offsets();
        Some(usize_of(offsets[row])..usize_of(offsets[row + 1]))
    }
}

/// The `at`-th array of a kernel's arguments.
///
/// # Errors
/// `Internal` where there is none.
pub(crate) fn argument<'a>(args: &KernelArgs<'a>, at: usize) -> Result<&'a ArrayRef> {
    args.arrays.get(at).ok_or_else(|| Error::internal(format!("a function was given {} arguments and reads the next", args.arrays.len())))
}

fn usize_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// Collects rows of elements that are picked from other arrays.
#[derive(Debug)]
pub(crate) struct Gather {
    offsets: Vec<i32>,
    valid: Vec<bool>,
    picks: Vec<(usize, usize)>,
}

impl Gather {
    /// For so many rows.
    pub(crate) fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, valid: Vec::with_capacity(rows), picks: Vec::new() }
    }

    /// The next element of the row: the `index`-th of the `source`-th array, or null for [`NULL`].
    pub(crate) fn push(&mut self, source: usize, index: usize) {
        self.picks.push((source, index));
    }

    /// The next elements of the row.
    pub(crate) fn extend(&mut self, source: usize, range: Range<usize>) {
        self.picks.extend(range.map(|index| (source, index)));
    }

    /// So many nulls.
    pub(crate) fn nulls(&mut self, count: usize) -> Result<()> {
        self.reserve(count)?;
        self.picks.extend(std::iter::repeat_n((NULL, 0), count));
        Ok(())
    }

    /// Makes room, or says that there is none.
    ///
    /// # Errors
    /// `Resources`
    pub(crate) fn reserve(&mut self, count: usize) -> Result<()> {
        let total = self.picks.len().saturating_add(count);
        if i32::try_from(total).is_err() || self.picks.try_reserve(count).is_err() {
            return Err(too_large());
        }
        Ok(())
    }

    /// Ends the row.
    ///
    /// # Errors
    /// `Resources` for more elements than a batch can hold.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.offsets.push(i32::try_from(self.picks.len()).map_err(|_| too_large())?);
        self.valid.push(true);
        Ok(())
    }

    /// A row that is null.
    pub(crate) fn end_null(&mut self) {
        let last = self.offsets.last().copied().unwrap_or(0);
        self.picks.truncate(usize_of(last));
        self.offsets.push(last);
        self.valid.push(false);
    }

    /// The arrays, of the type `out`.
    ///
    /// # Errors
    /// As [`retype`].
    pub(crate) fn list(self, sources: &[&ArrayRef], out: &SparkType) -> Result<ArrayRef> {
        let values = |field: &FieldRef| pick(sources, &self.picks, field.data_type());
        let DataType::List(field) = to_arrow(out) else { return Err(wrong_layout("an array", &to_arrow(out))) };
        list_of(&field, self.offsets.clone(), &self.valid, values(&field)?)
    }

    /// The maps, of the type `out`; keys and values are picked from parallel sources.
    ///
    /// # Errors
    /// As [`retype`].
    pub(crate) fn map(self, keys: &[&ArrayRef], values: &[&ArrayRef], out: &SparkType) -> Result<ArrayRef> {
        let (key, value) = map_fields(out)?;
        let keys = pick(keys, &self.picks, key.data_type())?;
        let values = pick(values, &self.picks, value.data_type())?;
        map_of(out, self.offsets, &self.valid, keys, values)
    }
}

/// The error for more elements than one batch can hold.
pub(crate) fn too_large() -> Error {
    Error::new(crate::ErrorKind::Resources, "the arrays of one batch have more elements than fit into it: make them shorter")
}

/// Elements picked from several arrays, in a type that those of the arrays differ from only in what may be null.
///
/// # Errors
/// As [`retype`].
pub(crate) fn pick(sources: &[&ArrayRef], picks: &[(usize, usize)], to: &DataType) -> Result<ArrayRef> {
    if picks.is_empty() {
        return Ok(new_empty_array(to));
    }
    let nullable = sources.iter().map(|source| retype(source, to)).collect::<Result<Vec<_>>>()?;
    if let [one] = nullable.as_slice() {
        let indices: UInt64Array = picks.iter().map(|(source, index)| (*source != NULL).then_some(*index as u64)).collect();
        return Ok(take(one, &indices, None)?);
    }
    let null = new_null_array(to, 1);
    let mut arrays: Vec<&dyn Array> = nullable.iter().map(|array| array.as_ref()).collect();
    let at_null = arrays.len();
    arrays.push(null.as_ref());
    let picks: Vec<(usize, usize)> =
        picks.iter().map(|(source, index)| if *source == NULL { (at_null, 0) } else { (*source, *index) }).collect();
    Ok(interleave(&arrays, &picks)?)
}

/// Arrays of these elements.
///
/// # Errors
/// What Arrow finds wrong.
pub(crate) fn list_of(field: &FieldRef, offsets: Vec<i32>, valid: &[bool], values: ArrayRef) -> Result<ArrayRef> {
    let values = retype(&values, field.data_type())?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), OffsetBuffer::new(offsets.into()), values, null_buffer(valid))?))
}

/// Maps of these keys and values.
///
/// # Errors
/// What Arrow finds wrong.
pub(crate) fn map_of(out: &SparkType, offsets: Vec<i32>, valid: &[bool], keys: ArrayRef, values: ArrayRef) -> Result<ArrayRef> {
    let DataType::Map(field, ordered) = to_arrow(out) else { return Err(wrong_layout("a map", &to_arrow(out))) };
    let DataType::Struct(pair) = field.data_type() else { return Err(wrong_layout("a map", field.data_type())) };
    let rows = keys.len();
    let entries = struct_of(pair, &[keys, values], None, rows)?;
    let entries = entries.as_struct_opt().ok_or_else(|| wrong_layout("a map", entries.data_type()))?.clone();
    Ok(Arc::new(MapArray::try_new(Arc::clone(&field), OffsetBuffer::new(offsets.into()), entries, null_buffer(valid), ordered)?))
}

/// The Arrow fields of a map's key and value.
///
/// # Errors
/// `Internal` for another type.
pub(crate) fn map_fields(out: &SparkType) -> Result<(FieldRef, FieldRef)> {
    let arrow = to_arrow(out);
    if let DataType::Map(entries, _) = &arrow
        && let DataType::Struct(pair) = entries.data_type()
        && let [key, value] = pair.as_ref()
    {
        return Ok((Arc::clone(key), Arc::clone(value)));
    }
    Err(wrong_layout("a map", &arrow))
}

/// The Arrow field of an array's elements.
///
/// # Errors
/// `Internal` for another type.
pub(crate) fn list_field(out: &SparkType) -> Result<FieldRef> {
    match to_arrow(out) {
        DataType::List(field) => Ok(field),
        other => Err(wrong_layout("an array", &other)),
    }
}

/// Which rows are not null; `None` where none is.
pub(crate) fn null_buffer(valid: &[bool]) -> Option<NullBuffer> {
    valid.contains(&false).then(|| NullBuffer::from(valid.to_vec()))
}

/// The error of a collection that would grow too long.
pub(crate) fn exceeds(function: &str, length: impl std::fmt::Display) -> Error {
    error(
        "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION",
        format!("`{function}` would make an array of {length} elements, and {MAX_LENGTH} is the most: make it shorter"),
    )
}

impl Call<'_> {
    /// An error of types: `cannot resolve "call": reason`.
    pub(crate) fn mismatch(&self, condition: &'static str, reason: impl std::fmt::Display) -> Error {
        self.refuse(condition, format!("cannot resolve \"{}\": {reason}", self.sql()))
    }

    /// An argument that is taken as it is; only NULL becomes of the type.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
    pub(crate) fn expect(&self, at: usize, want: &Want) -> Result<Typed> {
        let value = self.arg(at)?;
        if lattice::accepts(want, &value.data_type) {
            return Ok(value);
        }
        if value.data_type == SparkType::Null {
            return self.want(at, want);
        }
        Err(self.unexpected_type(at, &value, &lattice::want_text(want)))
    }

    /// The value in a type; no cast where the types differ only in what may be null.
    ///
    /// # Errors
    /// As [`Call::cast`].
    pub(crate) fn coerce(&self, value: Typed, to: &SparkType) -> Result<Typed> {
        if lattice::same_type(&value.data_type, to) { Ok(value) } else { self.cast(value, to) }
    }

    /// Refuses a type whose values have no order.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE`
    pub(crate) fn orderable(&self, data_type: &SparkType) -> Result<()> {
        if lattice::is_orderable(data_type) {
            return Ok(());
        }
        let reason = format!("`{}` compares values, and those of \"{}\" have no order: compare their parts", self.name, data_type.sql());
        Err(self.mismatch("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", reason))
    }

    /// Refuses keys that hold maps.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE`
    pub(crate) fn map_key(&self, key: &SparkType) -> Result<()> {
        if !lattice::has_map(key) {
            return Ok(());
        }
        let reason = format!("the key of a map holds no map, and this one is \"{}\": take another key", key.sql());
        Err(self.mismatch("DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE", reason))
    }
}

/// The element type of an array and whether elements may be null.
pub(crate) fn element_of(data_type: &SparkType) -> Option<(&SparkType, bool)> {
    match data_type {
        SparkType::Array(element, nulls) => Some((element, *nulls)),
        _ => None,
    }
}

/// Two types that differ only in what may be null, as one.
pub(crate) fn merged(left: &SparkType, right: &SparkType) -> SparkType {
    lattice::tightest_common_type(left, right, false).unwrap_or_else(|| left.clone())
}

/// The type with everything in it nullable.
pub(crate) fn as_nullable(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Array(element, _) => SparkType::Array(Box::new(as_nullable(element)), true),
        SparkType::Map(key, value, _) => SparkType::Map(Box::new(as_nullable(key)), Box::new(as_nullable(value)), true),
        SparkType::Struct(fields) => SparkType::Struct(
            fields
                .iter()
                .map(|field| crate::types::StructField { data_type: as_nullable(&field.data_type), nullable: true, ..field.clone() })
                .collect(),
        ),
        other => other.clone(),
    }
}
