//! Filters, comparisons and logic.

use tidemill::functions::{self as F, col, expr, lit};

use super::pairs;

pairs! { t:
    "SELECT id FROM people WHERE age = 30" => t.people.filter(col("age").eq(30)).select(["id"]),
    "SELECT id FROM people WHERE age <> 30" => t.people.filter(col("age").neq(30)).select(["id"]),
    "SELECT id FROM people WHERE age != 31" => t.people.filter(col("age").not_eq(31)).select(["id"]),
    "SELECT id FROM people WHERE age > 1 AND age < 9" => t.people.filter(col("age").gt(1).and(col("age").lt(9))).select(["id"]),
    "SELECT id FROM people WHERE age >= 2 OR age <= 1" => t.people.filter(col("age").geq(2) | col("age").leq(1)).select(["id"]),
    "SELECT id FROM people WHERE NOT active" => t.people.filter(!col("active")).select(["id"]),
    "SELECT id FROM people WHERE active" => t.people.filter(col("active")).select(["id"]),
    "SELECT id FROM people WHERE active AND NOT (age > 3 OR city = 'Rome')" => {
        t.people.filter(col("active") & !(col("age").gt(3) | col("city").eq("Rome"))).select(["id"])
    },
    "SELECT id FROM people WHERE age <=> 5" => t.people.filter(col("age").eq_null_safe(5)).select(["id"]),
    "SELECT id FROM people WHERE age BETWEEN 3 AND 5" => t.people.filter(col("age").between(3, 5)).select(["id"]),
    "SELECT id FROM people WHERE NOT (age BETWEEN 3 AND 5)" => t.people.filter(!col("age").between(3, 5)).select(["id"]),
    "SELECT id FROM people WHERE age IN (1, 2, 3)" => t.people.filter(col("age").isin([1, 2, 3])).select(["id"]),
    "SELECT id FROM people WHERE city IN ('Rome', 'Bonn')" => t.people.filter(col("city").isin(["Rome", "Bonn"])).select(["id"]),
    "SELECT id FROM people WHERE NOT (city IN ('Rome'))" => t.people.filter(!col("city").isin(["Rome"])).select(["id"]),
    "SELECT id FROM people WHERE name LIKE 'A%'" => t.people.filter(col("name").like("A%")).select(["id"]),
    "SELECT id FROM people WHERE name ILIKE 'a_b'" => t.people.filter(col("name").ilike("a_b")).select(["id"]),
    "SELECT id FROM people WHERE name RLIKE '^A.*z$'" => t.people.filter(col("name").rlike("^A.*z$")).select(["id"]),
    "SELECT id FROM people WHERE NOT (name LIKE '%x')" => t.people.filter(!col("name").like("%x")).select(["id"]),
    "SELECT id FROM people WHERE age IS NULL" => t.people.filter(col("age").is_null()).select(["id"]),
    "SELECT id FROM people WHERE age IS NOT NULL" => t.people.filter(col("age").is_not_null()).select(["id"]),
    "SELECT id FROM people WHERE startswith(name, 'A') AND endswith(name, 'z')" => {
        t.people.filter(col("name").starts_with("A").and(col("name").ends_with("z"))).select(["id"])
    },
    "SELECT id FROM people WHERE contains(name, city)" => t.people.where_(F::contains("name", "city")).select(["id"]),
    "SELECT id FROM people WHERE isnan(score)" => t.people.filter(col("score").is_nan()).select(["id"]),
    "SELECT id FROM people WHERE age > id" => t.people.filter(col("age").gt(col("id"))).select(["id"]),
    "SELECT id FROM people WHERE score > 1" => t.people.filter(col("score").gt(1)).select(["id"]),
    "SELECT order_id FROM orders WHERE amount > 5" => t.orders.filter(col("amount").gt(5)).select(["order_id"]),
    "SELECT id FROM people WHERE born > '2000-01-01'" => t.people.filter(col("born").gt("2000-01-01")).select(["id"]),
    "SELECT id FROM people WHERE born >= DATE '2000-01-01'" => t.people.filter(col("born").geq(expr("DATE '2000-01-01'"))).select(["id"]),
    "SELECT id FROM people WHERE (age > 1) = active" => t.people.filter(col("age").gt(1).eq(col("active"))).select(["id"]),
    "SELECT id FROM people WHERE true" => t.people.filter(lit(true)).select(["id"]),
    "SELECT id, age > 3 AS older, active AND age > 3 FROM people" => {
        t.people.select([col("id"), col("age").gt(3).alias("older"), col("active").and(col("age").gt(3))])
    },
    "SELECT * FROM (SELECT * FROM people WHERE age > 1) WHERE age < 5" => {
        t.people.filter(col("age").gt(1)).select(["*"]).filter(col("age").lt(5)).select(["*"])
    },
    "FROM people |> WHERE age > 1 |> WHERE city = 'Rome'" => t.people.filter(col("age").gt(1)).filter(col("city").eq("Rome")),
    "SELECT name FROM people WHERE lower(city) = 'rome' AND length(name) > 3" => {
        t.people.filter(F::lower("city").eq("rome").and(F::length("name").gt(3))).select(["name"])
    },
    "SELECT key FROM docs WHERE place.zip = 1" => t.docs.filter(col("place.zip").eq(1)).select(["key"]),
    "SELECT key FROM docs WHERE nums[0] = 1 AND props['a'] > 2" => {
        t.docs.filter(col("nums").get_item(0).eq(1).and(col("props").get_item("a").gt(2))).select(["key"])
    },
}
