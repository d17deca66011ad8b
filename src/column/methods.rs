//! The methods of [`Column`], by Spark's names.

use tidemill_spark::plan::{CastMode, Expression, ExpressionKind, SortOrder};
use tidemill_spark::types::SparkType;

use super::{Column, Operand, WindowSpec};
use crate::held::Held;

/// A type, as DDL text (`"decimal(10,2)"`) or as a value.
#[derive(Debug, Clone)]
pub enum TypeName {
    /// In Spark's DDL.
    Text(String),
    /// As it is.
    Type(SparkType),
}

impl From<&str> for TypeName {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for TypeName {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<SparkType> for TypeName {
    fn from(data_type: SparkType) -> Self {
        Self::Type(data_type)
    }
}

macro_rules! operator_methods {
    ($($(#[$doc:meta])* $name:ident => $op:literal),* $(,)?) => {
        impl Column {
            $(
                $(#[$doc])*
                #[must_use]
                #[allow(clippy::should_implement_trait)]
                pub fn $name(self, other: impl Operand) -> Self {
                    Self::operator($op, [self, other.into_operand()])
                }
            )*
        }
    };
}

operator_methods! {
    /// Equal; null when a side is null.
    eq => "=",
    /// Not equal; null when a side is null.
    neq => "!=",
    /// Not equal; the same as [`Column::neq`].
    not_eq => "!=",
    /// Equal, where null equals null.
    eq_null_safe => "<=>",
    /// Greater than.
    gt => ">",
    /// Greater than or equal.
    geq => ">=",
    /// Less than.
    lt => "<",
    /// Less than or equal.
    leq => "<=",
    /// Both hold.
    and => "and",
    /// One of the two holds.
    or => "or",
    /// It matches a pattern in which `%` stands for any text and `_` for one character.
    like => "like",
    /// It matches such a pattern, upper and lower case alike.
    ilike => "ilike",
    /// A Java regular expression matches somewhere in it.
    rlike => "rlike",
    /// The bits that both have.
    bitwise_and => "&",
    /// The bits that one of the two has.
    bitwise_or => "|",
    /// The bits that just one of the two has.
    bitwise_xor => "^",
}

macro_rules! postfix_methods {
    ($($(#[$doc:meta])* $name:ident => $op:literal),* $(,)?) => {
        impl Column {
            $(
                $(#[$doc])*
                #[must_use]
                #[allow(clippy::should_implement_trait)]
                pub fn $name(self) -> Self {
                    Self::operator($op, [self])
                }
            )*
        }
    };
}

postfix_methods! {
    /// It does not hold.
    not => "not",
    /// It is null.
    is_null => "isnull",
    /// It is not null.
    is_not_null => "isnotnull",
    /// All bits the other way round.
    bitwise_not => "~",
}

macro_rules! order_methods {
    ($($(#[$doc:meta])* $name:ident => $ascending:literal $nulls_first:literal),* $(,)?) => {
        impl Column {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(self) -> Self {
                    self.ordered($ascending, $nulls_first)
                }
            )*
        }
    };
}

order_methods! {
    /// Rising order, nulls first, as in Spark.
    asc => true true,
    /// Rising order, nulls first.
    asc_nulls_first => true true,
    /// Rising order, nulls last.
    asc_nulls_last => true false,
    /// Falling order, nulls last, as in Spark.
    desc => false false,
    /// Falling order, nulls first.
    desc_nulls_first => false true,
    /// Falling order, nulls last.
    desc_nulls_last => false false,
}

impl Column {
    fn ordered(self, ascending: bool, nulls_first: bool) -> Self {
        let held = self.held.clone();
        let child = self.into_sort_order().child;
        Self::holding(ExpressionKind::SortOrder(Box::new(SortOrder { child, ascending, nulls_first })), held)
    }

    /// The same values under another name.
    #[must_use]
    pub fn alias(self, name: impl Into<String>) -> Self {
        self.map(|expression| expression.alias(name))
    }

    /// The same as [`Column::alias`].
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.alias(name)
    }

    /// The same as [`Column::alias`].
    #[must_use]
    pub fn as_(self, name: impl Into<String>) -> Self {
        self.alias(name)
    }

    /// The columns of a function that gives several, under these names.
    #[must_use]
    pub fn aliases<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let name = names.into_iter().map(Into::into).collect();
        self.map(|expression| ExpressionKind::Alias { expr: Box::new(expression), name })
    }

    /// The same as [`Column::cast`].
    #[must_use]
    pub fn astype(self, to_type: impl Into<TypeName>) -> Self {
        self.cast(to_type)
    }

    /// Its values as another type: `"bigint"`, `"decimal(10,2)"`; a value that does not fit is an error in ANSI mode.
    #[must_use]
    pub fn cast(self, to_type: impl Into<TypeName>) -> Self {
        self.cast_as(to_type.into(), CastMode::Session)
    }

    /// Its values as another type; a value that does not fit becomes null.
    #[must_use]
    pub fn try_cast(self, to_type: impl Into<TypeName>) -> Self {
        self.cast_as(to_type.into(), CastMode::Try)
    }

    fn cast_as(self, to_type: TypeName, mode: CastMode) -> Self {
        self.map(|expression| {
            let expr = Box::new(expression);
            match to_type {
                TypeName::Text(to_type) => ExpressionKind::UnresolvedCast { expr, to_type, mode },
                TypeName::Type(to_type) => ExpressionKind::Cast { expr, to_type, mode },
            }
        })
    }

    /// It lies between the two, ends included.
    #[must_use]
    pub fn between(self, low: impl Operand, high: impl Operand) -> Self {
        Self::operator("between", [self, low.into_operand(), high.into_operand()])
    }

    /// It is one of the values; of none it never is.
    #[must_use]
    pub fn isin<O: Operand>(self, values: impl IntoIterator<Item = O>) -> Self {
        let mut list = vec![self];
        list.extend(values.into_iter().map(Operand::into_operand));
        if list.len() == 1 { false.into_operand() } else { Self::operator("in", list) }
    }

    /// It is not a number.
    #[must_use]
    pub fn is_nan(self) -> Self {
        Self::call("isnan", [self])
    }

    /// It starts with the text.
    #[must_use]
    pub fn starts_with(self, prefix: impl Operand) -> Self {
        Self::call("startswith", [self, prefix.into_operand()])
    }

    /// It ends with the text.
    #[must_use]
    pub fn ends_with(self, suffix: impl Operand) -> Self {
        Self::call("endswith", [self, suffix.into_operand()])
    }

    /// It contains the text.
    #[must_use]
    pub fn contains(self, part: impl Operand) -> Self {
        Self::call("contains", [self, part.into_operand()])
    }

    /// So many characters from a place that counts from 1.
    #[must_use]
    pub fn substr(self, position: impl Operand, length: impl Operand) -> Self {
        Self::call("substring", [self, position.into_operand(), length.into_operand()])
    }

    /// An element of an array by its place from 0, or of a map by its key.
    #[must_use]
    pub fn get_item(self, key: impl Operand) -> Self {
        let extraction = Box::new(key.into_operand().expression);
        self.map(|child| ExpressionKind::UnresolvedExtractValue { child: Box::new(child), extraction, dotted: false })
    }

    /// A field of a struct.
    #[must_use]
    pub fn get_field(self, name: impl Into<String>) -> Self {
        let extraction = Box::new(Expression::literal(name.into()));
        self.map(|child| ExpressionKind::UnresolvedExtractValue { child: Box::new(child), extraction, dotted: true })
    }

    /// The struct with a field added, or replaced when there is one of that name; `a.b` is the field `b` of the struct `a` in it.
    #[must_use]
    pub fn with_field(self, name: impl Into<String>, value: impl Operand) -> Self {
        let value = value.into_operand();
        let (name, held) = (name.into(), self.held.and(&value.held));
        let made = self.map(|child| ExpressionKind::UpdateFields { child: Box::new(child), name, value: Some(Box::new(value.expression)) });
        Self { held, ..made }
    }

    /// The struct without fields; names that are not there are left out, as in Spark.
    #[must_use]
    pub fn drop_fields<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let drop = |column: Self, name: S| {
            let name = name.into();
            column.map(|child| ExpressionKind::UpdateFields { child: Box::new(child), name, value: None })
        };
        names.into_iter().fold(self, drop)
    }

    /// A column of the query around, in a query that is a part of another: `df.exists()`, `df.scalar()`, `lateral_join`.
    #[must_use]
    pub fn outer(self) -> Self {
        self.map(|expression| ExpressionKind::Outer(Box::new(expression)))
    }

    /// What a function makes of it, so that calls read from left to right.
    #[must_use]
    pub fn transform(self, function: impl FnOnce(Self) -> Self) -> Self {
        function(self)
    }

    /// The next branch of a [`when`](crate::functions::when).
    #[must_use]
    pub fn when(self, condition: Self, value: impl Operand) -> Self {
        let value = value.into_operand();
        let held = condition.held.and(&value.held);
        self.case(held, |branches, _| branches.push((condition.expression, value.expression)))
    }

    /// The value when no branch of a [`when`](crate::functions::when) holds; null if it is not called.
    #[must_use]
    pub fn otherwise(self, value: impl Operand) -> Self {
        let value = value.into_operand();
        self.case(value.held, |_, otherwise| *otherwise = Some(Box::new(value.expression)))
    }

    fn case(self, held: Held, change: impl FnOnce(&mut Vec<(Expression, Expression)>, &mut Option<Box<Expression>>)) -> Self {
        let (held, span) = (self.held.and(&held), self.expression.span);
        let (operand, mut branches, mut otherwise) = match self.expression.into_kind() {
            ExpressionKind::Case { operand, branches, otherwise } => (operand, branches, otherwise),
            // On something that is no `when` there is one branch, which always holds.
            kind => {
                let value = Expression { kind, span };
                (None, vec![(Expression::literal(true), value)], None)
            }
        };
        change(&mut branches, &mut otherwise);
        Self::holding(ExpressionKind::Case { operand, branches, otherwise }, held)
    }

    /// Its value over a window of rows, of an aggregate or a window function.
    #[must_use]
    pub fn over(self, window: impl Into<WindowSpec>) -> Self {
        let spec = Box::new(window.into().spec);
        // An alias stays outside.
        self.map(|expression| {
            let span = expression.span;
            match expression.into_kind() {
                ExpressionKind::Alias { expr, name } => {
                    let over = ExpressionKind::Window { window_function: expr, spec };
                    ExpressionKind::Alias { expr: Box::new(over.into()), name }
                }
                kind => {
                    let window_function = Box::new(Expression { kind, span });
                    ExpressionKind::Window { window_function, spec }
                }
            }
        })
    }
}
