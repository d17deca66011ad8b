//! Streams: what is over a table is over a stream, and windows of time.

use tidemill::functions::{self as F, col};

use super::pairs;

pairs! { t:
    "SELECT user, clicks FROM events" => t.events.select(["user", "clicks"]),
    "SELECT user, clicks + 1 AS more FROM events WHERE clicks > 3" => {
        t.events.filter(col("clicks").gt(3)).select([col("user"), (col("clicks") + 1).alias("more")])
    },
    "SELECT window(time, '10 minutes'), count(*) AS n FROM events GROUP BY window(time, '10 minutes')" => {
        t.events.group_by([F::window("time", "10 minutes")]).agg([F::count("*").alias("n")])
    },
    "SELECT user, window(time, '1 hour'), sum(clicks) AS s FROM events GROUP BY user, window(time, '1 hour')" => {
        t.events.group_by([col("user"), F::window("time", "1 hour")]).agg([F::sum("clicks").alias("s")])
    },
    "SELECT session_window(time, '5 minutes'), user, count(*) AS n FROM events GROUP BY session_window(time, '5 minutes'), user" => {
        t.events.group_by([F::session_window("time", "5 minutes"), col("user")]).agg([F::count("*").alias("n")])
    },
    "SELECT window.start, n FROM (SELECT window(time, '1 day'), count(*) AS n FROM events GROUP BY window(time, '1 day'))" => {
        t.events.group_by([F::window("time", "1 day")]).agg([F::count("*").alias("n")]).select(["window.start", "n"])
    },
    "SELECT DISTINCT user, time FROM events" => t.events.select(["user", "time"]).distinct(),
    "SELECT user, city FROM events JOIN people ON user = name" => {
        t.events.join(&t.people, col("user").eq(col("name")), "inner").select(["user", "city"])
    },
    "SELECT user FROM events LEFT JOIN people ON user = name WHERE age > 3" => {
        t.events.join(&t.people, col("user").eq(col("name")), "left").filter(col("age").gt(3)).select(["user"])
    },
    "SELECT user FROM events UNION ALL SELECT user FROM events" => t.events.select(["user"]).union(&t.events.select(["user"])),
    "SELECT upper(user) AS u, hour(time) AS h FROM events" => t.events.select([F::upper("user").alias("u"), F::hour("time").alias("h")]),
    "SELECT window(placed, '1 day'), sum(qty) AS s FROM orders GROUP BY window(placed, '1 day')" => {
        t.orders.group_by([F::window("placed", "1 day")]).agg([F::sum("qty").alias("s")])
    },
}
