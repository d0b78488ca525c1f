//! Chance that a seed repeats: splitmix64, of which nothing secret is made.

use std::time::Duration;

/// A source of chance.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The chance of this seed; `stream` tells those who share it apart.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    /// Chance apart from this one's, drawn from it.
    pub(crate) fn branch(&mut self, stream: u64) -> Self {
        Self::new(self.next(), stream)
    }

    /// The same in another order.
    pub(crate) fn shuffled<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let mut left = all.to_vec();
        let draw = |_| left.swap_remove(self.below(left.len()));
        (0..all.len()).map(draw).collect()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// A span shorter than `end`.
    pub(crate) fn within(&mut self, end: Duration) -> Duration {
        let nanos = u64::try_from(end.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.next() % nanos)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
