-- Types: which operator runs, which type two types have in common, what does not fit.

-- Operators are chosen when types are known.
SELECT a, CASE WHEN a = 1 THEN 0 ELSE 0.5 END * 100 AS x FROM VALUES (1), (2) AS t(a);
SELECT a + 1 AS x FROM (SELECT 1 AS a UNION ALL SELECT 1.5);
SELECT a * 2 AS x FROM (SELECT 1 AS a UNION ALL SELECT 2.5e0);
SELECT 1 AS a UNION ALL SELECT 1.5;
SELECT sum(a) AS s FROM (SELECT 1 AS a UNION ALL SELECT 1.5);
SELECT 1 AS a UNION ALL SELECT '7';
SELECT 1 AS a UNION ALL SELECT 'x';
SELECT coalesce(null, 1, 1.5) AS a, nullif(1.5, 1.5e0) AS b;
SELECT '7' / 2 AS a, '1' + 1 AS b, '1' + '2' AS c;
SELECT 2.0 / 3.0 AS a, 1.5 / 2 AS b, 7.5 DIV 2.5 AS c, 5.5 % 2 AS d;
SELECT 1.5e0 DIV 1;
SELECT avg(a) AS m, avg(a) OVER () AS w FROM VALUES (1.5) AS t(a) GROUP BY a;
SELECT avg(a) AS m FROM VALUES (1.5), (2.0), (2.1) AS t(a);
SELECT date '2020-01-01' + 1 AS a, date '2020-01-01' + interval 1 month AS b;

-- A view and its description have the types of the rows.
CREATE TEMP VIEW v AS SELECT 1 AS a UNION ALL SELECT 1.5;
DESCRIBE v;
SELECT a FROM v;

-- Doubles and decimals meet as doubles.
SELECT 1e-20 > 0.0 AS a, 1e-20 = 0.0 AS b, 0.1e0 + 0.2e0 = 0.3 AS c;
SELECT a > 0.5 AS x FROM VALUES (1e16), (cast('inf' AS double)), (cast('NaN' AS double)) AS t(a);
SELECT 1e-20 BETWEEN 0.0 AND 1.0 AS a, 1e-20 IN (0.0, 2.0) AS b, CASE 1e-20 WHEN 0.0 THEN 1 ELSE 2 END AS c;
SELECT greatest(1e-20, 0.0) AS a, coalesce(cast(null AS double), 0.1) AS b;
SELECT a FROM (SELECT 1e-20 AS a UNION ALL SELECT 0.5) ORDER BY a;
SELECT count(*) AS n FROM VALUES (1e-20) AS l(a) JOIN VALUES (0.0) AS r(b) ON a = b;
SELECT count(*) AS n FROM VALUES (1e-20) AS t(a) WHERE a IN (SELECT 0.0);
SELECT a FROM VALUES (1e16) AS t(a) GROUP BY a HAVING a > 0.5;
SELECT a FROM VALUES (0.5), (1e-20) AS t(a) ORDER BY a;
SELECT a FROM VALUES (1.5F), (2) AS t(a);
SELECT a FROM VALUES (1.5F), (2F) AS t(a);
SELECT a FROM VALUES (sqrt(4)), (0.5) AS t(a);
SELECT a FROM VALUES (1), (0.5), (1e20) AS t(a);
SELECT a FROM VALUES (1), (0.5) AS t(a);
SELECT a FROM VALUES (null), (1), (3000000000) AS t(a);
SELECT a FROM VALUES (cast(0.5 AS decimal(30,15))), (1) AS t(a);
SELECT a FROM VALUES (1), ('7') AS t(a);
SELECT a FROM VALUES (array(0.5)), (array(1e-20)) AS t(a);
SELECT a FROM VALUES (date '2020-01-01'), (timestamp '2020-01-01 10:00:00') AS t(a);
SELECT array(array(0.5)) AS a UNION ALL SELECT array(array(1e-20));
SELECT 1 AS a UNION ALL SELECT 0.5 UNION ALL SELECT 1e20;
SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 0.5) UNION ALL SELECT 1e-20;
WITH c AS (SELECT 0.5 AS a UNION ALL SELECT 1e-20) SELECT a FROM c;
SELECT nvl(0.5, 1e-20) AS a, ifnull(cast(null AS decimal(3,1)), 1e-20) AS b, nvl(date '2020-01-01', timestamp '2020-01-02 00:00:00') AS c;
SELECT array(1e-20, 0.5) AS a, if(true, 1e-20, 0.5) AS b, nvl(1, 2.5) AS c;
SELECT 1e-20 AS a INTERSECT SELECT 0.0;
SELECT a FROM (SELECT 0.5 AS a UNION ALL SELECT 1e-20) ORDER BY a;
SELECT a FROM (SELECT null AS a UNION ALL SELECT 1.5 UNION SELECT 1e-20 UNION ALL SELECT 1) ORDER BY a;
SELECT '0.25' = 0.3 AS a, '3000000000' = 1 AS b, '01' = 1 AS c;

