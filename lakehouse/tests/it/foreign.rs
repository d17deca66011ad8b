//! Files that other engines wrote, in a table by a log entry of our own hand: INT96, columns spelled, ordered and typed otherwise
//! than the table's. A scan and a MERGE read the same of them, or refuse the same.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::prelude::{Expr, SessionContext, col, lit};
use datafusion::scalar::ScalarValue;
use parquet::arrow::ArrowWriter;
use tidemill_lakehouse::{DeltaTable, MergeRequest, Snapshot};
use tidemill_planner::{Error, ErrorKind};

use crate::helpers::{Place, content, fast, lines_of};
use crate::int96;

/// A table of these columns with one file, which `write` makes.
async fn table_of(place: &Place, schema: &SchemaRef, write: impl FnOnce(&Path)) -> DeltaTable {
    let table = DeltaTable::create(&place.path(), Arc::clone(schema), fast()).await.unwrap();
    let file = Path::new(&place.path()).join("theirs.parquet");
    write(&file);
    let add = serde_json::json!({"add": {
        "path": "theirs.parquet", "partitionValues": {}, "size": fs::metadata(&file).unwrap().len(), "modificationTime": 0, "dataChange": true,
    }});
    fs::write(place.log_entry(1), add.to_string()).unwrap();
    table
}

fn write_batch(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// The rows for which the condition holds, in the order of their ids.
async fn rows_where(snapshot: &Arc<Snapshot>, condition: Expr) -> Result<Vec<RecordBatch>, Error> {
    let context = SessionContext::new_with_config(tidemill_planner::config::engine_session_config(2));
    let rows = context.read_table(snapshot.table_provider())?.filter(condition)?.sort(vec![col("id").sort(true, false)])?;
    Ok(rows.collect().await?)
}

async fn all_rows(table: &DeltaTable) -> Result<Vec<RecordBatch>, Error> {
    rows_where(&table.snapshot().await?, lit(true)).await
}

fn upsert(on: &str, source: RecordBatch) -> MergeRequest {
    MergeRequest { on: vec![on.to_owned()], source: vec![source], update_condition: None, txn: None }
}

fn micros(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// A row of the id alone.
fn row_of_id(schema: &SchemaRef, id: i64) -> RecordBatch {
    let column = |field: &Arc<Field>| match field.name().as_str() {
        "id" => Arc::new(Int64Array::from(vec![id])) as ArrayRef,
        _ => new_null_array(field.data_type(), 1),
    };
    RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect()).unwrap()
}

#[tokio::test]
async fn a_scan_reads_int96_of_any_year() {
    let place = Place::new();
    let table = table_of(&place, &int96::schema(), int96::write).await;
    int96::assert_times(&all_rows(&table).await.unwrap(), &[0, 1, 2, 3, 4]);
    // The file's own statistics of INT96 leave out no row group, nor do those of the table.
    let snapshot = table.snapshot().await.unwrap();
    for (id, (.., us)) in int96::TIMES.into_iter().enumerate() {
        let time = || lit(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into())));
        for condition in [col("t").eq(time()), get_field(col("s"), "t").eq(time())] {
            let found = rows_where(&snapshot, condition.clone()).await.unwrap();
            let ids: Vec<i64> = found.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
            assert_eq!(ids, [id as i64], "{condition}");
        }
    }
    let before = rows_where(&snapshot, col("t").lt(lit(ScalarValue::TimestampMicrosecond(Some(0), Some("UTC".into()))))).await.unwrap();
    assert_eq!(before.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}

#[tokio::test]
async fn a_merge_finds_int96_keys_and_writes_them_as_they_were() {
    for (id, (.., us)) in int96::TIMES.into_iter().enumerate() {
        let place = Place::new();
        let schema: SchemaRef = Arc::new(int96::schema().project(&[0, 1]).unwrap());
        let table = table_of(&place, &schema, int96::write).await;
        let source = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![id as i64])), micros(vec![us])]).unwrap();
        let merged = table.merge(upsert("t", source)).await.unwrap();
        assert_eq!((merged.rows_updated, merged.rows_inserted, merged.rows_copied), (1, 0, 4), "{us}");
        int96::assert_times(&all_rows(&place.open().await).await.unwrap(), &[0, 1, 2, 3, 4]);
    }
    // Rows that a merge copies keep their times in every column.
    let place = Place::new();
    let table = table_of(&place, &int96::schema(), int96::write).await;
    let merged = table.merge(upsert("id", row_of_id(&int96::schema(), 4))).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_copied), (1, 4));
    let copied = rows_where(&place.open().await.snapshot().await.unwrap(), col("id").lt(lit(4_i64))).await.unwrap();
    int96::assert_times(&copied, &[0, 1, 2, 3]);
}

