//! Which order of joins moves the fewest rows: dynamic programming over the sets of relations, from numbers alone. What the numbers are
//! taken from is told by `profile`.
//!
//! Source of the search: Selinger et al., "Access Path Selection in a Relational Database Management System" (1979), for trees of any
//! shape; of the estimate for several keys at once: the number of rows of whoever holds them all bounds how many values they have together.

/// Build sides of fewer bytes are read whole, and nothing is exchanged for them.
const BROADCAST_BYTES: f64 = (64 << 20) as f64;
/// What a row costs that is put into a hash table, where one that is looked up costs 1.
const BUILD: f64 = 2.0;
/// What a row costs that is exchanged.
const EXCHANGE: f64 = 2.0;

/// Relations and how their rows meet.
#[derive(Debug, Clone, Default)]
pub(super) struct Problem {
    pub(super) relations: Vec<Relation>,
    /// Columns that are equal in every row of the result, by class.
    pub(super) classes: Vec<Vec<Member>>,
    pub(super) conditions: Vec<Condition>,
}

/// What is known of a relation.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    pub(super) rows: f64,
    /// Its rows before its own filters.
    pub(super) whole_rows: f64,
    /// Bytes of a row.
    pub(super) width: f64,
    /// For one that only says which rows of others stay.
    pub(super) keeps: Option<Keeps>,
}

/// A semi or anti join.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeps {
    /// The relations whose columns it looks at, as a set.
    pub(super) of: u32,
    /// The share of rows that stays.
    pub(super) share: f64,
}

/// A column of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) relation: usize,
    /// How many values it has.
    pub(super) distinct: f64,
}

/// A condition over several relations beside equal columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    /// The relations, as a set.
    pub(super) of: u32,
    /// The share of rows for which it holds.
    pub(super) share: f64,
}

/// An order of joins. The left side is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Leaf(usize),
    Join(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// The relations in it, as a set.
    pub(super) fn relations(&self) -> u32 {
        match self {
            Self::Leaf(at) => 1 << at,
            Self::Join(left, right) => left.relations() | right.relations(),
        }
    }
}

/// The cheapest order, if the relations can all be joined by equal columns, and what it costs.
pub(super) fn best(problem: &Problem) -> Option<(Tree, f64)> {
    let all = problem.all();
    let mut found = Found { rows: vec![0.0; all as usize + 1], plans: vec![None; all as usize + 1] };
    for set in 1..=all {
        if set.count_ones() == 1 {
            let relation = &problem.relations[set.trailing_zeros() as usize];
            found.rows[set as usize] = relation.rows.max(1.0);
            if relation.keeps.is_none() {
                found.plans[set as usize] = Some((0.0, 0));
            }
            continue;
        }
        let pairs: Vec<(u32, u32)> = pairs_of(set).filter(|(one, other)| found.may_join(problem, *one, *other)).collect();
        // What a set gives is the same in whichever order it is joined: of several estimates the most careful one.
        let rows = pairs.iter().map(|(one, other)| problem.rows_of_join(*one, *other, &found.rows)).fold(0.0, f64::max);
        found.rows[set as usize] = rows;
        found.plans[set as usize] = pairs
            .into_iter()
            .map(|(one, other)| {
                let below = found.cost(one) + found.cost(other);
                (below + problem.cost_of_join(one, other, &found.rows), one)
            })
            .min_by(|one, other| one.0.total_cmp(&other.0));
    }
    let (cost, _) = found.plans[all as usize]?;
    Some((found.tree(all), cost))
}

/// What an order costs, by the same estimates as [`best`].
pub(super) fn cost(problem: &Problem, tree: &Tree) -> f64 {
    cost_within(problem, tree, &mut vec![0.0; problem.all() as usize + 1])
}

/// How many rows an order's relations and joins give, by the set of relations in each.
pub(super) fn rows_along(problem: &Problem, tree: &Tree) -> Vec<f64> {
    let mut rows = vec![0.0; problem.all() as usize + 1];
    cost_within(problem, tree, &mut rows);
    rows
}

fn cost_within(problem: &Problem, tree: &Tree, rows: &mut [f64]) -> f64 {
    match tree {
        Tree::Leaf(at) => {
            rows[1 << at] = problem.relations[*at].rows.max(1.0);
            0.0
        }
        Tree::Join(left, right) => {
            let below = cost_within(problem, left, rows) + cost_within(problem, right, rows);
            let (left, right) = (left.relations(), right.relations());
            rows[(left | right) as usize] = problem.rows_of_join(left, right, rows);
            below + problem.cost_of_join(left, right, rows)
        }
    }
}

/// The sets that a set may be made of, in both orders.
fn pairs_of(set: u32) -> impl Iterator<Item = (u32, u32)> {
    let mut part = set;
    std::iter::from_fn(move || {
        part = part.wrapping_sub(1) & set;
        (part != 0).then_some((part, set & !part))
    })
}

/// What has been found, by set of relations.
struct Found {
    rows: Vec<f64>,
    /// What the cheapest way costs, and the first of the two sets that it joins; none for a relation.
    plans: Vec<Option<(f64, u32)>>,
}

