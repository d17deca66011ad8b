//! Trees as tall as programs make them: copying, comparing, printing, writing and dropping one takes more stack as it needs it.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Expression, ExpressionKind, Relation, RelationKind};

/// How tall a tree may be that is to mean something, in expressions and relations. In a text a relation counts twice.
pub(crate) const MAX_HEIGHT: usize = 600;

/// Less is too little for one more level of a tree: in a debug build it takes up to 30 KiB.
const LEAST_BYTES: usize = 128 << 10;

/// What a new piece of stack has.
const PIECE_BYTES: usize = 4 << 20;

/// Goes one level deeper, on a new piece of stack where the old one ends.
pub(crate) fn deeper<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(LEAST_BYTES, PIECE_BYTES, work)
}

/// Does work on trees whose parts do not grow the stack by themselves: those of the engine.
pub fn on_far_stack<R>(work: impl FnOnce() -> R) -> R {
    const FAR_BYTES: usize = 64 << 20;
    stacker::grow(FAR_BYTES, work)
}

/// Writes a level of a tree.
///
/// # Errors
/// Those of the writer.
pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    deeper(|| value.serialize(serializer))
}

/// Reads a level of a tree.
///
/// # Errors
/// Those of the reader.
pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deeper(|| T::deserialize(deserializer))
}

impl Clone for Expression {
    fn clone(&self) -> Self {
        deeper(|| Self { kind: self.kind.clone(), span: self.span })
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && deeper(|| self.kind == other.kind)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        deeper(|| f.debug_struct("Expression").field("kind", &self.kind).field("span", &self.span).finish())
    }
}

impl Drop for Expression {
    fn drop(&mut self) {
        if !is_leaf(&self.kind) {
            let kind = std::mem::replace(&mut self.kind, ExpressionKind::Default);
            deeper(|| drop(kind));
        }
    }
}

fn is_leaf(kind: &ExpressionKind) -> bool {
    matches!(kind, ExpressionKind::Literal(_) | ExpressionKind::UnresolvedAttribute { .. } | ExpressionKind::Default)
}

impl PartialEq for Relation {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span
            && self.plan_id == other.plan_id
            && (Arc::ptr_eq(&self.kind, &other.kind) || deeper(|| self.kind == other.kind))
    }
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        deeper(|| f.debug_struct("Relation").field("kind", &self.kind).field("span", &self.span).field("plan_id", &self.plan_id).finish())
    }
}

impl Drop for Relation {
    fn drop(&mut self) {
        static NOTHING: LazyLock<Arc<RelationKind>> = LazyLock::new(|| Arc::new(RelationKind::OneRow));
        // Whoever else holds it drops it later.
        if Arc::strong_count(&self.kind) == 1 {
            let kind = std::mem::replace(&mut self.kind, Arc::clone(&NOTHING));
            deeper(|| drop(kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows filtered so often, by a condition so tall.
    fn tree(steps: usize) -> Relation {
        let condition = (0..steps).fold(Expression::literal(true), |e, _| Expression::operator("not", vec![e]));
        let rows: Relation = RelationKind::OneRow.into();
        (0..steps).fold(rows, |input, _| RelationKind::Filter { input, condition: Expression::literal(true) }.into()).filtered(condition)
    }

    impl Relation {
        fn filtered(self, condition: Expression) -> Self {
            RelationKind::Filter { input: self, condition }.into()
        }
    }

    #[test]
    fn trees_may_be_taller_than_the_stack() {
        let work = || {
            let made = tree(20_000);
            let again = tree(20_000);
            assert!(made == again);
            assert!(made.clone() == made);
            assert!(format!("{made:?}").len() > 20_000);
            let RelationKind::Filter { condition, .. } = made.kind.as_ref() else { panic!("it is filtered") };
            assert!(condition.clone() == *condition);
            assert!(condition.to_string().starts_with("(NOT (NOT"));
            let written = serde_json::to_value(condition).expect("a tree can be written");
            // The reader's own values are dropped by recursion.
            stacker::grow(256 << 20, || {
                let read: Expression = serde_json::from_value(written).expect("a tree can be read");
                assert!(read == *condition);
            });
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread starts");
        thread.join().expect("no panic");
    }
}
