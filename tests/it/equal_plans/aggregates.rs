//! Groups and aggregates: keys, totals, subtotals, pivots.

use tidemill::Column;
use tidemill::functions::{self as F, col, expr, lit};

use super::pairs;

pairs! { t:
    "SELECT count(*) FROM people" => t.people.agg([F::count("*")]),
    "SELECT count(1) AS n FROM people" => t.people.agg([F::count(lit(1)).alias("n")]),
    "SELECT count(age), count(DISTINCT city) FROM people" => t.people.agg([F::count("age"), F::count_distinct("city")]),
    "SELECT sum(age), avg(age), min(age), max(age) FROM people" => {
        t.people.agg([F::sum("age"), F::avg("age"), F::min("age"), F::max("age")])
    },
    "SELECT sum(amount), avg(amount) FROM orders" => t.orders.agg([F::sum("amount"), F::avg("amount")]),
    "SELECT sum(DISTINCT qty) FROM orders" => t.orders.agg([F::sum_distinct("qty")]),
    "SELECT city, count(*) AS count FROM people GROUP BY city" => t.people.group_by(["city"]).agg([F::count("*").alias("count")]),
    "SELECT city, count(1) AS count FROM people GROUP BY city" => t.people.group_by(["city"]).count(),
    "SELECT city, sum(age) FROM people GROUP BY city" => t.people.group_by(["city"]).sum(&["age"]),
    "SELECT city, avg(age), avg(score) FROM people GROUP BY city" => t.people.group_by(["city"]).avg(&["age", "score"]),
    "SELECT city, min(age) FROM people GROUP BY city" => t.people.group_by(["city"]).min(&["age"]),
    "SELECT city, max(age), max(born) FROM people GROUP BY city" => t.people.group_by(["city"]).max(&["age", "born"]),
    "SELECT city, active, max(score) AS best FROM people GROUP BY city, active" => {
        t.people.group_by(["city", "active"]).agg([F::max("score").alias("best")])
    },
    "SELECT age % 10, count(*) FROM people GROUP BY age % 10" => t.people.group_by([col("age") % 10]).agg([F::count("*")]),
    "SELECT year(born), count(*) AS n FROM people GROUP BY year(born)" => {
        t.people.group_by([F::year("born")]).agg([F::count("*").alias("n")])
    },
    "SELECT city, sum(age) + count(*) AS both FROM people GROUP BY city" => {
        t.people.group_by(["city"]).agg([(F::sum("age") + F::count("*")).alias("both")])
    },
    "SELECT city, sum(age * 2) AS twice FROM people GROUP BY city" => {
        t.people.group_by(["city"]).agg([F::sum(col("age") * 2).alias("twice")])
    },
    "SELECT city, first(name), last(name) FROM people GROUP BY city" => {
        t.people.group_by(["city"]).agg([F::first("name"), F::last("name")])
    },
    "SELECT city, collect_list(name), collect_set(age) FROM people GROUP BY city" => {
        t.people.group_by(["city"]).agg([F::collect_list("name"), F::collect_set("age")])
    },
    "SELECT stddev_samp(score), stddev_pop(score), var_samp(score), var_pop(score) FROM people" => {
        t.people.agg([F::stddev_samp("score"), F::stddev_pop("score"), F::var_samp("score"), F::var_pop("score")])
    },
    "SELECT corr(age, score), covar_pop(age, score), covar_samp(age, score) FROM people" => {
        t.people.agg([F::corr("age", "score"), F::covar_pop("age", "score"), F::covar_samp("age", "score")])
    },
    "SELECT median(score), percentile(age, 0.5D), approx_count_distinct(name) FROM people" => {
        t.people.agg([F::median("score"), F::percentile("age", lit(0.5)), F::approx_count_distinct("name")])
    },
    "SELECT bool_and(active), bool_or(active), count_if(age > 3) FROM people" => {
        t.people.agg([F::bool_and("active"), F::bool_or("active"), F::count_if(col("age").gt(3))])
    },
    "SELECT max_by(name, age), min_by(name, age), mode(city) FROM people" => {
        t.people.agg([F::max_by("name", col("age")), F::min_by("name", col("age")), F::mode("city")])
    },
    "SELECT skewness(score), kurtosis(score) FROM people" => t.people.agg([F::skewness("score"), F::kurtosis("score")]),
    "SELECT bit_and(age), bit_or(age), bit_xor(age) FROM people" => t.people.agg([F::bit_and("age"), F::bit_or("age"), F::bit_xor("age")]),
    "SELECT regr_slope(score, age), regr_count(score, age) FROM people" => {
        t.people.agg([F::regr_slope("score", "age"), F::regr_count("score", "age")])
    },
    "SELECT try_sum(age), try_avg(score) FROM people" => t.people.agg([F::try_sum("age"), F::try_avg("score")]),
    "SELECT any_value(name), array_agg(age) FROM people" => t.people.agg([F::any_value("name"), F::array_agg("age")]),
    "SELECT sum(age) FILTER (WHERE active) AS a FROM people" => t.people.agg([expr("sum(age) FILTER (WHERE active)").alias("a")]),
    "SELECT city, active, count(*) AS n FROM people GROUP BY ROLLUP (city, active)" => {
        t.people.rollup(["city", "active"]).agg([F::count("*").alias("n")])
    },
    "SELECT city, active, count(*) AS n FROM people GROUP BY CUBE (city, active)" => {
        t.people.cube(["city", "active"]).agg([F::count("*").alias("n")])
    },
    "SELECT city, grouping(city), grouping_id() FROM people GROUP BY ROLLUP (city)" => {
        t.people.rollup(["city"]).agg([F::grouping("city"), F::grouping_id([] as [Column; 0])])
    },
    "SELECT city, sum(age) FROM people GROUP BY CUBE (city)" => t.people.cube(["city"]).sum(&["age"]),
    "SELECT * FROM (SELECT city, count(*) AS n FROM people GROUP BY city) WHERE n > 1" => {
        t.people.group_by(["city"]).agg([F::count("*").alias("n")]).filter(col("n").gt(1)).select(["*"])
    },
    "SELECT city, count(*) AS n FROM people WHERE age > 3 GROUP BY city ORDER BY n DESC" => {
        t.people.filter(col("age").gt(3)).group_by(["city"]).agg([F::count("*").alias("n")]).order_by([col("n").desc()])
    },
    "SELECT avg(n) FROM (SELECT city, count(*) AS n FROM people GROUP BY city)" => {
        t.people.group_by(["city"]).agg([F::count("*").alias("n")]).agg([F::avg("n")])
    },
    "SELECT max(age) - min(age) AS span FROM people" => t.people.agg([(F::max("age") - F::min("age")).alias("span")]),
    "FROM people |> AGGREGATE count(*) AS n GROUP BY city" => t.people.group_by(["city"]).agg([F::count("*").alias("n")]),
    "SELECT * FROM (SELECT city, active, age FROM people) PIVOT (sum(age) FOR active IN (true, false))" => {
        t.people.select(["city", "active", "age"]).group_by(["city"]).pivot("active", [true, false]).agg([F::sum("age")]).select(["*"])
    },
    "SELECT * FROM (SELECT id, item, qty FROM orders) PIVOT (sum(qty) AS s, max(qty) AS m FOR item IN ('pen', 'cup'))" => {
        let rows = t.orders.select(["id", "item", "qty"]);
        rows.group_by(["id"]).pivot("item", ["pen", "cup"]).agg([F::sum("qty").alias("s"), F::max("qty").alias("m")]).select(["*"])
    },
    "SELECT id, sum(qty) FROM orders GROUP BY 1" => t.orders.group_by(["id"]).agg([F::sum("qty")]),
    "SELECT DISTINCT city FROM people" => t.people.select(["city"]).distinct(),
    "SELECT DISTINCT city, active FROM people WHERE age > 1" => t.people.filter(col("age").gt(1)).select(["city", "active"]).distinct(),
}
