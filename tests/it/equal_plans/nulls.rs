//! Null, and what stands in for it.

use tidemill::functions::{self as F, call_function, col, lit};

use super::pairs;

pairs! { t:
    "SELECT coalesce(name, city, 'none') FROM people" => t.people.select([F::coalesce([col("name"), col("city"), lit("none")])]),
    "SELECT nvl(name, city), ifnull(name, city) FROM people" => t.people.select([F::nvl("name", "city"), F::ifnull("name", "city")]),
    "SELECT nvl2(name, city, 'x') FROM people" => t.people.select([F::nvl2("name", "city", lit("x"))]),
    "SELECT nullif(name, city) FROM people" => t.people.select([F::nullif("name", "city")]),
    "SELECT isnull(name), isnotnull(name) FROM people" => t.people.select([F::isnull("name"), F::isnotnull("name")]),
    "SELECT name IS NULL, name IS NOT NULL FROM people" => t.people.select([col("name").is_null(), col("name").is_not_null()]),
    "SELECT nullifzero(age), zeroifnull(age) FROM people" => t.people.select([F::nullifzero("age"), F::zeroifnull("age")]),
    "SELECT nanvl(score, 0D) FROM people" => t.people.select([call_function("nanvl", [col("score"), lit(0.0)])]),
    "SELECT isnan(score) FROM people" => t.people.select([F::isnan("score")]),
    "SELECT equal_null(name, city) FROM people" => t.people.select([call_function("equal_null", ["name", "city"])]),
    "SELECT name <=> city, name = NULL FROM people" => t.people.select([col("name").eq_null_safe(col("city")), col("name").eq(F::null())]),
    "SELECT id FROM people WHERE name IS NULL OR city IS NULL" => {
        t.people.filter(col("name").is_null().or(col("city").is_null())).select(["id"])
    },
    "SELECT id FROM people WHERE coalesce(age, 0) > 3" => t.people.filter(F::coalesce([col("age"), lit(0)]).gt(3)).select(["id"]),
    "SELECT count(*) AS n FROM people WHERE name IS NULL" => t.people.filter(col("name").is_null()).agg([F::count("*").alias("n")]),
    "SELECT CASE WHEN name IS NULL THEN 'none' ELSE name END AS n FROM people" => {
        t.people.select([F::when(col("name").is_null(), "none").otherwise(col("name")).alias("n")])
    },
    "SELECT id FROM people ORDER BY name NULLS LAST" => t.people.select(["id"]).order_by([col("name").asc_nulls_last()]),
}
