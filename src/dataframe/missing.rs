//! Missing values and statistics: `df.na()` and `df.stat()`.

use tidemill_spark::plan::{ExpressionKind, Literal, NaAction, NaFunction, RelationKind, StatAction, StatFunction};

use super::DataFrame;
use crate::column::Operand;

/// What can be done about missing values.
#[derive(Debug, Clone)]
pub struct NaFunctions {
    frame: DataFrame,
}

/// Statistics over columns.
#[derive(Debug, Clone)]
pub struct StatFunctions {
    frame: DataFrame,
}

impl DataFrame {
    /// What can be done about missing values.
    pub fn na(&self) -> NaFunctions {
        NaFunctions { frame: self.clone() }
    }

    /// Statistics over columns.
    pub fn stat(&self) -> StatFunctions {
        StatFunctions { frame: self.clone() }
    }

    /// `count`, `mean`, `stddev`, `min` and `max` of these columns; of none, of all numbers and texts.
    pub fn describe<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.statistics(StatAction::Describe(names(columns)))
    }

    /// These statistics of all numbers and texts.
    pub fn summary<'a>(&self, statistics: impl IntoIterator<Item = &'a str>) -> Self {
        self.statistics(StatAction::Summary(names(statistics)))
    }

    fn statistics(&self, action: StatAction) -> Self {
        self.then(RelationKind::StatFunction(Box::new(StatFunction { input: self.input(), action })))
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
        self.with(names(columns), NaAction::Fill(vec![literal(value)]))
    }

    /// The rows without null and NaN.
    pub fn drop(&self) -> DataFrame {
        self.with(Vec::new(), NaAction::Drop { min_non_nulls: None })
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
        let pairs = replacement.into_iter().map(|(old, new)| (literal(old), literal(new))).collect();
        self.with(names(columns), NaAction::Replace(pairs))
    }
}

impl StatFunctions {
    /// How often each pair of values comes.
    pub fn crosstab(&self, one: &str, other: &str) -> DataFrame {
        self.frame.statistics(StatAction::Crosstab(one.to_owned(), other.to_owned()))
    }

    /// Values that come in more than a share of the rows.
    pub fn freq_items<'a>(&self, columns: impl IntoIterator<Item = &'a str>, support: f64) -> DataFrame {
        self.frame.statistics(StatAction::FreqItems(names(columns), support))
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The value; null for what is none.
fn literal(value: impl Operand) -> Literal {
    match value.into_operand().expression.into_kind() {
        ExpressionKind::Literal(literal) => literal,
        _ => Literal::Null(tidemill_spark::types::SparkType::Null),
    }
}
