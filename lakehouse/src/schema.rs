//! Delta's schema as JSON and as Arrow, and batches brought into a table's form. It refuses what Delta has no type for.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use serde_json::{Map, Value, json};
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};

/// The only time zone at durable boundaries.
pub(crate) const UTC: &str = "UTC";

/// Delta's JSON for an Arrow schema.
///
/// # Errors
/// `Unsupported` for a column that Delta has no type for, `Analysis` for a name that it cannot hold.
pub(crate) fn to_delta_json(schema: &Schema) -> Result<Value> {
    check_names(schema)?;
    let fields = schema.fields().iter().map(|f| field_to_json(f)).collect::<Result<Vec<_>>>()?;
    Ok(json!({"type": "struct", "fields": fields}))
}

fn check_names(schema: &Schema) -> Result<()> {
    if schema.fields().is_empty() {
        return Err(Error::analysis("a table needs at least one column"));
    }
    let mut seen = HashSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().to_lowercase()) {
            return Err(Error::analysis(format!("column `{}` appears twice (case does not count); rename one", field.name())));
        }
        if field.name().is_empty() || field.name().contains([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '=']) {
            return Err(Error::analysis(format!(
                "column name `{}` is empty or holds one of ` ,;{{}}()\\n\\t=`, which Delta does not allow; give it an alias",
                field.name()
            )));
        }
    }
    Ok(())
}

fn field_to_json(field: &Field) -> Result<Value> {
    Ok(json!({
        "name": field.name(),
        "type": type_to_json(field.name(), field.data_type())?,
        "nullable": field.is_nullable(),
        "metadata": {},
    }))
}

fn type_to_json(column: &str, data_type: &DataType) -> Result<Value> {
    let named = |name: &str| Ok(Value::String(name.to_owned()));
    match data_type {
        DataType::Boolean => named("boolean"),
        DataType::Int8 => named("byte"),
        DataType::Int16 => named("short"),
        DataType::Int32 => named("integer"),
        DataType::Int64 => named("long"),
        DataType::Float32 => named("float"),
        DataType::Float64 => named("double"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => named("string"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => named("binary"),
        DataType::Date32 | DataType::Date64 => named("date"),
        DataType::Timestamp(_, Some(_)) => named("timestamp"),
        DataType::Timestamp(_, None) => Err(Error::unsupported(format!(
            "column `{column}` is a timestamp without time zone (timestamp_ntz), which Tidemill does not write to Delta; cast it to TIMESTAMP"
        ))),
        DataType::Decimal128(p, s) if *s >= 0 => named(&format!("decimal({p},{s})")),
        DataType::Dictionary(_, value) => type_to_json(column, value),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => Ok(json!({
            "type": "array", "elementType": type_to_json(column, item.data_type())?, "containsNull": item.is_nullable(),
        })),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|f| field_to_json(f)).collect::<Result<Vec<_>>>()?;
            Ok(json!({"type": "struct", "fields": fields}))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(kv) if kv.len() == 2 => Ok(json!({
                "type": "map", "keyType": type_to_json(column, kv[0].data_type())?,
                "valueType": type_to_json(column, kv[1].data_type())?, "valueContainsNull": kv[1].is_nullable(),
            })),
            other => Err(Error::internal(format!("map column `{column}` has entries of type {other}"))),
        },
        other => Err(Error::unsupported(format!("column `{column}` has type {other}, which Delta does not have; cast it to another type"))),
    }
}

/// The Arrow schema that Delta's JSON says, in the types of durable boundaries.
///
/// # Errors
/// `Corrupt` for JSON that is no schema, `Unsupported` for a type that we do not read; both name the column.
pub(crate) fn from_delta_json(text: &str) -> Result<SchemaRef> {
    let value: Value = serde_json::from_str(text).map_err(|e| Error::corrupt(format!("the table's schemaString is not JSON: {e}")))?;
    match type_from_json("", &value)? {
        DataType::Struct(fields) => Ok(Arc::new(Schema::new(fields))),
        _ => Err(Error::corrupt("the table's schemaString is not a struct")),
    }
}

