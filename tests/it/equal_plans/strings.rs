//! Text: cut, joined, searched, encoded.

use tidemill::functions::{self as F, call_function, col, lit};

use super::pairs;

pairs! { t:
    "SELECT upper(name), lower(name), initcap(name) FROM people" => {
        t.people.select([F::upper("name"), F::lower("name"), F::initcap("name")])
    },
    "SELECT ucase(name), lcase(name) FROM people" => t.people.select([F::ucase("name"), F::lcase("name")]),
    "SELECT length(name), char_length(name), octet_length(name), bit_length(name) FROM people" => {
        t.people.select([F::length("name"), F::char_length("name"), F::octet_length("name"), F::bit_length("name")])
    },
    "SELECT trim(name), ltrim(name), rtrim(name) FROM people" => t.people.select([F::trim("name"), F::ltrim("name"), F::rtrim("name")]),
    "SELECT concat(name, city) FROM people" => t.people.select([F::concat(["name", "city"])]),
    "SELECT concat(name, '-', city) AS both FROM people" => {
        t.people.select([F::concat([col("name"), lit("-"), col("city")]).alias("both")])
    },
    "SELECT concat_ws('-', name, city) FROM people" => t.people.select([F::concat_ws("-", ["name", "city"])]),
    "SELECT substring(name, 1, 2) FROM people" => t.people.select([col("name").substr(1, 2)]),
    "SELECT substr(name, 2, 3) FROM people" => t.people.select([F::substr("name", 2, 3)]),
    "SELECT left(name, 2), right(name, 3) FROM people" => t.people.select([F::left("name", 2), F::right("name", 3)]),
    "SELECT lpad(name, 9, '*'), rpad(name, 9, '*') FROM people" => {
        t.people.select([call_function("lpad", [col("name"), lit(9), lit("*")]), call_function("rpad", [col("name"), lit(9), lit("*")])])
    },
    "SELECT lpad(name, 9) FROM people" => t.people.select([F::lpad("name", 9)]),
    "SELECT repeat(name, 3), reverse(name), space(age) FROM people" => {
        t.people.select([F::repeat("name", 3), F::reverse("name"), F::space("age")])
    },
    "SELECT replace(name, 'a', 'b') FROM people" => t.people.select([call_function("replace", [col("name"), lit("a"), lit("b")])]),
    "SELECT replace(name, 'a') FROM people" => t.people.select([F::replace("name", "a")]),
    "SELECT translate(name, 'ab', 'xy') FROM people" => t.people.select([F::translate("name", "ab", "xy")]),
    "SELECT instr(name, 'a'), locate('a', name), position('a', name) FROM people" => {
        t.people.select([F::instr("name", "a"), F::locate("a", "name"), F::position("a", "name")])
    },
    "SELECT split(name, ',', 2) FROM people" => t.people.select([F::split_with("name", ",", lit(2))]),
    "SELECT split(name, ',')[0] FROM people" => t.people.select([call_function("split", [col("name"), lit(",")]).get_item(0)]),
    "SELECT split_part(name, ',', 2) FROM people" => t.people.select([F::split_part("name", ",", lit(2))]),
    "SELECT substring_index(name, '.', 2) FROM people" => t.people.select([F::substring_index("name", ".", 2)]),
    "SELECT regexp_replace(name, '[a-z]+', 'x') FROM people" => t.people.select([F::regexp_replace("name", "[a-z]+", "x")]),
    "SELECT regexp_extract(name, '(a)(b)', 1) FROM people" => {
        t.people.select([call_function("regexp_extract", [col("name"), lit("(a)(b)"), lit(1)])])
    },
    "SELECT regexp_extract_all(name, '(a)'), regexp_count(name, 'a') FROM people" => {
        t.people.select([F::regexp_extract_all("name", "(a)"), F::regexp_count("name", "a")])
    },
    "SELECT ascii(name), chr(age), char(age) FROM people" => t.people.select([F::ascii("name"), F::chr("age"), F::char("age")]),
    "SELECT hex(name), unhex(name), base64(CAST(name AS BINARY)), unbase64(name) FROM people" => {
        t.people.select([F::hex("name"), F::unhex("name"), F::base64(col("name").cast("binary")), F::unbase64("name")])
    },
    "SELECT md5(name), sha1(name), sha2(name, 256), crc32(name) FROM people" => {
        t.people.select([F::md5(col("name")), F::sha1("name"), F::sha2("name", 256), F::crc32("name")])
    },
    "SELECT levenshtein(name, city), soundex(name) FROM people" => t.people.select([F::levenshtein("name", "city"), F::soundex("name")]),
    "SELECT format_string('%s is %d', name, age) FROM people" => t.people.select([F::format_string("%s is %d", ["name", "age"])]),
    "SELECT format_number(score, 2) FROM people" => t.people.select([F::format_number("score", lit(2))]),
    "SELECT encode(name, 'utf-8') FROM people" => t.people.select([F::encode("name", "utf-8")]),
    "SELECT find_in_set(name, 'a,b') FROM people" => t.people.select([F::find_in_set("name", "a,b")]),
    "SELECT get_json_object(body, '$.a') FROM docs" => t.docs.select([F::get_json_object("body", "$.a")]),
    "SELECT from_json(body, 'a INT, b STRING') AS j FROM docs" => t.docs.select([F::from_json("body", "a INT, b STRING").alias("j")]),
    "SELECT to_json(place) FROM docs" => t.docs.select([F::to_json("place")]),
    "SELECT parse_url(body, 'HOST') FROM docs" => t.docs.select([F::parse_url("body", "HOST")]),
    "SELECT url_encode(body), url_decode(body) FROM docs" => t.docs.select([F::url_encode("body"), F::url_decode("body")]),
    "SELECT name || city AS both FROM people" => t.people.select([F::expr("name || city").alias("both")]),
    "SELECT mask(name), quote(name) FROM people" => t.people.select([F::mask("name"), F::quote("name")]),
}
