"""Functions over columns, by PySpark's names: printed from the engine's table of functions by `tools/print_functions.py`."""

from __future__ import annotations

import builtins
from typing import Any

from tidemill.sql.column import Column, operand
from tidemill.sql.functions.call import absent, called, called_with_zeros, constant, either, lambda_of, listed, name_or_column, options_of

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add_months",
    "aes_decrypt",
    "aes_encrypt",
    "any_value",
    "approx_count_distinct",
    "approx_percentile",
    "array",
    "array_agg",
    "array_append",
    "array_compact",
    "array_contains",
    "array_distinct",
    "array_except",
    "array_insert",
    "array_intersect",
    "array_join",
    "array_max",
    "array_min",
    "array_position",
    "array_prepend",
    "array_remove",
    "array_repeat",
    "array_size",
    "array_sort",
    "array_union",
    "arrays_overlap",
    "arrays_zip",
    "arrow_udtf",
    "ascii",
    "asin",
    "asinh",
    "assert_true",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "base64",
    "bin",
    "bit_and",
    "bit_count",
    "bit_get",
    "bit_length",
    "bit_or",
    "bit_xor",
    "bitmap_and_agg",
    "bitmap_bit_position",
    "bitmap_bucket_number",
    "bitmap_construct_agg",
    "bitmap_count",
    "bitmap_or_agg",
    "bitwise_not",
    "bool_and",
    "bool_or",
    "bround",
    "btrim",
    "bucket",
    "cardinality",
    "cbrt",
    "ceil",
    "ceiling",
    "char",
    "char_length",
    "character_length",
    "coalesce",
    "collate",
    "collation",
    "collect_list",
    "collect_set",
    "concat",
    "contains",
    "conv",
    "corr",
    "cos",
    "cosh",
    "cot",
    "count",
    "count_if",
    "count_min_sketch",
    "covar_pop",
    "covar_samp",
    "crc32",
    "create_map",
    "csc",
    "cume_dist",
    "curdate",
    "current_catalog",
    "current_database",
    "current_date",
    "current_path",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_timezone",
    "current_user",
    "date_add",
    "date_diff",
    "date_format",
    "date_from_unix_date",
    "date_part",
    "date_sub",
    "date_trunc",
    "dateadd",
    "datediff",
    "datepart",
    "day",
    "dayname",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "days",
    "decode",
    "degrees",
    "dense_rank",
    "e",
    "element_at",
    "elt",
    "encode",
    "endswith",
    "equal_null",
    "every",
    "exists",
    "exp",
    "explode",
    "explode_outer",
    "expm1",
    "factorial",
    "filter",
    "find_in_set",
    "first_value",
    "flatten",
    "floor",
    "forall",
    "format_number",
    "from_unixtime",
    "from_utc_timestamp",
    "from_xml",
    "get",
    "get_json_object",
    "getbit",
    "greatest",
    "grouping",
    "grouping_id",
    "hash",
    "hex",
    "histogram_numeric",
    "hll_sketch_agg",
    "hll_sketch_estimate",
    "hll_union",
    "hll_union_agg",
    "hour",
    "hours",
    "hypot",
    "ifnull",
    "ilike",
    "initcap",
    "inline",
    "inline_outer",
    "input_file_block_length",
    "input_file_block_start",
    "input_file_name",
    "instr",
    "is_valid_utf8",
    "is_valid_variant",
    "is_variant_null",
    "isnan",
    "isnotnull",
    "isnull",
    "java_method",
    "json_array_length",
    "json_object_keys",
    "kll_merge_agg_bigint",
    "kll_merge_agg_double",
    "kll_merge_agg_float",
    "kll_sketch_agg_bigint",
    "kll_sketch_agg_double",
    "kll_sketch_agg_float",
    "kll_sketch_get_n_bigint",
    "kll_sketch_get_n_double",
    "kll_sketch_get_n_float",
    "kll_sketch_get_quantile_bigint",
    "kll_sketch_get_quantile_double",
    "kll_sketch_get_quantile_float",
    "kll_sketch_get_rank_bigint",
    "kll_sketch_get_rank_double",
    "kll_sketch_get_rank_float",
    "kll_sketch_merge_bigint",
    "kll_sketch_merge_double",
    "kll_sketch_merge_float",
    "kll_sketch_to_string_bigint",
    "kll_sketch_to_string_double",
    "kll_sketch_to_string_float",
    "kurtosis",
    "lag",
    "last_day",
    "last_value",
    "lcase",
    "lead",
    "least",
    "left",
    "length",
    "like",
    "listagg",
    "ln",
    "localtimestamp",
    "locate",
    "log10",
    "log1p",
    "log2",
    "lower",
    "lpad",
    "make_date",
    "make_dt_interval",
    "make_interval",
    "make_time",
    "make_timestamp_ltz",
    "make_valid_utf8",
    "make_ym_interval",
    "map_concat",
    "map_contains_key",
    "map_entries",
    "map_filter",
    "map_from_arrays",
    "map_from_entries",
    "map_keys",
    "map_values",
    "map_zip_with",
    "mask",
    "max",
    "max_by",
    "md5",
    "mean",
    "median",
    "min",
    "min_by",
    "minute",
    "month",
    "monthname",
    "months",
    "months_between",
    "named_struct",
    "nanvl",
    "negate",
    "negative",
    "next_day",
    "now",
    "ntile",
    "nullif",
    "nullifzero",
    "nvl",
    "nvl2",
    "octet_length",
    "overlay",
    "parse_json",
    "parse_url",
    "percent_rank",
    "percentile",
    "percentile_approx",
    "pi",
    "pmod",
    "posexplode",
    "posexplode_outer",
    "position",
    "positive",
    "pow",
    "power",
    "printf",
    "product",
    "quarter",
    "quote",
    "radians",
    "raise_error",
    "rand",
    "randn",
    "randstr",
    "rank",
    "reflect",
    "regexp",
    "regexp_count",
    "regexp_extract",
    "regexp_extract_all",
    "regexp_instr",
    "regexp_like",
    "regexp_replace",
    "regexp_substr",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rint",
    "rlike",
    "round",
    "row_number",
    "rpad",
    "schema_of_csv",
    "schema_of_json",
    "schema_of_variant",
    "schema_of_variant_agg",
    "schema_of_xml",
    "sec",
    "second",
    "sentences",
    "sequence",
    "session_user",
    "session_window",
    "sha",
    "sha1",
    "sha2",
    "shiftleft",
    "shiftright",
    "shiftrightunsigned",
    "shuffle",
    "sign",
    "signum",
    "sin",
    "sinh",
    "size",
    "skewness",
    "slice",
    "some",
    "sort_array",
    "soundex",
    "spark_partition_id",
    "split",
    "split_part",
    "sqrt",
    "st_asbinary",
    "st_geogfromwkb",
    "st_geomfromwkb",
    "st_setsrid",
    "st_srid",
    "stack",
    "startswith",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "str_to_map",
    "string_agg",
    "struct",
    "substr",
    "substring",
    "substring_index",
    "sum",
    "tan",
    "tanh",
    "theta_difference",
    "theta_intersection",
    "theta_intersection_agg",
    "theta_sketch_agg",
    "theta_sketch_estimate",
    "theta_union",
    "theta_union_agg",
    "time_bucket",
    "time_diff",
    "time_from_micros",
    "time_from_millis",
    "time_from_seconds",
    "time_to_micros",
    "time_to_millis",
    "time_to_seconds",
    "time_trunc",
    "timestamp_micros",
    "timestamp_millis",
    "timestamp_seconds",
    "to_binary",
    "to_char",
    "to_csv",
    "to_date",
    "to_json",
    "to_number",
    "to_time",
    "to_timestamp",
    "to_timestamp_ltz",
    "to_timestamp_ntz",
    "to_unix_timestamp",
    "to_utc_timestamp",
    "to_varchar",
    "to_variant_object",
    "to_xml",
    "transform",
    "transform_keys",
    "transform_values",
    "translate",
    "trunc",
    "try_add",
    "try_aes_decrypt",
    "try_avg",
    "try_divide",
    "try_element_at",
    "try_make_interval",
    "try_make_timestamp_ltz",
    "try_mod",
    "try_multiply",
    "try_parse_json",
    "try_parse_url",
    "try_reflect",
    "try_subtract",
    "try_sum",
    "try_to_binary",
    "try_to_date",
    "try_to_number",
    "try_to_time",
    "try_to_timestamp",
    "try_url_decode",
    "try_validate_utf8",
    "try_variant_get",
    "tuple_difference_double",
    "tuple_difference_integer",
    "tuple_difference_theta_double",
    "tuple_difference_theta_integer",
    "tuple_intersection_agg_double",
    "tuple_intersection_agg_integer",
    "tuple_intersection_double",
    "tuple_intersection_integer",
    "tuple_intersection_theta_double",
    "tuple_intersection_theta_integer",
    "tuple_sketch_agg_double",
    "tuple_sketch_agg_integer",
    "tuple_sketch_estimate_double",
    "tuple_sketch_estimate_integer",
    "tuple_sketch_summary_double",
    "tuple_sketch_summary_integer",
    "tuple_sketch_theta_double",
    "tuple_sketch_theta_integer",
    "tuple_union_agg_double",
    "tuple_union_agg_integer",
    "tuple_union_double",
    "tuple_union_integer",
    "tuple_union_theta_double",
    "tuple_union_theta_integer",
    "typeof",
    "ucase",
    "udtf",
    "unbase64",
    "unhex",
    "uniform",
    "unix_date",
    "unix_micros",
    "unix_millis",
    "unix_seconds",
    "unwrap_udt",
    "upper",
    "url_decode",
    "url_encode",
    "user",
    "validate_utf8",
    "var_pop",
    "var_samp",
    "variance",
    "variant_get",
    "version",
    "weekday",
    "weekofyear",
    "width_bucket",
    "window_time",
    "xpath",
    "xpath_boolean",
    "xpath_double",
    "xpath_float",
    "xpath_int",
    "xpath_long",
    "xpath_number",
    "xpath_short",
    "xpath_string",
    "xxhash64",
    "year",
    "years",
    "zeroifnull",
    "zip_with",
]


def abs(col: Column | str) -> Column:
    """A number or an interval without its sign."""
    return called("abs", name_or_column(col))


def acos(col: Column | str) -> Column:
    """The arc cosine of `expr`, in radians; NaN outside of [-1, 1]."""
    return called("acos", name_or_column(col))


def acosh(col: Column | str) -> Column:
    """The inverse hyperbolic cosine of `expr`; NaN below 1."""
    return called("acosh", name_or_column(col))


def add_months(start: Column | str, months: Column | str | builtins.float) -> Column:
    """The same day some months later, or that month's last day if it is too short."""
    return called("add_months", name_or_column(start), either(months))


def aes_decrypt(input: Column | str, key: Column | str, mode: Column | str | None = None, padding: Column | str | None = None, aad: Column | str | None = None) -> Column:
    """Not there."""
    return absent("aes_decrypt")


def aes_encrypt(input: Column | str, key: Column | str, mode: Column | str | None = None, padding: Column | str | None = None, iv: Column | str | None = None, aad: Column | str | None = None) -> Column:
    """Not there."""
    return absent("aes_encrypt")


def any_value(col: Column | str, ignoreNulls: Any = None) -> Column:
    """The value of the first row, or the first one that is not null."""
    return called("any_value", name_or_column(col), constant(ignoreNulls))


