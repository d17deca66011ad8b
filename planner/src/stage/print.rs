//! A graph as text: its stages with their operators, with what is expected of those, or with their details below an outline. The same as
//! data is [`StageGraph::to_json`].

use std::fmt;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};

use super::{Stage, StageGraph, list, shown_bytes};

impl Stage {
    /// The line over its operators: how many tasks it has, which stages they read, what they write, and which keys they note.
    pub fn head(&self) -> String {
        let tasks = if self.partitions == 1 { "1 task".to_owned() } else { format!("{} tasks", self.partitions) };
        let reads = if self.inputs.is_empty() { String::new() } else { format!(", reads {}", list(self.inputs.iter())) };
        let writes = self.output.shown().map_or_else(String::new, |output| format!(", writes {output}"));
        let schema = self.plan.schema();
        let keys = self.gathers.iter().map(|at| format!("{}@{at}", schema.field(*at).name()));
        let gathers = if self.gathers.is_empty() { String::new() } else { format!(", gathers {}", list(keys)) };
        format!("Stage {}: {tasks}{reads}{writes}{gathers}", self.id)
    }
}

impl fmt::Display for StageGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.printed(|stage| displayable(stage.plan.as_ref()).indent(false).to_string()))
    }
}

impl StageGraph {
    /// The graph with how many rows and bytes each operator is expected to give, in the words of Spark's mode `cost`. What reads another
    /// stage knows nothing: that is found out when the stage has run.
    pub fn with_statistics(&self) -> String {
        self.printed(|stage| {
            let (context, mut text) = (StatisticsContext::new(), String::new());
            for_each_node(&stage.plan, 0, &mut |node, depth| {
                let expected = context.compute(node.as_ref(), &StatisticsArgs::new());
                let (bytes, rows) = match &expected {
                    Ok(expected) => (&expected.total_byte_size, &expected.num_rows),
                    Err(_) => (&Precision::Absent, &Precision::Absent),
                };
                let (bytes, rows) = (about(bytes, |bytes| shown_bytes(bytes as u64)), about(rows, |rows| rows.to_string()));
                let indent = "  ".repeat(depth);
                text.push_str(&format!("{indent}{}, Statistics(sizeInBytes={bytes}, rowCount={rows})\n", line_of(node)));
            });
            text
        })
    }

    /// The operators by name and number, and below that what there is to say of each: Spark's mode `formatted`.
    ///
    /// ```text
    /// Stage 1: 2 tasks, reads 0
    ///   AggregateExec (1)
    ///     StageReadExec (2)
    /// Roots: 1
    ///
    /// (1) AggregateExec
    /// Output [2]: [k, sum(a.v)]
    /// Arguments: mode=FinalPartitioned, gby=[k@0 as k], aggr=[sum(a.v)]
    /// ```
    pub fn formatted(&self) -> String {
        let (mut number, mut details) = (0, String::new());
        let outline = self.printed(|stage| {
            let mut text = String::new();
            for_each_node(&stage.plan, 0, &mut |node, depth| {
                number += 1;
                text.push_str(&format!("{}{} ({number})\n", "  ".repeat(depth), node.name()));
                let schema = node.schema();
                let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                details.push_str(&format!("\n({number}) {}\nOutput [{}]: [{}]\n", node.name(), columns.len(), columns.join(", ")));
                let line = line_of(node);
                let arguments = line.strip_prefix(node.name()).unwrap_or(&line).trim_start_matches([':', ' ']);
                if !arguments.is_empty() {
                    details.push_str(&format!("Arguments: {arguments}\n"));
                }
            });
            text
        });
        outline + &details
    }

    /// Every stage's head, and below it what `operators` says, line by line.
    fn printed(&self, mut operators: impl FnMut(&Stage) -> String) -> String {
        let mut text = String::new();
        for stage in self.stages.iter().filter(|stage| stage.absorbed_by.is_none()) {
            text.push_str(&format!("{}\n", stage.head()));
            for line in operators(stage).lines() {
                text.push_str(&format!("  {line}\n"));
            }
        }
        text + &format!("Roots: {}\n", list(self.roots.iter()))
    }
}

/// A node, and then what it reads.
fn for_each_node(plan: &Arc<dyn ExecutionPlan>, depth: usize, visit: &mut dyn FnMut(&Arc<dyn ExecutionPlan>, usize)) {
    visit(plan, depth);
    plan.children().into_iter().for_each(|child| for_each_node(child, depth + 1, visit));
}

/// A node as one line. A text of the query may have lines of its own.
pub fn line_of(node: &Arc<dyn ExecutionPlan>) -> String {
    displayable(node.as_ref()).one_line().to_string().trim_end().replace(['\n', '\r'], " ")
}

fn about(expected: &Precision<usize>, shown: impl Fn(usize) -> String) -> String {
    match expected {
        Precision::Exact(value) => shown(*value),
        Precision::Inexact(value) => format!("~{}", shown(*value)),
        Precision::Absent => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::catalog::MemTable;
    use datafusion::prelude::SessionContext;
    use expect_test::expect;

    use crate::config::engine_session_config;
    use crate::stage::{StageGraph, split};

    fn graph(sql: &str) -> StageGraph {
        let context = SessionContext::new_with_config(engine_session_config(2));
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_from_iter([("k", Arc::clone(&column)), ("v", column)]).unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()], vec![batch]]).unwrap();
        context.register_table("a", Arc::new(table)).unwrap();
        let plan = futures::executor::block_on(async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() });
        split(vec![plan], &|_| None).unwrap()
    }

    #[test]
    fn an_outline_and_details() {
        let sql = "select k, sum(v) from a group by k";
        expect![[r#"
            Stage 0: 2 tasks, writes hash(k@0) into 64
              AggregateExec (1)
                DataSourceExec (2)
            Stage 1: 2 tasks, reads 0
              AggregateExec (3)
                StageReadExec (4)
            Roots: 1

            (1) AggregateExec
            Output [2]: [k, sum(a.v)[sum]]
            Arguments: mode=Partial, gby=[k@0 as k], aggr=[sum(a.v)]

            (2) DataSourceExec
            Output [2]: [k, v]
            Arguments: partitions=2, partition_sizes=[1, 1]

            (3) AggregateExec
            Output [2]: [k, sum(a.v)]
            Arguments: mode=FinalPartitioned, gby=[k@0 as k], aggr=[sum(a.v)]

            (4) StageReadExec
            Output [2]: [k, sum(a.v)[sum]]
            Arguments: stage=0, partitioning=Hash([k@0], 2)
        "#]]
        .assert_eq(&graph(sql).formatted());
    }

    #[test]
    fn what_is_known_before_a_run() {
        let text = graph("select k, sum(v) from a group by k").with_statistics();
        let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        assert!(line("DataSourceExec").ends_with("rowCount=6)"), "{text}");
        assert!(line("StageReadExec").ends_with("Statistics(sizeInBytes=unknown, rowCount=unknown)"), "{text}");
        assert_eq!(text.lines().filter(|line| !line.contains("Statistics(")).count(), 3, "the heads and the roots: {text}");
    }
}
