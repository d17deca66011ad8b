//! Numbers: arithmetic, rounding, logarithms, bits.

use tidemill::functions::{self as F, call_function, col, lit};

use super::pairs;

pairs! { t:
    "SELECT abs(age), sign(score), signum(score) FROM people" => t.people.select([F::abs("age"), F::sign("score"), F::signum("score")]),
    "SELECT ceil(score), floor(score), ceiling(score) FROM people" => {
        t.people.select([F::ceil("score"), F::floor("score"), F::ceiling("score")])
    },
    "SELECT round(score, 2), round(amount, 1) FROM people JOIN orders USING (id)" => {
        t.people.join(&t.orders, "id", "inner").select([F::round("score", 2), F::round("amount", 1)])
    },
    "SELECT bround(score), rint(score) FROM people" => t.people.select([F::bround("score"), F::rint("score")]),
    "SELECT sqrt(score), cbrt(score), exp(score), expm1(score) FROM people" => {
        t.people.select([F::sqrt("score"), F::cbrt("score"), F::exp("score"), F::expm1("score")])
    },
    "SELECT ln(score), log10(score), log2(score), log1p(score) FROM people" => {
        t.people.select([F::ln("score"), F::log10("score"), F::log2("score"), F::log1p("score")])
    },
    "SELECT log(2, score) FROM people" => t.people.select([call_function("log", [lit(2), col("score")])]),
    "SELECT pow(age, 2), power(score, age) FROM people" => t.people.select([F::pow("age", lit(2)), F::power("score", "age")]),
    "SELECT sin(score), cos(score), tan(score), cot(score) FROM people" => {
        t.people.select([F::sin("score"), F::cos("score"), F::tan("score"), F::cot("score")])
    },
    "SELECT asin(score), acos(score), atan(score), atan2(score, age) FROM people" => {
        t.people.select([F::asin("score"), F::acos("score"), F::atan("score"), F::atan2("score", "age")])
    },
    "SELECT sinh(score), cosh(score), tanh(score) FROM people" => t.people.select([F::sinh("score"), F::cosh("score"), F::tanh("score")]),
    "SELECT degrees(score), radians(score), pi() FROM people" => t.people.select([F::degrees("score"), F::radians("score"), F::pi()]),
    "SELECT hypot(age, score), factorial(age) FROM people" => t.people.select([F::hypot("age", "score"), F::factorial("age")]),
    "SELECT pmod(age, 7), mod(age, 7) FROM people" => t.people.select([F::pmod("age", lit(7)), call_function("mod", [col("age"), lit(7)])]),
    "SELECT greatest(age, id), least(age, id) FROM people" => t.people.select([F::greatest(["age", "id"]), F::least(["age", "id"])]),
    "SELECT shiftleft(age, 2), shiftright(age, 1), shiftrightunsigned(age, 1) FROM people" => {
        t.people.select([F::shiftleft("age", lit(2)), F::shiftright("age", lit(1)), F::shiftrightunsigned("age", lit(1))])
    },
    "SELECT bit_count(age), getbit(age, 1) FROM people" => t.people.select([F::bit_count("age"), F::getbit("age", 1)]),
    "SELECT conv(name, 10, 16), bin(age), hex(age) FROM people" => t.people.select([F::conv("name", 10, 16), F::bin("age"), F::hex("age")]),
    "SELECT width_bucket(score, 0, 10, 5) FROM people" => t.people.select([F::width_bucket("score", 0, 10, 5)]),
    "SELECT amount * 2 AS a, amount + qty AS b, amount / 3 AS c FROM orders" => {
        t.orders.select([(col("amount") * 2).alias("a"), (col("amount") + col("qty")).alias("b"), (col("amount") / 3).alias("c")])
    },
    "SELECT amount * amount, amount - amount, amount % 2 FROM orders" => {
        t.orders.select([col("amount") * col("amount"), col("amount") - col("amount"), col("amount") % 2])
    },
    "SELECT amount * score FROM orders JOIN people USING (id)" => {
        t.orders.join(&t.people, "id", "inner").select([col("amount") * col("score")])
    },
    "SELECT age + score, age * 1.5D FROM people" => t.people.select([col("age") + col("score"), col("age") * 1.5]),
    "SELECT id + 1L, age + 1L FROM people" => t.people.select([col("id") + 1_i64, col("age") + 1_i64]),
    "SELECT try_divide(age, 0), try_multiply(age, id) FROM people" => {
        t.people.select([F::try_divide("age", lit(0)), F::try_multiply("age", "id")])
    },
    "SELECT try_add(age, 1), try_subtract(age, 1) FROM people" => {
        t.people.select([call_function("try_add", [col("age"), lit(1)]), call_function("try_subtract", [col("age"), lit(1)])])
    },
    "SELECT negative(age), positive(age) FROM people" => t.people.select([F::negative("age"), F::positive("age")]),
    "SELECT to_number(name, '999'), to_char(age, '999') FROM people" => {
        t.people.select([F::to_number("name", "999"), F::to_char("age", "999")])
    },
    "SELECT id DIV 2 AS half FROM people" => t.people.select([F::expr("id DIV 2").alias("half")]),
}
