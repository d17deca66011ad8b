//! `withField` and `dropFields`: a struct with other fields. Source: Spark's `UpdateFields`.

use super::Resolver;
use super::scope::Scope;
use crate::error::error;
use crate::plan::{Expression, Literal, name_parts};
use crate::types::SparkType;
use crate::{Result, Sql, Typed, functions};

impl Resolver<'_> {
    pub(crate) fn update_fields(&mut self, child: &Expression, name: &str, value: Option<&Expression>, scope: &Scope) -> Result<Typed> {
        let base = self.expression(child, scope)?;
        let value = value.map(|value| self.expression(value, scope)).transpose()?;
        let operation = match &value {
            Some(value) => Sql::call("WithField", [&value.sql]),
            None => Sql::from("dropfield()"),
        };
        let sql = Sql::call("update_fields", [&base.sql, &operation]);
        Ok(self.updated(base, &name_parts(name), value)?.shown(sql))
    }

    fn updated(&mut self, base: Typed, path: &[String], value: Option<Typed>) -> Result<Typed> {
        let SparkType::Struct(fields) = &base.data_type else {
            let message = format!("\"{}\" is \"{}\", and only a struct has fields", base.sql, base.data_type.sql());
            return Err(error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message));
        };
        let Some((name, inside)) = path.split_first() else { return Ok(base) };
        let value = if inside.is_empty() {
            value
        } else {
            let inner = functions::get_field(&base, name, &self.settings)?;
            Some(self.updated(inner, inside, value)?)
        };
        let mut parts: Vec<(String, Typed)> = Vec::with_capacity(fields.len() + 1);
        let mut replaced = false;
        for field in fields {
            match (self.settings.same(&field.name, name), &value) {
                (false, _) => parts.push((field.name.clone(), functions::get_field(&base, &field.name, &self.settings)?)),
                (true, Some(value)) => {
                    parts.push((name.clone(), value.clone()));
                    replaced = true;
                }
                (true, None) => {}
            }
        }
        if let (Some(value), false) = (value, replaced) {
            parts.push((name.clone(), value));
        }
        if parts.is_empty() {
            let message = format!("\"{}\" would have no field left: keep one", base.sql);
            return Err(error("DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS", message));
        }
        let mut arguments = Vec::with_capacity(2 * parts.len());
        for (name, value) in parts {
            arguments.push(self.literal(&Literal::String(name))?);
            arguments.push(value);
        }
        let made = self.apply("named_struct", arguments)?;
        if !base.nullable {
            return Ok(made);
        }
        let null = self.literal(&Literal::Null(made.data_type.clone()))?;
        let is_null = self.apply("isnull", vec![base])?;
        self.apply("if", vec![is_null, null, made])
    }
}
