//! Calls: which function a name is, its arguments in their places, and where it may stand.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, Operator};

use super::expression::Lambdas;
use super::holds::{has_aggregate, has_window};
use super::scope::Scope;
use super::{OpenedFunction, Request, Resolver};
use crate::error::{at, error};
use crate::functions::{self, Arg, Build, Call, Function, Generator};
use crate::plan::{Expression, ExpressionKind, FunctionBody, FunctionCall, FunctionReturns, Span, SqlFunction, TableName, WindowSpec};
use crate::types::SparkType;
use crate::{Error, Result, Sql, Typed};

/// How many parts a condition may have. However low their tree is, the engine makes a chain of them, which takes stack for each.
const MOST_PARTS: usize = 1_000;

fn has_too_many_parts(condition: &Expr) -> bool {
    let (mut open, mut parts) = (vec![condition], 0);
    while let Some(next) = open.pop() {
        match next {
            Expr::BinaryExpr(both) if both.op == Operator::And => open.extend([both.left.as_ref(), both.right.as_ref()]),
            _ => parts += 1,
        }
    }
    parts > MOST_PARTS
}

impl Resolver<'_> {
    /// A call as a value, over a window if `spec` says one.
    pub(crate) fn call(&mut self, call: &FunctionCall, scope: &Scope, span: Option<Span>, spec: Option<&WindowSpec>) -> Result<Typed> {
        // A computed name is the first argument of a call without one.
        if call.name.is_empty()
            && let [Expression { kind: ExpressionKind::Identifier { expr, .. }, .. }, arguments @ ..] = call.arguments.as_slice()
        {
            let named = FunctionCall { name: self.identifier(expr)?, arguments: arguments.to_vec(), ..call.clone() };
            return self.call(&named, scope, span, spec);
        }
        // NOT over IN (SELECT …) and EXISTS is theirs.
        if call.is_operator
            && let [name] = call.name.as_slice()
            && (name == "not" || name == "!")
            && let [argument] = call.arguments.as_slice()
            && let ExpressionKind::InSubquery { values, plan } = &argument.kind
        {
            return self.in_subquery(values, plan, scope, true);
        }
        let lower = functions::builtin_name(&call.name);
        if let Some(lower) = &lower {
            match lower.as_str() {
                "grouping" => return self.grouping(&call.arguments, scope),
                "grouping_id" => return self.grouping_id(&call.arguments, scope),
                name => {
                    if let Some(column) = self.window_column(name, call, scope)? {
                        return Ok(column);
                    }
                }
            }
        }
        let function = lower.as_deref().and_then(functions::lookup);
        let Some(function) = function else {
            return match self.opened.functions.get(&Request::Function { name: call.name.clone() }).cloned() {
                Some(OpenedFunction::Sql(function)) => self.call_sql(&function, call, scope, span),
                Some(OpenedFunction::User(function)) => {
                    if call.is_distinct || call.filter.is_some() || spec.is_some() || !call.order_by.is_empty() {
                        let clause = if spec.is_some() { "OVER" } else { "DISTINCT, FILTER or ORDER BY" };
                        return Err(unsupported_syntax(function.name(), clause));
                    }
                    self.user_function(&function, &call.arguments, scope)
                }
                _ if lower.as_deref() == Some("range") => {
                    Err(error("NOT_A_SCALAR_FUNCTION", "`range` gives a table: write `SELECT … FROM range(…)`"))
                }
                _ => Err(self.unknown_function(&call.name)),
            };
        };
        let build = match function.build {
            Build::Scalar(build) => {
                if call.is_distinct {
                    return Err(unsupported_syntax(function.name, "DISTINCT"));
                }
                if call.filter.is_some() {
                    return Err(unsupported_syntax(function.name, "FILTER"));
                }
                if call.ignore_nulls.is_some() {
                    return Err(unsupported_syntax(function.name, "IGNORE NULLS"));
                }
                if !call.order_by.is_empty() {
                    return Err(unsupported_syntax(function.name, "WITHIN GROUP (ORDER BY ...)"));
                }
                if spec.is_some() {
                    return Err(error(
                        "UNSUPPORTED_EXPR_FOR_WINDOW",
                        format!("`{}` is no aggregate or window function: take the OVER away", function.name),
                    ));
                }
                build
            }
            Build::Aggregate(build) => build,
            Build::Window(build) => {
                if call.is_distinct || call.filter.is_some() {
                    return Err(unsupported_syntax(function.name, if call.is_distinct { "DISTINCT" } else { "FILTER" }));
                }
                if spec.is_none() {
                    return Err(error(
                        "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
                        format!("`{0}` is a function over windows: write `{0}(…) OVER (ORDER BY …)`", function.name),
                    ));
                }
                build
            }
            Build::Generator(_) => {
                return Err(error(
                    "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                    format!("`{}` gives rows: let it stand alone in the SELECT list, or use LATERAL VIEW", function.name),
                ));
            }
            Build::Table => {
                return Err(error("NOT_A_SCALAR_FUNCTION", format!("`{0}` gives a table: write `SELECT … FROM {0}(…)`", function.name)));
            }
        };
        // Arguments of aggregates are of the rows, not of the list.
        let definitions = if spec.is_none() && matches!(function.build, Build::Aggregate(_)) { self.definitions.take() } else { None };
        let args = self.arguments(function, call, scope);
        if definitions.is_some() {
            self.definitions = definitions;
        }
        let args = self.padded_arguments(function.name, args?, scope)?;
        let is_aggregate = matches!(function.build, Build::Aggregate(_));
        if is_aggregate && spec.is_none() && args.iter().any(|arg| matches!(arg, Arg::Value(value) if has_window(&value.expr))) {
            let message = format!("`{}` is computed before windows are: compute the window function in a subquery", function.name);
            return Err(error("_LEGACY_ERROR_TEMP_1031", message));
        }
        let filter = call.filter.as_ref().map(|filter| self.aggregate_filter(filter, scope)).transpose()?;
        let order_by = self.sort_keys(&call.order_by, scope)?;
        let window = spec.map(|spec| self.window(spec, function, scope)).transpose()?;
        let settings = Arc::clone(&self.settings);
        let mut lambdas = Lambdas { resolver: self, scope };
        let mut building = Call {
            name: function.name,
            args,
            distinct: call.is_distinct,
            filter,
            order_by,
            ignore_nulls: call.ignore_nulls,
            window,
            span,
            settings: &settings,
            lambdas: &mut lambdas,
        };
        let mut made = build(&mut building)?;
        // What the function itself does not take comes first.
        if is_aggregate && spec.is_some() && call.is_distinct {
            let message = format!("`{}(DISTINCT …)` does not go over a window: take DISTINCT away", function.name);
            return Err(error("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", message));
        }
        let filter = building.filter.take();
        if function.name == "negative" && !call.is_operator {
            let shown: Vec<Sql> =
                building.args.iter().filter_map(|arg| if let Arg::Value(value) = arg { Some(value.sql.clone()) } else { None }).collect();
            made = made.shown(Sql::call("negative", &shown));
        }
        if function.name == "struct" {
            made = shown_struct(made, call, &building.args);
        }
        if self.window.is_some() && spec.is_none() && matches!(function.build, Build::Aggregate(_)) {
            self.note_aggregates(&made);
        }
        Ok(match spec {
            Some(spec) => self.shown_over(made, filter.as_ref(), spec, scope),
            None => match filter {
                Some(filter) => {
                    let sql = Sql::concat(vec![made.sql.clone(), " FILTER (WHERE ".into(), filter.sql.clone(), ")".into()]);
                    made.shown(sql)
                }
                None => made,
            },
        })
    }

    /// The generator that an expression is, if it is one.
    pub(crate) fn generator(&mut self, expression: &Expression, scope: &Scope) -> Result<Option<Generator>> {
        let ExpressionKind::UnresolvedFunction(call) = &expression.kind else { return Ok(None) };
        let Some(function) = functions::builtin_name(&call.name).as_deref().and_then(functions::lookup) else { return Ok(None) };
        let Build::Generator(build) = function.build else { return Ok(None) };
        let args = self.arguments(function, call, scope)?;
        let settings = Arc::clone(&self.settings);
        let mut lambdas = Lambdas { resolver: self, scope };
        let mut building = Call {
            name: function.name,
            args,
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            ignore_nulls: None,
            window: None,
            span: expression.span,
            settings: &settings,
            lambdas: &mut lambdas,
        };
        build(&mut building).map(Some).map_err(|e| at(e, expression.span))
    }

    /// Which rows an aggregate takes: a boolean of the row alone.
    fn aggregate_filter(&mut self, filter: &Expression, scope: &Scope) -> Result<Typed> {
        let typed = self.expression(filter, scope)?;
        let (condition, what) = if has_window(&typed.expr) {
            ("INVALID_AGGREGATE_FILTER.CONTAINS_WINDOW_FUNCTION", "has a window function")
        } else if has_aggregate(&typed.expr) {
            ("INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE", "has an aggregate function")
        } else if typed.expr.is_volatile() {
            ("INVALID_AGGREGATE_FILTER.NON_DETERMINISTIC", "is not deterministic")
        } else if !matches!(typed.data_type, crate::types::SparkType::Boolean | crate::types::SparkType::Null) {
            ("INVALID_AGGREGATE_FILTER.NOT_BOOLEAN", "is no boolean")
        } else {
            return self.boolean(typed, filter.span);
        };
        let message = format!("the FILTER condition \"{}\" {what}: compare columns of the row with constants", typed.sql);
        Err(at(error(condition, message), filter.span))
    }

    pub(crate) fn boolean(&self, typed: Typed, span: Option<Span>) -> Result<Typed> {
        use crate::types::SparkType;
        if has_too_many_parts(&typed.expr) {
            let message = format!("a condition has more than {MOST_PARTS} parts joined by AND: join with a table of what is compared");
            return Err(at(error("FAILED_TO_PARSE_TOO_COMPLEX", message), span));
        }
        match typed.data_type {
            SparkType::Boolean => Ok(typed),
            SparkType::Null => crate::types::cast::cast(typed, &SparkType::Boolean, crate::plan::CastMode::Session, &self.settings, span),
            ref other => Err(at(
                error(
                    "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                    format!("the condition \"{}\" is \"{}\" and not a boolean: compare it with something", typed.sql, other.sql()),
                ),
                span,
            )),
        }
    }

    /// The arguments in the function's order; stars are what they stand for.
    fn arguments(&mut self, function: &Function, call: &FunctionCall, scope: &Scope) -> Result<Vec<Arg>> {
        if function.name == "count"
            && !call.is_distinct
            && let [argument] = call.arguments.as_slice()
            && matches!(&argument.kind, ExpressionKind::UnresolvedStar { target, except } if target.is_empty() && except.is_empty())
        {
            return Ok(vec![Arg::Value(self.literal(&crate::plan::Literal::Integer(1))?)]);
        }
        if function.name == "count"
            && let [argument] = call.arguments.as_slice()
            && let ExpressionKind::UnresolvedStar { target, .. } = &argument.kind
            && !target.is_empty()
            && !self.settings.flag("spark.sql.legacy.allowStarWithSingleTableIdentifierInCount", false)?
        {
            let message = format!("`count({}.*)` may be meant of rows or of values: write count(*), or name the columns", target.join("."));
            return Err(error("INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT", message));
        }
        let ordered = self.in_order(function.name, function.parameters, &call.arguments)?;
        let mut args = Vec::with_capacity(ordered.len());
        for argument in ordered {
            match &argument.kind {
                ExpressionKind::LambdaFunction { .. } => args.push(Arg::Lambda(argument)),
                ExpressionKind::UnresolvedStar { .. } => {
                    args.extend(self.star(&argument, scope)?.into_iter().map(Arg::Value));
                }
                _ => args.push(Arg::Value(self.expression(&argument, scope)?)),
            }
        }
        Ok(args)
    }

    /// Named arguments in the places of their parameters.
    pub(super) fn in_order(&self, name: &str, parameters: &[&str], arguments: &[Expression]) -> Result<Vec<Expression>> {
        let is_named = |e: &Expression| matches!(e.kind, ExpressionKind::NamedArgument { .. });
        let Some(first) = arguments.iter().position(is_named) else { return Ok(arguments.to_vec()) };
        if parameters.is_empty() {
            return Err(error("NAMED_PARAMETERS_NOT_SUPPORTED", format!("`{name}` takes no arguments by name: give them in order")));
        }
        let mut placed: Vec<Option<Expression>> = arguments[..first].iter().cloned().map(Some).collect();
        placed.resize(placed.len().max(parameters.len()), None);
        for argument in &arguments[first..] {
            let ExpressionKind::NamedArgument { name: parameter, value } = &argument.kind else {
                return Err(error(
                    "UNEXPECTED_POSITIONAL_ARGUMENT",
                    format!("`{name}` has an argument without a name after one with a name"),
                ));
            };
            let Some(place) = parameters.iter().position(|p| p.eq_ignore_ascii_case(parameter)) else {
                let hint = tidemill_planner::ident::did_you_mean(parameter, parameters.iter().copied());
                return Err(error(
                    "UNRECOGNIZED_PARAMETER_NAME",
                    format!("`{name}` has no parameter `{parameter}`{hint} (parameters: {})", parameters.join(", ")),
                ));
            };
            if placed[place].is_some() {
                let condition = if place < first {
                    "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.BOTH_POSITIONAL_AND_NAMED"
                } else {
                    "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"
                };
                return Err(error(condition, format!("the parameter `{parameter}` of `{name}` is given twice")));
            }
            placed[place] = Some(value.as_ref().clone());
        }
        let given = placed.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        placed
            .into_iter()
            .take(given)
            .enumerate()
            .map(|(place, argument)| {
                argument.ok_or_else(|| {
                    let parameter = parameters.get(place).copied().unwrap_or_default();
                    error("REQUIRED_PARAMETER_NOT_FOUND", format!("`{name}` needs its parameter `{parameter}`"))
                })
            })
            .collect()
    }

    pub(super) fn sql_function(&self, name: &[String]) -> Option<Arc<SqlFunction>> {
        match self.opened.functions.get(&Request::Function { name: name.to_vec() }) {
            Some(OpenedFunction::Sql(function)) => Some(Arc::clone(function)),
            _ => None,
        }
    }

    /// A call of a function that is written in SQL: its body over the arguments.
    fn call_sql(&mut self, function: &SqlFunction, call: &FunctionCall, scope: &Scope, span: Option<Span>) -> Result<Typed> {
        let name = call.name.join(".");
        if matches!(function.returns, FunctionReturns::Table(_)) {
            return Err(error("NOT_A_SCALAR_FUNCTION", format!("`{name}` gives a table: write `SELECT … FROM {name}(…)`")));
        }
        let frame = self.sql_arguments(function, call, scope, span)?;
        let shown: Vec<Sql> = frame.iter().take(call.arguments.len()).map(|(_, typed)| typed.sql.clone()).collect();
        let full_name = match &function.name {
            TableName::Parts(parts) => parts.join("."),
            TableName::Identifier(_) => name.clone(),
        };
        let body = match &function.body {
            FunctionBody::Expression(body) => body.clone(),
            FunctionBody::Query(query) => ExpressionKind::ScalarSubquery(Box::new(query.clone())).into(),
        };
        let lower = name.to_lowercase();
        if self.inside.contains(&lower) {
            return Err(error("RECURSIVE_VIEW", format!("`{name}` calls itself")));
        }
        self.inside.push(lower);
        let made = self.in_body(call, frame, scope, |resolver| resolver.expression(&body, &Scope::default()));
        self.inside.pop();
        let mut made = made?;
        if let FunctionReturns::Scalar(returns) = &function.returns {
            made = crate::types::cast::cast(made, returns, crate::plan::CastMode::Session, &self.settings, span)?;
        }
        Ok(made.shown(Sql::call(&full_name, &shown)))
    }

    /// What the body of a function means, which sees its parameters and nothing else of the statement; `scope` is where the call stands.
    pub(super) fn in_body<T>(
        &mut self,
        call: &FunctionCall,
        values: Vec<(String, Typed)>,
        scope: &Scope,
        resolve: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let parameters = Parameters { function: call.name.last().cloned().unwrap_or_default(), values, scope: scope.clone() };
        let parameters = self.parameters.replace(parameters);
        let (aliases, lambdas) = (std::mem::take(&mut self.aliases), std::mem::take(&mut self.lambdas));
        let (outer, ctes) = (std::mem::take(&mut self.outer), std::mem::take(&mut self.ctes));
        let uses = std::mem::take(&mut self.outer_uses);
        let definitions = self.definitions.take();
        let made = resolve(self);
        (self.parameters, self.definitions) = (parameters, definitions);
        (self.aliases, self.lambdas) = (aliases, lambdas);
        (self.outer, self.outer_uses, self.ctes) = (outer, uses, ctes);
        made
    }

    /// The parameter that a name means in the body of a function, and the fields that stand behind it.
    pub(super) fn parameter<'n>(&self, name: &'n [String]) -> Result<Option<(Typed, &'n [String])>> {
        let Some(parameters) = &self.parameters else { return Ok(None) };
        let find = |name: &str| parameters.values.iter().find(|(known, _)| self.settings.same(known, name));
        let (found, fields) = match name {
            [function, name, fields @ ..] if self.settings.same(function, &parameters.function) && find(name).is_some() => {
                (find(name), fields)
            }
            [name, fields @ ..] => (find(name), fields),
            [] => (None, name),
        };
        let Some((known, value)) = found else { return Ok(None) };
        let mut value = value.clone();
        if !self.outer.is_empty() {
            if has_aggregate(&value.expr) || has_window(&value.expr) {
                let message =
                    format!("`{}` was given an aggregate, which its query cannot see: compute it in a subquery", parameters.function);
                return Err(error("UNSUPPORTED_SQL_UDF_USAGE", message));
            }
            value.expr = super::outer::as_outer(&value.expr, &parameters.scope)?;
        }
        value.sql = Sql::from(known.as_str());
        value.name = Some(known.clone());
        Ok(Some((value, fields)))
    }

    /// (parameter, argument in the parameter's type)
    pub(super) fn sql_arguments(
        &mut self,
        function: &SqlFunction,
        call: &FunctionCall,
        scope: &Scope,
        span: Option<Span>,
    ) -> Result<Vec<(String, Typed)>> {
        let name = call.name.join(".");
        let names: Vec<&str> = function.parameters.iter().map(|p| p.name.as_str()).collect();
        let ordered = self.in_order(&name, &names, &call.arguments)?;
        let required = function.parameters.iter().filter(|p| p.default.is_none()).count();
        if ordered.len() > names.len() || ordered.len() < required {
            return Err(error(
                "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                format!("`{name}` takes {} arguments, and the call has {}", names.len(), ordered.len()),
            ));
        }
        let mut frame = Vec::with_capacity(names.len());
        let types = super::opened::parameter_types(&function.parameters);
        for (i, (parameter, data_type)) in function.parameters.iter().zip(types).enumerate() {
            let value = match (ordered.get(i), &parameter.default) {
                (Some(argument), _) => self.expression(argument, scope)?,
                (None, Some(default)) => self.expression(default, &Scope::default())?,
                (None, None) => {
                    return Err(error("REQUIRED_PARAMETER_NOT_FOUND", format!("`{name}` needs its parameter `{}`", parameter.name)));
                }
            };
            let sql = value.sql.clone();
            let mut value = crate::types::cast::cast(value, &data_type, crate::plan::CastMode::Session, &self.settings, span)?;
            value.sql = sql;
            frame.push((parameter.name.clone(), value));
        }
        Ok(frame)
    }

    pub(crate) fn unknown_function(&self, name: &[String]) -> Error {
        let shown = name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        let last = name.last().map_or("", String::as_str);
        let hint = tidemill_planner::ident::did_you_mean(last, functions::all().into_iter().map(|f| f.name));
        error("UNRESOLVED_ROUTINE", format!("there is no function {shown}{hint}")).with_parameter("routineName", shown)
    }
}

