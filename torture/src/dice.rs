//! Chance that can be repeated: SplitMix64, one seed for a whole campaign.
//!
//! No library: the sequence must stay the same for ever, so that a seed in a report means something in a year.

/// A source of numbers; the same seed gives the same ones.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that begin at `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Other dice, which depend on nothing but this seed and `number`: one set for each thread.
    pub fn fork(&self, number: u64) -> Dice {
        let mut fork = Dice(self.0 ^ number.wrapping_mul(0xA24B_AED4_963E_E407));
        fork.roll();
        fork
    }

    /// The next number, all 64 bits of it.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.roll() % (most.saturating_sub(least) + 1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.roll().is_multiple_of(times)
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[(self.roll() % of.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_forks_differ() {
        let (mut one, mut two) = (Dice::new(7), Dice::new(7));
        assert_eq!(one.roll(), two.roll());
        assert_ne!(one.fork(1).roll(), one.fork(2).roll());
        assert!((0..1_000).all(|_| (3..=5).contains(&one.between(3, 5))));
    }
}
