//! What a reader of the log gets, at the same server and at another.

use super::*;

const EPOCH: [u8; 16] = [9; 16];

fn epoch() -> ShortName {
    ShortName::of(EPOCH)
}

fn change(node: u8, number: i64) -> Change {
    Change {
        node: [node; 16],
        number,
        at: Instant(0),
        expires: Instant(0),
        kind: ChangeKind::Grant,
        subject: vec![u8::try_from(number).unwrap_or(0); 16],
        value: 0,
    }
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id.unwrap().number).collect()
}

fn seconds(seconds: i64) -> Instant {
    Instant(seconds * 1000)
}

#[test]
fn a_reader_gets_what_came_after_its_position() {
    let log = Log::begin(seconds(0));
    let begin = log.position(epoch(), seconds(1));
    log.add(&[change(1, 1), change(1, 2)], seconds(1));
    let (events, middle) = log.after(&begin, seconds(1)).unwrap();
    assert_eq!(numbers(&events), [1, 2]);
    log.add(&[change(1, 5)], seconds(2));
    let (events, end) = log.after(&middle, seconds(2)).unwrap();
    assert_eq!(numbers(&events), [5]);
    assert_eq!(log.after(&end, seconds(2)).unwrap().0, []);
}

#[test]
fn an_entry_that_is_reported_twice_is_logged_once() {
    let log = Log::begin(seconds(0));
    let begin = log.position(epoch(), seconds(1));
    log.add(&[change(1, 1), change(1, 2)], seconds(1));
    log.add(&[change(1, 1), change(1, 3)], seconds(1));
    assert_eq!(numbers(&log.after(&begin, seconds(1)).unwrap().0), [1, 2, 3]);
}

#[test]
fn a_reader_that_missed_more_than_is_kept_begins_again() {
    let log = Log::begin(seconds(0));
    let begin = log.position(epoch(), seconds(1));
    let most = i64::try_from(EVENTS).unwrap();
    (1..=most).for_each(|number| log.add(&[change(1, number)], seconds(1)));
    assert_eq!(log.after(&begin, seconds(1)).unwrap().0.len(), EVENTS);
    log.add(&[change(1, most + 1)], seconds(1));
    assert_eq!(log.after(&begin, seconds(1)), Err(Gap));
}

#[test]
fn a_position_of_the_future_is_a_gap() {
    let log = Log::begin(seconds(0));
    let mut position = log.position(epoch(), seconds(1));
    position.count = 1;
    assert_eq!(log.after(&position, seconds(1)), Err(Gap));
}

/// Two servers take in the entries of two runs. The reader changes from one to the other.
#[test]
fn another_server_tells_what_the_first_did_not_know() {
    let (one, other) = (Log::begin(seconds(0)), Log::begin(seconds(0)));
    one.add(&[change(1, 1), change(2, 1)], seconds(100));
    other.add(&[change(2, 1), change(2, 2), change(1, 1)], seconds(100));
    let position = one.position(epoch(), seconds(101));
    let (events, after) = other.after(&position, seconds(101)).unwrap();
    assert_eq!(numbers(&events), [2], "it has the position's other events");
    assert_eq!(one.after(&after, seconds(101)).unwrap().0, [], "and back again");
}

#[test]
fn the_event_of_a_run_that_a_position_does_not_name_is_told_if_it_came_lately() {
    let (one, other) = (Log::begin(seconds(0)), Log::begin(seconds(0)));
    other.add(&[change(3, 1)], seconds(100));
    other.add(&[change(4, 1)], seconds(200));
    let position = one.position(epoch(), seconds(205));
    assert_eq!(
        numbers(&other.after(&position, seconds(205)).unwrap().0),
        [1],
        "the first is older than any server's memory"
    );
}

#[test]
fn a_run_is_named_for_a_minute() {
    let (one, other) = (Log::begin(seconds(0)), Log::begin(seconds(0)));
    for log in [&one, &other] {
        log.add(&[change(1, 1)], seconds(100));
    }
    for (at, runs) in [(101, 1), (159, 1), (160, 0)] {
        let position = one.position(epoch(), seconds(at));
        assert_eq!(position.runs.len(), runs, "{at}");
        assert_eq!(other.after(&position, seconds(at)).unwrap().0, [], "{at}");
    }
}

