//! Chance from a seed, in integers: the same seed gives the same desk on every machine.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood 2014): a counter with an odd step, and a mixing of its bits. It is not
//! for secrets. Each use of chance has a stream of its own, named by what it decides, so that one more draw in one place
//! changes nothing in another: a replay with sickness has the same mails as one without.

/// Step of the counter: the golden ratio in 64 bits, odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of chance.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed for one use, such as `"arrivals"`.
    pub fn new(seed: u64, of: &str) -> Dice {
        // FNV-1a of the name: streams of different names start far apart.
        let name = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut dice = Dice(seed ^ name);
        Dice(dice.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number from 0 up to, and not including, `bound`; 0 where the bound is 0.
    ///
    /// The high half of a product, without rejection: the bias is below 2⁻⁴⁰ for every bound that is used here.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }

    /// True in `parts` of a million cases.
    pub fn chance(&mut self, parts: u32) -> bool {
        self.below(1_000_000) < parts
    }

    /// The index of a weight, each as likely as its share of the sum; 0 where all weights are.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut drawn = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if drawn < *weight {
                return index;
            }
            drawn -= weight;
        }
        0
    }

    /// Minutes of a lognormal distribution, at least 1.
    ///
    /// The normal deviate is the sum of twelve uniform draws less six, cut at ±6; the exponential is `(1 + x/2²⁰)^(2²⁰)`.
    /// Only operations that IEEE 754 rounds exactly are used, so the minutes are the same on every machine.
    pub fn lognormal(&mut self, median_minutes: u32, sigma: f64) -> i64 {
        const PARTS: f64 = 1_048_576.0;
        let drawn: u32 = (0..12).map(|_| self.below(1 << 20)).sum();
        let deviate = f64::from(drawn) / PARTS - 6.0;
        let mut power = 1.0 + sigma * deviate / PARTS;
        for _ in 0..20 {
            power *= power;
        }
        ((f64::from(median_minutes) * power).round() as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut dice = Dice::new(7, "arrivals");
        let drawn: Vec<u32> = (0..4).map(|_| dice.below(1_000)).collect();
        let mut again = Dice::new(7, "arrivals");
        assert_eq!(drawn, (0..4).map(|_| again.below(1_000)).collect::<Vec<_>>());
        let mut other = Dice::new(7, "sickness");
        assert_ne!(drawn, (0..4).map(|_| other.below(1_000)).collect::<Vec<_>>());
        // The published first output of SplitMix64 for the state 0.
        assert_eq!(Dice(0).next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn bounds_and_weights_hold() {
        let mut dice = Dice::new(1, "bounds");
        let mut counts = [0u32; 4];
        for _ in 0..40_000 {
            counts[dice.weighted(&[9, 20, 57, 14])] += 1;
            assert!(dice.below(3) < 3);
        }
        for (count, percent) in counts.iter().zip([9u32, 20, 57, 14]) {
            assert!(count.abs_diff(percent * 400) < 500, "{counts:?}");
        }
        assert_eq!((dice.below(0), dice.weighted(&[])), (0, 0));
    }

    #[test]
    fn waits_have_the_stated_median_and_tail() {
        let mut dice = Dice::new(2, "waits");
        let mut waits: Vec<i64> = (0..40_000).map(|_| dice.lognormal(60, 0.8)).collect();
        waits.sort_unstable();
        assert!((58..=62).contains(&waits[20_000]), "median {}", waits[20_000]);
        // exp(0.8 × 1.645) × 60 = 224
        assert!((215..=233).contains(&waits[38_000]), "q95 {}", waits[38_000]);
    }
}
