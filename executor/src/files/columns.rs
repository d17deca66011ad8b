//! A file's columns as the columns of a schema: found by name at every depth, null where the file lacks a column that may be
//! null, and each value as it is or not at all.
//!
//! ```text
//! schema  id BIGINT, s STRUCT<a BIGINT, b STRING>
//! file    s STRUCT<b STRING, a INT>, ID BIGINT        id = ID, s.a = s.a as BIGINT, s.b = s.b
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use tidemill_planner::ident::same;
use tidemill_planner::{Error, Result};

/// Whose the columns are that a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A user's declaration: a type must hold every value of the file's type.
    Declared,
    /// A table's: a file of the table may keep a column in a wider type, and each of its values is checked.
    Table,
}

impl Wanted {
    fn remedy(self) -> &'static str {
        match self {
            Self::Declared => "declare the column as the file has it and cast it in the query",
            Self::Table => "write the file's rows again with the table's columns, or restore the table to a version without the file",
        }
    }
}

/// Where each column of a schema is in a file.
#[derive(Debug, Clone)]
pub struct FileColumns {
    schema: SchemaRef,
    roots: Vec<Option<usize>>,
    path: String,
}

impl FileColumns {
    /// Finds the columns of `schema` in a file of the columns `file`; `path` is the file in messages.
    ///
    /// # Errors
    /// `Data`, naming the file and the column, when a NOT NULL column is not there or a type cannot be read as the wanted one.
    pub fn matched(schema: &SchemaRef, file: &Schema, path: impl Into<String>, wanted: Wanted) -> Result<Self> {
        let path = path.into();
        let roots = schema.fields().iter().map(|field| root_of(field, file, &path, wanted)).collect::<Result<_>>()?;
        Ok(Self { schema: Arc::clone(schema), roots, path })
    }

    /// The positions of the columns in the file.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.iter().flatten().copied()
    }

    /// A batch of the file's columns at [`FileColumns::roots`], in the file's order, as a batch of the schema.
    ///
    /// # Errors
    /// `Data`, naming the file and the column, for a value that does not fit and a null in a NOT NULL column.
    pub fn adapt(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut chosen: Vec<usize> = self.roots().collect();
        chosen.sort_unstable();
        chosen.dedup();
        let column = |(field, root): (&FieldRef, &Option<usize>)| match root.and_then(|root| chosen.binary_search(&root).ok()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(at) => column_as(batch.column(at), field, &self.path),
        };
        let arrays = self.schema.fields().iter().zip(&self.roots).map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}

/// Where `field` is in a file; `None` for a column that the file lacks and that may be null.
///
/// # Errors
/// As [`FileColumns::matched`].
pub(super) fn root_of(field: &Field, file: &Schema, path: &str, wanted: Wanted) -> Result<Option<usize>> {
    let (root, misfit) = match position(file.fields(), field.name()) {
        Found::At(root) => (Some(root), misfit(field.name(), file.field(root).data_type(), field.data_type(), wanted)),
        Found::Nowhere if field.is_nullable() => (None, None),
        Found::Nowhere => (None, Some(Misfit::Absent(field.name().clone()))),
        Found::Twice => (None, Some(Misfit::Twice(field.name().clone()))),
    };
    misfit.map_or(Ok(root), |misfit| Err(misfit.error(path, wanted)))
}

/// `array`, a column of the file at `path`, as a column of `field`.
///
/// # Errors
/// As [`FileColumns::adapt`].
pub(super) fn column_as(array: &ArrayRef, field: &Field, path: &str) -> Result<ArrayRef> {
    let array = convert(array, field.data_type(), &Place { path, column: field.name().clone() })?;
    if !field.is_nullable() && array.null_count() > 0 {
        return Err(Error::data(format!(
            "{path}: column `{}` is NOT NULL and has {} nulls; declare it nullable, or mend the file",
            field.name(),
            array.null_count()
        )));
    }
    Ok(array)
}

enum Found {
    At(usize),
    Nowhere,
    Twice,
}

