//! A write whose rows tasks are still making: begun for a table as it is, its data files written by the tasks while the rows come, and
//! ended by one commit that names the files of the attempts that were accepted. Rows in hand are `append`'s.
//!
//! ```text
//! begin ─► sink ─► task 0: part-00000-<attempt>-c00000.snappy.parquet, …-c00001…   ┐
//!                  task 1: …                                                       ├─► receipts ─► commit ─► Done
//!                  task 1, a second attempt: other names                           ┘                 └─────► TableChanged: begin anew
//! dropped or abandoned on the way: every file goes
//! ```

mod begun;
mod task;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use tidemill_executor::run::{Receipt, RowSink};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::append::{replace, write_operation};
use crate::attempt_files::Limits;
use crate::commit::{Attempt, Committed, Txn};
use crate::io::blocking;
use crate::log::actions::Metadata;
use crate::log::replay::local_path;
use crate::new_table::{NewTable, index_of_new, new_metadata};
use crate::options::TableOptions;
use crate::schema::{Alignment, canonical};
use crate::snapshot::Head;
use crate::table::DeltaTable;
use crate::write::Written;
use begun::Begun;
use task::{DataFileSink, Files};

/// A write that has begun. Dropping it takes away what its tasks have written.
#[derive(Debug)]
pub struct TableWrite {
    table: DeltaTable,
    /// What the data files are written for.
    head: Arc<Head>,
    kind: Kind,
    txn: Option<Txn>,
    begun: Arc<Begun>,
    /// Whether no commit may name the files.
    is_ours_alone: bool,
}

