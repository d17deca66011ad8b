-- Floats in every place where rows are matched: -0.0 is 0.0, every NaN is one NaN, and NaN is greater than any number.

CREATE TEMP VIEW f AS SELECT * FROM VALUES
  (1, cast('0.0' AS double)), (2, cast('-0.0' AS double)), (3, cast('NaN' AS double)), (4, -cast('NaN' AS double)), (5, 1e0) AS t(id, d);
CREATE TEMP VIEW g AS SELECT * FROM VALUES ('z', cast('-0.0' AS double)), ('n', -cast('NaN' AS double)), ('q', 7e0) AS t(k, d);

-- Equal floats are one group.
SELECT count(DISTINCT d) AS n, count(*) AS m FROM f;
SELECT count(DISTINCT d) AS n FROM f;
SELECT count(DISTINCT cast(d AS float)) AS n, count(*) AS m FROM f;
SELECT count(DISTINCT array(d)) AS n, count(DISTINCT named_struct('x', d, 'y', 1)) AS m, count(*) AS r FROM f;
SELECT cardinality(collect_set(d)) AS n FROM f WHERE id >= 3;
SELECT d, count(*) AS n FROM f GROUP BY d ORDER BY d;
SELECT f.d, g.d AS e, count(*) AS n FROM f, g WHERE f.d = g.d GROUP BY f.d, g.d ORDER BY 1;
SELECT d, count(*) AS n FROM f GROUP BY d WITH ROLLUP ORDER BY n, d;
SELECT count(*) AS n FROM (SELECT array(d) AS a FROM f GROUP BY array(d));
SELECT count(*) AS n FROM (SELECT array(named_struct('x', d)) AS a FROM f GROUP BY array(named_struct('x', d)));
SELECT DISTINCT d FROM f ORDER BY d;
SELECT count(*) AS n FROM (SELECT DISTINCT named_struct('x', d) FROM f);
SELECT d, count(DISTINCT id) AS n, max(id) AS m FROM f GROUP BY d HAVING d > 0.5 ORDER BY d;
SELECT id, count(*) OVER (PARTITION BY d) AS n FROM f ORDER BY id;
SELECT id, count(*) OVER (PARTITION BY array(d)) AS n FROM f ORDER BY id;
SELECT id, rank() OVER (ORDER BY d) AS r FROM f ORDER BY id;

-- Equal floats are one key of a join.
SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d = b.d ORDER BY l, r;
SELECT a.id AS l, b.id AS r FROM f a, f b WHERE a.d = b.d ORDER BY l, r;
SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d IS NOT DISTINCT FROM b.d ORDER BY l, r;
SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON array(a.d) = array(b.d) ORDER BY l, r;
SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON named_struct('x', a.d) = named_struct('x', b.d) ORDER BY l, r;
SELECT a.id AS l, b.id AS r FROM f a JOIN f b ON a.d < b.d ORDER BY l, r;
SELECT id, k FROM f LEFT JOIN g ON f.d = g.d ORDER BY id;
SELECT id, k FROM f RIGHT JOIN g ON f.d = g.d ORDER BY id;
SELECT id, k FROM f FULL JOIN g USING (d) ORDER BY id;
SELECT id FROM f LEFT SEMI JOIN g ON f.d = g.d ORDER BY id;
SELECT id FROM f LEFT ANTI JOIN g ON f.d = g.d ORDER BY id;
SELECT id FROM f WHERE d IN (SELECT d FROM g) ORDER BY id;
SELECT id FROM f WHERE d NOT IN (SELECT d FROM g) ORDER BY id;
SELECT id FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.d = f.d) ORDER BY id;
SELECT id, (SELECT max(k) FROM g WHERE g.d = f.d) AS k FROM f ORDER BY id;
SELECT id, (SELECT sum(i.id) FROM f i WHERE i.d = o.d) AS s FROM f o ORDER BY id;

-- Equal floats are one row of a set.
SELECT d FROM f UNION SELECT d FROM g ORDER BY d;
SELECT d FROM f INTERSECT SELECT d FROM g ORDER BY d;
SELECT d FROM f EXCEPT SELECT d FROM g;
SELECT count(*) AS n FROM (SELECT array(d) FROM f INTERSECT SELECT array(d) FROM g);
SELECT count(*) AS n FROM (SELECT named_struct('x', d) FROM f EXCEPT SELECT named_struct('x', d) FROM g);