impl Found {
    fn cost(&self, set: u32) -> f64 {
        self.plans[set as usize].map_or(0.0, |(cost, _)| cost)
    }

    /// Whether two sets may be joined in this order: each pair is looked at once, the smaller side first.
    fn may_join(&self, problem: &Problem, one: u32, other: u32) -> bool {
        let (built, probed) = (self.rows[one as usize], self.rows[other as usize]);
        if (built, one) > (probed, other) {
            return false;
        }
        match (problem.keeps(one), problem.keeps(other)) {
            (Some(_), Some(_)) => false,
            (Some(keeps), None) => self.plans[other as usize].is_some() && keeps.of & !other == 0,
            (None, Some(keeps)) => self.plans[one as usize].is_some() && keeps.of & !one == 0,
            (None, None) => {
                self.plans[one as usize].is_some() && self.plans[other as usize].is_some() && problem.shared(one, other).next().is_some()
            }
        }
    }

    fn tree(&self, set: u32) -> Tree {
        match self.plans[set as usize] {
            Some((_, one)) if one != 0 => Tree::Join(Box::new(self.tree(one)), Box::new(self.tree(set & !one))),
            _ => Tree::Leaf(set.trailing_zeros() as usize),
        }
    }
}

impl Problem {
    fn all(&self) -> u32 {
        (1 << self.relations.len()) - 1
    }

    /// For a set that is one relation which only says which rows of others stay.
    pub(super) fn keeps(&self, set: u32) -> Option<Keeps> {
        if set.count_ones() == 1 { self.relations[set.trailing_zeros() as usize].keeps } else { None }
    }

    /// The classes that have columns in both sets, with the columns.
    fn shared(&self, one: u32, other: u32) -> impl Iterator<Item = &Vec<Member>> {
        let has = move |class: &Vec<Member>, set: u32| class.iter().any(|member| set & (1 << member.relation) != 0);
        self.classes.iter().filter(move |class| has(class, one) && has(class, other))
    }

    fn rows_of_join(&self, one: u32, other: u32, rows: &[f64]) -> f64 {
        let (left, right) = (rows[one as usize], rows[other as usize]);
        let joined = match (self.keeps(one), self.keeps(other)) {
            (Some(keeps), _) => right * keeps.share,
            (_, Some(keeps)) => left * keeps.share,
            (None, None) => left * right / self.values_in_common(one, other, rows).max(1.0),
        };
        let held = self.conditions.iter().filter(|condition| {
            let of = condition.of;
            of & !(one | other) == 0 && of & !one != 0 && of & !other != 0
        });
        held.fold(joined, |rows, condition| rows * condition.share).max(1.0)
    }

    /// How many values the columns have together by which two sets are joined.
    fn values_in_common(&self, one: u32, other: u32, rows: &[f64]) -> f64 {
        let distinct = |class: &[Member], set: u32| {
            let here = class.iter().filter(|member| set & (1 << member.relation) != 0).map(|member| member.distinct);
            here.fold(rows[set as usize], f64::min)
        };
        let shared: Vec<&Vec<Member>> = self.shared(one, other).collect();
        let each: f64 = shared.iter().map(|class| distinct(class, one).max(distinct(class, other))).product();
        if shared.len() < 2 {
            return each;
        }
        let holds_all = |at: usize| shared.iter().all(|class| class.iter().any(|member| member.relation == at));
        let bounds = (0..self.relations.len()).filter(|at| (one | other) & (1 << at) != 0 && holds_all(*at));
        bounds.map(|at| self.relations[at].whole_rows).fold(each, f64::min)
    }

    fn cost_of_join(&self, one: u32, other: u32, rows: &[f64]) -> f64 {
        let (one, other) = if rows[one as usize] <= rows[other as usize] { (one, other) } else { (other, one) };
        let (built, probed) = (rows[one as usize], rows[other as usize]);
        let exchanged = if built * self.width(one) > BROADCAST_BYTES { EXCHANGE * (built + probed) } else { 0.0 };
        BUILD * built + probed + rows[(one | other) as usize] + exchanged
    }