/// The parameters of a function written in SQL, while its body is resolved.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    /// The function's name, which may stand before a parameter's.
    function: String,
    /// The values, over the columns of `scope`.
    values: Vec<(String, Typed)>,
    /// Where the call stands.
    scope: Scope,
}

fn unsupported_syntax(name: &str, syntax: &str) -> Error {
    error(
        "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
        format!("`{name}` cannot be called with {syntax}: it is no aggregate function that takes it"),
    )
}

/// A struct as Spark shows it: `(a, b)` with the names of its fields, `struct(…)` with the aliases that it was given.
fn shown_struct(made: Typed, call: &FunctionCall, args: &[Arg]) -> Typed {
    let SparkType::Struct(fields) = &made.data_type else { return made };
    let is_aliased = |at: usize| {
        args.len() == call.arguments.len() && call.arguments.get(at).is_some_and(|e| matches!(e.kind, ExpressionKind::Alias { .. }))
    };
    let mut shown = Vec::with_capacity(2 * args.len());
    for (at, (arg, field)) in args.iter().zip(fields).enumerate() {
        let Arg::Value(value) = arg else { return made };
        if call.is_operator {
            shown.push(Sql::from(field.name.as_str()));
        }
        shown.push(match is_aliased(at) {
            true => Sql::concat(vec![value.sql.clone(), Sql::from(format!(" AS {}", field.name))]),
            false => value.sql.clone(),
        });
    }
    made.shown(Sql::call(if call.is_operator { "named_struct" } else { "struct" }, &shown))
}
