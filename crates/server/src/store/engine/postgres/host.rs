//! The host, of several, that a server is connected to: all its connections use the same one.
//!
//! A primary that was cut off still takes connections and answers reads, while another primary has been elected. A server
//! that wrote to one and read from the other would miss its own changes. So the first connection that finds another host
//! to write on moves all of them there, and a host that does not answer is tried last.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The host that all connections use.
#[derive(Default, Debug)]
pub(super) struct CurrentHost(Mutex<State>);

#[derive(Default, Debug)]
struct State {
    /// The index of the host in the URL.
    host: usize,
    /// The host to try first.
    first: usize,
    /// How often the host has changed.
    moves: u64,
}

/// A search for a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Search {
    pub(super) first: usize,
    moves: u64,
}

impl CurrentHost {
    /// Begins a search for the host to write on.
    pub(super) fn search(&self) -> Search {
        let state = self.state();
        let (first, moves) = (state.first, state.moves);
        Search { first, moves }
    }

    /// Records the host that a search found. `false`: the connection must not be used, since the others have moved
    /// elsewhere since the search began.
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

    /// A host did not answer: the next search begins at another.
    pub(super) fn doubt(&self, host: usize, hosts: usize) {
        let mut state = self.state();
        if state.host == host {
            state.first = (host + 1) % hosts.max(1);
        }
    }

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