def approx_count_distinct(col: Column | str, rsd: Any = None) -> Column:
    """About how many different values there are, null not counted."""
    return called("approx_count_distinct", name_or_column(col), constant(rsd))


def approx_percentile(col: Column | str, percentage: Any, accuracy: Any = 10000) -> Column:
    """The least value up to which about that share of all values lies; an array of shares gives an array."""
    return called("approx_percentile", name_or_column(col), operand(percentage), constant(accuracy))


def array(*cols: Any) -> Column:
    """An array of these values."""
    return called("array", *listed(cols))


def array_agg(col: Column | str) -> Column:
    """An array of all values, without nulls."""
    return called("array_agg", name_or_column(col))


def array_append(col: Column | str, value: Any) -> Column:
    """The array with the element at its end; a null array stays null."""
    return called("array_append", name_or_column(col), operand(value))


def array_compact(col: Column | str) -> Column:
    """The array without nulls."""
    return called("array_compact", name_or_column(col))


def array_contains(col: Column | str, value: Any) -> Column:
    """Whether the array has the value; null if it has not but has nulls."""
    return called("array_contains", name_or_column(col), operand(value))


def array_distinct(col: Column | str) -> Column:
    """The array without elements that came before."""
    return called("array_distinct", name_or_column(col))


def array_except(col1: Column | str, col2: Column | str) -> Column:
    """The elements of the first array that the second has not, each once."""
    return called("array_except", name_or_column(col1), name_or_column(col2))


def array_insert(arr: Column | str, pos: Column | str | builtins.float, value: Any) -> Column:
    """The array with `val` at place `pos`, counted from 1, or from the end where negative; nulls fill a gap."""
    return called("array_insert", name_or_column(arr), either(pos), operand(value))


def array_intersect(col1: Column | str, col2: Column | str) -> Column:
    """The elements of the first array that the second has too, each once."""
    return called("array_intersect", name_or_column(col1), name_or_column(col2))


def array_join(col: Column | str, delimiter: Any, null_replacement: Any = None) -> Column:
    """The elements as one text with the delimiter between them; nulls are passed over, or replaced."""
    return called("array_join", name_or_column(col), operand(delimiter), constant(null_replacement))


def array_max(col: Column | str) -> Column:
    """The largest element; nulls are passed over, and NaN is the largest number."""
    return called("array_max", name_or_column(col))


def array_min(col: Column | str) -> Column:
    """The smallest element; nulls are passed over, and NaN is the largest number."""
    return called("array_min", name_or_column(col))


def array_position(col: Column | str, value: Any) -> Column:
    """The place, from 1, of the first such element; 0 if there is none."""
    return called("array_position", name_or_column(col), operand(value))


def array_prepend(col: Column | str, value: Any) -> Column:
    """The array with the element before it; a null array stays null."""
    return called("array_prepend", name_or_column(col), operand(value))


def array_remove(col: Column | str, element: Any) -> Column:
    """The array without the elements that equal this one."""
    return called("array_remove", name_or_column(col), operand(element))


def array_repeat(col: Column | str, count: Column | str | builtins.float) -> Column:
    """An array that has the element `count` times."""
    return called("array_repeat", name_or_column(col), either(count))


def array_size(col: Column | str) -> Column:
    """How many elements the array has; null of null."""
    return called("array_size", name_or_column(col))


def array_sort(col: Column | str, comparator: Any = None) -> Column:
    """The array in rising order, nulls last; or in the order in which `func` of two elements is negative, 0 or positive."""
    return called("array_sort", name_or_column(col), lambda_of(comparator))


def array_union(col1: Column | str, col2: Column | str) -> Column:
    """The elements of both arrays, each once."""
    return called("array_union", name_or_column(col1), name_or_column(col2))


def arrays_overlap(a1: Column | str, a2: Column | str) -> Column:
    """Whether both arrays have an element in common; null if they have not, neither is empty, and one has nulls."""
    return called("arrays_overlap", name_or_column(a1), name_or_column(a2))


def arrays_zip(*cols: Any) -> Column:
    """An array of structs: the n-th has the n-th elements of all arrays, null for arrays that are shorter."""
    return called("arrays_zip", *listed(cols))


def arrow_udtf(cls: Any = None, returnType: Any = None) -> Column:
    """Not there."""
    return absent("arrow_udtf")


def ascii(col: Column | str) -> Column:
    """The code of the first character; 0 for empty text."""
    return called("ascii", name_or_column(col))


def asin(col: Column | str) -> Column:
    """The arc sine of `expr`, in radians; NaN outside of [-1, 1]."""
    return called("asin", name_or_column(col))


def asinh(col: Column | str) -> Column:
    """The inverse hyperbolic sine of `expr`."""
    return called("asinh", name_or_column(col))


def assert_true(col: Column | str, errMsg: Any = None) -> Column:
    """Null where `expr` is true, else an error."""
    return called("assert_true", name_or_column(col), constant(errMsg))


def atan(col: Column | str) -> Column:
    """The arc tangent of `expr`, in radians."""
    return called("atan", name_or_column(col))


def atan2(col1: Column | str | builtins.float, col2: Column | str | builtins.float) -> Column:
    """The angle between the x axis and the point (x, y), in radians."""
    return called("atan2", either(col1), either(col2))


def atanh(col: Column | str) -> Column:
    """The inverse hyperbolic tangent of `expr`."""
    return called("atanh", name_or_column(col))


def avg(col: Column | str) -> Column:
    """The mean of numbers or intervals."""
    return called("avg", name_or_column(col))


def base64(col: Column | str) -> Column:
    """Binary data in base 64; in lines of 76 characters unless `spark.sql.chunkBase64String.enabled` is off."""
    return called("base64", name_or_column(col))


def bin(col: Column | str) -> Column:
    """A number in binary, negative ones as two's complement."""
    return called("bin", name_or_column(col))


def bit_and(col: Column | str) -> Column:
    """The bits that all values have."""
    return called("bit_and", name_or_column(col))


def bit_count(col: Column | str) -> Column:
    """How many bits are set in the number as a bigint."""
    return called("bit_count", name_or_column(col))


def bit_get(col: Column | str, pos: Column | str) -> Column:
    """The bit at a position, counted from the right and from 0."""
    return called("bit_get", name_or_column(col), name_or_column(pos))


def bit_length(col: Column | str) -> Column:
    """How many bits text (in UTF-8) or binary data takes."""
    return called("bit_length", name_or_column(col))


def bit_or(col: Column | str) -> Column:
    """The bits that any value has."""
    return called("bit_or", name_or_column(col))


def bit_xor(col: Column | str) -> Column:
    """The bits that an odd number of values have."""
    return called("bit_xor", name_or_column(col))


def bitmap_and_agg(col: Column | str) -> Column:
    """The bits that all of the bitmaps have."""
    return called("bitmap_and_agg", name_or_column(col))


def bitmap_bit_position(col: Column | str) -> Column:
    """The place of a number's bit in its bitmap."""
    return called("bitmap_bit_position", name_or_column(col))


def bitmap_bucket_number(col: Column | str) -> Column:
    """The number of the bitmap that holds a number's bit."""
    return called("bitmap_bucket_number", name_or_column(col))


def bitmap_construct_agg(col: Column | str) -> Column:
    """A bitmap of 4096 bytes in which the bits at these positions are set."""
    return called("bitmap_construct_agg", name_or_column(col))


def bitmap_count(col: Column | str) -> Column:
    """How many bits of a bitmap are set."""
    return called("bitmap_count", name_or_column(col))


def bitmap_or_agg(col: Column | str) -> Column:
    """The bits that any of the bitmaps has."""
    return called("bitmap_or_agg", name_or_column(col))


def bitwise_not(col: Column | str) -> Column:
    """All bits turned around."""
    return called("~", name_or_column(col))


def bool_and(col: Column | str) -> Column:
    """Whether all values are true, null not counted."""
    return called("bool_and", name_or_column(col))


def bool_or(col: Column | str) -> Column:
    """Whether at least one value is true, null not counted."""
    return called("bool_or", name_or_column(col))


def bround(col: Column | str, scale: Any = None) -> Column:
    """`expr` with so many places after the point, halves to the even digit."""
    return called("bround", name_or_column(col), constant(scale))


def btrim(str: Column | str, trim: Column | str | None = None) -> Column:
    """The text without the blanks, or the characters of `trimStr`, at its ends."""
    return called("btrim", name_or_column(str), name_or_column(trim))


def bucket(numBuckets: Any, col: Column | str) -> Column:
    """Not there."""
    return absent("bucket")


def cardinality(col: Column | str) -> Column:
    """How many elements the array or map has, as size(expr)."""
    return called("cardinality", name_or_column(col))


def cbrt(col: Column | str) -> Column:
    """The cube root of `expr`."""
    return called("cbrt", name_or_column(col))


def ceil(col: Column | str, scale: Any = None) -> Column:
    """The least whole number, or number with so many places, that is not below `expr`."""
    return called("ceil", name_or_column(col), constant(scale))


def ceiling(col: Column | str, scale: Any = None) -> Column:
    """The least whole number, or number with so many places, that is not below `expr`."""
    return called("ceiling", name_or_column(col), constant(scale))


def char(col: Column | str) -> Column:
    """The character with the code `expr` modulo 256; empty for negative numbers."""
    return called("char", name_or_column(col))


def char_length(str: Column | str) -> Column:
    """How many characters text has, or how many bytes binary data."""
    return called("char_length", name_or_column(str))


def character_length(str: Column | str) -> Column:
    """How many characters text has, or how many bytes binary data."""
    return called("character_length", name_or_column(str))


def coalesce(*cols: Any) -> Column:
    """The first argument that is not null."""
    return called("coalesce", *listed(cols))


def collate(col: Column | str, collation: Any) -> Column:
    """The text under a collation; UTF8_BINARY is the only one."""
    return called("collate", name_or_column(col), operand(collation))


def collation(col: Column | str) -> Column:
    """The name of the text's collation."""
    return called("collation", name_or_column(col))


def collect_list(col: Column | str) -> Column:
    """An array of all values, without nulls."""
    return called("collect_list", name_or_column(col))


def collect_set(col: Column | str) -> Column:
    """An array of the different values, without nulls."""
    return called("collect_set", name_or_column(col))


def concat(*cols: Any) -> Column:
    """The texts, binary values or arrays one after the other; null where one of them is."""
    return called("concat", *listed(cols))


def contains(left: Column | str, right: Column | str) -> Column:
    """Whether `right` stands anywhere in `left`; both text or both binary."""
    return called("contains", name_or_column(left), name_or_column(right))


def conv(col: Column | str, fromBase: Any, toBase: Any) -> Column:
    """A number, said in one base, in another; bases are 2 to 36, and a negative `to_base` gives a sign."""
    return called("conv", name_or_column(col), operand(fromBase), operand(toBase))


def corr(col1: Column | str, col2: Column | str) -> Column:
    """Pearson's coefficient of correlation."""
    return called("corr", name_or_column(col1), name_or_column(col2))


def cos(col: Column | str) -> Column:
    """The cosine of an angle in radians."""
    return called("cos", name_or_column(col))


def cosh(col: Column | str) -> Column:
    """The hyperbolic cosine of `expr`."""
    return called("cosh", name_or_column(col))


def cot(col: Column | str) -> Column:
    """The cotangent of an angle in radians."""
    return called("cot", name_or_column(col))


