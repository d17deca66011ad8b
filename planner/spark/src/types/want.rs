//! What types a parameter takes, as a description: the lattice says what an argument becomes.

use super::SparkType;

/// What type of argument a function takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// Just this one.
    Type(SparkType),
    /// A type of any kind.
    Any,
    /// `Byte` to `Double` and decimals; text becomes a double.
    Numeric,
    /// Whole numbers; text becomes a bigint.
    Integral,
    /// `decimal` of any digits.
    AnyDecimal,
    /// Numbers and ANSI intervals.
    NumericOrInterval,
    /// Text or bytes.
    StringOrBinary,
    /// Text: string, char, varchar.
    String,
    /// Any array.
    Array,
    /// Any map.
    Map,
    /// Any struct.
    Struct,
    /// Any of these: the first that the type is, else the first that it can become.
    OneOf(Vec<Want>),
}
