//! Which rows of a MERGE share an output file, and which small files are rewritten along. Sizes in, groups out.
//!
//! A merge that rewrites three files of 10 KB and inserts 2 KB leaves one file of 32 KB, not four. Small files that it did
//! not touch are taken along once there are [`SMALL_FILES`] of them, the smallest first and each at most twice as large as
//! what is written anyway: so every row is rewritten a logarithmic number of times, and the table keeps few files.

/// So many small files may stand beside each other.
pub(crate) const SMALL_FILES: usize = 8;

/// The least size above which a file is left alone, bytes.
const FOLD_MIN_BYTES: u64 = 1 << 20;

/// How large a folded file may become in a table of `table_bytes`: a table ends up with some dozens of files.
pub(crate) fn fold_cap(table_bytes: u64, target_file_bytes: u64) -> u64 {
    (table_bytes / 64).clamp(FOLD_MIN_BYTES.min(target_file_bytes), target_file_bytes)
}

/// The least that is worth a file of its own beside the others of one merge, bytes.
const GROUP_MIN_BYTES: u64 = 256 << 10;

/// How much of `rewritten` bytes goes into one file: a share for every core, so that they encode side by side, within the
/// cap. A file that stays alone also keeps its rows in place, and with them its key index.
pub(crate) fn group_cap(rewritten: u64, cores: u64, cap: u64) -> u64 {
    (rewritten / cores.max(1)).clamp(GROUP_MIN_BYTES.min(cap), cap)
}

/// Groups pieces that have to be written: each piece as large as half the cap or more alone, the smaller ones together.
pub(crate) fn group_pieces(bytes: &[u64], cap: u64) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut open: Option<(usize, u64)> = None;
    for (piece, bytes) in bytes.iter().enumerate() {
        if bytes.saturating_mul(2) >= cap {
            groups.push(vec![piece]);
            continue;
        }
        match &mut open {
            Some((group, filled)) if *filled + bytes <= cap => {
                groups[*group].push(piece);
                *filled += bytes;
            }
            _ => {
                open = Some((groups.len(), *bytes));
                groups.push(vec![piece]);
            }
        }
    }
    groups
}

/// Which of the untouched files are rewritten along with `written` bytes of small pieces.
pub(crate) fn take_along(untouched: &[u64], written: u64, cap: u64) -> Vec<usize> {
    let mut small: Vec<usize> = (0..untouched.len()).filter(|i| untouched[*i].saturating_mul(2) < cap).collect();
    if small.len() < SMALL_FILES {
        return Vec::new();
    }
    small.sort_by_key(|i| (untouched[*i], *i));
    let mut taken = Vec::new();
    let mut total = written.max(1);
    for (order, file) in small.into_iter().enumerate() {
        let grows_too_fast = order >= SMALL_FILES / 2 && untouched[file] > 2 * total;
        if grows_too_fast || total + untouched[file] > cap {
            break;
        }
        total += untouched[file];
        taken.push(file);
    }
    if taken.len() < SMALL_FILES / 2 { Vec::new() } else { taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_share_a_file() {
        assert_eq!(group_pieces(&[10, 20, 900, 30], 1000), [vec![0, 1, 3], vec![2]]);
        assert_eq!(group_pieces(&[400, 400, 400], 1000), [vec![0, 1], vec![2]]);
        assert_eq!(group_pieces(&[], 1000), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn every_core_gets_its_share() {
        for (rewritten, cores, cap, wanted) in
            [(900_000, 2, 1 << 20, 450_000), (10_000, 2, 1 << 20, 256 << 10), (1 << 30, 2, 1 << 20, 1 << 20), (1, 0, 10, 10)]
        {
            assert_eq!(group_cap(rewritten, cores, cap), wanted);
        }
    }

    #[test]
    fn a_long_run_of_small_inserts_keeps_few_files_and_writes_each_row_few_times() {
        let (mut files, mut rewritten): (Vec<u64>, u64) = (Vec::new(), 0);
        let (inserts, size, cap) = (1500u64, 20_000, 1 << 20);
        let mut most = 0;
        for _ in 0..inserts {
            let taken = take_along(&files, size, cap);
            let along: u64 = taken.iter().map(|i| files[*i]).sum();
            rewritten += along;
            let mut keep: Vec<u64> = files.iter().enumerate().filter(|(i, _)| !taken.contains(i)).map(|(_, b)| *b).collect();
            keep.push(size + along);
            files = keep;
            most = most.max(files.iter().filter(|b| **b * 2 < cap).count());
        }
        let total = inserts * size;
        assert_eq!(files.iter().sum::<u64>(), total);
        assert!(most <= 24, "{most} small files at once");
        assert!(files.len() < 24 + (2 * total / (cap / 2)) as usize, "{} files", files.len());
        assert!(rewritten < 8 * total, "each byte is rewritten {:.1} times", rewritten as f64 / total as f64);
    }
}
