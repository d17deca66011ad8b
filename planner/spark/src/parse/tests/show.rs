//! Trees as short text, for tables of cases.

use crate::plan::*;

fn many<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn expressions(items: &[Expression]) -> String {
    many(items, expression)
}

pub(super) fn literal(value: &Literal) -> String {
    match value {
        Literal::Null(_) => "NULL".to_owned(),
        Literal::Boolean(v) => v.to_string(),
        Literal::Byte(v) => format!("{v}Y"),
        Literal::Short(v) => format!("{v}S"),
        Literal::Integer(v) => v.to_string(),
        Literal::Long(v) => format!("{v}L"),
        Literal::Float(v) => format!("{v:?}F"),
        Literal::Double(v) => format!("{v:?}D"),
        Literal::Decimal { value, precision, scale } => format!("{value}d({precision},{scale})"),
        Literal::String(v) => format!("'{v}'"),
        Literal::Binary(v) => format!("X{v:02x?}"),
        Literal::Date(v) => format!("date({v})"),
        Literal::Time(v, p) => format!("time({v},{p})"),
        Literal::Timestamp(v) => format!("ts({v})"),
        Literal::TimestampNtz(v) => format!("ntz({v})"),
        Literal::TypedText { type_name, text } => format!("{type_name}'{text}'"),
        Literal::DayTimeInterval { value, start, end } => format!("dt({value} {start} {end})"),
        Literal::YearMonthInterval { value, start, end } => format!("ym({value} {start} {end})"),
        Literal::CalendarInterval { months, days, microseconds } => format!("cal({months} {days} {microseconds})"),
    }
}

fn sort(order: &SortOrder) -> String {
    let direction = if order.ascending { "asc" } else { "desc" };
    let nulls = if order.ascending == order.nulls_first {
        ""
    } else if order.nulls_first {
        " nulls first"
    } else {
        " nulls last"
    };
    format!("{} {direction}{nulls}", expression(&order.child))
}

pub(super) fn window(spec: &WindowSpec) -> String {
    if let Some(name) = &spec.reference {
        return name.clone();
    }
    let mut parts = Vec::new();
    if !spec.partition_by.is_empty() {
        parts.push(format!("by {}", expressions(&spec.partition_by)));
    }
    if !spec.order_by.is_empty() {
        parts.push(format!("order {}", many(&spec.order_by, sort)));
    }
    if let Some(frame) = &spec.frame {
        let bound = |bound: &FrameBound| match bound {
            FrameBound::UnboundedPreceding => "-inf".to_owned(),
            FrameBound::Preceding(e) => format!("-{}", expression(e)),
            FrameBound::CurrentRow => "0".to_owned(),
            FrameBound::Following(e) => format!("+{}", expression(e)),
            FrameBound::UnboundedFollowing => "+inf".to_owned(),
        };
        parts.push(format!("{:?} {}..{}", frame.unit, bound(&frame.lower), bound(&frame.upper)));
    }
    format!("[{}]", parts.join("; "))
}

pub(super) fn expression(e: &Expression) -> String {
    use ExpressionKind as E;
    match &e.kind {
        E::Literal(value) => literal(value),
        // What only programs say.
        E::UnresolvedCast { .. } | E::UpdateFields { .. } | E::Outer(_) | E::UserFunction { .. } | E::Fault(_) => format!("{:?}", e.kind),
        E::UnresolvedAttribute { name, .. } => name.join("."),
        E::UnresolvedStar { target, except } => {
            let target = if target.is_empty() { String::new() } else { format!("{}.", target.join(".")) };
            let except = if except.is_empty() { String::new() } else { format!(" except {}", many(except, |e| e.join("."))) };
            format!("{target}*{except}")
        }
        E::UnresolvedRegex { pattern, target, .. } => format!("regex({} {pattern})", target.join(".")),
        E::UnresolvedFunction(call) => {
            let mut text =
                format!("{}({}{})", call.name.join("."), if call.is_distinct { "distinct " } else { "" }, expressions(&call.arguments));
            if !call.order_by.is_empty() {
                text.push_str(&format!(" within {}", many(&call.order_by, sort)));
            }
            if let Some(filter) = &call.filter {
                text.push_str(&format!(" filter {}", expression(filter)));
            }
            match call.ignore_nulls {
                Some(true) => text.push_str(" ignore nulls"),
                Some(false) => text.push_str(" respect nulls"),
                None => (),
            }
            text
        }
        E::NamedArgument { name, value } => format!("{name} => {}", expression(value)),
        E::Alias { expr, name } => format!("{} as {}", expression(expr), name.join("/")),
        E::Cast { expr, to_type, mode } => {
            format!("{}({} as {to_type})", if *mode == CastMode::Try { "try_cast" } else { "cast" }, expression(expr))
        }
        E::UnresolvedExtractValue { child, extraction, dotted: true } => format!("{}.{}", expression(child), expression(extraction)),
        E::UnresolvedExtractValue { child, extraction, .. } => format!("{}[{}]", expression(child), expression(extraction)),
        E::Case { operand, branches, otherwise } => {
            let operand = operand.as_ref().map_or_else(String::new, |o| format!("{} ", expression(o)));
            let branches = many(branches, |(when, then)| format!("{} -> {}", expression(when), expression(then)));
            let otherwise = otherwise.as_ref().map_or_else(String::new, |o| format!(" else {}", expression(o)));
            format!("case {operand}{branches}{otherwise}")
        }
        E::LambdaFunction { arguments, function } => format!("({} -> {})", arguments.join("/"), expression(function)),
        E::Window { window_function, spec } => format!("{} over {}", expression(window_function), window(spec)),
        E::SortOrder(order) => sort(order),
        E::ScalarSubquery(plan) => format!("scalar({})", relation(plan)),
        E::Exists(plan) => format!("exists({})", relation(plan)),
        E::InSubquery { values, plan } => format!("{} in ({})", expressions(values), relation(plan)),
        E::TableArgument(plan) => format!("table({})", relation(plan)),
        E::Collate { expr, collation } => format!("{} collate {}", expression(expr), collation.join(".")),
        E::Parameter(ParameterName::Named(name)) => format!(":{name}"),
        E::Parameter(ParameterName::Position(at)) => format!("?{at}"),
        E::Identifier { expr, rest } => {
            format!("identifier({}){}", expression(expr), rest.iter().map(|r| format!(".{r}")).collect::<String>())
        }
        E::ExpressionString(text) => format!("expr({text})"),
        E::Default => "DEFAULT".to_owned(),
    }
}

