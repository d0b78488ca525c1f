//! Kept answers: bounded in number and time, and dropped by tag.

use crate::access::Access;
use crate::clock::Moment;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

type Key = [u8; 32];

/// An answer to keep.
pub(crate) struct Answer {
    pub(crate) access: Arc<Access>,
    pub(crate) tags: Vec<u64>,
    /// When the request was sent: the answer may be as old as that.
    pub(crate) since: Moment,
    pub(crate) keep_for: Duration,
}

impl Answer {
    /// Whether the answer may be used at `now`. There is no leeway here: a caller who comes later gets the truth.
    fn is_good(&self, now: Moment) -> bool {
        now.age_of(self.since) < self.keep_for && !self.access.is_over(now.now_ms, Duration::ZERO)
    }
}

/// Answers by the fingerprint of their token. When it is full, an answer goes that has not been used for a round.
pub(crate) struct Kept {
    most: usize,
    answers: HashMap<Key, Entry>,
    /// The keys, the next to go first. A number that is not that of its answer belongs to one that is gone.
    order: VecDeque<(Key, u64)>,
    /// Which answers have a tag. Tags are hashes: two that collide drop an answer too many, never one too few.
    by_tag: BTreeSet<(u64, Key)>,
    next: u64,
}

struct Entry {
    answer: Answer,
    number: u64,
    used: bool,
}

impl Kept {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            answers: HashMap::new(),
            order: VecDeque::new(),
            by_tag: BTreeSet::new(),
            next: 0,
        }
    }

    /// A kept answer that is still good. One that is not is dropped.
    pub(crate) fn get(&mut self, key: &Key, now: Moment) -> Option<Arc<Access>> {
        let entry = self.answers.get_mut(key)?;
        if entry.answer.is_good(now) {
            entry.used = true;
            return Some(entry.answer.access.clone());
        }
        self.forget(key);
        None
    }

    /// Keeps an answer in the place of the one before.
    pub(crate) fn insert(&mut self, key: Key, answer: Answer) {
        if self.most == 0 {
            return;
        }
        self.forget(&key);
        while self.answers.len() >= self.most {
            self.evict();
        }
        let number = self.next;
        self.next += 1;
        self.by_tag.extend(answer.tags.iter().map(|tag| (*tag, key)));
        self.order.push_back((key, number));
        let used = false;
        self.answers.insert(key, Entry { answer, number, used });
        self.shorten();
    }

    /// Drops the answers that have a tag.
    pub(crate) fn drop_tagged(&mut self, tag: u64) {
        let tagged: Vec<Key> = self
            .by_tag
            .range((tag, [0; 32])..=(tag, [0xff; 32]))
            .map(|(_, key)| *key)
            .collect();
        for key in &tagged {
            self.forget(key);
        }
    }

    /// Drops every answer.
    pub(crate) fn clear(&mut self) {
        self.answers.clear();
        self.order.clear();
        self.by_tag.clear();
    }

    /// Drops an answer.
    pub(crate) fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.answers.remove(key) {
            for tag in entry.answer.tags {
                self.by_tag.remove(&(tag, *key));
            }
        }
    }

    /// Makes room: an answer that was used since the last round gets another one.
    fn evict(&mut self) {
        while let Some((key, number)) = self.order.pop_front() {
            match self.answers.get_mut(&key).filter(|entry| entry.number == number) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.order.push_back((key, number));
                }
                Some(_) => return self.forget(&key),
                None => {}
            }
        }
    }

    /// Takes the numbers of answers that are gone out of the order, once they are the greater part of it.
    fn shorten(&mut self) {
        if self.order.len() > 2 * self.most {
            let answers = &self.answers;
            let lives = |(key, number): &(Key, u64)| answers.get(key).is_some_and(|entry| entry.number == *number);
            self.order.retain(lives);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: u64) -> Moment {
        Moment {
            now_ms: i64::try_from(seconds * 1000).unwrap(),
            steady: Duration::from_secs(seconds),
        }
    }

    fn answer(tags: &[u64]) -> Answer {
        let members = json!({"active": true, "exp": 100}).as_object().cloned().unwrap();
        let access = Arc::new(Access::introspected(members).unwrap());
        Answer {
            access,
            tags: tags.to_vec(),
            since: at(0),
            keep_for: Duration::from_secs(60),
        }
    }

    fn has(kept: &mut Kept, key: u8) -> bool {
        kept.get(&[key; 32], at(1)).is_some()
    }

    #[test]
    fn an_answer_dies_by_time_and_by_the_expiry_of_its_token() {
        let mut kept = Kept::new(4);
        kept.insert([1; 32], answer(&[]));
        assert!(kept.get(&[1; 32], at(59)).is_some());
        assert!(kept.get(&[1; 32], at(60)).is_none());
        let mut long = answer(&[]);
        long.keep_for = Duration::from_secs(1000);
        kept.insert([1; 32], long);
        assert!(kept.get(&[1; 32], at(99)).is_some());
        assert!(kept.get(&[1; 32], at(100)).is_none());
        assert!(kept.get(&[1; 32], at(1)).is_none(), "what was over is dropped");
    }

    #[test]
    fn a_tag_drops_its_answers_and_no_others() {
        let mut kept = Kept::new(4);
        kept.insert([1; 32], answer(&[7, 8]));
        kept.insert([2; 32], answer(&[8]));
        kept.insert([3; 32], answer(&[9]));
        kept.drop_tagged(8);
        assert!(!has(&mut kept, 1) && !has(&mut kept, 2) && has(&mut kept, 3));
        assert_eq!(kept.by_tag.len(), 1);
        // An answer that takes the place of another has only its own tags.
        kept.insert([3; 32], answer(&[10]));
        kept.drop_tagged(9);
        assert!(has(&mut kept, 3));
        kept.clear();
        assert!(!has(&mut kept, 3) && kept.by_tag.is_empty());
    }

    #[test]
    fn the_number_of_answers_is_bounded_and_used_ones_stay() {
        let mut kept = Kept::new(3);
        for key in 1..=3 {
            kept.insert([key; 32], answer(&[u64::from(key)]));
        }
        assert!(has(&mut kept, 1));
        kept.insert([4; 32], answer(&[]));
        assert!(has(&mut kept, 1) && !has(&mut kept, 2) && has(&mut kept, 3) && has(&mut kept, 4));
        assert_eq!((kept.answers.len(), kept.by_tag.len()), (3, 2));
    }

    #[test]
    fn the_order_does_not_grow_with_what_is_gone() {
        let mut kept = Kept::new(3);
        for round in 0..1000_u64 {
            kept.insert([1; 32], answer(&[round]));
            kept.drop_tagged(round);
            kept.insert([2; 32], answer(&[]));
            assert!(kept.order.len() <= 6 && kept.by_tag.is_empty());
        }
        assert!(has(&mut kept, 2));
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let mut kept = Kept::new(0);
        kept.insert([1; 32], answer(&[]));
        assert!(!has(&mut kept, 1));
    }
}
