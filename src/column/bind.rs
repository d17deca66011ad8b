//! Holds unbound expressions against the columns of a DataFrame: names resolve without regard to case and keep the
//! schema's spelling, markers become real functions. What operators mean for given types is settled when the plan is analysed.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column as DfColumn, DFSchema, TableReference};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use tidemill_planner::ident::did_you_mean;

use super::unbound::Unbound;
use super::{Column, spark_name};
use tidemill_planner::ident::same;

use crate::{Error, Result};

/// What expressions are bound with: the functions that exist, and the columns.
pub(crate) struct Binder<'a> {
    pub(crate) state: &'a SessionState,
    pub(crate) schema: &'a DFSchema,
}

impl Binder<'_> {
    /// The expression that `column` means over the schema.
    pub(crate) fn bind(&self, column: &Column) -> Result<Expr> {
        self.expr(column.expr.clone()).map_err(Error::from)
    }

    /// The expressions that a list of columns means, each under the name that Spark gives it; `*` stands for all columns.
    pub(crate) fn bind_list(&self, columns: impl IntoIterator<Item = Column>) -> Result<Vec<Expr>> {
        let mut bound = Vec::new();
        for column in columns {
            match star(&column.expr) {
                Some(relation) => bound.extend(self.all_columns(relation.as_deref())?),
                None => bound.push(self.named(self.bind(&column)?)),
            }
        }
        Ok(bound)
    }

    /// `expr` under Spark's name for it; columns keep their qualifier.
    pub(crate) fn named(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Column(_) | Expr::Alias(_) => expr,
            other => {
                let name = spark_name(&other);
                other.alias(name)
            }
        }
    }

    fn all_columns(&self, relation: Option<&str>) -> Result<Vec<Expr>> {
        let chosen: Vec<Expr> = self
            .schema
            .iter()
            .filter(|(qualifier, _)| relation.is_none_or(|name| qualifier.is_some_and(|q| same(q.table(), name))))
            .map(|(qualifier, field)| Expr::Column(DfColumn::new(qualifier.cloned(), field.name())))
            .collect();
        match relation {
            Some(name) if chosen.is_empty() => {
                Err(Error::analysis(format!("`{name}.*`: no relation is called `{name}` here; name one with `alias`")))
            }
            _ => Ok(chosen),
        }
    }

    fn expr(&self, expr: Expr) -> Result<Expr, DataFusionError> {
        if let Expr::ScalarFunction(call) = &expr
            && let Some(Unbound::Sql(text)) = Unbound::of(call)
        {
            return Ok(crate::old_sql::expression(self, text)?);
        }
        let expr = expr.map_children(|child| self.expr(child).map(Transformed::yes))?.data;
        match expr {
            Expr::Column(column) if column.relation.is_none() => Ok(self.name(&column.name)?),
            Expr::BinaryExpr(b) => Ok(crate::spark::arithmetic::binary(*b.left, b.op, *b.right)),
            Expr::ScalarFunction(call) => match Unbound::of(&call).cloned() {
                Some(what) => Ok(self.settle(what, call)?),
                None => Ok(Expr::ScalarFunction(call)),
            },
            other => Ok(other),
        }
    }

    fn settle(&self, what: Unbound, call: ScalarFunction) -> Result<Expr> {
        let mut args = call.args;
        match what {
            Unbound::Call { name, distinct } => self.call(&name, distinct, args),
            Unbound::Field(name) => match args.pop() {
                Some(base) => self.field(base, &name),
                None => Err(Error::internal("a field access has lost its struct")),
            },
            Unbound::Cast { ddl, strict } => {
                let data_type = crate::ddl::parse_type(&ddl)?;
                let arg = Box::new(args.pop().ok_or_else(|| Error::internal("a cast has lost its argument"))?);
                Ok(if strict { Expr::Cast(Cast::new(arg, data_type)) } else { Expr::TryCast(TryCast::new(arg, data_type)) })
            }
            Unbound::Star(_) => Err(Error::analysis("`*` stands only in a list of columns")),
            Unbound::Sql(_) => Err(Error::internal("an SQL expression was bound twice")),
        }
    }

    fn call(&self, name: &str, distinct: bool, mut args: Vec<Expr>) -> Result<Expr> {
        let mut lower = name.to_lowercase();
        if let Some(reason) = crate::spark::refused_function(&lower, args.len()) {
            return Err(Error::unsupported(reason));
        }
        if let Some(respelled) = crate::spark::respelled(&lower, args.len()) {
            lower = respelled.name.to_owned();
            args.extend(respelled.last_arguments.iter().map(|text| lit(*text)));
            args.splice(0..0, respelled.first_argument.map(lit));
        }
        if let Some(aggregate) = self.state.aggregate_functions().get(&lower) {
            return Ok(Expr::AggregateFunction(AggregateFunction::new_udf(
                std::sync::Arc::clone(aggregate),
                args,
                distinct,
                None,
                Vec::new(),
                None,
            )));
        }
        if let Some(scalar) = self.state.scalar_functions().get(&lower) {
            return Ok(Expr::ScalarFunction(ScalarFunction::new_udf(std::sync::Arc::clone(scalar), args)));
        }
        let known = self.state.scalar_functions().keys().chain(self.state.aggregate_functions().keys());
        Err(Error::analysis(format!("unknown function `{name}`{}", did_you_mean(name, known.map(String::as_str)))))
    }

    /// The column, or the field of a struct column, that `name` means.
    pub(crate) fn name(&self, name: &str) -> Result<Expr> {
        let exact: Vec<_> = self.schema.iter().filter(|(_, field)| same(field.name(), name)).collect();
        if !exact.is_empty() {
            return self.one_of(name, exact);
        }
        let parts = split_name(name);
        // A relation and its column first, then a column and its field, as in Spark.
        for at in (0..parts.len()).rev() {
            let (relation, rest) = parts.split_at(at);
            let Some((column, fields)) = rest.split_first() else { continue };
            let found: Vec<_> = self
                .schema
                .iter()
                .filter(|(qualifier, field)| same(field.name(), column) && (at == 0 || qualifier.is_some_and(|q| qualifies(q, relation))))
                .collect();
            if !found.is_empty() {
                let base = self.one_of(name, found)?;
                return fields.iter().try_fold(base, |base, field| self.field(base, field));
            }
        }
        let names: Vec<&str> = self.schema.fields().iter().map(|f| f.name().as_str()).collect();
        let hint = did_you_mean(parts.last().map_or(name, String::as_str), names.iter().copied());
        Err(Error::analysis(format!("unknown column `{name}`{hint} (columns: {})", names.join(", "))))
    }

    fn one_of(&self, name: &str, found: Vec<(Option<&TableReference>, &arrow::datatypes::FieldRef)>) -> Result<Expr> {
        match found.as_slice() {
            [(qualifier, field)] => Ok(Expr::Column(DfColumn::new(qualifier.map(Clone::clone), field.name()))),
            several => {
                let shown: Vec<String> =
                    several.iter().map(|(q, f)| format!("`{}`", DfColumn::new(q.map(Clone::clone), f.name()).flat_name())).collect();
                Err(Error::analysis(format!(
                    "column `{name}` is ambiguous: it may be {}; give the relations names with `alias` and write `relation.column`, \
                     or rename one of them",
                    shown.join(" or ")
                )))
            }
        }
    }

    fn field(&self, base: Expr, name: &str) -> Result<Expr> {
        let data_type = base.get_type(self.schema)?;
        let arrow::datatypes::DataType::Struct(fields) = &data_type else {
            return Err(Error::analysis(format!("`{}` has no field `{name}`: it is no struct but {data_type}", spark_name(&base))));
        };
        let found: Vec<&str> = fields.iter().map(|f| f.name().as_str()).filter(|field| same(field, name)).collect();
        match found.as_slice() {
            [field] => {
                let get = datafusion::functions::core::get_field();
                Ok(Expr::ScalarFunction(ScalarFunction::new_udf(get, vec![base, lit(*field)])))
            }
            [] => {
                let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
                let hint = did_you_mean(name, names.iter().copied());
                Err(Error::analysis(format!("`{}` has no field `{name}`{hint} (fields: {})", spark_name(&base), names.join(", "))))
            }
            several => Err(Error::analysis(format!("field `{name}` is ambiguous: it may be `{}`", several.join("` or `")))),
        }
    }
}

fn star(expr: &Expr) -> Option<Option<String>> {
    let Expr::ScalarFunction(call) = expr else { return None };
    match Unbound::of(call) {
        Some(Unbound::Star(relation)) => Some(relation.clone()),
        _ => None,
    }
}

/// Whether `parts` name this relation, in full or by its last parts.
fn qualifies(qualifier: &TableReference, parts: &[String]) -> bool {
    let full = qualifier.to_vec();
    parts.len() <= full.len() && full.iter().rev().zip(parts.iter().rev()).all(|(a, b)| same(a, b))
}

/// The parts of a dotted name; backticks quote a part.
pub(crate) fn split_name(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in name.chars() {
        match c {
            '`' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => parts.last_mut().expect("there is always a part").push(other),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn dotted_names() {
        for (name, parts) in [("a", vec!["a"]), ("a.b", vec!["a", "b"]), ("`a.b`.c", vec!["a.b", "c"]), ("a.`b c`", vec!["a", "b c"])] {
            assert_eq!(split_name(name), parts, "{name}");
        }
    }
}