def count(col: Column | str) -> Column:
    """The number of rows, or of rows where no expression is null; with DISTINCT, of different ones."""
    return called("count", name_or_column(col))


def count_if(col: Column | str) -> Column:
    """The number of rows where the condition is true."""
    return called("count_if", name_or_column(col))


def count_min_sketch(col: Column | str, eps: Any, confidence: Any, seed: Any = None) -> Column:
    """Not there."""
    return absent("count_min_sketch")


def covar_pop(col1: Column | str, col2: Column | str) -> Column:
    """The covariance of all pairs."""
    return called("covar_pop", name_or_column(col1), name_or_column(col2))


def covar_samp(col1: Column | str, col2: Column | str) -> Column:
    """The covariance of pairs that are a sample."""
    return called("covar_samp", name_or_column(col1), name_or_column(col2))


def crc32(col: Column | str) -> Column:
    """The CRC-32 checksum, as a bigint."""
    return called("crc32", name_or_column(col))


def create_map(*cols: Any) -> Column:
    """A map with these entries."""
    return called("map", *listed(cols))


def csc(col: Column | str) -> Column:
    """The cosecant of an angle in radians."""
    return called("csc", name_or_column(col))


def cume_dist() -> Column:
    """Which part of the partition's rows stands up to this row and those alike."""
    return called("cume_dist")


def curdate() -> Column:
    """The day in the session's time zone on which the statement began."""
    return called("curdate")


def current_catalog() -> Column:
    """The current catalog."""
    return called("current_catalog")


def current_database() -> Column:
    """The current database."""
    return called("current_database")


def current_date() -> Column:
    """The day in the session's time zone on which the statement began."""
    return called("current_date")


def current_path() -> Column:
    """Where names of functions and tables are looked up, in this order."""
    return called("current_path")


def current_schema() -> Column:
    """The current database."""
    return called("current_schema")


def current_time(precision: Any = None) -> Column:
    """The time of day at which the statement began, with up to 6 digits of the fraction."""
    return called("current_time", constant(precision))


def current_timestamp() -> Column:
    """The moment at which the statement began."""
    return called("current_timestamp")


def current_timezone() -> Column:
    """The session's time zone."""
    return called("current_timezone")


def current_user() -> Column:
    """The user's name."""
    return called("current_user")


def date_add(start: Column | str, days: Column | str | builtins.float) -> Column:
    """The date some days later."""
    return called("date_add", name_or_column(start), either(days))


def date_diff(end: Column | str, start: Column | str) -> Column:
    """The days from start to end."""
    return called("date_diff", name_or_column(end), name_or_column(start))


def date_format(date: Column | str, format: Any) -> Column:
    """The timestamp as text in that pattern."""
    return called("date_format", name_or_column(date), operand(format))


def date_from_unix_date(days: Column | str) -> Column:
    """The date so many days after 1970-01-01."""
    return called("date_from_unix_date", name_or_column(days))


def date_part(field: Any, source: Column | str) -> Column:
    """A part of a date, timestamp, time or interval; the field is constant text."""
    return called("date_part", operand(field), name_or_column(source))


def date_sub(start: Column | str, days: Column | str | builtins.float) -> Column:
    """The date some days earlier."""
    return called("date_sub", name_or_column(start), either(days))


def date_trunc(format: Any, timestamp: Column | str) -> Column:
    """The timestamp with what is smaller than the unit made zero; null for unknown units."""
    return called("date_trunc", operand(format), name_or_column(timestamp))


def dateadd(start: Column | str, days: Column | str | builtins.float) -> Column:
    """The date some days later."""
    return called("dateadd", name_or_column(start), either(days))


def datediff(end: Column | str, start: Column | str) -> Column:
    """The days from start to end."""
    return called("datediff", name_or_column(end), name_or_column(start))


def datepart(field: Any, source: Column | str) -> Column:
    """The same as date_part."""
    return called("datepart", operand(field), name_or_column(source))


def day(col: Column | str) -> Column:
    """The day of the month."""
    return called("day", name_or_column(col))


def dayname(col: Column | str) -> Column:
    """The first three letters of the day's English name."""
    return called("dayname", name_or_column(col))


def dayofmonth(col: Column | str) -> Column:
    """The day of the month."""
    return called("dayofmonth", name_or_column(col))


def dayofweek(col: Column | str) -> Column:
    """The day of the week: 1 is Sunday, 7 is Saturday."""
    return called("dayofweek", name_or_column(col))


def dayofyear(col: Column | str) -> Column:
    """The day of the year, from 1."""
    return called("dayofyear", name_or_column(col))


def days(col: Column | str) -> Column:
    """Not there."""
    return absent("days")


def decode(col: Column | str, charset: Any) -> Column:
    """The text that bytes are in a character set. decode(expr, search, result[, search, result]...[, default]) - The result beside the first `search` that `expr` equals (NULL equals NULL), else the default, else NULL."""
    return called("decode", name_or_column(col), operand(charset))


def degrees(col: Column | str) -> Column:
    """An angle in radians as degrees."""
    return called("degrees", name_or_column(col))


def dense_rank() -> Column:
    """The row's place by the order of its partition; rows alike share one, and leave no gaps."""
    return called("dense_rank")


def e() -> Column:
    """Euler's number."""
    return called("e")


def element_at(col: Column | str, extraction: Any) -> Column:
    """The element at a place counted from 1, or from -1 backwards; an error beyond the array, null with ANSI mode off. element_at(map, key) - The key's value, null without the key."""
    return called("element_at", name_or_column(col), operand(extraction))


def elt(*inputs: Any) -> Column:
    """The `n`-th input, from 1; an error where there is none, or null in legacy mode."""
    return called("elt", *listed(inputs))


def encode(col: Column | str, charset: Any) -> Column:
    """The bytes of the text in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16 or UTF-32."""
    return called("encode", name_or_column(col), operand(charset))


def endswith(str: Column | str, suffix: Column | str) -> Column:
    """Whether `left` ends with `right`; both text or both binary."""
    return called("endswith", name_or_column(str), name_or_column(suffix))


def equal_null(col1: Column | str, col2: Column | str) -> Column:
    """Whether both are equal or both null; never null."""
    return called("equal_null", name_or_column(col1), name_or_column(col2))


def every(col: Column | str) -> Column:
    """Whether all values are true, null not counted."""
    return called("every", name_or_column(col))


def exists(col: Column | str, f: Any) -> Column:
    """Whether `pred` is true for an element; null if it is for none, but null for one."""
    return called("exists", name_or_column(col), lambda_of(f))


def exp(col: Column | str) -> Column:
    """E to the power of `expr`."""
    return called("exp", name_or_column(col))


def explode(col: Column | str) -> Column:
    """A row per element of the array (column `col`), or per entry of the map (columns `key` and `value`)."""
    return called("explode", name_or_column(col))


def explode_outer(col: Column | str) -> Column:
    """As explode, and a row of nulls where there is no element."""
    return called("explode_outer", name_or_column(col))


def expm1(col: Column | str) -> Column:
    """E to the power of `expr`, less 1, exact near 0."""
    return called("expm1", name_or_column(col))


def factorial(col: Column | str) -> Column:
    """The product of the whole numbers from 1 to `expr`; null unless `expr` is from 0 to 20."""
    return called("factorial", name_or_column(col))


def filter(col: Column | str, f: Any) -> Column:
    """The elements for which `func` is true; it may take the element's place from 0 too."""
    return called("filter", name_or_column(col), lambda_of(f))


def find_in_set(str: Column | str, str_array: Column | str) -> Column:
    """The place, from 1, of `str` in a list parted by commas; 0 if it is not there or has a comma itself."""
    return called("find_in_set", name_or_column(str), name_or_column(str_array))


def first_value(col: Column | str, ignoreNulls: Any = None) -> Column:
    """The value of the first row, or the first one that is not null."""
    return called("first_value", name_or_column(col), constant(ignoreNulls))


def flatten(col: Column | str) -> Column:
    """The elements of the inner arrays, one after the other; null if one of them is null."""
    return called("flatten", name_or_column(col))


def floor(col: Column | str, scale: Any = None) -> Column:
    """The greatest whole number, or number with so many places, that is not above `expr`."""
    return called("floor", name_or_column(col), constant(scale))


def forall(col: Column | str, f: Any) -> Column:
    """Whether `pred` is true for all elements; null if it is false for none, but null for one."""
    return called("forall", name_or_column(col), lambda_of(f))


def format_number(col: Column | str, d: Any) -> Column:
    """The number with commas between thousands, rounded half even to `expr2` digits behind the point; or by a pattern `expr2` as of Java's DecimalFormat."""
    return called("format_number", name_or_column(col), operand(d))


def from_unixtime(timestamp: Column | str, format: Any = 'yyyy-MM-dd HH:mm:ss') -> Column:
    """The moment so many seconds after 1970-01-01 00:00:00 UTC, as text."""
    return called("from_unixtime", name_or_column(timestamp), constant(format))


def from_utc_timestamp(timestamp: Column | str, tz: Any) -> Column:
    """Takes the shown time as one in UTC and shows it in the zone."""
    return called("from_utc_timestamp", name_or_column(timestamp), operand(tz))


def from_xml(col: Column | str, schema: Any, options: dict[str, str] | None = None) -> Column:
    """Not there."""
    return absent("from_xml")


def get(col: Column | str, index: Column | str | builtins.float) -> Column:
    """The element at a place counted from 0; null beyond the array."""
    return called("get", name_or_column(col), either(index))


def get_json_object(col: Column | str, path: Any) -> Column:
    """The value at a path such as `$.a[0].b` or `$[*].a`, as text; null for text that is no JSON."""
    return called("get_json_object", name_or_column(col), operand(path))


def getbit(col: Column | str, pos: Column | str) -> Column:
    """The bit at a position, counted from the right and from 0."""
    return called("getbit", name_or_column(col), name_or_column(pos))


def greatest(*cols: Any) -> Column:
    """The greatest argument; nulls do not count."""
    return called("greatest", *listed(cols))


def grouping(col: Column | str) -> Column:
    """Not there."""
    return absent("grouping")


def grouping_id(*cols: Any) -> Column:
    """Not there."""
    return absent("grouping_id")


def hash(*cols: Any) -> Column:
    """A hash of the values, as an int (Murmur3)."""
    return called("hash", *listed(cols))


def hex(col: Column | str) -> Column:
    """A number, text (in UTF-8) or binary data in hexadecimal."""
    return called("hex", name_or_column(col))


def histogram_numeric(col: Column | str, nBins: Any) -> Column:
    """At most so many bins with centre `x` and height `y` that the values fall into."""
    return called("histogram_numeric", name_or_column(col), operand(nBins))


def hll_sketch_agg(col: Column | str, lgConfigK: Any = None) -> Column:
    """Not there."""
    return absent("hll_sketch_agg")


def hll_sketch_estimate(col: Column | str) -> Column:
    """Not there."""
    return absent("hll_sketch_estimate")


def hll_union(col1: Column | str, col2: Column | str, allowDifferentLgConfigK: Any = None) -> Column:
    """Not there."""
    return absent("hll_union")


def hll_union_agg(col: Column | str, allowDifferentLgConfigK: Any = None) -> Column:
    """Not there."""
    return absent("hll_union_agg")


def hour(col: Column | str) -> Column:
    """The hour of a timestamp or a time."""
    return called("hour", name_or_column(col))


