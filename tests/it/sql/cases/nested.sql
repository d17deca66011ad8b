-- Fields and subscripts in any order, found without regard to case.

CREATE TEMP VIEW n AS SELECT named_struct('Arr', array(named_struct('X', 1), named_struct('X', 2)), 'b', 3) AS s,
  array(named_struct('x', 7)) AS arr, map('k', named_struct('x', 8)) AS m, map(cast(1 AS bigint), 5) AS mb;

-- Chains of fields and subscripts.
SELECT s.arr[0].x AS a, s.ARR[1].X AS b, n.s.arr[0].x AS c, S.B AS d FROM n;
SELECT arr[0].x AS a, m['k'].x AS b, named_struct('a', 9).A AS c FROM n;
SELECT mb[1] AS a, map(1, 5)[1] AS b, mb[cast(1 AS int)] AS c FROM n;
SELECT S.A AS a, q.s.a AS b FROM (SELECT named_struct('a', 1) AS s) q;
SELECT map(1, 5)[1.5];
SELECT map(1, 5)[true];
SELECT map('1', 5)[1];
SELECT m[k] FROM (SELECT map(1, 5) AS m, cast(1 AS bigint) AS k);
SELECT map(1, 5)['1'] AS a, map(1, 5)[2] AS b, map(1.5, 5)[1.50] AS c, map(1e0, 5)[1] AS d, map(1, 5)[null] AS e;
SELECT map(2.0, 5)[2] AS a, map(cast(1 AS tinyint), 5)[1] AS b;
SELECT map(1, 5)[3000000000];
SELECT array(1, 2)[2];
SELECT array(1, 2)[-1];
SELECT arr[i] FROM n, VALUES (0), (7) AS v(i);
SELECT array(1, 2)[1.5];
SELECT get(array(1, 2), 1) AS a, get(array(1), 7) AS b, get(array(1), -1) AS c, array(1)[null] AS d, array(null)[0] AS e;
SELECT CASE WHEN size(arr) > 7 THEN arr[7].x ELSE -1 END AS a FROM n;
SELECT s.arr[0].z FROM n;
SELECT nothing[0].x FROM n;
