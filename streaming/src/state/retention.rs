//! Which images and log entries a checkpoint can let go. It decides; the epoch loop deletes.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::chain::{EntryInfo, EntryKind};

use super::image::ImageFile;

/// How long a checkpoint keeps what a restart does not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many last epochs keep their records, as long as those take no more than [`Retention::max_bytes`]. Spark's
    /// `minBatchesToRetain`, which is 100 there: Spark goes back by them, here the images do that, and a job of short runs should not
    /// keep a hundred of them.
    pub min_epochs: u64,
    /// So many bytes the records of those epochs may take: every start reads them.
    pub max_bytes: u64,
    /// So many last images stay, at least one. Before so many are there, no record goes: a damaged image must leave a way back.
    pub images: usize,
    /// How long the entries stay that fence runs without an end. A run that was stopped for longer than this finds its number free
    /// again.
    pub starts_ms: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { min_epochs: 10, max_bytes: 64 << 20, images: 2, starts_ms: 30 * 24 * 60 * 60 * 1000 }
    }
}

/// What can go. Entries are to be removed in this order, before the images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Numbers of log entries: rising, those of `Start` entries after the others; then those of runs that found nothing to do.
    pub entries: Vec<u64>,
    /// Image files.
    pub images: Vec<PathBuf>,
}

/// What can go: images that are older than the last few durable ones, and records that the oldest image left covers, whose
/// epochs every sink has settled (`settled` is the last such epoch) and that are not among the last epochs.
///
/// `Start` entries are the fence: a run that was stopped finds the number that it writes next taken by the `Start` of the run
/// after it. So they outlive the records around them. A run that has ended in order needs no fence: the `Start` after it goes with the
/// records of its own run, and a run that recorded nothing, between two orderly ends, goes at once. A job that is run every minute,
/// whether it finds something or not, leaves the same number of entries for ever.
pub fn retain(images: &[ImageFile], entries: &[EntryInfo], settled: Option<u64>, now_ms: i64, keep: &Retention) -> Garbage {
    let mut newest_first: Vec<&ImageFile> = images.iter().collect();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    let kept_images = keep.images.max(1);
    let garbage_images = newest_first.iter().skip(kept_images).map(|file| file.path.clone()).collect();

    let covered = newest_first.get(kept_images - 1).map(|file| file.epoch);
    let last = entries.iter().rev().find_map(|e| if let EntryKind::Epoch { epoch } = e.kind { Some(epoch) } else { None });
    let old = last.and_then(|last| last.checked_sub(keep.min_epochs.max(1)));
    let old = old.max(too_many_bytes(entries, keep.max_bytes));
    let through = covered.zip(settled).zip(old).map(|((a, b), c)| a.min(b).min(c));

    let goes = |info: &&EntryInfo| match info.kind {
        EntryKind::Epoch { epoch } | EntryKind::Promise { epoch } => through.is_some_and(|through| epoch <= through),
        EntryKind::Start { .. } | EntryKind::Stop => true,
    };
    let prefix = entries.iter().take_while(goes).count();
    let runs: HashSet<&str> = entries[prefix..].iter().map(|e| e.run_id.as_str()).collect();
    let last_start = entries.iter().rposition(|e| matches!(e.kind, EntryKind::Start { .. }));
    let start_goes = |at: usize, info: &EntryInfo| {
        let EntryKind::Start { started_ms, fences } = info.kind else { return false };
        let needed_as_fence = fences && started_ms >= now_ms.saturating_sub(keep.starts_ms);
        Some(at) != last_start && !runs.contains(info.run_id.as_str()) && !needed_as_fence
    };
    let going: HashSet<&str> =
        entries[..prefix].iter().enumerate().filter(|(at, info)| start_goes(*at, info)).map(|(_, info)| info.run_id.as_str()).collect();
    let garbage = entries[..prefix].iter().enumerate().filter(|(at, info)| match info.kind {
        EntryKind::Start { .. } => start_goes(*at, info),
        // No end is left without the beginning of its run.
        EntryKind::Stop => through.is_some() || going.contains(info.run_id.as_str()),
        EntryKind::Epoch { .. } | EntryKind::Promise { .. } => true,
    });
    // Starts go last: a record is never left without the start of its run, wherever a crash cuts the removal.
    let (starts, others): (Vec<_>, Vec<_>) = garbage.partition(|(_, info)| matches!(info.kind, EntryKind::Start { .. }));
    let mut numbers: Vec<u64> = others.into_iter().chain(starts).map(|(_, info)| info.number).collect();
    let going: HashSet<u64> = numbers.iter().copied().collect();
    numbers.extend(idle_runs(entries).into_iter().filter(|number| !going.contains(number)));
    Garbage { entries: numbers, images: garbage_images }
}

