//! Statistics over columns: `describe`, `summary` and `stat`, as the plainer steps that they are made of. Source: Spark's `StatFunctions`.

use super::{Rel, Resolver};
use crate::error::error;
use crate::plan::{
    CastMode, Expression, ExpressionKind, GroupType, Literal, Relation, RelationKind, StatAction, StatFunction, WithColumnsMode,
};
use crate::types::SparkType;
use crate::{Error, Result};

/// What `summary` gives when nothing is asked for.
const SUMMARY: [&str; 8] = ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"];
const DESCRIBE: [&str; 5] = ["count", "mean", "stddev", "min", "max"];

impl Resolver<'_> {
    pub(crate) fn statistics(&mut self, stat: &StatFunction) -> Result<Rel> {
        let input = &stat.input;
        let made = match &stat.action {
            StatAction::Summary(said) if said.is_empty() => self.summary(input, &SUMMARY.map(str::to_owned))?,
            StatAction::Summary(said) => self.summary(input, said)?,
            StatAction::Describe(columns) if columns.is_empty() => self.summary(input, &DESCRIBE.map(str::to_owned))?,
            StatAction::Describe(columns) => {
                let expressions = columns.iter().map(|name| Expression::named(name)).collect();
                let chosen = RelationKind::Project { input: input.clone(), expressions };
                self.summary(&chosen.into(), &DESCRIBE.map(str::to_owned))?
            }
            StatAction::Cov(one, other) => of_pair(input, "covar_samp", one, other, "cov"),
            StatAction::Corr(one, other) => of_pair(input, "corr", one, other, "corr"),
            StatAction::ApproxQuantile(columns, shares, relative_error) => self.quantiles(input, columns, shares, *relative_error)?,
            StatAction::FreqItems(columns, support) => frequent_items(input, columns, *support)?,
            StatAction::SampleBy(column, fractions, seed) => sample_by(input, column, fractions, *seed)?,
            StatAction::Crosstab(..) => {
                return Err(Error::unsupported("a cross table needs the values of a column first: ask for them, and use `pivot`"));
            }
        };
        self.relation(&made)
    }

    /// A row per statistic, a column per number or text: each column's statistics are computed into a map, out of which the rows are read.
    fn summary(&mut self, input: &Relation, statistics: &[String]) -> Result<Relation> {
        let mut shares = Vec::new();
        for name in statistics.iter().filter_map(|name| name.strip_suffix('%')) {
            let share: f64 = name
                .trim()
                .parse()
                .map_err(|_| error("UNRECOGNIZED_STATISTIC", format!("`{name}%` is no percentile: write one such as `25%`")))?;
            if !(0.0..=100.0).contains(&share) {
                return Err(Error::analysis(format!("the percentile `{name}%` is not between 0% and 100%")));
            }
            shares.push(Expression::literal(share / 100.0));
        }
        let columns = self.relation(input)?.scope.columns;
        let columns = columns.into_iter().filter(|column| column.data_type.is_numeric() || column.data_type.is_string());
        let mut maps = Vec::new();
        let mut names = Vec::new();
        for column in columns {
            let plain = Expression::attribute([column.name.clone()]);
            let number = if column.data_type.is_string() { cast(plain.clone(), SparkType::Double, CastMode::Try) } else { plain.clone() };
            let mut entries = Vec::new();
            let mut percentile = 0;
            for name in statistics {
                entries.push(Expression::literal(name.as_str()));
                let value = match name.to_lowercase().as_str() {
                    "count" => call("count", [plain.clone()]),
                    "count_distinct" => distinct_count(plain.clone()),
                    "approx_count_distinct" => call("approx_count_distinct", [plain.clone()]),
                    "mean" => call("avg", [number.clone()]),
                    "stddev" => call("stddev", [number.clone()]),
                    "min" => call("min", [plain.clone()]),
                    "max" => call("max", [plain.clone()]),
                    share if share.ends_with('%') => {
                        let all = call("percentile_approx", [number.clone(), Expression::call("array", shares.clone())]);
                        percentile += 1;
                        call("get", [all, Expression::literal(percentile - 1)])
                    }
                    _ => {
                        let hint = tidemill_planner::ident::did_you_mean(name, SUMMARY.into_iter().chain(["count_distinct"]));
                        let message = format!("`{name}` is no statistic{hint} (count, count_distinct, mean, stddev, min, max, 25%, …)");
                        return Err(error("UNRECOGNIZED_STATISTIC", message));
                    }
                };
                entries.push(cast(value, SparkType::String, CastMode::Session));
            }
            maps.push(Expression::call("map", entries).alias(&column.name));
            names.push(column.name);
        }
        let rows = Expression::call(
            "explode",
            vec![Expression::call("array", statistics.iter().map(|s| Expression::literal(s.as_str())).collect())],
        );
        let computed =
            if maps.is_empty() { RelationKind::OneRow } else { RelationKind::Project { input: input.clone(), expressions: maps } };
        let aliases = vec![rows.alias("summary")];
        let listed = RelationKind::WithColumns { input: computed.into(), aliases, mode: WithColumnsMode::Upsert };
        let mut expressions = vec![Expression::attribute(["summary"])];
        expressions.extend(names.into_iter().map(|name| {
            let value = call("element_at", [Expression::attribute([name.clone()]), Expression::attribute(["summary"])]);
            value.alias(name)
        }));
        Ok(RelationKind::Project { input: listed.into(), expressions }.into())
    }

    /// One row: an array of quantiles per column.
    fn quantiles(&mut self, input: &Relation, columns: &[String], shares: &[f64], relative_error: f64) -> Result<Relation> {
        if relative_error.is_nan() || relative_error < 0.0 || shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::analysis("quantiles take shares between 0 and 1, and an error from 0 up"));
        }
        let scope = self.relation(input)?.scope;
        let accuracy = if relative_error == 0.0 { i32::MAX } else { (1.0 / relative_error).ceil().min(f64::from(i32::MAX)) as i32 };
        let shares = Expression::call("array", shares.iter().map(|share| Expression::literal(*share)).collect());
        let mut expressions = Vec::with_capacity(columns.len());
        for name in columns {
            let plain = Expression::named(name);
            let typed = self.expression(&plain, &scope)?;
            if !typed.data_type.is_numeric() {
                return Err(Error::analysis(format!("quantiles are of numbers, and `{name}` is \"{}\"", typed.data_type.sql())));
            }
            let number = call("nanvl", [cast(plain, SparkType::Double, CastMode::Session), null(SparkType::Double)]);
            let quantiles = call("percentile_approx", [number, shares.clone(), Expression::literal(accuracy)]);
            expressions.push(quantiles.alias(name));
        }
        Ok(RelationKind::Project { input: input.clone(), expressions }.into())
    }
}