def hours(col: Column | str) -> Column:
    """Not there."""
    return absent("hours")


def hypot(col1: Column | str | builtins.float, col2: Column | str | builtins.float) -> Column:
    """The square root of a² + b²."""
    return called("hypot", either(col1), either(col2))


def ifnull(col1: Column | str, col2: Column | str) -> Column:
    """`expr1`, or `expr2` where it is null."""
    return called("ifnull", name_or_column(col1), name_or_column(col2))


def ilike(str: Column | str, pattern: Column | str, escapeChar: Any = None) -> Column:
    """As `like`, whatever the letters' case."""
    return called("ilike", name_or_column(str), name_or_column(pattern), constant(escapeChar))


def initcap(col: Column | str) -> Column:
    """The text with the first letter of each word in upper case and the others in lower case; blanks part words."""
    return called("initcap", name_or_column(col))


def inline(col: Column | str) -> Column:
    """A row per struct of the array, a column per field."""
    return called("inline", name_or_column(col))


def inline_outer(col: Column | str) -> Column:
    """As inline, and a row of nulls where there is no struct."""
    return called("inline_outer", name_or_column(col))


def input_file_block_length() -> Column:
    """Not supported: rows do not know their file."""
    return called("input_file_block_length")


def input_file_block_start() -> Column:
    """Not supported: rows do not know their file."""
    return called("input_file_block_start")


def input_file_name() -> Column:
    """Not supported: rows do not know their file."""
    return called("input_file_name")


def instr(str: Column | str, substr: Any) -> Column:
    """The place, from 1, at which `substr` first stands in `str`; 0 if it does not."""
    return called("instr", name_or_column(str), operand(substr))


def is_valid_utf8(str: Column | str) -> Column:
    """Whether the bytes of the text are UTF-8."""
    return called("is_valid_utf8", name_or_column(str))


def is_valid_variant(v: Column | str) -> Column:
    """Not there."""
    return absent("is_valid_variant")


def is_variant_null(v: Column | str) -> Column:
    """Not there."""
    return absent("is_variant_null")


def isnan(col: Column | str) -> Column:
    """Whether `expr` is NaN; false for null."""
    return called("isnan", name_or_column(col))


def isnotnull(col: Column | str) -> Column:
    """Whether `expr` is not null."""
    return called("isnotnull", name_or_column(col))


def isnull(col: Column | str) -> Column:
    """Whether `expr` is null."""
    return called("isnull", name_or_column(col))


def java_method(*cols: Any) -> Column:
    """Not there."""
    return absent("java_method")


def json_array_length(col: Column | str) -> Column:
    """How many elements the outermost array has; null for other JSON, and for what is none."""
    return called("json_array_length", name_or_column(col))


def json_object_keys(col: Column | str) -> Column:
    """The names of the outermost object's fields; null for other JSON, and for what is none."""
    return called("json_object_keys", name_or_column(col))


