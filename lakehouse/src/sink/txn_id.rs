//! The application ids under which sinks commit: whose an epoch is, in the words of Delta's `txn` action, and what a table's ids say
//! of a query. Who commits is not known here.
//!
//! ```text
//! tidemill:<query id>:<sink id>                       version = the last epoch of the query that is in the table
//! tidemill-checkpoint:<hash of directory>:<sink id>   once per checkpoint directory: a query that begins anew there is told
//! <sink id>                                           of releases that left the query out: nobody knows which query's it is
//! ```

use tidemill_planner::key::stable_hash;
use tidemill_planner::seam::{PublishedEpochs, SinkQuery};

const QUERY: &str = "tidemill:";

/// The id of a query's sink.
pub(super) fn of_query(query_id: &str, sink: &str) -> String {
    format!("{QUERY}{query_id}:{sink}")
}

/// The mark that a query with this checkpoint directory leaves.
pub(super) fn of_checkpoint(query: &SinkQuery, sink: &str) -> String {
    format!("tidemill-checkpoint:{:016x}:{sink}", stable_hash(query.checkpoint.as_bytes()))
}

/// What the ids of a table, sorted, with their versions, say of `query` and its sink; `named` when the sink's id is its user's choice.
pub(super) fn published(txns: &[(String, i64)], query: &SinkQuery, sink: &str, named: bool) -> PublishedEpochs {
    let version = |id: &str| {
        let at = txns.binary_search_by(|(there, _)| there.as_str().cmp(id)).ok()?;
        u64::try_from(txns[at].1).ok()
    };
    let by_query = version(&of_query(&query.id, sink));
    let of_another =
        |id: &str| id.strip_prefix(QUERY).and_then(|id| id.split_once(':')).is_some_and(|(id, of)| id != query.id && of == sink);
    let by_name = txns.iter().filter(|(id, _)| named && of_another(id)).filter_map(|(_, version)| u64::try_from(*version).ok()).max();
    // The query's own first commit has left the mark too.
    let by_checkpoint = version(&of_checkpoint(query, sink)).filter(|_| by_query.is_none());
    PublishedEpochs { by_query, unowned: version(sink), by_former: by_name.max(by_checkpoint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tables_ids_say() {
        let query = |id: &str, checkpoint: &str| SinkQuery { id: id.to_owned(), checkpoint: checkpoint.to_owned(), unnamed: false };
        let mut txns = vec![
            (of_query("q", "delta:t"), 7),
            (of_checkpoint(&query("q", "/c"), "delta:t"), 0),
            (of_query("q", "alerts"), 5),
            (of_checkpoint(&query("q", "/c"), "alerts"), 2),
            ("delta:t".to_owned(), 3),
            ("spark-query".to_owned(), 9),
        ];
        txns.sort();
        for (what, query, sink, named, says) in [
            ("the query itself", query("q", "/c"), "delta:t", false, (Some(7), Some(3), None)),
            ("moved elsewhere", query("q", "/d"), "delta:t", false, (Some(7), Some(3), None)),
            ("a stranger", query("r", "/d"), "delta:t", false, (None, Some(3), None)),
            ("its checkpoint was deleted", query("r", "/c"), "delta:t", false, (None, Some(3), Some(0))),
            ("the same name elsewhere", query("r", "/d"), "alerts", true, (None, None, Some(5))),
            ("a name of its own", query("r", "/c"), "others", true, (None, None, None)),
        ] {
            let told = published(&txns, &query, sink, named);
            assert_eq!((told.by_query, told.unowned, told.by_former), says, "{what}");
        }
    }
}
