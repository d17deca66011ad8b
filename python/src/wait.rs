//! Waits for the engine: without the GIL, on one runtime per process, and so that Ctrl-C ends the wait.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::error::raised;

/// How long Ctrl-C is unheard at most.
const TICK: Duration = Duration::from_millis(50);

/// The runtime, and the process that made it: threads do not live on in a fork.
static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();

fn runtime() -> PyResult<&'static Runtime> {
    let (made_in, runtime) = RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tidemill-wait").build();
        #[allow(clippy::expect_used)]
        (std::process::id(), runtime.expect("the process has no more threads"))
    });
    if *made_in != std::process::id() {
        return Err(PyRuntimeError::new_err(
            "this process is a fork of one that used Tidemill, whose threads are not here: start it with the method \"spawn\"",
        ));
    }
    Ok(runtime)
}

/// What the future gives. The GIL is released meanwhile; Ctrl-C drops the future, which ends its query, and raises `KeyboardInterrupt`.
pub(crate) fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = tidemill::Result<T>> + Send) -> PyResult<T> {
    let runtime = runtime()?;
    let work = async {
        tokio::pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return done.map_err(raised),
                () = tokio::time::sleep(TICK) => Python::attach(|py| py.check_signals())?,
            }
        }
    };
    py.detach(|| {
        // A callback of the engine's own threads may come back with a question.
        if tokio::runtime::Handle::try_current().is_ok() {
            std::thread::scope(|threads| match threads.spawn(|| runtime.block_on(work)).join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        } else {
            runtime.block_on(work)
        }
    })
}
