//! Small numbers instead of names, and tables keyed by them.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

pub(crate) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;
pub(crate) type NumberSet<K> = HashSet<K, BuildHasherDefault<NumberHasher>>;

/// Gives numbers to things in the order they appear, up to a limit.
pub(crate) struct Numbers<T> {
    known: HashMap<T, u32>,
    limit: u32,
}

impl<T: Hash + Eq> Numbers<T> {
    pub(crate) fn new(limit: usize) -> Self {
        // The largest number stays free for "nothing".
        Self { known: HashMap::new(), limit: u32::try_from(limit).unwrap_or(u32::MAX - 1) }
    }

    /// The number of a thing; `None` where it is new and the limit is reached.
    pub(crate) fn number<Q>(&mut self, thing: &Q) -> Option<u32>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.known.get(thing) {
            return Some(*number);
        }
        let number = u32::try_from(self.known.len()).ok().filter(|number| *number < self.limit)?;
        self.known.insert(thing.to_owned(), number);
        Some(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The things, by number.
    pub(crate) fn in_order(&self) -> Vec<&T> {
        let mut things: Vec<(u32, &T)> = self.known.iter().map(|(thing, number)| (*number, thing)).collect();
        things.sort_unstable_by_key(|(number, _)| *number);
        things.into_iter().map(|(_, thing)| thing).collect()
    }
}

/// For each thing its place among all when sorted: comparing places is cheaper than comparing things.
pub(crate) fn places<T: Ord>(things: &[T]) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..things.len() as u32).collect();
    sorted.sort_by(|a, b| things[*a as usize].cmp(&things[*b as usize]));
    let mut places = vec![0; things.len()];
    for (place, thing) in sorted.into_iter().enumerate() {
        places[thing as usize] = place as u32;
    }
    places
}

/// A quick hash for keys made of our own numbers. These are dealt in order of appearance, so a log cannot
/// choose them to make them collide; names and addresses keep the standard, keyed hash.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // An odd constant with well spread bits: 2^64 divided by the golden ratio.
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        // Tables take their slot from the low bits, where a product is weakest.
        self.0.rotate_left(26)
    }
}
