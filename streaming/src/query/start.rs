//! Starting a query: open what it needs, decide what the last run left to do, take the query over, do it. The decision is
//! [`crate::recover`]'s.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidemill_executor::pool::Priority;
use tidemill_planner::logical::without_event_time;
use tidemill_planner::seam::{Capability, SinkQuery, SinkRun, SinkTarget};
use tidemill_planner::{Error, ErrorKind, Result};
use tokio::sync::watch;
use uuid::Uuid;

use super::epoch::EpochLoop;
use super::handle::{Ended, Shared, StreamingQuery};
use super::phase::{Phase, crash_point};
use super::{QueryOptions, QueryPlan};
use crate::chain::Chain;
use crate::checkpoint::{Checkpoint, Restored};
use crate::progress::{RecentProgress, StreamingQueryStatus};
use crate::record::{Entry, SinkInfo, SourceInfo, Start};
use crate::recover::{QueryNow, Recovery, Resume, SinkNow, recover};
use crate::state::{ImageFile, ImageWriter, QueryState};
use crate::watermark::{WatermarkPolicy, WatermarkTracker};

/// How often a start that finds another run at work looks again before it leaves it the field.
const START_ATTEMPTS: u32 = 50;

/// Starts `plan`: recovers from its checkpoint, publishes what is recorded and not yet visible, and runs epochs on the
/// engine's I/O runtime until it is stopped.
///
/// # Errors
/// `Analysis` when the checkpoint is of another query; `Data` when a sink's target is not the pinned one; `Corrupt` for a
/// damaged checkpoint; `Fenced` when another run is at work and was faster again and again. Nothing has been published then; an
/// earlier run that was still at work has lost the query where the state could not be loaded, and goes on where nothing could be
/// decided.
pub async fn start(plan: QueryPlan, options: QueryOptions) -> Result<StreamingQuery> {
    let engine = options.engine.clone();
    let io = engine.io().clone();
    let leftover = options.temporary.then(|| options.checkpoint.clone());
    let begun = io.spawn(begin(plan, options)).await;
    let (mut epochs, shared) = begun.map_err(|e| Error::internal(format!("the start of the query ended early: {e}")))??;
    let query = StreamingQuery { shared: Arc::clone(&shared) };
    io.spawn(async move {
        // The loop runs as a task of its own, so that a panic in it is an end of the query and not of the process.
        let ran = tokio::spawn(async move { epochs.run().await }).await;
        let end = match ran {
            Ok(Ok(())) => Ended::Stopped,
            Ok(Err(error)) => Ended::Failed(error.kind(), error.to_string()),
            Err(panic) => Ended::Failed(tidemill_planner::ErrorKind::Internal, format!("the epoch loop panicked: {panic}")),
        };
        shared.set_status(if matches!(end, Ended::Stopped) { "Stopped" } else { "Terminated with an error" }, false, false);
        if let Some(folder) = leftover
            && let Err(error) = tokio::fs::remove_dir_all(&folder).await
        {
            tracing::warn!("the query's temporary checkpoint {} was not removed: {error}", folder.display());
        }
        shared.ended.send_replace(Some(end));
        shared.end_progress();
        // The session may be gone by now, and the loop's engine with it: without this one, nobody would have been left to tell the end.
        drop(engine);
    });
    Ok(query)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("a blocking step ended early: {e}")))?
}

