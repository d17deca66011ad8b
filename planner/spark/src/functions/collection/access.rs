//! Values out of arrays, maps and structs: get, element_at, try_element_at, and what the resolver calls for `a[i]`, `m[k]`, `s.f`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use crate::error::{at as placed, error};
use crate::functions::compare::{is_null, keys};
use crate::functions::nested::{Lists, Maps, NULL, argument, element_of, list_of, pick, row};
use crate::functions::{Call, Function, Group, KernelArgs, ScalarKernel, SparkScalar, Want, constant};
use crate::kernel::retype::{retype, wrong_layout};
use crate::plan::{CastMode, Span};
use crate::types::{SparkType, StructField, cast, lattice, to_arrow};
use crate::{Error, Result, Settings, Sql, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "get",
        Group::Array,
        "get(array, index) - The element at a place counted from 0; null beyond the array.",
        &[("SELECT get(array(1, 2, 3), 0)", "1"), ("SELECT get(array(1, 2, 3), 3)", "NULL"), ("SELECT get(array(1, 2, 3), -1)", "NULL")],
        get,
    ),
    row(
        "element_at",
        Group::Collection,
        "element_at(array, index) - The element at a place counted from 1, or from -1 backwards; an error beyond the array, null with ANSI \
         mode off. element_at(map, key) - The key's value, null without the key.",
        &[("SELECT element_at(array(1, 2, 3), 2)", "2"), ("SELECT element_at(map(1, 'a', 2, 'b'), 2)", "b")],
        |call| element_at(call, call.settings.ansi),
    ),
    row(
        "try_element_at",
        Group::Collection,
        "try_element_at(array, index) - The element at a place counted from 1, or from -1 backwards; null beyond the array. \
         try_element_at(map, key) - The key's value, null without the key.",
        &[
            ("SELECT try_element_at(array(1, 2, 3), 2)", "2"),
            ("SELECT try_element_at(array(1, 2, 3), 5)", "NULL"),
            ("SELECT try_element_at(map(1, 'a', 2, 'b'), 2)", "b"),
        ],
        |call| element_at(call, false),
    ),
];

fn get(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let array = call.arg(0)?;
    let Some((element, _)) = element_of(&array.data_type) else { return Err(call.unexpected_type(0, &array, "\"ARRAY\"")) };
    let out = element.clone();
    let index = call.want_type(1, SparkType::Integer)?;
    Ok(call.scalar_with(item_kernel, vec![array, index], item_rules(false, false), out, true))
}

/// Constants of [`item_kernel`]: whether places are counted from 1, and whether one beyond the array is an error.
fn item_rules(from_one: bool, strict: bool) -> Vec<ScalarValue> {
    vec![ScalarValue::Boolean(Some(from_one)), ScalarValue::Boolean(Some(strict))]
}

fn element_at(call: &mut Call<'_>, strict: bool) -> Result<Typed> {
    call.arity(2..=2)?;
    let (base, key) = (call.arg(0)?, call.arg(1)?);
    match base.data_type.clone() {
        SparkType::Array(element, nulls) => {
            if !matches!(key.data_type, SparkType::Byte | SparkType::Short | SparkType::Integer) {
                return Err(call.unexpected_type(1, &key, "\"INT\""));
            }
            let nullable = item_nullable(&base, &key, nulls, true, strict);
            let key = call.cast(key, &SparkType::Integer)?;
            Ok(call.scalar_with(item_kernel, vec![base, key], item_rules(true, strict), *element, nullable))
        }
        SparkType::Map(map_key, value, nulls) => {
            let Some(common) = lattice::tightest_common_type(&map_key, &key.data_type, false) else {
                return Err(map_types(call, &base, &key));
            };
            let base = call.coerce(base, &SparkType::Map(Box::new(common.clone()), value.clone(), nulls))?;
            let key = call.coerce(key, &common)?;
            Ok(call.scalar(value_kernel, vec![base, key], *value, true))
        }
        _ => Err(call.unexpected_type(0, &base, "(\"ARRAY\" or \"MAP\")")),
    }
}

/// The error for a map and a key of another type.
pub(in crate::functions) fn map_types(call: &Call<'_>, map: &Typed, key: &Typed) -> Error {
    let reason = format!(
        "`{}` takes a map and a key of its keys' type, not \"{}\" and \"{}\": cast the key",
        call.name,
        map.data_type.sql(),
        key.data_type.sql()
    );
    call.mismatch("DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES", reason)
}

