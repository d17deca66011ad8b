//! MERGE against a model: a map from key to row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::prelude::Expr;
use proptest::prelude::*;
use tidemill_lakehouse::{ConditionLanguage, DeltaTable, MergeCondition, MergeRequest, Txn};
use tidemill_planner::{ErrorKind, Result};

use crate::helpers::{Place, content, fast, query, rows};

fn upsert(source: Vec<RecordBatch>) -> MergeRequest {
    MergeRequest { on: vec!["userid".into()], source, update_condition: None, txn: None }
}

fn side(side: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(side), name))
}

/// A language of one condition, an expression of the engine's, with no types brought together.
#[derive(Debug)]
struct Plain(Expr);

impl ConditionLanguage for Plain {
    fn bind(&self, _: &str, both: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(create_physical_expr(&self.0, both, &ExecutionProps::new(), &PhysicalPlanningContext::default())?)
    }
}

fn newer() -> MergeCondition {
    let newer = side("source", "n").gt(side("target", "n"));
    MergeCondition::new(newer.to_string(), Arc::new(Plain(newer)))
}

#[tokio::test]
async fn upsert_updates_and_inserts() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0), ("b", 1, 0.0)])], None).await.unwrap();
    table.append(vec![rows(&[("p", 1, 0.0), ("q", 1, 0.0)])], None).await.unwrap();
    let untouched = table.snapshot().await.unwrap().files()[1].add().path.clone();
    let merged = table.merge(upsert(vec![rows(&[("b", 2, 2.0), ("c", 2, 2.0)])])).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_inserted, merged.rows_copied), (1, 1, 1));
    assert_eq!((merged.files_added, merged.files_removed, merged.version), (1, 1, Some(3)));
    assert_eq!(content(&table).await, ["a 1 0", "b 2 2", "c 2 2", "p 1 0", "q 1 0"]);
    assert!(table.snapshot().await.unwrap().files().iter().any(|f| f.add().path == untouched), "only touched files are rewritten");
    let history = &table.history(Some(1)).await.unwrap()[0];
    assert_eq!((history.operation.as_str(), &history.operation_metrics["numTargetRowsUpdated"]), ("MERGE", &"1".into()));
    assert_eq!(history.operation_parameters["predicate"], "(target.userid = source.userid)");
    // A handle that remembers nothing finds the same.
    let merged = place.open().await.merge(upsert(vec![rows(&[("b", 3, 3.0), ("d", 3, 3.0)])])).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_inserted), (1, 1));
    assert_eq!(content(&table).await, ["a 1 0", "b 3 3", "c 2 2", "d 3 3", "p 1 0", "q 1 0"]);
}

#[tokio::test]
async fn a_condition_decides_about_matched_rows_only() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 5, 0.0), ("b", 5, 0.0)])], None).await.unwrap();
    let request = MergeRequest { update_condition: Some(newer()), ..upsert(vec![rows(&[("a", 4, 1.0), ("b", 6, 1.0), ("c", 1, 1.0)])]) };
    let merged = table.merge(request).await.unwrap();
    assert_eq!((merged.rows_updated, merged.rows_inserted), (1, 1));
    assert_eq!(content(&table).await, ["a 5 0", "b 6 1", "c 1 1"]);
    let request = MergeRequest { update_condition: Some(newer()), ..upsert(vec![rows(&[("a", 4, 1.0)])]) };
    let merged = table.merge(request).await.unwrap();
    assert_eq!((merged.version, merged.rows_updated), (None, 0), "nothing to write and no txn: no commit");
}

#[tokio::test]
async fn two_source_rows_for_one_key_are_refused() {
    let place = Place::new();
    let table = place.create().await;
    let error = table.merge(upsert(vec![rows(&[("a", 1, 0.0)]), rows(&[("b", 1, 0.0), ("a", 2, 0.0)])])).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Data && error.message().contains("userId=a"), "{error}");
    assert_eq!(table.snapshot().await.unwrap().version(), 0);
}

