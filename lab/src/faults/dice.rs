//! Random numbers that a seed reproduces (splitmix64). Not for secrets.

use std::time::Duration;

/// A random number generator.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The generator of this seed. Each `stream` of a seed gives other numbers.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    /// An independent generator, drawn from this one.
    pub(crate) fn branch(&mut self, stream: u64) -> Self {
        Self::new(self.next(), stream)
    }

    /// The items in random order.
    pub(crate) fn shuffled<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let mut left = all.to_vec();
        let draw = |_| left.swap_remove(self.below(left.len()));
        (0..all.len()).map(draw).collect()
    }

    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// A duration shorter than `end`.
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
