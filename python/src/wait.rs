//! Waits for the engine: without the GIL, on one runtime per process, and so that Ctrl-C ends the wait.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tidemill::{RunWatch, WATCH};
use tokio::runtime::Runtime;

use crate::error::raised;
use crate::running;

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

/// What is told of long actions, in place of what was told before: it is called with the action's number and its stages (number, ended
/// tasks, all tasks, rows), and at the end with the number and None. What it raises ends the telling, and not the action.
#[pyfunction]
pub(crate) fn set_progress(listener: Option<Py<PyAny>>) {
    let before = std::mem::replace(&mut *LISTENER.lock().unwrap_or_else(PoisonError::into_inner), listener);
    // It may run Python when it goes: no lock is held here.
    drop(before);
}

static LISTENER: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

/// How long an action runs before anything is told of it.
const LONG: Duration = Duration::from_millis(500);

/// An action, which may be waited for in several goes: what is told of it is told of all.
pub(crate) struct Action {
    number: u64,
    watch: Arc<RunWatch>,
    began: Instant,
    told: AtomicBool,
}

impl Action {
    pub(crate) fn new() -> Self {
        static ACTIONS: AtomicU64 = AtomicU64::new(0);
        let number = ACTIONS.fetch_add(1, Ordering::Relaxed);
        Self { number, watch: Arc::default(), began: Instant::now(), told: AtomicBool::new(false) }
    }

    fn tell(&self, py: Python<'_>) {
        let stages: Vec<(usize, usize, usize, u64)> = match self.began.elapsed() {
            elapsed if elapsed >= LONG => self.watch.stages().iter().map(|s| (s.stage, s.done, s.tasks, s.rows)).collect(),
            _ => return,
        };
        // Before its stages run, it is planned.
        if !stages.is_empty() {
            self.told.store(true, Ordering::Relaxed);
            call(py, self.number, Some(stages));
        }
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        if *self.told.get_mut() {
            Python::try_attach(|py| call(py, self.number, None));
        }
    }
}

/// Calls into Python where an exception may be on its way already, as when an object goes while a frame is left: it stays on its way.
pub(crate) fn beside_an_exception(py: Python<'_>, call: impl FnOnce()) {
    let raised = PyErr::take(py);
    call();
    if let Some(raised) = raised {
        raised.restore(py);
    }
}

fn call(py: Python<'_>, action: u64, stages: Option<Vec<(usize, usize, usize, u64)>>) {
    beside_an_exception(py, || tell_listener(py, action, stages));
}

fn tell_listener(py: Python<'_>, action: u64, stages: Option<Vec<(usize, usize, usize, u64)>>) {
    let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|listener| listener.clone_ref(py));
    let Some(listener) = listener else { return };
    if let Err(error) = listener.call1(py, (action, stages)) {
        set_progress(None);
        error.write_unraisable(py, Some(listener.bind(py)));
    }
}

/// What the future of an action gives. The GIL is released meanwhile; Ctrl-C drops the future, which ends its query, and raises
/// `KeyboardInterrupt`.
pub(crate) fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = tidemill::Result<T>> + Send) -> PyResult<T> {
    wait_in(py, &Action::new(), future)
}

/// The same for one go of an action.
pub(crate) fn wait_in<T: Send>(py: Python<'_>, action: &Action, future: impl Future<Output = tidemill::Result<T>> + Send) -> PyResult<T> {
    let runtime = runtime()?;
    let watch = Arc::clone(&action.watch);
    let work = async {
        let future = WATCH.scope(watch, future);
        tokio::pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return done.map_err(raised),
                // When the interpreter ends there is nobody to tell, and the thread with it.
                () = tokio::time::sleep(TICK) => Python::try_attach(|py| {
                    action.tell(py);
                    py.check_signals()
                }).unwrap_or(Ok(()))?,
            }
        }
    };
    let done = py.detach(|| {
        // A callback of the engine's own threads may come back with a question.
        if tokio::runtime::Handle::try_current().is_ok() {
            std::thread::scope(|threads| match threads.spawn(|| runtime.block_on(work)).join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        } else {
            runtime.block_on(work)
        }
    });
    if done.is_err() {
        running::interrupt_cancelled(py);
    }
    done
}
