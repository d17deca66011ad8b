//! `hash` and `xxhash64`: hashes over values of all types, the same as Spark's bit by bit.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalYearMonthType, Time64NanosecondType, TimestampMicrosecondType,
};
use std::sync::Arc;

use crate::error::error;
use crate::functions::string::column::row_of;
use crate::functions::{Call, Function, Group, KernelArgs, ScalarKernel};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(super) const ROWS: &[Function] = &[
    row_of(
        Group::Hash,
        "hash",
        "hash(expr1, expr2, ...) - A hash of the values, as an int (Murmur3).",
        &[("SELECT hash('Spark', array(123), 2)", "-1321691492")],
        |call| hash(call, |args| Ok(Arc::new(Int32Array::from(fold::<Murmur3>(args, 42)?))), SparkType::Integer),
    ),
    row_of(
        Group::Hash,
        "xxhash64",
        "xxhash64(expr1, expr2, ...) - A hash of the values, as a bigint (xxHash with 64 bits).",
        &[("SELECT xxhash64('Spark', array(123), 2)", "5602566077635097486")],
        |call| hash(call, |args| Ok(Arc::new(Int64Array::from(fold::<XxHash64>(args, 42)?))), SparkType::Long),
    ),
];

fn hash(call: &mut Call<'_>, kernel: ScalarKernel, out: SparkType) -> Result<Typed> {
    if call.is_empty() {
        return Err(call.wrong_arity("1 or more"));
    }
    let args = call.values()?;
    let maps = call.settings.flag("spark.sql.legacy.allowHashOnMapType", false)?;
    if !maps && args.iter().any(|arg| has_map(&arg.data_type)) {
        let message = format!("`{}` takes no maps, for equal ones would have different hashes: take `map_entries`, sorted", call.name);
        return Err(call.refuse("DATATYPE_MISMATCH.HASH_MAP_TYPE", message));
    }
    Ok(call.scalar(kernel, args, out, false))
}

fn has_map(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Map(..) => true,
        SparkType::Array(element, _) => has_map(element),
        SparkType::Struct(fields) => fields.iter().any(|field| has_map(&field.data_type)),
        _ => false,
    }
}

/// A hash function: each value's hash is the seed of the next.
trait Hasher {
    type Hash: Copy + 'static;
    fn int(value: i32, seed: Self::Hash) -> Self::Hash;
    fn long(value: i64, seed: Self::Hash) -> Self::Hash;
    fn bytes(value: &[u8], seed: Self::Hash) -> Self::Hash;
}

/// Mixes a row's value into a hash; nulls change nothing.
type Mix<'a, H> = Box<dyn Fn(usize, H) -> H + 'a>;

fn fold<S: Hasher>(args: &KernelArgs<'_>, seed: S::Hash) -> Result<Vec<S::Hash>> {
    let mut hashes = vec![seed; args.rows];
    for (array, data_type) in args.arrays.iter().zip(args.types) {
        let mix = mixer::<S>(array, data_type)?;
        for (row, hash) in hashes.iter_mut().enumerate() {
            *hash = mix(row, *hash);
        }
    }
    Ok(hashes)
}

