//! Joins in another order give the same rows. The judge is the engine without the rule.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::JoinOrder;

/// Tables whose columns have few values, some of them null, so that joins multiply rows and lose some.
fn tables(rule: Option<JoinOrder>) -> SessionContext {
    let mut rules = PhysicalOptimizer::new().rules;
    if let Some(rule) = rule {
        rules.insert(0, Arc::new(rule));
    }
    let config = SessionConfig::new().with_target_partitions(2).with_collect_statistics(true);
    let state = SessionStateBuilder::new().with_default_features().with_config(config).with_physical_optimizer_rules(rules).build();
    let session = SessionContext::new_with_state(state);
    for (table, rows, values) in [("facts", 400, 23), ("orders", 90, 23), ("customers", 30, 11), ("parts", 20, 7), ("nations", 5, 5)] {
        let column = |step: i64| {
            let value = |row: i64| (row * step) % values;
            Arc::new(Int64Array::from_iter((0..rows).map(|row| (value(row) != 3).then(|| value(row))))) as ArrayRef
        };
        let prefix = &table[..1];
        let names = StringArray::from_iter_values((0..rows).map(|row| format!("{prefix}{}", row % 4)));
        let fields = ["a", "b", "c"].map(|name| Field::new(format!("{prefix}_{name}"), DataType::Int64, true));
        let mut fields = fields.to_vec();
        fields.push(Field::new(format!("{prefix}_name"), DataType::Utf8, false));
        let columns = vec![column(1), column(5), column(7), Arc::new(names)];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        session.register_batch(table, batch).unwrap();
    }
    session
}

async fn rows(session: &SessionContext, sql: &str) -> Vec<String> {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let mut rows: Vec<String> = Vec::new();
    for batch in &batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &FormatOptions::new()).unwrap()).collect();
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|column| format!("{}|", column.value(row))).collect::<String>()));
    }
    rows.sort();
    rows
}

