//! Tests of file slices: rows, order, malformed lines and their numbers, changed files.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::Int64Type;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::TaskContext;
use datafusion::parquet::arrow::ArrowWriter;
use futures::TryStreamExt;
use tidemill_planner::seam::{Port, Slice, TaskReport, TaskScope};
use tidemill_planner::{ErrorKind, SourceId};

use super::super::{NameFilter, OnMalformed, list_files};
use super::*;

#[path = "../../../../tests/it/int96.rs"]
mod int96;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
}

/// What one task gives and reports.
async fn task(slice: &FileSlice, partition: usize, partitions: usize) -> Result<(Vec<RecordBatch>, TaskReport)> {
    let scope = TaskScope::new(None);
    let config = datafusion::prelude::SessionConfig::new().with_extension(Arc::clone(&scope));
    let context = Arc::new(TaskContext::default().with_session_config(config));
    let batches = slice.execute(partition, partitions, &SourceId::new("events"), context)?.try_collect().await?;
    Ok((batches, scope.take_report()))
}

/// Ids in order, `(file, line, text, reason)` of malformed lines in order, and the rows counted, over all partitions.
async fn read(slice: &FileSlice, partitions: usize) -> Result<(Vec<i64>, Vec<(String, i64, String, String)>, u64)> {
    let (mut ids, mut malformed, mut rows) = (Vec::new(), Vec::new(), 0);
    for partition in 0..partitions {
        let (batches, mut report) = task(slice, partition, partitions).await?;
        for batch in batches {
            assert!(batch.num_rows() <= slice.batch_rows());
            ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
        for batch in report.side_rows.remove(&("events".to_owned(), Port::Malformed)).unwrap_or_default() {
            let text = |i: usize, row: usize| batch.column(i).as_string::<i32>().value(row).to_owned();
            for row in 0..batch.num_rows() {
                let line = batch.column(1).as_primitive::<Int64Type>().value(row);
                malformed.push((text(0, row), line, text(2, row), text(3, row)));
            }
        }
        rows += report.source_rows.get(&SourceId::new("events")).copied().unwrap_or(0);
    }
    Ok((ids, malformed, rows))
}

fn slice_of(dir: &Path, format: FileFormat) -> FileSlice {
    let mut files = list_files(dir, &NameFilter::default()).unwrap();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    FileSlice::new(dir, files, format, schema()).unwrap()
}

#[tokio::test]
async fn lines_of_an_object_are_those_of_a_file() {
    let line = |id: u32| if id % 40_000 == 5 { "bad\n".to_owned() } else { format!("{{\"id\":{id}}}\n") };
    let text: String = (0..150_000).map(line).collect();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), &text).unwrap();
    let object = super::super::object::testing::object("x y/a", text.as_bytes()).await;
    let of_file = slice_of(dir.path(), FileFormat::Json);
    let of_object = FileSlice::of_objects(vec![object.clone()], FileFormat::Json, schema()).unwrap();
    for partitions in [1, 3] {
        let (file, stored) = (read(&of_file, partitions).await.unwrap(), read(&of_object, partitions).await.unwrap());
        assert_eq!((file.0, file.2), (stored.0, stored.2));
        let places = |malformed: &[(String, i64, String, String)]| malformed.iter().map(|(_, line, ..)| *line).collect::<Vec<_>>();
        assert_eq!((places(&file.1), places(&stored.1)), (vec![6, 40_006, 80_006, 120_006], vec![6, 40_006, 80_006, 120_006]));
        assert!(stored.1.iter().all(|(path, ..)| path == "s3://bucket/x y/a"), "{:?}", stored.1);
    }
    assert_eq!(of_object.paths(), [object.path()]);
    assert!(FileSlice::of_objects(vec![object], FileFormat::Parquet, schema()).is_err());
}

#[tokio::test]
async fn good_rows_come_in_order_and_malformed_ones_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "\u{feff}{\"id\":1}\r\n\r\n{\"id\":\"2\"}\r\n{\"id\":3,\"NAME\":\"x\"}").unwrap();
    std::fs::write(dir.path().join("b"), b"{\"name\":null}\n\xff\xfe\n{\"id\":4}\n").unwrap();
    std::fs::write(dir.path().join("c"), "").unwrap();
    let a = dir.path().join("a").display().to_string();
    let b = dir.path().join("b").display().to_string();
    for partitions in [1, 2, 5] {
        let (ids, malformed, rows) = read(&slice_of(dir.path(), FileFormat::Json), partitions).await.unwrap();
        assert_eq!(ids, [1, 3, 4]);
        assert_eq!(rows, 6);
        let expected = [
            (a.clone(), 3, "{\"id\":\"2\"}".to_owned(), "field `id`: the string \"2\" where bigint should stand".to_owned()),
            (b.clone(), 1, "{\"name\":null}".to_owned(), "field `id` is null or missing, and it is NOT NULL".to_owned()),
            (b.clone(), 2, "\u{fffd}\u{fffd}".to_owned(), "invalid UTF-8 at byte 1".to_owned()),
        ];
        assert_eq!(malformed, expected);
    }
}

