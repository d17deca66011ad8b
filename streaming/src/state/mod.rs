//! Keyed state: who keeps the tables that operators read, how accepted overlays become the next version, and how both reach
//! the disk. Operators see only `seam::state`; when to take an epoch or an image is the epoch loop's business.
//!
//! ```text
//!              lend                     overlay                changelog ─► epoch record
//! QueryState ────────► views ─► tasks ──────────► accept ──┤
//!     ▲                                                    └─► next version ─► snapshot ─► image file (background)
//!     └── StateLoader ◄── image + changelogs after it, at any parallelism
//! ```
//!
//! **Keys.** A state key's bytes are `[key group, u16 big-endian][the operator's own key bytes]`; the operator writes them. The
//! group is that of the row's *partition key*, which decided the task, so the table needs no hash to find the owner again.

mod changelog;
mod image;
mod image_writer;
mod partition;
mod query;
mod retention;
mod table;
#[cfg(test)]
mod tests;

pub use image::{Image, ImageEntry, ImageFile, ImageHeader, ImageOperator};
pub use image_writer::{ImageOf, ImagePolicy, ImageWriter};
pub use query::{Overlays, QueryState, StateChange, StateLoader, StateSnapshot};
pub use retention::{Garbage, Retention, retain};
