//! How many files and connections the system lets this process have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// How many connections are open at most. One costs a few KiB while it waits for a request.
const CONNECTIONS: u64 = 16_384;
/// What else needs a descriptor: the database, the admin socket, requests that go out.
const OTHERS: u64 = 256;

/// Raises what may be open as far as is needed and allowed (most systems begin with 1,024, of which they say that it is for
/// old programs), and answers how many connections that leaves: the database must never find that they took the last one.
pub(crate) fn connections() -> usize {
    let wanted = CONNECTIONS + OTHERS;
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < allowed) {
        limit.current = Some(allowed);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the number of open files stays as it is");
            limit = getrlimit(Resource::Nofile);
        }
    }
    left(limit.current.unwrap_or(u64::MAX))
}

/// Of very few, half are for connections.
fn left(open: u64) -> usize {
    let left = open.saturating_sub(OTHERS).max(open / 2).clamp(1, CONNECTIONS);
    usize::try_from(left).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_database() {
        assert_eq!(left(u64::MAX), 16_384);
        assert_eq!(left(1024), 768);
        assert_eq!(left(64), 32);
        assert!(connections() >= 1);
    }
}
