//! Expressions as they were said: names not looked up, operators not chosen, types not settled.

use serde::{Deserialize, Serialize};

use super::{Literal, Relation, Span};
use crate::types::SparkType;

/// Which relation of a program an attribute was taken from, as in `df.col("id")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlanId(pub u64);

/// An expression and its place in the text, if it came from one.
#[derive(Serialize, Deserialize)]
pub struct Expression {
    /// What it is.
    #[serde(serialize_with = "super::deep::serialize", deserialize_with = "super::deep::deserialize")]
    pub kind: ExpressionKind,
    /// Where it was said.
    pub span: Option<Span>,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExpressionKind {
    /// A constant.
    Literal(Literal),
    /// A name, dotted: a column, a field of one, a lambda's argument, a variable.
    UnresolvedAttribute {
        /// Its parts, quotes taken away.
        name: Vec<String>,
        /// The relation that it was taken from.
        plan_id: Option<PlanId>,
    },
    /// `*`, `t.*`, `* EXCEPT (a, b.c)`
    UnresolvedStar {
        /// What stands before the `*`.
        target: Vec<String>,
        /// The columns left out.
        except: Vec<Vec<String>>,
    },
    /// A column whose name matches a pattern: a backquoted name under `spark.sql.parser.quotedRegexColumnNames`, and `df.colRegex`.
    UnresolvedRegex {
        /// A Java regular expression.
        pattern: String,
        /// What stands before it.
        target: Vec<String>,
        /// The relation that it was taken from.
        plan_id: Option<PlanId>,
    },
    /// A call. Operators are calls too, by the names in [`operator`].
    UnresolvedFunction(Box<FunctionCall>),
    /// A call of a function that the program holds.
    UserFunction {
        /// Its name.
        name: String,
        /// The session's number for it.
        handle: u64,
        /// The arguments.
        arguments: Vec<Expression>,
    },
    /// `name => value` in a call.
    NamedArgument {
        /// The parameter.
        name: String,
        /// Its value.
        value: Box<Expression>,
    },
    /// `expr AS name`, `expr AS (a, b)`
    Alias {
        /// What is named.
        expr: Box<Expression>,
        /// One name, or several for a generator.
        name: Vec<String>,
    },
    /// `CAST(expr AS type)`, `expr::type`, `TRY_CAST(…)`
    Cast {
        /// What is cast.
        expr: Box<Expression>,
        /// To which type.
        to_type: SparkType,
        /// What happens to values that do not fit.
        mode: CastMode,
    },
    /// A cast of a program whose type is text: `col("a").cast("decimal(10,2)")`.
    UnresolvedCast {
        /// What is cast.
        expr: Box<Expression>,
        /// To which type, in DDL.
        to_type: String,
        /// What happens to values that do not fit.
        mode: CastMode,
    },
    /// `expr[key]`, and `expr.field` where `expr` is no name.
    UnresolvedExtractValue {
        /// An array, a map or a struct.
        child: Box<Expression>,
        /// An index, a key, or a field's name as a string literal.
        extraction: Box<Expression>,
        /// Whether it was said with a dot.
        dotted: bool,
    },
    /// A struct with a field added, replaced or left out: `col.withField`, `col.dropFields`.
    UpdateFields {
        /// The struct.
        child: Box<Expression>,
        /// The field, dotted for one of a struct inside.
        name: String,
        /// The field's value; none leaves it out.
        value: Option<Box<Expression>>,
    },
    /// A column of the query around: `col.outer()`.
    Outer(Box<Expression>),
    /// `CASE [operand] WHEN … THEN … ELSE … END`
    Case {
        /// `CASE operand WHEN`
        operand: Option<Box<Expression>>,
        /// (condition or value, result)
        branches: Vec<(Expression, Expression)>,
        /// `ELSE`
        otherwise: Option<Box<Expression>>,
    },
    /// `x -> …`, `(x, y) -> …`
    LambdaFunction {
        /// Its arguments.
        arguments: Vec<String>,
        /// What it computes.
        function: Box<Expression>,
    },
    /// `call(…) OVER (…)`
    Window {
        /// The call.
        window_function: Box<Expression>,
        /// Over what.
        spec: Box<WindowSpec>,
    },
    /// A key to sort by: only in sort lists and calls.
    SortOrder(Box<SortOrder>),
    /// `(SELECT …)` as a value
    ScalarSubquery(Box<Relation>),
    /// `EXISTS (SELECT …)`
    Exists(Box<Relation>),
    /// `value IN (SELECT …)`; several values for a tuple. `NOT IN` is `not` over it.
    InSubquery {
        /// The values.
        values: Vec<Expression>,
        /// The query.
        plan: Box<Relation>,
    },
    /// `TABLE(query)` or `TABLE(name)` as an argument of a table function.
    TableArgument(Box<Relation>),
    /// `expr COLLATE name`
    Collate {
        /// Text.
        expr: Box<Expression>,
        /// The collation's name.
        collation: Vec<String>,
    },
    /// `:name` or `?`, before parameters are put in.
    Parameter(ParameterName),
    /// `IDENTIFIER(expr)` as a column; `rest` are the parts after it.
    Identifier {
        /// Constant text.
        expr: Box<Expression>,
        /// Parts that follow with dots.
        rest: Vec<String>,
    },
    /// SQL text in a program: `expr("a + 1")`.
    ExpressionString(String),
    /// `DEFAULT` in an INSERT, UPDATE, or SET VARIABLE.
    Default,
    /// What a program said and has no meaning: an error with this message when it is resolved. Building a tree cannot fail.
    Fault(String),
}

/// Which parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterName {
    /// `:name`
    Named(String),
    /// The n-th `?`, from 0.
    Position(usize),
}

