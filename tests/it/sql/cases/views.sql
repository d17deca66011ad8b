-- Views keep the columns that they were made of, by name.

CREATE TABLE base (a INT, b INT) USING parquet;
INSERT INTO base VALUES (1, 2);
CREATE VIEW every AS SELECT * FROM base;
CREATE VIEW w (x, y) AS SELECT a, b FROM base;
CREATE VIEW z AS SELECT a, a + 1 AS c FROM base;
CREATE TEMPORARY VIEW tv AS SELECT * FROM base;
ALTER TABLE base ADD COLUMNS (c INT);
SELECT * FROM every;
SELECT * FROM w;
SELECT * FROM z;
SELECT * FROM tv;
DROP TABLE base;
CREATE TABLE base USING parquet AS SELECT 20 AS b, 10 AS a;
SELECT * FROM every;
SELECT * FROM w;
SELECT * FROM z;
DROP TABLE base;
CREATE TABLE base USING parquet AS SELECT 'x' AS a, 7L AS b;
SELECT b FROM every;
SELECT a FROM every;
DROP TABLE base;
CREATE TABLE base USING parquet AS SELECT 5 AS a;
SELECT * FROM z;
SELECT * FROM every;
DROP VIEW every;
DROP VIEW w;
DROP VIEW z;
