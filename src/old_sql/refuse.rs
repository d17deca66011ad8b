//! What the planner would read differently from Spark, or leave out without a word, is refused here by name, with what to
//! do instead.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, GroupByExpr, GroupByWithModifier, Query, Select, SetExpr, SetOperator, SetQuantifier, Statement,
    TableFactor, VisitMut, VisitorMut,
};

use crate::{Error, Result};

/// Checks a whole statement.
pub(super) fn check(node: &mut impl VisitMut) -> Result<()> {
    match node.visit(&mut Refusals) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The refusal of a statement that changes data or needs a catalog.
pub(super) fn statement(statement: &Statement) -> Error {
    let remedy = match statement {
        Statement::Insert(_) => "append with the DataFrame API: `df.write().format(\"delta\").mode(\"append\").save(path)`",
        Statement::Merge(_) => "merge with the DataFrame API: `df.merge_into(path, keys)`",
        Statement::Update(_) | Statement::Delete(_) => {
            "write the changed rows with the DataFrame API: `df.merge_into(path, keys)`, or overwrite the table"
        }
        Statement::CreateTable(_) => "a Delta table is made by its first write: `df.write().format(\"delta\").save(path)`",
        Statement::Set(_) => "settings are given when the session is built: `Session::builder().config(name, value)`",
        Statement::OptimizeTable { .. } | Statement::Vacuum(_) => {
            "upkeep of tables is not there yet: Delta's own tools can do it meanwhile"
        }
        Statement::Use(_) => "there is no catalog: name tables by path, as in delta.`/data/events`",
        _ => "queries, CREATE TEMP VIEW, DROP VIEW, SHOW TABLES, DESCRIBE, DESCRIBE HISTORY and EXPLAIN are",
    };
    let text = statement.to_string();
    let verb: Vec<&str> = text.split_whitespace().take(2).collect();
    Error::unsupported(format!("`{} …` is not supported: {remedy}", verb.join(" ")))
}

struct Refusals;

fn no(what: &str, instead: &str) -> ControlFlow<Error> {
    ControlFlow::Break(Error::unsupported(format!("{what} is not supported: {instead}")))
}

impl VisitorMut for Refusals {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if drops_duplicates_twice(&query.body) {
            return no(
                "EXCEPT ALL and INTERSECT ALL",
                "number equal rows on both sides, `row_number() OVER (PARTITION BY all columns ORDER BY 1) AS n`, and use EXCEPT or INTERSECT",
            );
        }
        if !query.pipe_operators.is_empty() {
            return no("pipe syntax (`|>`)", "write the steps as subqueries or CTEs");
        }
        if query.for_clause.is_some() || !query.locks.is_empty() || query.settings.is_some() || query.format_clause.is_some() {
            return no("FOR, SETTINGS and FORMAT at the end of a query", "leave them out");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if !select.lateral_views.is_empty() {
            return no("LATERAL VIEW", "use `unnest(array)` in the SELECT list of a subquery, over arrays that are not null");
        }
        if !select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty() {
            return no("CLUSTER BY, DISTRIBUTE BY and SORT BY", "use ORDER BY");
        }
        if !select.connect_by.is_empty() || select.prewhere.is_some() || select.into.is_some() || select.top.is_some() {
            return no("CONNECT BY, PREWHERE, SELECT INTO and TOP", "use WITH RECURSIVE, WHERE, a write, or LIMIT");
        }
        if let GroupByExpr::Expressions(_, modifiers) | GroupByExpr::All(modifiers) = &select.group_by
            && !matches!(modifiers.as_slice(), [] | [GroupByWithModifier::Rollup | GroupByWithModifier::Cube])
        {
            return no("this modifier after GROUP BY", "use WITH ROLLUP, WITH CUBE or GROUPING SETS");
        }
        if matches!(&select.group_by, GroupByExpr::All(modifiers) if !modifiers.is_empty()) {
            return no("GROUP BY ALL with ROLLUP or CUBE", "list the columns");
        }
        if select.value_table_mode.is_some() {
            return no("SELECT AS STRUCT and AS VALUE", "use `struct(columns)`");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Pivot { .. } => no("PIVOT", "aggregate with CASE: `sum(CASE WHEN key = 'a' THEN value END) AS a`"),
            TableFactor::Unpivot { .. } => no("UNPIVOT", "select each column and combine with UNION ALL"),
            TableFactor::Table { sample, with_hints, partitions, index_hints, json_path, with_ordinality, .. } => {
                if sample.is_some() {
                    return no("TABLESAMPLE", "filter by `rand() < fraction`");
                }
                if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() || json_path.is_some() || *with_ordinality {
                    return no("a hint, partition list or path after a table's name", "leave it out, or use WHERE");
                }
                ControlFlow::Continue(())
            }
            TableFactor::Derived { sample: Some(_), .. } => no("TABLESAMPLE", "filter by `rand() < fraction`"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::JsonAccess { .. } => no("`column:path`", "use `get_json_object`-like functions on a subquery, or a schema on reading"),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Refusals {
    fn function(&mut self, function: &Function) -> ControlFlow<Error> {
        let [part] = function.name.0.as_slice() else { return ControlFlow::Continue(()) };
        let Some(ident) = part.as_ident() else { return ControlFlow::Continue(()) };
        let name = ident.value.to_lowercase();
        let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
        if let Some(reason) = crate::spark::refused_function(&name, list.args.len()) {
            return ControlFlow::Break(Error::unsupported(reason));
        }
        ControlFlow::Continue(())
    }
}

/// The engine joins the two sides, which forgets how often a row stands on each.
fn drops_duplicates_twice(body: &SetExpr) -> bool {
    let SetExpr::SetOperation { left, op, right, set_quantifier } = body else { return false };
    let all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName) && *op != SetOperator::Union;
    all || drops_duplicates_twice(left) || drops_duplicates_twice(right)
}