fn field_from_json(value: &Value) -> Result<FieldRef> {
    let name = value["name"].as_str().ok_or_else(|| Error::corrupt("a field of the table's schema has no name"))?;
    let data_type = type_from_json(name, &value["type"])?;
    Ok(Arc::new(Field::new(name, data_type, value["nullable"].as_bool().unwrap_or(true))))
}

fn type_from_json(column: &str, value: &Value) -> Result<DataType> {
    let bad = || Error::corrupt(format!("column `{column}` of the table's schema has no readable type: {value}"));
    if let Some(name) = value.as_str() {
        return Ok(match name {
            "boolean" => DataType::Boolean,
            "byte" => DataType::Int8,
            "short" => DataType::Int16,
            "integer" => DataType::Int32,
            "long" => DataType::Int64,
            "float" => DataType::Float32,
            "double" => DataType::Float64,
            "string" => DataType::Utf8,
            "binary" => DataType::Binary,
            "date" => DataType::Date32,
            "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
            decimal if decimal.starts_with("decimal") => return decimal_type(decimal).ok_or_else(bad),
            other => {
                return Err(Error::unsupported(format!("column `{column}` has Delta type `{other}`, which Tidemill does not read")));
            }
        });
    }
    let flag = |name: &str| value[name].as_bool().unwrap_or(true);
    match value["type"].as_str().ok_or_else(bad)? {
        "struct" => {
            let fields = value["fields"].as_array().ok_or_else(bad)?;
            Ok(DataType::Struct(fields.iter().map(field_from_json).collect::<Result<Fields>>()?))
        }
        "array" => {
            let item = Field::new("element", type_from_json(column, &value["elementType"])?, flag("containsNull"));
            Ok(DataType::List(Arc::new(item)))
        }
        "map" => {
            let key = Field::new("key", type_from_json(column, &value["keyType"])?, false);
            let item = Field::new("value", type_from_json(column, &value["valueType"])?, flag("valueContainsNull"));
            let entries = Field::new("key_value", DataType::Struct(vec![key, item].into()), false);
            Ok(DataType::Map(Arc::new(entries), false))
        }
        _ => Err(bad()),
    }
}

fn decimal_type(text: &str) -> Option<DataType> {
    if text == "decimal" {
        return Some(DataType::Decimal128(10, 0));
    }
    let (precision, scale) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.trim().parse::<u8>().ok()?, scale.trim().parse::<i8>().ok()?);
    (1..=38).contains(&precision).then_some(DataType::Decimal128(precision, scale))
}

/// What marks a column of Delta's JSON carries that bind a writer: `(column, mark)`.
pub(crate) fn column_marks(text: &str) -> Result<Vec<(String, String)>> {
    fn walk(fields: &Value, marks: &mut Vec<(String, String)>) {
        for field in fields.as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap_or_default().to_owned();
            marks.extend(field["metadata"].as_object().into_iter().flat_map(Map::keys).map(|key| (name.clone(), key.clone())));
            for inner in [&field["type"], &field["type"]["elementType"], &field["type"]["keyType"], &field["type"]["valueType"]] {
                walk(&inner["fields"], marks);
            }
        }
    }
    let value: Value = serde_json::from_str(text)?;
    let mut marks = Vec::new();
    walk(&value["fields"], &mut marks);
    Ok(marks)
}

/// The schema with every type in its form at durable boundaries.
///
/// # Errors
/// As [`to_delta_json`].
pub(crate) fn canonical(schema: &Schema) -> Result<SchemaRef> {
    from_delta_json(&to_delta_json(schema)?.to_string())
}

/// How rows of `input` become rows of `table`: for each table column, the input column that it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Alignment {
    table: SchemaRef,
    sources: Vec<Option<usize>>,
    what: String,
}

