//! A log of numbered, immutable entries with put-if-absent: the fence and the memory of a streaming query. What the
//! entries say is the writer's business.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, Result};

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The entry is there, durable, and it is this one.
    Created,
    /// Another entry had the number already; nothing was written.
    Exists,
}

/// Numbered, immutable, put-if-absent entries.
///
/// # Contract
/// Checked by [`log_contract`], which every implementer's tests call:
/// * `put_new` returns `Created` to exactly one of several writers of one number, and only once the bytes are durable;
/// * an entry reads back byte for byte, never in part;
/// * `list_from` gives the numbers from `from` on in rising order, those of completed puts only;
/// * `remove` of an absent entry succeeds;
/// * an answer that may be either is resolved by reading back: equal bytes mean `Created`;
/// * a put that may be there, or is there and not durable, and of which no more can be found out fails with `OutcomeUnknown`: the
///   same put again finds out. With any other error nothing was written.
#[async_trait]
pub trait DurableLog: Debug + Send + Sync {
    /// Writes entry `number` if there is none.
    async fn put_new(&self, number: u64, bytes: Bytes) -> Result<PutOutcome>;

    /// Entry `number`, or `None`.
    async fn read(&self, number: u64) -> Result<Option<Bytes>>;

    /// The numbers of all entries from `from` on, rising.
    async fn list_from(&self, from: u64) -> Result<Vec<u64>>;

    /// Removes entry `number` if it is there.
    async fn remove(&self, number: u64) -> Result<()>;

    /// Where entry `number` lives, for messages.
    fn location(&self, number: u64) -> String;
}

/// The reference implementation: entries in memory, shared by clones of the `Arc` that holds it.
#[derive(Debug, Default)]
pub struct MemoryLog {
    entries: Mutex<BTreeMap<u64, Bytes>>,
}

impl MemoryLog {
    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Bytes>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl DurableLog for MemoryLog {
    async fn put_new(&self, number: u64, bytes: Bytes) -> Result<PutOutcome> {
        let mut entries = self.entries();
        if entries.contains_key(&number) {
            return Ok(PutOutcome::Exists);
        }
        entries.insert(number, bytes);
        Ok(PutOutcome::Created)
    }

    async fn read(&self, number: u64) -> Result<Option<Bytes>> {
        Ok(self.entries().get(&number).cloned())
    }

    async fn list_from(&self, from: u64) -> Result<Vec<u64>> {
        Ok(self.entries().range(from..).map(|(n, _)| *n).collect())
    }

    async fn remove(&self, number: u64) -> Result<()> {
        self.entries().remove(&number);
        Ok(())
    }

    fn location(&self, number: u64) -> String {
        format!("memory:{number}")
    }
}

/// The contract of [`DurableLog`] as a check over an empty log.
///
/// # Errors
/// `Internal`, naming the clause that does not hold.
pub async fn log_contract(log: std::sync::Arc<dyn DurableLog>) -> Result<()> {
    let broken = |clause: &str| Err(Error::internal(format!("DurableLog contract: {clause}")));
    if !log.list_from(0).await?.is_empty() || log.read(0).await?.is_some() {
        return broken("the suite wants an empty log");
    }
    log.remove(3).await?;
    for number in [0, 1, 2, 10] {
        if log.put_new(number, Bytes::from(vec![number as u8; 1000])).await? != PutOutcome::Created {
            return broken("a put of a free number is Created");
        }
    }
    if log.put_new(1, Bytes::from_static(b"other")).await? != PutOutcome::Exists {
        return broken("a put of a taken number is Exists");
    }
    if log.read(1).await?.as_deref() != Some(&[1u8; 1000][..]) {
        return broken("the first put's bytes stay");
    }
    if log.list_from(1).await? != [1, 2, 10] {
        return broken("list_from is rising and starts at `from`");
    }
    log.remove(1).await?;
    if log.read(1).await?.is_some() || log.list_from(0).await? != [0, 2, 10] {
        return broken("a removed entry is gone");
    }
    let racers = (0..8u8).map(|i| {
        let log = std::sync::Arc::clone(&log);
        async move { log.put_new(99, Bytes::from(vec![i; 64])).await.map(|o| (i, o)) }
    });
    let outcomes = futures::future::try_join_all(racers).await?;
    let winners: Vec<u8> = outcomes.iter().filter(|(_, o)| *o == PutOutcome::Created).map(|(i, _)| *i).collect();
    let [winner] = winners[..] else { return broken("one of several writers wins") };
    if log.read(99).await?.as_deref() != Some(&vec![winner; 64][..]) {
        return broken("the winner's bytes are the entry");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_log_keeps_the_contract() {
        futures::executor::block_on(log_contract(std::sync::Arc::new(MemoryLog::default()))).unwrap();
    }
}
