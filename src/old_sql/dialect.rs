//! Spark's dialect for the parser: sqlparser's own, with the versioned tables, OPTIMIZE and string escapes that it lacks.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{DatabricksDialect, Dialect, SparkSqlDialect};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

#[derive(Debug)]
pub(crate) struct SparkDialect;

macro_rules! yes {
    ($($feature:ident)*) => {
        $(fn $feature(&self) -> bool {
            true
        })*
    };
}

impl Dialect for SparkDialect {
    // Where the parser asks for a dialect by type, Databricks is the one of Spark's family that it knows.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DatabricksDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    yes! {
        supports_string_literal_backslash_escape
        supports_filter_during_aggregation
        supports_group_by_expr
        supports_group_by_with_modifier
        supports_lambda_functions
        supports_select_wildcard_except
        supports_struct_literal
        supports_nested_comments
        supports_create_table_using
        supports_long_type_as_bigint
        supports_values_as_table_factor
        supports_bang_not_operator
        supports_select_item_multi_column_alias
        supports_cte_without_as
        supports_map_literal_with_angle_brackets
        supports_table_versioning
        supports_optimize_table
        supports_order_by_all
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        SparkSqlDialect.parse_infix(parser, expr, precedence)
    }
}