#[tokio::test]
async fn the_first_malformed_line_may_end_the_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "{\"id\":1}\n").unwrap();
    std::fs::write(dir.path().join("b"), "{\"id\":2}\n\n{\"id\":\n{\"id\":3}\n").unwrap();
    let malformed = MalformedLines { on: OnMalformed::Fail, text_column: None };
    let slice = slice_of(dir.path(), FileFormat::Json).with_malformed(malformed).unwrap();
    let place = format!("{}, line 3: ", dir.path().join("b").display());
    for partitions in [1, 2, 5] {
        let error = read(&slice, partitions).await.unwrap_err().to_string();
        assert!(error.contains(&place), "{error}");
    }
}

#[tokio::test]
async fn a_big_file_is_read_by_several_tasks_and_lines_keep_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let mut expected_ids = Vec::new();
    let mut expected_lines = Vec::new();
    for i in 0..60_000i64 {
        if i % 10_007 == 10_000 {
            text.push_str(&format!("{{\"id\": broken {i}\n"));
            expected_lines.push(i + 1);
        } else {
            text.push_str(&format!("{{\"id\":{i},\"name\":\"{}\"}}\n", "n".repeat((i % 37) as usize)));
            expected_ids.push(i);
        }
    }
    std::fs::write(dir.path().join("one"), &text).unwrap();
    for partitions in [1, 2, 3, 7] {
        let slice = slice_of(dir.path(), FileFormat::Json).with_batch_rows(1000);
        let (ids, malformed, rows) = read(&slice, partitions).await.unwrap();
        assert_eq!(ids, expected_ids, "{partitions}");
        assert_eq!(malformed.iter().map(|m| m.1).collect::<Vec<_>>(), expected_lines, "{partitions}");
        assert_eq!(rows, 60_000);
        if partitions == 2 {
            let (second, _) = task(&slice, 1, 2).await.unwrap();
            assert!(!second.is_empty(), "the file is shared by both tasks");
        }
    }
}

#[tokio::test]
async fn changed_and_missing_files_are_named() {
    for (change, kind) in [("rewrite", ErrorKind::Data), ("remove", ErrorKind::NotFound)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events-7.json");
        std::fs::write(&path, "{\"id\":1}\n").unwrap();
        let slice = slice_of(dir.path(), FileFormat::Json);
        match change {
            "rewrite" => std::fs::write(&path, "{\"id\":1}\n{\"id\":2}\n").unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        let error = read(&slice, 1).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains("events-7.json"), "{error}");
    }
}

