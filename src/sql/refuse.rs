//! What the planner would read differently from Spark, or leave out without a word, is refused here by name, with what to
//! do instead. Functions whose Spark name differs are respelled on the way.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, GroupByWithModifier, Ident, ObjectName, Query, Select, SetExpr, SetOperator, Statement, TableFactor, UnaryOperator, Value,
    VisitMut, VisitorMut,
};

use crate::{Error, Result};

/// Checks a whole statement.
pub(super) fn check(node: &mut impl VisitMut) -> Result<()> {
    match node.visit(&mut Refusals) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Gives functions the names that the engine has for them; columns have been named by then.
pub(super) fn respell(node: &mut impl VisitMut) {
    let _ = node.visit(&mut Respelling);
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
        minus_is_except(&mut query.body);
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

fn minus_is_except(body: &mut SetExpr) {
    if let SetExpr::SetOperation { left, op, right, .. } = body {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        minus_is_except(left);
        minus_is_except(right);
    }
}

struct Respelling;

impl VisitorMut for Respelling {
    type Break = Error;

    /// `GROUP BY a WITH ROLLUP` is `GROUP BY ROLLUP (a)`; the planner would drop the modifier without a word.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by else { return ControlFlow::Continue(()) };
        let each = |keys: &mut Vec<Expr>| std::mem::take(keys).into_iter().map(|key| vec![key]).collect();
        match modifiers.as_slice() {
            [GroupByWithModifier::Rollup] => *keys = vec![Expr::Rollup(each(keys))],
            [GroupByWithModifier::Cube] => *keys = vec![Expr::Cube(each(keys))],
            _ => {}
        }
        modifiers.clear();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            // The engine numbers rows with unsigned types, which Spark does not have.
            Expr::Function(function) if function.over.is_some() && numbers_rows(&function.name) => {
                *expr = cast(expr.clone(), DataType::Int(None));
            }
            Expr::Function(function) if function.name.to_string() == "approx_distinct" => {
                *expr = cast(expr.clone(), DataType::BigInt(None));
            }
            Expr::Value(value) => {
                // A number with an exponent is a double.
                if let Value::Number(digits, _) = &value.value
                    && digits.to_string().contains(['e', 'E'])
                {
                    *expr = cast(string(&digits.to_string()), DataType::Double(ExactNumberInfo::None));
                }
            }
            Expr::UnaryOp { op: op @ UnaryOperator::BangNot, .. } => *op = UnaryOperator::Not,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Function(function) => respell_function(function),
            Expr::Struct { values, fields } if fields.is_empty() => *expr = named_struct(std::mem::take(values)),
            Expr::RLike { negated, expr: text, pattern, .. } => {
                let matches = call("regexp_like", vec![(**text).clone(), (**pattern).clone()]);
                *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matches) } } else { matches };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn respell_function(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let name = function.name.to_string().to_lowercase();
    if name == "map" {
        function.name = ObjectName::from(vec![Ident::new("make_map")]);
    }
    let Some(respelled) = crate::spark::respelled(&name, list.args.len()) else { return };
    function.name = ObjectName::from(vec![Ident::new(respelled.name)]);
    list.args.extend(respelled.last_argument.map(|text| argument(string(text))));
    list.args.splice(0..0, respelled.first_argument.map(|text| argument(string(text))));
}

fn numbers_rows(function: &ObjectName) -> bool {
    matches!(function.to_string().to_lowercase().as_str(), "row_number" | "rank" | "dense_rank" | "ntile")
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// `struct(a, b + 1)` names its fields after its columns.
fn named_struct(values: Vec<Expr>) -> Expr {
    let mut args = Vec::with_capacity(values.len() * 2);
    for (i, value) in values.into_iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value, *expr),
            Expr::Identifier(ident) => (ident.value.clone(), Expr::Identifier(ident)),
            Expr::CompoundIdentifier(parts) => (parts.last().map(|p| p.value.clone()).unwrap_or_default(), Expr::CompoundIdentifier(parts)),
            other => (format!("col{}", i + 1), other),
        };
        args.extend([string(&name), value]);
    }
    call("named_struct", args)
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let list = FunctionArgumentList { duplicate_treatment: None, args: args.into_iter().map(argument).collect(), clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn string(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}
