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
        pulse.open();
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
    pulse.open();
    pulse.close(begun);
    for second in [30, 44] {
        pulse.heard(b"G", after(begun, second));
        assert_eq!(due(&pulse), (45, Cut::AtOnce));
    }
    pulse.open();
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
    pulse.open();
    pulse.close(after(begun, 10));
    pulse.heard(b"ping", after(begun, 20));
    assert_eq!(due(&pulse), (85, Cut::Idle));
}

/// Whatever else happens on the connection.
#[tokio::test]
async fn an_answer_that_is_not_taken_in_15_seconds_ends_the_connection() {
    let (pulse, begun, due) = begun();
    pulse.open();
    let first = pulse.unsent(after(begun, 1));
    pulse.close(after(begun, 1));
    for second in [4, 8, 12] {
        pulse.open();
        let number = pulse.unsent(after(begun, second));
        pulse.close(after(begun, second));
        pulse.sent(number, after(begun, second));
    }
    assert_eq!(due(&pulse), (16, Cut::AtOnce));
    pulse.sent(first, after(begun, 13));
    assert_eq!(due(&pulse), (88, Cut::Idle));
}

#[tokio::test]
async fn a_socket_that_takes_nothing_for_15_seconds_is_closed() {
    let (pulse, begun, due) = begun();
    pulse.open();
    pulse.blocked(after(begun, 2));
    // It takes a byte now and then.
    pulse.blocked(after(begun, 9));
    assert_eq!(due(&pulse), (17, Cut::AtOnce));
    pulse.flushed();
    pulse.close(after(begun, 10));
    assert_eq!(due(&pulse), (85, Cut::Idle));
}

#[tokio::test]
async fn a_hundred_requests_may_be_taken_back_beyond_half_of_all() {
    let (pulse, begun, _) = begun();
    for _ in 0..200 {
        pulse.open();
        pulse.close(begun);
    }
    pulse.taken_back(200);
    assert!(pulse.cut().now_or_never().is_none());
    pulse.taken_back(1);
    assert_eq!(pulse.cut().await, Cut::AtOnce);
}
