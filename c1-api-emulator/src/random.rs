//! Reproducible random numbers: a seed gives the same ids and samples on every machine.

/// The splitmix64 generator. Small, and good enough for sample data. Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator of its own for `name`, which is mixed into the seed.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        Self(seed ^ hash(name.as_bytes()))
    }

    /// What [`Random::new`] needs to go on from here.
    pub(crate) fn state(&self) -> u64 {
        self.0
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// One of the choices; `None` if there are none.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    /// An id in the format of the API: 27 letters and digits.
    pub(crate) fn id(&mut self) -> String {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..27)
            .map(|_| char::from(ALPHABET[self.below(ALPHABET.len())]))
            .collect()
    }
}

/// FNV-1a, because std's hasher may change between compiler versions. Not against intent.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn ids_are_reproducible_and_distinct() {
        let ids = |seed| {
            let mut random = Random::new(seed);
            [random.id(), random.id(), random.id()]
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        let [first, second, third] = ids(1);
        assert!(first != second && second != third && first != third);
        assert!(
            first.len() == 27 && first.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{first}"
        );
    }

    #[test]
    fn each_name_has_its_own_generator() {
        assert_ne!(
            Random::named(1, "apps").next(),
            Random::named(1, "users").next()
        );
        assert_eq!(
            Random::named(1, "apps").next(),
            Random::named(1, "apps").next()
        );
    }
}
