//! `*`: the columns that it stands for.

use super::Resolver;
use super::scope::{Attribute, Found, Scope};
use crate::error::{at, error};
use crate::plan::{Expression, ExpressionKind};
use crate::types::SparkType;
use crate::{Result, Typed, functions};

impl Resolver<'_> {
    /// The columns that a star or a pattern stands for.
    pub(crate) fn star(&mut self, expression: &Expression, scope: &Scope) -> Result<Vec<Typed>> {
        match &expression.kind {
            ExpressionKind::UnresolvedStar { target, except } => {
                let columns = self.star_columns(target, scope).map_err(|e| at(e, expression.span))?;
                if except.is_empty() { Ok(columns) } else { self.without(columns, except, scope).map_err(|e| at(e, expression.span)) }
            }
            ExpressionKind::UnresolvedRegex { pattern, target, .. } => {
                let compiled = fancy_regex::Regex::new(&format!("^(?i:{pattern})$"))
                    .map_err(|e| error("INVALID_PARAMETER_VALUE.PATTERN", format!("`{pattern}` is no regular expression: {e}")))?;
                let columns = self.star_columns(target, scope)?;
                Ok(columns.into_iter().filter(|c| compiled.is_match(&c.column_name()).unwrap_or(false)).collect())
            }
            _ => Ok(vec![self.expression(expression, scope)?]),
        }
    }

    fn star_columns(&mut self, target: &[String], scope: &Scope) -> Result<Vec<Typed>> {
        let whole = |attributes: Vec<&Attribute>| attributes.into_iter().map(|a| a.typed(&a.name)).collect::<Vec<_>>();
        if target.is_empty() {
            return Ok(whole(scope.columns.iter().collect()));
        }
        let under = scope.under(target, &self.settings);
        if !under.is_empty() {
            return Ok(whole(under));
        }
        // A struct's fields.
        if let Found::One(attribute, fields) = scope.find(target, &self.settings) {
            let base = attribute.typed(&attribute.name);
            let base = fields.iter().try_fold(base, |base, field| functions::get_field(&base, field, &self.settings))?;
            if let SparkType::Struct(inner) = &base.data_type {
                return inner.iter().map(|field| functions::get_field(&base, &field.name, &self.settings)).collect();
            }
        }
        for outer in self.outer.iter().rev() {
            let under = outer.under(target, &self.settings);
            if !under.is_empty() {
                return Ok(under.into_iter().map(|a| super::outer::outer_reference(a, &a.name)).collect());
            }
        }
        let shown = target.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        let mut known: Vec<String> = scope.columns.iter().filter_map(|a| a.qualifier.last().cloned()).collect();
        known.dedup();
        Err(error(
            "CANNOT_RESOLVE_STAR_EXPAND",
            format!("{shown}.* names no relation and no struct here (relations: {})", known.join(", ")),
        ))
    }

    /// The columns but those of EXCEPT, which names them, or fields of structs among them.
    fn without(&mut self, columns: Vec<Typed>, except: &[Vec<String>], scope: &Scope) -> Result<Vec<Typed>> {
        // A column's id here is its place.
        let listed = columns.iter().enumerate().map(|(place, column)| {
            let id = column.expr.try_as_col().map(|c| c.name.as_str());
            let qualifier = scope.columns.iter().chain(&scope.hidden).find(|a| Some(a.id.as_str()) == id).map(|a| a.qualifier.clone());
            let mut attribute = Attribute::new(place.to_string(), column.column_name(), column.data_type.clone(), column.nullable);
            attribute.qualifier = qualifier.unwrap_or_default();
            attribute
        });
        let listed = Scope::new(listed.collect());
        let overlap = |name: &[String]| error("EXCEPT_OVERLAPPING_COLUMNS", format!("EXCEPT names `{}` and a part of it", name.join(".")));
        let mut left_out: Vec<(String, Vec<String>)> = Vec::new();
        for name in except {
            match listed.find(name, &self.settings) {
                Found::One(attribute, fields) => {
                    let covers = |a: &[String], b: &[String]| a.len() <= b.len() && a.iter().zip(b).all(|(a, b)| self.settings.same(a, b));
                    if left_out.iter().any(|(id, known)| *id == attribute.id && (covers(known, &fields) || covers(&fields, known))) {
                        return Err(overlap(name));
                    }
                    left_out.push((attribute.id.clone(), fields));
                }
                Found::Several(_) => {
                    return Err(error("AMBIGUOUS_REFERENCE", format!("`{}` in EXCEPT may be several columns", name.join("."))));
                }
                Found::Nothing => {
                    let hints = listed.suggestions(name);
                    return Err(error(
                        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                        format!("there is no column `{}` to leave out; did you mean one of [{}]?", name.join("."), hints.join(", ")),
                    ));
                }
            }
        }
        let mut left = Vec::new();
        for (place, column) in columns.into_iter().enumerate() {
            let place = place.to_string();
            let fields: Vec<Vec<String>> = left_out.iter().filter(|(id, _)| *id == place).map(|(_, fields)| fields.clone()).collect();
            if fields.iter().any(Vec::is_empty) {
                continue;
            }
            if fields.is_empty() {
                left.push(column);
                continue;
            }
            let name = column.column_name();
            let mut rest = self.struct_without(column, &fields)?;
            rest.name = Some(name);
            left.push(rest);
        }
        Ok(left)
    }

    fn struct_without(&mut self, base: Typed, fields: &[Vec<String>]) -> Result<Typed> {
        let SparkType::Struct(inner) = base.data_type.clone() else {
            return Err(error("EXCEPT_NESTED_COLUMN_INVALID_TYPE", format!("`{}` has no fields to leave out", base.sql)));
        };
        let mut kept = Vec::new();
        for field in &inner {
            let here: Vec<&Vec<String>> =
                fields.iter().filter(|path| path.first().is_some_and(|first| self.settings.same(first, &field.name))).collect();
            if here.iter().any(|path| path.len() == 1) {
                continue;
            }
            let mut value = functions::get_field(&base, &field.name, &self.settings)?;
            if !here.is_empty() {
                let deeper: Vec<Vec<String>> = here.iter().map(|path| path[1..].to_vec()).collect();
                value = self.struct_without(value, &deeper)?;
            }
            value.name = Some(field.name.clone());
            kept.push(value);
        }
        self.apply("struct", kept)
    }
}
