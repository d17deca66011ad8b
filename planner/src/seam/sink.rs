//! Where an epoch's rows go: staged before the record, published after it, at most once. It does not know the record.

use std::fmt::Debug;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a sink can promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Staged output is invisible until it is published, and publishing twice is publishing once.
    Staged,
    /// Output is visible as it is written, so the epoch is promised before it runs, and a replay may write it again.
    Direct,
}

/// How a sink is given an epoch's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// Task by task, while they are made ([`Sink::begin`]): nobody holds an epoch.
    AsMade,
    /// When all are made ([`Sink::stage`]). They are held until then, as many as a result may have.
    Held,
    /// Likewise, however many they are: what the sink stages has to be looked at as a whole.
    HeldWhole,
}

/// One partition's staged output. The receipt, stored in the record, is all that publishing needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// What the sink wrote down about it, in its own words.
    pub meta: serde_json::Value,
    /// Small outputs themselves, in the sink's own format.
    #[serde(skip)]
    pub inline: Option<Bytes>,
    /// Rows staged.
    pub rows: u64,
}

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// It is visible now.
    Published {
        /// Rows of the target that were changed in place (MERGE updates).
        rows_updated: u64,
    },
    /// It was visible already: an earlier attempt had got through.
    AlreadyPublished,
}

/// What a sink's target looked like when the query started, pinned in every record so that a target that was dropped or
/// altered meanwhile is an error, not a republish of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinkTarget {
    /// The target's own identity (a Delta table's id), or a fixed text where it has none.
    pub id: String,
    /// The target's columns and how it lays them out as JSON, in the sink's own words.
    pub schema: serde_json::Value,
    /// How rows get in, in the sink's own words, where there are several ways (a merge's keys and condition): what is recorded is
    /// published as the program that recorded it had it, whatever the program has that publishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<serde_json::Value>,
}

/// The query that writes through a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkQuery {
    /// Its id, the same for the life of its checkpoint: two queries never take each other's epochs for their own.
    pub id: String,
    /// Where its checkpoint is: by this a target tells a query that begins anew, its checkpoint lost, from a stranger.
    pub checkpoint: String,
    /// Whether it publishes for a run of a release whose commits did not name the query: under the sink's id alone, as that run would,
    /// which may still be about to.
    pub unnamed: bool,
}

/// What a target remembers of the epochs that a sink published to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishedEpochs {
    /// The last one of this query.
    pub by_query: Option<u64>,
    /// The last one under the sink's id alone, of whatever query: releases before commits carried the query's id left it.
    pub unowned: Option<u64>,
    /// The last known one of another query, which had this one's checkpoint directory, or this sink's name from its user.
    pub by_former: Option<u64>,
}

/// A run of a query, which has taken the query over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRun {
    /// The query.
    pub query: SinkQuery,
    /// The run's place in the query's log, the number of its first entry: of two runs the later one has the greater.
    pub place: u64,
}

/// Takes the rows of one partition from one attempt at the task that makes them. Dropping it ends the attempt.
#[async_trait]
pub trait PartitionStage: Send {
    /// Takes rows; they come in the order in which the task makes them.
    ///
    /// # Errors
    /// As [`Sink::stage`]: the attempt fails with it, and may be made again.
    async fn push(&mut self, rows: RecordBatch) -> Result<()>;

    /// All rows have been given: what is staged survives a power cut now.
    ///
    /// # Errors
    /// Those of [`PartitionStage::push`].
    async fn finish(self: Box<Self>) -> Result<Receipt>;
}

/// A place that epochs are published to.
///
/// # Contract
/// * `stage` makes nothing visible, and refuses whatever would make `publish` fail for a deterministic reason
///   (constraints, schema, two source rows for one key) with `Data` or `Analysis`; so does what `begin` gives;
/// * of what is staged only that counts whose receipt is published: several attempts may be begun for a partition, at once or one after
///   the other, and what others than the recorded one have left goes by `settle`, or by `discard`;
/// * `publish` with the receipts of epoch `e` is idempotent for its query: after one success it returns `AlreadyPublished` for ever,
///   in any process, and never because of what another query has published; publishing in rising epoch order is the caller's duty;
/// * what `publish` made visible survives a power cut once `settle` has returned;
/// * `discard` removes what runs before this one have staged and no record names, and nothing else: a later run may be at work by
///   then, and other queries may write to the same target;
/// * a target whose identity or columns are not the pinned ones is `Data` with a message that names the table.
#[async_trait]
pub trait Sink: Debug + Send + Sync {
    /// The user's name for the sink, else derived from the target's identity: never its position or path.
    fn id(&self) -> &str;

    /// Spark's `sink.description`.
    fn description(&self) -> String;

    /// Whether outputs can be staged.
    fn capability(&self) -> Capability;

    /// Whether there is a target already; asked before [`open`](Self::open), which would make one. A sink that keeps nothing says yes.
    async fn target_is_there(&self) -> Result<bool> {
        Ok(true)
    }

    /// Opens (or creates) the target for rows of `schema`; called once, before the first epoch.
    async fn open(&self, schema: SchemaRef) -> Result<SinkTarget>;

    /// How it is given rows.
    fn intake(&self) -> Intake {
        Intake::Held
    }

    /// Begins an attempt at staging one partition of an epoch while its rows are made: what a sink that takes them so is asked for in
    /// place of [`stage`](Self::stage).
    fn begin(&self, _run: &SinkRun, _epoch: u64, _partition: usize) -> Result<Box<dyn PartitionStage>> {
        Err(Error::internal(format!("sink `{}` takes a partition's rows when all are made", self.id())))
    }

    /// Takes one partition of an epoch's rows and stages it. A `Direct` sink writes here.
    async fn stage(&self, run: &SinkRun, epoch: u64, partition: usize, batches: Vec<RecordBatch>) -> Result<Receipt>;

    /// Makes the staged output of `epoch` visible, once. What a `Direct` sink wrote is visible already: it leaves this out, and what
    /// follows.
    async fn publish(&self, _query: &SinkQuery, _epoch: u64, _target: &SinkTarget, _receipts: &[Receipt]) -> Result<Publish> {
        match self.capability() {
            Capability::Direct => Ok(Publish::AlreadyPublished),
            Capability::Staged => Err(Error::internal(format!("sink `{}` stages and does not say how it publishes", self.id()))),
        }
    }

    /// The last epochs that are visible in the target, as far as the target itself remembers.
    async fn published(&self, _query: &SinkQuery) -> Result<PublishedEpochs> {
        Ok(PublishedEpochs::default())
    }

    /// Makes everything published up to `epoch` durable; the record may be let go after it.
    async fn settle(&self, _query: &SinkQuery, _epoch: u64) -> Result<()> {
        Ok(())
    }

    /// Removes what runs before `run` have staged for epochs from `from_epoch` on, the first one without a record.
    async fn discard(&self, _run: &SinkRun, _from_epoch: u64) -> Result<()> {
        Ok(())
    }
}
