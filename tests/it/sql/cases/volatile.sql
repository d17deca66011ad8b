-- Rows that would be others the second time are made once, wherever subqueries and LATERAL look at them.

SELECT count(*) FROM (SELECT uuid() u FROM range(5)) t, LATERAL (SELECT upper(u) c);
SELECT count(*) FROM (SELECT shuffle(array(1, 2, 3, 4, 5, 6, 7, 8)) a FROM range(10)) t, LATERAL explode(a) e(x);
SELECT count(*) FROM (SELECT id FROM range(20) ORDER BY rand() LIMIT 5) t, LATERAL (SELECT t.id * 2 AS d);
SELECT count(*) FROM (SELECT id FROM range(20) ORDER BY rand() LIMIT 5) t, LATERAL (SELECT count(*) AS c FROM range(30) r WHERE r.id <= t.id);
SELECT count(*) FROM (SELECT uuid() u, id FROM range(5)) t WHERE EXISTS (SELECT 1 FROM range(3) x WHERE x.id <= length(t.u)) OR id > 100;
SELECT count(*), count(c) FROM (SELECT r, (SELECT max(x.id) FROM range(5) x WHERE x.id <= t.r * 5) c FROM (SELECT rand() r FROM range(5)) t);
SELECT u IN (SELECT u) FROM (SELECT uuid() u FROM range(2));
SELECT (SELECT t.u) = t.u FROM (SELECT uuid() u FROM range(2)) t;
SELECT count(DISTINCT x) FROM (SELECT (SELECT uuid()) x FROM range(5));
SELECT k, v FROM VALUES (map('a', 1), 'x') t(m, s), LATERAL explode(m) AS e(k, v);
SELECT a, b FROM VALUES (1), (2) t(a), LATERAL (SELECT a + 1 AS b WHERE a > 1);
SELECT a, b FROM VALUES (1), (2) t(a) LEFT JOIN LATERAL (SELECT a + 1 AS b WHERE a > 1) ON true ORDER BY a;
SELECT a, b FROM VALUES (1), (2) t(a) LEFT JOIN LATERAL (SELECT a + 1 AS b) ON true ORDER BY a;
SELECT a, (SELECT a + 1), (SELECT max(b) FROM VALUES (1), (5) u(b) WHERE b > a), (SELECT min(b) FROM VALUES (1), (5) u(b) WHERE b > a) FROM VALUES (1), (2) t(a) ORDER BY a;
SELECT format_string('%70000d', 1) = lpad('1', 70000, ' '), length(to_char(1, repeat('0', 70000)));
SELECT count(*) FROM (SELECT id FROM range(20) ORDER BY rand() LIMIT 5);