    fn width(&self, set: u32) -> f64 {
        self.relations.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, relation)| relation.width).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Keeps, Member, Problem, Relation, Tree, best, cost};

    /// Relations by their rows and the rows before their filters; classes by relation and number of values.
    fn problem(relations: &[(f64, f64)], classes: &[&[(usize, f64)]]) -> Problem {
        Problem {
            relations: relations
                .iter()
                .map(|(rows, whole_rows)| Relation { rows: *rows, whole_rows: *whole_rows, width: 8.0, keeps: None })
                .collect(),
            classes: classes
                .iter()
                .map(|class| class.iter().map(|(relation, distinct)| Member { relation: *relation, distinct: *distinct }).collect())
                .collect(),
            conditions: Vec::new(),
        }
    }

    fn shown(tree: &Tree) -> String {
        match tree {
            Tree::Leaf(at) => at.to_string(),
            Tree::Join(left, right) => format!("({} {})", shown(left), shown(right)),
        }
    }

    fn in_order(of: usize) -> Tree {
        (1..of).fold(Tree::Leaf(0), |tree, at| Tree::Join(Box::new(tree), Box::new(Tree::Leaf(at))))
    }

    #[test]
    fn what_is_filtered_comes_first() {
        for (story, problem, expected) in [
            (
                "a chain, its far end filtered: facts 0, orders 1, customers 2 of which few are left",
                problem(&[(6e6, 6e6), (1.5e6, 1.5e6), (1e3, 1.5e5)], &[&[(0, 1.5e6), (1, 1.5e6)], &[(1, 1e5), (2, 1e3)]]),
                "((2 1) 0)",
            ),
            (
                "a star: each dimension is built, the smaller share first",
                problem(&[(6e6, 6e6), (1e3, 1e5), (10.0, 1e4)], &[&[(0, 1e5), (1, 1e3)], &[(0, 1e4), (2, 10.0)]]),
                "(1 (2 0))",
            ),
            (
                "two keys at once have no more values than the table that holds both has rows",
                problem(&[(6e6, 6e6), (8e5, 8e5), (1e4, 2e5)], &[&[(0, 2e5), (1, 2e5), (2, 1e4)], &[(0, 1e4), (1, 1e4)]]),
                "((2 1) 0)",
            ),
        ] {
            let (tree, least) = best(&problem).unwrap();
            assert_eq!(shown(&tree), expected, "{story}");
            assert!(least <= cost(&problem, &in_order(3)), "{story}");
        }
    }

    /// Every order of a few relations, tried one by one, costs as much or more.
    #[test]
    fn no_order_is_cheaper() {
        fn every(set: u32) -> Vec<Tree> {
            if set.count_ones() == 1 {
                return vec![Tree::Leaf(set.trailing_zeros() as usize)];
            }
            let pairs = super::pairs_of(set).collect::<Vec<_>>();
            pairs
                .into_iter()
                .flat_map(|(one, other)| {
                    let others = every(other);
                    every(one).into_iter().flat_map(move |left| {
                        others.clone().into_iter().map(move |right| Tree::Join(Box::new(left.clone()), Box::new(right)))
                    })
                })
                .collect()
        }
        fn is_joined_by_keys(problem: &Problem, tree: &Tree) -> bool {
            match tree {
                Tree::Leaf(_) => true,
                Tree::Join(left, right) => {
                    is_joined_by_keys(problem, left)
                        && is_joined_by_keys(problem, right)
                        && problem.shared(left.relations(), right.relations()).next().is_some()
                }
            }
        }
        for sizes in [[1e6, 1e5, 1e3, 10.0], [10.0, 1e6, 20.0, 1e6], [5e5, 5e5, 5e5, 1.0]] {
            let relations = sizes.map(|rows| (rows, rows));
            let problem = problem(
                &relations,
                &[&[(0, sizes[0]), (1, sizes[0].min(sizes[1]))], &[(1, 50.0), (2, 40.0)], &[(2, 10.0), (3, 10.0), (0, 10.0)]],
            );
            let (tree, least) = best(&problem).unwrap();
            assert!((cost(&problem, &tree) - least).abs() < least * 1e-9 || cost(&problem, &tree) < least);
            let orders = every(0b1111).into_iter().filter(|tree| is_joined_by_keys(&problem, tree));
            let cheapest = orders.map(|tree| cost(&problem, &tree)).fold(f64::INFINITY, f64::min);
            // One estimate a set is the most careful of several, so that the search may rate an order higher than it is rated alone.
            assert!(cost(&problem, &tree) <= cheapest * 2.0, "{} against {cheapest}", cost(&problem, &tree));
        }
    }

    #[test]
    fn relations_that_no_column_joins_have_no_order() {
        assert!(best(&problem(&[(10.0, 10.0), (10.0, 10.0), (10.0, 10.0)], &[&[(0, 5.0), (1, 5.0)]])).is_none());
    }

    #[test]
    fn a_semi_join_is_placed_where_its_columns_are() {
        let mut semi = problem(&[(6e6, 6e6), (1.5e6, 1.5e6), (100.0, 100.0)], &[&[(0, 1.5e6), (1, 1.5e6)]]);
        semi.relations[2].keeps = Some(Keeps { of: 0b10, share: 1e-4 });
        assert_eq!(shown(&best(&semi).unwrap().0), "((2 1) 0)");
        // It never stands alone, nor is it joined before what it looks at.
        semi.relations[2].keeps = Some(Keeps { of: 0b11, share: 1e-4 });
        assert_eq!(shown(&best(&semi).unwrap().0), "(2 (1 0))");
    }

    #[test]
    fn a_condition_over_two_relations_counts_where_both_are() {
        let mut held = problem(&[(1e3, 1e3), (1e3, 1e3), (1e3, 1e3)], &[&[(0, 10.0), (1, 10.0), (2, 10.0)]]);
        held.conditions.push(Condition { of: 0b101, share: 1e-3 });
        let (tree, _) = best(&held).unwrap();
        let Tree::Join(left, right) = &tree else { panic!("{tree:?}") };
        assert!([left.relations(), right.relations()].contains(&0b101), "{tree:?}");
    }
}