-- Floats are compared by their value.
SELECT id FROM f WHERE d = 0.0 ORDER BY id;
SELECT id FROM f WHERE d = cast('-0.0' AS double) ORDER BY id;
SELECT id FROM f WHERE d <> 0.0 ORDER BY id;
SELECT id FROM f WHERE d = 0.0 OR d = 2.0 OR d = 3.0 OR d = 4.0 ORDER BY id;
SELECT id FROM f WHERE d = cast('NaN' AS double) ORDER BY id;
SELECT id FROM f WHERE d <> cast('NaN' AS double) ORDER BY id;
SELECT id FROM f WHERE d < cast('NaN' AS double) ORDER BY id;
SELECT id FROM f WHERE d > 0.5 ORDER BY id;
SELECT id FROM f WHERE 0.5 < d ORDER BY id;
SELECT id FROM f WHERE NOT d > 0.5 ORDER BY id;
SELECT id FROM f WHERE d >= 0.0 ORDER BY id;
SELECT id FROM f WHERE d < 0.5 ORDER BY id;
SELECT id FROM f WHERE d <= 1.0 ORDER BY id;
SELECT id FROM f WHERE d + 1 > 1.5 ORDER BY id;
SELECT id FROM f WHERE cast(d AS float) > 0.5 ORDER BY id;
SELECT id FROM f WHERE d > cast('inf' AS double) ORDER BY id;
SELECT id FROM f WHERE d > null ORDER BY id;
SELECT id FROM f WHERE d BETWEEN 0.0 AND 1.0 ORDER BY id;
SELECT id FROM f WHERE d NOT BETWEEN 0.5 AND cast('NaN' AS double) ORDER BY id;
SELECT id FROM f WHERE d IN (0.0, 2.0, 3.0, 4.0, 5.0) ORDER BY id;
SELECT id FROM f WHERE d NOT IN (0.0, 2.0, 3.0, 4.0, 5.0) ORDER BY id;
SELECT id FROM f WHERE d IN (cast('NaN' AS double), 1.0) ORDER BY id;
SELECT id FROM f WHERE array(d) = array(cast(0 AS double)) ORDER BY id;
SELECT id FROM f WHERE named_struct('x', d) = named_struct('x', cast('NaN' AS double)) ORDER BY id;
SELECT id FROM f WHERE named_struct('x', d) < named_struct('x', cast('NaN' AS double)) ORDER BY id;
SELECT id FROM f WHERE CASE d WHEN 0.0 THEN true WHEN cast('NaN' AS double) THEN true ELSE false END ORDER BY id;
SELECT id FROM f WHERE nullif(d, 0.0) IS NULL ORDER BY id;
SELECT id FROM f WHERE nullif(d, cast('NaN' AS double)) IS NULL ORDER BY id;
SELECT id FROM f WHERE array_contains(array(d), cast('NaN' AS double)) ORDER BY id;
SELECT id FROM f WHERE array_contains(array(1e0, d), 0e0) ORDER BY id;
SELECT id FROM f ORDER BY d, id DESC;
SELECT max(d) AS a, min(d) AS b FROM f WHERE id >= 4;
SELECT greatest(d, 1e0) AS a, least(d, 1e0) AS b FROM f WHERE id = 4;
SELECT array_sort(array(d, 1e0)) AS a FROM f WHERE id = 4;
SELECT array_distinct(array(0e0, cast('-0.0' AS double), 1e0)) AS a;
SELECT -cast('NaN' AS double) = cast('NaN' AS double) AS a, -cast('NaN' AS double) > 1e0 AS b;
SELECT median(d) AS a FROM f WHERE id IN (1, 4, 5);
SELECT d > 5e-1 AS big, count(*) AS n FROM f GROUP BY ROLLUP(d > 5e-1) ORDER BY n;
SELECT id FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.d = f.d OR g.k = 'none') ORDER BY id;
SELECT cast(d AS string) AS a, cast(min(d) OVER (PARTITION BY id) AS string) AS b FROM f WHERE id = 2;
SELECT cast(d AS string) AS a FROM f WHERE d IN (0.0, 1.0) AND id = 2;

-- Plans are changed only where they must be.
SELECT count(DISTINCT id) AS n, count(*) AS m FROM f GROUP BY id;
SELECT a.id FROM f a JOIN f b ON a.id = b.id WHERE a.id < 4.5e0 ORDER BY a.id;
SELECT id FROM f WHERE d > 5.0 AND d <= 7.0 AND d <> 6.0 AND d IN (0.0, 6.5) OR d = 0.0 OR d BETWEEN 1.0 AND 2.0;
SELECT id FROM f WHERE d > cast('NaN' AS double);
SELECT id FROM f WHERE d + 1 > 5.0;
SELECT d FROM f GROUP BY d;
SELECT a.id FROM f a JOIN f b ON a.d = b.d;
SELECT id FROM f ORDER BY d;
