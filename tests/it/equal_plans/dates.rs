//! Dates, timestamps and intervals.

use tidemill::functions::{self as F, call_function, col, expr, lit};

use super::pairs;

pairs! { t:
    "SELECT year(born), quarter(born), month(born), day(born) FROM people" => {
        t.people.select([F::year("born"), F::quarter("born"), F::month("born"), F::day("born")])
    },
    "SELECT dayofweek(born), dayofyear(born), weekofyear(born), weekday(born) FROM people" => {
        t.people.select([F::dayofweek("born"), F::dayofyear("born"), F::weekofyear("born"), F::weekday("born")])
    },
    "SELECT hour(placed), minute(placed), second(placed) FROM orders" => {
        t.orders.select([F::hour("placed"), F::minute("placed"), F::second("placed")])
    },
    "SELECT date_add(born, 3), date_sub(born, 4) FROM people" => t.people.select([F::date_add("born", 3), F::date_sub("born", 4)]),
    "SELECT datediff(born, DATE '2020-01-01') FROM people" => t.people.select([F::datediff("born", expr("DATE '2020-01-01'"))]),
    "SELECT add_months(born, 2), last_day(born), next_day(born, 'Mon') FROM people" => {
        t.people.select([F::add_months("born", 2), F::last_day("born"), F::next_day("born", "Mon")])
    },
    "SELECT months_between(placed, born) FROM orders JOIN people USING (id)" => {
        t.orders.join(&t.people, "id", "inner").select([F::months_between("placed", "born")])
    },
    "SELECT trunc(born, 'MM'), date_trunc('hour', placed) FROM people JOIN orders USING (id)" => {
        t.people.join(&t.orders, "id", "inner").select([F::trunc("born", "MM"), F::date_trunc("hour", "placed")])
    },
    "SELECT date_format(placed, 'yyyy-MM') FROM orders" => t.orders.select([F::date_format("placed", "yyyy-MM")]),
    "SELECT to_date(name), to_timestamp(name) FROM people" => t.people.select([F::to_date("name"), F::to_timestamp("name")]),
    "SELECT to_date(name, 'dd.MM.yyyy') FROM people" => t.people.select([call_function("to_date", [col("name"), lit("dd.MM.yyyy")])]),
    "SELECT to_timestamp(name, 'yyyy') AS y FROM people" => {
        t.people.select([call_function("to_timestamp", [col("name"), lit("yyyy")]).alias("y")])
    },
    "SELECT try_to_timestamp(name), try_to_date(name) FROM people" => {
        t.people.select([F::try_to_timestamp("name"), F::try_to_date("name")])
    },
    "SELECT unix_timestamp(placed), to_unix_timestamp(placed) FROM orders" => {
        t.orders.select([call_function("unix_timestamp", ["placed"]), F::to_unix_timestamp("placed")])
    },
    "SELECT from_unixtime(id), timestamp_seconds(id), timestamp_millis(id), timestamp_micros(id) FROM people" => {
        t.people.select([F::from_unixtime("id"), F::timestamp_seconds("id"), F::timestamp_millis("id"), F::timestamp_micros("id")])
    },
    "SELECT unix_date(born), unix_micros(placed) FROM people JOIN orders USING (id)" => {
        t.people.join(&t.orders, "id", "inner").select([F::unix_date("born"), F::unix_micros("placed")])
    },
    "SELECT make_date(age, 1, 2) FROM people" => t.people.select([F::make_date("age", lit(1), lit(2))]),
    "SELECT from_utc_timestamp(placed, 'Europe/Berlin'), to_utc_timestamp(placed, 'UTC') FROM orders" => {
        t.orders.select([F::from_utc_timestamp("placed", "Europe/Berlin"), F::to_utc_timestamp("placed", "UTC")])
    },
    "SELECT dayname(born), monthname(born) FROM people" => t.people.select([F::dayname("born"), F::monthname("born")]),
    "SELECT date_part('year', born), extract(MONTH FROM born) AS m FROM people" => {
        t.people.select([F::date_part("year", col("born")), expr("extract(MONTH FROM born)").alias("m")])
    },
    "SELECT placed + INTERVAL 1 DAY AS later FROM orders" => t.orders.select([(col("placed") + expr("INTERVAL 1 DAY")).alias("later")]),
    "SELECT born - INTERVAL '1' YEAR AS before FROM people" => t.people.select([(col("born") - expr("INTERVAL '1' YEAR")).alias("before")]),
    "SELECT born + 1, born - 2 FROM people" => t.people.select([col("born") + 1, col("born") - 2]),
    "SELECT born - DATE '2000-01-01' AS d FROM people" => t.people.select([(col("born") - expr("DATE '2000-01-01'")).alias("d")]),
    "SELECT date_from_unix_date(age), date_diff(born, born) FROM people" => {
        t.people.select([F::date_from_unix_date("age"), F::date_diff("born", "born")])
    },
    "SELECT timestampdiff(HOUR, placed, placed) AS h FROM orders" => {
        t.orders.select([expr("timestampdiff(HOUR, placed, placed)").alias("h")])
    },
    "SELECT current_timezone(), current_database() FROM people" => t.people.select([F::current_timezone(), F::current_database()]),
    "SELECT order_id FROM orders WHERE placed BETWEEN TIMESTAMP '2024-01-01' AND TIMESTAMP '2024-02-01'" => {
        let (from, to) = (expr("TIMESTAMP '2024-01-01'"), expr("TIMESTAMP '2024-02-01'"));
        t.orders.filter(col("placed").between(from, to)).select(["order_id"])
    },
    "SELECT date_trunc('day', placed), sum(qty) AS n FROM orders GROUP BY date_trunc('day', placed)" => {
        t.orders.group_by([F::date_trunc("day", "placed")]).agg([F::sum("qty").alias("n")])
    },
}
