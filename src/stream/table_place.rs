//! Where the table of a stream's sink is: a path says so itself, a name asks the catalog, which makes the table if it is not there.

use tidemill_spark::parse::{ParseOptions, parse_multipart_identifier};
use tidemill_spark::types::from_field;

use crate::catalog::{Entry, Found};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, ErrorKind, Result};

/// The folder of the table `name` for the rows of `frame`: `name` itself when it is a path (it has a `/`), the path of `delta.`path``,
/// else that of the catalog's table, which is made for these columns if there is none.
///
/// # Errors
/// `Analysis` for a name that is none, or stands for what is no Delta table; those of CREATE TABLE.
pub(super) async fn table_place(frame: &DataFrame, name: &str, partition_by: &[String]) -> Result<String> {
    let session = frame.session();
    let settings = session.spark_settings();
    let parts = match parse_multipart_identifier(name, &ParseOptions::new(&settings)?) {
        Ok(parts) => parts,
        Err(_) if is_path(name) => return Ok(name.to_owned()),
        Err(error) => return Err(error),
    };
    if let [format, path] = parts.as_slice()
        && format.eq_ignore_ascii_case("delta")
        && is_path(path)
    {
        return Ok(path.clone());
    }
    for is_made in [false, true] {
        match session.objects().find(&parts, &settings).await? {
            Found::Entry(entry) => match *entry {
                Entry::Table(table) if table.is_delta() => return Ok(table.location),
                Entry::Table(_) => {
                    return Err(Error::unsupported(format!(
                        "a stream writes to Delta tables, and `{name}` is none: make it with USING delta"
                    )));
                }
                Entry::View(_) => return Err(Error::analysis(format!("`{name}` is a view: a stream writes to a table"))),
            },
            Found::Temp(_) => return Err(Error::analysis(format!("`{name}` is a temporary view: a stream writes to a table"))),
            Found::Missing if is_made => break,
            Found::Missing => {
                let schema = frame.schema()?;
                let fields: Vec<_> = schema.fields().iter().map(|field| from_field(field)).collect();
                session.catalog().create_table_of(name, "delta", fields, partition_by, None).await?;
            }
        }
    }
    Err(Error::new(ErrorKind::Conflict, format!("the table `{name}` was dropped while the query began: start it again")))
}

fn is_path(name: &str) -> bool {
    name.contains(['/', std::path::MAIN_SEPARATOR])
}
