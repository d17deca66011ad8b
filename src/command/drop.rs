//! DROP TABLE, DROP VIEW and TRUNCATE TABLE.

use tidemill_lakehouse::DeltaTable;
use tidemill_spark::error::error;
use tidemill_spark::plan::{ObjectKind, PartitionSpec, TableName};

use super::{Context, partition, rows};
use crate::ErrorKind;
use crate::catalog::{Entry, Found, Hold, shown};
use crate::dataframe::DataFrame;
use crate::scan::TableFiles;
use tidemill_planner::{Error, Result};

/// DROP TABLE and DROP VIEW.
pub(super) async fn drop(cx: &Context<'_>, name: &TableName, kind: ObjectKind, if_exists: bool) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let (found, _alone) = match cx.held(&parts, Hold::Alone).await {
        // Nobody can tell what a damaged record stands for; it goes either way.
        Err(damage) if damage.kind() == ErrorKind::Corrupt => {
            let id = cx.id(&parts)?;
            let _alone = cx.catalog().lock(&id, Hold::Alone).await?;
            cx.catalog().drop_entry(&id).await?;
            return rows::nothing(cx);
        }
        held => held?,
    };
    match found {
        // As in Spark, DROP TABLE takes a temporary view too.
        Found::Temp(_) => {
            cx.catalog().drop_temp_view(&parts, &cx.settings);
        }
        Found::Entry(entry) => match (*entry, kind) {
            (Entry::Table(_), ObjectKind::Table) | (Entry::View(_), ObjectKind::View) => cx.catalog().drop_entry(&cx.id(&parts)?).await?,
            (Entry::View(view), ObjectKind::Table) => {
                return Err(wrong("DROP TABLE", "TABLE", "EXTERNAL or MANAGED", &shown(&view.full_name()), "VIEW", "DROP VIEW"));
            }
            (Entry::Table(table), ObjectKind::View) => {
                return Err(wrong("DROP VIEW", "VIEW", "VIEW", &shown(&table.full_name()), "TABLE", "DROP TABLE"));
            }
        },
        Found::Missing if if_exists => {}
        Found::Missing => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
    }
    rows::nothing(cx)
}

fn wrong(operation: &str, needs: &str, required: &str, name: &str, is: &str, instead: &str) -> Error {
    error("WRONG_COMMAND_FOR_OBJECT_TYPE", format!("{operation} drops a {needs}, and {name} is a {is}: say {instead}"))
        .with_parameter("operation", operation)
        .with_parameter("requiredType", required)
        .with_parameter("objectName", name)
        .with_parameter("foundType", is)
        .with_parameter("alternative", instead)
}

/// TRUNCATE TABLE.
pub(super) async fn truncate(cx: &Context<'_>, name: &TableName, spec: Option<&PartitionSpec>) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let (table, _alone) = cx.table_held(&parts, "TRUNCATE TABLE", Hold::Alone).await?;
    if table.external {
        let message = format!(
            "{} is external, and its files are not the catalog's to remove: remove them, or drop the table",
            shown(&table.full_name())
        );
        return Err(error("CANNOT_TRUNCATE_EXTERNAL_TABLE", message));
    }
    if table.is_delta() {
        if spec.is_some() {
            return Err(error(
                "TRUNCATE_PARTITION_NOT_SUPPORTED",
                "TRUNCATE of one partition of a Delta table is not supported: overwrite the table",
            ));
        }
        DeltaTable::open(&table.location).await?.overwrite(Vec::new(), None).await?;
        return rows::nothing(cx);
    }
    let files = TableFiles::of(&table)?;
    let empty = empty_rows(cx, &table).await?;
    let replace = match spec {
        None => crate::io::Replace::ByMode,
        Some(spec) => {
            // As in Spark a part of a name may name nothing, and the whole of one may not.
            if partition::is_whole(cx, &table, spec) && partition::existing(cx, &table, &files, spec).await?.is_empty() {
                return Err(partition::not_found(cx, &table, spec).await);
            }
            crate::io::Replace::Of(partition::values(cx, &table, spec).await?)
        }
    };
    crate::io::save_table(&empty, &files, crate::io::Mode::Overwrite, replace).await?;
    rows::nothing(cx)
}

async fn empty_rows(cx: &Context<'_>, table: &crate::catalog::TableRecord) -> Result<DataFrame> {
    let fields = table.fields()?;
    let schema = arrow::datatypes::Schema::new(fields.iter().map(tidemill_spark::types::field_of).collect::<Vec<_>>());
    cx.session.create_dataframe(vec![arrow::array::RecordBatch::new_empty(std::sync::Arc::new(schema))])
}