async fn begin(plan: QueryPlan, options: QueryOptions) -> Result<(EpochLoop, Arc<Shared>)> {
    if plan.sinks.len() != plan.graph.roots.len() {
        return Err(Error::internal("a query has one root per sink"));
    }
    let root = options.checkpoint.clone();
    let checkpoint = blocking(move || Checkpoint::open(root)).await?;
    let run_id = Uuid::new_v4().to_string();
    let TakenOver { chain, entries, images, targets, resume, start, place } = take_over(&plan, &options, &checkpoint, &run_id).await?;
    let Start { query_id, key_groups, settings, .. } = start;
    let run = SinkRun { query: SinkQuery { id: query_id.clone(), checkpoint: checkpoint.location(), unnamed: false }, place };

    let tasks: Vec<_> = plan.operators.iter().map(|o| (o.id.clone(), o.tasks)).collect();
    let policy = WatermarkPolicy::of(&settings)?;
    let mut tracker = WatermarkTracker::new(policy, plan.watermarks.iter().cloned());
    let restored = match &resume {
        Some(resume) => {
            options.enter(resume.next_epoch, Phase::Restore);
            crash_point("streaming::restore");
            tracker.restore(resume.ran_by, &resume.watermarks);
            let (checkpoint, entries, resume, tasks) = (checkpoint.clone(), entries.clone(), resume.clone(), tasks.clone());
            blocking(move || checkpoint.restore(&entries, &resume, &tasks)).await?
        }
        None => {
            let mut state = QueryState::new(key_groups);
            tasks.iter().for_each(|(id, tasks)| state.open(id, *tasks));
            Restored {
                state,
                sources: BTreeMap::new(),
                replayed_epochs: 0,
                replayed_bytes: 0,
                image_bytes: 0,
                damaged: Vec::new(),
                damaged_images: Vec::new(),
            }
        }
    };
    for damaged in &restored.damaged {
        tracing::warn!("passed over a damaged state image: {damaged}");
    }
    for source in &plan.sources {
        let restore = restored.sources.get(source.id()).cloned().unwrap_or_default();
        source.restore(restore.image.as_deref(), &restore.offsets)?;
    }
    if let Some(resume) = &resume {
        crash_point("streaming::restore");
        republish(&plan, &options, &entries, resume, &run.query).await?;
    }
    let next_epoch = resume.as_ref().map_or(0, |r| r.next_epoch);
    options.enter(next_epoch, Phase::Discard);
    for sink in &plan.sinks {
        crash_point("streaming::discard");
        sink.discard(&run, next_epoch).await?;
    }
    let settled = resume.as_ref().and_then(|r| r.last_epoch);
    if let Some(last) = settled {
        for sink in &plan.sinks {
            sink.settle(&run.query, last).await?;
        }
    }
    if options.trigger == crate::trigger::Trigger::AvailableNow {
        for source in &plan.sources {
            source.freeze().await?;
        }
    }
    let shared = Arc::new(Shared {
        id: query_id,
        run_id,
        name: options.name.clone(),
        stages: plan.graph.to_string(),
        status: Mutex::new(StreamingQueryStatus {
            message: "Waiting for data to arrive".to_owned(),
            is_data_available: false,
            is_trigger_active: false,
        }),
        recent: Mutex::new(RecentProgress::default()),
        stop: watch::Sender::new(false),
        idle_looks: watch::Sender::new(0),
        ended: watch::Sender::new(None),
        on_progress: Mutex::new(None),
    });
    let handle = options.engine.query(Priority::Streaming, options.name.clone().unwrap_or_else(|| shared.id.clone()));
    let epochs = EpochLoop {
        images: ImageWriter::new(
            checkpoint.images_dir(),
            options.images,
            (restored.replayed_epochs, restored.replayed_bytes),
            restored.image_bytes,
        ),
        image_files: images.into_iter().filter(|image| !restored.damaged_images.contains(&image.path)).collect(),
        handle,
        run,
        targets,
        chain,
        checkpoint,
        state: restored.state,
        tracker,
        offsets: resume.as_ref().map(|r| r.offsets.clone()).unwrap_or_default(),
        next_epoch,
        promised: resume.and_then(|r| r.promised),
        settled,
        settings,
        last_epoch_began: None,
        shared: Arc::clone(&shared),
        plan,
        options,
    };
    Ok((epochs, shared))
}

/// The log with our `Start` at its end, and what that start has to do.
struct TakenOver {
    chain: Chain,
    entries: Vec<(u64, Entry)>,
    images: Vec<ImageFile>,
    targets: Vec<SinkTarget>,
    resume: Option<Resume>,
    start: Start,
    /// The number of our `Start`.
    place: u64,
}

