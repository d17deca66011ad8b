//! UNPIVOT: columns into rows, by way of a generator over an array of structs.

use datafusion::logical_expr::Expr;

use super::nodes::{filtered, project};
use super::scope::Scope;
use super::{Rel, Resolver};
use crate::error::error;
use crate::functions::Generator;
use crate::plan::{CastMode, ExpressionKind, Literal, Unpivot};
use crate::types::{SparkType, cast, lattice};
use crate::{Result, Typed};

impl Resolver<'_> {
    pub(crate) fn unpivot(&mut self, unpivot: &Unpivot) -> Result<Rel> {
        let rel = self.relation(&unpivot.input)?;
        let id_of = |typed: &Typed| typed.expr.try_as_col().map(|c| c.name.clone());
        let ids: Option<Vec<Typed>> = match &unpivot.ids {
            Some(ids) => {
                let mut all = Vec::new();
                for id in ids {
                    all.extend(self.star(id, &rel.scope)?);
                }
                Some(all)
            }
            None => None,
        };
        // (columns, what the variable column says)
        let mut groups: Vec<(Vec<Typed>, String)> = Vec::new();
        match &unpivot.values {
            Some(values) => {
                for group in values {
                    let mut columns = Vec::new();
                    for column in &group.columns {
                        columns.extend(self.star(column, &rel.scope)?);
                    }
                    if let Some(bad) = columns.iter().find(|c| c.name.is_none() && id_of(c).is_none()) {
                        let message = format!("UNPIVOT takes columns, not \"{}\": compute it in a subquery", bad.sql);
                        return Err(error("UNPIVOT_REQUIRES_ATTRIBUTES", message));
                    }
                    // A star in a group of one value column is a group per column.
                    let starred = group.columns.iter().any(|c| matches!(c.kind, ExpressionKind::UnresolvedStar { .. }));
                    if starred && unpivot.value_columns.len() == 1 {
                        groups.extend(columns.into_iter().map(|c| {
                            let name = c.column_name();
                            (vec![c], name)
                        }));
                        continue;
                    }
                    let name = group.alias.clone().unwrap_or_else(|| columns.iter().map(Typed::column_name).collect::<Vec<_>>().join("_"));
                    groups.push((columns, name));
                }
            }
            None => {
                let ids: Vec<String> = ids.iter().flatten().filter_map(id_of).collect();
                for attribute in rel.scope.columns.iter().filter(|a| !ids.contains(&a.id)) {
                    groups.push((vec![attribute.typed(&attribute.name)], attribute.name.clone()));
                }
            }
        }
        if groups.is_empty() {
            return Err(error("UNPIVOT_REQUIRES_VALUE_COLUMNS", "UNPIVOT needs at least one column to turn into rows"));
        }
        let width = unpivot.value_columns.len();
        if let Some((columns, _)) = groups.iter().find(|(columns, _)| columns.len() != width) {
            let message = format!("UNPIVOT has {width} value columns, and a group of {} columns: make them as many", columns.len());
            return Err(error("UNPIVOT_VALUE_SIZE_MISMATCH", message));
        }
        let mut types = Vec::with_capacity(width);
        for place in 0..width {
            let Some(common) = lattice::common_type_of(groups.iter().map(|(columns, _)| &columns[place].data_type), self.settings.ansi)
            else {
                let shown: Vec<String> =
                    groups.iter().map(|(columns, _)| format!("\"{}\" ({})", columns[place].sql, columns[place].data_type.sql())).collect();
                let message =
                    format!("the value column `{}` has no one type: {}; cast them", unpivot.value_columns[place], shown.join(", "));
                return Err(error("UNPIVOT_VALUE_DATA_TYPE_MISMATCH", message));
            };
            types.push(common);
        }
        let used: Vec<String> = groups.iter().flat_map(|(columns, _)| columns.iter().filter_map(id_of)).collect();
        let kept: Vec<Typed> = match ids {
            Some(ids) => ids,
            None => rel.scope.columns.iter().filter(|a| !used.contains(&a.id)).map(|a| a.typed(&a.name)).collect(),
        };
        let mut structs = Vec::with_capacity(groups.len());
        for (columns, name) in groups {
            let mut variable = self.literal(&Literal::String(name))?;
            variable.name = Some("variable".to_owned());
            let mut fields = vec![variable];
            for (place, (column, data_type)) in columns.into_iter().zip(&types).enumerate() {
                let mut value = cast::cast(column, data_type, CastMode::Session, &self.settings, None)?;
                value.name = Some(format!("value{place}"));
                value.nullable = true;
                fields.push(value);
            }
            structs.push(self.apply("struct", fields)?);
        }
        let collection = self.apply("array", structs)?;
        let mut columns = vec![(unpivot.variable_column.clone(), SparkType::String, false)];
        columns.extend(unpivot.value_columns.iter().zip(&types).map(|(name, t)| (name.clone(), t.clone(), true)));
        let generator = Generator { collection, outer: false, position: false, inline: true, columns };
        let mut exprs: Vec<Expr> = Vec::new();
        let mut attributes = Vec::new();
        for typed in kept {
            let aliased = id_of(&typed).is_none();
            let attribute = self.output_attribute(&typed, aliased, &rel.scope, &[]);
            if aliased {
                exprs.push(typed.expr.alias(&attribute.id));
            }
            attributes.push(attribute);
        }
        let mut input = rel;
        if !exprs.is_empty() {
            let mut all: Vec<Expr> = input.plan.schema().columns().into_iter().map(Expr::Column).collect();
            all.extend(exprs);
            input.plan = project(input.plan, all)?;
        }
        let (mut rel, added) = self.generate(input, generator, &[], None)?;
        if !unpivot.include_nulls {
            let some = added.iter().skip(1).map(|a| a.expr().is_not_null()).reduce(Expr::or);
            if let Some(some) = some {
                rel.plan = filtered(rel.plan, some)?;
            }
        }
        attributes.extend(added);
        let rel = Rel::new(rel.plan, Scope::new(attributes));
        match &unpivot.alias {
            Some(alias) => self.aliased(rel, alias),
            None => Ok(rel),
        }
    }
}
