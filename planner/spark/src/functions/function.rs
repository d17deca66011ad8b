//! A row of the table of functions: names, group, parameters, usage, examples, and what a call becomes.

use super::call::Call;
use crate::types::SparkType;
use crate::{Result, Typed};

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
