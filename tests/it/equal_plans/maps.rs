//! Maps and structs.

use tidemill::functions::{self as F, col, lit};

use super::pairs;

pairs! { t:
    "SELECT props['a'], element_at(props, 'b') FROM docs" => t.docs.select([col("props").get_item("a"), F::element_at("props", lit("b"))]),
    "SELECT map_keys(props), map_values(props), map_entries(props) FROM docs" => {
        t.docs.select([F::map_keys("props"), F::map_values("props"), F::map_entries("props")])
    },
    "SELECT map_contains_key(props, 'a'), size(props) FROM docs" => t.docs.select([F::map_contains_key("props", "a"), F::size("props")]),
    "SELECT map('a', key, 'b', 2) AS m FROM docs" => t.docs.select([F::map([lit("a"), col("key"), lit("b"), lit(2)]).alias("m")]),
    "SELECT map_concat(props, props) FROM docs" => t.docs.select([F::map_concat(["props", "props"])]),
    "SELECT map_from_arrays(tags, nums) FROM docs" => t.docs.select([F::map_from_arrays("tags", "nums")]),
    "SELECT map_from_entries(map_entries(props)) AS m FROM docs" => {
        t.docs.select([F::map_from_entries(F::map_entries("props")).alias("m")])
    },
    "SELECT str_to_map(body) FROM docs" => t.docs.select([F::str_to_map("body")]),
    "SELECT map_filter(props, (k, v) -> v > 1) FROM docs" => t.docs.select([F::map_filter("props", |_, v| v.gt(1))]),
    "SELECT transform_values(props, (k, v) -> v + 1) FROM docs" => t.docs.select([F::transform_values("props", |_, v| v + 1)]),
    "SELECT transform_keys(props, (k, v) -> upper(k)) FROM docs" => t.docs.select([F::transform_keys("props", |k, _| F::upper(k))]),
    "SELECT map_zip_with(props, props, (k, a, b) -> a + b) AS m FROM docs" => {
        t.docs.select([F::map_zip_with("props", "props", |_, a, b| a + b).alias("m")])
    },
    "SELECT place.zip + 1 AS next FROM docs" => t.docs.select([(col("place.zip") + 1).alias("next")]),
    "SELECT place.street FROM docs WHERE place.zip > 3" => t.docs.filter(col("place.zip").gt(3)).select(["place.street"]),
    "SELECT named_struct('z', place.zip).z AS z FROM docs" => {
        t.docs.select([F::named_struct([lit("z"), col("place.zip")]).get_field("z").alias("z")])
    },
    "SELECT struct(key, place) AS s FROM docs" => t.docs.select([F::struct_(["key", "place"]).alias("s")]),
    "SELECT to_json(struct(key, tags)) AS j FROM docs" => t.docs.select([F::to_json(F::struct_(["key", "tags"])).alias("j")]),
    "SELECT place.zip, count(*) AS n FROM docs GROUP BY place.zip" => t.docs.group_by(["place.zip"]).agg([F::count("*").alias("n")]),
    "SELECT max(struct(key, body)).body AS latest FROM docs" => {
        t.docs.agg([F::max(F::struct_(["key", "body"])).get_field("body").alias("latest")])
    },
    "SELECT key FROM docs ORDER BY place.zip" => t.docs.select(["key"]).order_by(["place.zip"]),
    "SELECT place = place AS same FROM docs" => t.docs.select([col("place").eq(col("place")).alias("same")]),
}