/// What a cast does with a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CastMode {
    /// An error in ANSI mode, null or a wrapped value in legacy mode.
    Session,
    /// Null.
    Try,
}

/// `name(DISTINCT args ORDER BY …) WITHIN GROUP (ORDER BY …) FILTER (WHERE …) IGNORE NULLS`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The name's parts; for an operator one of [`operator`]. None if it is computed: then the first argument is the `IDENTIFIER(expr)`.
    pub name: Vec<String>,
    /// The arguments; `count(*)` has an [`ExpressionKind::UnresolvedStar`].
    pub arguments: Vec<Expression>,
    /// `DISTINCT`
    pub is_distinct: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Expression>,
    /// `WITHIN GROUP (ORDER BY …)`, or an ORDER BY inside the parentheses
    pub order_by: Vec<SortOrder>,
    /// `IGNORE NULLS` (true), `RESPECT NULLS` (false)
    pub ignore_nulls: Option<bool>,
    /// Whether it was said as an operator, and is shown as one.
    pub is_operator: bool,
}

/// The names of operators, as calls have them.
///
/// | SQL | call |
/// |---|---|
/// | `a + b`, `- * / %`, `DIV`, `\|\|` | `+ - * / % div \|\|` of two |
/// | `-a`, `+a`, `~a` | `negative`, `positive`, `~` |
/// | `a & b`, `a \| b`, `a ^ b`, `<<`, `>>`, `>>>` | `& \| ^ << >> >>>` |
/// | `= == <> != < <= > >= <=>` | `= = != != < <= > >= <=>` (`NOT (a = b)` is how Spark shows `!=`) |
/// | `AND OR NOT !` | `and or not !` |
/// | `a BETWEEN b AND c` | `between` of three; `NOT BETWEEN` is `not` over it |
/// | `a IN (b, c)` | `in`, the value first |
/// | `a LIKE b [ESCAPE c]`, ILIKE, RLIKE/REGEXP | `like`, `ilike`, `rlike`; the escape is a third argument |
/// | `a LIKE ANY/SOME/ALL (b, c)` and NOT, ILIKE | `like_any`, `like_all`, `not_like_any`, `not_like_all`, `ilike_any`, … the value first |
/// | `IS NULL`, `IS NOT NULL` | `isnull`, `isnotnull` |
/// | `IS [NOT] TRUE/FALSE/UNKNOWN` | `istrue`, `isfalse`, `isunknown`; `not` over it |
/// | `IS [NOT] DISTINCT FROM` | `not` over `<=>`; `<=>` |
/// | `(a, b)` | `struct`, not shown as an operator |
pub mod operator {
    /// Names of calls that stand for operators.
    pub const ALL: &[&str] = &[
        "+",
        "-",
        "*",
        "/",
        "%",
        "div",
        "||",
        "negative",
        "positive",
        "~",
        "&",
        "|",
        "^",
        "<<",
        ">>",
        ">>>",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "<=>",
        "and",
        "or",
        "not",
        "!",
        "between",
        "in",
        "like",
        "ilike",
        "rlike",
        "like_any",
        "like_all",
        "not_like_any",
        "not_like_all",
        "ilike_any",
        "ilike_all",
        "not_ilike_any",
        "not_ilike_all",
        "isnull",
        "isnotnull",
        "istrue",
        "isfalse",
        "isunknown",
    ];
}