#[tokio::test]
async fn null_keys_match_nothing_and_are_inserted() {
    let place = Place::new();
    let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("n", DataType::Int64, true)]));
    let table = DeltaTable::create(&place.path(), Arc::clone(&schema) as _, fast()).await.unwrap();
    let batch = |keys: Vec<Option<&str>>, n: i64| {
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(keys.clone())), Arc::new(Int64Array::from(vec![n; keys.len()]))];
        RecordBatch::try_new(Arc::clone(&schema) as _, columns).unwrap()
    };
    let request = |source| MergeRequest { on: vec!["k".into()], source: vec![source], update_condition: None, txn: None };
    for n in [1, 2] {
        table.merge(request(batch(vec![None, Some("a"), None], n))).await.unwrap();
    }
    assert_eq!(content(&table).await, ["NULL 1", "NULL 1", "NULL 2", "NULL 2", "a 2"]);
}

/// NaN with its sign turned, as processors make it of `inf - inf`.
const MADE_NAN: f64 = f64::from_bits(f64::NAN.to_bits() | (1 << 63));

#[tokio::test]
async fn equal_floats_are_one_key() {
    let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let structs = |values: &[f64]| {
        let items = ListArray::from_iter_primitive::<Float64Type, _, _>(values.iter().map(|v| Some([Some(*v)])));
        let fields = vec![Field::new("items", items.data_type().clone(), true)];
        Arc::new(StructArray::new(fields.into(), vec![Arc::new(items)], None)) as ArrayRef
    };
    type KeyColumn<'a> = &'a dyn Fn(&[f64]) -> ArrayRef;
    let kinds: [(&str, KeyColumn<'_>); 2] = [("double", &doubles), ("struct of array", &structs)];
    for (kind, column) in kinds {
        let place = Place::new();
        let batch = |keys: &[f64], n: i64| {
            let numbers: ArrayRef = Arc::new(Int64Array::from(vec![n; keys.len()]));
            RecordBatch::try_from_iter_with_nullable([("k", column(keys), true), ("n", numbers, true)]).unwrap()
        };
        let table = DeltaTable::create(&place.path(), batch(&[], 0).schema(), fast()).await.unwrap();
        let request = |source| MergeRequest { on: vec!["k".into()], source: vec![source], update_condition: None, txn: None };
        table.append(vec![batch(&[-0.0, 7.0], 1)], None).await.unwrap();
        table.append(vec![batch(&[MADE_NAN], 1)], None).await.unwrap();
        let merged = table.merge(request(batch(&[0.0, f64::NAN, 8.0], 2))).await.unwrap();
        assert_eq!((merged.rows_updated, merged.rows_inserted), (2, 1), "{kind}");
        // A handle that remembers nothing finds the same.
        let merged = place.open().await.merge(request(batch(&[-0.0, MADE_NAN], 3))).await.unwrap();
        assert_eq!((merged.rows_updated, merged.rows_inserted), (2, 0), "{kind}");
        assert_eq!(query(&table.snapshot().await.unwrap(), "SELECT n FROM t").await, ["1", "2", "3", "3"], "{kind}");
        for twice in [[0.0, -0.0], [f64::NAN, MADE_NAN]] {
            let error = table.merge(request(batch(&twice, 4))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{kind}: {error}");
        }
    }
}

#[tokio::test]
async fn a_key_that_the_target_holds_twice_is_updated_twice() {
    let place = Place::new();
    let table = place.create().await;
    table.append(vec![rows(&[("a", 1, 0.0), ("a", 2, 0.0)])], None).await.unwrap();
    table.append(vec![rows(&[("a", 3, 0.0)])], None).await.unwrap();
    let merged = table.merge(upsert(vec![rows(&[("a", 9, 9.0)])])).await.unwrap();
    assert_eq!(merged.rows_updated, 3);
    assert_eq!(content(&table).await, ["a 9 9", "a 9 9", "a 9 9"]);
}

#[tokio::test]
async fn an_empty_source_commits_its_txn_and_a_txn_happens_once() {
    let place = Place::new();
    let table = place.create().await;
    let with_txn = |source, version| MergeRequest { txn: Some(Txn::new("q", version)), ..upsert(source) };
    assert_eq!(table.merge(upsert(vec![])).await.unwrap().version, None);
    assert_eq!(table.merge(with_txn(vec![], 1)).await.unwrap().version, Some(1));
    assert_eq!(table.merge(with_txn(vec![rows(&[("a", 1, 0.0)])], 1)).await.unwrap().version, None);
    assert_eq!(table.merge(with_txn(vec![rows(&[("a", 1, 0.0)])], 2)).await.unwrap().version, Some(2));
    assert_eq!(content(&table).await, ["a 1 0"]);
}

#[tokio::test]
async fn many_small_merges_keep_few_files() {
    let place = Place::new();
    let table = place.create().await;
    for i in 0..60 {
        let keys = [format!("k{i:03}"), format!("k{:03}", i / 2)];
        let source =
            if i / 2 == i { vec![(keys[0].as_str(), i, 0.0)] } else { vec![(keys[0].as_str(), i, 0.0), (keys[1].as_str(), i, 1.0)] };
        table.merge(upsert(vec![rows(&source)])).await.unwrap();
    }
    let snapshot = table.snapshot().await.unwrap();
    assert_eq!(snapshot.num_records(), Some(60));
    assert!(snapshot.files().len() <= 16, "{} files", snapshot.files().len());
    let fresh = place.open().await;
    assert_eq!(content(&fresh).await, content(&table).await);
}

/// One step of a random life of a table.
#[derive(Debug, Clone)]
enum Step {
    Merge { keys: Vec<u8>, n: i64, conditional: bool },
    Append { keys: Vec<u8>, n: i64 },
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || proptest::collection::btree_set(0u8..40, 0..12).prop_map(|keys| keys.into_iter().collect::<Vec<_>>());
    prop_oneof![
        6 => (keys(), 0i64..10, any::<bool>()).prop_map(|(keys, n, conditional)| Step::Merge { keys, n, conditional }),
        2 => (keys(), 0i64..10).prop_map(|(keys, n)| Step::Append { keys, n }),
        1 => Just(Step::Forget),
    ]
}

fn batch_of(keys: &[u8], n: i64) -> RecordBatch {
    let names: Vec<String> = keys.iter().map(|k| format!("k{k:02}")).collect();
    rows(&names.iter().map(|k| (k.as_str(), n, n as f64)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_life_of_a_table_agrees_with_a_map(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::new();
            let mut table = place.create().await;
            // The rows of each key: an append may give a key a second row.
            let mut model: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
            for step in &steps {
                match step {
                    Step::Merge { keys, n, conditional } => {
                        let request = MergeRequest { update_condition: conditional.then(newer), ..upsert(vec![batch_of(keys, *n)]) };
                        let merged = table.merge(request).await.unwrap();
                        let (mut updated, mut inserted) = (0, 0);
                        for key in keys {
                            match model.get_mut(key) {
                                None => { model.insert(*key, vec![*n]); inserted += 1; }
                                Some(rows) => for row in rows.iter_mut().filter(|row| !conditional || *n > **row) { *row = *n; updated += 1; },
                            }
                        }
                        prop_assert_eq!((merged.rows_updated, merged.rows_inserted), (updated, inserted));
                    }
                    Step::Append { keys, n } => {
                        table.append(vec![batch_of(keys, *n)], None).await.unwrap();
                        keys.iter().for_each(|key| model.entry(*key).or_default().push(*n));
                    }
                    Step::Forget => table = place.open().await,
                }
            }
            let mut wanted: Vec<String> = model.iter().flat_map(|(k, rows)| rows.iter().map(move |n| format!("k{k:02} {n} {n}"))).collect();
            wanted.sort();
            prop_assert_eq!(content(&table).await, wanted);
            Ok(())
        })?;
    }
}
