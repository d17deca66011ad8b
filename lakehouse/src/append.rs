//! Append, overwrite and replace: data files become one commit, and rows in hand become data files. Rows that tasks are still making are
//! `table_write`'s, MERGE lives next door, and what a table is made with in `new_table`.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tidemill_planner::Result;

use crate::commit::conflict::Reads;
use crate::commit::{Attempt, Committed, Operation, Proposal, Txn, txn_check_is_on};
use crate::io::blocking;
use crate::log::actions::Metadata;
use crate::new_table::index_of_new;
use crate::schema::Alignment;
use crate::snapshot::{Head, Snapshot};
use crate::table::DeltaTable;
use crate::write::{FileOptions, Naming, Written, plan_parts, remove_unnamed, write_parts};

impl DeltaTable {
    pub(crate) fn file_options(&self) -> FileOptions {
        FileOptions { codec: self.core.options.codec, distinct: Vec::new(), durable: self.core.options.durable }
    }

    /// Rows in the table's columns.
    pub(crate) fn align(&self, head: &Head, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let mut aligned = Vec::with_capacity(batches.len());
        let mut alignment: Option<(arrow::datatypes::SchemaRef, Alignment)> = None;
        for batch in batches {
            let schema = batch.schema();
            if alignment.as_ref().is_none_or(|(known, _)| *known != schema) {
                let what = format!("Delta table {}", self.root().display());
                alignment = Some((Arc::clone(&schema), Alignment::try_new(what, &schema, head.schema())?));
            }
            if let Some((_, alignment)) = &alignment
                && batch.num_rows() > 0
            {
                aligned.push(alignment.apply(batch)?);
            }
        }
        Ok(aligned)
    }

    /// Whether the table holds this txn already.
    pub(crate) fn has_txn(head: &Head, txn: Option<&Txn>) -> bool {
        txn_check_is_on() && txn.is_some_and(|txn| head.txn_version(&txn.app_id).is_some_and(|version| version >= txn.version))
    }

    /// Makes sure of a txn that the table holds already: the attempt that brought it in may have ended before its sync.
    pub(crate) async fn settle_txn(&self, txn: Option<&Txn>) -> Result<()> {
        let (core, txn) = (Arc::clone(&self.core), txn.cloned());
        blocking(move || core.settle(None, txn.as_ref())).await
    }

    /// Writes rows as data files.
    pub(crate) async fn write_rows(&self, head: &Head, batches: &[RecordBatch], naming: &Naming) -> Result<Vec<Written>> {
        let parts = plan_parts(&head.layout, batches, self.core.options.target_file_bytes)?;
        write_parts(self.root(), &head.layout, parts, naming, &self.file_options(), self.core.options.clock.now_ms()).await
    }

    /// Commits data files as an append.
    pub(crate) async fn commit_append(&self, head: &Head, files: Vec<Written>, txn: Option<Txn>, settle_later: bool) -> Result<Committed> {
        let proposal = Proposal {
            planned_at: Some(head.version),
            protocol: None,
            new_metadata: None,
            metadata: Arc::clone(&head.metadata),
            operation: write_operation("Append", &files, head)?,
            adds: files.into_iter().map(|f| f.add).collect(),
            removes: Vec::new(),
            reads: Reads::Nothing,
            txn,
            settle_later,
        };
        match self.core.commit(proposal).await? {
            Attempt::Done(version) => Ok(Committed::Done { version }),
            Attempt::AlreadyDone => Ok(Committed::AlreadyDone),
            Attempt::RunAgain(why) => {
                Err(tidemill_planner::Error::conflict(format!("{}: {why}; run the append again", self.root().display())))
            }
        }
    }
}

/// What a write says in the history; `mode` is Spark's name for how it was asked for.
pub(crate) fn write_operation(mode: &str, files: &[Written], head: &Head) -> Result<Operation> {
    Ok(Operation {
        name: "WRITE",
        parameters: vec![("mode", mode.to_owned()), ("partitionBy", serde_json::to_string(&head.metadata.partition_columns)?)],
        metrics: vec![
            ("numFiles", files.len() as u64),
            ("numOutputRows", files.iter().map(|f| f.rows).sum()),
            ("numOutputBytes", files.iter().map(|f| f.add.size.max(0) as u64).sum()),
        ],
    })
}

