-- CHAR columns: read with their blanks, and compared with what gets blanks, too.

CREATE TABLE ch (c CHAR(5), d CHAR(3), v VARCHAR(5), s STRING) USING parquet;
INSERT INTO ch VALUES ('ab', 'ab', 'ab', 'ab'), ('abcde', 'abc', 'abcde', 'abcde');
SELECT c = 'ab', 'ab' = c, c IN ('ab'), c IN ('ab', 'x'), c <=> 'ab', c BETWEEN 'ab' AND 'ab' FROM ch ORDER BY s;
SELECT s FROM ch WHERE c = 'ab';
SELECT s FROM ch WHERE c = 'ab       ';
SELECT s FROM ch WHERE c > 'ab' ORDER BY s;
SELECT s FROM ch WHERE c <> 'ab';
SELECT CASE c WHEN 'ab' THEN 1 ELSE 0 END, nullif(c, 'ab') FROM ch ORDER BY s;
SELECT c = d, c <=> d, d = c, c IN (d) FROM ch ORDER BY s;
SELECT c = s, c = v, v = 'ab', v = 'ab  ' FROM ch ORDER BY s;
SELECT x.s FROM ch x JOIN ch y ON x.c = y.d;
SELECT s FROM (SELECT c AS e, s FROM ch) WHERE e = 'ab';
SELECT s FROM ch t WHERE EXISTS (SELECT 1 FROM ch u WHERE u.d = t.c);
SELECT c || '|', length(c), d || '|' FROM ch ORDER BY s;
SELECT c = CAST(NULL AS STRING), c = NULL FROM ch;
DROP TABLE ch;