async fn plan(session: &SessionContext, sql: &str) -> String {
    let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn another_order_gives_the_same_rows() {
    let (before, after) = (tables(None), tables(Some(JoinOrder { few_rows: 0.0, worthwhile: 1.0 })));
    let mut changed = 0;
    for sql in [
        "SELECT f_b, o_c, c_name FROM facts JOIN orders ON f_a = o_a JOIN customers ON o_b = c_a WHERE c_name = 'c1'",
        "SELECT f_b, n_name FROM facts JOIN orders ON f_a = o_a JOIN customers ON o_b = c_a JOIN nations ON c_b = n_a WHERE n_name = 'n2'",
        // A circle, and two columns at once.
        "SELECT * FROM facts JOIN orders ON f_a = o_a JOIN customers ON o_b = c_a AND f_c = c_b JOIN nations ON c_c = n_a AND n_a = f_b",
        "SELECT f_c, p_b FROM facts JOIN parts ON f_a = p_a AND f_b = p_b JOIN orders ON o_a = f_a JOIN nations ON n_a = p_c WHERE n_b < 2",
        // Conditions over two relations, and over three.
        "SELECT f_a, o_a, n_a FROM facts JOIN orders ON f_a = o_a JOIN customers ON o_b = c_a JOIN nations ON n_a = c_b WHERE f_c >= n_c",
        "SELECT count(*) FROM facts JOIN orders ON f_a = o_a AND f_b <> o_b JOIN customers ON o_b = c_a AND (c_name = 'c1' OR f_name = 'f2')",
        // Semi and anti joins, with conditions of their own.
        "SELECT f_a, o_b FROM facts JOIN orders ON f_a = o_a WHERE EXISTS (SELECT 1 FROM nations WHERE n_a = o_b)",
        "SELECT f_a, c_b FROM facts JOIN orders ON f_a = o_a JOIN customers ON c_a = o_b WHERE f_c IN (SELECT n_a FROM nations WHERE n_b < 2)",
        "SELECT f_a, c_b FROM facts JOIN orders ON f_a = o_a JOIN customers ON c_a = o_b
         WHERE NOT EXISTS (SELECT 1 FROM parts WHERE p_a = f_a AND p_b <> c_b)",
        "SELECT f_a FROM facts JOIN orders ON f_a = o_a JOIN customers ON c_a = o_b
         WHERE EXISTS (SELECT 1 FROM parts WHERE p_a = f_b AND p_b = c_b) AND NOT EXISTS (SELECT 1 FROM nations WHERE n_a = o_c AND n_b = 1)",
        // Trees within trees: aggregates and outer joins are relations like others.
        "SELECT f_b, n FROM facts JOIN (SELECT o_a, count(*) AS n FROM orders JOIN customers ON o_b = c_a JOIN nations ON n_a = c_b GROUP BY o_a)
         ON f_a = o_a JOIN parts ON p_a = o_a JOIN nations ON n_a = p_b",
        "SELECT f_b, p_name FROM facts JOIN orders ON f_a = o_a JOIN customers ON c_a = o_b LEFT JOIN parts ON p_a = c_c WHERE c_b = 2",
        "SELECT f_b, p_name FROM facts JOIN (SELECT * FROM orders LEFT JOIN parts ON p_a = o_a) ON f_a = o_a JOIN nations ON n_a = p_b",
        // One table several times, and columns that are wanted twice or not at all.
        "SELECT l.o_a, r.o_c FROM orders l JOIN orders r ON l.o_a = r.o_b JOIN orders m ON m.o_b = r.o_c WHERE m.o_name = 'o1' AND l.o_c = 2",
        "SELECT f_b AS x, f_b AS y FROM facts JOIN orders ON f_a = o_a JOIN nations ON o_b = n_a WHERE n_name LIKE '%1'",
        "SELECT count(*) FROM facts JOIN orders ON f_a = o_a JOIN nations ON o_b = n_a WHERE n_b IN (1, 2)",
    ] {
        let (expected, found) = (rows(&before, sql).await, rows(&after, sql).await);
        assert!(!expected.is_empty(), "{sql}");
        assert_eq!(found, expected, "{sql}\n{}", plan(&after, sql).await);
        changed += usize::from(plan(&before, sql).await != plan(&after, sql).await);
    }
    assert!(changed >= 10, "{changed} plans are other ones");
}

#[tokio::test]
async fn the_order_stays_where_it_must_or_may_as_well() {
    let (before, after) = (tables(None), tables(Some(JoinOrder { few_rows: 0.0, worthwhile: 1.0 })));
    for sql in [
        "SELECT f_b FROM facts JOIN orders ON f_a = o_a",
        "SELECT f_b FROM facts LEFT JOIN orders ON f_a = o_a LEFT JOIN nations ON n_a = o_b",
        // What may fail for a row that another join leaves out is asked where it was written.
        "SELECT f_b FROM facts JOIN orders ON f_a = o_a AND f_b / o_b > 1 JOIN customers ON c_a = o_b AND 7 / c_a > f_c",
        "SELECT f_b FROM facts JOIN orders ON f_a IS NOT DISTINCT FROM o_a JOIN customers ON c_a IS NOT DISTINCT FROM o_b",
    ] {
        assert_eq!(plan(&after, sql).await, plan(&before, sql).await, "{sql}");
    }
    let sql =
        "SELECT f_b, n_name FROM facts JOIN orders ON f_a = o_a JOIN customers ON o_b = c_a JOIN nations ON c_b = n_a WHERE n_name = 'n2'";
    assert_ne!(plan(&after, sql).await, plan(&before, sql).await);
    for few in [JoinOrder::default(), JoinOrder { few_rows: 0.0, worthwhile: 0.0 }] {
        assert_eq!(plan(&tables(Some(few)), sql).await, plan(&before, sql).await);
    }
    let off = tables(Some(JoinOrder { few_rows: 0.0, worthwhile: 1.0 }));
    off.sql("SET datafusion.optimizer.join_reordering = false").await.unwrap();
    before.sql("SET datafusion.optimizer.join_reordering = false").await.unwrap();
    assert_eq!(plan(&off, sql).await, plan(&before, sql).await);
}
