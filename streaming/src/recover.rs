//! What a restart does, decided from the log's entries, the images there are and what each sink has published: a pure function.
//! The epoch loop does it.
//!
//! ```text
//! log:   Start(a)  Epoch(0)  Epoch(1)  Epoch(2)  [Promise(3)]
//!                            └ settled: nothing to ask
//!                                      └ recorded; visible in sink x, not in y ─► publish 2 in y
//!                                                 └ to be run again with the same input
//! ```
//! An epoch without a record left nothing visible and is cut anew. Sinks publish in rising order and skip epochs without rows,
//! so what a sink says it has published covers all before it.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_planner::seam::{Capability, Offset, PublishedEpochs, SinkTarget, Watermarks};
use tidemill_planner::{Error, OperatorId, Result, SourceId};

use crate::record::{Cut, Entry, EpochRecord, OperatorInfo, Promise, SinkManifest, Start};
use crate::watermark::WatermarkState;

/// What the query that starts now is, and what its sinks say.
#[derive(Debug, Clone, Default)]
pub struct QueryNow {
    /// Its stateful operators.
    pub operators: Vec<OperatorInfo>,
    /// The settings that shape its results and that it was planned with.
    pub settings: BTreeMap<String, String>,
    /// Its sources.
    pub sources: Vec<SourceId>,
    /// Its sinks, by id.
    pub sinks: BTreeMap<String, SinkNow>,
    /// Sinks that the query has no more and whose unpublished output the user gives up.
    pub abandoned_sinks: BTreeSet<String>,
}

/// A sink of the query that starts now.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkNow {
    /// What [`Sink::description`](tidemill_planner::seam::Sink::description) returned: where it writes.
    pub description: String,
    /// What [`Sink::open`](tidemill_planner::seam::Sink::open) returned.
    pub target: SinkTarget,
    /// Whether it stages.
    pub capability: Capability,
    /// What [`Sink::published`](tidemill_planner::seam::Sink::published) returned.
    pub published: PublishedEpochs,
}

impl SinkNow {
    /// The last epoch of the query that is in the target, where its commits name the query, and where they do not.
    fn published(&self, commits_name_query: bool) -> Option<u64> {
        let unowned = self.published.unowned.filter(|_| !commits_name_query);
        self.published.by_query.max(unowned)
    }
}

/// What a start does before its first epoch.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// The checkpoint is new: choose a query id, begin at the sources' beginnings.
    Fresh,
    /// Take up where the last run left off.
    Resume(Box<Resume>),
}

/// How to take up where the last run left off: publish, load the state, run the promised epoch if there is one, go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Resume {
    /// The query's id.
    pub query_id: String,
    /// The checkpoint's number of key groups.
    pub key_groups: u16,
    /// The settings that hold for the life of the checkpoint, as the last run pinned them.
    pub settings: BTreeMap<String, String>,
    /// The last epoch with a record; `None` when there is none yet.
    pub last_epoch: Option<u64>,
    /// The epoch to run next.
    pub next_epoch: u64,
    /// Records that are not visible in every sink yet, rising.
    pub publish: Vec<Republish>,
    /// The input that the next epoch has been promised.
    pub promised: Option<Cut>,
    /// How far each source has been read.
    pub offsets: BTreeMap<SourceId, Offset>,
    /// The watermarks that the last epoch ran by.
    pub ran_by: Watermarks,
    /// The watermarks after it.
    pub watermarks: WatermarkState,
    /// The last epoch that is known to be settled in every sink.
    pub settled: Option<u64>,
}

/// A record to publish again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Republish {
    /// The epoch.
    pub epoch: u64,
    /// Its place among the entries that were given.
    pub entry: usize,
    /// The sinks in which it is not visible yet.
    pub sinks: Vec<String>,
    /// Whether the run that recorded it would publish it under the query's id.
    pub commits_name_query: bool,
}

