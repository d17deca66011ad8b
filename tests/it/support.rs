//! What the tests share: a session, rows made by hand, and results as text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tidemill::{DataFrame, Session};

/// A session of two tasks a stage.
pub(crate) fn session() -> Session {
    Session::builder().parallelism(2).build().expect("a plain session builds")
}

/// `userId, clicks, country` of six rows.
pub(crate) fn clicks(session: &Session) -> DataFrame {
    let users: ArrayRef = Arc::new(StringArray::from(vec!["ann", "bob", "ann", "cid", "bob", "ann"]));
    let clicks: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), Some(5), Some(4), None, Some(1), Some(2)]));
    let countries: ArrayRef = Arc::new(StringArray::from(vec![Some("de"), Some("fr"), Some("de"), None, Some("fr"), Some("nl")]));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("userId", users, false), ("clicks", clicks, true), ("country", countries, true)])
            .expect("the columns are of one length");
    session.create_dataframe(vec![batch]).expect("a batch becomes a DataFrame")
}

/// The rows as Spark's grid.
pub(crate) async fn grid(frame: &DataFrame) -> String {
    frame.show_string(20, 20).await.expect("the query runs")
}
