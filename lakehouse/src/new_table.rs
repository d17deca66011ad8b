//! A table that is to come: its columns and properties are checked, and nothing of it is on the disk. Its data files come first, if it has
//! rows; then version 0 names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tidemill_planner::{Error, Result};

use crate::commit::conflict::Reads;
use crate::commit::{Attempt, Operation, Proposal, Txn};
use crate::core::Core;
use crate::io::blocking;
use crate::log::actions::{Add, Line, Metadata, Protocol};
use crate::log::dir::{LogDir, sync_dir};
use crate::log::replay::Index;
use crate::log::{features, properties};
use crate::options::TableOptions;
use crate::partition::Layout;
use crate::schema::{canonical, to_delta_json};
use crate::snapshot::Head;
use crate::table::{DeltaTable, local_root};

/// What version 0 of a table will say.
#[derive(Debug)]
pub(crate) struct NewTable {
    pub(crate) table: DeltaTable,
    /// What a writer has to know of the table.
    pub(crate) head: Arc<Head>,
    metadata: Arc<Metadata>,
    protocol: Protocol,
}

impl NewTable {
    /// A table at `location`; `None` where there is one.
    ///
    /// # Errors
    /// Those of [`DeltaTable::create`] that say what is wrong with columns and properties.
    pub(crate) async fn plan(location: &str, schema: &SchemaRef, options: TableOptions) -> Result<Option<Self>> {
        if DeltaTable::exists(location).await? {
            return Ok(None);
        }
        let root = local_root(location)?;
        let metadata = Arc::new(new_metadata(&canonical(schema)?, &options)?);
        let (index, protocol) = index_of_new(&metadata)?;
        let head = Arc::new(Head::try_new(&root, &index)?);
        let log = LogDir::of_table(&root);
        let table = DeltaTable { core: Arc::new(Core::new(root, log, options, index, None)) };
        Ok(Some(Self { table, head, metadata, protocol }))
    }

    /// The names of the columns that the table will be partitioned by, as JSON.
    pub(crate) fn partitions_as_json(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.metadata.partition_columns)?)
    }

    /// Makes the folders of the table, and says which were not there. With its log's folder there, no reader takes its data files for plain
    /// ones.
    pub(crate) async fn make_folders(&self) -> Result<Vec<PathBuf>> {
        let core = Arc::clone(&self.table.core);
        blocking(move || {
            let missing: Vec<PathBuf> = core.log.path().ancestors().take_while(|folder| !folder.exists()).map(Path::to_path_buf).collect();
            std::fs::create_dir_all(core.log.path()).map_err(|e| Error::io_at(core.log.path().display(), e))?;
            if core.options.durable {
                for folder in [Some(core.root.as_path()), core.root.parent()].into_iter().flatten() {
                    sync_dir(folder)?;
                }
            }
            Ok(missing)
        })
        .await
    }

    /// Commits the table with its first data files. `Attempt::AlreadyDone` where there is a table by now.
    pub(crate) async fn commit(&self, operation: Operation, adds: Vec<Add>, txn: Option<Txn>) -> Result<Attempt> {
        let proposal = Proposal {
            planned_at: None,
            protocol: Some(self.protocol.clone()),
            new_metadata: Some((*self.metadata).clone()),
            metadata: Arc::clone(&self.metadata),
            adds,
            removes: Vec::new(),
            reads: Reads::Nothing,
            txn,
            operation,
            settle_later: false,
        };
        self.table.core.commit(proposal).await
    }
}

/// What a log says that holds nothing but a new table's columns, and the protocol that they take.
pub(crate) fn index_of_new(metadata: &Metadata) -> Result<(Index, Protocol)> {
    let protocol = Protocol { min_reader_version: 1, min_writer_version: 2, ..Protocol::default() };
    let mut index = Index::empty(false);
    let line = Line { meta_data: Some(metadata.clone()), protocol: Some(protocol.clone()), ..Default::default() };
    index.apply(0, vec![line])?;
    features::check_writable(&index)?;
    Ok((index, protocol))
}

/// What a log says of a new table with these columns, which are in the types of durable boundaries.
pub(crate) fn new_metadata(schema: &SchemaRef, options: &TableOptions) -> Result<Metadata> {
    let mut partition_columns = Vec::new();
    for name in &options.partition_by {
        let field = schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let hint = tidemill_planner::ident::did_you_mean(name, schema.fields().iter().map(|f| f.name().as_str()));
            Error::analysis(format!("partition column `{name}` is not a column of the table{hint}"))
        })?;
        if partition_columns.contains(field.name()) {
            return Err(Error::analysis(format!("partition column `{name}` is given twice (case does not count); drop one")));
        }
        partition_columns.push(field.name().clone());
    }
    if partition_columns.len() == schema.fields().len() {
        return Err(Error::analysis("a table cannot be partitioned by all of its columns; leave one out"));
    }
    Layout::try_new(schema, &partition_columns)?;
    Ok(Metadata {
        id: uuid::Uuid::new_v4().to_string(),
        description: options.description.clone(),
        schema_string: to_delta_json(schema)?.to_string(),
        partition_columns,
        configuration: properties::checked(&options.properties)?,
        created_time: Some(options.clock.now_ms()),
        ..Metadata::default()
    })
}
