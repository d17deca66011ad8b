//! Durable files of our own: the checksummed container that each of them is, and numbered logs on a local disk. What the
//! containers hold is their writers' business.

mod frame;
mod local;

pub use frame::Frame;
pub use local::LocalLog;

/// Runs blocking file work on tokio's blocking pool; where no runtime is entered, right here.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> tidemill_planner::Result<T> + Send + 'static,
) -> tidemill_planner::Result<T> {
    match tokio::runtime::Handle::try_current() {
        Err(_) => work(),
        Ok(runtime) => match runtime.spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(tidemill_planner::Error::cancelled("the runtime shut down while a file was read or written")),
        },
    }
}
