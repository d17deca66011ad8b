//! Functions over windows of rows.

use tidemill::functions::{self as F, call_function, col};
use tidemill::{Window, WindowSpec};

use super::pairs;

fn by_city() -> WindowSpec {
    Window::partition_by(["city"]).order_by(["age"])
}

pairs! { t:
    "SELECT row_number() OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::row_number().over(by_city()).alias("n")])
    },
    "SELECT rank() OVER (PARTITION BY city ORDER BY age) AS n FROM people" => t.people.select([F::rank().over(by_city()).alias("n")]),
    "SELECT dense_rank() OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::dense_rank().over(by_city()).alias("n")])
    },
    "SELECT percent_rank() OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::percent_rank().over(by_city()).alias("n")])
    },
    "SELECT cume_dist() OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::cume_dist().over(by_city()).alias("n")])
    },
    "SELECT ntile(4) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => t.people.select([F::ntile(4).over(by_city()).alias("n")]),
    "SELECT lag(age, 1) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::lag("age", 1).over(by_city()).alias("n")])
    },
    "SELECT lead(age, 2) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::lead("age", 2).over(by_city()).alias("n")])
    },
    "SELECT lag(age) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([call_function("lag", ["age"]).over(by_city()).alias("n")])
    },
    "SELECT first_value(name) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::first_value("name").over(by_city()).alias("n")])
    },
    "SELECT last_value(name) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::last_value("name").over(by_city()).alias("n")])
    },
    "SELECT nth_value(name, 2) OVER (PARTITION BY city ORDER BY age) AS n FROM people" => {
        t.people.select([F::nth_value("name", 2).over(by_city()).alias("n")])
    },
    "SELECT sum(age) OVER (PARTITION BY city) AS s FROM people" => {
        t.people.select([F::sum("age").over(Window::partition_by(["city"])).alias("s")])
    },
    "SELECT sum(age) OVER (ORDER BY id) AS s FROM people" => t.people.select([F::sum("age").over(Window::order_by(["id"])).alias("s")]),
    "SELECT count(*) OVER () AS c FROM people" => t.people.select([F::count("*").over(WindowSpec::default()).alias("c")]),
    "SELECT avg(score) OVER (PARTITION BY city, active ORDER BY age DESC) AS a FROM people" => {
        t.people.select([F::avg("score").over(Window::partition_by(["city", "active"]).order_by([col("age").desc()])).alias("a")])
    },
    "SELECT sum(age) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s FROM people" => {
        t.people.select([F::sum("age").over(Window::order_by(["id"]).rows_between(-2, 0)).alias("s")])
    },
    "SELECT max(age) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS m FROM people" => {
        let all = Window::order_by(["id"]).rows_between(Window::UNBOUNDED_PRECEDING, Window::UNBOUNDED_FOLLOWING);
        t.people.select([F::max("age").over(all).alias("m")])
    },
    "SELECT min(age) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING) AS m FROM people" => {
        t.people.select([F::min("age").over(Window::order_by(["id"]).rows_between(Window::CURRENT_ROW, 3)).alias("m")])
    },
    "SELECT sum(age) OVER (ORDER BY age RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING) AS s FROM people" => {
        t.people.select([F::sum("age").over(Window::order_by(["age"]).range_between(-5, 5)).alias("s")])
    },
    "SELECT sum(age) OVER (ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM people" => {
        t.people.select([F::sum("age").over(Window::order_by(["id"]).range_between(Window::UNBOUNDED_PRECEDING, 0)).alias("s")])
    },
    "SELECT id, age - avg(age) OVER (PARTITION BY city) AS off FROM people" => {
        t.people.select([col("id"), (col("age") - F::avg("age").over(Window::partition_by(["city"]))).alias("off")])
    },
    "SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY city ORDER BY age) AS n FROM people) WHERE n = 1" => {
        t.people.select([col("id"), F::row_number().over(by_city()).alias("n")]).filter(col("n").eq(1)).select(["*"])
    },
    "SELECT city, sum(n) OVER (ORDER BY city) AS upto FROM (SELECT city, count(*) AS n FROM people GROUP BY city)" => {
        let counted = t.people.group_by(["city"]).agg([F::count("*").alias("n")]);
        counted.select([col("city"), F::sum("n").over(Window::order_by(["city"])).alias("upto")])
    },
    "SELECT rank() OVER (ORDER BY age) AS r, dense_rank() OVER (ORDER BY age) AS d FROM people" => {
        let by_age = Window::order_by(["age"]);
        t.people.select([F::rank().over(&by_age).alias("r"), F::dense_rank().over(&by_age).alias("d")])
    },
    "FROM people |> EXTEND row_number() OVER (PARTITION BY city ORDER BY age) AS n" => {
        t.people.with_column("n", F::row_number().over(by_city()))
    },
    "SELECT collect_list(age) OVER (PARTITION BY city ORDER BY age) AS l FROM people" => {
        t.people.select([F::collect_list("age").over(by_city()).alias("l")])
    },
}
