//! Missing values: `df.na()`, and the same as steps.

use tidemill_spark::plan::{ExpressionKind, Literal, NaAction, NaFunction, RelationKind};

use super::DataFrame;
use crate::column::{Column, Operand};

/// What can be done about missing values.
#[derive(Debug, Clone)]
pub struct NaFunctions {
    frame: DataFrame,
}

impl DataFrame {
    /// What can be done about missing values.
    pub fn na(&self) -> NaFunctions {
        NaFunctions { frame: self.clone() }
    }

    /// The rows without null and NaN; the same as `na().drop()`.
    pub fn dropna(&self) -> Self {
        self.na().drop()
    }

    /// A value for null and NaN in all columns of its kind; the same as `na().fill(value)`.
    pub fn fillna(&self, value: impl Operand) -> Self {
        self.na().fill(value)
    }

    /// Other values for some, in these columns; of none, in all. The same as `na().replace(columns, replacement)`.
    pub fn replace<'a, V: Operand>(
        &self,
        columns: impl IntoIterator<Item = &'a str>,
        replacement: impl IntoIterator<Item = (V, V)>,
    ) -> Self {
        self.na().replace(columns, replacement)
    }
}

impl NaFunctions {
    fn with(&self, columns: Vec<String>, action: NaAction) -> DataFrame {
        let function = NaFunction { input: self.frame.input(), columns, action };
        self.frame.then(RelationKind::NaFunction(Box::new(function)))
    }

    /// A value for null and NaN in all columns of its kind.
    pub fn fill(&self, value: impl Operand) -> DataFrame {
        self.fill_columns(value, [])
    }

    /// A value for null and NaN in these columns.
    pub fn fill_columns<'a>(&self, value: impl Operand, columns: impl IntoIterator<Item = &'a str>) -> DataFrame {
        match literal(value) {
            Ok(value) => self.with(names(columns), NaAction::Fill(vec![value])),
            Err(fault) => self.frame.filter(fault),
        }
    }

    /// A value of its own for each of these columns, for null and NaN.
    pub fn fill_each<'a, V: Operand>(&self, values: impl IntoIterator<Item = (&'a str, V)>) -> DataFrame {
        let values: Result<Vec<(String, Literal)>, Column> =
            values.into_iter().map(|(name, value)| Ok((name.to_owned(), literal(value)?))).collect();
        match values {
            Ok(values) => {
                let (columns, values) = values.into_iter().unzip();
                self.with(columns, NaAction::Fill(values))
            }
            Err(fault) => self.frame.filter(fault),
        }
    }

    /// The rows without null and NaN.
    pub fn drop(&self) -> DataFrame {
        self.with(Vec::new(), NaAction::Drop { min_non_nulls: None })
    }

    /// The rows with a value in some column at least: Spark's `how="all"`.
    pub fn drop_all_missing(&self) -> DataFrame {
        self.with(Vec::new(), NaAction::Drop { min_non_nulls: Some(1) })
    }

    /// The rows with at least so many values in these columns; without a number, with all of them.
    pub fn drop_columns<'a>(&self, columns: impl IntoIterator<Item = &'a str>, min_non_nulls: Option<i32>) -> DataFrame {
        self.with(names(columns), NaAction::Drop { min_non_nulls })
    }

    /// Other values for some, in these columns; of none, in all.
    pub fn replace<'a, V: Operand>(
        &self,
        columns: impl IntoIterator<Item = &'a str>,
        replacement: impl IntoIterator<Item = (V, V)>,
    ) -> DataFrame {
        let pairs: Result<Vec<_>, Column> = replacement.into_iter().map(|(old, new)| Ok((literal(old)?, literal(new)?))).collect();
        match pairs {
            Ok(pairs) => self.with(names(columns), NaAction::Replace(pairs)),
            Err(fault) => self.frame.filter(fault),
        }
    }
}

pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The value; a column that is the error, where it is an expression.
pub(super) fn literal(value: impl Operand) -> Result<Literal, Column> {
    match value.into_operand().expression.into_kind() {
        ExpressionKind::Literal(literal) => Ok(literal),
        _ => {
            let message = "a value stands here, and not an expression: for a computed one, use `with_column` with `coalesce` or `when`";
            Err(Column::new(ExpressionKind::Fault(message.to_owned())))
        }
    }
}
