//! Functions about the session and the statement, errors on purpose, and `uuid`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, NullArray, StringArray};
use datafusion::common::ScalarValue;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::operators::row;
use super::{Call, Function, Group, KernelArgs, SparkScalar};
use crate::error::error;
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

/// A constant text, shown as a call of `name`.
fn text(call: &Call<'_>, name: &str, value: impl Into<String>) -> Result<Typed> {
    call.arity(0..=0)?;
    Ok(Typed::literal(ScalarValue::Utf8(Some(value.into())), T::String, Sql::from(format!("{name}()"))))
}

fn type_of(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    Ok(Typed::literal(ScalarValue::Utf8(Some(value.data_type.to_string())), T::String, call.sql()))
}

/// A kernel that is not computed before a query runs.
fn at_run_time(call: &Call<'_>, name: &str, kernel: super::ScalarKernel, args: Vec<Typed>, out: T, nullable: bool) -> Typed {
    let types = args.iter().map(|arg| arg.data_type.clone()).collect();
    let function =
        SparkScalar::new(name, kernel, types, out.clone(), Arc::clone(call.settings)).with_nullable(nullable).volatile().at(call.span);
    Typed::new(function.call(args.into_iter().map(|arg| arg.expr).collect()), out, nullable, call.sql())
}

fn raise_error(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let message = call.want_type(0, T::String)?;
    Ok(at_run_time(call, "raise_error", raise_kernel, vec![message], T::Null, true))
}

fn raised(messages: &StringArray, row: usize) -> crate::Error {
    let message = if messages.is_valid(row) { messages.value(row) } else { "null" };
    error("USER_RAISED_EXCEPTION", message)
}

fn raise_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    match args.arrays {
        [messages] if args.rows > 0 => Err(raised(messages.as_string::<i32>(), 0)),
        _ => Ok(Arc::new(NullArray::new(args.rows))),
    }
}

fn assert_true(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let condition = call.arg(0)?;
    let condition = match condition.data_type {
        T::Boolean => condition,
        T::Null => super::operators::null_of(&T::Boolean, &condition)?,
        _ => return Err(call.unexpected_type(0, &condition, "\"BOOLEAN\"")),
    };
    let message = if call.len() == 2 {
        call.want_type(1, T::String)?
    } else {
        let message = format!("'{}' is not true!", condition.sql);
        Typed::literal(ScalarValue::Utf8(Some(message.clone())), T::String, message)
    };
    let shown = Sql::call("assert_true", [&condition.sql, &message.sql]);
    Ok(at_run_time(call, "assert_true", assert_kernel, vec![condition, message], T::Null, true).shown(shown))
}

fn assert_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    if let [conditions, messages] = args.arrays {
        let conditions = conditions.as_boolean();
        if let Some(row) = conditions.iter().position(|holds| holds != Some(true)) {
            return Err(raised(messages.as_string::<i32>(), row));
        }
    }
    Ok(Arc::new(NullArray::new(args.rows)))
}

fn uuid(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(0..=1)?;
    let args = if call.is_empty() {
        Vec::new()
    } else {
        let seed = call.constant(0, &T::Long)?;
        vec![Typed::literal(seed, T::Long, "")]
    };
    let made = at_run_time(call, "uuid", uuid_kernel, args, T::String, false);
    Ok(made.shown("uuid()"))
}

fn uuid_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let made: StringArray = match args.arrays {
        [seeds] if seeds.is_valid(0) => {
            let seed = seeds.as_primitive::<arrow::datatypes::Int64Type>().value(0);
            uuids(&mut StdRng::seed_from_u64(seed.cast_unsigned()), args.rows)
        }
        _ => uuids(&mut rand::rng(), args.rows),
    };
    Ok(Arc::new(made))
}

fn uuids(random: &mut impl Rng, rows: usize) -> StringArray {
    let one = |_| Some(uuid::Builder::from_random_bytes(random.random()).into_uuid().to_string());
    (0..rows).map(one).collect()
}

/// A function that speaks of Spark's partitions and files, which rows of this engine do not know.
fn not_known(call: &mut Call<'_>) -> Result<Typed> {
    let message = format!("`{}` is not supported: rows do not know which file or partition they are from", call.name);
    Err(call.refuse("NOT_SUPPORTED_YET", message))
}

const fn session(
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    row(name, Group::Misc, usage, examples, build)
}

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    session(
        "assert_true",
        "assert_true(expr [, message]) - Null where `expr` is true, else an error.",
        &[("SELECT assert_true(0 < 1)", "NULL")],
        assert_true,
    ),
    session(
        "raise_error",
        "raise_error(message) - An error with that message.",
        &[("SELECT if(true, 1, raise_error('no'))", "1")],
        raise_error,
    ),
    session(
        "typeof",
        "typeof(expr) - The type of the argument.",
        &[("SELECT typeof(1)", "int"), ("SELECT typeof(array(1))", "array<int>")],
        type_of,
    ),
    session(
        "version",
        "version() - The version of Spark whose language this is, and ours.",
        &[("SELECT substr(version(), 1, 3)", "4.2")],
        |c| text(c, "version", concat!("4.2.0 tidemill-", env!("CARGO_PKG_VERSION"))),
    ),
    session("current_catalog", "current_catalog() - The current catalog.", &[("SELECT current_catalog()", "spark_catalog")], |c| {
        text(c, "current_catalog", c.settings.current_catalog.clone())
    }),
    session("current_database", "current_database() - The current database.", &[("SELECT current_database()", "default")], |c| {
        text(c, "current_schema", c.settings.current_database.clone())
    }),
    session("current_schema", "current_schema() - The current database.", &[("SELECT current_schema()", "default")], |c| {
        text(c, "current_schema", c.settings.current_database.clone())
    }),
    session(
        "current_path",
        "current_path() - Where names of functions and tables are looked up, in this order.",
        &[("SELECT current_path()", "system.builtin,system.session,spark_catalog.default")],
        |c| {
            let (catalog, database) = (&c.settings.current_catalog, &c.settings.current_database);
            text(c, "current_path", format!("system.builtin,system.session,{catalog}.{database}"))
        },
    ),
    session("current_user", "current_user() - The user's name.", &[("SELECT current_user() = user()", "true")], |c| {
        text(c, "current_user", c.settings.user.clone())
    }),
    session("user", "user() - The user's name.", &[("SELECT user() = current_user()", "true")], |c| {
        text(c, "user", c.settings.user.clone())
    }),
    session("session_user", "session_user() - The user's name.", &[("SELECT session_user() = user()", "true")], |c| {
        text(c, "session_user", c.settings.user.clone())
    }),
    session("uuid", "uuid() - A random universally unique identifier, another one per row.", &[("SELECT length(uuid())", "36")], uuid),
    session(
        "monotonically_increasing_id",
        "monotonically_increasing_id() - Not supported: rows do not know their partition.",
        &[],
        not_known,
    ),
    session("spark_partition_id", "spark_partition_id() - Not supported: rows do not know their partition.", &[], not_known),
    session("input_file_name", "input_file_name() - Not supported: rows do not know their file.", &[], not_known),
    session("input_file_block_start", "input_file_block_start() - Not supported: rows do not know their file.", &[], not_known),
    session("input_file_block_length", "input_file_block_length() - Not supported: rows do not know their file.", &[], not_known),
];
