use super::*;
use futures_util::FutureExt as _;

fn after(begun: Instant, seconds: u64) -> Instant {
    begun + Duration::from_secs(seconds)
}

/// A connection, when it began, and after how many seconds it is due, and how.
fn begun() -> (Pulse, Instant, impl Fn(&Pulse) -> (u64, Cut)) {
    let begun = Instant::now();
    let due = move |pulse: &Pulse| {
        let (at, cut) = pulse.due().unwrap();
        ((at - begun).as_secs(), cut)
    };
    (Pulse::begin(Patience::default(), begun), begun, due)
}

#[tokio::test]
async fn the_first_request_is_due_in_15_seconds() {
    let (pulse, begun, due) = begun();
    assert_eq!(due(&pulse), (15, Cut::AtOnce));
    for second in [0, 5, 14] {
        pulse.heard(b"G", after(begun, second));
        assert_eq!(due(&pulse), (15, Cut::AtOnce), "one byte at {second}");
    }
}

#[tokio::test]
async fn a_connection_idle_between_requests_lives_75_seconds() {
    let (pulse, begun, due) = begun();
    for asked in [3, 77, 151] {
        pulse.heard(b"GET / HTTP/1.1\r\n\r\n", after(begun, asked));
        pulse.open(Some(0));
        let number = pulse.unsent(after(begun, asked));
        pulse.close(after(begun, asked));
        pulse.sent(number, after(begun, asked));
        assert_eq!(due(&pulse), (asked + 75, Cut::Idle));
    }
    pulse.heard(b"\r\n", after(begun, 160));
    assert_eq!(due(&pulse), (151 + 75, Cut::Idle), "a line break is not a request");
}

/// A client that sends a byte every 14 seconds has 15 for all of the headers.
#[tokio::test]
async fn headers_that_come_slowly_are_due_15_seconds_after_their_first_byte() {
    let (pulse, begun, due) = begun();
    pulse.open(Some(0));
    pulse.close(begun);
    for second in [30, 44] {
        pulse.heard(b"G", after(begun, second));
        assert_eq!(due(&pulse), (45, Cut::AtOnce));
    }
    pulse.heard(b"ET / HTTP/1.1\r\n\r\n", after(begun, 44));
    pulse.open(Some(0));
    pulse.close(after(begun, 44));
    assert_eq!(due(&pulse), (119, Cut::Idle));
}

#[tokio::test]
async fn pings_of_http_2_keep_no_connection() {
    let (pulse, begun, due) = begun();
    pulse.is_http2();
    for second in 0..15 {
        pulse.heard(b"ping", after(begun, second));
    }
    assert_eq!(due(&pulse), (15, Cut::AtOnce));
    pulse.open(Some(0));
    pulse.close(after(begun, 10));
    pulse.heard(b"ping", after(begun, 20));
    assert_eq!(due(&pulse), (85, Cut::Idle));
}

/// Whatever else happens on the connection.
#[tokio::test]
async fn an_answer_that_is_not_taken_in_15_seconds_ends_the_connection() {
    let (pulse, begun, due) = begun();
    pulse.open(Some(0));
    let first = pulse.unsent(after(begun, 1));
    pulse.close(after(begun, 1));
    for second in [4, 8, 12] {
        pulse.open(Some(0));
        let number = pulse.unsent(after(begun, second));
        pulse.close(after(begun, second));
        pulse.sent(number, after(begun, second));
    }
    assert_eq!(due(&pulse), (16, Cut::AtOnce));
    pulse.sent(first, after(begun, 13));
    assert_eq!(due(&pulse), (88, Cut::Idle));
}

#[tokio::test]
async fn a_socket_that_takes_next_to_nothing_for_15_seconds_is_closed() {
    let (pulse, begun, due) = begun();
    pulse.open(Some(0));
    pulse.blocked(1000, after(begun, 2));
    // It takes a byte now and then.
    pulse.took(1);
    pulse.blocked(999, after(begun, 9));
    assert_eq!(due(&pulse), (17, Cut::AtOnce));
    pulse.flushed();
    pulse.close(after(begun, 10));
    assert_eq!(due(&pulse), (85, Cut::Idle));
}