/// The field of exactly this name, else the only one that differs from it by case alone.
fn position(fields: &Fields, name: &str) -> Found {
    if let Some(exact) = fields.iter().position(|field| field.name() == name) {
        return Found::At(exact);
    }
    let mut alike = fields.iter().enumerate().filter(|(_, field)| same(field.name(), name)).map(|(at, _)| at);
    match (alike.next(), alike.next()) {
        (None, _) => Found::Nowhere,
        (Some(only), None) => Found::At(only),
        (Some(_), Some(_)) => Found::Twice,
    }
}

/// Why a column is not read; a part of a nested column by its path, such as `s.a` or `l.element`.
enum Misfit {
    Type { column: String, from: DataType, to: DataType },
    Absent(String),
    Twice(String),
}

impl Misfit {
    fn error(self, path: &str, wanted: Wanted) -> Error {
        let remedy = wanted.remedy();
        Error::data(match self {
            // A table has no views: the scan reads a text as one.
            Self::Type { column, from, to: DataType::Utf8View } => {
                return Self::Type { column, from, to: DataType::Utf8 }.error(path, wanted);
            }
            Self::Type { column, from, to } => format!("{path}: column `{column}` is {from}, which is not read as {to}; {remedy}"),
            Self::Absent(column) => {
                let remedy = if wanted == Wanted::Declared { "declare it nullable, or remove the file" } else { remedy };
                format!("{path}: has no column `{column}`, which is NOT NULL; {remedy}")
            }
            Self::Twice(column) => format!("{path}: has several columns that differ from `{column}` by case alone; rename all but one"),
        })
    }
}

fn misfit(column: &str, from: &DataType, to: &DataType, wanted: Wanted) -> Option<Misfit> {
    use DataType as T;
    match (from, to) {
        (T::Struct(from), T::Struct(to)) => to.iter().find_map(|field| {
            let part = format!("{column}.{}", field.name());
            match position(from, field.name()) {
                Found::At(at) => misfit(&part, from[at].data_type(), field.data_type(), wanted),
                Found::Nowhere => (!field.is_nullable()).then_some(Misfit::Absent(part)),
                Found::Twice => Some(Misfit::Twice(part)),
            }
        }),
        (T::List(from) | T::LargeList(from), T::List(to)) => misfit(&format!("{column}.element"), from.data_type(), to.data_type(), wanted),
        (T::Map(from, _), T::Map(to, _)) => match (pair(from), pair(to)) {
            (Some((from_key, from_value)), Some((to_key, to_value))) => {
                misfit(&format!("{column}.key"), from_key.data_type(), to_key.data_type(), wanted)
                    .or_else(|| misfit(&format!("{column}.value"), from_value.data_type(), to_value.data_type(), wanted))
            }
            _ => Some(Misfit::Type { column: column.to_owned(), from: T::Map(Arc::clone(from), false), to: T::Map(Arc::clone(to), false) }),
        },
        (T::Dictionary(_, value), to) => misfit(column, value, to, wanted),
        (from, to) if holds_all(from, to) || (wanted == Wanted::Table && may_hold(from, to)) => None,
        (from, to) => Some(Misfit::Type { column: column.to_owned(), from: from.clone(), to: to.clone() }),
    }
}

