//! Spark's programming model over a lakehouse, in one process: sessions, DataFrames, SQL, tables and streams. This crate
//! is the only one that sees all parts; it plans, and leaves running, storing and recovering to them.

mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
mod column;
mod command;
mod dataframe;
mod ddl;
#[cfg(feature = "demo")]
pub mod demo;
pub mod functions;
mod held;
mod io;
mod open;
mod rows;
mod rules;
mod scan;
mod session;
mod sql;
mod stores;
mod stream;

pub use column::{Column, Operand, TypeName, Window, WindowSpec};
pub use command::{Catalog, DataFrameWriterV2};
pub use dataframe::{BatchStream, DataFrame, GroupedData, JoinOn, KeepIn, NaFunctions, Plan, RunProfile, StatFunctions};
pub use ddl::{parse_schema, parse_type};
pub use io::{DataFrameReader, DataFrameWriter, MergeBuilder, MergeClauses, Table};
pub use session::{ProgressHandlerId, QueryProgress, Session, SessionBuilder};
pub use stream::{DataStreamReader, DataStreamWriter, StreamSink, StreamingQueryBuilder, Trigger};
/// The query that a function of the program is called for.
pub use tidemill_executor::pool::CurrentQuery;
/// How far the batch queries of a task have come, for whoever shows it.
pub use tidemill_executor::run::{RunWatch, StageProgress, WATCH};
pub use tidemill_lakehouse::{HistoryEntry, MergeMetrics};
pub use tidemill_planner::logical::{BatchesFunction, GroupFn, GroupFunction, GroupOutput, GroupRows, GroupState, UserFunction};
pub use tidemill_planner::value::Value;
pub use tidemill_planner::{Error, ErrorKind, Result};
pub use tidemill_spark::plan;
pub use tidemill_spark::types::{SparkType, StructField};
pub use tidemill_streaming::progress::StreamingQueryProgress;
pub use tidemill_streaming::query::StreamingQuery;
pub use tidemill_streaming::sink::MemoryTable;

/// The README's examples, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
