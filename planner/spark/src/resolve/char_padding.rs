//! Comparisons of CHAR columns: their values are read with their blanks, and what they are compared with gets them too.
//!
//! Source: Spark, `ApplyCharTypePaddingHelper`: a column with constants, or with other columns.

use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use super::Resolver;
use super::scope::Scope;
use crate::functions::Arg;
use crate::plan::Literal;
use crate::types::SparkType;
use crate::{Result, Typed};

/// Functions that compare their arguments with each other.
const COMPARING: [&str; 10] = ["=", "==", "<=>", "!=", "<>", "<", "<=", ">", ">=", "in"];

impl Resolver<'_> {
    /// The arguments of a function, of one length each where it compares CHAR columns with constants or with one another.
    pub(super) fn padded_arguments(&mut self, function: &str, args: Vec<Arg>, scope: &Scope) -> Result<Vec<Arg>> {
        if !COMPARING.contains(&function) {
            return Ok(args);
        }
        let Some(length) = self.common_length(args.iter().map(|arg| if let Arg::Value(value) = arg { Some(value) } else { None }), scope)
        else {
            return Ok(args);
        };
        args.into_iter()
            .map(|arg| match arg {
                Arg::Value(value) => Ok(Arg::Value(self.blanks_behind(value, length, scope)?)),
                other => Ok(other),
            })
            .collect()
    }

    /// How many characters all of these are to have: none where they are not CHAR columns and constants alone, or have them already.
    fn common_length<'t>(&self, values: impl Iterator<Item = Option<&'t Typed>>, scope: &Scope) -> Option<usize> {
        let (mut lengths, mut has_column) = (Vec::new(), false);
        for value in values {
            let value = value?;
            match self.char_length(value, scope) {
                Some(length) => {
                    has_column = true;
                    lengths.push(length);
                }
                None => match value.as_literal()? {
                    text if text.is_null() => {}
                    ScalarValue::Utf8(Some(text)) => lengths.push(text.chars().count()),
                    _ => return None,
                },
            }
        }
        let most = lengths.iter().max().copied()?;
        (has_column && lengths.iter().any(|length| *length < most)).then_some(most)
    }

    fn blanks_behind(&mut self, value: Typed, length: usize, scope: &Scope) -> Result<Typed> {
        let (sql, name) = (value.sql.clone(), value.name.clone());
        let mut padded = match value.as_literal() {
            Some(ScalarValue::Utf8(Some(text))) => {
                let text = format!("{text}{}", " ".repeat(length.saturating_sub(text.chars().count())));
                Typed { expr: Expr::Literal(ScalarValue::Utf8(Some(text)), None), ..value }
            }
            Some(_) => value,
            None if self.char_length(&value, scope) == Some(length) => value,
            None => {
                let length = self.literal(&Literal::Integer(i32::try_from(length).unwrap_or(i32::MAX)))?;
                self.apply("rpad", vec![value, length])?
            }
        };
        (padded.sql, padded.name) = (sql, name);
        Ok(padded)
    }

    /// The length of the CHAR column that a value is.
    fn char_length(&self, value: &Typed, scope: &Scope) -> Option<usize> {
        if value.data_type != SparkType::String {
            return None;
        }
        let (Expr::Column(column) | Expr::OuterReferenceColumn(_, column)) = &value.expr else { return None };
        let scopes = std::iter::once(scope).chain(self.outer.iter().rev());
        let mut known = scopes.flat_map(|scope| scope.columns.iter().chain(&scope.hidden));
        let declared = known.find(|attribute| attribute.id == column.name)?.metadata.get("__CHAR_VARCHAR_TYPE_STRING")?;
        declared.strip_prefix("char(")?.strip_suffix(')')?.parse().ok()
    }
}
