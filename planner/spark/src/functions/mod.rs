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
mod csv;
pub mod datetime;
mod generator;
mod hash;
mod json;
mod kernel;
mod lambda;
mod map;
mod math;
mod misc;
pub(crate) mod nested;
#[cfg(test)]
mod nested_tests;
pub(crate) mod operators;
mod predicate;
pub(crate) mod regex;
mod string;
mod structs;
mod url;
mod window;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::types::SparkType;
use crate::{Result, Typed};

pub(crate) use call::constant;
pub use call::{Arg, Call, Lambda, LambdaResolver, SortKey, Want, WindowContext};
pub(crate) use collection::access::{extract_value, get_field};
pub use kernel::{KernelArgs, ScalarKernel, SparkScalar};
pub(crate) use math::random::XorShift;

/// One of Spark's functions.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name, and the one that Spark shows unless the row is an alias's.
    pub name: &'static str,
    /// Spark's group of it.
    pub group: Group,
    /// Parameters by name, for calls with `name => value`; empty where Spark takes no names.
    pub parameters: &'static [&'static str],
    /// `name(arguments) - What it does.`, in words of our own.
    pub usage: &'static str,
    /// Statements and the rows that they give, in Spark's text form: columns parted by tabs, rows by line feeds.
    pub examples: &'static [(&'static str, &'static str)],
    /// What a call becomes.
    pub build: Build,
}

/// What a call becomes.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// A value per row.
    Scalar(fn(&mut Call<'_>) -> Result<Typed>),
    /// A value per group; also over a window. The result may compute with several aggregates.
    Aggregate(fn(&mut Call<'_>) -> Result<Typed>),
    /// A value per row, from its window alone.
    Window(fn(&mut Call<'_>) -> Result<Typed>),
    /// Rows per row.
    Generator(fn(&mut Call<'_>) -> Result<Generator>),
    /// Rows: `range`, which the resolver makes itself.
    Table,
}

/// What a generator does: it takes a collection apart. `explode(array)`, `inline(array of structs)`, and all that can be said as one.
#[derive(Debug, Clone)]
pub struct Generator {
    /// An array or a map.
    pub collection: Typed,
    /// Rows without items give one row of nulls.
    pub outer: bool,
    /// A first column `pos` counts the items from 0.
    pub position: bool,
    /// The items are structs, whose fields become columns.
    pub inline: bool,
    /// The new columns: name, type, whether null. `pos` included.
    pub columns: Vec<(String, SparkType, bool)>,
}

/// Spark's groups of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Group {
    Aggregate,
    Array,
    Bitwise,
    Collection,
    Conditional,
    Conversion,
    Csv,
    Datetime,
    Generator,
    Hash,
    Json,
    Lambda,
    Map,
    Math,
    Misc,
    Predicate,
    String,
    Struct,
    Table,
    Url,
    Window,
}

impl Group {
    /// The group's name, as Spark has it: `agg_funcs`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "agg_funcs",
            Self::Array => "array_funcs",
            Self::Bitwise => "bitwise_funcs",
            Self::Collection => "collection_funcs",
            Self::Conditional => "conditional_funcs",
            Self::Conversion => "conversion_funcs",
            Self::Csv => "csv_funcs",
            Self::Datetime => "datetime_funcs",
            Self::Generator => "generator_funcs",
            Self::Hash => "hash_funcs",
            Self::Json => "json_funcs",
            Self::Lambda => "lambda_funcs",
            Self::Map => "map_funcs",
            Self::Math => "math_funcs",
            Self::Misc => "misc_funcs",
            Self::Predicate => "predicate_funcs",
            Self::String => "string_funcs",
            Self::Struct => "struct_funcs",
            Self::Table => "table_funcs",
            Self::Url => "url_funcs",
            Self::Window => "window_funcs",
        }
    }
}

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
