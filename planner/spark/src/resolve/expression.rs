//! Expressions: what each kind means over a scope.

use std::collections::HashMap;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

use super::Resolver;
use super::outer::OuterUse;
use super::outer::outer_reference;
use super::scope::{Attribute, Found, Scope};
use crate::error::{at, error};
use crate::functions::{self, Lambda, LambdaResolver};
use crate::plan::{Expression, ExpressionKind, FunctionCall, Literal, PlanId, Span};
use crate::types::SparkType;
use crate::{Error, Result, Sql, Typed};

impl Resolver<'_> {
    /// The expression over the columns of `scope`.
    pub(crate) fn expression(&mut self, expression: &Expression, scope: &Scope) -> Result<Typed> {
        self.one_level(|resolver| resolver.expression_here(expression, scope)).map_err(|e| at(e, expression.span))
    }

    /// A list of expressions, each a value.
    pub(crate) fn expressions(&mut self, expressions: &[Expression], scope: &Scope) -> Result<Vec<Typed>> {
        expressions.iter().map(|e| self.expression(e, scope)).collect()
    }

    fn expression_here(&mut self, expression: &Expression, scope: &Scope) -> Result<Typed> {
        match &expression.kind {
            ExpressionKind::Literal(literal) => self.literal(literal),
            ExpressionKind::UnresolvedAttribute { name, plan_id } => self.name(name, *plan_id, scope, expression.span),
            ExpressionKind::UnresolvedStar { .. } | ExpressionKind::UnresolvedRegex { .. } => {
                Err(error("INVALID_USAGE_OF_STAR_OR_REGEX", "`*` stands only in a list of columns and in calls: name the columns"))
            }
            ExpressionKind::UnresolvedFunction(call) => self.call(call, scope, expression.span, None),
            ExpressionKind::NamedArgument { .. } => {
                Err(error("UNEXPECTED_POSITIONAL_ARGUMENT", "`name => value` stands only among the arguments of a call"))
            }
            ExpressionKind::Alias { expr, name } => {
                let mut typed = self.expression(expr, scope)?;
                match name.as_slice() {
                    [name] => typed.name = Some(name.clone()),
                    several => {
                        return Err(error(
                            "MULTI_ALIAS_WITHOUT_GENERATOR",
                            format!("({}) names several columns, and `{}` is one", several.join(", "), typed.sql),
                        ));
                    }
                }
                Ok(typed)
            }
            ExpressionKind::Cast { expr, to_type, mode } => {
                let value = self.expression(expr, scope)?;
                let name = match &value.expr {
                    // `CAST(a AS INT)` of a column keeps the column's name, as Spark's does.
                    Expr::Column(_) | Expr::OuterReferenceColumn(..) => value.name.clone(),
                    _ => None,
                };
                let special = self.special_moment(&value, to_type);
                let mut made = crate::types::cast::cast(value, to_type, *mode, &self.settings, expression.span)?;
                made.name = name;
                if let Some(moment) = special {
                    made.expr = moment;
                }
                Ok(made)
            }
            ExpressionKind::UnresolvedCast { expr, to_type, mode } => {
                let to_type = crate::parse::parse_data_type(to_type, &crate::parse::ParseOptions::new(&self.settings)?)?;
                let cast = ExpressionKind::Cast { expr: expr.clone(), to_type, mode: *mode };
                self.expression_here(&Expression { kind: cast, span: expression.span }, scope)
            }
            ExpressionKind::UnresolvedExtractValue { child, extraction, dotted } => {
                self.extract(child, extraction, *dotted, scope, expression.span)
            }
            ExpressionKind::Case { operand, branches, otherwise } => {
                let mut arguments = Vec::with_capacity(branches.len() * 2 + 1);
                for (when, then) in branches {
                    arguments.push(match operand {
                        None => when.clone(),
                        Some(operand) => {
                            let equal = Expression::operator("=", vec![operand.as_ref().clone(), when.clone()]);
                            when.span.map_or(equal.clone(), |span| equal.at(span))
                        }
                    });
                    arguments.push(then.clone());
                }
                arguments.extend(otherwise.as_deref().cloned());
                let call = FunctionCall { is_operator: true, ..FunctionCall::new("when", arguments) };
                self.call(&call, scope, expression.span, None)
            }
            ExpressionKind::LambdaFunction { .. } => Err(error(
                "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                "a lambda stands only where a function takes one, as in `transform(array, x -> x + 1)`",
            )),
            ExpressionKind::Window { window_function, spec } => match &window_function.kind {
                ExpressionKind::UnresolvedFunction(call) => self.call(call, scope, window_function.span.or(expression.span), Some(spec)),
                _ => Err(error("UNSUPPORTED_EXPR_FOR_WINDOW", "OVER follows a call of an aggregate or window function")),
            },
            ExpressionKind::SortOrder(order) => self.expression(&order.child, scope),
            ExpressionKind::UpdateFields { child, name, value } => self.update_fields(child, name, value.as_deref(), scope),
            ExpressionKind::Outer(child) => self.outer_column(child),
            ExpressionKind::UserFunction { handle, arguments, .. } => self.held_function(*handle, arguments, scope),
            ExpressionKind::ScalarSubquery(_) | ExpressionKind::Exists(_) | ExpressionKind::InSubquery { .. } => {
                self.asked_once(expression, scope)
            }
            ExpressionKind::TableArgument(_) => Err(error(
                "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_TABLE_ARGUMENT",
                "TABLE(…) is an argument of table functions alone",
            )),
            ExpressionKind::Collate { expr, collation } => {
                let value = self.expression(expr, scope)?;
                match collation.last().map(String::as_str) {
                    Some(name) if name.eq_ignore_ascii_case("UTF8_BINARY") => Ok(value),
                    other => Err(error(
                        "UNSUPPORTED_FEATURE.OBJECT_LEVEL_COLLATIONS",
                        format!(
                            "the collation `{}` is not supported: text is compared by bytes (UTF8_BINARY); compare `lower(…)`",
                            other.unwrap_or("")
                        ),
                    )),
                }
            }
            ExpressionKind::Parameter(name) => {
                use crate::plan::ParameterName;
                let shown = match name {
                    ParameterName::Named(name) => format!(":{name}"),
                    ParameterName::Position(at) => format!("? number {}", at + 1),
                };
                Err(error("UNBOUND_SQL_PARAMETER", format!("the parameter {shown} has no value: give one with the text")))
            }
            ExpressionKind::Identifier { expr, rest } => {
                let mut parts = self.identifier(expr)?;
                parts.extend(rest.iter().cloned());
                self.name(&parts, None, scope, expression.span)
            }
            ExpressionKind::ExpressionString(text) => {
                let parsed = crate::parse::parse_expression(text, &crate::parse::ParseOptions::new(&self.settings)?)?;
                self.expression(&parsed, scope)
            }
            ExpressionKind::Fault(message) => Err(Error::analysis(message.clone())),
            ExpressionKind::Default => Err(error(
                "DEFAULT_PLACEMENT_INVALID",
                "DEFAULT stands alone as a value of INSERT, UPDATE or SET VARIABLE, not inside an expression",
            )),
        }
    }

    /// The parts of the name that `IDENTIFIER(expr)` computes.
    pub(crate) fn identifier(&mut self, expression: &Expression) -> Result<Vec<String>> {
        let value = self.expression(expression, &Scope::default())?;
        let refuse = |condition, message: &str| at(error(condition, message), expression.span);
        if !value.data_type.is_string() {
            return Err(refuse("NOT_A_CONSTANT_STRING.WRONG_TYPE", "IDENTIFIER() takes text"));
        }
        match functions::constant(&value)? {
            Some(scalar) => match scalar.try_as_str().flatten() {
                Some(text) => crate::parse::parse_multipart_identifier(text, &crate::parse::ParseOptions::new(&self.settings)?),
                None => Err(refuse("NOT_A_CONSTANT_STRING.NULL", "IDENTIFIER() was given null: give it a name")),
            },
            None => Err(refuse("NOT_A_CONSTANT_STRING.NOT_CONSTANT", "IDENTIFIER() takes constant text")),
        }
    }

    /// What a dotted name means: a lambda's parameter, a column, an earlier column of the list, a column of a query around, a call
    /// without parentheses, a variable.
    pub(crate) fn name(&mut self, name: &[String], plan_id: Option<PlanId>, scope: &Scope, span: Option<Span>) -> Result<Typed> {
        if let Some(plan) = plan_id {
            return self.name_in_plan(name, plan, scope);
        }
        if let [first, fields @ ..] = name
            && let Some(parameter) = self.lambdas.iter().rev().find_map(|frame| frame.get(&first.to_lowercase()))
        {
            // Spark shows every parameter alike, and calls a struct's field by its name.
            let base = Typed { sql: Sql::from("namedlambdavariable()"), ..parameter.typed(first) };
            return self.fields(base, fields);
        }
        if let Some(definitions) = &self.definitions {
            match definitions.scope.find(name, &self.settings) {
                Found::One(attribute, fields) => {
                    if let Some((_, typed)) = definitions.typed.iter().find(|(id, _)| *id == attribute.id) {
                        let mut base = typed.clone();
                        base.sql = Sql::from(attribute.name.as_str());
                        base.name = Some(attribute.name.clone());
                        return self.fields(base, &fields);
                    }
                }
                Found::Several(found) => {
                    let mut of: Vec<&Typed> =
                        found.iter().filter_map(|a| definitions.typed.iter().find(|(id, _)| *id == a.id).map(|(_, t)| t)).collect();
                    of.dedup_by(|a, b| a.expr == b.expr);
                    match of.as_slice() {
                        [one] => return Ok((*one).clone()),
                        _ => return Err(ambiguous(name, &found)),
                    }
                }
                Found::Nothing => {}
            }
        }
        match scope.find(name, &self.settings) {
            Found::One(attribute, fields) => {
                let spelled = name.get(name.len() - fields.len() - 1).map_or(attribute.name.as_str(), String::as_str);
                return self.fields(attribute.typed(spelled), &fields);
            }
            Found::Several(found) => return Err(ambiguous(name, &found)),
            Found::Nothing => {}
        }
        if let [first, fields @ ..] = name {
            let same: Vec<&Typed> =
                self.aliases.iter().filter(|(alias, _)| self.settings.same(alias, first)).map(|(_, typed)| typed).collect();
            match same.as_slice() {
                [] => {}
                [one] => {
                    if is_too_large(&one.expr) {
                        let message = format!("`{first}` is made of too many columns of this list: compute it in a query of its own");
                        return Err(error("FAILED_TO_PARSE_TOO_COMPLEX", message));
                    }
                    let mut base = (*one).clone();
                    base.sql = Sql::from(format!("lateralAliasReference({first})"));
                    base.name = Some(first.clone());
                    return self.fields(base, fields);
                }
                several => {
                    return Err(error(
                        "AMBIGUOUS_LATERAL_COLUMN_ALIAS",
                        format!("`{first}` is the name of {} columns of this list: name them differently", several.len()),
                    ));
                }
            }
        }
        for depth in (0..self.outer.len()).rev() {
            let outer = self.outer[depth].clone();
            match outer.find(name, &self.settings) {
                Found::One(attribute, fields) => {
                    let spelled = name.get(name.len() - fields.len() - 1).map_or(attribute.name.clone(), Clone::clone);
                    self.outer_uses.push(OuterUse { depth, span, name: attribute.name.clone() });
                    let base = outer_reference(attribute, &spelled);
                    return self.fields(base, &fields);
                }
                Found::Several(found) => return Err(ambiguous(name, &found)),
                Found::Nothing => {}
            }
        }
        if let Some((value, fields)) = self.parameter(name)? {
            return self.fields(value, fields);
        }
        if let [only] = name {
            const BARE: &[&str] = &[
                "current_date",
                "current_timestamp",
                "current_time",
                "current_user",
                "user",
                "session_user",
                "current_catalog",
                "current_database",
                "current_path",
                "localtimestamp",
            ];
            let lower = only.to_lowercase();
            if BARE.contains(&lower.as_str()) && functions::lookup(&lower).is_some() {
                let call = FunctionCall::new(lower, Vec::new());
                return self.call(&call, scope, span, None);
            }
            if lower == "grouping__id" && self.grouping.is_some() {
                return self.grouping_id(&[], scope);
            }
        }
        if let Some(last) = name.last()
            && let Some((data_type, value)) = self.opened.variables.get(&last.to_lowercase())
        {
            let shown = crate::types::render::error_literal(value, data_type, &self.settings);
            let shown = format!("variablereference(system.session.{}={shown})", last.to_lowercase());
            let mut typed = Typed::literal(value.clone(), data_type.clone(), shown);
            typed.nullable = true;
            typed.name = Some(last.clone());
            return Ok(typed);
        }
        Err(self.unknown_column(name, scope))
    }

    fn name_in_plan(&mut self, name: &[String], plan: PlanId, scope: &Scope) -> Result<Typed> {
        let Some((column, fields)) = name.split_first() else { return Err(self.unknown_column(name, scope)) };
        let around = self.outer.iter().cloned().enumerate().rev().map(|(depth, scope)| (Some(depth), scope));
        let scopes: Vec<(Option<usize>, Scope)> = std::iter::once((None, scope.clone())).chain(around).collect();
        for (outer, scope) in scopes {
            match scope.find_in_plan(column, plan, &self.settings) {
                Found::One(attribute, _) => {
                    let base = match outer {
                        Some(depth) => {
                            self.outer_uses.push(OuterUse { depth, span: None, name: attribute.name.clone() });
                            outer_reference(attribute, column)
                        }
                        None => attribute.typed(column),
                    };
                    return self.fields(base, fields);
                }
                Found::Several(found) => {
                    return Err(error(
                        "AMBIGUOUS_COLUMN_REFERENCE",
                        format!(
                            "`{column}` of that DataFrame is in {} places here, as after a join with itself: give one side a name with `alias`",
                            found.len()
                        ),
                    ));
                }
                Found::Nothing => {}
            }
        }
        // A column of a DataFrame further back that a later step has kept under its name.
        if let Found::One(attribute, _) = scope.find(std::slice::from_ref(column), &self.settings) {
            let base = attribute.typed(column);
            return self.fields(base, fields);
        }
        Err(error(
            "CANNOT_RESOLVE_DATAFRAME_COLUMN",
            format!(
                "the column `{column}` of that DataFrame is not among the columns here: it was left out by an earlier step, or belongs to another one"
            ),
        ))
    }

    fn fields(&self, base: Typed, fields: &[String]) -> Result<Typed> {
        fields.iter().try_fold(base, |base, field| functions::get_field(&base, field, &self.settings))
    }

    fn unknown_column(&self, name: &[String], scope: &Scope) -> Error {
        let shown = name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        let hints = scope.suggestions(name);
        if hints.is_empty() {
            return error("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", format!("there is no column {shown} here"))
                .with_parameter("objectName", shown);
        }
        error("UNRESOLVED_COLUMN.WITH_SUGGESTION", format!("there is no column {shown} here; did you mean one of [{}]?", hints.join(", ")))
            .with_parameter("objectName", shown)
            .with_parameter("proposal", hints.join(", "))
    }

    fn extract(&mut self, child: &Expression, extraction: &Expression, dotted: bool, scope: &Scope, span: Option<Span>) -> Result<Typed> {
        let base = self.expression(child, scope)?;
        if dotted && let ExpressionKind::Literal(Literal::String(field)) = &extraction.kind {
            // Only what is named all the way gives its field's name to a column.
            return Ok(Typed { name: None, ..functions::get_field(&base, field, &self.settings)? });
        }
        let key = self.expression(extraction, scope)?;
        functions::extract_value(base, key, &self.settings, span)
    }
}