/// Decides what a start does. `images` are the epochs of the images there are; `location` says where an entry is, for messages.
///
/// # Errors
/// `Corrupt` when the entries do not make a history; `Analysis` or `Data` when they are not this query's, or its sinks are not
/// where the history left them. The message names what does not fit, and the way out. Nothing has been changed then.
pub fn recover(entries: &[(u64, Entry)], images: &[u64], now: &QueryNow, location: &dyn Fn(u64) -> String) -> Result<Recovery> {
    let history = History::read(entries, location)?;
    let last_epoch = history.epochs.last().map(|(_, record)| record.epoch());
    check_images(images, last_epoch)?;
    check_published(&history, now)?;
    let Some(start) = history.starts.last() else { return Ok(Recovery::Fresh) };
    check_operators(&history, now)?;
    check_settings(start, now)?;
    check_sources(&history, now)?;
    check_targets(&history, now)?;
    let settled = history.settled;
    let publish = publish(&history, now)?;
    let last = history.epochs.last().map(|(_, record)| *record);
    Ok(Recovery::Resume(Box::new(Resume {
        query_id: start.query_id.clone(),
        key_groups: start.key_groups,
        settings: start.settings.clone(),
        last_epoch,
        next_epoch: last_epoch.map_or(0, |last| last + 1),
        publish,
        promised: history.promised.map(|promise| promise.cut.clone()),
        offsets: history.offsets(),
        ran_by: last.map_or(Watermarks::NONE, |record| record.cut.watermarks),
        watermarks: last.map_or(WatermarkState::NONE, |record| record.next_watermarks.clone()),
        settled,
    })))
}

/// Whether the entries follow from one another, as every start demands.
///
/// # Errors
/// `Corrupt`, naming the first entry that does not.
pub fn check_history(entries: &[(u64, Entry)], location: &dyn Fn(u64) -> String) -> Result<()> {
    History::read(entries, location).map(|_| ())
}

/// The images to try, newest first, and `None` for no image and all records: each with the retained records after it makes the
/// state of the last epoch.
///
/// # Errors
/// `Corrupt` when nothing does.
pub fn bases(images: &[u64], first_record: Option<u64>, last_epoch: Option<u64>) -> Result<Vec<Option<u64>>> {
    let Some(last) = last_epoch else { return Ok(vec![None]) };
    let first = first_record.unwrap_or(last);
    let mut bases: Vec<Option<u64>> = images.iter().filter(|image| **image + 1 >= first && **image <= last).map(|i| Some(*i)).collect();
    bases.sort_unstable();
    bases.dedup();
    bases.reverse();
    bases.extend((first == 0).then_some(None));
    if bases.is_empty() {
        return Err(Error::corrupt(format!(
            "the checkpoint's records begin with epoch {first}, and no state image reaches that far (there are images of epochs {images:?}); \
             restore the missing files, or start with a new checkpoint"
        )));
    }
    Ok(bases)
}

/// The entries, sorted by kind and checked to follow from one another.
struct History<'a> {
    starts: Vec<&'a Start>,
    /// With their place among the entries.
    epochs: Vec<(usize, &'a EpochRecord)>,
    promised: Option<&'a Promise>,
    settled: Option<u64>,
}

impl<'a> History<'a> {
    fn read(entries: &'a [(u64, Entry)], location: &dyn Fn(u64) -> String) -> Result<Self> {
        let mut history = Self { starts: Vec::new(), epochs: Vec::new(), promised: None, settled: None };
        for (at, (number, entry)) in entries.iter().enumerate() {
            if history.came_too_late(*number, entry, entries.get(at + 1)) {
                continue;
            }
            history.take(at, entry).map_err(|what| {
                Error::corrupt(format!("{}: {what}; restore the checkpoint's files, or start with a new checkpoint", location(*number)))
            })?;
        }
        Ok(history)
    }