/// A busy HTTP/2 connection has always something to send: it is never flushed to the end.
#[tokio::test]
async fn a_socket_that_moves_slowly_stays() {
    let (pulse, begun, due) = begun();
    pulse.is_http2();
    pulse.open(None);
    for second in [2, 12, 22] {
        pulse.blocked(1000, after(begun, second));
        assert_eq!(due(&pulse), (second + 15, Cut::AtOnce));
        pulse.took(400);
        pulse.blocked(5600, after(begun, second + 5));
        assert_eq!(due(&pulse), (second + 15, Cut::AtOnce));
        pulse.took(600);
    }
    pulse.close(after(begun, 30));
    assert_eq!(due(&pulse), (105, Cut::Idle));
}

/// RFC 9112 §9.3.2: the next request may come before the answer.
#[tokio::test]
async fn headers_that_begin_while_a_request_is_open_are_due_15_seconds_after_it() {
    const POST: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b";
    for (bytes, body, begins) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], Some(0), false),
        (b"GET / HTTP/1.1\n\n\r\n", Some(0), false),
        (b"GET / HTTP/1.1\r\n\r\nG", Some(0), true),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n", Some(0), true),
        (POST, Some(3), false),
        (&[POST, b"\r\n"].concat(), Some(3), false),
        (&[POST, b"POST"].concat(), Some(3), true),
        // In chunks: the answer says that it is the last one.
        (&[POST, b"POST"].concat(), None, false),
    ] {
        for size in [1, 3, bytes.len()] {
            let (pulse, begun, due) = begun();
            for piece in bytes.chunks(size) {
                pulse.heard(piece, begun);
            }
            pulse.open(body);
            pulse.close(after(begun, 7));
            let expected = if begins { (22, Cut::AtOnce) } else { (82, Cut::Idle) };
            assert_eq!(due(&pulse), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}

/// However many are complete before and answered meanwhile.
#[tokio::test]
async fn http_2_headers_are_due_15_seconds_after_their_first_byte() {
    let (pulse, begun, due) = begun();
    pulse.heard(b"PRI * HT", begun);
    pulse.is_http2();
    pulse.open(None);
    assert_eq!(pulse.due(), None);
    pulse.http2_headers(true, true, after(begun, 5));
    pulse.open(None);
    pulse.http2_headers(false, true, after(begun, 9));
    assert_eq!(due(&pulse), (20, Cut::AtOnce));
    pulse.http2_headers(true, true, after(begun, 14));
    assert_eq!(due(&pulse), (29, Cut::AtOnce));
    pulse.http2_headers(true, false, after(begun, 15));
    assert_eq!(pulse.due(), None);
}

#[tokio::test]
async fn a_hundred_requests_may_be_taken_back_beyond_half_of_all() {
    let (pulse, begun, _) = begun();
    for _ in 0..200 {
        pulse.open(Some(0));
        pulse.close(begun);
    }
    pulse.taken_back(200);
    assert!(pulse.cut().now_or_never().is_none());
    pulse.taken_back(1);
    assert_eq!(pulse.cut().await, Cut::AtOnce);
}

/// What hyper reads then is the next request: what is left of a body, or bytes behind an answer that is not sent, are none.
#[tokio::test]
async fn a_connection_rests_where_body_and_answer_have_come_to_their_end() {
    let (pulse, begun, _) = begun();
    pulse.silent();
    assert_eq!(
        pulse.rest(),
        Some(Rest {
            since: begun,
            begun: false
        })
    );
    pulse.heard(b"POST", begun);
    assert_eq!(pulse.rest(), None, "hyper has not looked at these bytes");
    pulse.silent();
    assert_eq!(
        pulse.rest(),
        Some(Rest {
            since: begun,
            begun: true
        })
    );

    let rests = |body: u64, read: bool, sent: bool, taken: bool| {
        pulse.open(Some(body));
        pulse.silent();
        assert_eq!(pulse.rest(), None, "a request is being answered");
        if read {
            pulse.heard_out();
        }
        let number = pulse.unsent(begun);
        pulse.close(begun);
        if sent {
            pulse.sent(number, begun);
        }
        if !taken {
            pulse.blocked(1, begun);
        }
        pulse.silent();
        let rests = pulse.rest().is_some();
        pulse.sent(number, begun);
        pulse.flushed();
        rests
    };
    assert!(rests(0, false, true, true));
    assert!(rests(4, true, true, true));
    assert!(!rests(4, false, true, true), "the body was not read to its end");
    assert!(!rests(4, true, false, true), "the answer was not sent");
    assert!(!rests(4, true, true, false), "the socket did not take it");
    pulse.is_http2();
    assert!(!rests(0, false, true, true), "HTTP/2");
}
