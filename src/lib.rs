//! Spark's programming model over a lakehouse, in one process: sessions, DataFrames, SQL, tables and streams. This crate
//! is the only one that sees all parts; it plans, and leaves running, storing and recovering to them.

mod catalog;
mod column;
mod dataframe;
mod ddl;
pub mod functions;
mod io;
mod rows;
mod session;
mod spark;
mod sql;

pub use column::{Column, Operand};
pub use dataframe::{DataFrame, GroupedData};
pub use ddl::{parse_schema, parse_type};
pub use io::{DataFrameReader, Table};
pub use session::{Session, SessionBuilder};
pub use tidemill_planner::{Error, ErrorKind, Result};
