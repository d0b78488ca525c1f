//! The head of a request: its length, and the memory that it takes while the request is open.

use super::answers::NoRoom;
use crate::http::body::Share;
use crate::serve::in_flight::{HeldAmount, HeldKind};
use http::Request;

/// The bytes that a header counts in addition to its name and value (RFC 9113 §6.5.2).
pub(super) const EACH_HEADER: usize = 32;

/// The bytes that a header takes in memory in addition to its name and value: its places in the map of headers.
const EACH_PLACE: usize = 112;

/// Heads that take less memory are not counted: a connection and its buffers take more.
const SMALL: usize = 2 * 1024;

/// The length of the head as HTTP/2 counts it, in bytes, with the address (RFC 9113 §6.5.2).
pub(super) fn length<B>(request: &Request<B>) -> usize {
    let pseudo = 4;
    text(request) + (pseudo + request.headers().len()) * EACH_HEADER
}

/// The memory that the head takes until the request is answered. It may be long: the client sends the body when it likes. It counts
/// for the same source as the body.
///
/// # Errors
/// If there is no memory. Nothing was done yet, so the client can ask again.
pub(super) fn hold<B>(request: &Request<B>, share: impl FnOnce() -> Share) -> Result<Option<HeldAmount>, NoRoom> {
    let taken = text(request) + request.headers().len() * EACH_PLACE;
    if taken <= SMALL {
        return Ok(None);
    }
    let Share(in_flight, source) = share();
    in_flight.take(source, HeldKind::Bytes, taken).map(Some).ok_or(NoRoom)
}

/// The bytes of the address, and of the names and values of all headers.
fn text<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let address = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let headers = request.headers().iter();
    headers.fold(address + authority, |size, (name, value)| {
        size + name.as_str().len() + value.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::source::Proxies;
    use crate::serve::in_flight::{InFlight, SourceNetworks};
    use std::sync::Arc;

    fn with_headers(count: usize, value: usize) -> Request<()> {
        let request = Request::post("http://id.example/oauth/token?a=b");
        let headers = (0..count).fold(request, |request, n| request.header(format!("x{n}"), "v".repeat(value)));
        headers.body(()).unwrap()
    }

    #[test]
    fn a_head_is_as_long_as_http_2_says() {
        let address = "id.example/oauth/token?a=b".len();
        assert_eq!(length(&with_headers(0, 0)), address + 4 * 32);
        assert_eq!(length(&with_headers(1, 10)), address + 4 * 32 + 2 + 10 + 32);
    }

    #[test]
    fn a_head_takes_memory_for_its_text_and_for_each_header() {
        let in_flight = Arc::new(InFlight::default());
        let source = SourceNetworks::of([192, 0, 2, 1].into(), &Proxies::new(Vec::new()));
        let hold = |count, value| hold(&with_headers(count, value), || Share(in_flight.clone(), source));
        let held = |count, value| hold(count, value).ok().unwrap().map_or(0, |held| held.amount());
        assert_eq!(held(5, 100), 0);
        assert!(held(1, 8000) > 8000);
        assert!(held(200, 1) > 200 * EACH_PLACE);
        let all = in_flight.take(source, HeldKind::Bytes, 4 * 1024 * 1024).unwrap();
        assert!(hold(1, 8000).is_err());
        assert!(hold(5, 100).is_ok());
        drop(all);
        assert!(hold(1, 8000).is_ok());
    }
}
