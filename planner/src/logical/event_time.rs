//! Which column carries the event time: a mark in the field's metadata, as in Spark, so that projections keep it.

use arrow::datatypes::{Field, Schema, SchemaRef};

/// The metadata key that marks an event-time column; its value is the watermark's delay in microseconds.
pub const WATERMARK_DELAY_KEY: &str = "tidemill.watermarkDelayUs";

/// The index of the column that a watermark above marked, if any.
pub fn event_time_column(schema: &Schema) -> Option<usize> {
    schema.fields().iter().position(|field| field.metadata().contains_key(WATERMARK_DELAY_KEY))
}

/// The delay of the watermark that marked a column.
pub fn watermark_delay_us(schema: &Schema, column: usize) -> Option<i64> {
    schema.field(column).metadata().get(WATERMARK_DELAY_KEY)?.parse().ok()
}

/// The schema without the mark, as it goes to sinks.
pub fn without_event_time(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let mut metadata = field.metadata().clone();
            metadata.remove(WATERMARK_DELAY_KEY);
            field.as_ref().clone().with_metadata(metadata)
        })
        .collect();
    std::sync::Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}
