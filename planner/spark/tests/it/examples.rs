//! Every function's own examples: a row of the table without one, or with another answer, fails.

use tidemill_spark::functions;

use crate::run::Runner;

#[tokio::test]
async fn functions_give_what_their_examples_say() {
    let mut wrong = Vec::new();
    let mut right = 0;
    for function in functions::all() {
        // What has no example says what to use instead.
        if function.examples.is_empty() {
            match Runner::new().run(&format!("SELECT {}()", function.name)).await {
                Err(error) if error.kind() == tidemill_spark::ErrorKind::Unsupported => {}
                other => wrong.push(format!("{}: has no example and is not refused: {other:?}", function.name)),
            }
        }
        for (statement, expected) in function.examples {
            let mut runner = Runner::new();
            match runner.run(statement).await {
                Ok(rows) if rows.join("\n") == *expected => right += 1,
                Ok(rows) => wrong.push(format!("{}: {statement}\n    want {expected:?}\n    got  {:?}", function.name, rows.join("\n"))),
                Err(error) => wrong.push(format!("{}: {statement}\n    {error}", function.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{right} right, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
