//! Rows of two queries together, UNPIVOT.

use tidemill::functions::{col, lit};

use super::pairs;

pairs! { t:
    "SELECT id FROM people UNION ALL SELECT id FROM orders" => t.people.select(["id"]).union_all(&t.orders.select(["id"])),
    "SELECT id FROM people UNION SELECT id FROM orders" => t.people.select(["id"]).union(&t.orders.select(["id"])).distinct(),
    "SELECT id FROM people INTERSECT SELECT id FROM orders" => t.people.select(["id"]).intersect(&t.orders.select(["id"])),
    "SELECT id FROM people INTERSECT ALL SELECT id FROM orders" => t.people.select(["id"]).intersect_all(&t.orders.select(["id"])),
    "SELECT id FROM people EXCEPT SELECT id FROM orders" => t.people.select(["id"]).except(&t.orders.select(["id"])),
    "SELECT id FROM people EXCEPT ALL SELECT id FROM orders" => t.people.select(["id"]).except_all(&t.orders.select(["id"])),
    "SELECT id FROM people MINUS SELECT id FROM orders" => t.people.select(["id"]).subtract(&t.orders.select(["id"])),
    "SELECT * FROM people UNION ALL SELECT * FROM people" => t.people.select(["*"]).union(&t.people.select(["*"])),
    "SELECT id, name FROM people UNION ALL SELECT order_id, item FROM orders" => {
        t.people.select(["id", "name"]).union(&t.orders.select(["order_id", "item"]))
    },
    "SELECT age FROM people UNION ALL SELECT qty FROM orders UNION ALL SELECT key FROM docs" => {
        t.people.select(["age"]).union(&t.orders.select(["qty"])).union(&t.docs.select(["key"]))
    },
    "SELECT id FROM people EXCEPT (SELECT id FROM orders UNION ALL SELECT order_id FROM orders)" => {
        t.people.select(["id"]).except(&t.orders.select(["id"]).union(&t.orders.select(["order_id"])))
    },
    "SELECT count(*) AS n FROM (SELECT id FROM people UNION ALL SELECT id FROM orders)" => {
        t.people.select(["id"]).union(&t.orders.select(["id"])).agg([tidemill::functions::count("*").alias("n")])
    },
    "SELECT x FROM (SELECT id AS x FROM people UNION ALL SELECT qty FROM orders) WHERE x > 1" => {
        t.people.select([col("id").alias("x")]).union(&t.orders.select(["qty"])).filter(col("x").gt(1)).select(["x"])
    },
    "SELECT id FROM people UNION ALL SELECT id FROM orders ORDER BY id LIMIT 3" => {
        t.people.select(["id"]).union(&t.orders.select(["id"])).order_by(["id"]).limit(3)
    },
    "SELECT DISTINCT id, age FROM people" => t.people.select(["id", "age"]).drop_duplicates([]),
    "SELECT 1 AS kind, id FROM people UNION ALL SELECT 2, id FROM orders" => {
        t.people.select([lit(1).alias("kind"), col("id")]).union(&t.orders.select([lit(2), col("id")]))
    },
    "SELECT * FROM (SELECT id, age, score FROM people) UNPIVOT INCLUDE NULLS (v FOR k IN (age, score))" => {
        t.people.select(["id", "age", "score"]).unpivot(["id"], Some(vec!["age", "score"]), "k", "v").select(["*"])
    },
    "SELECT k, v FROM (SELECT id, qty FROM orders) UNPIVOT INCLUDE NULLS (v FOR k IN (qty))" => {
        t.orders.select(["id", "qty"]).melt(["id"], Some(vec!["qty"]), "k", "v").select(["k", "v"])
    },
    "FROM people |> SELECT id |> UNION ALL (SELECT id FROM orders)" => t.people.select(["id"]).union(&t.orders.select(["id"])),
    "WITH both AS (SELECT id FROM people UNION ALL SELECT id FROM orders) SELECT DISTINCT id FROM both" => {
        t.people.select(["id"]).union(&t.orders.select(["id"])).select(["id"]).distinct()
    },
}
