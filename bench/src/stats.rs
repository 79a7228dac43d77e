//! Medians, ratios and how sure they are.

use serde::Serialize;

/// How many times the bootstrap draws.
const DRAWS: usize = 2000;

/// An interval wider than this share of the median makes a ratio noisy.
const NOISY: f64 = 0.2;

/// A ratio of two measurements with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ratio {
    /// The median of the ratios of all pairs.
    pub median: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// Whether the interval is wider than a fifth of the median.
    pub noisy: bool,
}

/// The median; 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// How many times larger the second of each pair is than the first.
pub fn ratio(base: &[f64], other: &[f64]) -> Ratio {
    let ratios: Vec<f64> = base.iter().zip(other).map(|(base, other)| other / base).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut draw = || {
        let drawn: Vec<f64> = ratios.iter().map(|_| ratios[random.below(ratios.len())]).collect();
        median(&drawn)
    };
    let mut medians: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
    medians.sort_by(f64::total_cmp);
    let (low, high) = (medians[DRAWS / 40], medians[DRAWS - 1 - DRAWS / 40]);
    let median = median(&ratios);
    Ratio { median, low, high, noisy: (high - low) / median > NOISY }
}

/// Xorshift: the bootstrap gives the same interval for the same samples.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{median, ratio};

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_steady_ratio_is_certain_and_a_jumping_one_is_noisy() {
        let steady = ratio(&[1.0, 2.0, 3.0], &[4.0, 8.0, 12.0]);
        assert_eq!((steady.median, steady.low, steady.high, steady.noisy), (4.0, 4.0, 4.0, false));
        assert!(ratio(&[1.0; 9], &[1.0, 9.0, 1.0, 9.0, 1.0, 9.0, 1.0, 9.0, 5.0]).noisy);
    }
}
