//! A resolved expression: what the engine computes, Spark's type of it, and how Spark shows it.

use std::fmt;
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;

use crate::types::SparkType;

/// A resolved expression.
#[derive(Debug, Clone)]
pub struct Typed {
    /// What the engine computes; its Arrow type is the one that holds `data_type`.
    pub expr: Expr,
    /// Spark's type.
    pub data_type: SparkType,
    /// Whether it may be null.
    pub nullable: bool,
    /// How Spark shows it; the name of a column that gets no other.
    pub sql: Sql,
    /// The name of the column that it becomes, where that is not `sql`: an alias, an attribute as the query spelled it.
    pub name: Option<String>,
}

impl Typed {
    /// An expression under its own text.
    pub fn new(expr: Expr, data_type: SparkType, nullable: bool, sql: impl Into<Sql>) -> Self {
        Self { expr, data_type, nullable, sql: sql.into(), name: None }
    }

    /// A constant.
    pub fn literal(value: ScalarValue, data_type: SparkType, sql: impl Into<Sql>) -> Self {
        let nullable = value.is_null();
        Self::new(Expr::Literal(value, None), data_type, nullable, sql)
    }

    /// The same under another text, and no name.
    #[must_use]
    pub fn shown(mut self, sql: impl Into<Sql>) -> Self {
        self.sql = sql.into();
        self.name = None;
        self
    }

    /// The name of the column that it becomes.
    pub fn column_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.sql.to_string())
    }

    /// The value, where it is a literal (casts of literals are folded by `Call::constant`).
    pub fn as_literal(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }
}

impl Typed {
    /// The value, where a literal was written; not where a cast of one was folded.
    pub fn as_written(&self) -> Option<&ScalarValue> {
        self.as_literal().filter(|_| !self.sql.to_string().starts_with("CAST("))
    }
}

/// Text that is put together only when somebody asks for it, so that deep expressions cost what they say.
#[derive(Clone)]
pub struct Sql(Arc<Node>);

enum Node {
    Text(String),
    Parts(Vec<Sql>),
}

impl Sql {
    /// The parts one after the other.
    pub fn concat(parts: Vec<Sql>) -> Self {
        Self(Arc::new(Node::Parts(parts)))
    }

    /// `name(a, b)`
    pub fn call<'a>(name: &str, arguments: impl IntoIterator<Item = &'a Sql>) -> Self {
        let mut parts = vec![Sql::from(format!("{name}("))];
        for (i, argument) in arguments.into_iter().enumerate() {
            if i > 0 {
                parts.push(Sql::from(", "));
            }
            parts.push(argument.clone());
        }
        parts.push(Sql::from(")"));
        Self::concat(parts)
    }

    /// `(a op b)`
    pub fn infix(left: &Sql, operator: &str, right: &Sql) -> Self {
        Self::concat(vec![Sql::from("("), left.clone(), Sql::from(format!(" {operator} ")), right.clone(), Sql::from(")")])
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        Self(Arc::new(Node::Text(text.to_owned())))
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self(Arc::new(Node::Text(text)))
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A stack of our own: expressions may be deeper than the thread's.
        let mut stack = vec![self];
        while let Some(next) = stack.pop() {
            match next.0.as_ref() {
                Node::Text(text) => f.write_str(text)?,
                Node::Parts(parts) => stack.extend(parts.iter().rev()),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Drop for Node {
    /// Takes deep texts apart without recursion.
    fn drop(&mut self) {
        let Node::Parts(parts) = self else { return };
        let mut stack = std::mem::take(parts);
        while let Some(Sql(node)) = stack.pop() {
            if let Some(mut node) = Arc::into_inner(node)
                && let Node::Parts(parts) = &mut node
            {
                stack.append(parts);
            }
        }
    }
}
