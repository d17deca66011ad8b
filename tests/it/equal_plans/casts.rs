//! Casts, said and unsaid.

use tidemill::SparkType;
use tidemill::functions::{self as F, col, expr, lit};

use super::pairs;

pairs! { t:
    "SELECT CAST(age AS BIGINT) FROM people" => t.people.select([col("age").cast("bigint")]),
    "SELECT CAST(age AS STRING) AS s FROM people" => t.people.select([col("age").cast("string").alias("s")]),
    "SELECT CAST(name AS INT) AS n FROM people" => t.people.select([col("name").cast("int").alias("n")]),
    "SELECT TRY_CAST(name AS INT) AS n FROM people" => t.people.select([col("name").try_cast("int").alias("n")]),
    "SELECT TRY_CAST(name AS DATE) AS n FROM people" => t.people.select([col("name").try_cast(SparkType::Date).alias("n")]),
    "SELECT age::double AS d FROM people" => t.people.select([col("age").cast(SparkType::Double).alias("d")]),
    "SELECT CAST(score AS DECIMAL(10,2)) FROM people" => t.people.select([col("score").cast("decimal(10,2)")]),
    "SELECT CAST(amount AS INT), CAST(amount AS DECIMAL(5,1)) FROM orders" => {
        t.orders.select([col("amount").cast("int"), col("amount").cast("decimal(5,1)")])
    },
    "SELECT CAST(born AS TIMESTAMP), CAST(born AS STRING) FROM people" => {
        t.people.select([col("born").cast("timestamp"), col("born").cast("string")])
    },
    "SELECT CAST(placed AS DATE), CAST(placed AS BIGINT) FROM orders" => {
        t.orders.select([col("placed").cast("date"), col("placed").cast("bigint")])
    },
    "SELECT CAST(active AS INT), CAST(age AS BOOLEAN) FROM people" => {
        t.people.select([col("active").cast("int"), col("age").cast("boolean")])
    },
    "SELECT CAST(nums AS ARRAY<BIGINT>) FROM docs" => t.docs.select([col("nums").cast("array<bigint>")]),
    "SELECT CAST(place AS STRUCT<a: STRING, b: BIGINT>) AS p FROM docs" => {
        t.docs.select([col("place").cast("struct<a: string, b: bigint>").alias("p")])
    },
    "SELECT CAST(props AS MAP<STRING, DOUBLE>) AS p FROM docs" => t.docs.select([col("props").cast("map<string, double>").alias("p")]),
    "SELECT CAST(name AS BINARY) FROM people" => t.people.select([col("name").cast("binary")]),
    "SELECT CAST(age AS TINYINT), CAST(age AS SMALLINT), CAST(age AS FLOAT) FROM people" => {
        t.people.select([col("age").cast("tinyint"), col("age").cast("smallint"), col("age").cast("float")])
    },
    "SELECT CAST(CAST(age AS STRING) AS INT) AS back FROM people" => t.people.select([col("age").cast("string").cast("int").alias("back")]),
    "SELECT CAST(name AS TIMESTAMP_NTZ) AS n FROM people" => t.people.select([col("name").cast("timestamp_ntz").alias("n")]),
    "SELECT id FROM people WHERE CAST(name AS INT) = 3" => t.people.filter(col("name").cast("int").eq(3)).select(["id"]),
    "SELECT id FROM people WHERE age = '3'" => t.people.filter(col("age").eq("3")).select(["id"]),
    "SELECT id FROM people WHERE score = age" => t.people.filter(col("score").eq(col("age"))).select(["id"]),
    "SELECT order_id FROM orders WHERE amount = qty" => t.orders.filter(col("amount").eq(col("qty"))).select(["order_id"]),
    "SELECT coalesce(age, id) FROM people" => t.people.select([F::coalesce(["age", "id"])]),
    "SELECT CASE WHEN active THEN age ELSE score END AS v FROM people" => {
        t.people.select([F::when(col("active"), col("age")).otherwise(col("score")).alias("v")])
    },
    "SELECT array(age, id) FROM people" => t.people.select([F::array(["age", "id"])]),
    "SELECT age FROM people UNION ALL SELECT id FROM people" => t.people.select(["age"]).union(&t.people.select(["id"])),
    "SELECT amount FROM orders UNION ALL SELECT score FROM people" => t.orders.select(["amount"]).union(&t.people.select(["score"])),
    "SELECT 1Y AS a, 2S AS b, 3 AS c, 4L AS d FROM people" => {
        t.people.select([lit(1_i8).alias("a"), lit(2_i16).alias("b"), lit(3).alias("c"), lit(4_i64).alias("d")])
    },
    "SELECT 1.5 AS x, 1.5BD AS y, 2.5F AS z FROM people" => {
        t.people.select([expr("1.5").alias("x"), expr("1.5BD").alias("y"), lit(2.5_f32).alias("z")])
    },
}