/// Whether an element may be null, as Spark says it: of `array(a, b)[1]` it knows which value that is; of others, that a constant index
/// may be beyond the array.
fn item_nullable(base: &Typed, key: &Typed, nulls: bool, from_one: bool, strict: bool) -> bool {
    let index = match key.as_literal() {
        Some(ScalarValue::Int8(Some(index))) => i64::from(*index),
        Some(ScalarValue::Int16(Some(index))) => i64::from(*index),
        Some(ScalarValue::Int32(Some(index))) => i64::from(*index),
        Some(ScalarValue::Int64(Some(index))) => *index,
        _ => return !strict || nulls || base.nullable || key.nullable,
    };
    let Expr::ScalarFunction(function) = &base.expr else { return true };
    if function.name() != "array" {
        return true;
    }
    let length = i64::try_from(function.args.len()).unwrap_or(i64::MAX);
    let place = match (from_one, index) {
        (true, 0) => return false,
        (true, index) if index < 0 => index.saturating_add(length),
        (true, index) => index - 1,
        (false, index) => index,
    };
    if (0..length).contains(&place) { nulls } else { !strict }
}

/// The element of an array at a place.
fn item_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let flag = |at: usize| matches!(args.constants.get(at), Some(ScalarValue::Boolean(Some(true))));
    let (from_one, strict) = (flag(0), flag(1));
    let lists = Lists::of(args, 0)?;
    let places = arrow::compute::cast(argument(args, 1)?, &DataType::Int64)?;
    let places: &Int64Array = places.as_primitive::<Int64Type>();
    let mut picks = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row).filter(|_| !places.is_null(row)) else {
            picks.push((NULL, 0));
            continue;
        };
        let (place, size) = (places.value(row), i64::try_from(range.len()).unwrap_or(i64::MAX));
        let index = match place {
            0 if from_one => return Err(crate::functions::nested::index_zero()),
            place if from_one && place < 0 => place.saturating_add(size),
            place if from_one => place - 1,
            place => place,
        };
        match usize::try_from(index).ok().filter(|index| *index < range.len()) {
            Some(index) => picks.push((0, range.start + index)),
            None if strict && from_one => {
                return Err(error(
                    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
                    format!("the array has {size} elements, and there is none at place {place}: `try_element_at` gives null instead"),
                ));
            }
            None if strict => {
                return Err(error(
                    "INVALID_ARRAY_INDEX",
                    format!("the array has {size} elements, and there is none at index {place}: `get` gives null instead"),
                ));
            }
            None => picks.push((NULL, 0)),
        }
    }
    pick(&[lists.values()], &picks, &to_arrow(args.out))
}

/// The value of a map's key.
pub(in crate::functions) fn value_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (maps, wanted) = (Maps::of(args, 0)?, argument(args, 1)?);
    let both = keys(&[maps.keys(), wanted])?;
    let [map_keys, wanted_keys] = both.as_slice() else { return Err(Error::internal("keys of two arrays")) };
    let picks: Vec<(usize, usize)> = (0..args.rows)
        .map(|row| {
            let range = maps.range(row).filter(|_| !is_null(wanted, row));
            let found = range.and_then(|mut range| range.find(|i| map_keys.row(*i) == wanted_keys.row(row)));
            found.map_or((NULL, 0), |i| (0, i))
        })
        .collect();
    pick(&[maps.values()], &picks, &to_arrow(args.out))
}

/// A kernel over these values, for those that have no call.
#[allow(clippy::too_many_arguments)]
fn made(
    name: &str,
    kernel: ScalarKernel,
    args: Vec<Typed>,
    constants: Vec<ScalarValue>,
    out: (SparkType, bool),
    settings: &Arc<Settings>,
    span: Option<Span>,
    sql: Sql,
) -> Typed {
    let types = args.iter().map(|arg| arg.data_type.clone()).collect();
    let function =
        SparkScalar::new(name, kernel, types, out.0.clone(), Arc::clone(settings)).with_constants(constants).with_nullable(out.1).at(span);
    Typed::new(function.call(args.into_iter().map(|arg| arg.expr).collect()), out.0, out.1, sql)
}