/// How a column's values are mixed in, put together once for the column.
fn mixer<'a, S: Hasher>(array: &'a ArrayRef, data_type: &SparkType) -> Result<Mix<'a, S::Hash>> {
    let wrong = || error("INTERNAL_ERROR", format!("values of {data_type} are held as {}", array.data_type()));
    macro_rules! each {
        ($array:expr, |$value:ident, $seed:ident| $made:expr) => {{
            let array = $array.ok_or_else(wrong)?;
            if array.null_count() == 0 {
                Box::new(move |row, $seed| {
                    let $value = array.value(row);
                    $made
                }) as Mix<'a, S::Hash>
            } else {
                Box::new(move |row, $seed| {
                    if array.is_null(row) {
                        return $seed;
                    }
                    let $value = array.value(row);
                    $made
                }) as Mix<'a, S::Hash>
            }
        }};
    }
    macro_rules! number {
        ($t:ty, int) => {
            each!(array.as_primitive_opt::<$t>(), |value, seed| S::int(i32::from(value), seed))
        };
        ($t:ty, long) => {
            each!(array.as_primitive_opt::<$t>(), |value, seed| S::long(value, seed))
        };
    }
    Ok(match data_type {
        SparkType::Null => Box::new(|_, seed| seed),
        SparkType::Boolean => each!(array.as_boolean_opt(), |value, seed| S::int(i32::from(value), seed)),
        SparkType::Byte => number!(Int8Type, int),
        SparkType::Short => number!(Int16Type, int),
        SparkType::Integer => number!(Int32Type, int),
        SparkType::Date => number!(Date32Type, int),
        SparkType::YearMonthInterval(..) => number!(IntervalYearMonthType, int),
        SparkType::Long => number!(Int64Type, long),
        SparkType::Timestamp | SparkType::TimestampNtz => number!(TimestampMicrosecondType, long),
        SparkType::Time(_) => number!(Time64NanosecondType, long),
        SparkType::DayTimeInterval(..) => number!(DurationMicrosecondType, long),
        SparkType::Float => each!(array.as_primitive_opt::<Float32Type>(), |value, seed| S::int(float_bits(value), seed)),
        SparkType::Double => each!(array.as_primitive_opt::<Float64Type>(), |value, seed| S::long(double_bits(value), seed)),
        // As many digits as a long holds are hashed as one.
        SparkType::Decimal(precision, _) if *precision <= 18 => {
            each!(array.as_primitive_opt::<Decimal128Type>(), |value, seed| S::long(i64::try_from(value).unwrap_or(0), seed))
        }
        SparkType::Decimal(..) => {
            each!(array.as_primitive_opt::<Decimal128Type>(), |value, seed| S::bytes(shortest(&value.to_be_bytes()), seed))
        }
        SparkType::CalendarInterval => each!(array.as_primitive_opt::<IntervalMonthDayNanoType>(), |value, seed| {
            S::int(value.months, S::int(value.days, S::long(value.nanoseconds / 1000, seed)))
        }),
        SparkType::String | SparkType::Char(_) | SparkType::Varchar(_) => {
            each!(array.as_string_opt::<i32>(), |value, seed| S::bytes(value.as_bytes(), seed))
        }
        SparkType::Binary => each!(array.as_binary_opt::<i32>(), |value, seed| S::bytes(value, seed)),
        SparkType::Array(element, _) => {
            let list = array.as_list_opt::<i32>().ok_or_else(wrong)?;
            let items = mixer::<S>(list.values(), element)?;
            Box::new(
                move |row, seed| {
                    if list.is_null(row) { seed } else { range(list.value_offsets(), row).fold(seed, |seed, at| items(at, seed)) }
                },
            )
        }
        SparkType::Map(key, value, _) => {
            let map = array.as_map_opt().ok_or_else(wrong)?;
            let (keys, values) = (mixer::<S>(map.keys(), key)?, mixer::<S>(map.values(), value)?);
            Box::new(move |row, seed| {
                if map.is_null(row) { seed } else { range(map.value_offsets(), row).fold(seed, |seed, at| values(at, keys(at, seed))) }
            })
        }
        SparkType::Struct(fields) => {
            let parts = array.as_struct_opt().ok_or_else(wrong)?;
            let columns = parts.columns().iter().zip(fields);
            let mixers = columns.map(|(column, field)| mixer::<S>(column, &field.data_type)).collect::<Result<Vec<_>>>()?;
            Box::new(move |row, seed| if parts.is_null(row) { seed } else { mixers.iter().fold(seed, |seed, mix| mix(row, seed)) })
        }
        SparkType::Unsupported(name) => return Err(error("NOT_SUPPORTED_YET", format!("hashes of {name}"))),
    })
}

/// The places of a row's items.
fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| offsets.get(row).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}

/// Both zeros are one, and so are all that are no number.
fn float_bits(value: f32) -> i32 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        0x7fc0_0000
    } else {
        value.to_bits().cast_signed()
    }
}

fn double_bits(value: f64) -> i64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        value.to_bits().cast_signed()
    }
}

/// The fewest bytes of a number in two's complement.
fn shortest(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && let Some(next) = rest.first()
        && ((*first == 0 && *next < 0x80) || (*first == 0xFF && *next >= 0x80))
    {
        bytes = rest;
    }
    bytes
}

/// Spark's Murmur3: bytes that fill no word are mixed in one by one, each as an int with its sign.
struct Murmur3;

impl Murmur3 {
    fn mix(seed: u32, word: i32) -> u32 {
        let k = word.cast_unsigned().wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        (seed ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    }

    fn finish(mut h: u32, length: u32) -> i32 {
        h ^= length;
        h ^= h >> 16;
        h = h.wrapping_mul(0x85eb_ca6b);
        h ^= h >> 13;
        h = h.wrapping_mul(0xc2b2_ae35);
        (h ^ (h >> 16)).cast_signed()
    }
}

impl Hasher for Murmur3 {
    type Hash = i32;

    fn int(value: i32, seed: i32) -> i32 {
        Self::finish(Self::mix(seed.cast_unsigned(), value), 4)
    }

