//! Rows out of arrays and maps.

use tidemill::functions::{self as F, call_function, col, expr};

use super::pairs;

pairs! { t:
    "SELECT explode(tags) FROM docs" => t.docs.select([F::explode("tags")]),
    "SELECT explode(tags) AS tag FROM docs" => t.docs.select([F::explode("tags").alias("tag")]),
    "SELECT key, explode(nums) AS n FROM docs" => t.docs.select([col("key"), F::explode("nums").alias("n")]),
    "SELECT explode_outer(tags) AS tag FROM docs" => t.docs.select([F::explode_outer("tags").alias("tag")]),
    "SELECT explode(props) FROM docs" => t.docs.select([F::explode("props")]),
    "SELECT explode(props) AS (k, v) FROM docs" => t.docs.select([F::explode("props").aliases(["k", "v"])]),
    "SELECT posexplode(tags) FROM docs" => t.docs.select([F::posexplode("tags")]),
    "SELECT posexplode(tags) AS (at, tag) FROM docs" => t.docs.select([F::posexplode("tags").aliases(["at", "tag"])]),
    "SELECT posexplode_outer(nums) FROM docs" => t.docs.select([F::posexplode_outer("nums")]),
    "SELECT inline(lines) FROM docs" => t.docs.select([F::inline("lines")]),
    "SELECT key, inline(lines) FROM docs" => t.docs.select([col("key"), F::inline("lines")]),
    "SELECT inline_outer(lines) FROM docs" => t.docs.select([F::inline_outer("lines")]),
    "SELECT explode(array(age, id)) AS n FROM people" => t.people.select([F::explode(F::array(["age", "id"])).alias("n")]),
    "SELECT explode(split(name, ',')) AS part FROM people" => t.people.select([F::explode(expr("split(name, ',')")).alias("part")]),
    "SELECT explode(sequence(1, age)) AS n FROM people" => t.people.select([F::explode(F::sequence(F::lit(1), "age")).alias("n")]),
    "SELECT stack(2, age, age + 1) AS n FROM people" => {
        t.people.select([call_function("stack", [F::lit(2), col("age"), col("age") + 1]).alias("n")])
    },
    "SELECT tag, count(*) AS n FROM (SELECT explode(tags) AS tag FROM docs) GROUP BY tag" => {
        t.docs.select([F::explode("tags").alias("tag")]).group_by(["tag"]).agg([F::count("*").alias("n")])
    },
    "SELECT * FROM (SELECT key, explode(nums) AS n FROM docs) WHERE n > 3" => {
        t.docs.select([col("key"), F::explode("nums").alias("n")]).filter(col("n").gt(3)).select(["*"])
    },
    "SELECT key, l.sku FROM (SELECT key, explode(lines) AS l FROM docs)" => {
        t.docs.select([col("key"), F::explode("lines").alias("l")]).select(["key", "l.sku"])
    },
    "FROM docs |> EXTEND explode(tags) AS tag" => t.docs.with_column("tag", F::explode("tags")),
    "SELECT explode(map_keys(props)) AS k FROM docs" => t.docs.select([F::explode(F::map_keys("props")).alias("k")]),
    "SELECT json_tuple(body, 'a', 'b') FROM docs" => t.docs.select([call_function("json_tuple", [col("body"), F::lit("a"), F::lit("b")])]),
}
