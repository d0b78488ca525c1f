//! Keys in the model: from when on each is used, and whether it was removed (decision 16).

/// The longest life that an access token ever had, in any configuration.
const LONGEST_ACCESS: i64 = 10 * 60 * 1000;
/// How long a key is published before it is used.
const PUBLISHED: i64 = 60 * 1000;

/// The keys of a purpose, in the order of their use: from when on, and whether it was removed.
#[derive(Clone, Debug)]
pub(super) struct Keys(Vec<(i64, bool)>);

impl Keys {
    /// A key that exists from the beginning.
    pub(super) fn first() -> Self {
        Self(vec![(i64::MIN, false)])
    }

    /// The key in use at this moment.
    pub(super) fn at(&self, moment: i64) -> usize {
        let all = self.0.iter().enumerate().filter(|(_, (_, revoked))| !revoked);
        let lives: Vec<usize> = all.map(|(key, _)| key).collect();
        let in_use = lives.iter().rfind(|key| self.0[**key].0 <= moment);
        in_use.or(lives.first()).copied().expect("there is always a key")
    }

    pub(super) fn lives(&self, key: usize) -> bool {
        !self.0[key].1
    }

    /// Publishes a key, if none waits. It is used a minute later.
    pub(super) fn rotate(&mut self, now: i64) {
        if !self.0.iter().any(|(from, revoked)| !revoked && *from > now) {
            self.0.push((now + PUBLISHED, false));
        }
    }

    /// Removes keys whose tokens have all expired. This shows only after the clock was turned back.
    pub(super) fn retire(&mut self, now: i64) {
        let lives: Vec<usize> = (0..self.0.len()).filter(|key| self.lives(*key)).collect();
        for next in lives.windows(2) {
            self.0[next[0]].1 |= now >= self.0[next[1]].0 + LONGEST_ACCESS + PUBLISHED;
        }
    }

    /// Revokes a key. The waiting key or a new one replaces it at once.
    pub(super) fn revoke(&mut self, key: usize, now: i64) {
        self.0[key].1 = true;
        match self.0.iter_mut().find(|(from, revoked)| !revoked && *from > now) {
            Some(waiting) => waiting.0 = now,
            None => self.0.push((now, false)),
        }
    }
}
