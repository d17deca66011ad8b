//! DataFrames of Polars, both ways by Arrow's C data interface: columns are handed over with their buffers, and what is made anew is what
//! has another layout on the other side, such as a text's views or a list's offsets.
//!
//! That interface is two structs in C's layout, which both libraries define for themselves. To hand one over is to say that they are the
//! same, and to take one is to believe it: that is unsafe, and is done here alone.
#![allow(unsafe_code)]

use std::mem::transmute;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type, to_ffi};
use polars::prelude::{Column, CompatLevel, PolarsError, Series};
use polars_arrow::ffi::{ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c, import_array_from_c, import_field_from_c};
use tidemill_planner::{Error, Result};

use super::DataFrame;
use crate::session::Session;

impl Session {
    /// The rows of a DataFrame of Polars; of a `LazyFrame`, `collect` it. Types that Spark has no name for become the nearest that holds every
    /// value, as in [`Session::create_dataframe`].
    ///
    /// # Errors
    /// Those of [`Session::create_dataframe`].
    pub fn create_dataframe_from_polars(&self, frame: &polars::prelude::DataFrame) -> Result<DataFrame> {
        self.create_dataframe(batches_of(frame)?)
    }
}

impl DataFrame {
    /// All rows as a DataFrame of Polars.
    ///
    /// # Errors
    /// Those of [`DataFrame::collect`]; `Unsupported` for a type that Polars does not have, and for two columns of one name.
    pub async fn to_polars(&self) -> Result<polars::prelude::DataFrame> {
        let batches = self.collect().await?;
        frame_of(&self.schema()?, &batches)
    }
}

/// What Polars says.
fn refused(error: PolarsError) -> Error {
    Error::unsupported(format!("Polars: {error}")).with_source(error)
}

/// The columns of a frame, a batch for each of its chunks.
fn batches_of(frame: &polars::prelude::DataFrame) -> Result<Vec<RecordBatch>> {
    let mut columns: Vec<Series> = frame.columns().iter().map(|column| column.as_materialized_series().clone()).collect();
    if let Some((first, rest)) = columns.split_first()
        && !rest.iter().all(|column| column.chunk_lengths().eq(first.chunk_lengths()))
    {
        columns = columns.iter().map(Series::rechunk).collect();
    }
    let fields = columns.iter().map(field_of).collect::<Result<Vec<FieldRef>>>()?;
    let schema = Arc::new(Schema::new(fields));
    let batch = |chunk: usize, rows: usize| -> Result<RecordBatch> {
        let arrays = columns.iter().zip(schema.fields()).map(|(column, field)| array_of(column, chunk, field));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays.collect::<Result<_>>()?, &options)?)
    };
    match columns.first() {
        Some(first) => first.chunk_lengths().enumerate().map(|(chunk, rows)| batch(chunk, rows)).collect(),
        None => Ok(vec![batch(0, frame.height())?]),
    }
}

fn field_of(column: &Series) -> Result<FieldRef> {
    let exported = export_field_to_c(&column.field().to_arrow(CompatLevel::newest()));
    // SAFETY: both are `ArrowSchema` of Arrow's C data interface, which is released by whoever has it last.
    let exported = unsafe { transmute::<ArrowSchema, FFI_ArrowSchema>(exported) };
    Ok(Arc::new(Field::try_from(&exported)?.with_nullable(true)))
}

fn array_of(column: &Series, chunk: usize, field: &Field) -> Result<ArrayRef> {
    let exported = export_array_to_c(column.to_arrow(chunk, CompatLevel::newest()));
    // SAFETY: as in `field_of`.
    let exported = unsafe { transmute::<ArrowArray, FFI_ArrowArray>(exported) };
    // SAFETY: Polars made the array for the field.
    let data = unsafe { from_ffi_and_data_type(exported, field.data_type().clone()) }?;
    Ok(make_array(data))
}

/// A frame of the batches, which become its chunks.
fn frame_of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<polars::prelude::DataFrame> {
    let none = [RecordBatch::new_empty(Arc::clone(schema))];
    let batches = if batches.is_empty() { &none[..] } else { batches };
    let column = |(at, field): (usize, &FieldRef)| -> Result<Column> {
        let chunks = batches.iter().map(|batch| chunk_of(batch.column(at))).collect::<Result<Vec<_>>>()?;
        Ok(Column::from(Series::try_from((field.name().as_str().into(), chunks)).map_err(refused)?))
    };
    let columns = schema.fields().iter().enumerate().map(column).collect::<Result<Vec<Column>>>()?;
    polars::prelude::DataFrame::new(batches.iter().map(RecordBatch::num_rows).sum(), columns).map_err(refused)
}

