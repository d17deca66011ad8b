//! A Parquet file as Spark, Hive and Impala write it: timestamps in INT96, alone and inside whatever can be around them, in the
//! layouts of today and of old. The tests of the other crates include this file too.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::Int96;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A time as INT96 holds it, the Julian day and the nanoseconds of that day, and the microseconds since 1970 that it stands for,
/// as Python's `datetime` has them.
pub(crate) const TIMES: [(u32, u64, i64); 5] = [
    // 9999-12-30 23:59:59.999999, 0001-01-02 and 1970-01-01
    (5_373_483, 86_399_999_999_000, 253_402_214_399_999_999),
    (1_721_427, 0, -62_135_510_400_000_000),
    (2_440_588, 0, 0),
    // A microsecond past what 64 bits of nanoseconds hold, roughly: 2262-04-12 00:00:00.000001 and 1677-09-20 23:59:59.999999
    (2_547_340, 1_000, 9_223_372_800_000_001),
    (2_333_835, 86_399_999_999_000, -9_223_372_800_000_001),
];

/// `l` is an array as Spark writes it, `hive` as Hive does, `two` with two levels as old writers do.
const COLUMNS: &str = "message spark_schema {
    required int64 id;
    optional int96 t;
    optional group s { optional int64 n; optional int96 t; }
    optional group l (LIST) { repeated group list { optional int96 element; } }
    optional group hive (LIST) { repeated group bag { optional int96 array_element; } }
    optional group two (LIST) { repeated int96 array; }
    optional group m (MAP) { repeated group key_value { required int64 key; optional int96 value; } }
}";

/// The columns of the file as a table has them.
pub(crate) fn schema() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let times = || DataType::List(Arc::new(Field::new("element", time(), true)));
    let pair = vec![Field::new("key", DataType::Int64, false), Field::new("value", time(), true)];
    let pairs = Field::new("key_value", DataType::Struct(pair.into()), false);
    let parts = vec![Field::new("n", DataType::Int64, true), Field::new("t", time(), true)];
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("t", time(), true),
        Field::new("s", DataType::Struct(parts.into()), true),
        Field::new("l", times(), true),
        Field::new("hive", times(), true),
        Field::new("two", times(), true),
        Field::new("m", DataType::Map(Arc::new(pairs), false), true),
    ]))
}

/// Writes a row for each of [`TIMES`], with the time in every column, its place as the id, and a row group of its own.
pub(crate) fn write(path: &Path) {
    let schema = Arc::new(parse_message_type(COLUMNS).expect("the columns parse"));
    let file = std::fs::File::create(path).expect("the file can be made");
    let mut file = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::builder().build())).expect("a file begins");
    for (id, (day, nanos, _)) in TIMES.into_iter().enumerate() {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        let mut rows = file.next_row_group().expect("a row group begins");
        while let Some(mut column) = rows.next_column().expect("the columns come in order") {
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let there = [writer.get_descriptor().max_def_level()];
                    writer.write_batch(&[id as i64], Some(&there), Some(&[0])).expect("a number is written")
                }
                ColumnWriter::Int96ColumnWriter(writer) => {
                    let there = [writer.get_descriptor().max_def_level()];
                    writer.write_batch(&[time], Some(&there), Some(&[0])).expect("a time is written")
                }
                _ => unreachable!("the file has columns of two types"),
            };
            column.close().expect("a column ends");
        }
        rows.close().expect("a row group ends");
    }
    file.close().expect("the file ends");
}

/// Checks that these are the rows of the file with these ids, in this order. Columns that were not asked for may lack.
pub(crate) fn assert_times(batches: &[RecordBatch], ids: &[i64]) {
    let rows = concat_batches(&batches[0].schema(), batches).expect("the batches are of one schema");
    let column = |name: &str| rows.column_by_name(name).expect("a column of the file");
    assert_eq!(column("id").as_primitive::<Int64Type>().values(), ids);
    let expected: Vec<i64> = ids.iter().map(|id| TIMES[*id as usize].2).collect();
    for field in rows.schema().fields().iter().filter(|field| field.name() != "id") {
        let times = times_in(column(field.name()));
        assert_eq!(times.null_count(), 0, "{field}");
        assert_eq!(times.as_primitive::<TimestampMicrosecondType>().values(), &expected, "{field}");
    }
}

fn times_in(array: &ArrayRef) -> ArrayRef {
    Arc::clone(match array.data_type() {
        DataType::Struct(_) => array.as_struct().column_by_name("t").expect("the struct has a time"),
        DataType::List(_) => array.as_list::<i32>().values(),
        DataType::Map(..) => array.as_map().values(),
        _ => array,
    })
}
