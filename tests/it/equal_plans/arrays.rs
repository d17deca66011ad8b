//! Arrays, and functions of a program for each element.

use tidemill::functions::{self as F, call_function, col, lit};

use super::pairs;

pairs! { t:
    "SELECT size(tags), cardinality(nums), array_size(nums) FROM docs" => {
        t.docs.select([F::size("tags"), F::cardinality("nums"), F::array_size("nums")])
    },
    "SELECT tags[0], nums[key] FROM docs" => t.docs.select([col("tags").get_item(0), col("nums").get_item(col("key"))]),
    "SELECT element_at(nums, 1), try_element_at(nums, 2), get(nums, 0) FROM docs" => {
        t.docs.select([F::element_at("nums", 1), F::try_element_at("nums", 2), F::get("nums", 0)])
    },
    "SELECT array_contains(tags, 'a') FROM docs" => t.docs.select([F::array_contains("tags", "a")]),
    "SELECT array_distinct(nums), array_compact(nums) FROM docs" => t.docs.select([F::array_distinct("nums"), F::array_compact("nums")]),
    "SELECT array_max(nums), array_min(nums) FROM docs" => t.docs.select([F::array_max("nums"), F::array_min("nums")]),
    "SELECT array_union(nums, nums), array_intersect(nums, nums), array_except(nums, nums) FROM docs" => {
        t.docs.select([F::array_union("nums", "nums"), F::array_intersect("nums", "nums"), F::array_except("nums", "nums")])
    },
    "SELECT arrays_overlap(tags, tags), array_position(nums, 3) FROM docs" => {
        t.docs.select([F::arrays_overlap("tags", "tags"), F::array_position("nums", 3)])
    },
    "SELECT array_append(nums, 1), array_prepend(nums, 2), array_insert(nums, 1, 3) FROM docs" => {
        t.docs.select([F::array_append("nums", 1), F::array_prepend("nums", 2), F::array_insert("nums", lit(1), 3)])
    },
    "SELECT array_remove(nums, 1), array_repeat(key, 3) FROM docs" => {
        t.docs.select([F::array_remove("nums", 1), F::array_repeat("key", 3)])
    },
    "SELECT array_join(tags, ',') FROM docs" => t.docs.select([F::array_join("tags", ",")]),
    "SELECT sort_array(nums), array_sort(nums), reverse(nums) FROM docs" => {
        t.docs.select([F::sort_array("nums"), F::array_sort("nums"), F::reverse("nums")])
    },
    "SELECT slice(nums, 1, 2) FROM docs" => t.docs.select([F::slice("nums", lit(1), 2)]),
    "SELECT flatten(array(nums, nums)) AS f FROM docs" => t.docs.select([F::flatten(F::array(["nums", "nums"])).alias("f")]),
    "SELECT concat(nums, nums) FROM docs" => t.docs.select([F::concat(["nums", "nums"])]),
    "SELECT arrays_zip(tags, nums) FROM docs" => t.docs.select([F::arrays_zip(["tags", "nums"])]),
    "SELECT sequence(1, key) FROM docs" => t.docs.select([F::sequence(lit(1), "key")]),
    "SELECT array(1, 2, 3) AS a FROM docs" => t.docs.select([F::array([lit(1), lit(2), lit(3)]).alias("a")]),
    "SELECT transform(nums, x -> x + 1) FROM docs" => t.docs.select([F::transform("nums", |x| x + 1)]),
    "SELECT transform(nums, x -> x * key) AS scaled FROM docs" => t.docs.select([F::transform("nums", |x| x * col("key")).alias("scaled")]),
    "SELECT filter(nums, x -> x > 2) FROM docs" => t.docs.select([F::filter("nums", |x| x.gt(2))]),
    "SELECT exists(nums, x -> x = 0), forall(nums, x -> x > 0) FROM docs" => {
        t.docs.select([F::exists("nums", |x| x.eq(0)), F::forall("nums", |x| x.gt(0))])
    },
    "SELECT aggregate(nums, 0, (acc, x) -> acc + x) FROM docs" => t.docs.select([F::aggregate("nums", lit(0), |acc, x| acc + x)]),
    "SELECT zip_with(nums, nums, (x, y) -> x + y) FROM docs" => t.docs.select([F::zip_with("nums", "nums", |x, y| x + y)]),
    "SELECT transform(lines, l -> l.price * 2) AS p FROM docs" => {
        t.docs.select([F::transform("lines", |l| l.get_field("price") * 2).alias("p")])
    },
    "SELECT array_sort(nums, (x, y) -> y - x) AS falling FROM docs" => {
        t.docs.select([F::array_sort_by("nums", |x, y| y - x).alias("falling")])
    },
    "SELECT key FROM docs WHERE array_contains(nums, key)" => t.docs.filter(F::array_contains("nums", col("key"))).select(["key"]),
    "SELECT transform(array(nums), x -> transform(x, y -> y + 1)) AS n FROM docs" => {
        t.docs.select([F::transform(F::array(["nums"]), |x| F::transform(x, |y| y + 1)).alias("n")])
    },
    "SELECT lines.price, lines[0].sku FROM docs" => {
        t.docs.select([col("lines.price"), col("lines").get_item(0).get_field("sku")])
    },
    "SELECT shuffle(nums, 3) FROM docs" => t.docs.select([call_function("shuffle", [col("nums"), lit(3)])]),
}
