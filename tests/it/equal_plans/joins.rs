//! Joins: by condition and by name, of all kinds, of a table with itself.

use tidemill::functions::{col, lit};

use super::pairs;

pairs! { t:
    "SELECT * FROM people p JOIN orders o ON p.id = o.id" => {
        t.people.alias("p").join(&t.orders.alias("o"), col("p.id").eq(col("o.id")), "inner").select(["*"])
    },
    "SELECT p.name, o.item FROM people p JOIN orders o ON p.id = o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "inner").select([t.people.col("name"), t.orders.col("item")])
    },
    "SELECT name, item FROM people p LEFT JOIN orders o ON p.id = o.id" => {
        t.people.alias("p").join(&t.orders.alias("o"), col("p.id").eq(col("o.id")), "left").select(["name", "item"])
    },
    "SELECT name, item FROM people p RIGHT OUTER JOIN orders o ON p.id = o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "right_outer").select(["name", "item"])
    },
    "SELECT name, item FROM people p FULL OUTER JOIN orders o ON p.id = o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "full").select(["name", "item"])
    },
    "SELECT name FROM people p LEFT SEMI JOIN orders o ON p.id = o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "left_semi").select(["name"])
    },
    "SELECT name FROM people p LEFT ANTI JOIN orders o ON p.id = o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "left_anti").select(["name"])
    },
    "SELECT name, item FROM people CROSS JOIN orders" => t.people.cross_join(&t.orders).select(["name", "item"]),
    "SELECT name, item FROM people, orders" => t.people.join(&t.orders, [] as [&str; 0], "inner").select(["name", "item"]),
    "SELECT * FROM people JOIN orders USING (id)" => t.people.join(&t.orders, "id", "inner").select(["*"]),
    "SELECT * FROM people LEFT JOIN orders USING (id)" => t.people.join(&t.orders, ["id"], "left").select(["*"]),
    "SELECT * FROM people RIGHT JOIN orders USING (id)" => t.people.join(&t.orders, ["id"], "right").select(["*"]),
    "SELECT * FROM people FULL JOIN orders USING (id)" => t.people.join(&t.orders, ["id"], "outer").select(["*"]),
    "SELECT * FROM people LEFT SEMI JOIN orders USING (id)" => t.people.join(&t.orders, ["id"], "semi").select(["*"]),
    "SELECT * FROM people LEFT ANTI JOIN orders USING (id)" => t.people.join(&t.orders, ["id"], "anti").select(["*"]),
    "SELECT * FROM people NATURAL JOIN orders" => t.people.join(&t.orders, vec!["id"], "inner").select(["*"]),
    "SELECT id, name FROM people JOIN orders USING (id)" => t.people.join(&t.orders, "id", "inner").select(["id", "name"]),
    "SELECT p.id, o.id FROM people p JOIN orders o USING (id)" => {
        t.people.join(&t.orders, "id", "inner").select([t.people.col("id"), t.orders.col("id")])
    },
    "SELECT a.name, b.name FROM people a JOIN people b ON a.id = b.age" => {
        t.people.alias("a").join(&t.people.alias("b"), col("a.id").eq(col("b.age")), "inner").select(["a.name", "b.name"])
    },
    "SELECT a.name AS one, b.name AS other FROM people a JOIN people b ON a.id = b.id" => {
        let other = t.people.alias("b");
        let both = t.people.alias("a").join(&other, col("a.id").eq(other.col("id")), "inner");
        both.select([col("a.name").alias("one"), other.col("name").alias("other")])
    },
    "SELECT * FROM people a JOIN people b USING (id, name)" => {
        t.people.alias("a").join(&t.people.alias("b"), ["id", "name"], "inner").select(["*"])
    },
    "SELECT a.id FROM people a, people b WHERE a.age = b.age AND a.id < b.id" => {
        let both = t.people.alias("a").join(&t.people.alias("b"), [] as [&str; 0], "inner");
        both.filter(col("a.age").eq(col("b.age")).and(col("a.id").lt(col("b.id")))).select(["a.id"])
    },
    "SELECT name FROM people p JOIN orders o ON p.id = o.id AND o.qty > 3 WHERE p.age < 9" => {
        let on = t.people.col("id").eq(t.orders.col("id")).and(t.orders.col("qty").gt(3));
        t.people.join(&t.orders, on, "inner").filter(t.people.col("age").lt(9)).select(["name"])
    },
    "SELECT name FROM people p LEFT JOIN orders o ON p.id = o.id AND p.age > o.qty" => {
        let on = t.people.col("id").eq(t.orders.col("id")).and(t.people.col("age").gt(t.orders.col("qty")));
        t.people.join(&t.orders, on, "left").select(["name"])
    },
    "SELECT name FROM people p JOIN orders o ON p.age BETWEEN o.qty AND 99" => {
        t.people.join(&t.orders, col("age").between(col("qty"), 99), "inner").select(["name"])
    },
    "SELECT name FROM people p JOIN orders o ON p.id <=> o.id" => {
        t.people.join(&t.orders, t.people.col("id").eq_null_safe(t.orders.col("id")), "inner").select(["name"])
    },
    "SELECT name FROM people p JOIN orders o ON true" => t.people.join(&t.orders, lit(true), "inner").select(["name"]),
    "SELECT name FROM people p JOIN orders o ON p.id = o.id JOIN docs d ON d.key = p.age" => {
        let both = t.people.join(&t.orders, t.people.col("id").eq(t.orders.col("id")), "inner");
        both.join(&t.docs, col("key").eq(col("age")), "inner").select(["name"])
    },
    "SELECT name, key FROM people JOIN orders USING (id) LEFT JOIN docs ON key = qty" => {
        t.people.join(&t.orders, "id", "inner").join(&t.docs, col("key").eq(col("qty")), "left").select(["name", "key"])
    },
    "SELECT name FROM people p JOIN (SELECT id AS who FROM orders WHERE qty > 1) o ON p.id = o.who" => {
        let who = t.orders.filter(col("qty").gt(1)).select([col("id").alias("who")]);
        t.people.join(&who, t.people.col("id").eq(who.col("who")), "inner").select(["name"])
    },
    "FROM people |> JOIN orders USING (id) |> SELECT name, item" => t.people.join(&t.orders, "id", "inner").select(["name", "item"]),
    "SELECT /*+ BROADCAST(o) */ name FROM people p JOIN orders o ON p.id = o.id" => {
        let small = t.orders.hint("broadcast");
        t.people.join(&small, t.people.col("id").eq(small.col("id")), "inner").select(["name"])
    },
    "WITH o AS (SELECT id, qty FROM orders) SELECT a.qty FROM o a JOIN o b ON a.id = b.id" => {
        let o = t.orders.select(["id", "qty"]);
        o.alias("a").join(&o.alias("b"), col("a.id").eq(col("b.id")), "inner").select(["a.qty"])
    },
}