/// The key and the value of a map's entries.
fn pair(entries: &Field) -> Option<(&FieldRef, &FieldRef)> {
    match entries.data_type() {
        DataType::Struct(fields) => match &fields[..] {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether every value of `from`, which is not nested, is a value of `to`, or only its storage differs.
pub(super) fn holds_all(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (from, to) if from == to => true,
        (T::Dictionary(_, value), to) => holds_all(value, to),
        (T::Int8, T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64) => true,
        (T::Int16, T::Int32 | T::Int64 | T::Float32 | T::Float64) => true,
        (T::Int32, T::Int64 | T::Float64) => true,
        (T::UInt8, T::Int16 | T::Int32 | T::Int64) | (T::UInt16, T::Int32 | T::Int64) | (T::UInt32, T::Int64) => true,
        (T::Float32, T::Float64) => true,
        (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Utf8 | T::Utf8View) => true,
        (T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_), T::Binary) => true,
        // Spark reads a local timestamp as one in the session's zone, which is UTC.
        (T::Timestamp(..), T::Timestamp(..)) => true,
        (T::Decimal128(p, s), T::Decimal128(to_p, to_s)) => {
            to_s >= s && i16::from(*to_p) - i16::from(*to_s) >= i16::from(*p) - i16::from(*s)
        }
        _ => false,
    }
}

/// Whether a value of `from` either is a value of `to` exactly or is found not to be one: never rounded, never cut.
fn may_hold(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) | (T::Date64, T::Date32) => true,
        (from, to) if from.is_integer() && to.is_signed_integer() => true,
        (from, T::Decimal128(_, scale)) if from.is_integer() => *scale >= 0,
        (T::Decimal32(_, s) | T::Decimal64(_, s) | T::Decimal128(_, s) | T::Decimal256(_, s), T::Decimal128(_, to_s)) => to_s >= s,
        // Spark keeps intervals as what they count: microseconds, months.
        (T::Int64, T::Duration(TimeUnit::Microsecond)) | (T::Int32, T::Interval(IntervalUnit::YearMonth)) => true,
        // Some writers mark no text as such; bytes that are none are found.
        (T::Binary | T::LargeBinary | T::BinaryView, T::Utf8 | T::Utf8View) => true,
        _ => false,
    }
}

/// A column or a part of one, in messages.
struct Place<'a> {
    path: &'a str,
    column: String,
}

impl<'a> Place<'a> {
    fn part(&self, name: &str) -> Place<'a> {
        Place { path: self.path, column: format!("{}.{name}", self.column) }
    }

    fn error(&self, to: &DataType, error: ArrowError) -> Error {
        Error::data(format!("{}: column `{}`: a value does not fit {to}: {error}", self.path, self.column)).with_source(error)
    }
}

fn convert(array: &ArrayRef, to: &DataType, place: &Place<'_>) -> Result<ArrayRef> {
    use DataType as T;
    let told = |error: ArrowError| place.error(to, error);
    match (array.data_type(), to) {
        (from, to) if from == to => Ok(Arc::clone(array)),
        (T::Struct(from), T::Struct(fields)) => {
            let whole = array.as_struct();
            let part = |field: &FieldRef| match position(from, field.name()) {
                Found::At(at) => convert(whole.column(at), field.data_type(), &place.part(field.name())),
                Found::Nowhere | Found::Twice => Ok(new_null_array(field.data_type(), whole.len())),
            };
            let parts = fields.iter().map(part).collect::<Result<Vec<_>>>()?;
            let whole = StructArray::try_new_with_length(fields.clone(), parts, whole.nulls().cloned(), whole.len()).map_err(told)?;
            Ok(Arc::new(whole))
        }
        (T::LargeList(item), T::List(_)) => convert(&cast(array, &T::List(Arc::clone(item))).map_err(told)?, to, place),
        (T::List(_), T::List(item)) => {
            let list = array.as_list::<i32>();
            let items = convert(list.values(), item.data_type(), &place.part("element"))?;
            let list = ListArray::try_new(Arc::clone(item), list.offsets().clone(), items, list.nulls().cloned()).map_err(told)?;
            Ok(Arc::new(list))
        }
        (T::Map(..), T::Map(entries, sorted)) => {
            let map = array.as_map();
            let (T::Struct(fields), Some((key, value))) = (entries.data_type(), pair(entries)) else {
                return Err(Error::internal(format!("map column `{}` has entries of type {}", place.column, entries.data_type())));
            };
            let keys = convert(map.keys(), key.data_type(), &place.part("key"))?;
            let values = convert(map.values(), value.data_type(), &place.part("value"))?;
            let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None).map_err(told)?;
            let map = MapArray::try_new(Arc::clone(entries), map.offsets().clone(), pairs, map.nulls().cloned(), *sorted).map_err(told)?;
            Ok(Arc::new(map))
        }
        (T::Dictionary(_, value), to) if value.as_ref() != to => convert(&cast(array, value).map_err(told)?, to, place),
        _ => cast(array, to).map_err(told),
    }
}

/// A cast that fails where a value does not fit, in place of giving null.
fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}