    /// Whether a `Start` took a number that had been cleaned up long before: the run before it went on behind the gap, and whoever
    /// left it was told that it had lost.
    fn came_too_late(&self, number: u64, entry: &Entry, next: Option<&(u64, Entry)>) -> bool {
        let (Entry::Start(start), Some((next_number, next))) = (entry, next) else { return false };
        let goes_on = |running: &&Start| running.run_id == next.run_id() && running.run_id != start.run_id;
        !matches!(next, Entry::Start(_)) && *next_number > number + 1 && self.starts.last().is_some_and(goes_on)
    }

    fn take(&mut self, at: usize, entry: &'a Entry) -> Result<(), String> {
        if let Entry::Start(start) = entry {
            if let Some(first) = self.starts.first().filter(|first| first.query_id != start.query_id) {
                return Err(format!("is of query {}, and the entries before it of query {}", start.query_id, first.query_id));
            }
            if let Some(first) = self.starts.first().filter(|first| first.key_groups != start.key_groups) {
                return Err(format!("has {} key groups, and the entries before it {}", start.key_groups, first.key_groups));
            }
            self.starts.push(start);
            return Ok(());
        }
        let running = self.starts.last().map(|start| start.run_id.as_str());
        if running != Some(entry.run_id()) {
            return Err(format!("was written by run {}, while run {} was at work", entry.run_id(), running.unwrap_or("(none)")));
        }
        let next = self.epochs.last().map(|(_, record)| record.epoch() + 1);
        match entry {
            Entry::Start(_) => {}
            Entry::Promise(promise) => {
                let epoch = promise.cut.epoch;
                if next.is_some_and(|next| next != epoch) {
                    return Err(format!("promises epoch {epoch}, and epoch {} is next", next.unwrap_or_default()));
                }
                if self.promised.is_some_and(|before| before.cut != promise.cut) {
                    return Err(format!("promises epoch {epoch} other input than an entry before it"));
                }
                self.promised = Some(promise);
            }
            Entry::Epoch(record) => {
                let epoch = record.epoch();
                if next.is_some_and(|next| next != epoch) {
                    return Err(format!("holds epoch {epoch}, and epoch {} is next", next.unwrap_or_default()));
                }
                if self.promised.take().is_some_and(|promise| promise.cut != record.cut) {
                    return Err(format!("holds epoch {epoch} with other input than was promised"));
                }
                self.settled = self.settled.max(record.settled);
                self.epochs.push((at, record));
            }
            Entry::Stop(stop) => self.settled = self.settled.max(stop.settled),
        }
        Ok(())
    }

    /// The run that wrote the last record: its operators are those that have state.
    fn last_writer(&self) -> Option<&'a Start> {
        let (_, record) = self.epochs.last()?;
        self.starts.iter().rev().find(|start| start.run_id == record.run_id).copied()
    }

    /// Whether what `run_id` published carries the query's id.
    fn commits_name_query(&self, run_id: &str) -> bool {
        self.starts.iter().rev().any(|start| start.run_id == run_id && start.commits_name_query)
    }

    fn offsets(&self) -> BTreeMap<SourceId, Offset> {
        let cuts = self.epochs.iter().flat_map(|(_, record)| &record.cut.sources);
        cuts.filter_map(|cut| Some((cut.id.clone(), cut.to.clone()?))).collect()
    }

    /// What the newest record that names a sink says of it.
    fn manifests(&self) -> BTreeMap<&'a str, (&'a EpochRecord, &'a SinkManifest)> {
        self.epochs.iter().flat_map(|(_, record)| record.sinks.iter().map(|sink| (sink.sink.as_str(), (*record, sink)))).collect()
    }
}

fn check_images(images: &[u64], last_epoch: Option<u64>) -> Result<()> {
    match images.iter().max() {
        Some(image) if last_epoch.is_none_or(|last| *image > last) => Err(Error::corrupt(format!(
            "the checkpoint has a state image of epoch {image}, but {}; restore the log's missing files, or start with a new checkpoint",
            last_epoch.map_or("no record of any epoch".to_owned(), |last| format!("its last record is of epoch {last}"))
        ))),
        _ => Ok(()),
    }
}

