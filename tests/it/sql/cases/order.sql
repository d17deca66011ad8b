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