#[test]
fn a_server_that_began_after_a_position_does_not_know_what_came_before() {
    let one = Log::begin(seconds(0));
    let position = one.position(epoch(), seconds(105));
    assert_eq!(Log::begin(seconds(95)).after(&position, seconds(106)), Err(Gap));
    assert!(Log::begin(seconds(94)).after(&position, seconds(106)).is_ok());
}

#[test]
fn a_snapshot_has_the_events_of_the_last_seconds() {
    let log = Log::begin(seconds(0));
    log.add(&[change(1, 1)], seconds(100));
    log.add(&[change(1, 2)], seconds(105));
    assert_eq!(numbers(&log.snapshot(epoch(), seconds(110)).0), [1, 2]);
    assert_eq!(numbers(&log.snapshot(epoch(), seconds(111)).0), [2]);
    assert_eq!(log.snapshot(epoch(), seconds(116)).0, []);
}

#[test]
fn a_key_and_a_word_of_a_later_version_are_reflected_later() {
    let log = Log::begin(seconds(0));
    let begin = log.position(epoch(), seconds(1));
    let (key, unknown) = (ChangeKind::Key, ChangeKind::Unknown);
    let value = 7;
    let of_key = Change {
        kind: key,
        value,
        subject: vec![],
        ..change(1, 1)
    };
    let of_later = Change {
        kind: unknown,
        ..change(1, 2)
    };
    log.add(&[of_key, of_later], seconds(1));
    log.add_all(seconds(1));
    let (events, _) = log.after(&begin, seconds(1)).unwrap();
    let told = events.iter().map(|event| (event.subject.clone(), event.reflected));
    let expected = [Subject::Key(7), Subject::All, Subject::All].map(|subject| (subject, false));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn a_change_that_cannot_be_read_is_about_everything() {
    for (kind, subject_bytes, expected) in [
        (
            ChangeKind::Grant,
            vec![1; 16],
            Subject::Grant(Uuid::from_bytes([1; 16])),
        ),
        (ChangeKind::Grant, vec![1; 15], Subject::All),
        (ChangeKind::App, vec![1; 32], Subject::All),
        (
            ChangeKind::Membership,
            vec![1; 32],
            Subject::Member(Uuid::from_bytes([1; 16]), Uuid::from_bytes([1; 16])),
        ),
        (
            ChangeKind::Resource,
            b"api".to_vec(),
            Subject::Resource("api".to_owned()),
        ),
        (ChangeKind::Resource, vec![0xff], Subject::All),
        (ChangeKind::Unknown, vec![1; 16], Subject::All),
    ] {
        let change = Change {
            kind,
            subject: subject_bytes,
            ..change(1, 1)
        };
        assert_eq!(subject(&change), expected);
    }
}

#[test]
fn after_a_start_a_snapshot_has_what_was_written_just_before() {
    let log = Log::begin(seconds(0));
    log.load();
    let written = |number, at| Change {
        at: seconds(at),
        ..change(1, number)
    };
    log.add(&[written(1, 50), written(2, 95), written(3, 500)], seconds(100));
    log.loaded(seconds(100));
    let (events, _) = log.snapshot(epoch(), seconds(100));
    assert_eq!(numbers(&events), [2, 3], "the clock was set back after the last one");
    // Another server's reader comes with a position from before the two.
    let mut position = Log::begin(seconds(0)).position(epoch(), seconds(101));
    position.runs = vec![EventId {
        run: ShortName::of([1; 16]),
        number: 1,
    }];
    assert_eq!(numbers(&log.after(&position, seconds(101)).unwrap().0), [2, 3]);
}

#[test]
fn a_snapshot_that_lacks_events_says_that_anything_may_have_ended() {
    let log = Log::begin(seconds(0));
    let most = i64::try_from(EVENTS).unwrap();
    (1..=most + 1).for_each(|number| log.add(&[change(1, number)], seconds(100)));
    let last = |now| {
        log.snapshot(epoch(), seconds(now))
            .0
            .last()
            .map(|event| event.subject.clone())
    };
    assert_eq!(last(100), Some(Subject::All), "the first event is not known any more");
    assert_eq!(last(111), None);
}

#[test]
fn a_position_of_a_clock_that_was_ahead_is_a_gap_at_another_server() {
    let (one, other) = (Log::begin(seconds(0)), Log::begin(seconds(0)));
    let ahead = one.position(epoch(), seconds(3_600));
    assert_eq!(other.after(&ahead, seconds(100)), Err(Gap));
    assert!(one.after(&ahead, seconds(100)).is_ok(), "its own count needs no clock");
}
