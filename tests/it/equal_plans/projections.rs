//! Columns chosen, computed, named, added, renamed and dropped.

use tidemill::functions::{col, expr, lit, struct_, when};

use super::pairs;

pairs! { t:
    "SELECT id, name FROM people" => t.people.select(["id", "name"]),
    "SELECT * FROM people" => t.people.select(["*"]),
    "SELECT name, id, name AS again FROM people" => t.people.select([col("name"), col("id"), col("name").alias("again")]),
    "SELECT id, id FROM people" => t.people.select(["id", "id"]),
    "SELECT ID, Name FROM people" => t.people.select(["ID", "Name"]),
    "SELECT `id` FROM people" => t.people.select(["`id`"]),
    "SELECT people.id FROM people" => t.people.select(["people.id"]),
    "SELECT p.id, p.* FROM people p" => t.people.alias("p").select(["p.id", "p.*"]),
    "SELECT age + 1 FROM people" => t.people.select([col("age") + 1]),
    "SELECT age + 1 AS next, age - 1 AS last FROM people" => {
        t.people.select([(col("age") + 1).alias("next"), (col("age") - 1).alias("last")])
    },
    "SELECT age * id, age / id, age % 7 FROM people" => t.people.select([col("age") * col("id"), col("age") / col("id"), col("age") % 7]),
    "SELECT -age, +age FROM people" => t.people.select([-col("age"), expr("+age")]),
    "SELECT 1 - age, 2 * age FROM people" => t.people.select([1 - col("age"), 2 * col("age")]),
    "SELECT (age + 1) * (age - 1) FROM people" => t.people.select([(col("age") + 1) * (col("age") - 1)]),
    "SELECT age & 3, age | 4, age ^ 5, ~age FROM people" => {
        t.people.select([col("age").bitwise_and(3), col("age").bitwise_or(4), col("age").bitwise_xor(5), col("age").bitwise_not()])
    },
    "SELECT 1, 'a', true, NULL FROM people" => t.people.select([lit(1), lit("a"), lit(true), tidemill::functions::null()]),
    "SELECT 5 AS five, name FROM people" => t.people.select([lit(5).alias("five"), col("name")]),
    "SELECT 7L AS seven, 2D AS two, 'x' AS x FROM people" => {
        t.people.select([lit(7_i64).alias("seven"), lit(2.0).alias("two"), lit("x").alias("x")])
    },
    "SELECT CASE WHEN age < 18 THEN 'minor' ELSE 'adult' END AS kind FROM people" => {
        t.people.select([when(col("age").lt(18), "minor").otherwise("adult").alias("kind")])
    },
    "SELECT CASE WHEN age < 18 THEN 'minor' WHEN age < 65 THEN 'adult' END FROM people" => {
        t.people.select([when(col("age").lt(18), "minor").when(col("age").lt(65), "adult")])
    },
    "SELECT IF(active, name, city) FROM people" => {
        t.people.select([tidemill::functions::call_function("if", ["active", "name", "city"])])
    },
    "SELECT struct(id, name) AS both FROM people" => t.people.select([struct_(["id", "name"]).alias("both")]),
    "SELECT named_struct('a', id, 'b', age) AS pair FROM people" => {
        t.people.select([tidemill::functions::named_struct([lit("a"), col("id"), lit("b"), col("age")]).alias("pair")])
    },
    "SELECT place.street, place.zip FROM docs" => t.docs.select(["place.street", "place.zip"]),
    "SELECT place.* FROM docs" => t.docs.select(["place.*"]),
    "SELECT lines.sku FROM docs" => t.docs.select(["lines.sku"]),
    "SELECT age AS years, years + 1 AS more FROM people" => t.people.select([col("age").alias("years"), (col("years") + 1).alias("more")]),
    "SELECT * EXCEPT (age, city) FROM people" => t.people.drop(["age", "city"]),
    "FROM people |> DROP born, score, active" => t.people.drop(["born", "score", "active"]),
    "FROM people |> EXTEND age * 2 AS twice" => t.people.with_column("twice", col("age") * 2),
    "FROM people |> SET age = age + 1" => t.people.with_column("age", col("age") + 1),
    "FROM people |> EXTEND age + 1 AS a, age + 2 AS b" => t.people.with_columns([("a", col("age") + 1), ("b", col("age") + 2)]),
    "FROM people |> SELECT id, upper(name) AS name" => {
        t.people.select([col("id"), tidemill::functions::upper("name").alias("name")])
    },
    "SELECT * FROM (SELECT id AS a, name AS b FROM people) AS s(x, y)" => {
        t.people.select([col("id").alias("a"), col("name").alias("b")]).to_df(["x", "y"]).select(["*"])
    },
    "SELECT s.a FROM (SELECT id AS a FROM people) s" => t.people.select([col("id").alias("a")]).alias("s").select(["s.a"]),
    "SELECT id FROM (SELECT id, age FROM people WHERE age > 3)" => {
        t.people.filter(col("age").gt(3)).select(["id", "age"]).select(["id"])
    },
    "WITH adults AS (SELECT * FROM people WHERE age >= 18) SELECT name FROM adults" => {
        t.people.filter(col("age").geq(18)).select(["*"]).select(["name"])
    },
    "SELECT hash(id, name), xxhash64(id) FROM people" => {
        t.people.select([tidemill::functions::hash(["id", "name"]), tidemill::functions::xxhash64(["id"])])
    },
    "SELECT `a_.*` FROM (SELECT id AS `a_.*` FROM people)" => t.people.select([col("id").alias("a_.*")]).select(["`a_.*`"]),
}
