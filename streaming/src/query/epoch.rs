//! The epoch loop: see [`Phase`] for what it does in order. Everything durable goes through the chain; everything visible goes
//! out from a record.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tidemill_executor::pool::QueryHandle;
use tidemill_executor::run::{RunContext, RunReport, run_graph};
use tidemill_planner::seam::{Capability, EpochContext, Offset, Publish, ReadLimit, SinkRun, SinkTarget, StreamSource};
use tidemill_planner::{Error, Result, SourceId};

use super::handle::Shared;
use super::phase::{Phase, crash_point};
use super::report::{self, Measured, Published};
use super::{QueryOptions, QueryPlan, staging};
use crate::chain::Chain;
use crate::checkpoint::Checkpoint;
use crate::record::{Cut, Entry, EpochRecord, Promise, SinkManifest, SourceCut, Stop};
use crate::state::{Garbage, ImageFile, ImageOf, ImageWriter, QueryState, retain};
use crate::trigger::{Fire, Trigger, next_fire};
use crate::watermark::WatermarkTracker;

/// How long the loop waits at most before it looks whether it shall stop.
const LONGEST_WAIT_MS: i64 = 1_000;

/// A started query between epochs.
pub(super) struct EpochLoop {
    pub(super) plan: QueryPlan,
    pub(super) options: QueryOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) handle: QueryHandle,
    pub(super) checkpoint: Checkpoint,
    pub(super) chain: Chain,
    pub(super) run: SinkRun,
    pub(super) targets: Vec<SinkTarget>,
    pub(super) state: QueryState,
    pub(super) tracker: WatermarkTracker,
    pub(super) images: ImageWriter,
    pub(super) image_files: Vec<ImageFile>,
    pub(super) offsets: BTreeMap<SourceId, Offset>,
    pub(super) next_epoch: u64,
    pub(super) promised: Option<Cut>,
    pub(super) settled: Option<u64>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) last_epoch_began: Option<Instant>,
}