/// A key to sort by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SortOrder {
    /// By what.
    pub child: Expression,
    /// Rising or falling.
    pub ascending: bool,
    /// Where nulls stand; first when rising, last when falling unless said.
    pub nulls_first: bool,
}

/// `OVER (PARTITION BY … ORDER BY … frame)`, or the name of a window that a WINDOW clause defines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// `OVER name`, `OVER (name)`
    pub reference: Option<String>,
    /// `PARTITION BY`
    pub partition_by: Vec<Expression>,
    /// `ORDER BY`
    pub order_by: Vec<SortOrder>,
    /// The frame, if one is said.
    pub frame: Option<WindowFrame>,
}

/// `ROWS BETWEEN lower AND upper`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowFrame {
    /// Rows or values.
    pub unit: FrameUnit,
    /// Where it begins.
    pub lower: FrameBound,
    /// Where it ends.
    pub upper: FrameBound,
}

/// What a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Values of the sort key.
    Range,
}

/// An end of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FrameBound {
    /// The partition's first row.
    UnboundedPreceding,
    /// So much before the current row.
    Preceding(Expression),
    /// The current row and its peers.
    CurrentRow,
    /// So much after the current row.
    Following(Expression),
    /// The partition's last row.
    UnboundedFollowing,
}

/// The parts of a dotted name; backticks quote a part, and two in a row inside one stand for one. Text that is no such name is one part.
pub fn name_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' if quoted && chars.peek() == Some(&'`') => {
                chars.next();
                if let Some(last) = parts.last_mut() {
                    last.push('`');
                }
            }
            '`' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => {
                if let Some(last) = parts.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    if quoted || parts.iter().any(String::is_empty) { vec![name.to_owned()] } else { parts }
}

impl From<ExpressionKind> for Expression {
    fn from(kind: ExpressionKind) -> Self {
        Self { kind, span: None }
    }
}

impl Expression {
    /// The same expression, said at `span`.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// What it is, taken out.
    pub fn into_kind(mut self) -> ExpressionKind {
        std::mem::replace(&mut self.kind, ExpressionKind::Default)
    }

    /// A constant.
    pub fn literal(value: impl Into<Literal>) -> Self {
        ExpressionKind::Literal(value.into()).into()
    }

    /// A name as programs write it: `a`, `t.a`, `` `odd name`.field ``, `*`, `t.*`.
    pub fn named(name: &str) -> Self {
        if name == "*" {
            return Self::star();
        }
        match name.strip_suffix(".*") {
            Some(target) => ExpressionKind::UnresolvedStar { target: name_parts(target), except: Vec::new() }.into(),
            None => Self::attribute(name_parts(name)),
        }
    }

    /// A name, in parts.
    pub fn attribute(name: impl IntoIterator<Item = impl Into<String>>) -> Self {
        ExpressionKind::UnresolvedAttribute { name: name.into_iter().map(Into::into).collect(), plan_id: None }.into()
    }

    /// `*`
    pub fn star() -> Self {
        ExpressionKind::UnresolvedStar { target: Vec::new(), except: Vec::new() }.into()
    }

    /// A call by name.
    pub fn call(name: impl Into<String>, arguments: Vec<Expression>) -> Self {
        ExpressionKind::UnresolvedFunction(Box::new(FunctionCall::new(name, arguments))).into()
    }

    /// An operator: see [`operator`].
    pub fn operator(name: impl Into<String>, arguments: Vec<Expression>) -> Self {
        let call = FunctionCall { is_operator: true, ..FunctionCall::new(name, arguments) };
        ExpressionKind::UnresolvedFunction(Box::new(call)).into()
    }

    /// `self AS name`
    #[must_use]
    pub fn alias(self, name: impl Into<String>) -> Self {
        let span = self.span;
        Self { kind: ExpressionKind::Alias { expr: Box::new(self), name: vec![name.into()] }, span }
    }
}

impl FunctionCall {
    /// A plain call.
    pub fn new(name: impl Into<String>, arguments: Vec<Expression>) -> Self {
        Self {
            name: vec![name.into()],
            arguments,
            is_distinct: false,
            filter: None,
            order_by: Vec::new(),
            ignore_nulls: None,
            is_operator: false,
        }
    }
}
