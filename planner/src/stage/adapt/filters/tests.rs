//! Whose keys filter which scan, for plans of SQL whose stages are done one after the other.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::physical_plan::displayable;
use datafusion::prelude::SessionContext;
use expect_test::expect;

use super::{FilterSettings, Gathered, KeyNotes, Keys, filter_scans, filters_first};
use crate::config::engine_session_config;
use crate::stage::adapt::build_sides_first;
use crate::stage::{AdaptiveSettings, Stage, StageGraph, StageId, StageSize, split};

/// A table is known in a plan by how many batches its partitions have.
const TABLES: [&str; 3] = ["a", "b", "c"];

fn graph(sql: &str) -> StageGraph {
    let context = SessionContext::new_with_config(engine_session_config(2));
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]));
    let column = Arc::new(Int64Array::from_iter_values(1..=8));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column.clone(), column]).unwrap();
    for (at, name) in TABLES.into_iter().enumerate() {
        let partitions = vec![vec![batch.clone(); at + 1]; 2];
        context.register_table(name, Arc::new(MemTable::try_new(Arc::clone(&schema), partitions).unwrap())).unwrap();
    }
    let plan = futures::executor::block_on(async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() });
    split(vec![plan], &|_| None).unwrap()
}

/// The keys 3 and 7.
fn some_keys() -> Arc<Keys> {
    let mut notes = KeyNotes::new(&DataType::Int64, 1, 1 << 20).unwrap();
    notes.add(&(Arc::new(Int64Array::from(vec![3, 7])) as ArrayRef)).unwrap();
    Arc::new(Keys::of_tasks([notes.finish().unwrap()]).unwrap())
}

fn settings(filters: FilterSettings) -> AdaptiveSettings {
    AdaptiveSettings { filters, ..AdaptiveSettings::usual(2) }
}

/// The graph when all stages have run, each as soon as it can, and what was changed on the way.
fn run(sql: &str, settings: &AdaptiveSettings) -> (StageGraph, Vec<String>) {
    let mut graph = graph(sql);
    filters_first(&mut graph, settings);
    build_sides_first(&mut graph);
    let count = graph.stages.len();
    let mut begun = vec![false; count];
    let mut sizes: Vec<Option<StageSize>> = vec![None; count];
    let mut gathered: Vec<Gathered> = vec![Vec::new(); count];
    let mut changes = filter_scans(&mut graph, &sizes, &gathered, &|_| false, settings).unwrap();
    for _ in 0..count {
        let may_begin = |stage: &Stage| !begun[stage.id.0] && stage.inputs.iter().chain(&stage.after).all(|id| begun[id.0]);
        let next = graph.stages.iter().find(|stage| may_begin(stage)).expect("stages do not wait for each other").id.0;
        begun[next] = true;
        gathered[next] = graph.stages[next].gathers.iter().map(|column| (*column, some_keys())).collect();
        sizes[next] = Some(StageSize { rows: vec![1], bytes: vec![64_000] });
        changes.extend(filter_scans(&mut graph, &sizes, &gathered, &|id: StageId| begun[id.0], settings).unwrap());
    }
    (graph, changes.iter().map(ToString::to_string).collect())
}

fn lines(stage: &Stage) -> Vec<String> {
    displayable(stage.plan.as_ref()).indent(false).to_string().lines().map(|line| line.trim().to_owned()).collect()
}

/// A scan's table, or the node's name.
fn name_of(line: &str) -> String {
    let table = TABLES.iter().enumerate().find(|(at, _)| line.contains(&format!("partition_sizes=[{0}, {0}]", at + 1)));
    table.map_or_else(|| line.split(':').next().unwrap_or_default().to_owned(), |(_, name)| (*name).to_owned())
}

/// Which rows are tested by whose keys: `b by a` for the scan of `b` and those of the stage whose first scan is that of `a`.
fn tests_in(sql: &str, settings: &AdaptiveSettings) -> Vec<String> {
    let (graph, _) = run(sql, settings);
    let mut found = Vec::new();
    for stage in &graph.stages {
        let lines = lines(stage);
        for (at, line) in lines.iter().enumerate() {
            for source in line.split("might_contain(keys of stage ").skip(1) {
                let source: usize = source.split(' ').next().unwrap().parse().unwrap();
                let of_source = self::lines(&graph.stages[source]);
                let scan = of_source.iter().find(|line| line.starts_with("DataSourceExec")).unwrap_or(&of_source[0]);
                found.push(format!("{} by {}", name_of(&lines[at + 1]), name_of(scan)));
            }
        }
    }
    found.sort();
    found
}

fn usual() -> AdaptiveSettings {
    settings(FilterSettings::usual())
}

