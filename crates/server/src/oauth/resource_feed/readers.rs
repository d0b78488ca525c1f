//! How many requests of the feed may wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most requests of one resource that wait: one for each process of an API.
const PER_RESOURCE: usize = 32;
/// The most requests that wait.
const ALL: usize = 256;

/// Who waits.
#[derive(Clone, Default, Debug)]
pub(crate) struct Readers(Arc<Mutex<Waiting>>);

#[derive(Default, Debug)]
struct Waiting {
    all: usize,
    of: HashMap<String, usize>,
}

/// Why a request may not wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Crowded {
    /// Too many requests of this resource wait.
    Resource,
    /// Too many requests wait.
    Server,
}

/// A request that waits. Dropping it makes room.
#[derive(Debug)]
pub(crate) struct Reader {
    readers: Readers,
    resource: String,
}

impl Readers {
    /// Lets one more request of a resource wait.
    ///
    /// # Errors
    /// If too many wait.
    pub(crate) fn enter(&self, resource: &str) -> Result<Reader, Crowded> {
        let mut waiting = self.lock();
        if waiting.all >= ALL {
            return Err(Crowded::Server);
        }
        let own = waiting.of.get(resource).copied().unwrap_or_default();
        if own >= PER_RESOURCE {
            return Err(Crowded::Resource);
        }
        waiting.all += 1;
        waiting.of.insert(resource.to_owned(), own + 1);
        Ok(Reader {
            readers: self.clone(),
            resource: resource.to_owned(),
        })
    }

    /// A poisoned lock is usable: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut waiting = self.readers.lock();
        waiting.all -= 1;
        if let Some(own) = waiting.of.get_mut(&self.resource) {
            *own -= 1;
            if *own == 0 {
                waiting.of.remove(&self.resource);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_a_part_of_the_places() {
        let readers = Readers::default();
        let mut held: Vec<Reader> = (0..PER_RESOURCE).map(|_| readers.enter("a").unwrap()).collect();
        assert_eq!(readers.enter("a").unwrap_err(), Crowded::Resource);
        assert!(readers.enter("b").is_ok());
        held.pop();
        assert!(readers.enter("a").is_ok());
    }

    #[test]
    fn the_server_has_so_many_places() {
        let readers = Readers::default();
        let held: Vec<Reader> = (0..ALL).map(|n| readers.enter(&(n / 8).to_string()).unwrap()).collect();
        assert_eq!(readers.enter("a").unwrap_err(), Crowded::Server);
        drop(held);
        assert!(readers.enter("a").is_ok());
        assert_eq!(readers.lock().all, 0);
        assert!(readers.lock().of.is_empty());
    }
}
