//! Spark's `repartition`, `repartitionByRange`, `coalesce` and DISTRIBUTE BY: the same rows in other partitions. DataFusion has a node for
//! some of that, which its own rules leave out again where no operator needs it; this one stays.
//!
//! Source: Spark, `basicLogicalOperators.scala` (`RepartitionOperation`).

use std::collections::HashSet;
use std::fmt;

use datafusion::common::DFSchemaRef;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr, UserDefinedLogicalNodeCore};

use super::order_by_text;

/// How rows find their partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dealing {
    /// One after the other to each partition, so that all have as many.
    InTurn,
    /// By a hash of a key: rows of one key are in one partition.
    ByKey(Vec<Expr>),
    /// By ranges of a key: rows of one key are in one partition, and every partition's keys come before those of the next one.
    ByRange(Vec<SortExpr>),
    /// With all rows of their partition: neighbouring partitions become one, and there are never more than before.
    Merged,
}

/// The rows of its input in partitions that the program has asked for. Streams have none: their exchanges go by the keys of their state,
/// so that a program's `repartition` of a stream leaves rows where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// The rows.
    pub input: LogicalPlan,
    /// Which partition a row is in.
    pub dealing: Dealing,
    /// How many partitions there are. Without a number, as many as a stage has tasks, or fewer where there is little to read.
    pub partitions: Option<usize>,
}

order_by_text!(Exchange);

impl UserDefinedLogicalNodeCore for Exchange {
    fn name(&self) -> &str {
        "Exchange"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        match &self.dealing {
            Dealing::ByKey(keys) => keys.clone(),
            Dealing::ByRange(keys) => keys.iter().map(|key| key.expr.clone()).collect(),
            Dealing::InTurn | Dealing::Merged => Vec::new(),
        }
    }

    /// Which rows there are is not changed by where they are: every filter may come first.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |keys: Vec<String>| keys.join(", ");
        match &self.dealing {
            Dealing::InTurn => f.write_str("Exchange: in turn")?,
            Dealing::ByKey(keys) => write!(f, "Exchange: by key [{}]", list(keys.iter().map(Expr::to_string).collect()))?,
            Dealing::ByRange(keys) => write!(f, "Exchange: by range [{}]", list(keys.iter().map(SortExpr::to_string).collect()))?,
            Dealing::Merged => f.write_str("Exchange: merged")?,
        }
        self.partitions.map_or(Ok(()), |partitions| write!(f, " into {partitions}"))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return datafusion::common::internal_err!("an exchange has one input");
        };
        // A rewritten key may come under the name that it had.
        let mut exprs = exprs.into_iter().map(Expr::unalias);
        let dealing = match &self.dealing {
            Dealing::ByKey(_) => Dealing::ByKey(exprs.collect()),
            Dealing::ByRange(keys) => {
                let key = |old: &SortExpr| SortExpr::new(exprs.next().unwrap_or_else(|| old.expr.clone()), old.asc, old.nulls_first);
                Dealing::ByRange(keys.iter().map(key).collect())
            }
            other => other.clone(),
        };
        Ok(Self { input, dealing, partitions: self.partitions })
    }

    /// Those that are read above; its keys are expressions, and added to them.
    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{col, lit, table_scan};

    use super::*;

    fn rows() -> LogicalPlan {
        let schema = Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]);
        table_scan(Some("t"), &schema, None).unwrap().build().unwrap()
    }

    #[test]
    fn keys_are_rewritten_in_place() {
        let range = Exchange { input: rows(), dealing: Dealing::ByRange(vec![col("k").sort(false, true)]), partitions: Some(3) };
        let rewritten = range.with_exprs_and_inputs(vec![(col("k") + lit(1_i64)).alias("k")], vec![rows()]).unwrap();
        assert_eq!(rewritten.dealing, Dealing::ByRange(vec![(col("k") + lit(1_i64)).sort(false, true)]));
        assert_eq!(rewritten.partitions, Some(3));
        let key = Exchange { input: rows(), dealing: Dealing::ByKey(vec![col("k")]), partitions: None };
        assert_eq!(key.with_exprs_and_inputs(vec![col("v")], vec![rows()]).unwrap().dealing, Dealing::ByKey(vec![col("v")]));
    }

    #[test]
    fn plans_show_how_rows_are_dealt() {
        for (dealing, partitions, text) in [
            (Dealing::InTurn, Some(4), "Exchange: in turn into 4"),
            (Dealing::ByKey(vec![col("k")]), None, "Exchange: by key [k]"),
            (Dealing::ByRange(vec![col("k").sort(true, true)]), Some(2), "Exchange: by range [k ASC NULLS FIRST] into 2"),
            (Dealing::Merged, Some(1), "Exchange: merged into 1"),
        ] {
            struct Shown(Exchange);
            impl fmt::Display for Shown {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt_for_explain(f)
                }
            }
            assert_eq!(Shown(Exchange { input: rows(), dealing, partitions }).to_string(), text);
        }
    }
}
