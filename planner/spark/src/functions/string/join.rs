//! Functions that put text together: `concat` (also of bytes and arrays), `concat_ws`, repetition, padding; `elt` and `reverse`.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MutableArrayData, UInt64Array, make_array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use std::sync::Arc;

use super::column::{
    Bytes, binaries, bytes, chars, check_length, defaults, ints, lists, nulls, row, row_of, simple, slice, strings, strings_where, text,
    text_literal,
};
use crate::error::error;
use crate::functions::{Arg, Call, Function, Group, KernelArgs, Want};
use crate::types::{SparkType, lattice};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row_of(
        Group::Collection,
        "concat",
        "concat(col1, col2, ..., colN) - The texts, binary values or arrays one after the other; null where one of them is.",
        &[("SELECT concat('Spark', 'SQL')", "SparkSQL"), ("SELECT concat(array(1, 2, 3), array(4, 5), array(6))", "[1,2,3,4,5,6]")],
        concat,
    ),
    row(
        "concat_ws",
        "concat_ws(sep[, str | array(str)]+) - The texts, and the items of the arrays, with `sep` between them; nulls are left out.",
        &[("SELECT concat_ws(' ', 'Spark', 'SQL')", "Spark SQL"), ("SELECT concat_ws('/', 'foo', null, 'bar')", "foo/bar")],
        concat_ws,
    ),
    row(
        "elt",
        "elt(n, input1, input2, ...) - The `n`-th input, from 1; an error where there is none, or null in legacy mode.",
        &[("SELECT elt(1, 'scala', 'java')", "scala"), ("SELECT elt(2, 'a', 1)", "1")],
        elt,
    ),
    row("repeat", "repeat(str, n) - The text `n` times.", &[("SELECT repeat('123', 2)", "123123")], |call| {
        simple(
            call,
            &[Want::String, Want::Type(SparkType::Integer)],
            |args| {
                let (input, times) = (text(args, 0)?, ints(args, 1)?);
                strings(args, |row| {
                    let times = usize::try_from(times.value(row)).unwrap_or(0);
                    check_length(input.value(row).len().saturating_mul(times))?;
                    Ok(Some(input.value(row).repeat(times)))
                })
            },
            SparkType::String,
        )
    }),
    row("space", "space(n) - `n` blanks.", &[("SELECT concat(space(2), '1')", "  1")], |call| {
        simple(
            call,
            &[Want::Type(SparkType::Integer)],
            |args| {
                let times = ints(args, 0)?;
                strings(args, |row| Ok(Some(" ".repeat(usize::try_from(times.value(row)).unwrap_or(0)))))
            },
            SparkType::String,
        )
    }),
    row(
        "lpad",
        "lpad(str, len[, pad]) - The text made `len` characters long: cut off at the end, or filled up at the begin with `pad`, else with \
         blanks. Binary data is made `len` bytes long, and filled up with zeros.",
        &[
            ("SELECT lpad('hi', 5, '??')", "???hi"),
            ("SELECT lpad('hi', 1, '??')", "h"),
            ("SELECT hex(lpad(unhex('aabb'), 5))", "000000AABB"),
        ],
        |call| pad(call, |args| pad_text(args, true), |args| pad_bytes(args, true)),
    ),
    row(
        "rpad",
        "rpad(str, len[, pad]) - The text made `len` characters long: cut off or filled up at the end with `pad`, else with blanks. Binary \
         data is made `len` bytes long, and filled up with zeros.",
        &[
            ("SELECT rpad('hi', 5, '??')", "hi???"),
            ("SELECT rpad('hi', 1, '??')", "h"),
            ("SELECT hex(rpad(unhex('aabb'), 5, unhex('1122')))", "AABB112211"),
        ],
        |call| pad(call, |args| pad_text(args, false), |args| pad_bytes(args, false)),
    ),
    row_of(
        Group::Collection,
        "reverse",
        "reverse(value) - The text, binary value or array from its end to its begin.",
        &[("SELECT reverse('Spark SQL')", "LQS krapS"), ("SELECT reverse(array(2, 1, 4, 3))", "[3,4,1,2]")],
        reverse,
    ),
];

