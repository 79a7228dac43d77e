//! Numbers that look random and are the same on every run: a failure is found again by its seed.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and every seed is a good one.
#[derive(Clone, Debug)]
pub struct Luck(u64);

impl Luck {
    /// The numbers of this seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.number().checked_rem(end as u64).unwrap_or(0) as usize
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    /// One of several.
    ///
    /// # Panics
    /// There are none.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// The bytes with one to eight faults: flipped, changed, doubled, moved, left out, cut off.
    pub fn spoil(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut spoilt = bytes.to_vec();
        for _ in 0..1 + self.below(8) {
            let at = self.below(spoilt.len().max(1));
            let length = self.below(32).min(spoilt.len().saturating_sub(at));
            match self.below(8) {
                0 | 1 if at < spoilt.len() => spoilt[at] ^= 1 << self.below(8),
                2 if at < spoilt.len() => spoilt[at] = self.number() as u8,
                // Lengths and counts are LEB128: the bytes at its edges break most readers.
                3 if at < spoilt.len() => spoilt[at] = *self.pick(&[0, 1, 0x7f, 0x80, 0xff]),
                4 => {
                    let piece = spoilt[at..at + length].to_vec();
                    spoilt.splice(at..at, piece);
                }
                5 => drop(spoilt.drain(at..at + length)),
                6 => {
                    let from = self.below(other.len().max(1));
                    let piece = other.get(from..).unwrap_or_default();
                    spoilt.splice(at..at, piece.iter().copied().take(length));
                }
                _ => spoilt.truncate(at.max(8)),
            }
        }
        spoilt
    }
}
