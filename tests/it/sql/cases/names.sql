-- Names, literals, operators and groups.

CREATE TEMP VIEW Clicks AS SELECT * FROM VALUES ('ann', 3L, 'de'), ('bob', 5L, 'fr'), ('ann', 4L, 'de'), ('cid', NULL, NULL), ('bob', 1L, 'fr'), ('ann', 2L, 'nl')
  AS t(userId, clicks, country);

-- Literals and operators are sparks.
SELECT 1, 3000000000, 1.5, 'a', "b", true, null;
SELECT 7 / 2 AS q, 7 DIV 2 AS d, 1 + 2 AS s, clicks + 1 AS c FROM clicks;
SELECT CAST('2026-01-31 08:30:00' AS TIMESTAMP) AS t, DATE '2026-01-31' AS d, CAST(1 AS LONG) AS l;
SELECT count(*), sum(clicks), avg(clicks) FROM clicks;
SELECT to_timestamp('2026-01-31') t, timestamp_millis(0) m;

-- Grouping values and row numbers.
SELECT x, count(*) AS n FROM VALUES (1), (2) AS t(x) GROUP BY x WITH ROLLUP ORDER BY x;
SELECT x, y, count(*) AS n FROM VALUES (1, 2) t(x, y) GROUP BY x, y WITH CUBE ORDER BY x, y;
SELECT col2, COL1 FROM VALUES (1, 'a');
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r ORDER BY n;
SELECT !false AS a, 1e3 AS b, current_date() > DATE '2020-01-01' AS c;
SELECT sum(n) AS s FROM (SELECT row_number() OVER (ORDER BY clicks) AS n FROM clicks);
SELECT row_number() OVER (ORDER BY clicks) AS n FROM clicks;
SELECT 1e3 AS b, x FROM VALUES (1), (NULL) AS t(x);
SELECT approx_count_distinct(clicks) AS n FROM clicks;

-- Versions differ.
SELECT * FROM clicks VERSION AS OF 1;

-- What is not there is refused by name.
SELECT input_file_name();
SELECT spark_partition_id() FROM clicks;

-- Names resolve without regard to case and keep their spelling; operators name their columns.
SELECT USERID, C.Clicks FROM clicks c WHERE userid = 'bob' ORDER BY CLICKS;
WITH Totals AS (SELECT UserID AS Who, sum(clicks) AS Total FROM CLICKS GROUP BY userid)
  SELECT who, TOTALS.total, (SELECT max(TOTAL) FROM totals) AS best FROM totals t2 JOIN totals USING (WHO, total) ORDER BY WHO;
SELECT country, count(*), avg(CLICKS), count(DISTINCT userID) FROM clicks GROUP BY COUNTRY HAVING count(*) > 0 ORDER BY country;
SELECT * EXCEPT (Country) FROM clicks o WHERE EXISTS (SELECT 1 FROM clicks i WHERE I.userId = O.USERID AND i.clicks > 4)
  UNION ALL SELECT 'zed', 9 ORDER BY userid, clicks;
SELECT 7 / 2, 7 DIV 2, -7 % 3, 'it\'s', log(1.0), regexp_replace('aXbX', 'X', '-'), substr('spark', 2, 3);
SELECT array(7, 8)[0] AS zeroth, year(DATE '2026-01-31') AS y, dayofweek(DATE '2026-01-31') AS w, 'abc' RLIKE 'b.' AS r, '01' = 1 AS e,
  struct(userId, clicks AS n) AS s, map('k', 2)['k'] AS m, count(*) OVER () AS c
  FROM clicks LIMIT 1;
SELECT id, id * 2 AS twice FROM range(0, 3) ORDER BY id DESC;
SELECT clicks FROM clicks ORDER BY clicks LIMIT 2;
SELECT clicks FROM clicks ORDER BY clicks DESC;
CREATE OR REPLACE TEMP VIEW Big (who, n) AS SELECT userId, clicks FROM clicks WHERE clicks >= 4;
SELECT * FROM BIG ORDER BY N;
SHOW TABLES;
DESCRIBE big;

-- What is wrong has a condition.
SELECT 1 / 0;
SELECT 2147483647 + 1;
SELECT 9223372036854775807 + 1;
SELECT clicks / 0 FROM clicks;
CREATE TEMP VIEW twice AS SELECT userId, userId AS USERID FROM clicks;
SELECT usrId FROM clicks;
SELECT 1 FROM click;
SELEC 1;
SELECT 1 SELECT 2;
SELECT 'open;
CREATE TEMP VIEW big AS SELECT 1;
DROP VIEW big;
SELECT * FROM big;
DROP VIEW big;
DROP VIEW IF EXISTS big;