def kll_merge_agg_bigint(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_merge_agg_bigint")


def kll_merge_agg_double(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_merge_agg_double")


def kll_merge_agg_float(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_merge_agg_float")


def kll_sketch_agg_bigint(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_sketch_agg_bigint")


def kll_sketch_agg_double(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_sketch_agg_double")


def kll_sketch_agg_float(col: Column | str, k: Any = None) -> Column:
    """Not there."""
    return absent("kll_sketch_agg_float")


def kll_sketch_get_n_bigint(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_n_bigint")


def kll_sketch_get_n_double(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_n_double")


def kll_sketch_get_n_float(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_n_float")


def kll_sketch_get_quantile_bigint(sketch: Column | str, rank: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_quantile_bigint")


def kll_sketch_get_quantile_double(sketch: Column | str, rank: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_quantile_double")


def kll_sketch_get_quantile_float(sketch: Column | str, rank: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_quantile_float")


def kll_sketch_get_rank_bigint(sketch: Column | str, quantile: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_rank_bigint")


def kll_sketch_get_rank_double(sketch: Column | str, quantile: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_rank_double")


def kll_sketch_get_rank_float(sketch: Column | str, quantile: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_get_rank_float")


def kll_sketch_merge_bigint(left: Column | str, right: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_merge_bigint")


def kll_sketch_merge_double(left: Column | str, right: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_merge_double")


def kll_sketch_merge_float(left: Column | str, right: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_merge_float")


def kll_sketch_to_string_bigint(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_to_string_bigint")


def kll_sketch_to_string_double(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_to_string_double")


def kll_sketch_to_string_float(col: Column | str) -> Column:
    """Not there."""
    return absent("kll_sketch_to_string_float")


def kurtosis(col: Column | str) -> Column:
    """How heavy the tails of the values are, less 3."""
    return called("kurtosis", name_or_column(col))


def lag(col: Column | str, offset: Any = 1, default: Any = None) -> Column:
    """The value so many rows before this one, 1 unless said; the default where there is no such row."""
    return called("lag", name_or_column(col), constant(offset), constant(default))


def last_day(date: Column | str) -> Column:
    """The last day of the date's month."""
    return called("last_day", name_or_column(date))


def last_value(col: Column | str, ignoreNulls: Any = None) -> Column:
    """The value of the last row, or the last one that is not null."""
    return called("last_value", name_or_column(col), constant(ignoreNulls))


def lcase(str: Column | str) -> Column:
    """The text in lower case."""
    return called("lcase", name_or_column(str))


def lead(col: Column | str, offset: Any = 1, default: Any = None) -> Column:
    """The value so many rows after this one, 1 unless said; the default where there is no such row."""
    return called("lead", name_or_column(col), constant(offset), constant(default))


def least(*cols: Any) -> Column:
    """The least argument; nulls do not count."""
    return called("least", *listed(cols))


def left(str: Column | str, len: Column | str) -> Column:
    """The first `len` characters of text, or bytes of binary data."""
    return called("left", name_or_column(str), name_or_column(len))


def length(col: Column | str) -> Column:
    """How many characters text has, or how many bytes binary data."""
    return called("length", name_or_column(col))


def like(str: Column | str, pattern: Column | str, escapeChar: Any = None) -> Column:
    """Whether all of `str` matches, where `_` is any character and `%` any number of them."""
    return called("like", name_or_column(str), name_or_column(pattern), constant(escapeChar))


def listagg(col: Column | str, delimiter: Any = None) -> Column:
    """All texts, or all bytes, in one, nulls left out."""
    return called("listagg", name_or_column(col), constant(delimiter))


def ln(col: Column | str) -> Column:
    """The natural logarithm of `expr`; null where `expr` is not positive."""
    return called("ln", name_or_column(col))


def localtimestamp() -> Column:
    """The local time at which the statement began, without a zone."""
    return called("localtimestamp")


def locate(substr: Any, str: Column | str, pos: Any = 1) -> Column:
    """The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not."""
    return called("locate", operand(substr), name_or_column(str), constant(pos))


def log10(col: Column | str) -> Column:
    """The logarithm of `expr` to the base 10; null where `expr` is not positive."""
    return called("log10", name_or_column(col))


def log1p(col: Column | str) -> Column:
    """The natural logarithm of 1 + `expr`, exact near 0; null where that is not positive."""
    return called("log1p", name_or_column(col))


def log2(col: Column | str) -> Column:
    """The logarithm of `expr` to the base 2; null where `expr` is not positive."""
    return called("log2", name_or_column(col))


def lower(col: Column | str) -> Column:
    """The text in lower case."""
    return called("lower", name_or_column(col))


def lpad(col: Column | str, len: Any, pad: Any) -> Column:
    """The text made `len` characters long: cut off at the end, or filled up at the begin with `pad`, else with blanks. Binary data is made `len` bytes long, and filled up with zeros."""
    return called("lpad", name_or_column(col), operand(len), operand(pad))


def make_date(year: Column | str, month: Column | str, day: Column | str) -> Column:
    """A date from its parts."""
    return called("make_date", name_or_column(year), name_or_column(month), name_or_column(day))


def make_dt_interval(days: Column | str | None = None, hours: Column | str | None = None, mins: Column | str | None = None, secs: Column | str | None = None) -> Column:
    """A day-time interval from its parts."""
    return called_with_zeros("make_dt_interval", name_or_column(days), name_or_column(hours), name_or_column(mins), name_or_column(secs))


def make_interval(years: Column | str | None = None, months: Column | str | None = None, weeks: Column | str | None = None, days: Column | str | None = None, hours: Column | str | None = None, mins: Column | str | None = None, secs: Column | str | None = None) -> Column:
    """A calendar interval from its parts."""
    return called_with_zeros("make_interval", name_or_column(years), name_or_column(months), name_or_column(weeks), name_or_column(days), name_or_column(hours), name_or_column(mins), name_or_column(secs))


def make_time(hour: Column | str, minute: Column | str, second: Column | str) -> Column:
    """A time from its parts; the second may have a fraction."""
    return called("make_time", name_or_column(hour), name_or_column(minute), name_or_column(second))


def make_timestamp_ltz(years: Column | str, months: Column | str, days: Column | str, hours: Column | str, mins: Column | str, secs: Column | str, timezone: Column | str | None = None) -> Column:
    """A moment from its parts; also make_timestamp_ltz(date, time[, timezone])."""
    return called("make_timestamp_ltz", name_or_column(years), name_or_column(months), name_or_column(days), name_or_column(hours), name_or_column(mins), name_or_column(secs), name_or_column(timezone))


def make_valid_utf8(str: Column | str) -> Column:
    """The text with U+FFFD for bytes that are no UTF-8."""
    return called("make_valid_utf8", name_or_column(str))


def make_ym_interval(years: Column | str | None = None, months: Column | str | None = None) -> Column:
    """A year-month interval from its parts."""
    return called_with_zeros("make_ym_interval", name_or_column(years), name_or_column(months))


def map_concat(*cols: Any) -> Column:
    """A map with the entries of all these maps."""
    return called("map_concat", *listed(cols))


def map_contains_key(col: Column | str, value: Any) -> Column:
    """Whether the map has the key."""
    return called("map_contains_key", name_or_column(col), operand(value))


def map_entries(col: Column | str) -> Column:
    """The map's entries, an array of structs of key and value."""
    return called("map_entries", name_or_column(col))


def map_filter(col: Column | str, f: Any) -> Column:
    """The entries for which `func` of key and value is true."""
    return called("map_filter", name_or_column(col), lambda_of(f))


def map_from_arrays(col1: Column | str, col2: Column | str) -> Column:
    """A map from two arrays of the same length; no key is null."""
    return called("map_from_arrays", name_or_column(col1), name_or_column(col2))


def map_from_entries(col: Column | str) -> Column:
    """A map from an array of structs of two fields, key and value."""
    return called("map_from_entries", name_or_column(col))


def map_keys(col: Column | str) -> Column:
    """The map's keys."""
    return called("map_keys", name_or_column(col))


def map_values(col: Column | str) -> Column:
    """The map's values."""
    return called("map_values", name_or_column(col))


def map_zip_with(col1: Column | str, col2: Column | str, f: Any) -> Column:
    """A map of the keys of both, with the values that `function` makes of the key and both maps' values, null for a map without the key."""
    return called("map_zip_with", name_or_column(col1), name_or_column(col2), lambda_of(f))


def mask(col: Column | str, upperChar: Column | str | None = None, lowerChar: Column | str | None = None, digitChar: Column | str | None = None, otherChar: Column | str | None = None) -> Column:
    """Puts one character for every letter in upper case, one for those in lower case, one for digits and one for all others; a NULL leaves those as they are."""
    return called("mask", name_or_column(col), name_or_column(upperChar), name_or_column(lowerChar), name_or_column(digitChar), name_or_column(otherChar))


def max(col: Column | str) -> Column:
    """The greatest value."""
    return called("max", name_or_column(col))


def max_by(col: Column | str, ord: Column | str, k: Any = None) -> Column:
    """The value where `ord` is greatest; with `k` an array of the values with the k greatest."""
    return called("max_by", name_or_column(col), name_or_column(ord), constant(k))


def md5(col: Column | str) -> Column:
    """The MD5 checksum, in hexadecimal."""
    return called("md5", name_or_column(col))


def mean(col: Column | str) -> Column:
    """The mean of numbers or intervals."""
    return called("mean", name_or_column(col))


def median(col: Column | str) -> Column:
    """The value in the middle, or the mean of the two there."""
    return called("median", name_or_column(col))


def min(col: Column | str) -> Column:
    """The least value."""
    return called("min", name_or_column(col))


def min_by(col: Column | str, ord: Column | str, k: Any = None) -> Column:
    """The value where `ord` is least; with `k` an array of the values with the k least."""
    return called("min_by", name_or_column(col), name_or_column(ord), constant(k))


def minute(col: Column | str) -> Column:
    """The minute of a timestamp or a time."""
    return called("minute", name_or_column(col))


def month(col: Column | str) -> Column:
    """The month, from 1 to 12."""
    return called("month", name_or_column(col))


def monthname(col: Column | str) -> Column:
    """The first three letters of the month's English name."""
    return called("monthname", name_or_column(col))


def months(col: Column | str) -> Column:
    """Not there."""
    return absent("months")


def months_between(date1: Column | str, date2: Column | str, roundOff: Any = True) -> Column:
    """Months from the second to the first, the rest in months of 31 days."""
    return called("months_between", name_or_column(date1), name_or_column(date2), constant(roundOff))


def named_struct(*cols: Any) -> Column:
    """A struct of these values under these names."""
    return called("named_struct", *listed(cols))


def nanvl(col1: Column | str, col2: Column | str) -> Column:
    """`expr1`, or `expr2` where it is not a number."""
    return called("nanvl", name_or_column(col1), name_or_column(col2))


def negate(col: Column | str) -> Column:
    """Not there."""
    return absent("negate")


def negative(col: Column | str) -> Column:
    """The number or interval with the other sign."""
    return called("negative", name_or_column(col))


def next_day(date: Column | str, dayOfWeek: Any) -> Column:
    """The first date after it that is such a day: MO, Mon and Monday are the same."""
    return called("next_day", name_or_column(date), operand(dayOfWeek))


def now() -> Column:
    """The moment at which the statement began."""
    return called("now")


def ntile(n: Any) -> Column:
    """The row's bucket, of so many about equally large ones in its partition."""
    return called("ntile", operand(n))


def nullif(col1: Column | str, col2: Column | str) -> Column:
    """`expr1`, or null where both are equal."""
    return called("nullif", name_or_column(col1), name_or_column(col2))


def nullifzero(col: Column | str) -> Column:
    """`expr`, or null where it is zero."""
    return called("nullifzero", name_or_column(col))


def nvl(col1: Column | str, col2: Column | str) -> Column:
    """`expr1`, or `expr2` where it is null."""
    return called("nvl", name_or_column(col1), name_or_column(col2))


def nvl2(col1: Column | str, col2: Column | str, col3: Column | str) -> Column:
    """`expr2` where `expr1` is not null, else `expr3`."""
    return called("nvl2", name_or_column(col1), name_or_column(col2), name_or_column(col3))


def octet_length(col: Column | str) -> Column:
    """How many bytes text (in UTF-8) or binary data takes."""
    return called("octet_length", name_or_column(col))


def overlay(src: Column | str, replace: Column | str, pos: Column | str | builtins.float, len: Column | str | builtins.float = -1) -> Column:
    """Puts `replace` at the place `pos` over `len` characters (of binary data, bytes), or as many as it has."""
    return called("overlay", name_or_column(src), name_or_column(replace), either(pos), either(len))


def parse_json(col: Column | str) -> Column:
    """Not there."""
    return absent("parse_json")


def parse_url(url: Column | str, partToExtract: Column | str, key: Column | str | None = None) -> Column:
    """A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with a key its value in the QUERY."""
    return called("parse_url", name_or_column(url), name_or_column(partToExtract), name_or_column(key))


def percent_rank() -> Column:
    """The rank from 0 to 1: (rank - 1) / (rows - 1)."""
    return called("percent_rank")


def percentile(col: Column | str, percentage: Any, frequency: Any = 1) -> Column:
    """The value below which that share of all values lies, between two of them in proportion; an array of shares gives an array."""
    return called("percentile", name_or_column(col), operand(percentage), constant(frequency))


def percentile_approx(col: Column | str, percentage: Any, accuracy: Any = 10000) -> Column:
    """The least value up to which about that share of all values lies; an array of shares gives an array."""
    return called("percentile_approx", name_or_column(col), operand(percentage), constant(accuracy))


def pi() -> Column:
    """The ratio of a circle's circumference to its diameter."""
    return called("pi")


def pmod(dividend: Column | str | builtins.float, divisor: Column | str | builtins.float) -> Column:
    """What a division leaves, moved up by `expr2` where it is negative."""
    return called("pmod", either(dividend), either(divisor))


def posexplode(col: Column | str) -> Column:
    """As explode, with the element's place from 0 in the column `pos`."""
    return called("posexplode", name_or_column(col))


def posexplode_outer(col: Column | str) -> Column:
    """As posexplode, and a row of nulls where there is no element."""
    return called("posexplode_outer", name_or_column(col))


def position(substr: Column | str, str: Column | str, start: Column | str | None = None) -> Column:
    """The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not."""
    return called("position", name_or_column(substr), name_or_column(str), name_or_column(start))


def positive(col: Column | str) -> Column:
    """The number or interval as it is."""
    return called("positive", name_or_column(col))


def pow(col1: Column | str | builtins.float, col2: Column | str | builtins.float) -> Column:
    """`base` to the power of `exponent`."""
    return called("pow", either(col1), either(col2))


def power(col1: Column | str | builtins.float, col2: Column | str | builtins.float) -> Column:
    """`base` to the power of `exponent`."""
    return called("power", either(col1), either(col2))


def printf(format: Column | str, *cols: Any) -> Column:
    """The values in a format of printf's kind, as Java has it: %s, %d, %,.2f, %05d, %x, %e, %1$s."""
    return called("printf", name_or_column(format), *listed(cols))


def product(col: Column | str) -> Column:
    """Not there."""
    return absent("product")


def quarter(col: Column | str) -> Column:
    """The quarter of the year, from 1 to 4."""
    return called("quarter", name_or_column(col))


def quote(col: Column | str) -> Column:
    """The text in single quotes, with a backslash before each single quote in it."""
    return called("quote", name_or_column(col))


def radians(col: Column | str) -> Column:
    """An angle in degrees as radians."""
    return called("radians", name_or_column(col))


def raise_error(errMsg: Any) -> Column:
    """An error with that message."""
    return called("raise_error", operand(errMsg))


def rand(seed: Any = None) -> Column:
    """Random numbers from 0 to 1, 1 excluded, all equally likely."""
    return called("rand", constant(seed))


def randn(seed: Any = None) -> Column:
    """Random numbers of the standard normal distribution."""
    return called("randn", constant(seed))


def randstr(length: Any, seed: Any = None) -> Column:
    """Text of so many characters, each of 0-9, a-z and A-Z by chance; the same for the same seed."""
    return called("randstr", operand(length), constant(seed))


def rank() -> Column:
    """The row's place by the order of its partition; rows alike share one, and leave gaps."""
    return called("rank")


def reflect(*cols: Any) -> Column:
    """Not there."""
    return absent("reflect")


def regexp(str: Column | str, regexp: Column | str) -> Column:
    """Whether the Java regular expression is found anywhere in `str`."""
    return called("regexp", name_or_column(str), name_or_column(regexp))


def regexp_count(str: Column | str, regexp: Column | str) -> Column:
    """How often a Java regular expression matches."""
    return called("regexp_count", name_or_column(str), name_or_column(regexp))


def regexp_extract(str: Column | str, pattern: Any, idx: Any) -> Column:
    """The group `idx` (1 if it is not said, 0 for all) of the first match of a Java regular expression; empty without one."""
    return called("regexp_extract", name_or_column(str), operand(pattern), operand(idx))


def regexp_extract_all(str: Column | str, regexp: Column | str, idx: Any = None) -> Column:
    """The group `idx` (1 if it is not said, 0 for all) of every match of a Java regular expression."""
    return called("regexp_extract_all", name_or_column(str), name_or_column(regexp), constant(idx))


def regexp_instr(str: Column | str, regexp: Column | str, idx: Any = None) -> Column:
    """The place, from 1, at which a Java regular expression first matches; 0 if it does not."""
    return called("regexp_instr", name_or_column(str), name_or_column(regexp), constant(idx))


def regexp_like(str: Column | str, regexp: Column | str) -> Column:
    """Whether the Java regular expression is found anywhere in `str`."""
    return called("regexp_like", name_or_column(str), name_or_column(regexp))


def regexp_replace(string: Column | str, pattern: Any, replacement: Any) -> Column:
    """Puts `rep` for every match of a Java regular expression from the place `position` on; `$1` in it is the first group."""
    return called("regexp_replace", name_or_column(string), operand(pattern), operand(replacement))


def regexp_substr(str: Column | str, regexp: Column | str) -> Column:
    """The first match of a Java regular expression; null without one."""
    return called("regexp_substr", name_or_column(str), name_or_column(regexp))


def regr_avgx(y: Column | str, x: Column | str) -> Column:
    """The mean of `x` over pairs without nulls."""
    return called("regr_avgx", name_or_column(y), name_or_column(x))


def regr_avgy(y: Column | str, x: Column | str) -> Column:
    """The mean of `y` over pairs without nulls."""
    return called("regr_avgy", name_or_column(y), name_or_column(x))


def regr_count(y: Column | str, x: Column | str) -> Column:
    """The number of rows where neither is null."""
    return called("regr_count", name_or_column(y), name_or_column(x))


def regr_intercept(y: Column | str, x: Column | str) -> Column:
    """Where the line that fits best meets the y axis."""
    return called("regr_intercept", name_or_column(y), name_or_column(x))


def regr_r2(y: Column | str, x: Column | str) -> Column:
    """How much of `y` a line over `x` explains."""
    return called("regr_r2", name_or_column(y), name_or_column(x))


def regr_slope(y: Column | str, x: Column | str) -> Column:
    """The slope of the line that fits best."""
    return called("regr_slope", name_or_column(y), name_or_column(x))


def regr_sxx(y: Column | str, x: Column | str) -> Column:
    """The sum of squares of `x` about its mean, over pairs without nulls."""
    return called("regr_sxx", name_or_column(y), name_or_column(x))


def regr_sxy(y: Column | str, x: Column | str) -> Column:
    """The sum of products of `x` and `y` about their means."""
    return called("regr_sxy", name_or_column(y), name_or_column(x))


def regr_syy(y: Column | str, x: Column | str) -> Column:
    """The sum of squares of `y` about its mean, over pairs without nulls."""
    return called("regr_syy", name_or_column(y), name_or_column(x))


def repeat(col: Column | str, n: Column | str | builtins.float) -> Column:
    """The text `n` times."""
    return called("repeat", name_or_column(col), either(n))


def replace(src: Column | str, search: Column | str, replace: Column | str | None = None) -> Column:
    """Puts `replace`, or nothing, wherever `search` stands."""
    return called("replace", name_or_column(src), name_or_column(search), name_or_column(replace))


def reverse(col: Column | str) -> Column:
    """The text, binary value or array from its end to its begin."""
    return called("reverse", name_or_column(col))


def right(str: Column | str, len: Column | str) -> Column:
    """The last `len` characters of text."""
    return called("right", name_or_column(str), name_or_column(len))


def rint(col: Column | str) -> Column:
    """The whole number nearest to `expr`, as a double; halves go to the even one."""
    return called("rint", name_or_column(col))


def rlike(str: Column | str, regexp: Column | str) -> Column:
    """Whether the Java regular expression is found anywhere in `str`."""
    return called("rlike", name_or_column(str), name_or_column(regexp))


def round(col: Column | str, scale: Any = None) -> Column:
    """`expr` with so many places after the point, halves away from zero. Negative places round before the point."""
    return called("round", name_or_column(col), constant(scale))


def row_number() -> Column:
    """The row's number in its partition, from 1."""
    return called("row_number")


def rpad(col: Column | str, len: Any, pad: Any) -> Column:
    """The text made `len` characters long: cut off or filled up at the end with `pad`, else with blanks. Binary data is made `len` bytes long, and filled up with zeros."""
    return called("rpad", name_or_column(col), operand(len), operand(pad))


def schema_of_csv(csv: Any, options: dict[str, str] | None = None) -> Column:
    """The type of a constant record of CSV, in DDL."""
    return called("schema_of_csv", operand(csv), options_of(options))


def schema_of_json(json: Any, options: dict[str, str] | None = None) -> Column:
    """The type of constant JSON text, in DDL."""
    return called("schema_of_json", operand(json), options_of(options))


def schema_of_variant(v: Column | str) -> Column:
    """Not there."""
    return absent("schema_of_variant")


def schema_of_variant_agg(v: Column | str) -> Column:
    """Not there."""
    return absent("schema_of_variant_agg")


def schema_of_xml(xml: Any, options: dict[str, str] | None = None) -> Column:
    """Not there."""
    return absent("schema_of_xml")


def sec(col: Column | str) -> Column:
    """The secant of an angle in radians."""
    return called("sec", name_or_column(col))


def second(col: Column | str) -> Column:
    """The whole second of a timestamp or a time."""
    return called("second", name_or_column(col))


def sentences(string: Column | str, language: Column | str | None = None, country: Column | str | None = None) -> Column:
    """The text's sentences, each as an array of its words."""
    return called("sentences", name_or_column(string), name_or_column(language), name_or_column(country))


def sequence(start: Column | str, stop: Column | str, step: Column | str | None = None) -> Column:
    """The values from `start` to `stop`, both among them, a step apart: 1 or -1, for dates and timestamps a day."""
    return called("sequence", name_or_column(start), name_or_column(stop), name_or_column(step))


def session_user() -> Column:
    """The user's name."""
    return called("session_user")


def session_window(timeColumn: Column | str, gapDuration: Any) -> Column:
    """The window from a row's time until nothing has come for the gap."""
    return called("session_window", name_or_column(timeColumn), operand(gapDuration))


def sha(col: Column | str) -> Column:
    """The SHA-1 hash, in hexadecimal."""
    return called("sha", name_or_column(col))


def sha1(col: Column | str) -> Column:
    """The SHA-1 hash, in hexadecimal."""
    return called("sha1", name_or_column(col))


def sha2(col: Column | str, numBits: Any) -> Column:
    """The SHA-2 hash of 224, 256, 384 or 512 bits, in hexadecimal; 0 is 256, and others give null."""
    return called("sha2", name_or_column(col), operand(numBits))


def shiftleft(col: Column | str, numBits: Any) -> Column:
    """The bits moved up."""
    return called("shiftleft", name_or_column(col), operand(numBits))


def shiftright(col: Column | str, numBits: Any) -> Column:
    """The bits moved down; the sign stays."""
    return called("shiftright", name_or_column(col), operand(numBits))


def shiftrightunsigned(col: Column | str, numBits: Any) -> Column:
    """The bits moved down; zeros come in."""
    return called("shiftrightunsigned", name_or_column(col), operand(numBits))


def shuffle(col: Column | str, seed: Any = None) -> Column:
    """The array's elements in an order that chance gives."""
    return called("shuffle", name_or_column(col), constant(seed))


def sign(col: Column | str) -> Column:
    """-1.0, 0.0 or 1.0 for a negative number or interval, zero, or a positive one."""
    return called("sign", name_or_column(col))


def signum(col: Column | str) -> Column:
    """-1.0, 0.0 or 1.0 for a negative number or interval, zero, or a positive one."""
    return called("signum", name_or_column(col))


def sin(col: Column | str) -> Column:
    """The sine of an angle in radians."""
    return called("sin", name_or_column(col))


def sinh(col: Column | str) -> Column:
    """The hyperbolic sine of `expr`."""
    return called("sinh", name_or_column(col))


def size(col: Column | str) -> Column:
    """How many elements the array or map has. Of null it is null, or -1 with ANSI mode off and spark.sql.legacy.sizeOfNull on."""
    return called("size", name_or_column(col))


def skewness(col: Column | str) -> Column:
    """How far the values lean to one side."""
    return called("skewness", name_or_column(col))


def slice(x: Column | str, start: Column | str | builtins.float, length: Column | str | builtins.float) -> Column:
    """So many elements from place `start`, counted from 1, or from the end where negative."""
    return called("slice", name_or_column(x), either(start), either(length))


def some(col: Column | str) -> Column:
    """Whether at least one value is true, null not counted."""
    return called("some", name_or_column(col))


def sort_array(col: Column | str, asc: Any = True) -> Column:
    """The array in rising order, nulls first; or in falling order, nulls last."""
    return called("sort_array", name_or_column(col), constant(asc))


def soundex(col: Column | str) -> Column:
    """The Soundex code of a word."""
    return called("soundex", name_or_column(col))


def spark_partition_id() -> Column:
    """Not supported: rows do not know their partition."""
    return called("spark_partition_id")


def split(str: Column | str, pattern: Any, limit: Column | str | builtins.float = -1) -> Column:
    """The parts of the text between matches of a Java regular expression, at most `limit` of them where that is positive."""
    return called("split", name_or_column(str), operand(pattern), either(limit))


def split_part(src: Column | str, delimiter: Column | str, partNum: Column | str) -> Column:
    """The `partNum`-th part of the text between delimiters, from 1, or from the end where it is negative; empty if there is none."""
    return called("split_part", name_or_column(src), name_or_column(delimiter), name_or_column(partNum))


def sqrt(col: Column | str) -> Column:
    """The square root of `expr`; NaN below 0."""
    return called("sqrt", name_or_column(col))


def st_asbinary(geo: Column | str, endianness: Column | str | None = None) -> Column:
    """Not there."""
    return absent("st_asbinary")


def st_geogfromwkb(wkb: Column | str) -> Column:
    """Not there."""
    return absent("st_geogfromwkb")


def st_geomfromwkb(wkb: Column | str, srid: Column | str | builtins.float | None = None) -> Column:
    """Not there."""
    return absent("st_geomfromwkb")


def st_setsrid(geo: Column | str, srid: Column | str | builtins.float) -> Column:
    """Not there."""
    return absent("st_setsrid")


def st_srid(geo: Column | str) -> Column:
    """Not there."""
    return absent("st_srid")


def stack(*cols: Any) -> Column:
    """The values in `n` rows, in columns col0, col1, …; nulls fill the last row."""
    return called("stack", *listed(cols))


def startswith(str: Column | str, prefix: Column | str) -> Column:
    """Whether `left` begins with `right`; both text or both binary."""
    return called("startswith", name_or_column(str), name_or_column(prefix))


def std(col: Column | str) -> Column:
    """The standard deviation of values that are a sample."""
    return called("std", name_or_column(col))


def stddev(col: Column | str) -> Column:
    """The standard deviation of values that are a sample."""
    return called("stddev", name_or_column(col))


def stddev_pop(col: Column | str) -> Column:
    """The standard deviation of all values."""
    return called("stddev_pop", name_or_column(col))


def stddev_samp(col: Column | str) -> Column:
    """The standard deviation of values that are a sample."""
    return called("stddev_samp", name_or_column(col))


def str_to_map(text: Column | str, pairDelim: Column | str | None = None, keyValueDelim: Column | str | None = None) -> Column:
    """A map from text such as `a:1,b:2`; both delimiters are regular expressions."""
    return called("str_to_map", name_or_column(text), name_or_column(pairDelim), name_or_column(keyValueDelim))


def string_agg(col: Column | str, delimiter: Any = None) -> Column:
    """All texts, or all bytes, in one, nulls left out."""
    return called("string_agg", name_or_column(col), constant(delimiter))


def struct(*cols: Any) -> Column:
    """A struct of these values; a field is named as its column is, or else col1, col2, …"""
    return called("struct", *listed(cols))


def substr(str: Column | str, pos: Column | str, len: Column | str | None = None) -> Column:
    """`len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where it is negative."""
    return called("substr", name_or_column(str), name_or_column(pos), name_or_column(len))


def substring(str: Column | str, pos: Column | str | builtins.float, len: Column | str | builtins.float) -> Column:
    """`len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where it is negative."""
    return called("substring", name_or_column(str), either(pos), either(len))


def substring_index(str: Column | str, delim: Any, count: Any) -> Column:
    """What lies before the `count`-th delimiter; where `count` is negative, what lies behind it, counted from the end."""
    return called("substring_index", name_or_column(str), operand(delim), operand(count))


def sum(col: Column | str) -> Column:
    """The sum of numbers or intervals."""
    return called("sum", name_or_column(col))


def tan(col: Column | str) -> Column:
    """The tangent of an angle in radians."""
    return called("tan", name_or_column(col))


def tanh(col: Column | str) -> Column:
    """The hyperbolic tangent of `expr`."""
    return called("tanh", name_or_column(col))


def theta_difference(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("theta_difference")


def theta_intersection(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("theta_intersection")


def theta_intersection_agg(col: Column | str) -> Column:
    """Not there."""
    return absent("theta_intersection_agg")


def theta_sketch_agg(col: Column | str, lgNomEntries: Any = None) -> Column:
    """Not there."""
    return absent("theta_sketch_agg")


def theta_sketch_estimate(col: Column | str) -> Column:
    """Not there."""
    return absent("theta_sketch_estimate")


def theta_union(col1: Column | str, col2: Column | str, lgNomEntries: Any = None) -> Column:
    """Not there."""
    return absent("theta_union")


def theta_union_agg(col: Column | str, lgNomEntries: Any = None) -> Column:
    """Not there."""
    return absent("theta_union_agg")


def time_bucket(bucket_size: Any, ts: Column | str, origin: Any = None) -> Column:
    """The start of the timestamp's bucket; buckets of that size are counted from the origin."""
    return called("time_bucket", operand(bucket_size), name_or_column(ts), constant(origin))


def time_diff(unit: Column | str, start: Column | str, end: Column | str) -> Column:
    """How many whole units it is from one time to another."""
    return called("time_diff", name_or_column(unit), name_or_column(start), name_or_column(end))


def time_from_micros(col: Column | str) -> Column:
    """The time so many microseconds after midnight."""
    return called("time_from_micros", name_or_column(col))


def time_from_millis(col: Column | str) -> Column:
    """The time so many milliseconds after midnight."""
    return called("time_from_millis", name_or_column(col))


def time_from_seconds(col: Column | str) -> Column:
    """The time so many seconds, with a fraction or not, after midnight."""
    return called("time_from_seconds", name_or_column(col))


def time_to_micros(col: Column | str) -> Column:
    """The microseconds since midnight."""
    return called("time_to_micros", name_or_column(col))


def time_to_millis(col: Column | str) -> Column:
    """The milliseconds since midnight."""
    return called("time_to_millis", name_or_column(col))


def time_to_seconds(col: Column | str) -> Column:
    """The seconds since midnight, with six digits of the fraction."""
    return called("time_to_seconds", name_or_column(col))


def time_trunc(unit: Column | str, time: Column | str) -> Column:
    """The time with what is smaller than the unit made zero."""
    return called("time_trunc", name_or_column(unit), name_or_column(time))


def timestamp_micros(col: Column | str) -> Column:
    """The moment so many microseconds after 1970-01-01 00:00:00 UTC."""
    return called("timestamp_micros", name_or_column(col))


def timestamp_millis(col: Column | str) -> Column:
    """The moment so many milliseconds after 1970-01-01 00:00:00 UTC."""
    return called("timestamp_millis", name_or_column(col))


def timestamp_seconds(col: Column | str) -> Column:
    """The moment so many seconds, with a fraction or not, after 1970-01-01 00:00:00 UTC."""
    return called("timestamp_seconds", name_or_column(col))


def to_binary(col: Column | str, format: Column | str | None = None) -> Column:
    """The bytes of a text in the format 'hex' (if none is said), 'utf-8' or 'base64'."""
    return called("to_binary", name_or_column(col), name_or_column(format))


def to_char(col: Column | str, format: Column | str) -> Column:
    """A number as text in a format as of `to_number`, a date or timestamp by a datetime pattern, binary data as 'base64', 'hex' or 'utf-8'."""
    return called("to_char", name_or_column(col), name_or_column(format))


def to_csv(col: Column | str, options: dict[str, str] | None = None) -> Column:
    """The struct as a record of CSV."""
    return called("to_csv", name_or_column(col), options_of(options))


def to_date(col: Column | str, format: Any = None) -> Column:
    """The date that a text says."""
    return called("to_date", name_or_column(col), constant(format))


def to_json(col: Column | str, options: dict[str, str] | None = None) -> Column:
    """The struct, array or map as JSON text."""
    return called("to_json", name_or_column(col), options_of(options))


def to_number(col: Column | str, format: Column | str) -> Column:
    """The decimal number that a text says. In the format 0 and 9 are digits (as many as there are, where 0 comes first before the point), `.` or D the point, `,` or G a thousands separator, $ a currency sign, S or MI a sign, PR angle brackets around negative numbers."""
    return called("to_number", name_or_column(col), name_or_column(format))


def to_time(str: Column | str, format: Column | str | None = None) -> Column:
    """The time that a text says."""
    return called("to_time", name_or_column(str), name_or_column(format))


def to_timestamp(col: Column | str, format: Any = None) -> Column:
    """The timestamp that a text says, in the session's kind of timestamps."""
    return called("to_timestamp", name_or_column(col), constant(format))


def to_timestamp_ltz(timestamp: Column | str, format: Column | str | None = None) -> Column:
    """The moment that a text says."""
    return called("to_timestamp_ltz", name_or_column(timestamp), name_or_column(format))


def to_timestamp_ntz(timestamp: Column | str, format: Column | str | None = None) -> Column:
    """The local time that a text says."""
    return called("to_timestamp_ntz", name_or_column(timestamp), name_or_column(format))


def to_unix_timestamp(timestamp: Column | str, format: Column | str | None = None) -> Column:
    """The seconds since 1970-01-01 00:00:00 UTC."""
    return called("to_unix_timestamp", name_or_column(timestamp), name_or_column(format))


def to_utc_timestamp(timestamp: Column | str, tz: Any) -> Column:
    """Takes the shown time as one in the zone and shows it in UTC."""
    return called("to_utc_timestamp", name_or_column(timestamp), operand(tz))


def to_varchar(col: Column | str, format: Column | str) -> Column:
    """Another name of `to_char`."""
    return called("to_varchar", name_or_column(col), name_or_column(format))


def to_variant_object(col: Column | str) -> Column:
    """Not there."""
    return absent("to_variant_object")


def to_xml(col: Column | str, options: dict[str, str] | None = None) -> Column:
    """Not there."""
    return absent("to_xml")


def transform(col: Column | str, f: Any) -> Column:
    """An array of what `func` makes of each element, and of its place from 0 if it takes two parameters."""
    return called("transform", name_or_column(col), lambda_of(f))


def transform_keys(col: Column | str, f: Any) -> Column:
    """The map with the keys that `func` makes of key and value."""
    return called("transform_keys", name_or_column(col), lambda_of(f))


def transform_values(col: Column | str, f: Any) -> Column:
    """The map with the values that `func` makes of key and value."""
    return called("transform_values", name_or_column(col), lambda_of(f))


def translate(srcCol: Column | str, matching: Any, replace: Any) -> Column:
    """Each character of `from` becomes the one at its place in `to`; those without one are taken out."""
    return called("translate", name_or_column(srcCol), operand(matching), operand(replace))


def trunc(date: Column | str, format: Any) -> Column:
    """The first day of the date's YEAR, QUARTER, MONTH or WEEK; null for other units."""
    return called("trunc", name_or_column(date), operand(format))


def try_add(left: Column | str, right: Column | str) -> Column:
    """As `+`, and null where the result does not fit."""
    return called("try_add", name_or_column(left), name_or_column(right))


def try_aes_decrypt(input: Column | str, key: Column | str, mode: Column | str | None = None, padding: Column | str | None = None, aad: Column | str | None = None) -> Column:
    """Not there."""
    return absent("try_aes_decrypt")


def try_avg(col: Column | str) -> Column:
    """The mean of numbers or intervals; null where the sum does not fit its type."""
    return called("try_avg", name_or_column(col))


def try_divide(left: Column | str, right: Column | str) -> Column:
    """As `/`, and null where the divisor is zero."""
    return called("try_divide", name_or_column(left), name_or_column(right))


def try_element_at(col: Column | str, extraction: Column | str) -> Column:
    """The element at a place counted from 1, or from -1 backwards; null beyond the array. try_element_at(map, key) - The key's value, null without the key."""
    return called("try_element_at", name_or_column(col), name_or_column(extraction))


def try_make_interval(years: Column | str | None = None, months: Column | str | None = None, weeks: Column | str | None = None, days: Column | str | None = None, hours: Column | str | None = None, mins: Column | str | None = None, secs: Column | str | None = None) -> Column:
    """The same as make_interval, but null where it overflows."""
    return called_with_zeros("try_make_interval", name_or_column(years), name_or_column(months), name_or_column(weeks), name_or_column(days), name_or_column(hours), name_or_column(mins), name_or_column(secs))


def try_make_timestamp_ltz(years: Column | str, months: Column | str, days: Column | str, hours: Column | str, mins: Column | str, secs: Column | str, timezone: Column | str | None = None) -> Column:
    """The same as make_timestamp_ltz, but null for parts that do not fit."""
    return called("try_make_timestamp_ltz", name_or_column(years), name_or_column(months), name_or_column(days), name_or_column(hours), name_or_column(mins), name_or_column(secs), name_or_column(timezone))


def try_mod(left: Column | str, right: Column | str) -> Column:
    """As `%`, and null where the divisor is zero."""
    return called("try_mod", name_or_column(left), name_or_column(right))


def try_multiply(left: Column | str, right: Column | str) -> Column:
    """As `*`, and null where the result does not fit."""
    return called("try_multiply", name_or_column(left), name_or_column(right))


def try_parse_json(col: Column | str) -> Column:
    """Not there."""
    return absent("try_parse_json")


def try_parse_url(url: Column | str, partToExtract: Column | str, key: Column | str | None = None) -> Column:
    """As `parse_url`, but null for a URL that is none."""
    return called("try_parse_url", name_or_column(url), name_or_column(partToExtract), name_or_column(key))


def try_reflect(*cols: Any) -> Column:
    """Not there."""
    return absent("try_reflect")


def try_subtract(left: Column | str, right: Column | str) -> Column:
    """As `-`, and null where the result does not fit."""
    return called("try_subtract", name_or_column(left), name_or_column(right))


def try_sum(col: Column | str) -> Column:
    """The sum of numbers or intervals; null where it does not fit its type."""
    return called("try_sum", name_or_column(col))


def try_to_binary(col: Column | str, format: Column | str | None = None) -> Column:
    """As `to_binary`, but null for a text or a format that is none."""
    return called("try_to_binary", name_or_column(col), name_or_column(format))


def try_to_date(col: Column | str, format: Any = None) -> Column:
    """The same as to_date, but null for text that says none."""
    return called("try_to_date", name_or_column(col), constant(format))


def try_to_number(col: Column | str, format: Column | str) -> Column:
    """As `to_number`, but null for a text that does not match the format."""
    return called("try_to_number", name_or_column(col), name_or_column(format))


def try_to_time(str: Column | str, format: Column | str | None = None) -> Column:
    """The same as to_time, but null for text that says none."""
    return called("try_to_time", name_or_column(str), name_or_column(format))


def try_to_timestamp(col: Column | str, format: Column | str | None = None) -> Column:
    """The same as to_timestamp, but null for text that says none."""
    return called("try_to_timestamp", name_or_column(col), name_or_column(format))


def try_url_decode(str: Column | str) -> Column:
    """As `url_decode`, but null where it is an error."""
    return called("try_url_decode", name_or_column(str))


def try_validate_utf8(str: Column | str) -> Column:
    """The text, or null where its bytes are no UTF-8."""
    return called("try_validate_utf8", name_or_column(str))


def try_variant_get(v: Column | str, path: Any, targetType: Any) -> Column:
    """Not there."""
    return absent("try_variant_get")


def tuple_difference_double(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("tuple_difference_double")


def tuple_difference_integer(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("tuple_difference_integer")


def tuple_difference_theta_double(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("tuple_difference_theta_double")


def tuple_difference_theta_integer(col1: Column | str, col2: Column | str) -> Column:
    """Not there."""
    return absent("tuple_difference_theta_integer")


def tuple_intersection_agg_double(col: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_agg_double")


def tuple_intersection_agg_integer(col: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_agg_integer")


def tuple_intersection_double(col1: Column | str, col2: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_double")


def tuple_intersection_integer(col1: Column | str, col2: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_integer")


def tuple_intersection_theta_double(col1: Column | str, col2: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_theta_double")


def tuple_intersection_theta_integer(col1: Column | str, col2: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_intersection_theta_integer")


def tuple_sketch_agg_double(key: Column | str, summary: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_sketch_agg_double")


def tuple_sketch_agg_integer(key: Column | str, summary: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_sketch_agg_integer")


def tuple_sketch_estimate_double(col: Column | str) -> Column:
    """Not there."""
    return absent("tuple_sketch_estimate_double")


def tuple_sketch_estimate_integer(col: Column | str) -> Column:
    """Not there."""
    return absent("tuple_sketch_estimate_integer")


def tuple_sketch_summary_double(col: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_sketch_summary_double")


def tuple_sketch_summary_integer(col: Column | str, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_sketch_summary_integer")


def tuple_sketch_theta_double(col: Column | str) -> Column:
    """Not there."""
    return absent("tuple_sketch_theta_double")


def tuple_sketch_theta_integer(col: Column | str) -> Column:
    """Not there."""
    return absent("tuple_sketch_theta_integer")


def tuple_union_agg_double(col: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_agg_double")


def tuple_union_agg_integer(col: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_agg_integer")


def tuple_union_double(col1: Column | str, col2: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_double")


def tuple_union_integer(col1: Column | str, col2: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_integer")


def tuple_union_theta_double(col1: Column | str, col2: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_theta_double")


def tuple_union_theta_integer(col1: Column | str, col2: Column | str, lgNomEntries: Any = None, mode: Any = None) -> Column:
    """Not there."""
    return absent("tuple_union_theta_integer")


def typeof(col: Column | str) -> Column:
    """The type of the argument."""
    return called("typeof", name_or_column(col))


def ucase(str: Column | str) -> Column:
    """The text in upper case."""
    return called("ucase", name_or_column(str))


def udtf(cls: Any = None, returnType: Any = None, useArrow: Any = None) -> Column:
    """Not there."""
    return absent("udtf")


def unbase64(col: Column | str) -> Column:
    """The bytes of a text in base 64."""
    return called("unbase64", name_or_column(col))


def unhex(col: Column | str) -> Column:
    """The bytes of a text in hexadecimal; null where it is none."""
    return called("unhex", name_or_column(col))


def uniform(min: Any, max: Any, seed: Any = None) -> Column:
    """Random numbers between two constants; whole ones if both are whole."""
    return called("uniform", operand(min), operand(max), constant(seed))


def unix_date(col: Column | str) -> Column:
    """The days since 1970-01-01."""
    return called("unix_date", name_or_column(col))


def unix_micros(col: Column | str) -> Column:
    """The microseconds since 1970-01-01 00:00:00 UTC."""
    return called("unix_micros", name_or_column(col))


def unix_millis(col: Column | str) -> Column:
    """The whole milliseconds since 1970-01-01 00:00:00 UTC."""
    return called("unix_millis", name_or_column(col))


def unix_seconds(col: Column | str) -> Column:
    """The whole seconds since 1970-01-01 00:00:00 UTC."""
    return called("unix_seconds", name_or_column(col))


def unwrap_udt(col: Column | str) -> Column:
    """Not there."""
    return absent("unwrap_udt")


def upper(col: Column | str) -> Column:
    """The text in upper case."""
    return called("upper", name_or_column(col))


def url_decode(str: Column | str) -> Column:
    """The text that `application/x-www-form-urlencoded` stands for; an error where it is none."""
    return called("url_decode", name_or_column(str))


def url_encode(str: Column | str) -> Column:
    """The text as `application/x-www-form-urlencoded`."""
    return called("url_encode", name_or_column(str))


def user() -> Column:
    """The user's name."""
    return called("user")


def validate_utf8(str: Column | str) -> Column:
    """The text, or an error where its bytes are no UTF-8."""
    return called("validate_utf8", name_or_column(str))


def var_pop(col: Column | str) -> Column:
    """The variance of all values."""
    return called("var_pop", name_or_column(col))


def var_samp(col: Column | str) -> Column:
    """The variance of values that are a sample."""
    return called("var_samp", name_or_column(col))


def variance(col: Column | str) -> Column:
    """The variance of values that are a sample."""
    return called("variance", name_or_column(col))


def variant_get(v: Column | str, path: Any, targetType: Any) -> Column:
    """Not there."""
    return absent("variant_get")


def version() -> Column:
    """The version of Spark whose language this is, and ours."""
    return called("version")


def weekday(col: Column | str) -> Column:
    """The day of the week: 0 is Monday, 6 is Sunday."""
    return called("weekday", name_or_column(col))


def weekofyear(col: Column | str) -> Column:
    """The number of the ISO week: weeks begin on Mondays, and the first has at least four days of the year."""
    return called("weekofyear", name_or_column(col))


def width_bucket(v: Column | str, min: Column | str, max: Column | str, numBucket: Column | str | builtins.float) -> Column:
    """The number of the bucket that `value` falls into, of so many equally wide ones between `low` and `high`: 0 below them, one more than there are above."""
    return called("width_bucket", name_or_column(v), name_or_column(min), name_or_column(max), either(numBucket))


def window_time(windowColumn: Column | str) -> Column:
    """The last microsecond of a window: its time for the next grouping."""
    return called("window_time", name_or_column(windowColumn))


def xpath(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath")


def xpath_boolean(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_boolean")


def xpath_double(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_double")


def xpath_float(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_float")


def xpath_int(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_int")


def xpath_long(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_long")


def xpath_number(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_number")


def xpath_short(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_short")


def xpath_string(xml: Column | str, path: Column | str) -> Column:
    """Not there."""
    return absent("xpath_string")


def xxhash64(*cols: Any) -> Column:
    """A hash of the values, as a bigint (xxHash with 64 bits)."""
    return called("xxhash64", *listed(cols))


def year(col: Column | str) -> Column:
    """The year."""
    return called("year", name_or_column(col))


def years(col: Column | str) -> Column:
    """Not there."""
    return absent("years")


def zeroifnull(col: Column | str) -> Column:
    """`expr`, or zero where it is null."""
    return called("zeroifnull", name_or_column(col))


def zip_with(left: Column | str, right: Column | str, f: Any) -> Column:
    """An array of what `func` makes of the elements at the same place; null for an array that is shorter."""
    return called("zip_with", name_or_column(left), name_or_column(right), lambda_of(f))


def any(*cols: Any) -> Column:
    """Whether at least one value is true, null not counted."""
    return called("any", *listed(cols))


def between(*cols: Any) -> Column:
    """Whether `input` is neither less than `lower` nor greater than `upper`."""
    return called("between", *listed(cols))


def bigint(*cols: Any) -> Column:
    """The value as a BIGINT: CAST(expr AS BIGINT)."""
    return called("bigint", *listed(cols))


def binary(*cols: Any) -> Column:
    """The value as bytes: CAST(expr AS BINARY)."""
    return called("binary", *listed(cols))


def boolean(*cols: Any) -> Column:
    """The value as a BOOLEAN: CAST(expr AS BOOLEAN)."""
    return called("boolean", *listed(cols))


def case(*cols: Any) -> Column:
    """The value of the first condition that is true."""
    return called("case", *listed(cols))


def chr(*cols: Any) -> Column:
    """The character with the code `expr` modulo 256; empty for negative numbers."""
    return called("chr", *listed(cols))


def collations(*cols: Any) -> Column:
    """The collations that there are, one row each."""
    return called("collations", *listed(cols))


def date(*cols: Any) -> Column:
    """The value as a DATE: CAST(expr AS DATE)."""
    return called("date", *listed(cols))


def decimal(*cols: Any) -> Column:
    """The value as a DECIMAL(10, 0), rounded half up."""
    return called("decimal", *listed(cols))


def div(*cols: Any) -> Column:
    """The quotient without its fraction, as a bigint."""
    return called("div", *listed(cols))


def double(*cols: Any) -> Column:
    """The value as a DOUBLE: CAST(expr AS DOUBLE)."""
    return called("double", *listed(cols))


def float(*cols: Any) -> Column:
    """The value as a FLOAT: CAST(expr AS FLOAT)."""
    return called("float", *listed(cols))


def ilike_all(*cols: Any) -> Column:
    """Whether all match, whatever the letters' case."""
    return called("ilike_all", *listed(cols))


def ilike_any(*cols: Any) -> Column:
    """Whether one matches, whatever the letters' case."""
    return called("ilike_any", *listed(cols))


def int(*cols: Any) -> Column:
    """The value as an INT: CAST(expr AS INT)."""
    return called("int", *listed(cols))


def isfalse(*cols: Any) -> Column:
    """Whether `expr` is false, and not null."""
    return called("isfalse", *listed(cols))


def istrue(*cols: Any) -> Column:
    """Whether `expr` is true, and not null."""
    return called("istrue", *listed(cols))


def isunknown(*cols: Any) -> Column:
    """Whether a boolean is null."""
    return called("isunknown", *listed(cols))


def len(*cols: Any) -> Column:
    """How many characters text has, or how many bytes binary data."""
    return called("len", *listed(cols))


def like_all(*cols: Any) -> Column:
    """Whether all match."""
    return called("like_all", *listed(cols))


def like_any(*cols: Any) -> Column:
    """Whether one matches."""
    return called("like_any", *listed(cols))


def luhn_check(*cols: Any) -> Column:
    """Whether a text of digits ends in the right check digit by Luhn's rule."""
    return called("luhn_check", *listed(cols))


def mod(*cols: Any) -> Column:
    """What a division leaves; it has the sign of `expr1`."""
    return called("mod", *listed(cols))


def not_ilike_all(*cols: Any) -> Column:
    """Whether none matches, whatever the letters' case."""
    return called("not_ilike_all", *listed(cols))


def not_ilike_any(*cols: Any) -> Column:
    """Whether one does not match, whatever the letters' case."""
    return called("not_ilike_any", *listed(cols))


def not_like_all(*cols: Any) -> Column:
    """Whether none matches."""
    return called("not_like_all", *listed(cols))


def not_like_any(*cols: Any) -> Column:
    """Whether one does not match."""
    return called("not_like_any", *listed(cols))


def percentile_cont(*cols: Any) -> Column:
    """The value below which that share of all values lies, between two of them in proportion."""
    return called("percentile_cont", *listed(cols))


def percentile_disc(*cols: Any) -> Column:
    """The first value up to which that share of all values lies."""
    return called("percentile_disc", *listed(cols))


def random(*cols: Any) -> Column:
    """Random numbers from 0 to 1, 1 excluded, all equally likely."""
    return called("random", *listed(cols))


def smallint(*cols: Any) -> Column:
    """The value as a SMALLINT: CAST(expr AS SMALLINT)."""
    return called("smallint", *listed(cols))


def space(*cols: Any) -> Column:
    """`n` blanks."""
    return called("space", *listed(cols))


def string(*cols: Any) -> Column:
    """The value as text: CAST(expr AS STRING)."""
    return called("string", *listed(cols))


def time(*cols: Any) -> Column:
    """The value as a TIME: CAST(expr AS TIME)."""
    return called("time", *listed(cols))


def timediff(*cols: Any) -> Column:
    """The same as timestampdiff."""
    return called("timediff", *listed(cols))


def timestamp(*cols: Any) -> Column:
    """The value as a TIMESTAMP: CAST(expr AS TIMESTAMP)."""
    return called("timestamp", *listed(cols))


def timestampadd(*cols: Any) -> Column:
    """The timestamp some units later."""
    return called("timestampadd", *listed(cols))


def timestampdiff(*cols: Any) -> Column:
    """How many whole units it is from start to end."""
    return called("timestampdiff", *listed(cols))


def tinyint(*cols: Any) -> Column:
    """The value as a TINYINT: CAST(expr AS TINYINT)."""
    return called("tinyint", *listed(cols))


def uuid(*cols: Any) -> Column:
    """A random universally unique identifier, another one per row."""
    return called("uuid", *listed(cols))
