//! Keys as the model has them: from when on each makes, and whether it is gone (decision 16).

/// The longest life that an access token ever had, in whatever configuration.
const LONGEST_ACCESS: i64 = 10 * 60 * 1000;
/// How long a key is published before it is used.
const PUBLISHED: i64 = 60 * 1000;

/// Keys of a purpose, in the order in which they are used: from when on, and whether it was revoked.
#[derive(Clone, Debug)]
pub(super) struct Keys(Vec<(i64, bool)>);

impl Keys {
    /// One that has always been.
    pub(super) fn first() -> Self {
        Self(vec![(i64::MIN, false)])
    }

    /// The key that makes what is made at this moment.
    pub(super) fn at(&self, moment: i64) -> usize {
        let all = self.0.iter().enumerate().filter(|(_, (_, revoked))| !revoked);
        let lives: Vec<usize> = all.map(|(key, _)| key).collect();
        let in_use = lives.iter().rfind(|key| self.0[**key].0 <= moment);
        in_use.or(lives.first()).copied().expect("there is always a key")
    }

    pub(super) fn lives(&self, key: usize) -> bool {
        !self.0[key].1
    }

    /// One is published, if none waits, to be used in a minute.
    pub(super) fn rotate(&mut self, now: i64) {
        if !self.0.iter().any(|(from, revoked)| !revoked && *from > now) {
            self.0.push((now + PUBLISHED, false));
        }
    }

    /// A key goes when all that it made has run out. That it is gone shows only when the clock is turned back.
    pub(super) fn retire(&mut self, now: i64) {
        let lives: Vec<usize> = (0..self.0.len()).filter(|key| self.lives(*key)).collect();
        for next in lives.windows(2) {
            self.0[next[0]].1 |= now >= self.0[next[1]].0 + LONGEST_ACCESS + PUBLISHED;
        }
    }

    /// Its place is taken at once, by the one that waits or a new one.
    pub(super) fn revoke(&mut self, key: usize, now: i64) {
        self.0[key].1 = true;
        match self.0.iter_mut().find(|(from, revoked)| !revoked && *from > now) {
            Some(waiting) => waiting.0 = now,
            None => self.0.push((now, false)),
        }
    }
}