/// `base.field_name`: a struct's field, the field of every struct of an array, or a map's value by a key of text. NULL has NULL for
/// every field.
///
/// # Errors
/// `FIELD_NOT_FOUND`, `AMBIGUOUS_REFERENCE_TO_FIELDS`, `INVALID_EXTRACT_BASE_FIELD_TYPE`
pub fn get_field(base: &Typed, field_name: &str, settings: &Arc<Settings>) -> Result<Typed> {
    let sql = Sql::concat(vec![base.sql.clone(), Sql::from("."), Sql::from(field_name)]);
    let named = |mut value: Typed| {
        value.name = Some(field_name.to_owned());
        value
    };
    match &base.data_type {
        SparkType::Null => Ok(named(Typed::literal(ScalarValue::Null, SparkType::Null, sql))),
        SparkType::Struct(fields) => {
            let (ordinal, field) = find_field(fields, field_name, settings)?;
            let out = (field.data_type.clone(), base.nullable || field.nullable);
            Ok(named(made("field", field_kernel, vec![base.clone()], vec![ordinal], out, settings, None, sql)))
        }
        SparkType::Array(element, nulls) if matches!(**element, SparkType::Struct(_)) => {
            let SparkType::Struct(fields) = element.as_ref() else { return Err(Error::internal("no struct")) };
            let (ordinal, field) = find_field(fields, field_name, settings)?;
            let out = SparkType::Array(Box::new(field.data_type.clone()), *nulls || field.nullable);
            let nullable = base.nullable;
            Ok(named(made("fields", fields_kernel, vec![base.clone()], vec![ordinal], (out, nullable), settings, None, sql)))
        }
        SparkType::Map(..) => {
            let key = Typed::literal(ScalarValue::Utf8(Some(field_name.to_owned())), SparkType::String, field_name);
            Ok(named(map_value(base.clone(), key, settings, None, sql)?))
        }
        // An index that is text: let it be refused as such.
        SparkType::Array(..) => {
            let key = Typed::literal(ScalarValue::Utf8(Some(field_name.to_owned())), SparkType::String, field_name);
            Ok(named(array_item(base.clone(), key, settings, None, sql)?))
        }
        other => Err(no_parts(base, other)),
    }
}

/// `base[key]`: an array's element by an index from 0, a map's value by its key, a struct's field by its name.
///
/// # Errors
/// `INVALID_EXTRACT_FIELD_TYPE`, `INVALID_EXTRACT_BASE_FIELD_TYPE`, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`, and those of [`get_field`].
pub fn extract_value(base: Typed, key: Typed, settings: &Arc<Settings>, span: Option<Span>) -> Result<Typed> {
    let sql = Sql::concat(vec![base.sql.clone(), Sql::from("["), key.sql.clone(), Sql::from("]")]);
    let of_structs = match &base.data_type {
        SparkType::Struct(_) => true,
        SparkType::Array(element, _) => matches!(**element, SparkType::Struct(_)),
        _ => false,
    };
    if of_structs
        && key.data_type.is_string()
        && let Some(ScalarValue::Utf8(Some(name))) = key.as_literal()
    {
        return get_field(&base, name, settings).map_err(|error| placed(error, span));
    }
    match &base.data_type {
        SparkType::Null => Ok(Typed::literal(ScalarValue::Null, SparkType::Null, sql)),
        SparkType::Array(..) => array_item(base, key, settings, span, sql),
        SparkType::Map(..) => map_value(base, key, settings, span, sql),
        SparkType::Struct(_) => {
            let message = format!("a field of \"{}\" is named by constant text, not by \"{}\": write its name", base.sql, key.sql);
            Err(placed(error("INVALID_EXTRACT_FIELD_TYPE", message), span))
        }
        other => Err(placed(no_parts(&base, other), span)),
    }
}

fn no_parts(base: &Typed, data_type: &SparkType) -> Error {
    let message =
        format!("nothing can be taken out of \"{}\", which is \"{}\": only structs, arrays and maps have parts", base.sql, data_type.sql());
    error("INVALID_EXTRACT_BASE_FIELD_TYPE", message)
}

fn wrong_key(base: &Typed, key: &Typed, wanted: &str) -> Error {
    let message = format!(
        "cannot resolve \"{}[{}]\": the key is {wanted}, and \"{}\" is \"{}\"; cast it",
        base.sql,
        key.sql,
        key.sql,
        key.data_type.sql()
    );
    error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message)
}