/// Decides what the last run left to do, and takes the query over from it: from then on every earlier run has lost.
///
/// An earlier run may be at work meanwhile. What was read of the log, the images and the sinks is then of different moments and may
/// look like damage: whatever is found wrong counts only when the log has not grown since.
async fn take_over(plan: &QueryPlan, options: &QueryOptions, checkpoint: &Checkpoint, run_id: &str) -> Result<TakenOver> {
    let (mut chain, mut entries) = open_chain(checkpoint).await?;
    refuse_lost_targets(plan, options, &entries).await?;
    let targets = open_sinks(plan).await?;
    let new_query_id = Uuid::new_v4().to_string();
    for attempt in 1.. {
        let query =
            SinkQuery { id: query_id(&entries).unwrap_or(&new_query_id).to_owned(), checkpoint: checkpoint.location(), unnamed: false };
        let decided = decide(plan, options, checkpoint, &chain, &entries, &targets, (&query, run_id)).await;
        let lost = match decided {
            Ok((images, resume, start)) => match chain.take_over(&Entry::Start(start.clone())).await {
                Ok(place) => return Ok(TakenOver { chain, entries, images, targets, resume, start, place }),
                Err(error) if error.kind() == ErrorKind::Fenced => error,
                Err(error) => return Err(error),
            },
            Err(error) => error,
        };
        match chain.catch_up(&mut entries).await {
            Ok(true) => {}
            Ok(false) => return Err(lost),
            // Another run has cleaned up what was about to be read.
            // What is damaged and not only cleaned up is found so again.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Corrupt) => {
                (chain, entries) = open_chain(checkpoint).await?
            }
            Err(error) => return Err(error),
        }
        if attempt == START_ATTEMPTS {
            return Err(Error::fenced(format!(
                "another run of this query is at work on {} and wrote to its log each of the {START_ATTEMPTS} times that run {run_id} tried to take over; \
                 stop the other run first, or leave it the field (the last time: {lost})",
                checkpoint.root().display()
            )));
        }
    }
    Err(Error::internal("a start gave up without saying why"))
}

