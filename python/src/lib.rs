//! The Python module `_tidemill`: sessions, DataFrames and columns of the Rust library as Python objects. Names, signatures and
//! checks in PySpark's manner are the Python package's, which is the only one that imports this.

mod arrow_rows;
mod arrow_stream;
mod catalog;
mod column;
mod data_type;
mod dataframe;
mod delta;
mod error;
mod functions;
mod handed;
mod literal;
mod row_lists;
mod rows;
mod running;
mod session;
mod streaming;
mod user_function;
mod wait;

// Many threads make and drop batches all the time, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The module.
#[pyo3::pymodule]
mod _tidemill {
    #[pymodule_export]
    use super::arrow_rows::PyArrowStream;
    #[pymodule_export]
    use super::catalog::PyCatalog;
    #[pymodule_export]
    use super::column::{PyColumn, PyWindow};
    #[pymodule_export]
    use super::data_type::{parse_data_type, parse_schema};
    #[pymodule_export]
    use super::dataframe::{PyDataFrame, PyGroups};
    #[pymodule_export]
    use super::delta::PyDeltaTable;
    #[pymodule_export]
    use super::functions::{call, functions, lambda, lambda_variable};
    #[pymodule_export]
    use super::handed::{PyArrowArray, PyArrowBatch, PyArrowBatches};
    #[pymodule_export]
    use super::row_lists::PyRowLists;
    #[pymodule_export]
    use super::running::end_functions;
    #[pymodule_export]
    use super::session::PySession;
    #[pymodule_export]
    use super::streaming::{PyProgress, PyStreamSink, PyStreamingQuery};
    #[pymodule_export]
    use super::user_function::{PyBatchesFunction, PyGroupFunction, PyUserFunction};
    #[pymodule_export]
    use super::wait::set_progress;

    /// Arms the failpoints that the environment names, in builds for fault tests alone, for as long as the process lives.
    #[pymodule_init]
    fn arm_failpoints() {
        #[cfg(feature = "failpoints")]
        std::mem::forget(fail::FailScenario::setup());
    }
}
