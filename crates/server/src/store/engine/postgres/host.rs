//! On which of several hosts a server of Hallpass is: all its connections are on the same one.
//!
//! A primary that was cut off still takes connections and answers reads, while another has been elected beside it. Who wrote
//! to the one and read from the other would miss what it was just told. So the first connection that finds another host to
//! write on moves everybody there, and a host that does not answer is not the first that is tried again.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a server of Hallpass is.
#[derive(Default, Debug)]
pub(super) struct CurrentHost(Mutex<State>);

#[derive(Default, Debug)]
struct State {
    /// The host, by its place in the URL.
    host: usize,
    /// The one to be tried first.
    first: usize,
    /// How often it has moved.
    moves: u64,
}

/// A search for a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Search {
    pub(super) first: usize,
    moves: u64,
}

impl CurrentHost {
    /// Begins to look for the host to write on.
    pub(super) fn search(&self) -> Search {
        let state = self.state();
        let (first, moves) = (state.first, state.moves);
        Search { first, moves }
    }

    /// That search found this host. Whether it counts: not where others have moved elsewhere since it began.
    pub(super) fn arrive(&self, search: Search, host: usize) -> bool {
        let mut state = self.state();
        if state.host != host {
            if state.moves != search.moves {
                return false;
            }
            (state.host, state.moves) = (host, state.moves + 1);
        }
        state.first = host;
        true
    }

    /// This host, of so many, did not answer.
    pub(super) fn doubt(&self, host: usize, hosts: usize) {
        let mut state = self.state();
        if state.host == host {
            state.first = (host + 1) % hosts.max(1);
        }
    }

    /// Whether this is the host.
    pub(super) fn is(&self, host: usize) -> bool {
        self.state().host == host
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::CurrentHost;

    #[test]
    fn who_finds_another_host_moves_everybody() {
        let place = CurrentHost::default();
        assert!(place.arrive(place.search(), 2));
        assert!(place.is(2) && !place.is(0));
        assert_eq!(place.search().first, 2);
    }

    #[test]
    fn a_host_that_does_not_answer_is_tried_last() {
        let place = CurrentHost::default();
        place.doubt(0, 3);
        assert_eq!(place.search().first, 1);
        assert!(place.is(0), "as long as there is no other");
        assert!(place.arrive(place.search(), 0));
        assert_eq!(place.search().first, 0);
        place.doubt(2, 3);
        assert_eq!(place.search().first, 0, "nobody is there any more");
    }

    #[test]
    fn who_found_the_host_that_others_have_left_is_too_late() {
        let place = CurrentHost::default();
        let (late, early) = (place.search(), place.search());
        assert!(place.arrive(early, 1));
        assert!(!place.arrive(late, 0));
        assert!(place.arrive(late, 1));
        assert!(place.is(1));
    }
}
