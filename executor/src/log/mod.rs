//! Durable files of our own: the checksummed container that each of them is, and numbered logs on a local disk. What the
//! containers hold is their writers' business.

use futures::FutureExt;
use futures::future::BoxFuture;
use tidemill_planner::{Error, Result};

mod frame;
mod local;

pub use frame::Frame;
pub use local::LocalLog;

/// Starts blocking file work on tokio's blocking pool, and waits for it when polled; where no runtime is entered, the work is
/// done right here.
pub(crate) fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> BoxFuture<'static, Result<T>> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return futures::future::ready(work()).boxed();
    };
    let task = runtime.spawn_blocking(work);
    async move {
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::cancelled("the runtime shut down while a file was read or written")),
        }
    }
    .boxed()
}
