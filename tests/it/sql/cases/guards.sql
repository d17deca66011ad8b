-- AND and OR evaluate their right side where the left side leaves it open: guards before divisions, casts and items.

SELECT id FROM range(3) WHERE id <> 0 AND 10 / id > 5;
SELECT * FROM (SELECT * FROM range(3) WHERE id <> 0) WHERE 10 / id > 5;
SELECT id FROM range(3) WHERE id = 0 OR 10 / id > 5 ORDER BY id;
SELECT id FROM range(3) WHERE NOT (id = 0 OR 10 / id > 5) ORDER BY id;
SELECT s FROM VALUES ('1'), ('x'), ('7') t(s) WHERE s RLIKE '^[0-9]+$' AND CAST(s AS INT) > 5;
SELECT s FROM (SELECT s FROM VALUES ('1'), ('x'), ('7') t(s) WHERE s RLIKE '^[0-9]+$') WHERE CAST(s AS INT) > 5;
SELECT d FROM VALUES (1, '2020-01-02'), (2, 'no date') t(k, d) WHERE k = 1 AND CAST(d AS DATE) > DATE '2020-01-01';
SELECT a FROM VALUES (array(1)), (array()), (array(2)) t(a) WHERE size(a) > 0 AND a[0] = 1;
SELECT id, CASE WHEN id <> 0 AND 10 / id > 5 THEN 1 END FROM range(3) ORDER BY id;
SELECT count_if(id <> 0 AND 10 / id > 5) FROM range(3);
SELECT a.id FROM range(3) a JOIN range(3) b ON a.id = b.id AND b.id <> 0 AND 10 / b.id > 5 ORDER BY 1;
SELECT a.id, b.id FROM range(3) a LEFT JOIN range(3) b ON a.id = b.id AND b.id <> 0 AND 10 / b.id > 5 ORDER BY 1;
SELECT * FROM (SELECT id, 10 / id AS q FROM range(3) WHERE id <> 0) WHERE q > 5;
SELECT id, id <> 0 AND 10 / id > 5, id = 0 OR 10 / id > 5 FROM range(3) ORDER BY id;
SELECT a, b, a AND CAST(b AS INT) > 0 FROM VALUES (true, '1'), (false, 'x'), (CAST(NULL AS BOOLEAN), '0') t(a, b) ORDER BY b;
SELECT a, b, a OR CAST(b AS INT) > 0 FROM VALUES (true, 'x'), (false, '1'), (CAST(NULL AS BOOLEAN), '1') t(a, b) ORDER BY a, b;
SELECT a FROM VALUES (CAST(NULL AS BOOLEAN), '1'), (true, '1'), (false, 'x') t(a, b) WHERE a AND CAST(b AS INT) > 0;
SELECT b FROM VALUES (CAST(NULL AS BOOLEAN), '1'), (true, 'x'), (false, '0') t(a, b) WHERE a OR CAST(b AS INT) > 0 ORDER BY b;
SELECT id FROM range(3) WHERE CASE WHEN id <> 0 THEN 10 / id > 5 ELSE false END;
SELECT id FROM range(3) WHERE 10 / id > 5 AND id <> 0;
SELECT sum(10 / id) FILTER (WHERE id <> 0) FROM range(3);
SELECT id FROM range(4) WHERE id > 0 AND (id = 1 OR 10 / (id - 1) > 5) AND 10 / id < 10 ORDER BY id;
SELECT abs(count_if(c) - 50000) < 2000, abs(count_if(d) - 50000) < 2000 FROM (SELECT rand(1) < 0.5 AND 10 / (id + 1) >= 0 c, rand(2) < 0.5 OR 10 / (id + 1) < 0 d FROM range(100000));
