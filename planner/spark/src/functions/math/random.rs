//! `rand`, `randn` and `uniform`: Spark's generator, so that a seed gives Spark's numbers.
//!
//! The numbers of a call go on from batch to batch, in the order in which rows come to it.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::row;
use crate::functions::{Call, Function, Want, constant};
use crate::types::SparkType::{self, Decimal, Double, Float, Integer, Long};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("rand", RAND, &[("SELECT rand(0)", "0.7604953758285915"), ("SELECT rand(null)", "0.7604953758285915")], |call| random(call, false)),
    row("random", RAND, &[("SELECT random(0)", "0.7604953758285915")], |call| random(call, false)),
    row(
        "randn",
        "randn([seed]) - Random numbers of the standard normal distribution.",
        &[("SELECT randn(0)", "1.6034991609278433"), ("SELECT randn(null)", "1.6034991609278433")],
        |call| random(call, true),
    ),
    row(
        "uniform",
        "uniform(low, high[, seed]) - Random numbers between two constants; whole ones if both are whole.",
        &[("SELECT uniform(10, 20, 0) > 0", "true")],
        uniform,
    ),
];

const RAND: &str = "rand([seed]) - Random numbers from 0 to 1, 1 excluded, all equally likely.";

fn random(call: &mut Call<'_>, normal: bool) -> Result<Typed> {
    call.arity(0..=1)?;
    let seed = seed(call, 0)?;
    let function = Random::new(if normal { "randn" } else { "rand" }, seed.unwrap_or_else(rand::random), normal);
    let name = if normal { "randn" } else { "rand" };
    let values = call.values()?;
    Ok(Typed::new(function.call(), Double, false, Sql::call(name, values.iter().map(|value| &value.sql))))
}

/// The seed at that place; a null is 0.
fn seed(call: &Call<'_>, at: usize) -> Result<Option<i64>> {
    if call.len() <= at {
        return Ok(None);
    }
    let value = call.arg(at)?;
    let unfoldable = || {
        let message = format!("the seed of `{}` is a constant, and \"{}\" is none", call.name, value.sql);
        call.refuse("SEED_EXPRESSION_IS_UNFOLDABLE", message)
    };
    match value.data_type {
        SparkType::Null => Ok(Some(0)),
        Integer | Long => Ok(Some(match constant(&value)?.ok_or_else(unfoldable)? {
            ScalarValue::Int32(seed) => seed.unwrap_or(0).into(),
            ScalarValue::Int64(seed) => seed.unwrap_or(0),
            _ => 0,
        })),
        _ => Err(call.unexpected_type(at, &value, "(\"INT\" or \"BIGINT\")")),
    }
}

fn uniform(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let values = call.values()?;
    if values.iter().any(|value| value.data_type == SparkType::Null) {
        return Ok(Typed::literal(ScalarValue::Null, SparkType::Null, call.sql()));
    }
    let (low, high) = (call.want(0, &Want::Numeric)?, call.want(1, &Want::Numeric)?);
    for (name, value) in [("min", &low), ("max", &high)] {
        if constant(value)?.is_none() {
            let message =
                format!("cannot resolve \"{}\": parameter `{name}` of `uniform` is a constant, and \"{}\" is none", call.sql(), value.sql);
            return Err(call.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message));
        }
    }
    let out = match (&low.data_type, &high.data_type) {
        (a, b) if a.is_integral() && b.is_integral() => a.max(b).clone(),
        (Double, _) | (_, Double) => Double,
        (Float, _) | (_, Float) => Float,
        (Decimal(p, s), Decimal(q, t)) => {
            if p - s.min(p) >= q - t.min(q) && s >= t {
                low.data_type.clone()
            } else {
                high.data_type.clone()
            }
        }
        (_, decimal @ Decimal(..)) | (decimal @ Decimal(..), _) => decimal.clone(),
        (other, _) => other.clone(),
    };
    let seed = seed(call, 2)?.unwrap_or_else(rand::random);
    let (low, high) = (call.cast(low, &Double)?, call.cast(high, &Double)?);
    let nullable = low.nullable || high.nullable;
    let share = Random::new("rand", seed, false).call();
    let expr = low.expr.clone() + (high.expr - low.expr) * share;
    let number = Typed::new(expr, Double, nullable, call.sql());
    Ok(call.cast(number, &out)?.shown(call.sql()))
}

/// A function that gives the next numbers.
#[derive(Debug)]
struct Random {
    name: &'static str,
    seed: i64,
    normal: bool,
    state: Mutex<XorShift>,
    signature: Signature,
}

impl Random {
    fn new(name: &'static str, seed: i64, normal: bool) -> Self {
        Self { name, seed, normal, state: Mutex::new(XorShift::new(seed)), signature: Signature::exact(vec![], Volatility::Volatile) }
    }

    fn call(self) -> Expr {
        Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(self)), vec![]))
    }
}

impl PartialEq for Random {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.seed == other.seed && self.normal == other.normal
    }
}

impl Eq for Random {}

impl Hash for Random {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.seed.hash(state);
    }
}

impl ScalarUDFImpl for Random {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = (0..args.number_rows).map(|_| if self.normal { state.gaussian() } else { state.double() });
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from_iter_values(numbers))))
    }
}

/// Marsaglia's xorshift with Java's way of making doubles.
///
/// Source: Spark, `XORShiftRandom.scala`.
#[derive(Debug)]
pub(crate) struct XorShift {
    seed: u64,
    spare: Option<f64>,
}

impl XorShift {
    pub(crate) fn new(seed: i64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = murmur3(bytes, 0x3c07_4a61);
        let high = murmur3(bytes, low);
        Self { seed: (u64::from(high) << 32) | u64::from(low), spare: None }
    }

    fn next(&mut self, bits: u32) -> u64 {
        let mut next = self.seed ^ (self.seed << 21);
        next ^= next >> 35;
        next ^= next << 4;
        self.seed = next;
        next & ((1 << bits) - 1)
    }

    /// From 0 to 1, 1 excluded.
    pub(crate) fn double(&mut self) -> f64 {
        let high = self.next(26) << 27;
        (high + self.next(27)) as f64 / (1_u64 << 53) as f64
    }

    /// The polar method, which makes two numbers at a time.
    fn gaussian(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.double() - 1.0, 2.0 * self.double() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }
}

/// MurmurHash3 of eight bytes, 32 bits.
fn murmur3(bytes: [u8; 8], seed: u32) -> u32 {
    let mut hash = seed;
    let [a, b, c, d, e, f, g, h] = bytes;
    for word in [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])] {
        let mixed = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        hash = (hash ^ mixed).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    hash ^= 8;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::XorShift;

    #[test]
    fn first_numbers() {
        assert_eq!(XorShift::new(0).double(), 0.760_495_375_828_591_5);
        assert!((XorShift::new(0).gaussian() - 1.603_499_160_927_843_3).abs() < 1e-15);
    }
}