/// The entries of runs that recorded nothing, between two orderly ends, of each run the last one first.
fn idle_runs(entries: &[EntryInfo]) -> Vec<u64> {
    let is_start = |info: &EntryInfo| matches!(info.kind, EntryKind::Start { .. });
    let mut numbers = Vec::new();
    // The last entry of the runs that stay: what is removed stands between it and the run looked at.
    let mut ended_before = false;
    let mut at = 0;
    while at < entries.len() {
        let stops = entries.get(at + 1).is_some_and(|next| next.kind == EntryKind::Stop && next.run_id == entries[at].run_id);
        // A run may be at work now, and what it begins from is its own `Start`: the last of all stays.
        if is_start(&entries[at]) && stops && ended_before && at + 2 < entries.len() {
            numbers.extend([entries[at + 1].number, entries[at].number]);
            at += 2;
        } else {
            ended_before = entries[at].kind == EntryKind::Stop;
            at += 1;
        }
    }
    numbers
}

/// The last epoch whose record, with those after it, takes more than `max_bytes`; never the last epoch of all.
fn too_many_bytes(entries: &[EntryInfo], max_bytes: u64) -> Option<u64> {
    let mut newest_first =
        entries.iter().rev().filter_map(|e| if let EntryKind::Epoch { epoch } = e.kind { Some((epoch, e.bytes)) } else { None });
    let mut bytes = newest_first.next()?.1;
    newest_first
        .find(|(_, more)| {
            bytes += more;
            bytes > max_bytes
        })
        .map(|(epoch, _)| epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `S1@5`: run 1 started at 5 (`s1@5`: after an orderly end); `E1.7`: epoch 7 of run 1; `P1.7`: its promise; `X1`: run 1 stopped.
    fn entries(script: &str) -> Vec<EntryInfo> {
        let parse = |(number, word): (usize, &str)| {
            let (kind, rest) = word.split_at(1);
            let (run_id, value) = rest.split_once(['@', '.']).unwrap_or((rest, "0"));
            let value: u64 = value.parse().unwrap();
            let kind = match kind {
                "S" | "s" => EntryKind::Start { started_ms: value as i64, fences: kind == "S" },
                "P" => EntryKind::Promise { epoch: value },
                "E" => EntryKind::Epoch { epoch: value },
                _ => EntryKind::Stop,
            };
            EntryInfo { number: number as u64, run_id: run_id.to_owned(), bytes: 10, kind }
        };
        script.split_whitespace().enumerate().map(parse).collect()
    }

    fn images(epochs: &[u64]) -> Vec<ImageFile> {
        epochs.iter().map(|epoch| ImageFile { epoch: *epoch, path: format!("{epoch}.img").into() }).collect()
    }

    #[test]
    fn what_can_go() {
        let keep = Retention { min_epochs: 2, max_bytes: 1_000, images: 2, starts_ms: 100 };
        let one_run = "Sa@0 Ea.0 Ea.1 Ea.2 Ea.3 Ea.4 Ea.5";
        let after_an_end = "sa@0 Ea.0 Ea.1 Xa sb@50 Eb.2 Eb.3 Eb.4 Eb.5 Eb.6";
        let two_runs = "Sa@0 Ea.0 Ea.1 Xa Sb@50 Eb.2 Pb.3 Eb.3 Eb.4 Eb.5 Eb.6";
        #[rustfmt::skip]
        type Case<'a> = (&'a str, &'a str, &'a [u64], Option<u64>, i64, &'a [u64], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            ("nothing is there", "", &[], None, 0, &[], &[]),
            ("no image, so all records are needed", one_run, &[], Some(5), 0, &[], &[]),
            ("one image may be damaged", one_run, &[3], Some(5), 0, &[], &[]),
            ("records that the older image covers go", one_run, &[1, 4], Some(5), 0, &[1, 2], &[]),
            ("but not what is not settled", one_run, &[1, 4], Some(0), 0, &[1], &[]),
            ("nor when nothing is", one_run, &[1, 4], None, 0, &[], &[]),
            ("nor the last epochs", one_run, &[5, 5], Some(5), 0, &[1, 2, 3, 4], &[]),
            ("older images go", one_run, &[0, 1, 4], Some(5), 0, &[1, 2], &["0.img"]),
            ("a start stays as a fence", two_runs, &[3, 4], Some(6), 60, &[1, 2, 3, 5, 6, 7], &[]),
            ("for a time, and the last one for ever", two_runs, &[3, 4], Some(6), 1_000, &[1, 2, 3, 5, 6, 7, 0], &[]),
            ("behind an orderly end there is nobody to fence", after_an_end, &[3, 4], Some(6), 60, &[1, 2, 3, 5, 6, 0], &[]),
            ("a start stays with its records", two_runs, &[0, 4], Some(6), 1_000, &[1], &[]),
        ];
        for (what, script, epochs, settled, now_ms, gone, gone_images) in cases {
            let garbage = retain(&images(epochs), &entries(script), *settled, *now_ms, &keep);
            assert_eq!(garbage.entries, *gone, "{what}");
            assert_eq!(garbage.images, gone_images.iter().map(PathBuf::from).collect::<Vec<_>>(), "{what}");
        }
    }

    #[test]
    fn runs_that_found_nothing_go_between_orderly_ends() {
        for (script, gone) in [
            ("Sa@0 Ea.0 Xa Sb@1 Xb Sc@2 Xc Sd@3", &[4, 3, 6, 5][..]),
            ("Sa@0 Ea.0 Xa Sb@1 Xb", &[]),
            ("Sa@0 Xa Sb@1 Xb Sc@2", &[3, 2]),
            ("sa@0 Xa sb@1 Xb sc@2", &[1, 3, 0, 2]),
            ("sa@0 Xa sb@1 Eb.0 Xb sc@2", &[1, 0]),
            // After a run without an end, the next start is the fence against it.
            ("Sa@0 Ea.0 Sb@1 Xb Sc@2 Xc Sd@3 Ed.1", &[5, 4]),
            ("Sa@0 Ea.0 Xa Sb@1 Sc@2 Xc Sd@3", &[]),
            ("Sa@0 Ea.0 Xa Sb@1 Eb.1 Xb Sc@2 Xc Sd@3", &[7, 6]),
        ] {
            let garbage = retain(&[], &entries(script), Some(0), 10, &Retention::default());
            assert_eq!(garbage.entries, gone, "{script}");
        }
    }

    #[test]
    fn many_bytes_are_not_kept_for_the_number_of_epochs() {
        let entries = entries("Sa@0 Ea.0 Ea.1 Ea.2 Ea.3 Ea.4 Ea.5");
        for (max_bytes, image, gone) in [(60, 5, &[][..]), (59, 5, &[1]), (30, 5, &[1, 2, 3]), (0, 5, &[1, 2, 3, 4, 5]), (0, 2, &[1, 2, 3])]
        {
            let keep = Retention { min_epochs: 100, max_bytes, images: 1, starts_ms: 100 };
            assert_eq!(retain(&images(&[image]), &entries, Some(5), 0, &keep).entries, gone, "{max_bytes} bytes, image {image}");
        }
    }

    /// A job that is run again and again, with data each time, as the epoch loop does it: clean-up at the start and at the end.
    #[test]
    fn ten_thousand_runs_that_ended_leave_what_ten_leave() {
        let keep = Retention::default();
        let (mut log, mut images, mut next) = (Vec::new(), Vec::new(), 0);
        let mut put = |log: &mut Vec<EntryInfo>, run: u64, kind| {
            log.push(EntryInfo { number: next, run_id: run.to_string(), bytes: 10, kind });
            next += 1;
        };
        let clean_up = |log: &mut Vec<EntryInfo>, images: &mut Vec<ImageFile>, settled, now_ms| {
            let garbage = retain(images, log, settled, now_ms, &keep);
            log.retain(|info| !garbage.entries.contains(&info.number));
            images.retain(|image| !garbage.images.contains(&image.path));
        };
        let mut after_ten = 0;
        for run in 0..10_000_u64 {
            let now_ms = run as i64;
            put(&mut log, run, EntryKind::Start { started_ms: now_ms, fences: false });
            clean_up(&mut log, &mut images, run.checked_sub(1), now_ms);
            put(&mut log, run, EntryKind::Epoch { epoch: run });
            if run % 4 == 3 {
                images.push(ImageFile { epoch: run, path: format!("{run}.img").into() });
            }
            clean_up(&mut log, &mut images, Some(run), now_ms);
            put(&mut log, run, EntryKind::Stop);
            if run == 9 {
                after_ten = log.len() + images.len();
            }
            assert!(run < 10 || log.len() + images.len() <= after_ten, "after run {run}: {log:?}");
        }
    }
}
