//! `s.array[0]`, `array[0].x`, `struct(…).a`: chains of fields and subscripts, brought into the form that the planner reads. The
//! names of fields are no columns.

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Subscript};

use super::respell::string;

/// Takes the fields at the head of the chain into the name that it starts from, and writes later ones as text. What is left,
/// when that is a plain name.
pub(super) fn accesses_by_text(root: &mut Box<Expr>, chain: &mut Vec<AccessExpr>) -> Option<Expr> {
    while let Some(AccessExpr::Dot(Expr::Identifier(field))) = chain.first() {
        let parts = match root.as_mut() {
            Expr::Identifier(ident) => vec![ident.clone(), field.clone()],
            Expr::CompoundIdentifier(parts) => parts.iter().cloned().chain([field.clone()]).collect(),
            _ => break,
        };
        **root = Expr::CompoundIdentifier(parts);
        chain.remove(0);
    }
    for access in chain.iter_mut() {
        if let AccessExpr::Dot(Expr::Identifier(field)) = access {
            *access = AccessExpr::Subscript(Subscript::Index { index: string(&field.value) });
        }
    }
    chain.is_empty().then(|| root.as_ref().clone())
}
