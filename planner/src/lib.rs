//! Plans and decisions: identifiers, keys, logical nodes, legality, the stage cut and the connector seam.
//! It reads no data, starts no threads, and leaves running to `tidemill-executor`.
//!
//! ```text
//! DataFrame ─► logical plan ─► name operators ─► optimize ─► physical plan ─► split into stages
//!              (logical/)      (operator_id)     (DataFusion)  (DataFusion)    (stage/)
//! ```

pub mod catalog_string;
pub mod config;
mod error;
pub mod float;
pub mod ident;
pub mod interval;
pub mod key;
pub mod legality;
pub mod logical;
pub mod operator_id;
pub mod options;
pub mod scan;
pub mod seam;
pub mod stage;
pub mod value;

pub use error::{Condition, Error, ErrorKind, Result};
pub use ident::{OperatorId, SourceId};
