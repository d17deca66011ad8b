//! `randstr`: text of random letters and digits.
//!
//! The letters of a call go on from batch to batch, in the order in which rows come to it.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::StringBuilder;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::column::{check_length, row};
use crate::functions::{Call, Function, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[row(
    "randstr",
    "randstr(length[, seed]) - Text of so many characters, each of 0-9, a-z and A-Z by chance; the same for the same seed.",
    &[("SELECT randstr(3, 0)", "ceV")],
    randstr,
)];

fn randstr(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let length = match call.constant(0, &SparkType::Integer)? {
        ScalarValue::Int32(Some(length)) => length,
        _ => 0,
    };
    if length < 0 {
        let message = format!("`length` of `randstr` is {length}: give 0 or more");
        return Err(call.refuse("INVALID_PARAMETER_VALUE.LENGTH", message));
    }
    let seed = if call.len() > 1 {
        let want = Want::OneOf(vec![Want::Type(SparkType::Integer), Want::Type(SparkType::Long)]);
        let value = call.want(1, &want)?;
        match crate::functions::constant(&value)? {
            Some(ScalarValue::Int32(seed)) => i64::from(seed.unwrap_or(0)),
            Some(ScalarValue::Int64(seed)) => seed.unwrap_or(0),
            Some(_) => 0,
            None => {
                let message = format!("cannot resolve \"{}\": the seed has to be a constant, and \"{}\" is none", call.sql(), value.sql);
                return Err(call.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message));
            }
        }
    } else {
        rand::random()
    };
    let function = RandStr {
        length: usize::try_from(length).unwrap_or(0),
        seed,
        state: Mutex::new(XorShift::new(seed)),
        signature: Signature::exact(Vec::new(), Volatility::Volatile),
    };
    let expr = ScalarUDF::new_from_impl(function).call(Vec::new());
    Ok(call.made(expr, SparkType::String, false))
}

/// A function that gives the next text.
#[derive(Debug)]
struct RandStr {
    length: usize,
    seed: i64,
    state: Mutex<XorShift>,
    signature: Signature,
}

impl PartialEq for RandStr {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.seed == other.seed
    }
}

impl Eq for RandStr {}

impl Hash for RandStr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.length.hash(state);
        self.seed.hash(state);
    }
}

impl ScalarUDFImpl for RandStr {
    fn name(&self) -> &str {
        "randstr"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(Field::new("randstr", DataType::Utf8, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let rows = args.number_rows;
        check_length(self.length.saturating_mul(rows)).map_err(DataFusionError::from)?;
        let mut random = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = StringBuilder::with_capacity(rows, self.length * rows);
        for _ in 0..rows {
            out.append_value((0..self.length).map(|_| random.letter()).collect::<String>());
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

/// Spark's generator of random numbers.
#[derive(Debug)]
struct XorShift(i64);

impl XorShift {
    /// The seed is hashed, so that near seeds give far numbers.
    fn new(seed: i64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = murmur3(&bytes, 0x3c07_4a61);
        let high = murmur3(&bytes, low);
        Self((i64::from(high.cast_signed()) << 32) | i64::from(low))
    }

    fn next(&mut self) -> i32 {
        let mut next = self.0 ^ (self.0 << 21);
        next ^= (next.cast_unsigned() >> 35).cast_signed();
        next ^= next << 4;
        self.0 = next;
        // The lower half of the bits.
        (next & 0xFFFF_FFFF).cast_unsigned().to_le_bytes().first_chunk::<4>().map_or(0, |low| i32::from_le_bytes(*low))
    }

    fn letter(&mut self) -> char {
        let v = u8::try_from((self.next() % 62).unsigned_abs()).unwrap_or(0);
        char::from(match v {
            0..=9 => b'0' + v,
            10..=35 => b'a' + (v - 10),
            _ => b'A' + (v - 36),
        })
    }
}

/// The common 32-bit Murmur3, as Scala's library has it.
fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let mix = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut h = seed;
    let mut words = bytes.chunks_exact(4);
    for word in words.by_ref() {
        let k = word.iter().rev().fold(0u32, |k, b| k << 8 | u32::from(*b));
        h = (h ^ mix(k)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        h ^= mix(tail.iter().rev().fold(0u32, |k, b| k << 8 | u32::from(*b)));
    }
    h ^= u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_spark_s_letters() {
        let mut random = XorShift::new(0);
        assert_eq!((0..3).map(|_| random.letter()).collect::<String>(), "ceV");
    }
}