-- What does not fit is an error.
SELECT sum(a) FROM VALUES (9223372036854775807), (1) AS t(a);
SELECT sum(DISTINCT a), count(*) FROM VALUES (9223372036854775807), (1) AS t(a);
SELECT b, sum(a) FROM VALUES (9223372036854775807, 1), (1, 1) AS t(a, b) GROUP BY b;
SELECT sum(a) OVER (ORDER BY a) FROM VALUES (9223372036854775807), (1) AS t(a);
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM VALUES (1), (5), (7) AS t(a);
SELECT sum(a) AS s, sum(DISTINCT a) AS d, count(*) AS n FROM VALUES (1), (1), (null) AS t(a);
SELECT sum(a) FILTER (WHERE a > 1) AS s FROM VALUES (1), (2) AS t(a);
SELECT sum(a) AS s FROM VALUES (1) AS t(a) WHERE a > 1;
SELECT -a FROM VALUES (cast(-128 AS tinyint)) AS t(a);
SELECT -a FROM VALUES (-9223372036854775808) AS t(a);
SELECT abs(a) FROM VALUES (cast(-128 AS tinyint)) AS t(a);
SELECT -a AS x FROM VALUES (1), (-2147483647) AS t(a);
SELECT 5.0e0 % 0.0;
SELECT 1 / 0;
SELECT 5.5 % 0;
SELECT mod(5, 0);
SELECT pmod(5, a) FROM VALUES (0) AS t(a);
SELECT pmod(5.5, 0.0);
SELECT pmod(5e0, 0);
SELECT mod(-7, 3) AS a, pmod(-7, 3) AS b, pmod(-7.5, 2) AS c, pmod(-7, -3) AS d, pmod(7, 3) AS e, pmod(-5e0, 3) AS f, pmod(null, 3) AS g;

-- Instants numbers and text.
SELECT cast(timestamp '2020-01-01 00:00:01.5' AS bigint) AS a, cast(timestamp '2020-01-01 00:00:01.5' AS double) AS b,
  cast(timestamp '1969-12-31 23:59:59.5' AS int) AS c, cast(timestamp '2020-01-01 00:00:01.5' AS decimal(20,3)) AS d;
SELECT cast(1 AS timestamp) AS a, cast(1.5 AS timestamp) AS b, cast(-1.5e0 AS timestamp) AS c;
SELECT cast(9223372036854775807 AS timestamp);
SELECT try_cast(9223372036854775807 AS timestamp) AS a;
SELECT cast(1e10 AS string) AS a, cast(timestamp '2020-01-01 00:00:00' AS string) AS b, concat(1e10, 'x') AS c;
SELECT cast(array(1) AS string);
SELECT array_join(array(1e7), ',');
SELECT array_join(array('a', 'b'), ',') AS a;
SELECT coalesce(timestamp '9999-12-31 00:00:00', current_timestamp()) AS x;
SELECT current_timestamp() > timestamp '2020-01-01 00:00:00' AS a, now() = current_timestamp() AS b;
SELECT year('2020-05-17') AS y, dayofweek('2020-05-17') AS d, hour('2020-05-17 10:00:00') AS h, datediff('2020-01-03', '2020-01-01') AS n;
SELECT timestamp_seconds(1.5) AS a, timestamp_seconds(-0.5e0) AS b, timestamp_seconds(2) AS c, timestamp_seconds(null) AS d;
SELECT timestamp_millis(1.5);
SELECT extract(epoch FROM timestamp '2020-01-01 00:00:00');

