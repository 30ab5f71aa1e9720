//! Names of things: sessions, commands, executions, requests.
//!
//! Owns their forms in text. Draws no randomness: an [`IdSource`] is seeded by the shell.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32 in lower case: no letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an id: 80 bits at 5 bits each.
const LENGTH: usize = 16;
const MASK: u128 = (1 << 80) - 1;

/// One run of a command, globally unique: 80 random bits.
///
/// People see the shortest prefix that is unique in their session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExecutionId(u128);

impl ExecutionId {
    /// An id of the low 80 bits of `bits`.
    pub(crate) const fn from_bits(bits: u128) -> Self {
        Self(bits & MASK)
    }

    /// The first `length` characters, for people; at most the whole id.
    pub(crate) fn prefix(self, length: usize) -> String {
        let mut text = self.to_string();
        text.truncate(length);
        text
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..LENGTH).rev().try_for_each(|place| {
            let digit = (self.0 >> (5 * place)) as usize & 31;
            fmt::Write::write_char(f, char::from(ALPHABET[digit]))
        })
    }
}

impl fmt::Debug for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an [`ExecutionId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?} as an execution id: it has {LENGTH} characters of 0-9 and a-z without i, l, o, u")]
pub(crate) struct BadExecutionId(String);

impl FromStr for ExecutionId {
    type Err = BadExecutionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadExecutionId(text.to_owned());
        if text.len() != LENGTH {
            return Err(bad());
        }
        text.bytes().try_fold(Self(0), |id, byte| {
            let digit = ALPHABET.iter().position(|&letter| letter == byte).ok_or_else(bad)?;
            Ok(Self(id.0 << 5 | digit as u128))
        })
    }
}

impl Serialize for ExecutionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExecutionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How many characters tell `ids` apart; at least 4, so that what was written down stays valid.
pub(crate) fn unique_prefix(ids: impl IntoIterator<Item = ExecutionId>) -> usize {
    let mut texts: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    texts.sort_unstable();
    texts.dedup();
    let shared = |pair: &[String]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    texts.windows(2).map(shared).max().map_or(4, |most| (most + 1).max(4))
}

/// Makes execution ids from one random seed, so that a recording of a session replays exactly.
#[derive(Clone, Debug)]
pub(crate) struct IdSource {
    state: u128,
}

impl IdSource {
    /// A source that never repeats another's ids, if its `seed` is random.
    pub(crate) const fn new(seed: u128) -> Self {
        Self { state: seed }
    }

    /// The next id.
    pub(crate) fn next_id(&mut self) -> ExecutionId {
        // Two steps of SplitMix64: every 64-bit state gives another output, and near states give far ones.
        let low = splitmix(self.state as u64);
        let high = splitmix((self.state >> 64) as u64 ^ low);
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        ExecutionId::from_bits(u128::from(high) << 64 | u128::from(low))
    }
}

const fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A command's place in its session, from 0 in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct CommandIndex(pub(crate) u32);

impl CommandIndex {
    /// As an index into a slice.
    pub(crate) const fn get(self) -> usize {
        self.0 as usize
    }
}

/// Names one request of one client, so that its answer finds it and a repetition is known as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RequestId(pub(crate) u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let mut source = IdSource::new(7);
        for _ in 0..100 {
            let id = source.next_id();
            assert_eq!(id.to_string().parse::<ExecutionId>(), Ok(id));
        }
        assert!("short".parse::<ExecutionId>().is_err());
        assert!("il000000000000ou".parse::<ExecutionId>().is_err());
    }

    #[test]
    fn a_source_repeats_its_recording_and_no_id() {
        let ids = |seed| {
            let mut source = IdSource::new(seed);
            (0..1000).map(|_| source.next_id()).collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(1));
        let mut all = [ids(1), ids(2)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }

    #[test]
    fn the_shown_prefix_tells_ids_apart() {
        let a = ExecutionId::from_bits(0);
        let b = ExecutionId::from_bits(1);
        assert_eq!(unique_prefix([a]), 4);
        assert_eq!(unique_prefix([a, b]), LENGTH);
        assert_eq!(a.prefix(4), "0000");
    }
}