/// Structs of these fields, one a row: `a` counts from 1, `b` is text, anything else counts from 100.
fn structs(names: &[&str]) -> StructArray {
    let field = |name: &&str| match name.to_lowercase().as_str() {
        "b" => Field::new(*name, DataType::Utf8, true),
        _ => Field::new(*name, DataType::Int64, true),
    };
    let column = |name: &&str| match name.to_lowercase().as_str() {
        "a" => Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef,
        "b" => Arc::new(StringArray::from(vec!["x", "y"])),
        _ => Arc::new(Int64Array::from(vec![100, 101])),
    };
    StructArray::new(names.iter().map(field).collect(), names.iter().map(column).collect(), None)
}

/// The structs alone, each in an array, and each in a map.
fn nested(kind: &str, structs: StructArray) -> ArrayRef {
    let part = |name: &str, data_type: &DataType| Arc::new(Field::new(name, data_type.clone(), true));
    let data_type = structs.data_type().clone();
    match kind {
        "struct" => Arc::new(structs),
        "array" => {
            let lengths = OffsetBuffer::from_lengths([1, 1]);
            Arc::new(ListArray::new(part("element", &data_type), lengths, Arc::new(structs), None))
        }
        _ => {
            let fields = Fields::from(vec![Arc::new(Field::new("key", DataType::Int64, false)), part("value", &data_type)]);
            let keys: ArrayRef = Arc::new(Int64Array::from(vec![7, 7]));
            let pairs = StructArray::new(fields, vec![keys, Arc::new(structs)], None);
            let entries = Arc::new(Field::new("key_value", pairs.data_type().clone(), false));
            Arc::new(MapArray::new(entries, OffsetBuffer::from_lengths([1, 1]), pairs, None, false))
        }
    }
}