fn write_parquet(path: &Path, batches: &[RecordBatch], row_group: usize) {
    let properties =
        datafusion::parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).build();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batches[0].schema(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

#[tokio::test]
async fn parquet_columns_are_matched_by_name_and_row_groups_shared() {
    let dir = tempfile::tempdir().unwrap();
    let other = Arc::new(Schema::new(vec![
        Field::new("extra", DataType::Utf8, true),
        Field::new("Name", DataType::LargeUtf8, true),
        Field::new("ID", DataType::Int32, true),
    ]));
    let text = |n: usize| (0..n).map(|i| format!("{i:0>64}-{}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect::<Vec<_>>();
    let batch = RecordBatch::try_new(
        other,
        vec![
            Arc::new(StringArray::from_iter_values(text(40_000))),
            Arc::new(arrow::array::LargeStringArray::from_iter_values(text(40_000))),
            Arc::new(arrow::array::Int32Array::from_iter_values(0..40_000)),
        ],
    )
    .unwrap();
    write_parquet(&dir.path().join("a.parquet"), &[batch], 5_000);
    let only_id = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let batch = RecordBatch::try_new(only_id, vec![Arc::new(Int64Array::from_iter_values(40_000..40_010))]).unwrap();
    write_parquet(&dir.path().join("b.parquet"), &[batch], 100);
    for partitions in [1, 2, 3] {
        let slice = slice_of(dir.path(), FileFormat::Parquet);
        let (ids, malformed, rows) = read(&slice, partitions).await.unwrap();
        assert_eq!((ids, malformed, rows), ((0..40_010).collect(), vec![], 40_010), "{partitions}");
    }
    let (first, _) = task(&slice_of(dir.path(), FileFormat::Parquet), 0, 2).await.unwrap();
    let rows: usize = first.iter().map(RecordBatch::num_rows).sum();
    assert!((5_000..40_000).contains(&rows), "row groups are shared between tasks: {rows}");
}

/// As [`read`], in as many runs as the slice asks for: what a run that is begun anew had given counts for nothing.
async fn read_anew(slice: &FileSlice, partitions: usize) -> (Vec<i64>, Vec<(String, i64, String, String)>, u64) {
    for _ in 0..3 {
        match read(slice, partitions).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the slice never comes to an end");
}

fn ids(ids: std::ops::Range<i64>) -> RecordBatch {
    let only_id = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    RecordBatch::try_new(only_id, vec![Arc::new(Int64Array::from_iter_values(ids))]).unwrap()
}

/// Writes over the first bytes of a column's first page.
fn damage(path: &Path, row_group: usize) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let footer = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file.try_clone().unwrap()).unwrap();
    let (start, _) = footer.metadata().row_group(row_group).column(0).byte_range();
    file.write_all_at(&[0xff; 24], start).unwrap();
}

#[tokio::test]
async fn parquet_files_that_cannot_be_read_are_dead_letters_once() {
    let file_of = |field: Field, array: arrow::array::ArrayRef| {
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
        move |path: &Path| write_parquet(path, std::slice::from_ref(&batch), 100)
    };
    type Write = Box<dyn Fn(&Path)>;
    let cases: Vec<(Write, &str)> = vec![
        (Box::new(|path: &Path| std::fs::write(path, b"").unwrap()), "the file is empty"),
        (Box::new(|path: &Path| std::fs::write(path, b"PAR1 no").unwrap()), "cannot be read as Parquet"),
        (Box::new(|path: &Path| std::fs::write(path, b"PAR1 no, it is not PAR1").unwrap()), "cannot be read as Parquet"),
        (Box::new(|path: &Path| std::fs::write(path, b"PAR1\xff\xff\xff\x7fPAR1").unwrap()), "cannot be read as Parquet"),
        (Box::new(|path: &Path| std::fs::write(path, vec![b'{'; 2 << 20]).unwrap()), "cannot be read as Parquet"),
        (Box::new(file_of(Field::new("id", DataType::Utf8, true), Arc::new(StringArray::from(vec!["1"])))), "column `id` is Utf8"),
        (Box::new(file_of(Field::new("name", DataType::Utf8, true), Arc::new(StringArray::from(vec!["1"])))), "has no column `id`"),
        (
            Box::new(file_of(Field::new("id", DataType::Int64, true), Arc::new(Int64Array::from(vec![Some(7), None])))),
            "NOT NULL and has 1 nulls",
        ),
    ];
    for (write, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        write_parquet(&dir.path().join("a.parquet"), &[ids(0..3)], 100);
        write(&dir.path().join("x.parquet"));
        write_parquet(&dir.path().join("z.parquet"), &[ids(3..5)], 100);
        for partitions in [1, 2, 5] {
            let (ids, malformed, rows) = read_anew(&slice_of(dir.path(), FileFormat::Parquet), partitions).await;
            assert_eq!((ids, rows), (vec![0, 1, 2, 3, 4], 6), "{expected}, {partitions} partitions: {malformed:?}");
            let [(file, _, _, reason)] = &malformed[..] else { panic!("{expected}, {partitions} partitions: {malformed:?}") };
            assert!(file.ends_with("/x.parquet") && reason.contains(expected), "{file}: {reason}");
            assert!(reason.contains("another name"), "it says what to do: {reason}");
        }
    }
}

#[tokio::test]
async fn a_parquet_file_damaged_in_the_middle_gives_no_row_and_one_dead_letter() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // Large enough to be shared by tasks, so that some have given rows when another finds the damage.
    let numbers = |n: i64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    let group = |at: i64| {
        let column = Int64Array::from_iter_values((at * 40_000..(at + 1) * 40_000).map(numbers));
        RecordBatch::try_new(ids(0..1).schema(), vec![Arc::new(column)]).unwrap()
    };
    let large: Vec<RecordBatch> = (0..4).map(group).collect();
    write_parquet(&path("b.parquet"), &large, 40_000);
    write_parquet(&path("d.parquet"), &[ids(10..13)], 1);
    damage(&path("b.parquet"), 2);
    damage(&path("d.parquet"), 2);
    write_parquet(&path("a.parquet"), &[ids(0..3)], 1);
    write_parquet(&path("c.parquet"), &[ids(3..6)], 1);
    write_parquet(&path("e.parquet"), &[ids(6..9)], 1);
    for partitions in [1, 2, 3, 7] {
        let slice = slice_of(dir.path(), FileFormat::Parquet);
        for _ in 0..2 {
            let (ids, malformed, rows) = read_anew(&slice, partitions).await;
            assert_eq!((ids, rows), ((0..9).collect(), 11), "{partitions} partitions: {malformed:?}");
            let files: Vec<&str> = malformed.iter().map(|(file, ..)| file.rsplit('/').next().unwrap()).collect();
            assert_eq!(files, ["b.parquet", "d.parquet"], "{partitions} partitions");
            assert!(malformed.iter().all(|(.., reason)| reason.contains("cannot be read as Parquet")), "{malformed:?}");
        }
    }
    // Neither a line nor its text is told of a file.
    let slice = slice_of(dir.path(), FileFormat::Parquet);
    read_anew(&slice, 1).await;
    let (_, report) = task(&slice, 0, 1).await.unwrap();
    for batch in &report.side_rows[&("events".to_owned(), Port::Malformed)] {
        assert!(batch.column(1).is_null(0) && batch.column(2).is_null(0), "{batch:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_utf8_is_a_dead_letter_once() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for format in [FileFormat::Json, FileFormat::Parquet] {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &[u8], range: std::ops::Range<i64>| {
            let path = dir.path().join(OsStr::from_bytes(name));
            match format {
                FileFormat::Json | FileFormat::Text => {
                    std::fs::write(path, range.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>()).unwrap()
                }
                FileFormat::Parquet => write_parquet(&path, &[ids(range)], 100_000),
            }
        };
        write(b"a", 0..2);
        // Large enough to be cut.
        write(b"caf\xe9", 0..400_000);
        write(b"z", 2..3);
        let mut names = super::super::list_names(dir.path(), &NameFilter::default()).unwrap().files;
        names.sort();
        let files: Vec<FileEntry> = names.iter().map(|name| FileEntry::of(dir.path(), name).unwrap().unwrap()).collect();
        // As they come back from a record.
        let files: Vec<FileEntry> = serde_json::from_str(&serde_json::to_string(&files).unwrap()).unwrap();
        let slice = FileSlice::new(dir.path(), files, format, schema()).unwrap();
        for partitions in [1, 2, 5] {
            let (ids, malformed, rows) = read_anew(&slice, partitions).await;
            assert_eq!((ids, rows), (vec![0, 1, 2], 4));
            let [(file, _, _, reason)] = &malformed[..] else { panic!("{malformed:?}") };
            assert_eq!(*file, format!("{}/caf\\xE9", dir.path().display()));
            assert!(reason.contains("not UTF-8") && reason.contains("rename"), "{reason}");
        }
    }
}

fn set_time(path: &Path, second: u64) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + second);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// What may befall a file after it was listed.
#[derive(Debug, Clone, Copy)]
enum Befalls {
    Nothing,
    AnotherMode,
    AnotherLink,
    /// Put back from a copy that kept its time, as archives do.
    Restored,
    /// The same of other rows.
    Replaced,
    Rewritten,
}

