//! A query's log as a chain: entries follow one another without a hole, and only the run that started last can add one. What the
//! entries mean for a restart is [`crate::recover`]'s business.
//!
//! ```text
//! Start(a) Epoch(0) Epoch(1) │ Start(b) Epoch(2) …          run a, stopped and woken, tries to write here ▲ and loses
//! ```
//!
//! Every run begins with `Start`, so the number that an earlier run would write next is taken even while the new run is idle.
//! A `Start` that fences a run without an end outlives the records around it, and runs that found nothing to do are cleaned up (see
//! [`crate::state::retain`]): before the first record that is left, and before a `Start` that says which record it follows, numbers may
//! therefore be missing.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tidemill_planner::seam::{DurableLog, PutOutcome};
use tidemill_planner::{Error, ErrorKind, Result};

use crate::progress::timestamp;
use crate::record::Entry;

/// How many entries are read at a time.
const READS: usize = 32;

/// How often an entry is put before the run gives up.
const PUT_ATTEMPTS: u32 = 3;

/// An entry in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// Its number in the log.
    pub number: u64,
    /// The run that wrote it.
    pub run_id: String,
    /// Its size.
    pub bytes: u64,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A run's first.
    Start {
        /// When the run began.
        started_ms: i64,
        /// Whether a run before it may still be at work, and finds its number taken by this entry.
        fences: bool,
    },
    /// A promise of an epoch.
    Promise {
        /// Its number.
        epoch: u64,
    },
    /// An epoch's record.
    Epoch {
        /// Its number.
        epoch: u64,
    },
    /// A run's last.
    Stop,
}

impl EntryInfo {
    fn of(number: u64, entry: &Entry, bytes: u64) -> Self {
        let kind = match entry {
            Entry::Start(start) => EntryKind::Start { started_ms: start.started_ms, fences: !start.after_orderly_end },
            Entry::Promise(promise) => EntryKind::Promise { epoch: promise.cut.epoch },
            Entry::Epoch(record) => EntryKind::Epoch { epoch: record.epoch() },
            Entry::Stop(_) => EntryKind::Stop,
        };
        Self { number, run_id: entry.run_id().to_owned(), bytes, kind }
    }
}

/// A query's log, to append to.
#[derive(Debug)]
pub struct Chain {
    log: Arc<dyn DurableLog>,
    next: u64,
    index: Vec<EntryInfo>,
}

impl Chain {
    /// Reads all entries. It writes nothing: [`append`](Self::append) a `Start` to take the query over.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when an entry is damaged or missing; `Conflict` when another run removes entries meanwhile.
    pub async fn open(log: Arc<dyn DurableLog>) -> Result<(Self, Vec<(u64, Entry)>)> {
        let mut chain = Self { log, next: 0, index: Vec::new() };
        let mut entries = Vec::new();
        chain.catch_up(&mut entries).await?;
        Ok((chain, entries))
    }

