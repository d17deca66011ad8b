//! Where a new table's data goes: a folder that nobody else's rows are in.

use std::path::Path;

use tidemill_spark::error::error;

use super::Context;
use crate::catalog::{Owner, TableId, aside_of};
use tidemill_planner::{Error, Result};

/// The folder `wanted` for a managed table of that name, or one beside it where another table has its rows there.
///
/// # Errors
/// `LOCATION_ALREADY_EXISTS` for a folder that holds what is no table's.
pub(super) async fn vacant(cx: &Context<'_>, id: &TableId, wanted: String) -> Result<String> {
    let folder = Path::new(&wanted);
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(wanted),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(wanted),
        Err(error) if error.kind() != std::io::ErrorKind::NotADirectory => return Err(Error::io_at(&wanted, error)),
        _ => {}
    }
    if cx.catalog().owner_of(folder).await? != Owner::Nobody {
        return Ok(beside(&wanted));
    }
    let message =
        format!("the folder {wanted} of the new table {} holds something already: move it away, or choose another name", id.shown());
    let shown = format!("'{wanted}'");
    Err(error("LOCATION_ALREADY_EXISTS", message).with_parameter("location", shown).with_parameter("identifier", id.shown()))
}

/// A folder of a new name beside another one.
pub(super) fn beside(folder: &str) -> String {
    format!("{folder}-{}", uuid::Uuid::new_v4().simple())
}

/// The folder in which the data of a table is made before the table is there. Who next holds its name alone removes what is left over.
pub(super) async fn aside(cx: &Context<'_>, id: &TableId) -> Result<String> {
    let place = cx.catalog().table_folder(id).await?;
    let aside = place.with_file_name(format!("{}{}", aside_of(id), uuid::Uuid::new_v4().simple())).display().to_string();
    std::fs::create_dir_all(&aside).map_err(|e| Error::io_at(&aside, e))?;
    Ok(aside)
}
