//! Bits of whole numbers, and bitmaps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int32Array};
use arrow::datatypes::{Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Operator, binary_expr};

use super::operators::{binary_operands_of_bits, kernel, row};
use super::{Call, Function, Group, KernelArgs, Want};
use crate::error::error;
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

/// Bits of a bitmap, as `bitmap_construct_agg` makes them.
const BITMAP_BITS: i64 = 8 * 4 * 1024;

fn binary(call: &mut Call<'_>, operator: Operator) -> Result<Typed> {
    call.arity(2..=2)?;
    let (left, right) = binary_operands_of_bits(call, call.arg(0)?, call.arg(1)?)?;
    let shown = Sql::infix(&left.sql, call.name, &right.sql);
    let (out, nullable) = (left.data_type.clone(), left.nullable || right.nullable);
    Ok(Typed::new(binary_expr(left.expr, operator, right.expr), out, nullable, shown))
}

fn not(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = strictly_whole(call, 0, false)?;
    let shown = Sql::concat(vec![Sql::from("~"), value.sql.clone()]);
    let (out, nullable) = (value.data_type.clone(), value.nullable);
    Ok(kernel(call, "~", not_kernel, vec![value], Vec::new(), out, nullable).shown(shown))
}

/// A whole number that is not cast to one; a bare null is an int.
fn strictly_whole(call: &Call<'_>, at: usize, or_boolean: bool) -> Result<Typed> {
    let value = call.arg(at)?;
    match &value.data_type {
        t if t.is_integral() || (or_boolean && *t == T::Boolean) => Ok(value),
        T::Null => super::operators::null_of(&T::Integer, &value),
        _ if or_boolean => Err(call.unexpected_type(at, &value, "(\"INTEGRAL\" or \"BOOLEAN\")")),
        _ => Err(call.unexpected_type(at, &value, "\"INTEGRAL\"")),
    }
}

fn unary<P: ArrowPrimitiveType>(array: &ArrayRef, f: impl Fn(P::Native) -> P::Native) -> ArrayRef {
    Arc::new(array.as_primitive::<P>().unary::<_, P>(f))
}

fn not_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [array] = args.arrays else { return Err(unforeseen()) };
    Ok(match args.out {
        T::Byte => unary::<Int8Type>(array, |v| !v),
        T::Short => unary::<Int16Type>(array, |v| !v),
        T::Integer => unary::<Int32Type>(array, |v| !v),
        _ => unary::<Int64Type>(array, |v| !v),
    })
}

fn unforeseen() -> crate::Error {
    crate::Error::new(crate::ErrorKind::Internal, "a bitwise function was given other arguments than it was made for: report this")
}

/// A column of whole numbers as bigints; their sign goes on.
fn longs(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(arrow::compute::cast(array, &arrow::datatypes::DataType::Int64)?)
}

fn count(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = strictly_whole(call, 0, true)?;
    let nullable = value.nullable;
    Ok(kernel(call, "bit_count", count_kernel, vec![value], Vec::new(), T::Integer, nullable))
}

fn count_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [array] = args.arrays else { return Err(unforeseen()) };
    if let Some(flags) = array.as_any().downcast_ref::<BooleanArray>() {
        return Ok(Arc::new(flags.iter().map(|flag| flag.map(i32::from)).collect::<Int32Array>()));
    }
    let longs = longs(array)?;
    Ok(Arc::new(longs.as_primitive::<Int64Type>().unary::<_, Int32Type>(|v| v.count_ones().cast_signed())))
}

fn get(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (value, at) = (call.want(0, &Want::Integral)?, call.want_type(1, T::Integer)?);
    let bits: i32 = match value.data_type {
        T::Byte => 8,
        T::Short => 16,
        T::Integer => 32,
        _ => 64,
    };
    let nullable = value.nullable || at.nullable;
    Ok(kernel(call, call.name, get_kernel, vec![value, at], vec![ScalarValue::Int32(Some(bits))], T::Byte, nullable))
}