    /// Reads what other runs have added since, to the end of `entries`; whether they have added anything.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn catch_up(&mut self, entries: &mut Vec<(u64, Entry)>) -> Result<bool> {
        let numbers = self.log.list_from(self.next).await?;
        let read = |number| {
            let log = Arc::clone(&self.log);
            async move {
                let location = log.location(number);
                let bytes = log.read(number).await?.ok_or_else(|| {
                    Error::conflict(format!(
                        "{location}: went away while it was read: another run of this query is at work; stop it, or try again"
                    ))
                })?;
                Ok::<_, Error>((number, Entry::decode(&bytes, &location)?, bytes.len() as u64))
            }
        };
        let news: Vec<(u64, Entry, u64)> = futures::stream::iter(numbers).map(read).buffered(READS).try_collect().await?;
        let any = !news.is_empty();
        for (number, entry, bytes) in news {
            self.index.push(EntryInfo::of(number, &entry, bytes));
            self.next = number + 1;
            entries.push((number, entry));
        }
        match first_hole(entries) {
            None => Ok(any),
            Some(missing) => Err(Error::corrupt(format!(
                "{}: is missing, though later entries are there; restore the file, or go back to an earlier checkpoint",
                self.log.location(missing)
            ))),
        }
    }

    /// Adds an entry and returns its number; it is durable then. Where storage fails it is put again, which also finds out what became
    /// of a put whose outcome is unknown.
    ///
    /// # Errors
    /// `Fenced`, naming the other run, when another run has added one; nothing was written then. `Io` when storage failed and nothing
    /// was written; `OutcomeUnknown` when the entry may be there or not: the next start finds out.
    pub async fn append(&mut self, entry: &Entry) -> Result<u64> {
        self.append_encoded(entry, entry.encode()?).await
    }

    /// [`append`](Self::append) for a caller that has the entry's bytes already, and counts them.
    ///
    /// # Errors
    /// Those of [`append`](Self::append).
    pub async fn append_encoded(&mut self, entry: &Entry, bytes: Bytes) -> Result<u64> {
        let number = self.next;
        self.put(entry, number, &bytes).await?;
        self.index.push(EntryInfo::of(number, entry, bytes.len() as u64));
        self.next += 1;
        Ok(number)
    }

    async fn put(&self, entry: &Entry, number: u64, bytes: &Bytes) -> Result<()> {
        let mut unknown = None;
        let mut attempt = 1;
        loop {
            let error = match self.put_once(entry, number, bytes).await {
                Ok(()) => return Ok(()),
                // The number is another entry's, so none of our attempts has got through.
                Err(error) if matches!(error.kind(), ErrorKind::Fenced | ErrorKind::Conflict | ErrorKind::Corrupt) => return Err(error),
                Err(error) => error,
            };
            let again = attempt < PUT_ATTEMPTS && (error.is_transient() || error.kind() == ErrorKind::OutcomeUnknown);
            if again {
                tracing::warn!("attempt {attempt} to write the log failed: {error}");
            }
            // An attempt that came to nothing has not found out what became of those before it.
            let error = unknown.take().unwrap_or(error);
            let is_unknown = error.kind() == ErrorKind::OutcomeUnknown;
            if !again {
                let run = entry.run_id();
                let what = format!("run {run} does not know whether its entry is in the log; start the query again, which finds out");
                return Err(if is_unknown { error.context(what) } else { error });
            }
            unknown = is_unknown.then_some(error);
            attempt += 1;
        }
    }

    async fn put_once(&self, entry: &Entry, number: u64, bytes: &Bytes) -> Result<()> {
        if self.log.put_new(number, bytes.clone()).await? == PutOutcome::Created {
            return Ok(());
        }
        // An earlier attempt of ours may have got through although its answer was lost.
        let there = self.log.read(number).await?;
        if there.as_ref() == Some(bytes) { Ok(()) } else { Err(self.taken(entry, number, there)) }
    }

    /// Takes the query over with a `Start`, as the last entry of all, and returns its number.
    ///
    /// A number that this run found free may have been taken, and let go again with a run that found nothing to do, while this one was
    /// on its way to it: then later entries are there, and the `Start` fences nobody.
    ///
    /// # Errors
    /// Those of [`append`](Self::append), `Fenced` also when later entries are there; `entry` is taken away again then.
    pub async fn take_over(&mut self, entry: &Entry) -> Result<u64> {
        let number = self.append(entry).await?;
        match self.log.list_from(self.next).await?.first() {
            None => Ok(number),
            Some(later) => {
                // Left there, it would stand before entries of a run that never lost.
                self.log.remove(number).await?;
                self.index.pop();
                Err(Error::fenced(format!(
                    "run {} came too late to take this query over ({}): {} is there already; start it again",
                    entry.run_id(),
                    self.log.location(number),
                    self.log.location(*later)
                )))
            }
        }
    }

    fn taken(&self, ours: &Entry, number: u64, there: Option<Bytes>) -> Error {
        let location = self.log.location(number);
        let us = ours.run_id();
        let other = match there.map(|bytes| Entry::decode(&bytes, &location)) {
            Some(Ok(entry)) => entry,
            Some(Err(damaged)) => return damaged,
            None => {
                return Error::fenced(format!(
                    "another run of this query has taken over from run {us} and cleaned {location} up; this run stops"
                ));
            }
        };
        if other.run_id() == us {
            return Error::conflict(format!(
                "{location}: an earlier attempt of this run ({us}) had written another entry there; start the query again, it goes on from that entry"
            ));
        }
        let since = match &other {
            Entry::Start(start) => format!(", started {}", timestamp(start.started_ms)),
            _ => String::new(),
        };
        Error::fenced(format!(
            "run {}{since}, has taken this query over ({location}); run {us} stops here and has published nothing of the epoch it was in. \
             Leave the field to the other run, or stop it before starting the query again",
            other.run_id()
        ))
    }

    /// The number of the last record or promise.
    pub fn last_record(&self) -> Option<u64> {
        let is_record = |info: &&EntryInfo| matches!(info.kind, EntryKind::Epoch { .. } | EntryKind::Promise { .. });
        self.index.iter().rev().find(is_record).map(|info| info.number)
    }

    /// Whether the last run has ended in order, or there was none: nobody who read this far is at work.
    pub fn has_ended_in_order(&self) -> bool {
        self.index.last().is_none_or(|last| last.kind == EntryKind::Stop)
    }

    /// The entries that are in the log, in short, rising.
    pub fn index(&self) -> &[EntryInfo] {
        &self.index
    }

    /// Removes entries in the order given, which is such that what is left after a crash is still a chain (see
    /// [`crate::state::retain`]).
    ///
    /// # Errors
    /// `Io` when storage failed; some of the entries may be gone then, which harms nothing.
    pub async fn remove(&mut self, numbers: &[u64]) -> Result<()> {
        for number in numbers {
            self.log.remove(*number).await?;
            self.index.retain(|info| info.number != *number);
        }
        Ok(())
    }

    /// Where an entry is, for messages.
    pub fn location(&self, number: u64) -> String {
        self.log.location(number)
    }
}