impl Alignment {
    /// Matches columns by name, without regard to case.
    ///
    /// # Errors
    /// `Analysis` naming the column: unknown to the table, missing though NOT NULL, or of a type that does not fit without loss.
    pub(crate) fn try_new(what: impl Into<String>, input: &Schema, table: &SchemaRef) -> Result<Self> {
        let what = what.into();
        let mut sources = vec![None; table.fields().len()];
        for (position, field) in input.fields().iter().enumerate() {
            let target = table.fields().iter().position(|t| t.name().eq_ignore_ascii_case(field.name())).ok_or_else(|| {
                let hint = did_you_mean(field.name(), table.fields().iter().map(|t| t.name().as_str()));
                Error::analysis(format!("{what} has no column `{}`{hint}; drop it from the rows or add it to the table", field.name()))
            })?;
            if sources[target].replace(position).is_some() {
                return Err(Error::analysis(format!("column `{}` of {what} is given twice; rename or drop one", field.name())));
            }
            let wanted = table.field(target).data_type();
            if !fits(field.data_type(), wanted) {
                return Err(Error::analysis(format!(
                    "column `{}` of {what} has type {wanted}, the rows have {}; cast it",
                    field.name(),
                    field.data_type()
                )));
            }
        }
        for (target, source) in table.fields().iter().zip(&sources) {
            if source.is_none() && !target.is_nullable() {
                return Err(Error::analysis(format!("column `{}` of {what} is NOT NULL but the rows do not have it", target.name())));
            }
        }
        Ok(Self { table: Arc::clone(table), sources, what })
    }

    /// One batch in the table's columns and types.
    ///
    /// # Errors
    /// `Data` for a null in a NOT NULL column or a value that does not fit.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.sources.len());
        for (field, source) in self.table.fields().iter().zip(&self.sources) {
            let column = match source {
                None => new_null_array(field.data_type(), batch.num_rows()),
                Some(i) => convert(&self.what, field, batch.column(*i))?,
            };
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(Error::data(format!(
                    "column `{}` of {} is NOT NULL but {} of {} rows have no value for it; filter them out or fill them",
                    field.name(),
                    self.what,
                    column.null_count(),
                    batch.num_rows()
                )));
            }
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.table), columns, &options)?)
    }
}

fn convert(what: &str, field: &Field, column: &ArrayRef) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, field.data_type(), &strict).map_err(|e| {
        Error::data(format!("column `{}` of {what}: a value does not fit {}: {e}", field.name(), field.data_type())).with_source(e)
    })
}

/// Whether every value of `from` is a value of `to` (the same kind, or a wider number).
fn fits(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let signed = |t: &DataType| match t {
        T::Int8 => Some(1),
        T::Int16 => Some(2),
        T::Int32 => Some(4),
        T::Int64 => Some(8),
        _ => None,
    };
    match (from, to) {
        _ if from == to => true,
        (T::Null, _) => true,
        (T::Dictionary(_, value), _) => fits(value, to),
        (T::Utf8 | T::LargeUtf8 | T::Utf8View, T::Utf8) => true,
        (T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_), T::Binary) => true,
        (T::Date32 | T::Date64, T::Date32) => true,
        (T::Timestamp(_, Some(_)), T::Timestamp(_, Some(_))) | (T::Timestamp(_, None), T::Timestamp(_, None)) => true,
        (T::Float32 | T::Int8 | T::Int16 | T::Int32, T::Float64) => true,
        (T::UInt8, T::Int16 | T::Int32 | T::Int64) | (T::UInt16, T::Int32 | T::Int64) | (T::UInt32, T::Int64) => true,
        (T::Decimal128(p, s), T::Decimal128(q, t)) => s <= t && i16::from(*p) - i16::from(*s) <= i16::from(*q) - i16::from(*t),
        (T::List(a) | T::LargeList(a) | T::ListView(a), T::List(b)) => fits(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && fits(a.data_type(), b.data_type()))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fits(a.data_type(), b.data_type())),
            _ => false,
        },
        _ => signed(from).is_some_and(|f| signed(to).is_some_and(|t| f <= t)),
    }
}