#[tokio::test]
async fn parts_of_columns_are_found_by_name_by_scan_and_merge() {
    // The fields of the file's structs, and what `struct<a: bigint, b: string>` reads of the first row.
    let cases: [(&[&str], &str); 6] = [
        (&["a", "b"], "{a: 1, b: x}"),
        (&["b", "a"], "{a: 1, b: x}"),
        (&["a"], "{a: 1, b: NULL}"),
        (&["z", "a"], "{a: 1, b: NULL}"),
        (&["z", "b", "a"], "{a: 1, b: x}"),
        (&["B", "A"], "{a: 1, b: x}"),
    ];
    for (kind, around) in [("struct", "#"), ("array", "[#]"), ("map", "{7: #}")] {
        for (names, read) in cases {
            let place = Place::new();
            let id = || Field::new("id", DataType::Int64, true);
            let wanted = nested(kind, structs(&["a", "b"])).data_type().clone();
            let schema: SchemaRef = Arc::new(Schema::new(vec![id(), Field::new("v", wanted, true)]));
            let table = table_of(&place, &schema, |path| {
                let theirs = nested(kind, structs(names));
                let name = if names == ["B", "A"] { "V" } else { "v" };
                let columns = Schema::new(vec![Field::new(name, theirs.data_type().clone(), true), id()]);
                let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
                write_batch(path, &RecordBatch::try_new(Arc::new(columns), vec![theirs, ids]).unwrap());
            })
            .await;
            let first = format!("1 {}", around.replace('#', read));
            let what = format!("{kind} of {names:?}");
            assert_eq!(lines_of(&all_rows(&table).await.unwrap())[0], first, "{what}");
            let merged = table.merge(upsert("id", row_of_id(&schema, 2))).await.unwrap();
            assert_eq!((merged.rows_updated, merged.rows_copied), (1, 1), "{what}");
            assert_eq!(content(&place.open().await).await, [first, "2 NULL".to_owned()], "{what}");
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_and_no_null() {
    let numbers = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let decimals = |digits: Vec<i128>| -> ArrayRef { Arc::new(Decimal128Array::from(digits).with_precision_and_scale(20, 2).unwrap()) };
    let inside = |column: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("n", column.data_type().clone(), true));
        Arc::new(StructArray::from(vec![(field, column)]))
    };
    let small = DataType::Struct(vec![Field::new("n", DataType::Int32, true)].into());
    // The table's type, the file's values, and what is read of them, or what the error names beside the file.
    type Case = (DataType, ArrayRef, Result<[&'static str; 2], &'static str>);
    let cases: Vec<Case> = vec![
        (DataType::Int32, numbers(vec![1, -2]), Ok(["1 1", "2 -2"])),
        (DataType::Int32, numbers(vec![1, 3_000_000_000]), Err("column `v`")),
        (DataType::Decimal128(5, 2), decimals(vec![100, 99_999]), Ok(["1 1.00", "2 999.99"])),
        (DataType::Decimal128(5, 2), decimals(vec![100, 100_000]), Err("column `v`")),
        (DataType::Decimal128(20, 1), decimals(vec![100, 123]), Err("column `v` is Decimal128(20, 2)")),
        (small.clone(), inside(numbers(vec![1, 2])), Ok(["1 {n: 1}", "2 {n: 2}"])),
        (small, inside(numbers(vec![1, 3_000_000_000])), Err("column `v.n`")),
        (DataType::Int32, Arc::new(StringArray::from(vec!["1", "two"])), Err("column `v` is Utf8")),
        (DataType::Int64, Arc::new(Int32Array::from(vec![1, 2])), Ok(["1 1", "2 2"])),
    ];
    for (wanted, theirs, expected) in cases {
        let place = Place::new();
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("v", wanted, true)]));
        let what = format!("{} as {}", theirs.data_type(), schema.field(1).data_type());
        let table = table_of(&place, &schema, |path| {
            let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
            write_batch(path, &RecordBatch::try_from_iter([("id", ids), ("v", theirs)]).unwrap());
        })
        .await;
        let scanned = all_rows(&table).await.map(|rows| lines_of(&rows));
        let merged = table.merge(upsert("id", row_of_id(&schema, 1))).await;
        match expected {
            Ok(lines) => {
                assert_eq!(scanned.unwrap(), lines, "{what}");
                assert_eq!(merged.unwrap().rows_copied, 1, "{what}");
                assert_eq!(content(&place.open().await).await, ["1 NULL", lines[1]], "{what}");
            }
            Err(named) => {
                for error in [scanned.unwrap_err(), merged.unwrap_err()] {
                    assert_eq!(error.kind(), ErrorKind::Data, "{what}: {error}");
                    assert!(error.message().contains(named) && error.message().contains("theirs.parquet"), "{what}: {error}");
                }
                assert_eq!(table.snapshot().await.unwrap().version(), 1, "{what}: nothing was written");
            }
        }
    }
}

#[tokio::test]
async fn keys_are_those_of_the_columns_of_that_name_after_another_writer_has_moved_them() {
    let place = Place::new();
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    let batch = |columns: [(&str, Vec<i64>); 2]| {
        RecordBatch::try_from_iter(columns.map(|(name, values)| (name, Arc::new(Int64Array::from(values)) as ArrayRef))).unwrap()
    };
    let table = DeltaTable::create(&place.path(), Arc::new(Schema::new(vec![field("a"), field("b")])), fast()).await.unwrap();
    table.append(vec![batch([("a", vec![1, 2]), ("b", vec![10, 20])])], None).await.unwrap();
    let merged = table.merge(upsert("a", batch([("a", vec![1]), ("b", vec![10])]))).await.unwrap();
    assert_eq!((merged.rows_updated, merged.version), (1, Some(2)));
    // Another writer puts `b` before `a`, as ALTER COLUMN … FIRST does.
    let created = fs::read_to_string(place.log_entry(0)).unwrap();
    let line = created.lines().find(|line| line.contains("\"metaData\"")).unwrap();
    let mut action: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut columns: serde_json::Value = serde_json::from_str(action["metaData"]["schemaString"].as_str().unwrap()).unwrap();
    columns["fields"].as_array_mut().unwrap().reverse();
    action["metaData"]["schemaString"] = columns.to_string().into();
    fs::write(place.log_entry(3), action.to_string()).unwrap();
    let merged = table.merge(upsert("b", batch([("b", vec![20]), ("a", vec![5])]))).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_inserted), (1, 0));
    assert_eq!(content(&place.open().await).await, ["10 1", "20 5"]);
}
