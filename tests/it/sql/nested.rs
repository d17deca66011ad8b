//! Fields and subscripts in any order, found without regard to case.

use super::answers;
use crate::support::session;

#[tokio::test]
async fn chains_of_fields_and_subscripts() {
    let session = session();
    let view = "CREATE TEMP VIEW n AS SELECT named_struct('Arr', array(named_struct('X', 1), named_struct('X', 2)), 'b', 3) AS s,
                    array(named_struct('x', 7)) AS arr, map('k', named_struct('x', 8)) AS m, map(cast(1 AS bigint), 5) AS mb";
    session.sql(view).await.unwrap();
    let cases = [
        ("SELECT s.arr[0].x AS a, s.ARR[1].X AS b, n.s.arr[0].x AS c, S.B AS d FROM n", "[[1,2,1,3]]"),
        ("SELECT arr[0].x AS a, m['k'].x AS b, named_struct('a', 9).A AS c FROM n", "[[7,8,9]]"),
        ("SELECT mb[1] AS a, map(1, 5)[1] AS b, mb[cast(1 AS int)] AS c FROM n", "[[5,5,5]]"),
        ("SELECT S.A AS a, q.s.a AS b FROM (SELECT named_struct('a', 1) AS s) q", "[[1,1]]"),
        ("SELECT s.arr[0].z FROM n", "!fields: X"),
        ("SELECT nothing[0].x FROM n", "!unknown column `nothing`"),
    ];
    answers(&session, &cases).await;
}