-- Lengths of time are compared by their length.
SELECT b - a > interval 1 day AS x, b - a < interval 2 days AS y, interval 1 day = interval 24 hours AS z,
  b - a BETWEEN interval 1 day AND interval 4 days AS w
  FROM (SELECT timestamp '2020-01-01 00:00:00' AS a, timestamp '2020-01-04 00:00:00' AS b);
SELECT interval 1 month > interval 1 day;
SELECT a FROM VALUES (interval 1 day), (interval 2 days) AS t(a) ORDER BY a;
SELECT a FROM VALUES (interval 1 day), (interval 24 hours) AS t(a) GROUP BY a;
SELECT DISTINCT a FROM VALUES (interval 1 day), (interval 24 hours) AS t(a);
SELECT max(a) FROM VALUES (interval 1 day), (interval 24 hours) AS t(a);
SELECT max(a) OVER () FROM VALUES (interval 1 day) AS t(a);
SELECT count(DISTINCT a) FROM VALUES (interval 1 day), (interval 24 hours) AS t(a);
SELECT interval 1 day AS a UNION SELECT interval 24 hours;
SELECT interval 1 day AS a EXCEPT SELECT interval 24 hours;
SELECT sum(1) OVER (ORDER BY a) FROM VALUES (interval 1 day) AS t(a);
SELECT rank() OVER (ORDER BY a) FROM VALUES (interval 1 day) AS t(a);
SELECT sum(1) OVER (PARTITION BY a) FROM VALUES (interval 1 day) AS t(a);
SELECT 1 FROM VALUES (array(interval 1 day)) AS t(a) ORDER BY a;
SELECT greatest(interval 1 day, interval 24 hours);
SELECT array_contains(array(interval 1 day), interval 24 hours);
SELECT array(interval 1 day) = array(interval 24 hours);
SELECT named_struct('a', interval 1 day) IN (named_struct('a', interval 24 hours));
SELECT nullif(interval 1 day, interval 24 hours) IS NULL AS a, nullif(interval 1 day, interval 2 days) IS NULL AS b;

-- Functions answer as sparks.
SELECT nullif(1, 1.0) AS a, nullif('1', 1) AS b, nullif(1.5, 2e0) AS c, nullif(null, 1) AS d, nullif(1, null) AS e;
SELECT count(*) AS n FROM (SELECT nullif(rand() > 0.5, false) AS a FROM range(0, 1000)) WHERE NOT a;
SELECT nullif(array(1), array(1)) AS a, nullif(array(1), array(2)) AS b;
SELECT reverse(array(1, 2)) AS a, reverse('abc') AS b;
SELECT left('abc', -1) AS a, right('abc', -1) AS b, left('abc', 2) AS c, right('abc', 2) AS d;
SELECT array_position(array(1, 2), 2) AS a, array_position(array(1, 2), 9) AS b, array_position(array(1), null) AS c, cardinality(array(1, 2)) AS d;
SELECT to_json(named_struct('d', 1.50, 'e', 1e10, 'n', null, 't', timestamp '2026-01-31 08:30:00', 'u', timestamp '2026-01-31 08:30:00.000001', 'y', date '2026-01-31')) AS a;
SELECT to_json(map('a', null, 'b', 1)) AS a, to_json(map(1, 2.5, 2, null)) AS b, to_json(array(named_struct('x', null), null)) AS c, to_json(map(true, 'q')) AS d;
SELECT to_json(map(date '2026-01-31', 1));
SELECT to_json(array(interval 1 day));

-- Numbers with suffixes.
SELECT 1.5D AS a, 1.5F AS b, 1S AS c, 1Y AS d, 1.5BD AS e, 1L AS f;
SELECT 1L + 1 AS a, -128Y AS b, 2 * 1.5d AS c;
SELECT 1 D;
SELECT 300Y;

-- Whole numbers are ints where a statement is planned.
SELECT date_add(date '2020-01-01', 1) AS a, date_sub('2020-01-02', 1) AS b, add_months(date '2020-01-01', 1) AS c;
SELECT concat('[', space(2), ']') AS a, factorial(5) AS b, shiftleft(1, 2) AS c;
SELECT array_sort(array(3, null, 1)) AS a;

-- A result has no two columns of one name.
SELECT count(*), count(1);
SELECT 1, 1;
SELECT x, x FROM VALUES (1) AS t(x);
SELECT count(*) AS a, count(1) AS b;
