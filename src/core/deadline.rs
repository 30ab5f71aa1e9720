//! One table of deadlines: set, clear, next, due.
//!
//! Owns which timer fires when, and lets all of them stand still together. Reads no clock.

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Elapsed;

/// Deadlines by name. A name has one deadline at most; setting it again moves it.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines<K> {
    table: BTreeMap<K, Elapsed>,
    held_since: Option<Elapsed>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { table: BTreeMap::new(), held_since: None }
    }
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Sets or moves the deadline of `key`.
    pub(crate) fn set(&mut self, key: K, at: Elapsed) {
        self.table.insert(key, at);
    }

    /// Sets the deadline of `key`, or clears it where there is none.
    pub(crate) fn put(&mut self, key: K, at: Option<Elapsed>) {
        match at {
            Some(at) => self.set(key, at),
            None => self.clear(key),
        }
    }

    /// Forgets the deadline of `key`.
    pub(crate) fn clear(&mut self, key: K) {
        self.table.remove(&key);
    }

    /// Forgets all deadlines.
    pub(crate) fn clear_all(&mut self) {
        self.table.clear();
    }

    /// The deadline of `key`.
    pub(crate) fn get(&self, key: K) -> Option<Elapsed> {
        self.table.get(&key).copied()
    }

    /// The earliest deadline; none while they stand still.
    pub(crate) fn next(&self) -> Option<Elapsed> {
        if self.held_since.is_some() {
            return None;
        }
        self.table.values().min().copied()
    }

    /// Takes out the earliest deadline that is not after `now`. Of equal ones the least key goes first.
    pub(crate) fn due(&mut self, now: Elapsed) -> Option<K> {
        let at = self.next().filter(|at| *at <= now)?;
        let (&key, _) = self.table.iter().find(|(_, when)| **when == at)?;
        self.table.remove(&key);
        Some(key)
    }

    /// Makes all clocks stand still from `now`. Holding twice is holding once.
    pub(crate) fn hold(&mut self, now: Elapsed) {
        self.held_since.get_or_insert(now);
    }

    /// Lets the clocks go on: every deadline moves by the time they stood still, which is returned.
    pub(crate) fn release(&mut self, now: Elapsed) -> Duration {
        let Some(since) = self.held_since.take() else {
            return Duration::ZERO;
        };
        let stood = now.since(since);
        for at in self.table.values_mut() {
            *at = at.after(stood);
        }
        stood
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Elapsed {
        Elapsed::from_millis(ms)
    }

    #[test]
    fn deadlines_fire_in_order_and_once() {
        let mut deadlines = Deadlines::default();
        deadlines.set('b', ms(20));
        deadlines.set('c', ms(10));
        deadlines.set('a', ms(10));
        assert_eq!(deadlines.next(), Some(ms(10)));
        assert_eq!(deadlines.due(ms(9)), None);
        assert_eq!(deadlines.due(ms(30)), Some('a'));
        assert_eq!(deadlines.due(ms(30)), Some('c'));
        assert_eq!(deadlines.due(ms(30)), Some('b'));
        assert_eq!(deadlines.due(ms(30)), None);
    }

    #[test]
    fn setting_again_moves_and_clearing_forgets() {
        let mut deadlines = Deadlines::default();
        deadlines.set('a', ms(10));
        deadlines.set('a', ms(30));
        assert_eq!(deadlines.due(ms(20)), None);
        deadlines.put('a', None);
        assert_eq!(deadlines.due(ms(99)), None);
    }

    #[test]
    fn held_clocks_stand_still_and_go_on_where_they_stood() {
        let mut deadlines = Deadlines::default();
        deadlines.set('a', ms(100));
        deadlines.hold(ms(40));
        deadlines.hold(ms(50));
        assert_eq!(deadlines.next(), None);
        assert_eq!(deadlines.due(ms(5000)), None);
        assert_eq!(deadlines.release(ms(1040)), Duration::from_secs(1));
        assert_eq!(deadlines.next(), Some(ms(1100)));
        assert_eq!(deadlines.release(ms(2000)), Duration::ZERO);
    }
}
