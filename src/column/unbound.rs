//! The parts of an expression that only a DataFrame's columns can settle, kept in the expression tree as marker functions
//! until binding replaces them. A marker that is still there when a query runs is a bug.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// What has to be settled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Unbound {
    /// A function of this name over the arguments.
    Call { name: String, distinct: bool },
    /// An expression written in SQL.
    Sql(String),
    /// A field of the one argument, a struct.
    Field(String),
    /// The one argument as the type that this DDL names.
    Cast { ddl: String, strict: bool },
    /// All columns, or those of one relation.
    Star(Option<String>),
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Marker {
    pub(crate) what: Unbound,
    signature: Signature,
}

impl Unbound {
    /// The marker over `args`.
    pub(crate) fn over(self, args: Vec<Expr>) -> Expr {
        let marker = Marker { what: self, signature: Signature::variadic_any(Volatility::Volatile) };
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(marker)), args))
    }

    /// What `function` stands for, if it is a marker.
    pub(crate) fn of(function: &ScalarFunction) -> Option<&Self> {
        function.func.inner().downcast_ref::<Marker>().map(|marker| &marker.what)
    }
}

impl ScalarUDFImpl for Marker {
    fn name(&self) -> &str {
        match &self.what {
            Unbound::Call { name, .. } => name,
            Unbound::Sql(text) => text,
            Unbound::Field(name) => name,
            Unbound::Cast { .. } => "cast",
            Unbound::Star(_) => "*",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("`{}` was not bound to a DataFrame", self.name())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("`{}` was not bound to a DataFrame", self.name())
    }
}