/// The first number that is missing after the first entry that is no `Start`, unless a later `Start` says that no record was there.
pub(crate) fn first_hole(entries: &[(u64, Entry)]) -> Option<u64> {
    let from = entries.iter().position(|(_, entry)| !matches!(entry, Entry::Start(_)))?;
    let is_hole = |before: u64, (number, entry): &(u64, Entry)| match entry {
        _ if *number == before + 1 => false,
        Entry::Start(start) => start.follows.is_some_and(|last_record| last_record > before),
        _ => true,
    };
    entries[from..].windows(2).find(|pair| is_hole(pair[0].0, &pair[1])).map(|pair| pair[0].0 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Stop;
    use crate::record::testing::{epoch, start, start_after};
    use async_trait::async_trait;
    use futures::executor::block_on;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tidemill_planner::seam::MemoryLog;

    fn log() -> Arc<dyn DurableLog> {
        Arc::new(MemoryLog::default())
    }

    fn open(log: &Arc<dyn DurableLog>) -> (Chain, Vec<(u64, Entry)>) {
        block_on(Chain::open(Arc::clone(log))).unwrap()
    }

    #[test]
    fn a_zombie_loses_to_an_idle_run() {
        let log = log();
        let (mut zombie, _) = open(&log);
        block_on(zombie.append(&start("a"))).unwrap();
        block_on(zombie.append(&epoch("a", 0))).unwrap();
        // The zombie has staged epoch 1 and stands still; the other run starts and does nothing.
        let (mut other, entries) = open(&log);
        assert_eq!(entries.len(), 2);
        block_on(other.append(&start("b"))).unwrap();
        let error = block_on(zombie.append(&epoch("a", 1))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
        expect_test::expect!["run b, started 2025-11-20T08:15:30.123Z, has taken this query over (memory:2); run a stops here and has published nothing of the epoch it was in. Leave the field to the other run, or stop it before starting the query again"].assert_eq(error.message());
        block_on(other.append(&epoch("b", 1))).unwrap();
        assert_eq!(open(&log).1.iter().map(|(_, e)| e.run_id().to_owned()).collect::<Vec<_>>(), ["a", "a", "b", "b"]);
    }

    #[test]
    fn a_zombie_loses_to_a_run_that_has_cleaned_up_around_its_start() {
        let log = log();
        let (mut zombie, _) = open(&log);
        block_on(zombie.append(&start("a"))).unwrap();
        let (mut other, _) = open(&log);
        block_on(other.append(&start("b"))).unwrap();
        (0..9).for_each(|n| assert!(block_on(other.append(&epoch("b", n))).is_ok()));
        block_on(other.remove(&[2, 3, 4, 5])).unwrap();
        assert_eq!(block_on(zombie.append(&epoch("a", 0))).unwrap_err().kind(), ErrorKind::Fenced);
        let (chain, entries) = open(&log);
        assert_eq!(entries.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 6, 7, 8, 9, 10]);
        assert_eq!(chain.index().len(), 7);
    }

    #[test]
    fn of_two_runs_that_start_at_once_one_wins() {
        let log = log();
        let ((mut one, _), (mut two, _)) = (open(&log), open(&log));
        block_on(one.append(&start("a"))).unwrap();
        let error = block_on(two.append(&start("b"))).unwrap_err();
        assert!(error.message().starts_with("run a, started 2025-11-20T08:15:30.123Z, has taken this query over (memory:0)"), "{error}");
    }

    #[test]
    fn the_same_entry_again_is_found_and_another_is_refused() {
        let log = log();
        let (mut chain, _) = open(&log);
        block_on(chain.append(&start("a"))).unwrap();
        // The answer to this put was lost.
        block_on(log.put_new(1, epoch("a", 0).encode().unwrap())).unwrap();
        let (mut twin, _) = (Chain { log: Arc::clone(&log), next: 1, index: Vec::new() }, ());
        assert_eq!(block_on(chain.append(&epoch("a", 0))).unwrap(), 1);
        let error = block_on(twin.append(&Entry::Stop(Stop { run_id: "a".into(), stopped_ms: 0, settled: None }))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains("start the query again"), "{error}");
    }

    /// What becomes of a put.
    #[derive(Debug, Clone, Copy)]
    enum Fault {
        /// It gets through, and its answer is lost.
        Unknown,
        /// It does not get through.
        Io,
        /// It does not get through, and will not.
        Full,
    }
    use Fault::{Full, Io, Unknown};

    /// A log whose next puts have these faults.
    #[derive(Debug)]
    struct Faulty {
        log: MemoryLog,
        faults: Mutex<VecDeque<Fault>>,
    }

    #[async_trait]
    impl DurableLog for Faulty {
        async fn put_new(&self, number: u64, bytes: Bytes) -> Result<PutOutcome> {
            let fault = self.faults.lock().unwrap().pop_front();
            match fault {
                None => self.log.put_new(number, bytes).await,
                Some(Unknown) => {
                    self.log.put_new(number, bytes).await?;
                    Err(Error::outcome_unknown("its answer was lost"))
                }
                Some(Io) => Err(Error::io("the disk is tired")),
                Some(Full) => Err(Error::resources("the disk is full")),
            }
        }

        async fn read(&self, number: u64) -> Result<Option<Bytes>> {
            self.log.read(number).await
        }

        async fn list_from(&self, from: u64) -> Result<Vec<u64>> {
            self.log.list_from(from).await
        }

        async fn remove(&self, number: u64) -> Result<()> {
            self.log.remove(number).await
        }

        fn location(&self, number: u64) -> String {
            self.log.location(number)
        }
    }

    #[test]
    fn a_put_is_tried_again_and_what_is_unknown_stays_unknown_until_it_is_found_out() {
        // The faults of the puts, what the writer is told, and whether the entry is there.
        let cases: [(&[Fault], Option<ErrorKind>, bool); 10] = [
            (&[], None, true),
            (&[Unknown], None, true),
            (&[Io, Io], None, true),
            (&[Io, Unknown], None, true),
            (&[Unknown, Io], None, true),
            (&[Io, Io, Io], Some(ErrorKind::Io), false),
            (&[Full], Some(ErrorKind::Resources), false),
            (&[Unknown, Io, Io], Some(ErrorKind::OutcomeUnknown), true),
            (&[Unknown, Full], Some(ErrorKind::OutcomeUnknown), true),
            (&[Unknown, Unknown, Unknown], Some(ErrorKind::OutcomeUnknown), true),
        ];
        for (faults, told, there) in cases {
            let faulty = Faulty { log: MemoryLog::default(), faults: Mutex::new(faults.iter().copied().collect()) };
            let log: Arc<dyn DurableLog> = Arc::new(faulty);
            let (mut chain, _) = open(&log);
            let appended = block_on(chain.append(&start("a")));
            assert_eq!(appended.as_ref().err().map(Error::kind), told, "{faults:?}: {appended:?}");
            if let Err(error) = appended.as_ref().map_err(Error::message)
                && told == Some(ErrorKind::OutcomeUnknown)
            {
                assert!(error.contains("run a does not know") && error.contains("start the query again"), "{faults:?}: {error}");
            }
            assert_eq!(open(&log).1.len(), usize::from(there), "{faults:?}");
        }
        // Where another run has the number, what became of ours is known.
        let taken = MemoryLog::default();
        block_on(taken.put_new(0, start("b").encode().unwrap())).unwrap();
        let log: Arc<dyn DurableLog> = Arc::new(Faulty { log: taken, faults: Mutex::new([Unknown].into()) });
        let mut late = Chain { log, next: 0, index: Vec::new() };
        assert_eq!(block_on(late.append(&start("a"))).unwrap_err().kind(), ErrorKind::Fenced);
    }

    #[test]
    fn only_runs_without_a_record_may_be_missing() {
        let log = log();
        let (mut chain, _) = open(&log);
        let stop = |run: &str| Entry::Stop(Stop { run_id: run.into(), stopped_ms: 0, settled: None });
        let follows = Some(1);
        for entry in [
            start("a"),
            epoch("a", 0),
            stop("a"),
            start_after("b", follows),
            stop("b"),
            start_after("c", follows),
            epoch("c", 1),
            stop("c"),
            start_after("d", Some(6)),
        ] {
            block_on(chain.append(&entry)).unwrap();
        }
        assert_eq!(chain.last_record(), Some(6));
        block_on(chain.remove(&[4, 3])).unwrap();
        assert_eq!(open(&log).1.len(), 7);
        block_on(log.remove(6)).unwrap();
        assert!(block_on(Chain::open(Arc::clone(&log))).unwrap_err().message().starts_with("memory:6: is missing"));
        block_on(log.remove(7)).unwrap();
        let error = block_on(Chain::open(Arc::clone(&log))).unwrap_err();
        assert!(error.message().starts_with("memory:6: is missing"), "the next start follows the record that is gone: {error}");
    }

    #[test]
    fn a_start_that_finds_a_number_free_again_has_not_taken_over() {
        let log = log();
        let (mut chain, _) = open(&log);
        let stop = |run: &str| Entry::Stop(Stop { run_id: run.into(), stopped_ms: 0, settled: None });
        for entry in [start("a"), epoch("a", 0), stop("a")] {
            block_on(chain.append(&entry)).unwrap();
        }
        // It has read the log, and stands still.
        let (mut late, mut entries) = open(&log);
        for entry in [start_after("b", Some(1)), stop("b"), start_after("c", Some(1))] {
            block_on(chain.append(&entry)).unwrap();
        }
        block_on(chain.remove(&[4, 3])).unwrap();
        let error = block_on(late.take_over(&start_after("late", Some(1)))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
        assert!(error.message().contains("memory:5 is there already"), "{error}");
        // It has left nothing, and looked at again it takes over from the run that is at work.
        block_on(chain.append(&epoch("c", 1))).unwrap();
        assert!(block_on(late.catch_up(&mut entries)).unwrap());
        block_on(late.take_over(&start_after("late", Some(6)))).unwrap();
        assert_eq!(block_on(chain.append(&epoch("c", 2))).unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(open(&log).1.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 2, 5, 6, 7]);
    }

    #[test]
    fn holes_and_damage_are_named() {
        let log = log();
        let (mut chain, _) = open(&log);
        block_on(chain.append(&start("a"))).unwrap();
        (0..4).for_each(|n| assert!(block_on(chain.append(&epoch("a", n))).is_ok()));
        block_on(log.remove(3)).unwrap();
        let error = block_on(Chain::open(Arc::clone(&log))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().starts_with("memory:3: is missing"), "{error}");
        let torn = epoch("a", 2).encode().unwrap();
        block_on(log.put_new(3, torn.slice(..torn.len() - 1))).unwrap();
        let error = block_on(Chain::open(Arc::clone(&log))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().starts_with("memory:3: checksum"), "{error}");
    }
}