impl EpochLoop {
    /// Runs epochs until there will be no more, or the query is stopped.
    pub(super) async fn run(&mut self) -> Result<()> {
        self.clean_up().await;
        let mut stop = self.shared.stop.subscribe();
        let (mut last_look_ms, mut had_data, mut look_cost) = (None, false, Duration::ZERO);
        loop {
            if *stop.borrow() {
                break;
            }
            match next_fire(self.options.clock.now_ms(), last_look_ms, self.options.trigger, had_data) {
                Fire::Done => break,
                Fire::WaitUntil(until_ms) => {
                    self.enter(Phase::Wait);
                    let wait_ms = (until_ms - self.options.clock.now_ms()).clamp(0, LONGEST_WAIT_MS);
                    // A look that finds nothing may cost a listing of many files. Without an interval of the user's, looking takes a tenth
                    // of the time at most.
                    let rest = match self.options.trigger {
                        Trigger::ProcessingTime(0) => (look_cost * 9).min(Duration::from_millis(LONGEST_WAIT_MS as u64)),
                        _ => Duration::ZERO,
                    };
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(wait_ms as u64).max(rest)) => look_cost = Duration::ZERO,
                        _ = stop.changed() => {}
                    }
                }
                Fire::Now => {
                    last_look_ms = Some(self.options.clock.now_ms());
                    let look = Instant::now();
                    had_data = self.trigger().await?;
                    look_cost = if had_data { Duration::ZERO } else { look.elapsed() };
                }
            }
        }
        self.end().await
    }

    fn enter(&self, phase: Phase) {
        self.enter_of(self.next_epoch, phase);
    }

    /// An epoch that is recorded is no more the next one.
    fn enter_of(&self, epoch: u64, phase: Phase) {
        self.options.enter(epoch, phase);
    }

    /// One trigger: an epoch if there is something to do. Returns whether there was.
    async fn trigger(&mut self) -> Result<bool> {
        let started = Instant::now();
        self.enter(Phase::Discover);
        let Some(cut) = self.cut().await? else {
            self.shared.set_status("Waiting for data to arrive", false, false);
            self.shared.idle_looks.send_modify(|looks| *looks += 1);
            return Ok(false);
        };
        self.shared.set_status("Processing new data", true, true);
        let mut measured = Measured::new(started);
        measured.lap("discover");
        let epoch = cut.epoch;
        let ran = self.epoch(cut, &mut measured).await;
        // What a failed epoch staged is left for the next start to discard: only a start knows that nothing is recorded and that no
        // other run is at work.
        ran.map_err(|e| e.context(format!("epoch {epoch}")))?;
        self.shared.set_status("Waiting for next trigger", true, false);
        Ok(true)
    }

    /// What the next epoch reads, or `None` when there is nothing to do.
    async fn cut(&mut self) -> Result<Option<Cut>> {
        if let Some(promised) = self.promised.take() {
            return Ok(Some(promised));
        }
        let latest = self.plan.sources.iter().map(|source| source.latest(self.offsets.get(source.id()), ReadLimit::SourceDefault));
        let latest = try_join_all(latest).await?;
        let news = latest.iter().any(Option::is_some);
        let final_state = self.plan.acts_on_watermark && self.tracker.moved();
        if !news && !final_state {
            return Ok(None);
        }
        let sources = self
            .plan
            .sources
            .iter()
            .zip(latest)
            .map(|(source, to)| {
                let from = self.offsets.get(source.id()).cloned();
                SourceCut { id: source.id().clone(), to: to.or_else(|| from.clone()), from }
            })
            .collect();
        Ok(Some(Cut {
            epoch: self.next_epoch,
            timestamp_ms: self.options.clock.now_ms(),
            watermarks: self.tracker.next(),
            sources,
            settings: self.settings.clone(),
            table_versions: BTreeMap::new(),
        }))
    }

    async fn epoch(&mut self, cut: Cut, measured: &mut Measured) -> Result<()> {
        let epoch = cut.epoch;
        if self.plan.sinks.iter().any(|s| s.capability() == Capability::Direct) {
            self.enter(Phase::Promise);
            crash_point("streaming::promise");
            self.append(&Entry::Promise(Promise { run_id: self.shared.run_id.clone(), cut: cut.clone() })).await?;
            measured.lap("promise");
        }

        self.enter(Phase::Run);
        crash_point("streaming::run");
        let context = Arc::new(self.context(&cut)?);
        let roots = staging::root_rows(&self.plan, &self.run, epoch, self.options.max_held_bytes);
        let run = RunContext::new(Arc::clone(&self.plan.task_ctx)).with_epoch(context).with_roots(roots);
        let output = run_graph(&self.handle, &self.plan.graph, run).await?;
        let (roots, run_report) = (output.roots, output.report);
        measured.lap("run");

        self.enter(Phase::Stage);
        crash_point("streaming::stage");
        let manifests = staging::stage(&self.plan, &self.run, &self.targets, epoch, roots).await?;
        measured.lap("stage");

        self.enter(Phase::Record);
        crash_point("streaming::record");
        let before = self.tracker.clone();
        self.tracker.epoch_done(&run_report.event_time_max_us);
        let record = self.record(cut, &run_report, manifests)?;
        let changelog_bytes: u64 = record.state.iter().map(|s| s.block.len() as u64).sum();
        let entry = Entry::Epoch(record);
        let record_bytes = match self.append(&entry).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.tracker = before;
                return Err(error);
            }
        };
        let Entry::Epoch(record) = entry else { return Err(Error::internal("an epoch's entry is an epoch")) };
        self.next_epoch = epoch + 1;
        measured.lap("record");
        measured.durable();

        self.enter_of(epoch, Phase::Publish);
        crash_point("streaming::publish");
        let publishing = self.publish(&record);
        // State moves on while the sinks publish: the record is what both stand on.
        self.accept(&record, run_report.overlays)?;
        let published = publishing.await?;
        measured.lap("publish");
        measured.visible();

        self.enter_of(epoch, Phase::Settle);
        crash_point("streaming::settle");
        self.settle(&record, changelog_bytes).await?;
        measured.lap("settle");

        let event_time_max_us = run_report.event_time_max_us.values().copied().max();
        let run_report = report::RunFigures { metrics: run_report.metrics, side_rows: run_report.side_rows };
        let since_last_ms = self.last_epoch_began.replace(measured.started()).map(|last| (measured.started() - last).as_secs_f64() * 1e3);
        self.shared.push_progress(report::progress(&report::EpochFigures {
            plan: &self.plan,
            shared: &self.shared,
            record: &record,
            run: &run_report,
            state: &self.state,
            published: &published,
            record_bytes,
            since_last_ms,
            event_time_max_us,
            measured,
        }));
        Ok(())
    }

    /// The query's sources with their part of a cut, by identity: a cut that an earlier run promised may not know all of them.
    fn cut_sources<'a>(&'a self, cut: &'a Cut) -> impl Iterator<Item = (&'a Arc<dyn StreamSource>, &'a SourceCut)> {
        self.plan.sources.iter().filter_map(|source| Some((source, cut.sources.iter().find(|part| part.id == *source.id())?)))
    }

    fn context(&self, cut: &Cut) -> Result<EpochContext> {
        let mut slices = HashMap::new();
        for (source, cut) in self.cut_sources(cut) {
            if let Some(to) = cut.to.as_ref().filter(|to| cut.from.as_ref() != Some(*to)) {
                slices.insert(source.id().clone(), source.slice(cut.from.as_ref(), to)?);
            }
        }
        Ok(EpochContext {
            epoch: cut.epoch,
            timestamp_ms: cut.timestamp_ms,
            watermarks: cut.watermarks,
            key_groups: self.state.key_groups(),
            slices,
            states: self.state.lend(),
        })
    }

    fn record(&self, cut: Cut, run: &RunReport, sinks: Vec<SinkManifest>) -> Result<EpochRecord> {
        Ok(EpochRecord {
            run_id: self.shared.run_id.clone(),
            source_rows: run.source_rows.iter().map(|(id, rows)| (id.clone(), *rows)).collect(),
            next_watermarks: self.tracker.state().clone(),
            state: self.state.changes(&run.overlays)?,
            settled: self.settled,
            metrics: serde_json::json!({ "runMs": run.elapsed.as_secs_f64() * 1e3 }),
            sinks,
            cut,
        })
    }

    /// Appends an entry and returns its size.
    async fn append(&mut self, entry: &Entry) -> Result<u64> {
        let bytes = entry.encode()?;
        let size = bytes.len() as u64;
        self.chain.append_encoded(entry, bytes).await?;
        Ok(size)
    }

    /// Publishes to every sink that staged, side by side.
    fn publish(&self, record: &EpochRecord) -> impl Future<Output = Result<Vec<(String, Published)>>> + use<> {
        let epoch = record.epoch();
        let started = Instant::now();
        let mut publishing = tokio::task::JoinSet::new();
        for (sink, manifest) in self.plan.sinks.iter().zip(&record.sinks).filter(|(_, m)| m.staged) {
            let (sink, manifest, query) = (Arc::clone(sink), manifest.clone(), self.run.query.clone());
            publishing.spawn(async move {
                let published = sink
                    .publish(&query, epoch, &manifest.target, &manifest.receipts)
                    .await
                    .map_err(|e| e.context(format!("epoch {epoch} is recorded, but sink `{}` cannot publish it", manifest.sink)))?;
                let rows_updated = match published {
                    Publish::Published { rows_updated } => rows_updated,
                    // The epoch has just been recorded, for the first time: whoever published it is not this run.
                    Publish::AlreadyPublished => {
                        return Err(Error::conflict(format!(
                            "sink `{}` holds an epoch {epoch} that this run has not published: another run of this query has taken over, and this one is to leave it \
                             the field",
                            manifest.sink
                        )));
                    }
                };
                Ok::<_, Error>((manifest.sink.clone(), Published { rows_updated, visible: started.elapsed() }))
            });
        }
        async move {
            let mut done = Vec::new();
            while let Some(next) = publishing.join_next().await {
                done.push(next.map_err(|e| Error::internal(format!("publishing ended early: {e}")))??);
                crash_point("streaming::between_publishes");
            }
            Ok(done)
        }
    }

    /// Takes in what the epoch changed.
    fn accept(&mut self, record: &EpochRecord, overlays: crate::state::Overlays) -> Result<()> {
        self.state.accept(overlays, record.cut.watermarks.eviction_us);
        let mut offsets = Vec::new();
        for (source, cut) in self.cut_sources(&record.cut) {
            if let Some(to) = &cut.to {
                if cut.from.as_ref() != Some(to) {
                    source.recorded(to)?;
                }
                offsets.push((source.id().clone(), to.clone()));
            }
        }
        self.offsets.extend(offsets);
        Ok(())
    }

    /// Makes what was published durable, writes an image when one is due, and lets go of what no restart needs.
    async fn settle(&mut self, record: &EpochRecord, changelog_bytes: u64) -> Result<()> {
        let epoch = record.epoch();
        try_join_all(self.plan.sinks.iter().map(|sink| sink.settle(&self.run.query, epoch))).await?;
        for (source, cut) in self.cut_sources(&record.cut) {
            if let Some(to) = &cut.to {
                source.settled(to).await?;
            }
        }
        self.settled = Some(epoch);
        if self.images.due(changelog_bytes) {
            self.begin_image(epoch)?;
        }
        match self.images.poll().await {
            Ok(None) => {}
            Ok(Some(image)) => self.let_go(image).await,
            Err(error) => tracing::warn!("a state image could not be written, and will be tried again when the next is due: {error}"),
        }
        Ok(())
    }

    /// Begins to write an image of the state after `epoch`, the last one.
    fn begin_image(&mut self, epoch: u64) -> Result<()> {
        let mut sources = BTreeMap::new();
        for source in &self.plan.sources {
            if let Some(image) = source.image()? {
                sources.insert(source.id().clone(), image);
            }
        }
        let of = ImageOf { query_id: self.shared.id.clone(), run_id: self.shared.run_id.clone(), epoch };
        self.images.start(of, self.state.snapshot(), sources);
        Ok(())
    }

    /// Lets go of what an image has made superfluous. What cannot be removed now is superfluous still after the next image.
    async fn let_go(&mut self, image: ImageFile) {
        self.image_files.push(image);
        self.clean_up().await;
    }

    async fn clean_up(&mut self) {
        let garbage = retain(&self.image_files, self.chain.index(), self.settled, self.options.clock.now_ms(), &self.options.retention);
        if garbage.entries.is_empty() && garbage.images.is_empty() {
            return;
        }
        self.enter(Phase::CleanUp);
        if let Err(error) = self.remove(garbage).await {
            tracing::warn!("cleaning up the checkpoint failed, and is tried again after the next image or start: {error}");
        }
    }

    async fn remove(&mut self, garbage: Garbage) -> Result<()> {
        for entry in &garbage.entries {
            crash_point("streaming::clean_up");
            self.chain.remove(std::slice::from_ref(entry)).await?;
        }
        self.image_files.retain(|file| !garbage.images.contains(&file.path));
        let checkpoint = self.checkpoint.clone();
        let removed = tokio::task::spawn_blocking(move || {
            garbage.images.iter().try_for_each(|image| {
                crash_point("streaming::clean_up");
                checkpoint.remove_images(std::slice::from_ref(image))
            })
        });
        removed.await.map_err(|e| Error::internal(format!("cleaning up ended early: {e}")))?
    }

    /// An orderly end: the image being written is awaited, or one is written that spares the next start its replay; what the images
    /// cover goes, and the log says that the run is over.
    async fn end(&mut self) -> Result<()> {
        let mut image = self.images.wait().await;
        if let (Ok(None), Some(epoch), true) = (&image, self.settled, self.images.due_at_end()) {
            self.begin_image(epoch)?;
            image = self.images.wait().await;
        }
        match image {
            Ok(image) => self.image_files.extend(image),
            Err(error) => tracing::warn!("the last state image could not be written; the next start replays more records: {error}"),
        }
        self.clean_up().await;
        let stop = Stop { run_id: self.shared.run_id.clone(), stopped_ms: self.options.clock.now_ms(), settled: self.settled };
        self.append(&Entry::Stop(stop)).await?;
        Ok(())
    }
}
