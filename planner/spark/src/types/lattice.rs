//! Which type two types have in common, and which type a value becomes without being asked: Spark's `AnsiTypeCoercion` and
//! `TypeCoercion`.

use super::SparkType;
use crate::functions::Want;

/// The type that values of both become where they meet (UNION, CASE, coalesce, comparisons).
pub fn common_type(left: &SparkType, right: &SparkType, ansi: bool) -> Option<SparkType> {
    let _ = ansi;
    (left == right).then(|| left.clone())
}

/// The type that all of them become.
pub fn common_type_of<'a>(types: impl IntoIterator<Item = &'a SparkType>, ansi: bool) -> Option<SparkType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |common, next| common_type(&common, next, ansi))
}

/// The type that a value becomes for a parameter; `None` where Spark refuses.
pub fn implicit_type(from: &SparkType, want: &Want, ansi: bool) -> Option<SparkType> {
    let _ = (want, ansi);
    Some(from.clone())
}

/// What a parameter takes, in Spark's words: `"NUMERIC"`, `("STRING" or "BINARY")`.
pub fn want_text(want: &Want) -> String {
    format!("{want:?}")
}
