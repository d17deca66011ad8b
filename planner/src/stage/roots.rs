//! Roots whose rows somebody takes while they are made: each gets a stage that no other stage reads and that is no other root's.
//!
//! ```text
//! stage 1  Dedup    root 0, read by stage 2          stage 1  Dedup                 read by stages 2 and 3
//! stage 2  …        root 1                    ──►    stage 2  …                     root 1
//!                                                    stage 3  StageRead(stage 1)    root 0
//! ```

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlanProperties;

use super::{Stage, StageGraph, StageId, StageOutput, StageReadExec, reads_rows};

impl StageGraph {
    /// Whether more than one wants the rows of a root's stage: another root, or a stage.
    pub fn is_shared(&self, root: StageId) -> bool {
        self.roots.iter().filter(|id| **id == root).count() > 1 || self.stages.iter().any(|stage| reads_rows(&stage.plan, root))
    }

    /// Gives root `number` a stage of its own, if others want the rows of its stage as well.
    pub fn part_root(&mut self, number: usize) {
        let Some(root) = self.roots.get(number).copied().filter(|root| self.is_shared(*root)) else { return };
        let plan = &self.stage(root).plan;
        let read = StageReadExec::partitioned(root, plan.equivalence_properties().clone(), plan.output_partitioning().clone());
        let own = StageId(self.stages.len());
        self.stages.push(Stage::new(own, Arc::new(read), StageOutput::Passthrough, false));
        self.roots[number] = own;
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_plan::ExecutionPlan;
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;

    /// Two stages: two tasks, and one that gathers their rows.
    fn graph(roots: &[usize]) -> StageGraph {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
        let rows: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema).with_partitions(2));
        let read = StageReadExec::whole(StageId(0), rows.equivalence_properties().clone(), false);
        let gather = Arc::new(CoalescePartitionsExec::new(Arc::new(read)));
        let stages = vec![
            Stage::new(StageId(0), rows, StageOutput::Passthrough, false),
            Stage::new(StageId(1), gather, StageOutput::Passthrough, false),
        ];
        StageGraph { stages, roots: roots.iter().map(|root| StageId(*root)).collect() }
    }

    #[test]
    fn a_root_is_parted_from_those_who_want_its_rows_too() {
        // The roots, those that are to be parted, and what the roots and the stages that they read are then.
        type Case<'a> = (&'a str, &'a [usize], &'a [usize], &'a [usize], usize);
        let cases: [Case<'_>; 6] = [
            ("its stage is read", &[0, 1], &[0], &[2, 1], 3),
            ("nobody else wants its rows", &[0, 1], &[1], &[0, 1], 2),
            ("one of two", &[1, 1], &[0], &[2, 1], 3),
            ("both", &[1, 1], &[0, 1], &[2, 3], 4),
            ("both, and a stage", &[0, 0, 1], &[0, 1, 2], &[2, 3, 1], 4),
            ("there is no such root", &[1], &[7], &[1], 2),
        ];
        for (what, roots, parted, expected, stages) in cases {
            let mut graph = graph(roots);
            for number in parted {
                graph.part_root(*number);
            }
            assert_eq!(graph.roots.iter().map(|id| id.0).collect::<Vec<_>>(), expected, "{what}");
            assert_eq!(graph.stages.len(), stages, "{what}");
            for number in parted.iter().filter(|number| **number < roots.len()) {
                let own = graph.stage(graph.roots[*number]);
                assert!(!graph.is_shared(own.id), "{what}");
                let from = &graph.stages[roots[*number]];
                assert_eq!((own.partitions, own.plan.schema()), (from.partitions, from.plan.schema()), "{what}");
                assert!(own.id == from.id || own.inputs == [from.id], "{what}");
            }
        }
    }
}