/// Partition values as text: Delta's form for each type, `None` for null.
pub(crate) type PartitionValues = BTreeMap<String, Option<String>>;

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array, StringArray, StringViewArray};

    #[test]
    fn types_go_to_delta_and_back() {
        let schema = Schema::new(vec![
            Field::new("userId", DataType::Utf8View, false),
            Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into())), true),
            Field::new("n", DataType::Int64, true),
            Field::new("x", DataType::Float64, true),
            Field::new("d", DataType::Decimal128(12, 2), true),
            Field::new("tags", DataType::LargeList(Arc::new(Field::new("item", DataType::Utf8, true))), true),
        ]);
        let text = to_delta_json(&schema).unwrap().to_string();
        assert!(text.contains(r#""type":"string""#) && text.contains(r#""type":"timestamp""#) && text.contains("decimal(12,2)"), "{text}");
        let back = from_delta_json(&text).unwrap();
        assert_eq!(back.field(0).data_type(), &DataType::Utf8);
        assert_eq!(back.field(1).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())));
        assert_eq!(to_delta_json(&back).unwrap().to_string(), text);
    }

    #[test]
    fn what_delta_cannot_hold_is_refused_by_name() {
        let cases = [
            (Field::new("u", DataType::UInt64, true), "UInt64"),
            (Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, None), true), "timestamp_ntz"),
            (Field::new("v", DataType::Null, true), "Null"),
            (Field::new("a b", DataType::Int64, true), "`a b`"),
        ];
        for (field, named) in cases {
            let error = to_delta_json(&Schema::new(vec![field])).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
        let twice = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("A", DataType::Int64, true)]);
        assert!(to_delta_json(&twice).unwrap_err().message().contains("twice"));
    }

    #[test]
    fn rows_are_brought_into_the_table_form() {
        let table: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("userId", DataType::Utf8, false),
            Field::new("n", DataType::Int64, true),
            Field::new("extra", DataType::Float64, true),
        ]));
        let input = Schema::new(vec![Field::new("N", DataType::Int32, true), Field::new("userid", DataType::Utf8View, true)]);
        let alignment = Alignment::try_new("table t", &input, &table).unwrap();
        let batch = |ids: Vec<Option<&str>>| {
            RecordBatch::try_new(
                Arc::new(input.clone()),
                vec![Arc::new(Int32Array::from(vec![7; ids.len()])), Arc::new(StringViewArray::from(ids))],
            )
            .unwrap()
        };
        let aligned = alignment.apply(&batch(vec![Some("a"), Some("b")])).unwrap();
        assert_eq!(aligned.schema(), table);
        assert_eq!(aligned.column(0).as_any().downcast_ref::<StringArray>().unwrap().value(1), "b");
        assert_eq!(aligned.column(1).as_any().downcast_ref::<Int64Array>().unwrap().value(0), 7);
        assert_eq!(aligned.column(2).null_count(), 2);
        let error = alignment.apply(&batch(vec![Some("a"), None])).unwrap_err();
        assert!(error.message().contains("`userId`") && error.message().contains("NOT NULL"), "{error}");
        let bad = [
            (Schema::new(vec![Field::new("n", DataType::Utf8, true), Field::new("userId", DataType::Utf8, true)]), "cast it"),
            (Schema::new(vec![Field::new("usrId", DataType::Utf8, true)]), "did you mean `userId`"),
            (Schema::new(vec![Field::new("n", DataType::Int64, true)]), "NOT NULL"),
        ];
        for (input, named) in bad {
            assert!(Alignment::try_new("table t", &input, &table).unwrap_err().message().contains(named));
        }
    }
}
