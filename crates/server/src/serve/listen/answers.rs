//! The open requests of one connection, and the answers that are being sent.

use super::arriving::Arriving;
use super::pulse::Pulse;
use crate::http::respond::Unchanged;
use crate::serve::in_flight::{HeldAmount, HeldKind, InFlight, SourceNetworks};
use http::{Method, Request, Response};
use hyper::body::{Body as _, Bytes, Incoming};
use std::sync::Arc;
use tokio::time::Instant;

/// Answers that hold less memory are not counted: a connection and its buffers take more.
const SMALL: usize = 1024;

/// A request that is being answered.
pub(super) struct Open(Arc<Pulse>);

impl Open {
    pub(super) fn begin(pulse: &Arc<Pulse>, request: &Request<Incoming>) -> Self {
        pulse.open(request.body().size_hint().exact());
        Self(pulse.clone())
    }

    /// The request's body.
    pub(super) fn arriving(&self, body: Incoming) -> Arriving {
        Arriving::new(body, self.0.clone())
    }

    /// The answer is ready: its bytes, which know when they have been sent.
    pub(super) fn answered(self, bytes: Bytes, held: Option<HeldAmount>) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        let number = self.0.unsent(Instant::now());
        let pulse = self.0.clone();
        Bytes::from_owner(Unsent {
            bytes,
            number,
            pulse,
            _held: held,
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close(Instant::now());
    }
}

/// The memory for requests is full.
pub(super) struct NoRoom;

/// Whether nothing is lost if the client must ask again. A refusal has changed nothing either. It may repeat much of the
/// request, so a source must not hold any number of refusals.
pub(super) fn is_repeatable<B>(method: &Method, answer: &Response<B>) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    reads || answer.status().is_client_error() || answer.extensions().get::<Unchanged>().is_some()
}

/// The memory for requests that an answer takes until it has been sent.
///
/// # Errors
/// If there is no memory, and the request is `repeatable`: it changed nothing, so nothing is lost if the client asks again.
pub(super) fn hold(
    in_flight: &Arc<InFlight>,
    source: SourceNetworks,
    bytes: &Bytes,
    repeatable: bool,
) -> Result<Option<HeldAmount>, NoRoom> {
    // Bytes with another owner are part of the program or of a cache, and take no further memory.
    if bytes.len() <= SMALL || !bytes.is_unique() {
        return Ok(None);
    }
    match repeatable {
        true => in_flight
            .take(source, HeldKind::Bytes, bytes.len())
            .map(Some)
            .ok_or(NoRoom),
        false => Ok(Some(in_flight.take_anyway(source, HeldKind::Bytes, bytes.len()))),
    }
}

/// The bytes of an answer, until hyper, or the HTTP/2 stream that waits for its window, drops them.
struct Unsent {
    bytes: Bytes,
    number: u64,
    pulse: Arc<Pulse>,
    _held: Option<HeldAmount>,
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.pulse.sent(self.number, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::respond;
    use crate::http::source::Proxies;

    #[test]
    fn only_an_answer_that_tells_of_a_change_is_sent_where_there_is_no_room() {
        let in_flight = Arc::new(InFlight::default());
        let source = SourceNetworks::of([192, 0, 2, 1].into(), &Proxies::new(Vec::new()));
        let _all = in_flight.take(source, HeldKind::Bytes, 4 * 1024 * 1024);
        let page = Bytes::from(vec![b'a'; SMALL + 1]);
        for (method, status, changed, sent) in [
            (Method::GET, 200, true, false),
            (Method::HEAD, 200, true, false),
            (Method::POST, 200, true, true),
            (Method::POST, 200, false, false),
            (Method::POST, 503, true, true),
            (Method::POST, 400, true, false),
            (Method::POST, 429, true, false),
        ] {
            let mut answer = respond::empty(status);
            if !changed {
                answer = respond::unchanged(answer);
            }
            let held = hold(&in_flight, source, &page, is_repeatable(&method, &answer));
            assert_eq!(held.is_ok(), sent, "{method} {status} {changed}");
        }
    }
}
