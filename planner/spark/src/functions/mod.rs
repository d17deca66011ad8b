//! Spark's functions: one table, an allow-list. A function is one row in the file of its group, its kernel beside it;
//! what is not in the table does not exist.
//!
//! To add one: write a [`Function`] into the `ROWS` of its group's file, with an example. `SHOW FUNCTIONS`, `DESCRIBE FUNCTION`,
//! the programs' `functions` and the tests read the table.

mod aggregate;
mod array;
mod bitwise;
mod call;
pub mod collection;
pub(crate) mod compare;
mod conditional;
mod conversion;
mod corrupt_records;
mod csv;
pub mod datetime;
mod function;
mod generator;
mod hash;
mod json;
mod lambda;
mod map;
mod math;
mod misc;
pub(crate) mod nested;
#[cfg(test)]
mod nested_tests;
pub(crate) mod operators;
mod over_nulls;
mod predicate;
pub(crate) mod regex;
mod string;
mod structs;
mod url;
mod window;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use crate::kernel::{KernelArgs, ScalarKernel, SparkScalar};
pub use crate::types::Want;
pub(crate) use aggregate::{takes_rows_in_order, user_aggregate};
pub(crate) use call::constant;
pub use call::{Arg, Call, Lambda, LambdaResolver, SortKey, WindowContext};
pub(crate) use collection::access::{extract_value, get_field};
pub use corrupt_records::{ParseMode, corrupt_record_column, corrupt_record_name};
pub use csv::files::{CsvColumns, CsvReader, CsvWriter};
pub use function::{Build, Function, Generator, Group};
pub use json::files::JsonWriter;
pub(crate) use math::random::XorShift;

/// The rows of every file.
const TABLES: &[&[Function]] = &[
    aggregate::bits::ROWS,
    aggregate::collect::ROWS,
    aggregate::counting::ROWS,
    aggregate::extremes::ROWS,
    aggregate::histogram::ROWS,
    aggregate::listagg::ROWS,
    aggregate::moments::ROWS,
    aggregate::percentiles::ROWS,
    aggregate::picks::ROWS,
    aggregate::quantiles::ROWS,
    aggregate::sums::ROWS,
    array::change::ROWS,
    array::create::ROWS,
    array::join::ROWS,
    array::search::ROWS,
    array::sequence::ROWS,
    array::sets::ROWS,
    array::sort::ROWS,
    bitwise::ROWS,
    collection::access::ROWS,
    collection::size::ROWS,
    conditional::ROWS,
    conversion::ROWS,
    hash::DIGESTS,
    hash::VALUES,
    csv::TABLES[0],
    csv::TABLES[1],
    csv::TABLES[2],
    generator::ROWS,
    json::TABLES[0],
    json::TABLES[1],
    json::TABLES[2],
    json::TABLES[3],
    lambda::TABLES[0],
    lambda::TABLES[1],
    lambda::TABLES[2],
    lambda::TABLES[3],
    map::create::ROWS,
    map::read::ROWS,
    math::buckets::ROWS,
    math::elementary::ROWS,
    math::random::ROWS,
    math::rounding::ROWS,
    math::whole::ROWS,
    misc::ROWS,
    operators::arithmetic::ROWS,
    operators::comparison::ROWS,
    operators::logic::ROWS,
    predicate::ROWS,
    string::case::ROWS,
    string::charset::ROWS,
    string::collation::ROWS,
    string::cut::ROWS,
    string::format_number::ROWS,
    string::join::ROWS,
    string::measure::ROWS,
    string::number_format::ROWS,
    string::printf::ROWS,
    string::radix::ROWS,
    string::random::ROWS,
    string::regexp::ROWS,
    string::search::ROWS,
    string::split::ROWS,
    structs::ROWS,
    url::ROWS,
    window::ROWS,
];

/// The same of whole groups.
const GROUPS: &[&[&[Function]]] = &[datetime::TABLES];

/// All functions by name, in lower case.
static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let tables = TABLES.iter().chain(GROUPS.iter().copied().flatten());
    tables.copied().flatten().map(|row| (row.name, row)).collect()
});

/// The function of that name, without regard to case.
pub fn lookup(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name.to_lowercase().as_str()).copied()
}

/// All functions, by name.
pub fn all() -> Vec<&'static Function> {
    let mut all: Vec<_> = BY_NAME.values().copied().collect();
    all.sort_by_key(|row| row.name);
    all
}

/// The name of a function of Spark's: `abs`, `builtin.abs`, `system.builtin.abs`.
pub(crate) fn builtin_name(name: &[String]) -> Option<String> {
    match name {
        [only] => Some(only.to_lowercase()),
        [builtin, only] if builtin.eq_ignore_ascii_case("builtin") => Some(only.to_lowercase()),
        [system, builtin, only] if system.eq_ignore_ascii_case("system") && builtin.eq_ignore_ascii_case("builtin") => {
            Some(only.to_lowercase())
        }
        _ => None,
    }
}