/// Bytes alone stay bytes, arrays stay arrays; all else becomes text.
fn concat(call: &mut Call<'_>) -> Result<Typed> {
    let values = call.values()?;
    if values.is_empty() {
        return Ok(call.made(datafusion::logical_expr::lit(""), SparkType::String, false));
    }
    let nullable = values.iter().any(|value| value.nullable);
    if values.iter().any(|value| matches!(value.data_type, SparkType::Array(..))) {
        if let Some((at, odd)) =
            values.iter().enumerate().find(|(_, value)| !matches!(value.data_type, SparkType::Array(..) | SparkType::Null))
        {
            // Text among arrays is refused for its type differing, other things for being of no type that `concat` takes.
            return Err(if odd.data_type.is_string() || odd.data_type == SparkType::Binary {
                let types: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.data_type.sql())).collect();
                let message = format!("cannot resolve \"{}\": the arguments need one type, and are {}", call.sql(), types.join(", "));
                call.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message)
            } else {
                call.unexpected_type(at, odd, "(\"STRING\" or \"BINARY\" or \"ARRAY\")")
            });
        }
        let values = call.same_type(values)?;
        let Some(out) = values.first().map(|value| value.data_type.clone()) else { return Err(call.wrong_arity("1 or more")) };
        return Ok(call.scalar(concat_arrays, values, out, nullable));
    }
    let as_text = call.settings.flag("spark.sql.function.concatBinaryAsString", false)?;
    if !as_text && values.iter().all(|value| value.data_type == SparkType::Binary) {
        return Ok(call.scalar(concat_bytes, values, SparkType::Binary, nullable));
    }
    let values = as_text_all(call, values, "(\"STRING\" or \"BINARY\" or \"ARRAY\")")?;
    Ok(call.scalar(concat_text, values, SparkType::String, nullable))
}

/// These values as text, which `from` numbers for messages.
fn as_text_all(call: &Call<'_>, values: Vec<Typed>, wanted: &str) -> Result<Vec<Typed>> {
    let mut texts = Vec::with_capacity(values.len());
    for (at, value) in values.into_iter().enumerate() {
        match lattice::implicit_type(&value.data_type, &Want::String, call.settings.ansi) {
            Some(to) => texts.push(call.cast(value, &to)?),
            None => return Err(call.unexpected_type(at, &value, wanted)),
        }
    }
    Ok(texts)
}

fn concat_text(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let columns = (0..args.arrays.len()).map(|at| text(args, at)).collect::<Result<Vec<_>>>()?;
    strings(args, |row| Ok(Some(columns.iter().map(|column| column.value(row)).collect::<String>())))
}

fn concat_bytes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let columns = (0..args.arrays.len()).map(|at| bytes(args, at)).collect::<Result<Vec<_>>>()?;
    binaries(args, |row| Ok(Some(columns.iter().flat_map(|column| column.get(row)).copied().collect::<Vec<u8>>())))
}

fn concat_arrays(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let columns = (0..args.arrays.len()).map(|at| lists(args, at)).collect::<Result<Vec<_>>>()?;
    let nulls = nulls(args);
    let data: Vec<_> = columns.iter().map(|column| column.values().to_data()).collect();
    let mut items = MutableArrayData::new(data.iter().collect(), true, data.iter().map(arrow::array::ArrayData::len).sum());
    let mut offsets = vec![0i32];
    let mut length = 0usize;
    for row in 0..args.rows {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            for (at, column) in columns.iter().enumerate() {
                let (Some(from), Some(to)) = (column.value_offsets().get(row), column.value_offsets().get(row + 1)) else { continue };
                let (from, to) = (usize::try_from(*from).unwrap_or(0), usize::try_from(*to).unwrap_or(0));
                items.try_extend(at, from, to)?;
                length += to - from;
            }
        }
        check_length(length)?;
        offsets.push(i32::try_from(length).unwrap_or(i32::MAX));
    }
    list_of(args, offsets, make_array(items.freeze()), nulls)
}

