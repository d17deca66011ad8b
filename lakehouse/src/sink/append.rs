//! A sink that appends every epoch's rows to a Delta table. Large outputs are data files before the record, written while the rows are made
//! (`append_stage`); publishing moves them into the table and names them in one commit.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill_planner::seam::{Capability, Intake, PartitionStage, Publish, PublishedEpochs, Receipt, Sink, SinkQuery, SinkRun, SinkTarget};
use tidemill_planner::{Error, ErrorKind, Result};

use super::append_stage::{AppendStage, Meta, StagedFile};
use super::stage::from_stream;
use super::{Base, NOTHING, Opened, SinkOptions, any_rows, check_pinned, recorded_by_another};
use crate::commit::{Committed, txn_check_is_on};
use crate::io::blocking;
use crate::log::replay::local_path;
use crate::table::DeltaTable;
use crate::write::{Naming, Written, create_folders};

/// Appends each epoch to a Delta table, exactly once.
#[derive(Debug)]
pub struct DeltaAppendSink {
    base: Arc<Base>,
}

/// What a record says of how its rows get in, so that no merge takes them for its own.
const HOW: &str = "append";

impl DeltaAppendSink {
    /// A sink into the table at `location`; two sinks into one table need names to tell them apart.
    pub fn new(name: Option<String>, location: impl Into<String>, options: SinkOptions) -> Self {
        Self { base: Arc::new(Base::new(name, location, options)) }
    }

    /// The table, once the sink is open.
    pub fn table(&self) -> Option<&DeltaTable> {
        self.base.opened.get().map(|opened| &opened.table)
    }

    /// Puts staged files where the log is going to name them. One that an earlier attempt has moved is there already.
    async fn place(&self, opened: &Opened, files: Vec<StagedFile>) -> Result<Vec<Written>> {
        let (root, staging, durable) = (opened.table.root().to_path_buf(), opened.staging.clone(), self.base.options.table.durable);
        blocking(move || {
            files
                .into_iter()
                .map(|file| {
                    let (from, to) = (staging.path(&file.staged), local_path(&root, &file.add.path)?);
                    let folder = to.parent().unwrap_or(&root);
                    if folder != root {
                        create_folders(&root, folder, durable)?;
                    }
                    match fs::rename(&from, &to) {
                        Ok(()) => {}
                        Err(e) if e.kind() == IoKind::NotFound => match fs::metadata(&to) {
                            Ok(there) if there.len() as i64 == file.add.size => {}
                            _ => {
                                return Err(Error::data(format!(
                                    "staged file {} of a recorded epoch is gone; restore it, or start the query anew with a new checkpoint and new tables",
                                    from.display()
                                )));
                            }
                        },
                        Err(e) => return Err(Error::io_at(to.display(), e)),
                    }
                    Ok(Written { add: file.add, rows: file.rows })
                })
                .collect()
        })
        .await
    }
}

#[async_trait]
impl Sink for DeltaAppendSink {
    fn id(&self) -> &str {
        self.base.id()
    }

    fn description(&self) -> String {
        self.base.description("append to")
    }

    fn capability(&self) -> Capability {
        Capability::Staged
    }

    async fn target_is_there(&self) -> Result<bool> {
        self.base.target_is_there().await
    }

    async fn open(&self, schema: SchemaRef) -> Result<SinkTarget> {
        Ok(SinkTarget { how: Some(HOW.into()), ..self.base.open(schema).await? })
    }

    fn intake(&self) -> Intake {
        Intake::AsMade
    }

    fn begin(&self, run: &SinkRun, epoch: u64, partition: usize) -> Result<Box<dyn PartitionStage>> {
        Ok(Box::new(AppendStage::new(Arc::clone(&self.base), run.clone(), epoch, partition)?))
    }

    async fn stage(&self, run: &SinkRun, epoch: u64, partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt> {
        let mut stage = self.begin(run, epoch, partition)?;
        for batch in batches {
            stage.push(batch).await?;
        }
        stage.finish().await
    }

    async fn publish(&self, query: &SinkQuery, epoch: u64, target: &SinkTarget, receipts: &[Receipt]) -> Result<Publish> {
        if !any_rows(receipts) {
            return Ok(NOTHING);
        }
        let opened = self.base.opened()?;
        self.base.touch();
        let mut head = opened.table.head().await?;
        // A table that is not the pinned one has no say in what was published.
        check_pinned(&head, target)?;
        let txn = self.base.txn(query, epoch, &head)?;
        if DeltaTable::has_txn(&head, Some(&txn)) {
            return Ok(Publish::AlreadyPublished);
        }
        let another = || recorded_by_another(&self.base.location, epoch, "append");
        if target.how.as_ref().is_some_and(|how| how != HOW) {
            return Err(another());
        }
        let (mut staged, mut inline) = (Vec::new(), Vec::new());
        for receipt in receipts {
            let meta: Meta = serde_json::from_value(receipt.meta.clone()).map_err(|_| another())?;
            staged.extend(meta.files);
            if let Some(bytes) = &receipt.inline {
                inline.extend(from_stream(bytes)?);
            }
        }
        // The same names again write over what a cut-off attempt has left. They would also hide a missing txn check, because a
        // file that is added twice is there once: so a test that takes the check away takes them away as well.
        let naming = match txn_check_is_on() {
            true => self.base.naming(query, &format!("{epoch}\0inline")),
            false => Naming::Unique,
        };
        let mut files = opened.table.write_rows(&head, &inline, &naming).await?;
        files.extend(self.place(opened, staged).await?);
        fail::fail_point!("lakehouse::append.before_commit");
        loop {
            let attempt = files.iter().map(|f| Written { add: f.add.clone(), rows: f.rows }).collect();
            match opened.table.commit_append(&head, attempt, Some(txn.clone()), true).await {
                Ok(Committed::Done { .. }) => break,
                Ok(Committed::AlreadyDone) => return Ok(Publish::AlreadyPublished),
                // A change of properties alone does not concern the rows; one of columns or identity is refused here.
                Err(e) if e.kind() == ErrorKind::Conflict => {
                    head = opened.table.head().await?;
                    check_pinned(&head, target)?;
                }
                Err(e) => return Err(e),
            }
        }
        fail::fail_point!("lakehouse::append.after_commit");
        Ok(NOTHING)
    }

    async fn published(&self, query: &SinkQuery) -> Result<PublishedEpochs> {
        self.base.published(query).await
    }

    async fn settle(&self, query: &SinkQuery, epoch: u64) -> Result<()> {
        self.base.settle(query, epoch).await
    }

    async fn discard(&self, run: &SinkRun, from_epoch: u64) -> Result<()> {
        self.base.discard(run, from_epoch).await
    }
}
