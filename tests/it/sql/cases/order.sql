-- The order of a query below decides what aggregates give that depend on one.

SELECT collect_list(k) FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k);
SELECT array_agg(k) FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k DESC);
SELECT first(id), last(id) FROM (SELECT id FROM range(10) ORDER BY id DESC);
SELECT concat_ws(',', collect_list(k)) FROM (SELECT k FROM VALUES ('c'), ('a'), ('b') v(k) ORDER BY k);
SELECT g, collect_list(k), first(k), last(k), count(k) FROM (SELECT g, k FROM VALUES (1, 3), (2, 9), (1, 1), (2, 4), (1, 2) v(g, k) ORDER BY k) GROUP BY g ORDER BY g;
SELECT g, collect_list(k) FROM (SELECT g, k, k * 2 AS d FROM VALUES (1, 3), (2, 9), (1, 1) v(g, k) ORDER BY k) WHERE d > 2 GROUP BY g ORDER BY g;
SELECT max_by(v, k) FROM (SELECT * FROM VALUES ('a', 1), ('b', 1), ('c', 0) t(v, k) ORDER BY v DESC);
SELECT listagg(k, '-') FROM (SELECT k FROM VALUES ('c'), ('a'), ('b') v(k) ORDER BY k);
SELECT collect_list(k) FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k LIMIT 2);
SELECT collect_list(DISTINCT k) FROM (SELECT k FROM VALUES (3), (1), (3) v(k) ORDER BY k);
SELECT collect_list(k) FILTER (WHERE k > 1) FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k);

-- The same beneath windows of time, grouping sets, pivots and conditions on groups, and over rows of several files.
SELECT window(ts, '1 hour').start AS s, collect_list(k) FROM (SELECT timestamp'2020-01-01 00:10:00' ts, k FROM VALUES (3), (1), (2) v(k) ORDER BY k) GROUP BY window(ts, '1 hour');
SELECT session_window(ts, '5 minutes').start AS s, first(k), last(k), collect_list(k) FROM (SELECT timestamp'2020-01-01 00:10:00' ts, k FROM VALUES (3), (1), (2) v(k) ORDER BY k DESC) GROUP BY session_window(ts, '5 minutes');
SELECT g, collect_list(k) FROM (SELECT k % 2 g, k FROM VALUES (3), (1), (2) v(k) ORDER BY k) GROUP BY ROLLUP(g) ORDER BY g;
SELECT * FROM (SELECT g, k FROM VALUES ('a', 3), ('b', 1), ('a', 2) v(g, k) ORDER BY k) PIVOT (first(k) FOR g IN ('a', 'b'));
SELECT g, first(k) f FROM (SELECT k % 2 g, k FROM VALUES (3), (1), (2) v(k) ORDER BY k DESC) GROUP BY g HAVING first(k) > 0 ORDER BY g;
CREATE TABLE files (k INT, v STRING) USING parquet;
INSERT INTO files VALUES (5, 'e'), (1, 'a');
INSERT INTO files VALUES (4, 'd'), (2, 'b');
INSERT INTO files VALUES (6, 'f'), (3, 'c');
SELECT collect_list(k), first(v), last(v), listagg(v, ''), max_by(v, k % 2), min_by(v, k % 2) FROM (SELECT * FROM files ORDER BY k);
SELECT g, collect_list(v) FROM (SELECT k % 2 AS g, v, k FROM files ORDER BY k DESC) GROUP BY g ORDER BY g;
SELECT g, collect_list(v) FROM (SELECT k % 2 AS g, v, k FROM files SORT BY k DESC) GROUP BY CUBE(g) ORDER BY g;

-- By keys that the query does not give, or gives under another name, and through views, windows and generators.
SELECT collect_list(name) FROM (SELECT name FROM VALUES ('b', 2), ('a', 1), ('c', 3) t(name, rank) ORDER BY rank DESC);
SELECT first(k) FROM (SELECT id AS k FROM range(0, 100, 1, 8) ORDER BY id DESC);
SELECT first(k), last(k) FROM (SELECT id * 2 AS k FROM range(0, 100, 1, 8) ORDER BY -id);
CREATE TEMPORARY VIEW down AS SELECT id AS k FROM range(0, 1000, 1, 8) ORDER BY id DESC;
SELECT first(k), last(k) FROM down;
SELECT first(v), max(n) FROM (SELECT v, count(*) OVER () n FROM (SELECT id v FROM range(30) ORDER BY v DESC));
SELECT collect_list(e) FROM (SELECT explode(array(k, k * 10)) e FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k DESC));
SELECT collect_list(e) FROM (SELECT k FROM VALUES (3), (1), (2) v(k) ORDER BY k DESC) LATERAL VIEW explode(array(k, k * 10)) AS e;
SELECT collect_list(DISTINCT v) FROM (SELECT v FROM VALUES ('x', 2), ('y', 1), ('x', 3) t(v, k) ORDER BY k);
SELECT g, collect_list(name) FROM (SELECT name, rank % 2 AS g FROM VALUES ('b', 2), ('a', 1), ('c', 3) t(name, rank) ORDER BY rank DESC) GROUP BY CUBE(g) ORDER BY g;
