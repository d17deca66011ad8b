//! Which task reads which part of which file: contiguous runs in the order of the files, balanced by bytes. A pure function;
//! what a part of a file means is the format's business.

use super::FileEntry;

/// A smaller part than this is not worth a cut.
const MIN_PIECE_BYTES: u64 = 256 << 10;

/// The bytes `start..end` of a file. Formats read what begins in there: a line, a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The file's place in the slice.
    pub(super) file: usize,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The pieces of one of `partitions` tasks. All partitions' pieces, one after another, are the files in their order.
pub(super) fn pieces(files: &[FileEntry], partition: usize, partitions: usize) -> Vec<Piece> {
    let (from, to) = (boundary(files, partition, partitions), boundary(files, partition + 1, partitions));
    let mut pieces = Vec::new();
    for (file, entry) in files.iter().enumerate().take(to.0.saturating_add(1)).skip(from.0) {
        let start = if file == from.0 { from.1 } else { 0 };
        let end = if file == to.0 { to.1 } else { entry.bytes };
        // An empty file is a piece too, so that it is seen to be there and unchanged.
        let is_empty_file = entry.bytes == 0 && file < to.0;
        if start < end || is_empty_file {
            pieces.push(Piece { file, start, end });
        }
    }
    pieces
}

/// Where partition `partition` begins: a file and an offset in it. Cuts near an edge of a file are moved to the edge.
fn boundary(files: &[FileEntry], partition: usize, partitions: usize) -> (usize, u64) {
    if partition == 0 {
        return (0, 0);
    }
    let total: u128 = files.iter().map(|file| u128::from(file.bytes)).sum();
    let target = total * partition as u128 / partitions.max(1) as u128;
    let mut begin = 0u128;
    for (file, entry) in files.iter().enumerate() {
        let end = begin + u128::from(entry.bytes);
        if target < end && partition < partitions {
            let offset = (target - begin) as u64;
            let rest = entry.bytes - offset;
            return match (offset < MIN_PIECE_BYTES, rest < MIN_PIECE_BYTES) {
                (false, false) => (file, offset),
                (true, false) => (file, 0),
                (false, true) => (file + 1, 0),
                (true, true) if offset < rest => (file, 0),
                (true, true) => (file + 1, 0),
            };
        }
        begin = end;
    }
    (files.len(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[u64]) -> Vec<FileEntry> {
        let entry = |(i, bytes): (usize, &u64)| FileEntry { path: i.to_string(), bytes: *bytes, modified_ms: 0, tag: String::new() };
        sizes.iter().enumerate().map(entry).collect()
    }

    /// `file[start..end]` of every partition.
    fn shown(sizes: &[u64], partitions: usize) -> String {
        let files = files(sizes);
        let one = |p: usize| -> String {
            let pieces = pieces(&files, p, partitions);
            let show = |piece: &Piece| match piece.end - piece.start == files[piece.file].bytes {
                true => piece.file.to_string(),
                false => format!("{}[{}..{}]", piece.file, piece.start >> 10, piece.end >> 10),
            };
            pieces.iter().map(show).collect::<Vec<_>>().join(" ")
        };
        (0..partitions).map(one).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn small_files_stay_whole_and_big_ones_are_cut() {
        const M: u64 = 1 << 20;
        for (sizes, partitions, expected) in [
            (&[][..], 2, " | "),
            (&[10], 2, "0 | "),
            (&[0, 0], 2, "0 1 | "),
            (&[10, 10, 10, 10], 2, "0 1 | 2 3"),
            (&[10, 10, 10, 10], 1, "0 1 2 3"),
            (&[0, 10, 0, 10, 0], 2, "0 1 2 | 3 4"),
            (&[100, 1, 1], 2, "0 | 1 2"),
            (&[2 * M], 2, "0[0..1024] | 0[1024..2048]"),
            (&[3 * M], 3, "0[0..1024] | 0[1024..2048] | 0[2048..3072]"),
            (&[M, 2 * M, M], 2, "0 1[0..1024] | 1[1024..2048] 2"),
            (&[2 * M, 2 * M + 1000], 2, "0 | 1"),
            (&[300 << 10], 2, "0 | "),
        ] {
            assert_eq!(shown(sizes, partitions), expected, "{sizes:?} in {partitions}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_byte_is_in_one_piece_and_in_order(
            sizes in proptest::collection::vec(proptest::prop_oneof![0u64..3, 0u64..400_000, 0u64..9_000_000], 0..12),
            partitions in 1usize..9,
        ) {
            let files = files(&sizes);
            let all: Vec<Piece> = (0..partitions).flat_map(|p| pieces(&files, p, partitions)).collect();
            let mut next = (0, 0);
            for piece in all {
                proptest::prop_assert_eq!((piece.file, piece.start), next);
                next = if piece.end == sizes[piece.file] { (piece.file + 1, 0) } else { (piece.file, piece.end) };
            }
            proptest::prop_assert_eq!(next, (sizes.len(), 0));
        }
    }
}