pub(crate) async fn append(table: &DeltaTable, batches: Vec<RecordBatch>, txn: Option<Txn>) -> Result<Committed> {
    let head = table.head().await?;
    if DeltaTable::has_txn(&head, txn.as_ref()) {
        table.settle_txn(txn.as_ref()).await?;
        return Ok(Committed::AlreadyDone);
    }
    let rows = table.align(&head, &batches)?;
    let files = table.write_rows(&head, &rows, &Naming::Unique).await?;
    fail::fail_point!("lakehouse::write.before_commit");
    table.commit_append(&head, files, txn, false).await
}

pub(crate) async fn overwrite(table: &DeltaTable, batches: Vec<RecordBatch>, txn: Option<Txn>) -> Result<Committed> {
    loop {
        let mut snapshot = table.snapshot().await?;
        let head = Arc::clone(snapshot.head());
        if DeltaTable::has_txn(&head, txn.as_ref()) {
            table.settle_txn(txn.as_ref()).await?;
            return Ok(Committed::AlreadyDone);
        }
        let rows = table.align(&head, &batches)?;
        let files = table.write_rows(&head, &rows, &Naming::Unique).await?;
        // Once the table has other columns, the files are not for it.
        while snapshot.head().takes_files_of(&head) {
            if let Some(committed) = table.commit_overwrite(&snapshot, &files, txn.clone()).await? {
                return Ok(committed);
            }
            snapshot = table.snapshot().await?;
        }
        remove_unnamed(table.root(), files.iter().map(|file| &file.add));
    }
}

impl DeltaTable {
    /// Commits data files in the place of all that a snapshot has; `None` when others have changed the table since.
    pub(crate) async fn commit_overwrite(&self, snapshot: &Snapshot, files: &[Written], txn: Option<Txn>) -> Result<Option<Committed>> {
        let proposal = Proposal {
            planned_at: Some(snapshot.version()),
            protocol: None,
            new_metadata: None,
            metadata: Arc::clone(&snapshot.head().metadata),
            operation: write_operation("Overwrite", files, snapshot.head())?,
            adds: files.iter().map(|f| f.add.clone()).collect(),
            removes: snapshot.files().to_vec(),
            reads: Reads::Everything,
            txn,
            settle_later: false,
        };
        match self.core.commit(proposal).await? {
            Attempt::Done(version) => Ok(Some(Committed::Done { version })),
            Attempt::AlreadyDone => Ok(Some(Committed::AlreadyDone)),
            // The new rows stay; what they replace is looked up again.
            Attempt::RunAgain(why) => {
                tracing::debug!(table = %self.root().display(), why, "the overwrite is planned again");
                Ok(None)
            }
        }
    }
}

/// Gives a table other columns, and data files in them in the place of all others. `name` is what the history says.
pub(crate) async fn replace(table: &DeltaTable, mut metadata: Metadata, files: &[Written], name: &'static str) -> Result<Committed> {
    loop {
        let snapshot = table.snapshot().await?;
        table.check_writable()?;
        // It is the same table to its readers.
        metadata.id.clone_from(&snapshot.head().metadata.id);
        let head = Head::try_new(table.root(), &index_of_new(&metadata)?.0)?;
        let proposal = Proposal {
            planned_at: Some(snapshot.version()),
            protocol: None,
            new_metadata: Some(metadata.clone()),
            metadata: Arc::clone(&snapshot.head().metadata),
            operation: Operation { name, ..write_operation("Overwrite", files, &head)? },
            adds: files.iter().map(|f| f.add.clone()).collect(),
            removes: snapshot.files().to_vec(),
            reads: Reads::Everything,
            txn: None,
            settle_later: false,
        };
        match table.core.commit(proposal).await? {
            Attempt::Done(version) => return Ok(Committed::Done { version }),
            Attempt::AlreadyDone => return Ok(Committed::AlreadyDone),
            Attempt::RunAgain(why) => tracing::debug!(table = %table.root().display(), why, "the replacement is planned again"),
        }
    }
}