/// Whether an expression is taller or has more nodes than may be put in place of a name: names of names grow fast.
fn is_too_large(expr: &Expr) -> bool {
    const MOST_LEVELS: usize = 200;
    const MOST_NODES: usize = 10_000;
    fn fits(expr: &Expr, levels: usize, nodes: &mut usize) -> bool {
        *nodes += 1;
        let mut all = levels < MOST_LEVELS && *nodes < MOST_NODES;
        let _ = expr.apply_children(|child| {
            all = all && fits(child, levels + 1, nodes);
            Ok(if all { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        all
    }
    !fits(expr, 0, &mut 0)
}

fn ambiguous(name: &[String], found: &[&Attribute]) -> Error {
    let shown = name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
    let places: Vec<String> =
        found.iter().map(|a| a.qualifier.iter().chain([&a.name]).map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".")).collect();
    error("AMBIGUOUS_REFERENCE", format!("{shown} may be {}: write the relation's name before it", places.join(" or ")))
        .with_parameter("name", shown)
        .with_parameter("referenceNames", format!("[{}]", places.join(", ")))
}

/// Resolves lambdas over the columns of one scope.
pub(super) struct Lambdas<'r, 'a, 's> {
    pub(super) resolver: &'r mut Resolver<'a>,
    pub(super) scope: &'s Scope,
}

impl LambdaResolver for Lambdas<'_, '_, '_> {
    fn lambda(&mut self, argument: &Expression, parameters: &[(SparkType, bool)]) -> Result<Lambda> {
        let ExpressionKind::LambdaFunction { arguments, function } = &argument.kind else {
            return Err(error("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", "a lambda is needed here, such as `x -> x + 1`"));
        };
        if arguments.len() != parameters.len() {
            let message = format!("the lambda has {} parameters, and the function calls it with {}", arguments.len(), parameters.len());
            return Err(at(error("INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", message), argument.span));
        }
        let mut frame = HashMap::new();
        let mut ids = Vec::new();
        for (name, (data_type, nullable)) in arguments.iter().zip(parameters) {
            let attribute = self.resolver.attribute(&format!("lambda_{name}"), data_type.clone(), *nullable);
            ids.push(attribute.id.clone());
            if frame.insert(name.to_lowercase(), attribute).is_some() {
                let message = format!("two parameters of the lambda are called `{name}`: name them differently");
                return Err(at(error("INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES", message), argument.span));
            }
        }
        self.resolver.lambdas.push(frame);
        let body = self.resolver.expression(function, self.scope);
        self.resolver.lambdas.pop();
        Ok(Lambda { parameters: ids, body: body? })
    }
}