impl Befalls {
    fn to(self, path: &Path) {
        let aside = path.with_file_name(".aside");
        match self {
            Self::Nothing => {}
            Self::AnotherMode => {
                std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
            }
            Self::AnotherLink => std::fs::hard_link(path, aside).unwrap(),
            Self::Restored | Self::Replaced => {
                let text = std::fs::read_to_string(path).unwrap();
                let text = if matches!(self, Self::Replaced) { text.replace("\"id\":1", "\"id\":2") } else { text };
                std::fs::write(&aside, text).unwrap();
                set_time(&aside, 0);
                std::fs::rename(aside, path).unwrap();
            }
            Self::Rewritten => {
                std::fs::write(path, std::fs::read_to_string(path).unwrap()).unwrap();
                set_time(path, 1);
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_was_touched_before_it_is_read_is_read() {
    // A tag as earlier releases wrote it holds size and time of change alone.
    for is_old_tag in [false, true] {
        for (befalls, expected) in [
            (Befalls::Nothing, Some(1)),
            (Befalls::AnotherMode, Some(1)),
            (Befalls::AnotherLink, Some(1)),
            (Befalls::Restored, Some(1)),
            (Befalls::Replaced, Some(2)),
            (Befalls::Rewritten, None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("one");
            std::fs::write(&path, "{\"id\":1}\n").unwrap();
            set_time(&path, 0);
            let mut entry = FileEntry::of(dir.path(), "one").unwrap().unwrap();
            if is_old_tag {
                entry.tag = entry.tag.split('-').take(2).collect::<Vec<_>>().join("-");
            }
            let slice = FileSlice::new(dir.path(), [entry], FileFormat::Json, schema()).unwrap();
            befalls.to(&path);
            match (read(&slice, 1).await, expected) {
                (Ok((ids, ..)), Some(expected)) => assert_eq!(ids, [expected], "{befalls:?}"),
                (Err(error), None) => {
                    assert_eq!(error.kind(), ErrorKind::Data, "{befalls:?}: {error}");
                    assert!(error.message().contains("/one:"), "{befalls:?}: {error}");
                }
                (outcome, _) => panic!("{befalls:?}: {outcome:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_file_is_not_read_half_as_it_was_and_half_as_it_is() {
    for (befalls, first) in [(Befalls::Replaced, 200_000), (Befalls::Restored, 100_000), (Befalls::AnotherMode, 100_000)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        let text: String = (100_000..160_000).map(|id| format!("{{\"id\":{id},\"name\":\"some text to fill the line\"}}\n")).collect();
        std::fs::write(&path, text).unwrap();
        set_time(&path, 0);
        let slice = slice_of(dir.path(), FileFormat::Json);
        let (before, _) = task(&slice, 0, 2).await.unwrap();
        assert!(!before.is_empty(), "the file is shared by both tasks");
        befalls.to(&path);
        let error = task(&slice, 1, 2).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{befalls:?}: {error}");
        assert!(error.message().contains("/one:"), "{befalls:?}: {error}");
        // The next run has it whole.
        let (ids, malformed, rows) = read(&slice, 2).await.unwrap();
        assert_eq!((ids, malformed, rows), ((first..first + 60_000).collect(), vec![], 60_000), "{befalls:?}");
    }
}

#[tokio::test]
async fn int96_is_read_as_microseconds() {
    let dir = tempfile::tempdir().unwrap();
    int96::write(&dir.path().join("spark.parquet"));
    let files = list_files(dir.path(), &NameFilter::default()).unwrap();
    let slice = FileSlice::new(dir.path(), files, FileFormat::Parquet, int96::schema()).unwrap();
    let (batches, _) = task(&slice, 0, 1).await.unwrap();
    int96::assert_times(&batches, &[0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn parts_of_a_column_are_matched_by_name() {
    let pair = |names: [&str; 2]| {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect();
        let columns: Vec<ArrayRef> = (1..).take(2).map(|n| Arc::new(Int32Array::from(vec![n])) as ArrayRef).collect();
        StructArray::new(fields.into(), columns, None)
    };
    let wanted = DataType::Struct(vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Int32, true)].into());
    let slice = |dir: &Path| {
        let files = list_files(dir, &NameFilter::default()).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("s", wanted.clone(), true)]));
        FileSlice::new(dir, files, FileFormat::Parquet, schema).unwrap()
    };
    for (names, a, b) in [(["a", "b"], Some(1), Some(2)), (["b", "a"], Some(2), Some(1)), (["z", "A"], Some(2), None)] {
        let dir = tempfile::tempdir().unwrap();
        let column: ArrayRef = Arc::new(pair(names));
        write_parquet(&dir.path().join("x.parquet"), &[RecordBatch::try_from_iter([("s", column)]).unwrap()], 10);
        let (batches, _) = task(&slice(dir.path()), 0, 1).await.unwrap();
        let parts = batches[0].column(0).as_struct();
        assert_eq!(parts.column(0).as_ref(), &Int64Array::from(vec![a]) as &dyn Array, "{names:?}");
        assert_eq!(parts.column(1).as_ref(), &Int32Array::from(vec![b]) as &dyn Array, "{names:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let column: ArrayRef = Arc::new(StructArray::from(vec![(Arc::new(Field::new("a", DataType::Utf8, true)), text)]));
    write_parquet(&dir.path().join("x.parquet"), &[RecordBatch::try_from_iter([("s", column)]).unwrap()], 10);
    let (_, malformed, _) = read_anew(&slice(dir.path()), 1).await;
    let [(file, .., reason)] = &malformed[..] else { panic!("one file is set aside: {malformed:?}") };
    assert!(file.ends_with("x.parquet") && reason.contains("column `s.a` is Utf8, which is not read as Int64"), "{file}: {reason}");
    // Where several have come and none fits, the program is at fault, and no file is used up.
    std::fs::copy(dir.path().join("x.parquet"), dir.path().join("y.parquet")).unwrap();
    let error = task(&slice(dir.path()), 0, 1).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("x.parquet: column `s.a` is Utf8"), "{error}");
}
