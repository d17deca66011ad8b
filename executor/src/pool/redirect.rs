//! What DataFusion's operators spawn by themselves runs on the pool too, for the query that is being polled. The hook is
//! one slot per process; an application that has taken it keeps it, and such work then runs on the I/O threads.

use std::any::Any;
use std::sync::Once;

use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::task::Query;

struct Redirect;

impl JoinSetTracer for Redirect {
    fn trace_future(&self, future: BoxFuture<'static, Box<dyn Any + Send>>) -> BoxFuture<'static, Box<dyn Any + Send>> {
        let Some(query) = Query::current() else { return future };
        let task = query.spawn(future);
        async move {
            match task.await {
                Some(output) => output,
                // The query is gone, and so is the owner that would have waited for this: it aborts it.
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn trace_block(&self, block: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>) -> Box<dyn FnOnce() -> Box<dyn Any + Send> + Send> {
        block
    }
}

/// Takes the slot, once per process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    static REDIRECT: Redirect = Redirect;
    ONCE.call_once(|| {
        if set_join_set_tracer(&REDIRECT).is_err() {
            tracing::warn!("this process has a JoinSetTracer of its own: what DataFusion's operators spawn runs on the I/O threads");
        }
    });
}