#[test]
fn the_keys_of_a_build_filter_what_probes_it() {
    let (graph, changes) = run("select a.k, b.v from a join b on a.k = b.k where a.v > 5", &usual());
    expect![[r#"
        stage 1: filter: k is one of at most 2 keys of stage 0
        Stage 0: 2 tasks, writes hash(k@0) into 64, gathers k@0
          FilterExec: v@1 > 5, projection=[k@0]
            DataSourceExec: partitions=2, partition_sizes=[1, 1]
        Stage 1: 2 tasks, writes hash(k@0) into 64
          FilterExec: k@0 >= 3 AND k@0 <= 7 AND might_contain(keys of stage 0 column 0, k@0)
            DataSourceExec: partitions=2, partition_sizes=[2, 2]
        Stage 2: 2 tasks, reads 0, 1
          HashJoinExec: mode=Partitioned, join_type=Inner, on=[(k@0, k@0)], projection=[k@0, v@2]
            StageReadExec: stage=0, partitioning=Hash([k@0], 2)
            StageReadExec: stage=1, partitioning=Hash([k@0], 2)
        Roots: 2
    "#]]
    .assert_eq(&format!("{}\n{graph}", changes.join("\n")));
    assert_eq!(graph.stage(StageId(1)).after, [StageId(0)]);
}

#[test]
fn only_rows_that_would_vanish_are_kept_back() {
    let b = "(select * from b where v > 5) b";
    for (sql, expected) in [
        ("select a.k, b.v from a join b on a.k = b.k where b.v > 5", "a by b"),
        ("select a.k, b.v from a join b on a.k = b.k and a.v < b.v where b.v > 5", "a by b"),
        // The rows of the side that is kept whole stay, and its keys filter the other.
        ("select a.k, b.v from a left join b on a.k = b.k where a.v > 5", "b by a"),
        (format!("select a.k, b.v from a left join {b} on a.k = b.k").as_str(), ""),
        (format!("select a.k, b.v from {b} right join a on a.k = b.k").as_str(), ""),
        (format!("select a.k, b.v from a full join {b} on a.k = b.k").as_str(), ""),
        ("select k from a where k in (select k from b where v > 5)", "a by b"),
        ("select k from a where v > 5 and not exists (select 1 from b where b.k = a.k)", "b by a"),
        ("select k from a where not exists (select 1 from b where b.k = a.k and b.v > 5)", ""),
        // A null among the right side's keys leaves nothing of the left side.
        ("select k from a where v > 5 and k not in (select k from b)", ""),
        ("select a.k from a join b on a.k is not distinct from b.k where a.v > 5", ""),
        ("select a.k from a join b on cast(a.k as double) = cast(b.k as double) where a.v > 5", ""),
        // All rows have all keys that there are.
        ("select a.k, b.v from a join b on a.k = b.k", ""),
    ] {
        assert_eq!(tests_in(sql, &usual()).join(", "), expected, "{sql}");
    }
}

#[test]
fn keys_go_through_what_does_not_mix_rows() {
    for (sql, expected) in [
        ("select a.k, t.n from a join (select k, count(*) n from b group by k) t on a.k = t.k where a.v > 5", "b by a"),
        (
            "select a.k, t.n from a join (select k + 0 as x, count(*) n from b group by k) t on a.k = t.n where a.v > 5",
            "AggregateExec by a",
        ),
        (
            "select a.k, t.n from a join (select k, sum(v) over (order by v) n from b) t on a.k = t.n where a.v > 5",
            "BoundedWindowAggExec by a",
        ),
        ("select a.k, t.r from a join (select k, random() r from b) t on a.k = t.k where a.v > 5", "ProjectionExec by a"),
    ] {
        assert_eq!(tests_in(sql, &usual()).join(", "), expected, "{sql}");
    }
    for sql in [
        "select a.k from a join (select k from b limit 3) t on a.k = t.k where a.v > 5",
        "select a.k from a join (select k from b order by v limit 3) t on a.k = t.k where a.v > 5",
    ] {
        let found = tests_in(sql, &usual());
        assert!(!found.iter().any(|test| test == "b by a"), "{found:?} in {sql}");
    }
    for sql in [
        "select a.k, b.v, c.v from a join b on a.k = b.k join c on b.v = c.v where a.v > 5",
        "select a.k, b.v, c.v from a join b on a.k = b.k join c on b.k = c.k where a.v > 5",
        "select a.k from a where a.v > 5 and exists (select 1 from b where b.k = a.k) and exists (select 1 from c where c.k = a.k)",
    ] {
        let found = tests_in(sql, &usual());
        assert!(found.iter().any(|test| test == "b by a"), "{found:?} in {sql}");
        assert!(found.iter().any(|test| test.starts_with("c by ")), "{found:?} in {sql}");
    }
}

#[test]
fn settings_say_whether_there_are_filters() {
    let sql = "select a.k, b.v from a join b on a.k = b.k where a.v > 5";
    let usual_filters = FilterSettings::usual;
    for (settings, filters) in [
        (usual(), 1),
        (settings(FilterSettings::off()), 0),
        (AdaptiveSettings { enabled: false, ..usual() }, 0),
        (settings(FilterSettings { creation_bytes: 63_999, ..usual_filters() }), 0),
        (settings(FilterSettings { application_bytes: 1 << 40, ..usual_filters() }), 0),
    ] {
        let (graph, changes) = run(sql, &settings);
        assert_eq!(changes.len(), filters, "{settings:?}");
        if !(settings.enabled && settings.filters.enabled) {
            assert!(graph.stages.iter().all(|stage| stage.gathers.is_empty()), "{settings:?}");
        }
    }
}
