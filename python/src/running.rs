//! The Python functions that engine threads run at this moment: they are told to end when nobody wants their results any more, and when
//! the interpreter ends, since CPython takes a thread away that comes back to it later.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use tidemill::CurrentQuery;

/// A function at work.
struct Running {
    name: String,
    /// Python's number of its thread.
    thread: u64,
    query: Option<CurrentQuery>,
}

static RUNNING: Mutex<BTreeMap<u64, Running>> = Mutex::new(BTreeMap::new());
static ENDING: AtomicBool = AtomicBool::new(false);

fn running() -> MutexGuard<'static, BTreeMap<u64, Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A function is on the list for as long as this lives, which is while its thread is attached to Python.
pub(crate) struct Entry(u64);

impl Drop for Entry {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

/// Puts a function on the list; `None` when Python ends, and it must not begin.
pub(crate) fn enter(py: Python<'_>, name: &str) -> PyResult<Option<Entry>> {
    static ENTERED: AtomicU64 = AtomicU64::new(0);
    let thread = py.import("threading")?.getattr("get_ident")?.call0()?.extract()?;
    let entry = Entry(ENTERED.fetch_add(1, Ordering::Relaxed));
    running().insert(entry.0, Running { name: name.to_owned(), thread, query: CurrentQuery::get() });
    // Whoever ends Python sets this first, and looks at the list then.
    Ok((!ENDING.load(Ordering::SeqCst)).then_some(entry))
}

/// Raises `KeyboardInterrupt` in the functions of queries that were cancelled. One that waits outside of Python hears it when it is back.
pub(crate) fn interrupt_cancelled(py: Python<'_>) {
    interrupt(py, |running| running.query.as_ref().is_some_and(CurrentQuery::is_cancelled));
}

fn interrupt(py: Python<'_>, which: impl Fn(&Running) -> bool) {
    let threads: Vec<u64> = running().values().filter(|running| which(running)).map(|running| running.thread).collect();
    if threads.is_empty() {
        return;
    }
    let raise = || -> PyResult<()> {
        let ctypes = py.import("ctypes")?;
        let set = ctypes.getattr("pythonapi")?.getattr("PyThreadState_SetAsyncExc")?;
        for thread in threads {
            let number = ctypes.getattr("c_ulong")?.call1((thread,))?;
            set.call1((number, ctypes.getattr("py_object")?.call1((py.get_type::<PyKeyboardInterrupt>(),))?))?;
        }
        Ok(())
    };
    // Where there is no ctypes, functions end by themselves.
    if let Err(error) = raise() {
        error.write_unraisable(py, None);
    }
}

/// Lets no further function begin, tells those at work to end, and waits for so many seconds at most; the names of those that have not
/// ended then.
#[pyfunction]
pub(crate) fn end_functions(py: Python<'_>, seconds: f64) -> Vec<String> {
    ENDING.store(true, Ordering::SeqCst);
    let until = Instant::now() + Duration::try_from_secs_f64(seconds).unwrap_or_default();
    loop {
        interrupt(py, |_| true);
        let names: Vec<String> = running().values().map(|running| running.name.clone()).collect();
        if names.is_empty() || Instant::now() >= until {
            return names;
        }
        py.detach(|| std::thread::sleep(Duration::from_millis(10)));
    }
}