/// Refuses a checkpoint that knows less than its targets do.
fn check_published(history: &History<'_>, now: &QueryNow) -> Result<()> {
    let last_epoch = history.epochs.last().map(|(_, record)| record.epoch());
    let promised = history.promised.map(|promise| promise.cut.epoch);
    let names_query = history.last_writer().is_some_and(|start| start.commits_name_query);
    for (id, sink) in &now.sinks {
        let reached = if sink.capability == Capability::Direct { promised.max(last_epoch) } else { last_epoch };
        let beyond = sink.published(names_query).filter(|published| reached.is_none_or(|reached| *published > reached));
        let former = sink.published.by_former.filter(|_| last_epoch.is_none());
        let ends = reached.map_or("has no record of any epoch".to_owned(), |reached| format!("ends with epoch {reached}"));
        let (published, danger) = match (beyond, former) {
            (Some(published), _) => (published, format!("the table would take the epochs up to {published} for ones it has")),
            (None, Some(published)) => (published, "what that query has read would be written once more".to_owned()),
            (None, None) => continue,
        };
        let who = if beyond.is_some() { "" } else { "of a query with this checkpoint directory, or with this sink's name, " };
        return Err(Error::analysis(format!(
            "{who}sink `{id}` has published epoch {published} to {}, but this checkpoint {ends}: it was deleted or replaced, and {danger}. \
             Restore the checkpoint. Or, if another query wrote that epoch, or all input is to be written once more, give the sink a name of its own",
            sink.target.id
        )));
    }
    Ok(())
}