    fn long(value: i64, seed: i32) -> i32 {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        let low = Self::mix(seed.cast_unsigned(), i32::from_le_bytes([a, b, c, d]));
        Self::finish(Self::mix(low, i32::from_le_bytes([e, f, g, h])), 8)
    }

    fn bytes(value: &[u8], seed: i32) -> i32 {
        let (words, tail) = value.as_chunks::<4>();
        let hash = words.iter().fold(seed.cast_unsigned(), |hash, word| Self::mix(hash, i32::from_le_bytes(*word)));
        let hash = tail.iter().fold(hash, |hash, b| Self::mix(hash, i32::from(b.cast_signed())));
        Self::finish(hash, u32::try_from(value.len()).unwrap_or(u32::MAX))
    }
}

/// xxHash with 64 bits.
struct XxHash64;

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

impl XxHash64 {
    fn round(state: u64, word: u64) -> u64 {
        state.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
    }

    fn word(hash: u64, word: u64) -> u64 {
        (hash ^ Self::round(0, word)).rotate_left(27).wrapping_mul(P1).wrapping_add(P4)
    }

    fn half(hash: u64, half: u32) -> u64 {
        (hash ^ u64::from(half).wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3)
    }

    fn finish(mut hash: u64) -> i64 {
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(P2);
        hash ^= hash >> 29;
        hash = hash.wrapping_mul(P3);
        (hash ^ (hash >> 32)).cast_signed()
    }
}

impl Hasher for XxHash64 {
    type Hash = i64;

    fn int(value: i32, seed: i64) -> i64 {
        let hash = seed.cast_unsigned().wrapping_add(P5).wrapping_add(4);
        Self::finish(Self::half(hash, value.cast_unsigned()))
    }

    fn long(value: i64, seed: i64) -> i64 {
        let hash = seed.cast_unsigned().wrapping_add(P5).wrapping_add(8);
        Self::finish(Self::word(hash, value.cast_unsigned()))
    }

    fn bytes(value: &[u8], seed: i64) -> i64 {
        let seed = seed.cast_unsigned();
        let (blocks, tail) = value.as_chunks::<32>();
        let mut hash = if blocks.is_empty() {
            seed.wrapping_add(P5)
        } else {
            let mut state = [seed.wrapping_add(P1).wrapping_add(P2), seed.wrapping_add(P2), seed, seed.wrapping_sub(P1)];
            for block in blocks {
                for (lane, word) in state.iter_mut().zip(block.as_chunks::<8>().0) {
                    *lane = Self::round(*lane, u64::from_le_bytes(*word));
                }
            }
            let turns = [1, 7, 12, 18];
            let sum = state.iter().zip(turns).fold(0u64, |sum, (lane, turn)| sum.wrapping_add(lane.rotate_left(turn)));
            state.iter().fold(sum, |hash, lane| (hash ^ Self::round(0, *lane)).wrapping_mul(P1).wrapping_add(P4))
        };
        hash = hash.wrapping_add(value.len() as u64);
        let (words, tail) = tail.as_chunks::<8>();
        hash = words.iter().fold(hash, |hash, word| Self::word(hash, u64::from_le_bytes(*word)));
        let mut rest = tail;
        if let Some((half, tail)) = tail.split_first_chunk::<4>() {
            hash = Self::half(hash, u32::from_le_bytes(*half));
            rest = tail;
        }
        hash = rest.iter().fold(hash, |hash, b| (hash ^ u64::from(*b).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1));
        Self::finish(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_spark() {
        assert_eq!(Murmur3::int(2, Murmur3::int(123, Murmur3::bytes(b"Spark", 42))), -1_321_691_492);
        assert_eq!(XxHash64::int(2, XxHash64::int(123, XxHash64::bytes(b"Spark", 42))), 5_602_566_077_635_097_486);
    }

    #[test]
    fn long_bytes_are_hashed_in_blocks() {
        // The values of the reference implementation, seed 0.
        assert_eq!(XxHash64::bytes(b"", 0).cast_unsigned(), 0xEF46_DB37_51D8_E999);
        assert_eq!(XxHash64::bytes(b"Nobody inspects the spammish repetition", 0).cast_unsigned(), 0xFBCE_A83C_8A37_8BF1);
    }

    #[test]
    fn bytes_of_large_decimals() {
        for (value, wanted) in [(0i128, vec![0]), (127, vec![0x7F]), (128, vec![0, 0x80]), (-1, vec![0xFF]), (-129, vec![0xFF, 0x7F])] {
            assert_eq!(shortest(&value.to_be_bytes()), wanted);
        }
    }
}