fn chunk_of(array: &ArrayRef) -> Result<Box<dyn polars_arrow::array::Array>> {
    let (array, schema) = to_ffi(&array.to_data())?;
    // SAFETY: as in `field_of`.
    let (array, schema) = unsafe { (transmute::<FFI_ArrowArray, ArrowArray>(array), transmute::<FFI_ArrowSchema, ArrowSchema>(schema)) };
    // SAFETY: arrow-rs made both, of one array.
    unsafe { import_field_from_c(&schema).and_then(|field| import_array_from_c(array, field.dtype)) }.map_err(refused)
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, StringArray, StringViewArray, TimestampMicrosecondArray,
    };
    use arrow::compute::cast;
    use arrow::datatypes::{DataType, Int64Type};

    use super::*;

    /// Where the values of an array lie: those of the items of a list, and the texts of views.
    fn address(array: &ArrayRef) -> *const u8 {
        let data = array.to_data();
        match data.data_type() {
            DataType::List(_) | DataType::LargeList(_) => data.child_data()[0].buffers()[0].as_ptr(),
            DataType::Utf8View => data.buffers()[1].as_ptr(),
            _ => data.buffers()[0].as_ptr(),
        }
    }

    fn columns() -> Vec<(&'static str, ArrayRef)> {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![Some(2)])]);
        vec![
            ("int", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("nulls", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
            ("float", Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN), None]))),
            ("text", Arc::new(StringViewArray::from(vec![Some("a text that does not fit into a view"), None, Some("ü")]))),
            ("date", Arc::new(Date32Array::from(vec![Some(0), Some(20_000), None]))),
            ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), Some(-1), None]).with_timezone("UTC"))),
            ("decimal", Arc::new(Decimal128Array::from(vec![Some(150), None, Some(-1)]).with_precision_and_scale(10, 2).unwrap())),
            ("list", Arc::new(lists)),
        ]
    }

    #[test]
    fn no_values_are_copied_on_the_way_to_polars_and_back() {
        for (name, array) in columns() {
            let batch = RecordBatch::try_from_iter_with_nullable([(name, Arc::clone(&array), true)]).unwrap();
            let frame = frame_of(&batch.schema(), &[batch.clone(), batch]).unwrap();
            assert_eq!((frame.height(), frame.width()), (6, 1), "{name}");
            let back = batches_of(&frame).unwrap();
            assert_eq!(back.len(), 2, "{name}");
            for batch in back {
                assert_eq!(address(batch.column(0)), address(&array), "{name}");
                assert_eq!(&cast(batch.column(0), array.data_type()).unwrap(), &array, "{name}");
            }
        }
    }

    #[tokio::test]
    async fn rows_of_polars_are_rows_and_rows_are_polars() {
        let session = Session::builder().parallelism(2).build().unwrap();
        let batch = RecordBatch::try_from_iter_with_nullable(columns().into_iter().map(|(name, array)| (name, array, true))).unwrap();
        let frame = frame_of(&batch.schema(), &[batch]).unwrap();
        let rows = session.create_dataframe_from_polars(&frame).unwrap();
        let types: Vec<String> = rows.dtypes().unwrap().into_iter().map(|(_, data_type)| data_type).collect();
        assert_eq!(types, ["bigint", "bigint", "double", "string", "date", "timestamp", "decimal(10,2)", "array<bigint>"]);
        assert!(rows.to_polars().await.unwrap().equals_missing(&frame));
        let none = rows.limit(0).to_polars().await.unwrap();
        assert_eq!((none.height(), none.width()), (0, 8));
        let twice = rows.select(["int", "int"]).to_polars().await.unwrap_err();
        assert!(twice.message().starts_with("Polars: "), "{twice}");
    }

    #[test]
    fn chunks_that_do_not_meet_are_put_together() {
        let texts = |values: Vec<&str>| {
            let array = Arc::new(StringArray::from(values)) as ArrayRef;
            RecordBatch::try_from_iter([("t", array)]).unwrap()
        };
        let numbers = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]).unwrap();
        let mut frame = frame_of(&numbers.schema(), &[numbers]).unwrap();
        let parts = [texts(vec!["a"]), texts(vec!["b", "c"])];
        frame.with_column(frame_of(&parts[0].schema(), &parts).unwrap().columns()[0].clone()).unwrap();
        let batches = batches_of(&frame).unwrap();
        assert_eq!(batches.iter().map(|batch| (batch.num_rows(), batch.num_columns())).collect::<Vec<_>>(), [(3, 2)]);
    }
}