fn array_item(base: Typed, key: Typed, settings: &Arc<Settings>, span: Option<Span>, sql: Sql) -> Result<Typed> {
    let Some((element, nulls)) = element_of(&base.data_type) else { return Err(no_parts(&base, &base.data_type)) };
    let element = element.clone();
    let key = match &key.data_type {
        SparkType::Null => cast::cast(key, &SparkType::Integer, CastMode::Session, settings, span)?,
        integral if integral.is_integral() => key,
        _ => return Err(placed(wrong_key(&base, &key, "\"INTEGRAL\""), span)),
    };
    let strict = settings.ansi;
    let nullable = item_nullable(&base, &key, nulls, false, strict);
    Ok(made("item", item_kernel, vec![base, key], item_rules(false, strict), (element, nullable), settings, span, sql))
}

fn map_value(base: Typed, key: Typed, settings: &Arc<Settings>, span: Option<Span>, sql: Sql) -> Result<Typed> {
    let SparkType::Map(map_key, value, _) = base.data_type.clone() else { return Err(no_parts(&base, &base.data_type)) };
    let key = if lattice::same_type(&key.data_type, &map_key) {
        key
    } else {
        match lattice::implicit_type(&key.data_type, &Want::Type((*map_key).clone()), settings.ansi) {
            Some(to) => cast::cast(key, &to, CastMode::Session, settings, span)?,
            None => return Err(placed(wrong_key(&base, &key, &format!("\"{}\"", map_key.sql())), span)),
        }
    };
    if !lattice::is_orderable(&map_key) {
        let message = format!("cannot resolve \"{sql}\": keys of \"{}\" have no order, and cannot be looked up", map_key.sql());
        return Err(placed(error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", message), span));
    }
    Ok(made("value", value_kernel, vec![base, key], Vec::new(), (*value, true), settings, span, sql))
}

/// The field of that name and its place, as a constant.
fn find_field<'a>(fields: &'a [StructField], name: &str, settings: &Settings) -> Result<(ScalarValue, &'a StructField)> {
    let mut found = fields.iter().enumerate().filter(|(_, field)| settings.same(&field.name, name));
    let Some((ordinal, field)) = found.next() else {
        let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
        let message = format!("there is no field `{name}`: there are {}", names.join(", "));
        return Err(error("FIELD_NOT_FOUND", message));
    };
    let more = found.count();
    if more > 0 {
        let message = format!("`{name}` names {} fields of the struct: rename them, or give the struct other names by a cast", more + 1);
        return Err(error("AMBIGUOUS_REFERENCE_TO_FIELDS", message));
    }
    Ok((ScalarValue::UInt64(Some(ordinal as u64)), field))
}

fn ordinal(args: &KernelArgs<'_>) -> usize {
    match args.constants.first() {
        Some(ScalarValue::UInt64(Some(ordinal))) => usize::try_from(*ordinal).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

/// A struct's field; null where the struct is.
fn field_values(array: &ArrayRef, ordinal: usize) -> Result<ArrayRef> {
    let structs = array.as_struct_opt().ok_or_else(|| wrong_layout("a struct", array.data_type()))?;
    let column = structs.columns().get(ordinal).ok_or_else(|| wrong_layout("a struct with more fields", array.data_type()))?;
    if column.data_type().is_null() || structs.null_count() == 0 {
        return Ok(Arc::clone(column));
    }
    let Some(nulls) = structs.nulls() else { return Ok(Arc::clone(column)) };
    Ok(arrow::compute::nullif(column, &BooleanArray::new(!nulls.inner(), None))?)
}

fn field_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    retype(&field_values(argument(args, 0)?, ordinal(args))?, &to_arrow(args.out))
}

fn fields_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let array = argument(args, 0)?;
    let lists = array.as_list_opt::<i32>().ok_or_else(|| wrong_layout("an array", array.data_type()))?;
    let values = field_values(lists.values(), ordinal(args))?;
    let valid: Vec<bool> = (0..lists.len()).map(|row| lists.is_valid(row)).collect();
    list_of(&crate::functions::nested::list_field(args.out)?, lists.offsets().to_vec(), &valid, values)
}

/// The constant name of a field, if the expression is one.
pub fn constant_name(key: &Typed) -> Option<String> {
    match constant(key) {
        Ok(Some(ScalarValue::Utf8(text))) => text,
        _ => None,
    }
}