/// One row: a number of two columns.
fn of_pair(input: &Relation, function: &str, one: &str, other: &str, name: &str) -> Relation {
    let double = |name: &str| cast(Expression::named(name), SparkType::Double, CastMode::Session);
    let expressions = vec![call(function, [double(one), double(other)]).alias(name)];
    RelationKind::Project { input: input.clone(), expressions }.into()
}

/// One row: per column an array of the values whose share of the rows is `support` at least.
fn frequent_items(input: &Relation, columns: &[String], support: f64) -> Result<Relation> {
    if !(1e-4..=1.0).contains(&support) {
        return Err(Error::analysis(format!("the support of `freqItems` is between 0.0001 and 1, not {support}")));
    }
    let rows = || call("count", [Expression::literal(1)]);
    let total = RelationKind::Project { input: input.clone(), expressions: vec![rows()] };
    let total: Expression = ExpressionKind::ScalarSubquery(Box::new(total.into())).into();
    let enough = Expression::operator("*", vec![total, Expression::literal(support)]);
    let of_column = |name: &String| {
        let counted = RelationKind::Aggregate {
            input: input.clone(),
            group_type: GroupType::GroupBy,
            grouping_expressions: vec![Expression::named(name)],
            aggregate_expressions: vec![Expression::named(name).alias("item"), rows().alias("rows")],
            keep_grouping: false,
        };
        let condition = Expression::operator(">=", vec![Expression::attribute(["rows"]), enough.clone()]);
        let frequent = RelationKind::Filter { input: counted.into(), condition };
        // Structs, since collect_list leaves nulls out.
        let boxed = call("collect_list", [Expression::call("struct", vec![Expression::attribute(["item"])])]);
        let function = Box::new(Expression::attribute(["boxed", "item"]));
        let unboxed: Expression = ExpressionKind::LambdaFunction { arguments: vec!["boxed".to_owned()], function }.into();
        let items = RelationKind::Project { input: frequent.into(), expressions: vec![call("transform", [boxed, unboxed])] };
        let items: Expression = ExpressionKind::ScalarSubquery(Box::new(items.into())).into();
        items.alias(format!("{name}_freqItems"))
    };
    Ok(RelationKind::Project { input: RelationKind::OneRow.into(), expressions: columns.iter().map(of_column).collect() }.into())
}

/// The rows whose random number is below their value's fraction.
fn sample_by(input: &Relation, column: &Expression, fractions: &[(Literal, f64)], seed: i64) -> Result<Relation> {
    if let Some((_, share)) = fractions.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
        return Err(Error::analysis(format!("the fractions of `sampleBy` are between 0 and 1, not {share}")));
    }
    let branch = |(value, share): &(Literal, f64)| {
        let value = ExpressionKind::Literal(value.clone()).into();
        (Expression::operator("<=>", vec![column.clone(), value]), Expression::literal(*share))
    };
    let otherwise = Some(Box::new(Expression::literal(0.0)));
    let share: Expression = match fractions {
        [] => Expression::literal(0.0),
        _ => ExpressionKind::Case { operand: None, branches: fractions.iter().map(branch).collect(), otherwise }.into(),
    };
    let condition = Expression::operator("<", vec![call("rand", [Expression::literal(seed)]), share]);
    Ok(RelationKind::Filter { input: input.clone(), condition }.into())
}

fn call<const N: usize>(name: &str, arguments: [Expression; N]) -> Expression {
    Expression::call(name, arguments.to_vec())
}

fn distinct_count(column: Expression) -> Expression {
    let call = crate::plan::FunctionCall { is_distinct: true, ..crate::plan::FunctionCall::new("count", vec![column]) };
    ExpressionKind::UnresolvedFunction(Box::new(call)).into()
}

fn cast(child: Expression, to_type: SparkType, mode: CastMode) -> Expression {
    ExpressionKind::Cast { expr: Box::new(child), to_type, mode }.into()
}

fn null(data_type: SparkType) -> Expression {
    ExpressionKind::Literal(Literal::Null(data_type)).into()
}
