//! Rows in order, the first of them, samples of them; how they are dealt out.

use tidemill::functions::{self as F, col};

use super::pairs;

pairs! { t:
    "SELECT id FROM people ORDER BY id" => t.people.select(["id"]).order_by(["id"]),
    "SELECT id FROM people ORDER BY id DESC" => t.people.select(["id"]).order_by([col("id").desc()]),
    "SELECT id, age FROM people ORDER BY age DESC, id ASC" => t.people.select(["id", "age"]).sort([col("age").desc(), col("id").asc()]),
    "SELECT id FROM people ORDER BY id NULLS LAST" => t.people.select(["id"]).order_by([col("id").asc_nulls_last()]),
    "SELECT id FROM people ORDER BY id DESC NULLS FIRST" => t.people.select(["id"]).order_by([col("id").desc_nulls_first()]),
    "SELECT id FROM people ORDER BY age" => t.people.select(["id"]).order_by(["age"]),
    "SELECT id FROM people ORDER BY age + 1, upper(name)" => t.people.select(["id"]).order_by([col("age") + 1, F::upper("name")]),
    "SELECT id AS x FROM people ORDER BY x" => t.people.select([col("id").alias("x")]).order_by(["x"]),
    "SELECT id FROM people ORDER BY 1" => t.people.select(["id"]).order_by(["id"]),
    "SELECT id FROM people SORT BY age" => t.people.select(["id"]).sort_within_partitions(["age"]),
    "SELECT id FROM people LIMIT 5" => t.people.select(["id"]).limit(5),
    "SELECT id FROM people LIMIT 0" => t.people.select(["id"]).limit(0),
    "SELECT id FROM people OFFSET 3" => t.people.select(["id"]).offset(3),
    "SELECT id FROM people LIMIT 5 OFFSET 3" => t.people.select(["id"]).offset(3).limit(5),
    "SELECT id FROM people ORDER BY age DESC LIMIT 3" => t.people.select(["id"]).order_by([col("age").desc()]).limit(3),
    "SELECT * FROM (SELECT id FROM people LIMIT 9) LIMIT 3" => t.people.select(["id"]).limit(9).select(["*"]).limit(3),
    "SELECT id FROM (SELECT * FROM people ORDER BY age LIMIT 2) ORDER BY id" => {
        t.people.select(["*"]).order_by(["age"]).limit(2).select(["id"]).order_by(["id"])
    },
    "SELECT * FROM people TABLESAMPLE (50 PERCENT) REPEATABLE (7)" => t.people.sample(0.5, Some(7)).select(["*"]),
    "SELECT id FROM people TABLESAMPLE (10 PERCENT) REPEATABLE (1) WHERE age > 1" => {
        t.people.sample(0.1, Some(1)).filter(col("age").gt(1)).select(["id"])
    },
    "SELECT /*+ REPARTITION(3) */ id FROM people" => t.people.select(["id"]).repartition(3),
    "SELECT /*+ COALESCE(1) */ id FROM people" => t.people.select(["id"]).coalesce(1),
    "SELECT * FROM people DISTRIBUTE BY city" => t.people.select(["*"]).repartition_by(["city"]),
    "SELECT id FROM people CLUSTER BY id" => t.people.select(["id"]).repartition_by(["id"]).sort_within_partitions(["id"]),
    "SELECT DISTINCT id FROM people ORDER BY id LIMIT 2" => t.people.select(["id"]).distinct().order_by(["id"]).limit(2),
    "FROM people |> ORDER BY age |> LIMIT 3" => t.people.order_by(["age"]).limit(3),
    "SELECT city, n FROM (SELECT city, count(*) AS n FROM people GROUP BY city) ORDER BY n DESC, city LIMIT 1" => {
        let counted = t.people.group_by(["city"]).agg([F::count("*").alias("n")]).select(["city", "n"]);
        counted.order_by([col("n").desc(), col("city").asc()]).limit(1)
    },
}