/// A column of arrays of the call's type.
fn list_of(args: &KernelArgs<'_>, offsets: Vec<i32>, items: ArrayRef, nulls: Option<arrow::buffer::NullBuffer>) -> Result<ArrayRef> {
    let DataType::List(field) = crate::types::to_arrow(args.out) else {
        return Err(error("INTERNAL_ERROR", "the result should be an array"));
    };
    let items = if items.data_type() == field.data_type() { items } else { arrow::compute::cast(&items, field.data_type())? };
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(field, offsets, items, nulls)?))
}

fn concat_ws(call: &mut Call<'_>) -> Result<Typed> {
    if call.is_empty() {
        return Err(call.wrong_arity("1 or more"));
    }
    let either = Want::OneOf(vec![Want::Type(SparkType::array(SparkType::String)), Want::String]);
    let mut args = vec![call.want(0, &Want::String)?];
    for at in 1..call.len() {
        let value = call.arg(at)?;
        let want = match &value.data_type {
            // Whether items may be null is the array's own affair.
            SparkType::Array(item, contains_null) if item.is_string() => {
                Want::Type(SparkType::Array(Box::new(SparkType::String), *contains_null))
            }
            SparkType::Array(..) => either.clone(),
            _ => Want::String,
        };
        args.push(call.want(at, &want).map_err(|_| call.unexpected_type(at, &value, "(\"ARRAY<STRING>\" or \"STRING\")"))?);
    }
    let nullable = args.first().is_some_and(|separator| separator.nullable);
    Ok(call.scalar(concat_ws_kernel, args, SparkType::String, nullable))
}

fn concat_ws_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    enum Column<'a> {
        Text(&'a arrow::array::StringArray),
        List(&'a ListArray, &'a arrow::array::StringArray),
    }
    let separator = text(args, 0)?;
    let mut columns = Vec::with_capacity(args.arrays.len());
    for at in 1..args.arrays.len() {
        columns.push(match text(args, at) {
            Ok(column) => Column::Text(column),
            Err(wrong) => {
                let list = lists(args, at)?;
                Column::List(list, list.values().as_string_opt::<i32>().ok_or(wrong)?)
            }
        });
    }
    strings_where(args.rows, separator.nulls(), |row| {
        let mut out = String::new();
        let mut first = true;
        let mut put = |value: &str| {
            if !std::mem::take(&mut first) {
                out.push_str(separator.value(row));
            }
            out.push_str(value);
        };
        for column in &columns {
            match column {
                Column::Text(column) if column.is_valid(row) => put(column.value(row)),
                Column::List(list, items) if list.is_valid(row) => {
                    let (Some(from), Some(to)) = (list.value_offsets().get(row), list.value_offsets().get(row + 1)) else { continue };
                    for at in usize::try_from(*from).unwrap_or(0)..usize::try_from(*to).unwrap_or(0) {
                        if items.is_valid(at) {
                            put(items.value(at));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Some(out))
    })
}

fn elt(call: &mut Call<'_>) -> Result<Typed> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let index = call.want_type(0, SparkType::Integer)?;
    let mut values = call.values()?;
    values.remove(0);
    let as_text = call.settings.flag("spark.sql.function.eltOutputAsString", false)?;
    let binary = !as_text && values.iter().all(|value| value.data_type == SparkType::Binary);
    let (values, out) =
        if binary { (values, SparkType::Binary) } else { (as_text_all(call, values, "\"STRING\" or \"BINARY\"")?, SparkType::String) };
    let args = std::iter::once(index).chain(values).collect();
    Ok(call.scalar(elt_kernel, args, out, true))
}

fn elt_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let index = ints(args, 0)?;
    let inputs = args.arrays.get(1..).unwrap_or_default();
    let mut picks = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let n = index.value(row);
        let column = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < inputs.len());
        match column {
            _ if index.is_null(row) => picks.push(None),
            Some(column) => picks.push(Some((column * args.rows + row) as u64)),
            None if args.settings.ansi => {
                let message = format!("there is no input {n}: `elt` has {} of them, counted from 1", inputs.len());
                return Err(error("INVALID_ARRAY_INDEX", message));
            }
            None => picks.push(None),
        }
    }
    let all: Vec<&dyn Array> = inputs.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::take(&arrow::compute::concat(&all)?, &UInt64Array::from(picks), None)?)
}

