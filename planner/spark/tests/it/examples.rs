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
        // Its window is an operator of the executor's, which this runner does not have: the root crate's tests run it.
        if function.name == "session_window" {
            continue;
        }
        for (statement, expected) in function.examples {
            let mut runner = Runner::new();
            match runner.run(statement).await {
                Ok(rows) if same(&rows.join("\n"), expected) => right += 1,
                Ok(rows) => wrong.push(format!("{}: {statement}\n    want {expected:?}\n    got  {:?}", function.name, rows.join("\n"))),
                Err(error) => wrong.push(format!("{}: {statement}\n    {error}", function.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{right} right, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether two answers are one: doubles to 12 digits, which is what a sum in another order keeps.
fn same(found: &str, expected: &str) -> bool {
    if found == expected {
        return true;
    }
    match (found.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(found), Ok(expected)) => (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        _ => false,
    }
}