/// What becomes of the table.
#[derive(Debug)]
enum Kind {
    New(Box<NewTable>, &'static str),
    Append,
    Overwrite,
    Replacement(Box<Metadata>),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteEnd {
    /// Its rows are version `version` of the table.
    Done {
        /// The new version.
        version: u64,
    },
    /// The table holds this application's version, or a later one, already; nothing was written.
    AlreadyDone,
    /// The table is not the one any more that the files were written for, for this reason: nothing was written, and the rows may be written
    /// anew.
    TableChanged(String),
}

impl From<Committed> for WriteEnd {
    fn from(committed: Committed) -> Self {
        match committed {
            Committed::Done { version } => Self::Done { version },
            Committed::AlreadyDone => Self::AlreadyDone,
        }
    }
}

impl TableWrite {
    /// Rows that make a table at `location`, as its first version: nobody sees it empty, and whoever dies on the way leaves none. `mode` is
    /// Spark's name for how they were asked to be written (`ErrorIfExists`, `Append`, …): what the history says. `None` where there is a
    /// table.
    ///
    /// # Errors
    /// As [`DeltaTable::create`], but for a table that is there already.
    pub async fn create(
        location: &str,
        schema: &SchemaRef,
        mode: &'static str,
        txn: Option<Txn>,
        options: TableOptions,
    ) -> Result<Option<Self>> {
        let Some(new) = NewTable::plan(location, schema, options).await? else { return Ok(None) };
        let folders = new.make_folders().await?;
        let (table, head) = (new.table.clone(), Arc::clone(&new.head));
        Ok(Some(Self::new(table, head, Kind::New(Box::new(new), mode), txn, folders)))
    }

    /// Rows beside those of the table. `None` where the table holds the txn already.
    ///
    /// # Errors
    /// Those of [`DeltaTable::snapshot`].
    pub async fn append(table: &DeltaTable, txn: Option<Txn>) -> Result<Option<Self>> {
        Self::into_table(table, Kind::Append, txn).await
    }

    /// Rows in the place of those of the table. `None` where the table holds the txn already.
    ///
    /// # Errors
    /// Those of [`DeltaTable::snapshot`].
    pub async fn overwrite(table: &DeltaTable, txn: Option<Txn>) -> Result<Option<Self>> {
        Self::into_table(table, Kind::Overwrite, txn).await
    }

    async fn into_table(table: &DeltaTable, kind: Kind, txn: Option<Txn>) -> Result<Option<Self>> {
        let head = table.head().await?;
        table.check_writable()?;
        if DeltaTable::has_txn(&head, txn.as_ref()) {
            table.settle_txn(txn.as_ref()).await?;
            return Ok(None);
        }
        Ok(Some(Self::new(table.clone(), head, kind, txn, Vec::new())))
    }

    /// Rows that make the table anew, as its next version: with these columns and options, and these rows alone.
    ///
    /// # Errors
    /// As [`DeltaTable::replace`].
    pub async fn replace(table: &DeltaTable, schema: &SchemaRef, options: &TableOptions) -> Result<Self> {
        let metadata = new_metadata(&canonical(schema)?, options)?;
        table.check_writable()?;
        let head = Arc::new(Head::try_new(table.root(), &index_of_new(&metadata)?.0)?);
        Ok(Self::new(table.clone(), head, Kind::Replacement(Box::new(metadata)), None, Vec::new()))
    }

    fn new(table: DeltaTable, head: Arc<Head>, kind: Kind, txn: Option<Txn>, folders: Vec<PathBuf>) -> Self {
        let is_new = matches!(kind, Kind::New(..));
        let begun = Arc::new(Begun::new(table.root(), table.options().durable, is_new, folders));
        Self { table, head, kind, txn, begun, is_ours_alone: true }
    }

    /// Takes rows in these columns, task by task: they are matched to the table's by name and without regard to case, and checked as they
    /// come. A file has `rows_per_file` rows at most; 0 for any number.
    ///
    /// # Errors
    /// `Analysis` for columns that do not fit. A task's rows fail with `Data` for a null in a NOT NULL column.
    pub fn sink(&self, columns: &Schema, rows_per_file: usize) -> Result<Arc<dyn RowSink>> {
        let alignment = Alignment::try_new(format!("Delta table {}", self.table.root().display()), columns, self.head.schema())?;
        let rows_per_file = if rows_per_file == 0 { usize::MAX } else { rows_per_file };
        let limits = Limits { rows_per_file, ..Limits::of_files(self.table.options().target_file_bytes) };
        let (head, options, begun) = (Arc::clone(&self.head), self.table.file_options(), Arc::clone(&self.begun));
        Ok(Arc::new(DataFileSink::new(head, alignment, options, limits, begun)))
    }

    /// Makes one commit of the files of these attempts, which come in the order of the tasks; those of others go. Once the commit is on its
    /// way it goes to its end, whether anybody waits for it or not.
    ///
    /// # Errors
    /// `OutcomeUnknown` when the commit is there, or may be, and may not survive a power cut: the same write again is safe with a txn and
    /// may double the rows without. `Io` and its kin, and then nothing was written.
    pub async fn commit(self, receipts: Vec<Receipt>) -> Result<WriteEnd> {
        let mut files = Vec::new();
        for receipt in receipts {
            let written =
                receipt.downcast::<Files>().map_err(|_| Error::internal("a task of a write left what is no list of data files"))?;
            files.extend(*written);
        }
        fail::fail_point!("lakehouse::write.before_commit");
        match tokio::spawn(self.ended(files)).await {
            Ok(ended) => ended,
            Err(stopped) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
            Err(_) => Err(Error::cancelled("the runtime is shutting down")),
        }
    }

    /// Takes away what the tasks have written, and waits for that.
    pub async fn abandon(mut self) {
        let begun = Arc::clone(&self.begun);
        let removed = blocking(move || {
            begun.remove();
            Ok(())
        });
        match removed.await {
            Ok(()) => self.is_ours_alone = false,
            Err(error) => tracing::debug!(table = %self.table.root().display(), "what a write has left stays: {error}"),
        }
    }

    async fn ended(mut self, files: Vec<Written>) -> Result<WriteEnd> {
        let root = self.table.root();
        let kept = files.iter().map(|file| local_path(root, &file.add.path)).collect::<Result<HashSet<PathBuf>>>()?;
        let begun = Arc::clone(&self.begun);
        blocking(move || {
            begun.keep_only(&kept);
            Ok(())
        })
        .await?;
        // A commit that is on its way may name them, whatever becomes of this future.
        self.is_ours_alone = false;
        let ended = self.committed(files).await;
        let unnamed = match &ended {
            Ok(WriteEnd::Done { .. }) => false,
            Ok(WriteEnd::AlreadyDone | WriteEnd::TableChanged(_)) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::Internal),
        };
        if unnamed {
            self.abandon().await;
        }
        ended
    }

    async fn committed(&self, mut files: Vec<Written>) -> Result<WriteEnd> {
        let table = &self.table;
        let changed =
            || Ok(WriteEnd::TableChanged(format!("the columns of the Delta table {} have changed meanwhile", table.root().display())));
        match &self.kind {
            Kind::New(new, mode) => {
                // A write that came to nothing may have taken the folders away, which were empty.
                new.make_folders().await?;
                let operation = write_operation(mode, &files, &self.head)?;
                self.stamp(&mut files);
                match new.commit(operation, files.into_iter().map(|file| file.add).collect(), self.txn.clone()).await? {
                    Attempt::Done(version) => Ok(WriteEnd::Done { version }),
                    Attempt::AlreadyDone | Attempt::RunAgain(_) => {
                        Ok(WriteEnd::TableChanged(format!("there is a Delta table at {} by now", table.root().display())))
                    }
                }
            }
            Kind::Append => {
                self.stamp(&mut files);
                let mut head = Arc::clone(&self.head);
                loop {
                    match table.commit_append(&head, files.clone(), self.txn.clone(), false).await {
                        // A change of properties alone does not concern the rows.
                        Err(error) if error.kind() == ErrorKind::Conflict => {
                            head = table.head().await?;
                            if !head.takes_files_of(&self.head) {
                                return changed();
                            }
                        }
                        ended => return ended.map(Into::into),
                    }
                }
            }
            Kind::Overwrite => loop {
                let snapshot = table.snapshot().await?;
                if !snapshot.head().takes_files_of(&self.head) {
                    return changed();
                }
                self.stamp(&mut files);
                if let Some(committed) = table.commit_overwrite(&snapshot, &files, self.txn.clone()).await? {
                    return Ok(committed.into());
                }
            },
            Kind::Replacement(metadata) => {
                self.stamp(&mut files);
                let name = "CREATE OR REPLACE TABLE AS SELECT";
                replace(table, Metadata::clone(metadata), &files, name).await.map(Into::into)
            }
        }
    }

    /// All files of a write are of one time, so that a scan reads them in the order of their names.
    fn stamp(&self, files: &mut [Written]) {
        let now_ms = self.table.options().clock.now_ms();
        files.iter_mut().for_each(|file| file.add.modification_time = now_ms);
    }
}

impl Drop for TableWrite {
    fn drop(&mut self) {
        if !self.is_ours_alone {
            return;
        }
        let begun = Arc::clone(&self.begun);
        // A statement that is stopped ends on a thread that does not wait for disks.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || begun.remove())),
            Err(_) => begun.remove(),
        }
    }
}