pub(super) fn alias(alias: &TableAlias) -> String {
    if alias.columns.is_empty() { alias.name.clone() } else { format!("{}({})", alias.name, alias.columns.join(", ")) }
}

pub(super) fn name(name: &TableName) -> String {
    match name {
        TableName::Parts(parts) => parts.join("."),
        TableName::Identifier(e) => format!("identifier({})", expression(e)),
    }
}

fn named(alias_of: Option<&TableAlias>) -> String {
    alias_of.map_or_else(String::new, |a| format!(" as {}", alias(a)))
}

pub(super) fn relation(r: &Relation) -> String {
    use RelationKind as R;
    match r.kind.as_ref() {
        R::NamedTable(table) => {
            let mut text = name(&table.name);
            if table.is_streaming {
                text.insert_str(0, "stream ");
            }
            match &table.temporal {
                Some(Temporal::Version(version)) => text.push_str(&format!("@v{version}")),
                Some(Temporal::Timestamp(moment)) => text.push_str(&format!("@t{}", expression(moment))),
                None => (),
            }
            if !table.options.is_empty() {
                text.push_str(&format!(" {:?}", table.options));
            }
            text
        }
        R::Values { rows } => format!("values {}", many(rows, |row| format!("({})", expressions(row)))),
        R::OneRow => "one".to_owned(),
        R::TableFunction { name, arguments } => format!("{}({})", name.join("."), expressions(arguments)),
        R::LateralView { input, generator, outer, table_alias, columns } => {
            let outer = if *outer { " outer" } else { "" };
            format!(
                "view{outer}({}, {} {:?} {})",
                relation(input),
                expression(generator),
                table_alias.as_deref().unwrap_or(""),
                columns.join("/")
            )
        }
        R::Project { input, expressions: list } => format!("select({}; {})", relation(input), expressions(list)),
        R::Filter { input, condition } => format!("where({}; {})", relation(input), expression(condition)),
        R::Aggregate { input, group_type, grouping_expressions, aggregate_expressions, .. } => {
            let kind = match group_type {
                GroupType::GroupBy => String::new(),
                GroupType::All => "all ".to_owned(),
                GroupType::Rollup => "rollup ".to_owned(),
                GroupType::Cube => "cube ".to_owned(),
                GroupType::GroupingSets(sets) => format!("sets({}) ", many(sets, |set| format!("({})", expressions(set)))),
            };
            format!("group({}; {kind}{}; {})", relation(input), expressions(grouping_expressions), expressions(aggregate_expressions))
        }
        R::Having { input, condition } => format!("having({}; {})", relation(input), expression(condition)),
        R::Qualify { input, condition } => format!("qualify({}; {})", relation(input), expression(condition)),
        R::Pivot { input, aggregate_expressions, column, values, alias, .. } => format!(
            "pivot({}; {} for {} in {}){}",
            relation(input),
            expressions(aggregate_expressions),
            expression(column),
            expressions(values),
            named(alias.as_ref())
        ),
        R::Unpivot(u) => format!(
            "unpivot{}({}; {} for {} in {}){}",
            if u.include_nulls { " nulls" } else { "" },
            relation(&u.input),
            u.value_columns.join("/"),
            u.variable_column,
            many(u.values.as_deref().unwrap_or_default(), |g| format!(
                "{}{}",
                expressions(&g.columns),
                g.alias.as_ref().map_or_else(String::new, |a| format!(" as {a}"))
            )),
            named(u.alias.as_ref())
        ),
        R::Join(join) => {
            let lateral = if join.is_lateral { " lateral" } else { "" };
            let criteria = match &join.criteria {
                JoinCriteria::None => String::new(),
                JoinCriteria::On(e) => format!(" on {}", expression(e)),
                JoinCriteria::Using(names) => format!(" using {}", names.join("/")),
                JoinCriteria::Natural => " natural".to_owned(),
            };
            format!("{:?}{lateral}({}, {}{criteria})", join.join_type, relation(&join.left), relation(&join.right))
        }
        R::SetOperation { left, right, operation, is_all, .. } => {
            format!("{operation:?}{}({}, {})", if *is_all { "All" } else { "" }, relation(left), relation(right))
        }
        R::Deduplicate { input, .. } => format!("distinct({})", relation(input)),
        R::Sort { input, order, is_global } => {
            format!("{}({}; {})", if *is_global { "order" } else { "sort" }, relation(input), many(order, sort))
        }
        R::Limit { input, limit } => format!("limit({}; {})", relation(input), limit.as_ref().map_or_else(|| "all".to_owned(), expression)),
        R::Offset { input, offset } => format!("offset({}; {})", relation(input), expression(offset)),
        R::Sample { input, method, seed, .. } => format!("sample({}; {method:?} {seed:?})", relation(input)),
        R::RepartitionByExpression { input, partition_expressions, num_partitions } => {
            let count = num_partitions.map_or_else(String::new, |n| n.to_string());
            format!("deal{count}({}; {})", relation(input), expressions(partition_expressions))
        }
        R::Hint { input, name, parameters } => format!("hint {name}[{}]({})", expressions(parameters), relation(input)),
        R::SubqueryAlias { input, alias: own } => {
            let own = alias(own);
            let own = own.replace("__auto_generated_subquery_name", "_");
            format!("{} as {own}", relation(input))
        }
        R::With(with) => {
            let cte = |c: &Cte| {
                format!("{}{} = {}", alias(&c.alias), c.max_level.map_or_else(String::new, |l| format!("<{l}")), relation(&c.query))
            };
            format!("with{}({}; {})", if with.recursive { " recursive" } else { "" }, many(&with.ctes, cte), relation(&with.input))
        }
        R::WithWindows { input, windows } => {
            format!("windows({}; {})", relation(input), many(windows, |(name, spec)| format!("{name} = {}", window(spec))))
        }
        R::WithColumns { input, aliases, mode } => format!("{mode:?}({}; {})", relation(input), expressions(aliases)),
        R::Drop { input, columns, .. } => format!("drop({}; {})", relation(input), expressions(columns)),
        R::PipeStep { input, operator } => format!("|{operator}> {}", relation(input)),
        R::WithWatermark { input, event_time, delay_threshold } => {
            format!("watermark({}; {event_time} {delay_threshold})", relation(input))
        }
        other => format!("{other:?}"),
    }
}