fn get_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [values, places] = args.arrays else { return Err(unforeseen()) };
    let Some(ScalarValue::Int32(Some(bits))) = args.constants.first() else { return Err(unforeseen()) };
    let values = longs(values)?;
    let (values, places) = (values.as_primitive::<Int64Type>(), places.as_primitive::<Int32Type>());
    each2::<Int64Type, Int32Type, Int8Type>(args, values, places, |value, place| {
        if (0..*bits).contains(&place) {
            return Ok(i8::from((value >> place) & 1 == 1));
        }
        let message = format!("the position of a bit is from 0 to {}, and not {place}", bits - 1);
        Err(error("INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", message))
    })
}

/// `f` of each pair; null where one is null.
fn each2<A: ArrowPrimitiveType, B: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    args: &KernelArgs<'_>,
    a: &arrow::array::PrimitiveArray<A>,
    b: &arrow::array::PrimitiveArray<B>,
    f: impl Fn(A::Native, B::Native) -> Result<O::Native>,
) -> Result<ArrayRef> {
    let mut made = arrow::array::PrimitiveBuilder::<O>::with_capacity(args.rows);
    for row in 0..args.rows {
        let (i, j) = (if a.len() == 1 { 0 } else { row }, if b.len() == 1 { 0 } else { row });
        if a.is_null(i) || b.is_null(j) {
            made.append_null();
        } else {
            made.append_value(f(a.value(i), b.value(j))?);
        }
    }
    Ok(Arc::new(made.finish()))
}

/// Which shift: named function or operator.
fn shift(call: &mut Call<'_>, symbol: &str) -> Result<Typed> {
    call.arity(2..=2)?;
    let value = call.want(0, &Want::OneOf(vec![Want::Type(T::Integer), Want::Type(T::Long)]))?;
    let by = call.want_type(1, T::Integer)?;
    let shown = if call.name == symbol { Sql::infix(&value.sql, symbol, &by.sql) } else { call.sql() };
    let (out, nullable) = (value.data_type.clone(), value.nullable || by.nullable);
    Ok(kernel(
        call,
        symbol,
        if symbol == "<<" {
            left
        } else if symbol == ">>" {
            right
        } else {
            right_unsigned
        },
        vec![value, by],
        Vec::new(),
        out,
        nullable,
    )
    .shown(shown))
}

fn shifted(args: &KernelArgs<'_>, int: impl Fn(i32, u32) -> i32, long: impl Fn(i64, u32) -> i64) -> Result<ArrayRef> {
    let [values, by] = args.arrays else { return Err(unforeseen()) };
    let by = by.as_primitive::<Int32Type>();
    if *args.out == T::Integer {
        let values = values.as_primitive::<Int32Type>();
        return each2::<Int32Type, Int32Type, Int32Type>(args, values, by, |v, by| Ok(int(v, by.cast_unsigned())));
    }
    let values = values.as_primitive::<Int64Type>();
    each2::<Int64Type, Int32Type, Int64Type>(args, values, by, |v, by| Ok(long(v, by.cast_unsigned())))
}

// As in Java, only the low bits of the distance count.
fn left(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    shifted(args, i32::wrapping_shl, i64::wrapping_shl)
}

fn right(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    shifted(args, i32::wrapping_shr, i64::wrapping_shr)
}

fn right_unsigned(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    shifted(args, |v, by| v.cast_unsigned().wrapping_shr(by).cast_signed(), |v, by| v.cast_unsigned().wrapping_shr(by).cast_signed())
}

fn bitmap_of_long(call: &mut Call<'_>, run: super::ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.want_type(0, T::Long)?;
    let nullable = value.nullable;
    Ok(kernel(call, call.name, run, vec![value], Vec::new(), T::Long, nullable))
}

fn bucket_number(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [array] = args.arrays else { return Err(unforeseen()) };
    Ok(unary::<Int64Type>(array, |v| if v > 0 { 1 + (v - 1) / BITMAP_BITS } else { v / BITMAP_BITS }))
}

fn bit_position(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [array] = args.arrays else { return Err(unforeseen()) };
    Ok(unary::<Int64Type>(array, |v| if v > 0 { (v - 1) % BITMAP_BITS } else { v.wrapping_neg() % BITMAP_BITS }))
}

