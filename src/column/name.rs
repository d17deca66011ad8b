//! The names that Spark gives to columns without an alias (`avg(dwellMs)`, `(a + 1)`), from bound expressions.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Case;
use datafusion::scalar::ScalarValue;
use tidemill_planner::catalog_string::catalog_string;

/// Spark's name for the column that `expr` makes.
pub(crate) fn spark_name(expr: &Expr) -> String {
    match expr {
        Expr::Alias(alias) => alias.name.clone(),
        Expr::Column(column) => column.name.clone(),
        Expr::Literal(value, _) => literal(value),
        Expr::BinaryExpr(binary) => format!("({} {} {})", spark_name(&binary.left), binary.op, spark_name(&binary.right)),
        Expr::Not(inner) => format!("(NOT {})", spark_name(inner)),
        Expr::Negative(inner) => format!("(- {})", spark_name(inner)),
        Expr::IsNull(inner) => format!("({} IS NULL)", spark_name(inner)),
        Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", spark_name(inner)),
        Expr::Cast(cast) => format!("CAST({} AS {})", spark_name(&cast.expr), catalog_string(cast.field.data_type()).to_uppercase()),
        Expr::TryCast(cast) => format!("TRY_CAST({} AS {})", spark_name(&cast.expr), catalog_string(cast.field.data_type()).to_uppercase()),
        Expr::Like(like) => format!("{} {}LIKE {}", spark_name(&like.expr), not(like.negated), spark_name(&like.pattern)),
        Expr::Between(b) => {
            format!("{}between({}, {}, {})", not(b.negated), spark_name(&b.expr), spark_name(&b.low), spark_name(&b.high))
        }
        Expr::InList(list) => format!("({} {}IN ({}))", spark_name(&list.expr), not(list.negated), names(&list.list)),
        Expr::Case(case) => case_name(case),
        Expr::ScalarFunction(f) if f.name() == "get_field" && f.args.len() == 2 => spark_name(&f.args[1]),
        Expr::ScalarFunction(f) if f.name() == "array_item" && f.args.len() == 2 => {
            format!("{}[{}]", spark_name(&f.args[0]), spark_name(&f.args[1]))
        }
        Expr::ScalarFunction(f) => match crate::spark::arithmetic::symbol(f.name()) {
            Some(symbol) if f.args.len() == 2 => format!("({} {symbol} {})", spark_name(&f.args[0]), spark_name(&f.args[1])),
            _ => format!("{}({})", f.name(), names(&f.args)),
        },
        Expr::AggregateFunction(f) => {
            let distinct = if f.params.distinct { "DISTINCT " } else { "" };
            format!("{}({distinct}{})", f.func.name(), names(&f.params.args))
        }
        other => other.schema_name().to_string(),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn names(list: &[Expr]) -> String {
    list.iter().map(spark_name).collect::<Vec<_>>().join(", ")
}

fn literal(value: &ScalarValue) -> String {
    if value.is_null() { "NULL".to_owned() } else { value.to_string() }
}

fn case_name(case: &Case) -> String {
    let mut text = String::from("CASE");
    if let Some(base) = &case.expr {
        text.push_str(&format!(" {}", spark_name(base)));
    }
    for (when, then) in &case.when_then_expr {
        text.push_str(&format!(" WHEN {} THEN {}", spark_name(when), spark_name(then)));
    }
    if let Some(otherwise) = &case.else_expr {
        text.push_str(&format!(" ELSE {}", spark_name(otherwise)));
    }
    text + " END"
}