/// A command in short: fields that are empty, false or a place are left out.
pub(super) fn command(command: &Command) -> String {
    serde_json::to_value(command).map_or_else(|e| e.to_string(), |value| shortened(&value))
}

fn shortened(value: &serde_json::Value) -> String {
    use serde_json::Value as V;
    let is_empty = |v: &V| match v {
        V::Null | V::Bool(false) => true,
        V::Array(items) => items.is_empty(),
        V::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        V::String(text) => text.clone(),
        V::Array(items) => format!("[{}]", items.iter().map(shortened).collect::<Vec<_>>().join(", ")),
        V::Object(fields) => {
            let fields: Vec<(&String, &V)> =
                fields.iter().filter(|(key, v)| !is_empty(v) && !["span", "query_text", "body_text"].contains(&key.as_str())).collect();
            match fields.as_slice() {
                [(key, V::Array(parts))] if *key == "Parts" => parts.iter().map(shortened).collect::<Vec<_>>().join("."),
                [(key, only)]
                    if ["kind", "Literal", "UnresolvedAttribute", "String", "Integer", "Command", "Query"].contains(&key.as_str()) =>
                {
                    shortened(only)
                }
                [(key, only @ V::Object(_))] => format!("{key}{}", shortened(only)),
                _ => format!("{{{}}}", fields.iter().map(|(key, v)| format!("{key}: {}", shortened(v))).collect::<Vec<_>>().join(", ")),
            }
        }
        other => other.to_string(),
    }
}