fn bitmap_count(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    if value.data_type != T::Binary {
        return Err(call.unexpected_type(0, &value, "\"BINARY\""));
    }
    let nullable = value.nullable;
    Ok(kernel(call, "bitmap_count", bitmap_count_kernel, vec![value], Vec::new(), T::Long, nullable))
}

fn bitmap_count_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [array] = args.arrays else { return Err(unforeseen()) };
    let count = |bytes: &[u8]| bytes.iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>();
    Ok(Arc::new(array.as_binary::<i32>().iter().map(|bytes| bytes.map(count)).collect::<arrow::array::Int64Array>()))
}

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row("&", Group::Bitwise, "expr1 & expr2 - The bits that both have.", &[("SELECT 3 & 5", "1")], |c| binary(c, Operator::BitwiseAnd)),
    row("|", Group::Bitwise, "expr1 | expr2 - The bits that one has.", &[("SELECT 3 | 5", "7")], |c| binary(c, Operator::BitwiseOr)),
    row("^", Group::Bitwise, "expr1 ^ expr2 - The bits that just one has.", &[("SELECT 3 ^ 5", "6")], |c| binary(c, Operator::BitwiseXor)),
    row("~", Group::Bitwise, "~ expr - All bits turned around.", &[("SELECT ~ 0", "-1")], not),
    row("<<", Group::Bitwise, "base << expr - The bits moved up.", &[("SELECT 2 << 1", "4")], |c| shift(c, "<<")),
    row(">>", Group::Bitwise, "base >> expr - The bits moved down; the sign stays.", &[("SELECT 4 >> 1", "2")], |c| shift(c, ">>")),
    row(">>>", Group::Bitwise, "base >>> expr - The bits moved down; zeros come in.", &[("SELECT 4 >>> 1", "2")], |c| shift(c, ">>>")),
    row("shiftleft", Group::Bitwise, "shiftleft(base, expr) - The bits moved up.", &[("SELECT shiftleft(2, 1)", "4")], |c| shift(c, "<<")),
    row(
        "shiftright",
        Group::Bitwise,
        "shiftright(base, expr) - The bits moved down; the sign stays.",
        &[("SELECT shiftright(4, 1)", "2")],
        |c| shift(c, ">>"),
    ),
    row(
        "shiftrightunsigned",
        Group::Bitwise,
        "shiftrightunsigned(base, expr) - The bits moved down; zeros come in.",
        &[("SELECT shiftrightunsigned(4, 1)", "2")],
        |c| shift(c, ">>>"),
    ),
    row(
        "bit_count",
        Group::Bitwise,
        "bit_count(expr) - How many bits are set in the number as a bigint.",
        &[("SELECT bit_count(0)", "0"), ("SELECT bit_count(-1)", "64")],
        count,
    ),
    row(
        "bit_get",
        Group::Bitwise,
        "bit_get(expr, pos) - The bit at a position, counted from the right and from 0.",
        &[("SELECT bit_get(11, 0)", "1"), ("SELECT bit_get(11, 2)", "0")],
        get,
    ),
    row(
        "getbit",
        Group::Bitwise,
        "getbit(expr, pos) - The bit at a position, counted from the right and from 0.",
        &[("SELECT getbit(11, 0)", "1")],
        get,
    ),
    row(
        "bitmap_bucket_number",
        Group::Misc,
        "bitmap_bucket_number(child) - The number of the bitmap that holds a number's bit.",
        &[("SELECT bitmap_bucket_number(123)", "1"), ("SELECT bitmap_bucket_number(0)", "0")],
        |c| bitmap_of_long(c, bucket_number),
    ),
    row(
        "bitmap_bit_position",
        Group::Misc,
        "bitmap_bit_position(child) - The place of a number's bit in its bitmap.",
        &[("SELECT bitmap_bit_position(1)", "0"), ("SELECT bitmap_bit_position(123)", "122")],
        |c| bitmap_of_long(c, bit_position),
    ),
    row(
        "bitmap_count",
        Group::Misc,
        "bitmap_count(child) - How many bits of a bitmap are set.",
        &[("SELECT bitmap_count(X'1010')", "2"), ("SELECT bitmap_count(X'FFFF')", "16")],
        bitmap_count,
    ),
];
