//! A set of hashes that may say yes to one that it does not hold, never no to one that it does. It holds no keys.
//!
//! ```text
//! hash ─ the upper bits ─► block of 8 words ─ the lower 32 bits, times a salt for each word ─► one bit in each
//! ```
//! Source: the split block Bloom filter of Parquet's format (`BloomFilter.md`).

const WORDS: usize = 8;

const SALTS: [u32; WORDS] = [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// Bits of one block.
const BLOCK_BITS: u64 = 32 * WORDS as u64;

/// Bits that a key has at least, where the filter may be as large as that: about one of a hundred others is let through.
pub(super) const KEY_BITS: u64 = 10;

/// Few keys have room for many, at next to no cost.
const FEWEST_BLOCKS: u64 = 64;

/// The filter: a power of two blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bloom {
    blocks: Vec<[u32; WORDS]>,
}

impl Bloom {
    /// An empty filter with room for so many keys, of at most so many bits.
    pub(super) fn for_keys(keys: u64, most_bits: u64) -> Self {
        let wanted = keys.saturating_mul(KEY_BITS).div_ceil(BLOCK_BITS).max(FEWEST_BLOCKS);
        // Of a limit that is no power of two the power below it is used.
        let most = (most_bits / BLOCK_BITS).max(1);
        let most = 1_u64 << most.ilog2();
        let blocks = wanted.checked_next_power_of_two().map_or(most, |blocks| blocks.min(most));
        Self { blocks: vec![[0; WORDS]; blocks as usize] }
    }

    /// The block of a hash: its upper bits, so that the blocks of a filter twice as large lie two by two in one of this.
    fn block_of(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.blocks.len() as u128) >> 64) as usize
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let block = self.block_of(hash);
        for (word, bit) in self.blocks[block].iter_mut().zip(bits(hash)) {
            *word |= bit;
        }
    }

    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let block = &self.blocks[self.block_of(hash)];
        block.iter().zip(bits(hash)).fold(true, |all, (word, bit)| all & (word & bit != 0))
    }

    /// A filter that says yes wherever either does.
    pub(super) fn or(self, other: Self) -> Self {
        let (mut large, small) = if self.blocks.len() >= other.blocks.len() { (self, other) } else { (other, self) };
        let times = large.blocks.len() / small.blocks.len();
        for (at, block) in large.blocks.iter_mut().enumerate() {
            block.iter_mut().zip(small.blocks[at / times]).for_each(|(word, more)| *word |= more);
        }
        large
    }
}

/// The bit of a hash in each word of its block.
fn bits(hash: u64) -> impl Iterator<Item = u32> {
    SALTS.into_iter().map(move |salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::Bloom;

    fn hash(key: u64) -> u64 {
        xxh3_64(&key.to_le_bytes())
    }

    fn of(keys: std::ops::Range<u64>, room: u64) -> Bloom {
        let mut bloom = Bloom::for_keys(room, 1 << 26);
        keys.for_each(|key| bloom.insert(hash(key)));
        bloom
    }

    #[test]
    fn what_was_inserted_is_held_and_little_else() {
        for keys in [0, 1, 10, 1_000, 20_000] {
            let bloom = of(0..keys, keys);
            assert!((0..keys).all(|key| bloom.may_hold(hash(key))), "{keys}");
            let others = (1_000_000..1_010_000).filter(|key| bloom.may_hold(hash(*key))).count();
            assert!(others < 300, "{others} of 10000 others in a filter of {keys}");
        }
    }

    #[test]
    fn filters_of_different_sizes_are_one() {
        // As two tasks make them: each for twice as many keys as it has.
        let (small, large) = (of(0..500, 1_000), of(1_000..6_000, 10_000));
        for both in [small.clone().or(large.clone()), large.or(small)] {
            assert!((0..500).chain(1_000..6_000).all(|key| both.may_hold(hash(key))));
            let others = (1_000_000..1_010_000).filter(|key| both.may_hold(hash(*key))).count();
            assert!(others < 800, "{others} of 10000 others");
        }
    }

    #[test]
    fn no_filter_is_larger_than_it_may_be() {
        for (keys, most_bits, blocks) in [
            (0, 1 << 26, 64),
            (1_000, 1 << 26, 64),
            (2_000, 1 << 26, 128),
            (1 << 40, 1 << 26, 1 << 18),
            (u64::MAX, 1_000, 2),
            (1_000, 0, 1),
        ] {
            assert_eq!(Bloom::for_keys(keys, most_bits).blocks.len(), blocks, "{keys} keys in {most_bits} bits");
        }
    }
}
