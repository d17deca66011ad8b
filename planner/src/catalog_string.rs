//! Spark's names for column types (`catalogString`), never shortened. It does not parse them.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};

/// The Spark type that a column of this Arrow type is shown as.
///
/// Arrow types without a Spark type of their own get the nearest one that holds every value: unsigned integers the next
/// wider signed type (`uint64` a decimal(20,0)), half floats `float`, 64-bit dates `date`, durations an interval; times of day
/// keep their own name `time(n)`, as in Spark 4.1; unions, which nothing holds, are `variant`.
pub fn catalog_string(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "int".to_owned(),
        DataType::Int64 | DataType::UInt32 => "bigint".to_owned(),
        DataType::UInt64 => "decimal(20,0)".to_owned(),
        DataType::Float16 | DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => {
            format!("decimal({p},{s})")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_owned(),
        DataType::Time32(unit) | DataType::Time64(unit) => format!("time({})", digits(*unit)),
        DataType::Duration(_) | DataType::Interval(IntervalUnit::DayTime) => "interval day to second".to_owned(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".to_owned(),
        DataType::Interval(IntervalUnit::MonthDayNano) => "interval".to_owned(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("array<{}>", catalog_string(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|f| format!("{}:{}", f.name(), catalog_string(f.data_type()))).collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                format!("map<{},{}>", catalog_string(pair[0].data_type()), catalog_string(pair[1].data_type()))
            }
            other => catalog_string(other),
        },
        DataType::Dictionary(_, values) => catalog_string(values),
        DataType::RunEndEncoded(_, values) => catalog_string(values.data_type()),
        DataType::Union(..) => "variant".to_owned(),
    }
}

fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Fields};

    use super::*;

    #[test]
    fn table() {
        let int = || Arc::new(Field::new("item", DataType::Int32, true));
        let pair = Fields::from(vec![Field::new("k", DataType::Int64, false), Field::new("v", DataType::List(int()), true)]);
        let wide: Fields = (0..40).map(|i| Field::new(format!("column_{i}"), DataType::Int32, true)).collect();
        let never_shortened = format!("struct<{}>", (0..40).map(|i| format!("column_{i}:int")).collect::<Vec<_>>().join(","));
        for (data_type, expected) in [
            (DataType::Null, "void"),
            (DataType::Boolean, "boolean"),
            (DataType::Int8, "tinyint"),
            (DataType::Int16, "smallint"),
            (DataType::Int32, "int"),
            (DataType::Int64, "bigint"),
            (DataType::UInt8, "smallint"),
            (DataType::UInt16, "int"),
            (DataType::UInt32, "bigint"),
            (DataType::UInt64, "decimal(20,0)"),
            (DataType::Float16, "float"),
            (DataType::Float32, "float"),
            (DataType::Float64, "double"),
            (DataType::Decimal128(10, 2), "decimal(10,2)"),
            (DataType::Decimal256(40, 0), "decimal(40,0)"),
            (DataType::Utf8, "string"),
            (DataType::LargeUtf8, "string"),
            (DataType::Utf8View, "string"),
            (DataType::Binary, "binary"),
            (DataType::FixedSizeBinary(16), "binary"),
            (DataType::Date32, "date"),
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "timestamp"),
            (DataType::Timestamp(TimeUnit::Nanosecond, None), "timestamp_ntz"),
            (DataType::Time64(TimeUnit::Microsecond), "time(6)"),
            (DataType::Duration(TimeUnit::Microsecond), "interval day to second"),
            (DataType::Interval(IntervalUnit::YearMonth), "interval year to month"),
            (DataType::List(int()), "array<int>"),
            (DataType::Struct(pair.clone()), "struct<k:bigint,v:array<int>>"),
            (DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false), "map<bigint,array<int>>"),
            (DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), "string"),
            (DataType::Struct(wide), never_shortened.as_str()),
        ] {
            assert_eq!(catalog_string(&data_type), expected, "{data_type}");
        }
    }
}
