//! Rows that a program deals to partitions: none is lost or doubled, wherever its blocks are, and each is where it belongs.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{Extension, LogicalPlan, SortExpr, UserDefinedLogicalNode, col};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use tidemill_executor::batch;
use tidemill_executor::operators::{StatefulPlanner, identity};
use tidemill_executor::pool::{Engine, EngineConfig};
use tidemill_planner::config::engine_session_config;
use tidemill_planner::logical::{Dealing, Exchange, SortWithin};
use tidemill_planner::stage::split;

use crate::support::{adaptive, rows, session};

/// The rows of the table `a` by partition, dealt and then sorted by `sorted`.
async fn partitions(dealing: Dealing, into: Option<usize>, sorted: Vec<SortExpr>, memory_bytes: u64) -> Vec<Vec<RecordBatch>> {
    let context = session(engine_session_config(3));
    let input = context.table("a").await.unwrap().into_optimized_plan().unwrap();
    let extension = |node: Arc<dyn UserDefinedLogicalNode>| LogicalPlan::Extension(Extension { node });
    let mut plan = extension(Arc::new(Exchange { input, dealing, partitions: into }));
    if !sorted.is_empty() {
        plan = extension(Arc::new(SortWithin { input: plan, keys: sorted }));
    }
    let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(StatefulPlanner)]);
    let physical = planner.create_physical_plan(&plan, &context.state()).await.unwrap();
    let graph = split(vec![physical], &identity).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = EngineConfig {
        threads: 2,
        shuffle_memory_bytes: memory_bytes,
        spill_dir: Some(folder.path().to_owned()),
        ..EngineConfig::default()
    };
    let engine = Engine::new(config).unwrap();
    batch::run(&engine, &graph, batch::context(&context.state(), adaptive())).await.unwrap().roots.swap_remove(0).partitions
}

fn keys(partition: &[RecordBatch]) -> Vec<Option<i64>> {
    partition.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>()).collect()
}

async fn all_rows() -> Vec<String> {
    rows(&session(engine_session_config(3)).table("a").await.unwrap().collect().await.unwrap())
}

#[tokio::test]
async fn every_row_is_in_one_partition() {
    let expected = all_rows().await;
    let by_range = |rises: bool| Dealing::ByRange(vec![col("k").sort(rises, rises)]);
    for (name, dealing, into, count) in [
        ("in turn", Dealing::InTurn, Some(4), 4),
        ("in turn, one", Dealing::InTurn, Some(1), 1),
        ("by key", Dealing::ByKey(vec![col("k")]), Some(4), 4),
        ("by range", by_range(true), Some(4), 4),
        ("by falling range", by_range(false), Some(3), 3),
        ("by range, one", by_range(true), Some(1), 1),
        ("merged", Dealing::Merged, Some(2), 2),
        ("merged into more", Dealing::Merged, Some(9), 3),
    ] {
        for memory_bytes in [1 << 30, 1] {
            let made = partitions(dealing.clone(), into, Vec::new(), memory_bytes).await;
            assert_eq!(made.len(), count, "{name}");
            let flat: Vec<RecordBatch> = made.iter().flatten().cloned().collect();
            assert_eq!(rows(&flat), expected, "{name}, {memory_bytes} bytes of memory");
            if let Dealing::ByKey(_) | Dealing::ByRange(_) = dealing {
                for (at, one) in made.iter().enumerate() {
                    let other: Vec<_> = made[at + 1..].iter().flat_map(|partition| keys(partition)).collect();
                    assert!(!keys(one).iter().any(|key| other.contains(key)), "{name}: a key is in two partitions");
                }
            }
        }
    }
}

#[tokio::test]
async fn partitions_of_ranges_follow_each_other() {
    for (rises, partitions) in [
        (true, partitions(Dealing::ByRange(vec![col("k").sort(true, true)]), Some(3), Vec::new(), 1 << 30).await),
        (false, partitions(Dealing::ByRange(vec![col("k").sort(false, false)]), Some(3), Vec::new(), 1 << 30).await),
    ] {
        let mut last: Option<Option<i64>> = None;
        for partition in &partitions {
            let mut keys = keys(partition);
            keys.sort();
            if !rises {
                keys.reverse();
            }
            if let (Some(last), Some(first)) = (last, keys.first()) {
                assert!(if rises { last < *first } else { last > *first }, "{last:?} and {first:?}");
            }
            last = keys.last().copied().or(last);
        }
    }
}

#[tokio::test]
async fn partitions_are_sorted_by_themselves() {
    let made = partitions(Dealing::InTurn, Some(3), vec![col("k").sort(true, true), col("v").sort(false, true)], 1 << 30).await;
    assert_eq!(made.len(), 3);
    for partition in &made {
        assert!(keys(partition).is_sorted(), "{:?}", keys(partition));
    }
    let flat: Vec<RecordBatch> = made.into_iter().flatten().collect();
    assert_eq!(rows(&flat), all_rows().await);
}