fn check_operators(history: &History<'_>, now: &QueryNow) -> Result<()> {
    let Some(start) = history.last_writer() else { return Ok(()) };
    let mut missing = Vec::new();
    for old in &start.operators {
        match now.operators.iter().find(|new| new.id == old.id) {
            None => missing.push(format!("{} ({})", old.id, old.name)),
            Some(new) => {
                // A run of a release that did not say may have been followed by runs that recorded nothing and did.
                let later = || {
                    let after = history.starts.iter().skip_while(|later| later.run_id != start.run_id);
                    after
                        .flat_map(|later| &later.operators)
                        .filter(|operator| operator.id == old.id)
                        .find_map(|operator| operator.types.as_ref())
                };
                if let (Some(kept), Some(wanted)) = (old.types.as_ref().or_else(later), &new.types)
                    && !kept.same(wanted)
                {
                    return Err(Error::analysis(format!(
                        "operator `{}` ({}) has in state {kept}, and in the query now {wanted}: state is not read as another type. Cast the \
                         columns back to what they were, or start with a new checkpoint",
                        old.id, old.name
                    )));
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<&OperatorId> = start.operators.iter().map(|old| &old.id).collect();
    let new: Vec<String> = now.operators.iter().filter(|o| !known.contains(&o.id)).map(|o| format!("{} ({})", o.id, o.name)).collect();
    if !start.operators_by_program {
        return Err(Error::analysis(format!(
            "the checkpoint was written by an earlier release, {}, which named these operators in its own way, so that their state is not \
             found: {} (in the query now: {}). Let the query end with that release, once its input is read, and go on with a new checkpoint",
            start.tidemill_version,
            missing.join(", "),
            new.join(", ")
        )));
    }
    let new = if new.is_empty() { String::new() } else { format!(" (new in this query: {})", new.join(", ")) };
    Err(Error::analysis(format!(
        "the state of these operators would be lost, because the query no longer has them: {}{new}; \
         restore the query, or start with a new checkpoint",
        missing.join(", ")
    )))
}

/// Refuses a session whose settings would make other results of the rest of the input. A setting that the query takes from its
/// checkpoint is not among those of `now`.
fn check_settings(start: &Start, now: &QueryNow) -> Result<()> {
    for (name, value) in &now.settings {
        if let Some(pinned) = start.settings.get(name).filter(|pinned| *pinned != value) {
            return Err(Error::analysis(format!(
                "the query was begun with {name}={pinned}, and the session has {value}: results would change in the middle; set it back, or \
                 start with a new checkpoint"
            )));
        }
    }
    Ok(())
}

fn check_sources(history: &History<'_>, now: &QueryNow) -> Result<()> {
    let read = history.offsets();
    let promised = history.promised.iter().flat_map(|promise| promise.cut.sources.iter().map(|cut| &cut.id));
    let missing: BTreeSet<&SourceId> = read.keys().chain(promised).filter(|id| !now.sources.contains(*id)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = |ids: &mut dyn Iterator<Item = &SourceId>| ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    Err(Error::analysis(format!(
        "the checkpoint holds offsets of sources that the query no longer has: {} (it has {}); \
         restore the query, name its sources as they were, or start with a new checkpoint",
        names(&mut missing.into_iter()),
        names(&mut now.sources.iter())
    )))
}

fn check_targets(history: &History<'_>, now: &QueryNow) -> Result<()> {
    for (id, (record, manifest)) in history.manifests() {
        let Some(sink) = now.sinks.get(id) else { continue };
        if sink.target.id != manifest.target.id {
            return Err(Error::data(format!(
                "sink `{id}` wrote to {} until epoch {}, and would now write to {}: the table was dropped and made again, or the sink points \
                 elsewhere. Restore the table, or give the sink a new name (it gets the epochs from now on)",
                manifest.target.id,
                record.epoch(),
                sink.target.id
            )));
        }
    }
    // A sink without a name of its own is known by its table's id: a table made anew would look like another sink.
    let Some(start) = history.starts.last() else { return Ok(()) };
    let known = |id: &str| start.sinks.iter().any(|sink| sink.id == id);
    for old in start.sinks.iter().filter(|old| !now.sinks.contains_key(&old.id) && !now.abandoned_sinks.contains(&old.id)) {
        let same_place = now.sinks.iter().find(|(id, sink)| sink.description == old.description && !known(id));
        if let Some((id, sink)) = same_place {
            return Err(Error::data(format!(
                "{} holds another table than the one this query has written to: that was {}, this is {}. Restore the table; or abandon sink `{}`, \
                 and `{id}` gets the epochs from now on",
                sink.description, old.target.id, sink.target.id, old.id
            )));
        }
    }
    Ok(())
}

fn publish(history: &History<'_>, now: &QueryNow) -> Result<Vec<Republish>> {
    let mut steps = Vec::new();
    for (entry, record) in history.epochs.iter().filter(|(_, record)| history.settled.is_none_or(|settled| record.epoch() > settled)) {
        let epoch = record.epoch();
        let mut sinks = Vec::new();
        for manifest in record.sinks.iter().filter(|manifest| manifest.staged && manifest.rows() > 0) {
            match now.sinks.get(&manifest.sink) {
                Some(sink) if sink.published(history.commits_name_query(&record.run_id)).is_some_and(|published| published >= epoch) => {}
                Some(_) => sinks.push(manifest.sink.clone()),
                None if now.abandoned_sinks.contains(&manifest.sink) => {}
                None => {
                    return Err(Error::analysis(format!(
                        "{} rows of epoch {epoch} may not be published in sink `{}` ({}), which the query no longer has; start the query once \
                         more with it and stop it in order, or abandon the sink",
                        manifest.rows(),
                        manifest.sink,
                        manifest.target.id
                    )));
                }
            }
        }
        if !sinks.is_empty() {
            let commits_name_query = history.commits_name_query(&record.run_id);
            steps.push(Republish { epoch, entry: *entry, sinks, commits_name_query });
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests;
