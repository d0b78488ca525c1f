//! The number of files and connections that the system lets this process open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// The largest number of open connections. One costs a few KiB while it waits for a request.
const CONNECTIONS: u64 = 16_384;
/// The descriptors for everything else: the database, the admin socket, outgoing requests.
const OTHERS: u64 = 256;

/// Raises the limit of open files as far as needed and allowed. (Most systems begin with 1,024, for the sake of old programs.)
/// Returns the number of connections that this allows, so that some descriptors are always left for the database.
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

/// If there are very few descriptors, half of them are for connections.
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
