//! Sets of keys: those of ROLLUP, CUBE and GROUPING SETS, by number, and how many there may be.

use crate::error::error;
use crate::plan::{Expression, ExpressionKind, GroupType};
use crate::{Result, Typed};

/// The expressions that are grouped by, those inside of sets among them; and whether there are sets.
pub(super) fn members<'e>(group_type: &'e GroupType, grouping: &'e [Expression]) -> (Vec<&'e Expression>, bool) {
    fn inside<'e>(expression: &'e Expression, found: &mut Vec<&'e Expression>) -> bool {
        if let ExpressionKind::UnresolvedFunction(call) = &expression.kind
            && let [name] = call.name.as_slice()
            && matches!(name.to_lowercase().as_str(), "rollup" | "cube" | "grouping_sets" | "struct")
        {
            let sets = call.arguments.iter().map(|argument| inside(argument, found)).fold(false, |one, other| one | other);
            return sets || name != "struct";
        }
        found.push(expression);
        false
    }
    let mut found = Vec::new();
    let mut in_sets = matches!(group_type, GroupType::Rollup | GroupType::Cube | GroupType::GroupingSets(_));
    for expression in grouping {
        in_sets |= inside(expression, &mut found);
    }
    if let GroupType::GroupingSets(sets) = group_type {
        sets.iter().flatten().for_each(|expression| {
            inside(expression, &mut found);
        });
    }
    (found, in_sets)
}

pub(super) struct Grouping {
    pub(super) keys: Vec<Typed>,
    pub(super) sets: Option<Vec<Vec<usize>>>,
}

impl Grouping {
    /// The key's number; equal keys are one.
    pub(super) fn key(&mut self, key: Typed) -> usize {
        match self.keys.iter().position(|k| k.expr == key.expr) {
            Some(at) => at,
            None => {
                self.keys.push(key);
                self.keys.len() - 1
            }
        }
    }
}

/// All leading parts, longest first.
pub(super) fn rollup(elements: &[Vec<usize>]) -> Vec<Vec<usize>> {
    (0..=elements.len()).rev().map(|n| elements[..n].concat()).collect()
}

/// How many keys `grouping_id` has bits for.
pub(super) const MOST_KEYS: usize = 64;

/// How many sets of keys there may be: those of a CUBE of 16.
pub(super) const MOST_SETS: usize = 1 << 16;

pub(super) fn too_many_keys(count: usize) -> crate::Error {
    let message = format!("GROUPING SETS, ROLLUP and CUBE have {count} keys, and {MOST_KEYS} are the most: group by fewer");
    error("GROUPING_SIZE_LIMIT_EXCEEDED", message)
}

/// All subsets.
pub(super) fn cube(elements: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    if elements.len() > 16 {
        return Err(error("GROUPING_SIZE_LIMIT_EXCEEDED", "CUBE of more than 16 elements: write the GROUPING SETS that are needed"));
    }
    let subset = |bits: usize| {
        let of = elements.iter().enumerate().filter(|(i, _)| bits >> (elements.len() - 1 - i) & 1 == 1);
        of.flat_map(|(_, element)| element.iter().copied()).collect()
    };
    Ok((0..1_usize << elements.len()).rev().map(subset).collect())
}