/// Reads the log; a run at work may clean it up meanwhile.
async fn open_chain(checkpoint: &Checkpoint) -> Result<(Chain, Vec<(u64, Entry)>)> {
    let mut attempt = 1;
    loop {
        match Chain::open(checkpoint.log()).await {
            Err(error) if error.kind() == ErrorKind::Conflict && attempt < START_ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

/// The query whose log this is.
fn query_id(entries: &[(u64, Entry)]) -> Option<&str> {
    entries.iter().find_map(|(_, entry)| if let Entry::Start(start) = entry { Some(start.query_id.as_str()) } else { None })
}

/// What this start would do if the log ended here, with its `Start`.
async fn decide(
    plan: &QueryPlan,
    options: &QueryOptions,
    checkpoint: &Checkpoint,
    chain: &Chain,
    entries: &[(u64, Entry)],
    targets: &[SinkTarget],
    (query, run_id): (&SinkQuery, &str),
) -> Result<(Vec<ImageFile>, Option<Resume>, Start)> {
    let now = query_now(plan, options, targets, query).await?;
    let images = {
        let checkpoint = checkpoint.clone();
        blocking(move || checkpoint.images()).await?
    };
    let image_epochs: Vec<u64> = images.iter().map(|image| image.epoch).collect();
    let resume = match recover(entries, &image_epochs, &now, &|number| chain.location(number))? {
        Recovery::Fresh => None,
        Recovery::Resume(resume) => Some(*resume),
    };
    let sinks = plan.sinks.iter().zip(targets);
    let start = Start {
        run_id: run_id.to_owned(),
        query_id: query.id.clone(),
        query_name: options.name.clone(),
        follows: chain.last_record(),
        started_ms: options.clock.now_ms(),
        after_orderly_end: chain.has_ended_in_order(),
        commits_name_query: true,
        operators_by_program: true,
        tidemill_version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: pinned_settings(options, resume.as_ref()),
        key_groups: resume.as_ref().map_or(options.key_groups, |r| r.key_groups),
        operators: plan.operators.clone(),
        sources: plan.sources.iter().map(|s| SourceInfo { id: s.id().clone(), description: s.description() }).collect(),
        sinks: sinks
            .map(|(sink, target)| SinkInfo { id: sink.id().to_owned(), description: sink.description(), target: target.clone() })
            .collect(),
    };
    Ok((images, resume, start))
}

/// The settings of the checkpoint, as they were when it was made; one that an earlier release did not pin is the session's.
fn pinned_settings(options: &QueryOptions, resume: Option<&Resume>) -> BTreeMap<String, String> {
    let mut settings = options.settings.clone();
    settings.extend(resume.iter().flat_map(|resume| resume.settings.clone()));
    settings
}

/// Refuses a query whose target is gone, before opening the sink would make an empty one in its place.
async fn refuse_lost_targets(plan: &QueryPlan, options: &QueryOptions, entries: &[(u64, Entry)]) -> Result<()> {
    let last = entries.iter().rev().find_map(|(_, entry)| if let Entry::Start(start) = entry { Some(start) } else { None });
    let wrote = |id: &str| entries.iter().any(|(_, e)| matches!(e, Entry::Epoch(r) if r.sinks.iter().any(|s| s.sink == id)));
    for sink in &plan.sinks {
        let description = sink.description();
        let Some(old) = last.and_then(|last| last.sinks.iter().find(|old| old.description == description)) else { continue };
        if !options.abandoned_sinks.contains(&old.id) && wrote(&old.id) && !sink.target_is_there().await? {
            return Err(Error::data(format!(
                "{description} is gone, and this query has written to it (it was {}): restore it; or abandon sink `{}` with `abandon_sink` and give \
                 the new one another name, and it gets the epochs from now on",
                old.target.id, old.id
            )));
        }
    }
    Ok(())
}

async fn open_sinks(plan: &QueryPlan) -> Result<Vec<SinkTarget>> {
    let mut targets = Vec::with_capacity(plan.sinks.len());
    for (sink, root) in plan.sinks.iter().zip(&plan.graph.roots) {
        let schema = without_event_time(&plan.graph.stage(*root).plan.schema());
        targets.push(sink.open(schema).await?);
    }
    let mut ids: Vec<&str> = plan.sinks.iter().map(|s| s.id()).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::analysis(format!(
            "two sinks of the query have the id `{}`: give each a name of its own, since the second one's epochs would be taken for the first one's",
            pair[0]
        )));
    }
    Ok(targets)
}

async fn query_now(plan: &QueryPlan, options: &QueryOptions, targets: &[SinkTarget], query: &SinkQuery) -> Result<QueryNow> {
    let mut sinks = BTreeMap::new();
    for (sink, target) in plan.sinks.iter().zip(targets) {
        let now = SinkNow {
            description: sink.description(),
            target: target.clone(),
            capability: sink.capability(),
            published: sink.published(query).await?,
        };
        sinks.insert(sink.id().to_owned(), now);
    }
    Ok(QueryNow {
        operators: plan.operators.clone(),
        // The policy is read from the checkpoint, whatever the session has.
        settings: options
            .settings
            .iter()
            .filter(|(name, _)| *name != WatermarkPolicy::SETTING)
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
        sources: plan.sources.iter().map(|s| s.id().clone()).collect(),
        sinks,
        abandoned_sinks: options.abandoned_sinks.iter().cloned().collect(),
    })
}

/// Makes visible what is recorded and is not visible yet, epoch by epoch.
async fn republish(plan: &QueryPlan, options: &QueryOptions, entries: &[(u64, Entry)], resume: &Resume, query: &SinkQuery) -> Result<()> {
    for step in &resume.publish {
        let Some((_, Entry::Epoch(record))) = entries.get(step.entry) else {
            return Err(Error::internal("recovery named an entry that is no epoch"));
        };
        options.enter(step.epoch, Phase::Republish);
        let query = SinkQuery { unnamed: !step.commits_name_query, ..query.clone() };
        for manifest in record.sinks.iter().filter(|m| step.sinks.contains(&m.sink)) {
            let Some(sink) = plan.sinks.iter().find(|s| s.id() == manifest.sink && s.capability() == Capability::Staged) else { continue };
            crash_point("streaming::republish");
            sink.publish(&query, step.epoch, &manifest.target, &manifest.receipts)
                .await
                .map_err(|e| e.context(format!("publishing epoch {} again to sink `{}`", step.epoch, manifest.sink)))?;
        }
        crash_point("streaming::republish");
    }
    Ok(())
}
