//! One budget of memory for all that an engine's queries hold, and the folder of what does not fit. Who holds what is told by
//! [`crate::shuffle`] and by DataFusion's operators.

mod budget;
mod operators;
mod temp_files;

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnv;
use tidemill_planner::Result;

pub(crate) use budget::{MemoryBudget, Reservation, default_memory_bytes};
pub(crate) use operators::OperatorMemory;

use crate::shuffle::SpillDir;
pub(crate) use temp_files::Spills;
use temp_files::TempFiles;

/// What a run's operators run in: the session's, but for their memory, which is the engine's, and their files, which are the run's and
/// counted.
///
/// # Errors
/// Those of a disk manager that cannot be made.
pub(crate) fn runtime(
    session: &RuntimeEnv,
    memory: &Arc<OperatorMemory>,
    spill: &Arc<SpillDir>,
    spills: &Arc<Spills>,
) -> Result<Arc<RuntimeEnv>> {
    let files = Arc::new(TempFiles::within(Arc::clone(spill), Arc::clone(spills)));
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Custom(files)).with_max_temp_directory_size(u64::MAX).build()?;
    Ok(Arc::new(RuntimeEnv { memory_pool: Arc::clone(memory) as _, disk_manager: Arc::new(disk), ..session.clone() }))
}
