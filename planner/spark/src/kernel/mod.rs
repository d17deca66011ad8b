//! How a function of ours runs: one engine function for all, around a plain function over Arrow arrays.

pub(crate) mod retype;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::plan::Span;
use crate::types::StructField;
use crate::types::{SparkType, field_of, to_arrow};
use crate::{Result, Settings};

/// What a kernel computes: one value per row from columns of the same length.
pub type ScalarKernel = fn(&KernelArgs<'_>) -> Result<ArrayRef>;

/// What a kernel is given.
#[derive(Debug)]
pub struct KernelArgs<'a> {
    /// The arguments, each of `rows` values, in the Arrow types of `types`.
    pub arrays: &'a [ArrayRef],
    /// How many rows.
    pub rows: usize,
    /// The arguments' types.
    pub types: &'a [SparkType],
    /// The type of the result; the array that is given back has its Arrow type.
    pub out: &'a SparkType,
    /// Constants that the call fixed: patterns, units, flags.
    pub constants: &'a [ScalarValue],
    /// The statement's settings.
    pub settings: &'a Settings,
}

/// A function of ours over given types.
#[derive(Debug, Clone)]
pub struct SparkScalar {
    name: String,
    kernel: ScalarKernel,
    types: Vec<SparkType>,
    out: SparkType,
    nullable: bool,
    constants: Vec<ScalarValue>,
    settings: Arc<Settings>,
    volatility: Volatility,
    /// Where in the statement it was called; two calls are the same wherever they stand.
    span: Option<Span>,
    signature: Signature,
    /// Whether the kernel takes one value for a constant.
    single: bool,
}

impl SparkScalar {
    /// `kernel` under a name that no other kernel has.
    pub fn new(name: impl Into<String>, kernel: ScalarKernel, types: Vec<SparkType>, out: SparkType, settings: Arc<Settings>) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        let name = name.into();
        Self {
            name,
            kernel,
            types,
            out,
            nullable: true,
            constants: Vec::new(),
            settings,
            volatility: Volatility::Immutable,
            span: None,
            signature,
            single: false,
        }
    }

    /// With constants.
    #[must_use]
    pub fn with_constants(mut self, constants: Vec<ScalarValue>) -> Self {
        self.constants = constants;
        self
    }

    /// One whose kernel takes constants as arrays of one value, whatever `rows` is.
    #[must_use]
    pub fn taking_single_values(mut self) -> Self {
        self.single = true;
        self
    }

    /// One that gives another value at every call.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self.signature = Signature::user_defined(Volatility::Volatile);
        self
    }

    /// Whether its result may be null.
    #[must_use]
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// Called at `span`.
    #[must_use]
    pub fn at(mut self, span: Option<Span>) -> Self {
        self.span = span;
        self
    }

    /// The call over these arguments.
    pub fn call(self, args: Vec<Expr>) -> Expr {
        Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(self)), args))
    }
}

impl PartialEq for SparkScalar {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.types == other.types
            && self.out == other.out
            && self.constants == other.constants
            && self.volatility == other.volatility
            && (Arc::ptr_eq(&self.settings, &other.settings) || self.settings == other.settings)
    }
}

impl Eq for SparkScalar {}

impl Hash for SparkScalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.types.hash(state);
        self.out.hash(state);
        self.constants.hash(state);
    }
}

impl ScalarUDFImpl for SparkScalar {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    /// The call as it is read; a tall one by a number, as the engine asks at each level of a tree.
    fn schema_name(&self, args: &[Expr]) -> DfResult<String> {
        const MOST_NODES: usize = 40;
        let mut nodes = 0;
        for arg in args {
            arg.apply(|_| {
                nodes += 1;
                Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
        }
        if nodes <= MOST_NODES {
            let shown: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
            return Ok(format!("{}({})", self.name, shown.join(",")));
        }
        let mut hasher = DefaultHasher::new();
        (self, args).hash(&mut hasher);
        Ok(format!("{}#{:016x}", self.name, hasher.finish()))
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(to_arrow(&self.out))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> DfResult<FieldRef> {
        // An argument may have become nullable since, as a key of grouping sets does.
        let nullable = self.nullable || args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(field_of(&StructField::new(&self.name, self.out.clone()).with_nullable(nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        if args.number_rows == 0 {
            // Without rows there are no errors: a branch of CASE that no row takes.
            return Ok(ColumnarValue::Array(arrow::array::new_empty_array(&to_arrow(&self.out))));
        }
        // Constants alone are computed once.
        let constant = self.volatility != Volatility::Volatile && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let one = |arg: &ColumnarValue| arg.to_array(if self.single && matches!(arg, ColumnarValue::Scalar(_)) { 1 } else { rows });
        let mut arrays = args.args.iter().map(one).collect::<DfResult<Vec<_>>>()?;
        // The optimizer asks what a condition gives for nulls, and gives it nulls of no type.
        for (array, wanted) in arrays.iter_mut().zip(&self.types) {
            if array.data_type() == &DataType::Null && *wanted != SparkType::Null {
                *array = arrow::array::new_null_array(&to_arrow(wanted), array.len());
            }
        }
        let kernel_args =
            KernelArgs { arrays: &arrays, rows, types: &self.types, out: &self.out, constants: &self.constants, settings: &self.settings };
        let made = (self.kernel)(&kernel_args).map_err(|error| DataFusionError::from(crate::error::at(error, self.span)))?;
        // Names and remarks of nested fields are those that were promised.
        let promised = args.return_field.data_type();
        let made = if made.data_type() == promised {
            made
        } else {
            match made.to_data().into_builder().data_type(promised.clone()).build() {
                Ok(data) => arrow::array::make_array(data),
                Err(_) => retype::retype(&made, promised)?,
            }
        };
        if constant {
            return Ok(ColumnarValue::Scalar(single(&made)?));
        }
        Ok(ColumnarValue::Array(made))
    }
}

/// The one value of an array, its nested fields' names and remarks kept.
fn single(array: &ArrayRef) -> DfResult<ScalarValue> {
    use arrow::array::AsArray;
    Ok(match array.data_type() {
        DataType::List(_) => ScalarValue::List(Arc::new(array.as_list::<i32>().clone())),
        DataType::Struct(_) => ScalarValue::Struct(Arc::new(array.as_struct().clone())),
        DataType::Map(..) => ScalarValue::Map(Arc::new(array.as_map().clone())),
        _ => ScalarValue::try_from_array(array, 0)?,
    })
}
