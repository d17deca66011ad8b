-- Tables by partitions: how values are written in PARTITION, which partitions there are, and names that begin with `_`.

CREATE TABLE by_date (a INT, d DATE, p INT) USING parquet PARTITIONED BY (d, p);
INSERT INTO by_date VALUES (1, DATE'2024-01-01', 10), (2, DATE'2024-01-01', 11), (3, DATE'2024-01-02', 10);
SHOW PARTITIONS by_date PARTITION (d='2024-01-01');
SHOW PARTITIONS by_date PARTITION (d=DATE'2024-01-01', p='10');
ALTER TABLE by_date ADD PARTITION (d='2024-02-01', p='7');
ALTER TABLE by_date DROP PARTITION (d='2024-01-01', p='10');
ALTER TABLE by_date ADD PARTITION (d='2024-02-01', p=7);
ALTER TABLE by_date PARTITION (d='2024-02-01', p=7) RENAME TO PARTITION (d='2024-02-02', p='8');
SHOW PARTITIONS by_date;
TRUNCATE TABLE by_date PARTITION (d='2024-01-01', p='11');
SELECT * FROM by_date ORDER BY a;
ALTER TABLE by_date DROP PARTITION (d='yesterdayish', p=1);
ALTER TABLE by_date DROP PARTITION (d='2024-01-02', p='x');
CREATE TABLE hidden (a INT, _p INT) USING parquet PARTITIONED BY (_p);
INSERT INTO hidden VALUES (1, 10), (2, 20);
SELECT * FROM hidden ORDER BY a;
INSERT OVERWRITE hidden VALUES (3, 30);
SELECT * FROM hidden ORDER BY a;
CREATE TABLE emptied (a INT, b INT) USING parquet PARTITIONED BY (b);
INSERT INTO emptied VALUES (1, 1), (2, 2);
INSERT OVERWRITE emptied VALUES (3, 3);
SHOW PARTITIONS emptied;
INSERT OVERWRITE emptied PARTITION (b = 3) SELECT 1 WHERE false;
SELECT * FROM emptied;
CREATE TABLE packed (a INT) USING parquet OPTIONS (compression 'snappy');
INSERT INTO packed VALUES (1);
SELECT * FROM packed;
