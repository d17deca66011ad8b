-- Conditions of a merge, as filters over the join of its source and its target: tests/it/merge_conditions.rs merges by each of them.

CREATE TEMP VIEW source AS
  SELECT CAST(k AS BIGINT) AS k, CAST(s AS STRING) AS s, CAST(i AS INT) AS i, CAST(w AS INT) AS w, CAST(n AS BIGINT) AS n, CAST(d AS DECIMAL(10,2)) AS d, CAST(x AS DOUBLE) AS x, CAST(day AS DATE) AS day, CAST(t AS TIMESTAMP) AS t
  FROM VALUES
    ('1', '5', '5', '1', '5', '0.10', '0.1', '2001-01-01', '2001-01-01 00:00:00'),
    ('2', '3000000000', '1', '2', '3000000000', '0.30', '0.30000000000000004', '9999-12-31', '9999-12-31 00:00:00'),
    ('3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('4', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('5', '-1', '-1', '-1', '-1', '-1.50', '-1.5', '2001-01-02', '2001-01-02 00:00:01') AS t(k, s, i, w, n, d, x, day, t);
CREATE TEMP VIEW target AS
  SELECT CAST(k AS BIGINT) AS k, CAST(s AS STRING) AS s, CAST(i AS INT) AS i, CAST(w AS BIGINT) AS w, CAST(n AS BIGINT) AS n, CAST(d AS DECIMAL(10,2)) AS d, CAST(x AS DOUBLE) AS x, CAST(day AS DATE) AS day, CAST(t AS TIMESTAMP) AS t
  FROM VALUES
    ('1', '5', '5', '1', '5', '0.10', '0.1', '2001-01-01', '2001-01-01 00:00:00'),
    ('2', '7', '7', '3', '7', '0.30', '0.3', '9999-12-31', '9999-12-31 00:00:00'),
    ('3', '1', '1', '1', '1', '1.00', '1.0', '2001-01-02', '2001-01-02 12:00:00'),
    ('4', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('5', '8', '-2', '-1', '8', '2.50', '2.5', '2001-01-03', '2001-01-02 00:00:00') AS t(k, s, i, w, n, d, x, day, t);

-- Text takes after the other side: bigint for whole numbers, double for decimals, the date or the timestamp.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.s = target.i ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.s <> target.n ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE target.d <> '0.104' ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE target.day = '2001-01-01' ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE target.t = '2001-01-01' ORDER BY source.k;

-- A decimal beside a double is a double, a date beside a timestamp its midnight.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE target.d = source.x ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.day = target.t ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.t >= target.day ORDER BY source.k;

-- What is unknown does not hold.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.n > target.n ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE NOT (source.n = target.n) ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.i IS NOT DISTINCT FROM target.i ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.i IS DISTINCT FROM target.i ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE coalesce(source.i, 1) = target.i ORDER BY source.k;

-- Operators and functions are Spark's.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.x * 2 > target.x ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.d + target.x > 0 ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.n / 2 = 2.5 ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE abs(source.i) = 1 ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE hour(source.t) = 0 ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE current_timestamp() < target.t ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE SOURCE.N > Target.n ORDER BY source.k;

-- NaN is one value, whatever its bits, and so is zero.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE (-cast('NaN' AS double) + source.x) <> cast('NaN' AS double) ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE (-cast('NaN' AS double) + source.x) > 5e0 ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE (source.i - 5) * -1e0 IN (0e0, 9e0) ORDER BY source.k;

-- What has no value is an error, and an int that the table keeps as a bigint is an int.
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.n + 9223372036854775807 > target.n ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.i + 2147483643 > target.i ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.w = target.w ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE source.w + 2147483647 > target.w ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE CAST(source.s AS INT) = target.i ORDER BY source.k;
SELECT source.k FROM source JOIN target ON source.k = target.k WHERE 1 / (target.i - 7) > 0 ORDER BY source.k;
