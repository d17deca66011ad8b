//! Casts to text and bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BinaryBuilder, StringArray, StringBuilder};
use arrow::datatypes::{Int8Type, Int16Type, Int32Type, Int64Type};

use super::{Cx, How, no_cast, primitive, write_side};
use crate::Result;
use crate::types::SparkType;
use crate::types::render::{Style, write_value};

impl Cx<'_> {
    /// To `string`, and to `char(n)` and `varchar(n)` by the rules for writes.
    pub(super) fn to_string(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        let text = self.to_text(array, from)?;
        match to {
            SparkType::String => Ok(text),
            _ if self.how == How::Try => write_side::fitted_or_null(&text, to),
            _ => write_side::write_side_check(&text, to),
        }
    }

    fn to_text(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        if from.is_string() {
            return Ok(Arc::clone(array));
        }
        if *from == SparkType::Binary
            && let Some(bytes) = array.as_binary_opt::<i32>()
        {
            return Ok(Arc::new(binary_to_text(bytes)));
        }
        let style = Style { plain_decimals: self.how != How::Legacy, ..Style::cast(self.settings) };
        let mut made = StringBuilder::with_capacity(array.len(), array.len() * 8);
        let mut text = String::new();
        for row in 0..array.len() {
            if array.is_null(row) {
                made.append_null();
                continue;
            }
            text.clear();
            write_value(&mut text, array, row, from, &style)?;
            made.append_value(&text);
        }
        Ok(Arc::new(made.finish()))
    }

    /// To `binary`: the bytes of text, and in legacy mode those of whole numbers, the highest first.
    pub(super) fn to_binary(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        fn bytes<I: ArrowPrimitiveType, const N: usize>(array: &ArrayRef, bytes: impl Fn(I::Native) -> [u8; N]) -> Result<ArrayRef> {
            let values = primitive::<I>(array)?;
            let mut made = BinaryBuilder::with_capacity(values.len(), values.len() * N);
            for value in values {
                made.append_option(value.map(&bytes));
            }
            Ok(Arc::new(made.finish()))
        }
        match from {
            T::String | T::Char(_) | T::Varchar(_) => Ok(arrow::compute::cast(array, &arrow::datatypes::DataType::Binary)?),
            T::Byte => bytes::<Int8Type, 1>(array, i8::to_be_bytes),
            T::Short => bytes::<Int16Type, 2>(array, i16::to_be_bytes),
            T::Integer => bytes::<Int32Type, 4>(array, i32::to_be_bytes),
            T::Long => bytes::<Int64Type, 8>(array, i64::to_be_bytes),
            _ => Err(no_cast(from, &T::Binary)),
        }
    }
}

/// Bytes as text. Spark keeps bytes that are no UTF-8 as they are; Arrow's text cannot, and has U+FFFD for them.
fn binary_to_text(bytes: &BinaryArray) -> StringArray {
    bytes.iter().map(|value| value.map(String::from_utf8_lossy)).collect()
}
