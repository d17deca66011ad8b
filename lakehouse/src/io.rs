//! The way from async code to the disk: blocking work on tokio's blocking threads. What is done there is the caller's.

use tidemill_planner::{Error, Result};

/// Runs blocking work without holding up an async thread.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) if e.is_cancelled() => Err(Error::cancelled("the runtime is shutting down")),
        Err(e) => Err(Error::internal(format!("a blocking task panicked: {e}")).with_source(e)),
    }
}