/// `lpad` and `rpad`: over bytes if the value is (and the filling too), else over text.
fn pad(call: &mut Call<'_>, of_text: crate::functions::ScalarKernel, of_bytes: crate::functions::ScalarKernel) -> Result<Typed> {
    call.arity(2..=3)?;
    let always_text = call.settings.flag("spark.sql.legacy.lpadRpadAlwaysReturnString", false)?;
    let binary =
        !always_text && call.arg(0)?.data_type == SparkType::Binary && (call.len() < 3 || call.arg(2)?.data_type == SparkType::Binary);
    if binary {
        if call.len() < 3 {
            let zero = ScalarValue::Binary(Some(vec![0]));
            call.args.push(Arg::Value(Typed::literal(zero, SparkType::Binary, "X'00'")));
        }
        let wants = [Want::Type(SparkType::Binary), Want::Type(SparkType::Integer), Want::Type(SparkType::Binary)];
        return simple(call, &wants, of_bytes, SparkType::Binary);
    }
    defaults(call, 2, &[text_literal(" ")])?;
    simple(call, &[Want::String, Want::Type(SparkType::Integer), Want::String], of_text, SparkType::String)
}

fn pad_text(args: &KernelArgs<'_>, left: bool) -> Result<ArrayRef> {
    let (input, length, pad) = (text(args, 0)?, ints(args, 1)?, text(args, 2)?);
    strings(args, |row| {
        let (input, length, pad) = (input.value(row), i64::from(length.value(row)), pad.value(row));
        let missing = length - i64::from(chars(input));
        if missing <= 0 || pad.is_empty() {
            return Ok(Some(slice(input, 0, length).to_owned()));
        }
        let missing = usize::try_from(missing).unwrap_or(0);
        check_length(missing)?;
        let fill: String = pad.chars().cycle().take(missing).collect();
        Ok(Some(if left { fill + input } else { [input, &fill].concat() }))
    })
}

fn pad_bytes(args: &KernelArgs<'_>, left: bool) -> Result<ArrayRef> {
    let (input, length, pad) = (bytes(args, 0)?, ints(args, 1)?, bytes(args, 2)?);
    binaries(args, |row| {
        let (input, length, pad) = (input.get(row), usize::try_from(length.value(row)).unwrap_or(0), pad.get(row));
        let kept = input.get(..length).unwrap_or(input);
        if kept.len() == length || pad.is_empty() {
            return Ok(Some(kept.to_vec()));
        }
        let fill: Vec<u8> = pad.iter().copied().cycle().take(length - kept.len()).collect();
        Ok(Some(if left { [&fill, kept].concat() } else { [kept, &fill].concat() }))
    })
}

fn reverse(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.want(0, &Want::OneOf(vec![Want::String, Want::Type(SparkType::Binary), Want::Array]))?;
    let (out, nullable) = (value.data_type.clone(), value.nullable);
    let out = if out.is_string() { SparkType::String } else { out };
    let kernel = if matches!(out, SparkType::Array(..)) { reverse_arrays } else { reverse_bytes };
    Ok(call.scalar(kernel, vec![value], out, nullable))
}

fn reverse_bytes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    match bytes(args, 0)? {
        Bytes::Text(input) => strings(args, |row| Ok(Some(input.value(row).chars().rev().collect::<String>()))),
        Bytes::Raw(input) => binaries(args, |row| Ok(Some(input.value(row).iter().rev().copied().collect::<Vec<u8>>()))),
    }
}

fn reverse_arrays(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let input = lists(args, 0)?;
    let mut picks: Vec<u64> = Vec::with_capacity(input.values().len());
    let mut offsets = vec![0i32];
    for row in 0..args.rows {
        if input.is_valid(row)
            && let (Some(from), Some(to)) = (input.value_offsets().get(row), input.value_offsets().get(row + 1))
        {
            picks.extend((*from..*to).rev().map(|at| u64::try_from(at).unwrap_or(0)));
        }
        offsets.push(i32::try_from(picks.len()).unwrap_or(i32::MAX));
    }
    let items = arrow::compute::take(input.values(), &UInt64Array::from(picks), None)?;
    list_of(args, offsets, items, input.nulls().cloned())
}
