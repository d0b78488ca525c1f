//! The three rules of the feed (docs/guide/resource-feed.md, "How to keep answers").

use super::position::{EventId, Position};
use super::tag;
use crate::clock::Moment;
use crate::kept::Kept;
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// For how long after an event no answer about it is kept: another server may learn of the event two seconds later, and
/// the feed has delays too.
const AGAINST: Duration = Duration::from_secs(5);
/// An answer that takes longer is not kept: when it comes, an event about it may be forgotten already.
const LONGEST_REQUEST: Duration = Duration::from_secs(5);
/// How long an event is remembered.
const REMEMBERED: Duration = Duration::from_secs(10);
/// The feed is alive while its last good request was sent less than this ago.
const ALIVE: Duration = Duration::from_secs(3);
/// The most remembered events. With more of them, nothing is kept for a while.
const MOST_EVENTS: usize = 10_000;

/// An answer of the feed, read.
pub(super) struct News {
    pub(super) position: Position,
    events: Vec<(Option<EventId>, Vec<String>)>,
    /// Only a snapshot has it.
    ended: Option<Vec<String>>,
}

/// What is remembered of the feed.
#[derive(Default)]
pub(super) struct Events {
    /// When the last request was sent that was answered with 200.
    answered: Option<Moment>,
    /// When the snapshot came.
    snapshot: Option<Moment>,
    recent: VecDeque<Event>,
    ended: HashSet<u64>,
    /// There were too many events to remember: until then nothing is kept that was asked before.
    overflow: Option<Moment>,
}

struct Event {
    came: Moment,
    id: Option<EventId>,
    tags: Vec<u64>,
}

impl News {
    /// Whether the answer says only that nothing happened.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.ended.is_none()
    }

    /// Reads the answer to a request with a position, or a snapshot. `None` if it is not one.
    pub(super) fn read(body: &[u8], is_snapshot: bool) -> Option<Self> {
        let document: Value = serde_json::from_slice(body).ok()?;
        let position = Position::parse(document.get("position")?.as_str()?)?;
        let events = document.get("events")?.as_array()?;
        let events = events.iter().map(event).collect::<Option<_>>()?;
        let ended = match document.get("ended") {
            Some(ended) => Some(texts(ended)?),
            None if is_snapshot => return None,
            None => None,
        };
        Some(Self {
            position,
            events,
            ended,
        })
    }
}

fn event(event: &Value) -> Option<(Option<EventId>, Vec<String>)> {
    let id = event.get("id").and_then(Value::as_str).and_then(EventId::parse);
    Some((id, texts(event.get("tags")?)?))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array()?;
    list.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

impl Events {
    /// Rule 3.
    pub(super) fn is_alive(&self, now: Moment) -> bool {
        self.answered.is_some_and(|sent| now.age_of(sent) < ALIVE)
    }

    /// Rule 2.
    pub(super) fn allows(&self, tags: &[u64], position: &Position, sent: Moment, now: Moment) -> bool {
        let Some(snapshot) = self.snapshot else { return false };
        let timely = sent.steady > snapshot.steady && now.age_of(sent) < LONGEST_REQUEST;
        if !timely || tags.iter().any(|tag| self.ended.contains(tag)) {
            return false;
        }
        // "After the moment five seconds before the request": the same as five seconds after the event.
        let since = |came: Moment| came.steady + AGAINST > sent.steady;
        if self.overflow.is_some_and(since) {
            return false;
        }
        let all = tag("all");
        let speaks_against = |event: &Event| {
            let covered = event.id.as_ref().is_some_and(|id| position.covers(id));
            let named = || event.tags.iter().any(|tag| *tag == all || tags.contains(tag));
            since(event.came) && !covered && named()
        };
        !self.recent.iter().any(speaks_against)
    }

    /// Rule 1.
    pub(super) fn take(&mut self, news: News, sent: Moment, now: Moment, kept: &mut Kept) {
        if let Some(ended) = news.ended {
            // `Feed::lose` has dropped what was kept before, and without a snapshot nothing is kept.
            self.ended = ended.iter().map(|text| tag(text)).collect();
            self.snapshot = Some(now);
        }
        let old = |event: &Event| now.steady.saturating_sub(event.came.steady) > REMEMBERED;
        while self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        for (id, tags) in news.events {
            self.remember(id, &tags, now, kept);
        }
        self.answered = Some(sent);
    }

    fn remember(&mut self, id: Option<EventId>, tags: &[String], now: Moment, kept: &mut Kept) {
        let tags: Vec<u64> = tags.iter().map(|text| tag(text)).collect();
        if tags.contains(&tag("all")) {
            kept.clear();
        }
        for tag in &tags {
            kept.drop_tagged(*tag);
        }
        if self.recent.len() >= MOST_EVENTS {
            self.overflow = Some(now);
            self.recent.clear();
        }
        self.recent.push_back(Event { came: now, id, tags });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: &str = "ab.cd-1.1.ef-5";

    fn at(millis: u64) -> Moment {
        Moment {
            now_ms: i64::try_from(millis).unwrap(),
            steady: Duration::from_millis(millis),
        }
    }

    /// A feed whose snapshot came at 1,000 ms.
    fn begun(ended: &str, events: &str) -> Events {
        let mut feed = Events::default();
        take(
            &mut feed,
            &format!(r#"{{"position":"{POSITION}","events":[{events}],"ended":[{ended}],"whole":true}}"#),
            990,
            1_000,
        );
        feed
    }

    fn take(feed: &mut Events, body: &str, sent: u64, came: u64) {
        let snapshot = feed.snapshot.is_none();
        let news = News::read(body.as_bytes(), snapshot).expect("an answer of the feed");
        feed.take(news, at(sent), at(came), &mut Kept::new(8));
    }

    fn later(feed: &mut Events, events: &str, came: u64) {
        take(
            feed,
            &format!(r#"{{"position":"{POSITION}","events":[{events}]}}"#),
            came - 10,
            came,
        );
    }

    fn allowed(feed: &Events, tags: &[&str], sent: u64) -> bool {
        let tags: Vec<u64> = tags.iter().map(|text| tag(text)).collect();
        // The answer takes a moment.
        feed.allows(&tags, &Position::parse(POSITION).unwrap(), at(sent), at(sent + 100))
    }

    #[test]
    fn it_is_alive_for_three_seconds_after_its_last_good_request_was_sent() {
        assert!(!Events::default().is_alive(at(0)));
        let mut feed = begun("", "");
        assert!(feed.is_alive(at(3_989)) && !feed.is_alive(at(3_990)));
        later(&mut feed, "", 4_500);
        assert!(feed.is_alive(at(7_489)) && !feed.is_alive(at(7_490)));
        // A machine that slept: the time of day says more than the steady clock.
        let woken = Moment {
            now_ms: 100_000,
            steady: Duration::from_millis(5_000),
        };
        assert!(!feed.is_alive(woken));
    }

    #[test]
    fn an_answer_asked_before_the_snapshot_came_is_not_kept() {
        let feed = begun("", "");
        assert!(!allowed(&feed, &["grant:a"], 1_000));
        assert!(allowed(&feed, &["grant:a"], 1_001));
        assert!(!allowed(&Events::default(), &["grant:a"], 1_001));
    }

    #[test]
    fn an_answer_about_what_had_ended_is_not_kept() {
        let feed = begun(r#""grant:a""#, "");
        assert!(!allowed(&feed, &["person:p", "grant:a"], 60_000));
        assert!(allowed(&feed, &["grant:b"], 60_000));
    }

    #[test]
    fn an_event_speaks_against_answers_for_five_seconds() {
        let mut feed = begun("", "");
        later(
            &mut feed,
            r#"{"id":"ef-6","tags":["grant:a"]},{"tags":["app:x"]}"#,
            10_000,
        );
        // Sent before the event, at it, and five seconds after it.
        for sent in [9_000, 10_000, 14_999] {
            assert!(!allowed(&feed, &["grant:a"], sent), "{sent}");
            assert!(!allowed(&feed, &["app:x"], sent), "{sent}");
            assert!(allowed(&feed, &["grant:b"], sent), "{sent}");
        }
        assert!(allowed(&feed, &["grant:a"], 15_000));
    }

    #[test]
    fn an_answer_that_took_too_long_is_not_kept() {
        let feed = begun("", "");
        let after = |millis: u64| feed.allows(&[1], &Position::parse(POSITION).unwrap(), at(2_000), at(2_000 + millis));
        assert!(after(4_999) && !after(5_000));
    }

    #[test]
    fn an_event_from_before_the_request_still_speaks_against_a_slow_answer() {
        let mut feed = begun("", "");
        later(&mut feed, r#"{"tags":["grant:a"]}"#, 10_000);
        // Sent 4.9 seconds after the event, answered 4.9 seconds later, and the feed went on meanwhile.
        later(&mut feed, "", 19_700);
        let slow = feed.allows(
            &[tag("grant:a")],
            &Position::parse(POSITION).unwrap(),
            at(14_900),
            at(19_800),
        );
        assert!(!slow);
    }

    #[test]
    fn a_covered_event_does_not_speak_against_an_answer() {
        let mut feed = begun("", "");
        later(&mut feed, r#"{"id":"ef-5","tags":["grant:a"]}"#, 10_000);
        assert!(allowed(&feed, &["grant:a"], 10_001));
        later(&mut feed, r#"{"id":"ef-6","tags":["grant:a"]}"#, 10_100);
        assert!(!allowed(&feed, &["grant:a"], 10_101));
    }

    #[test]
    fn all_names_every_answer() {
        let mut feed = begun("", "");
        later(&mut feed, r#"{"tags":["all"]}"#, 10_000);
        assert!(!allowed(&feed, &["grant:b"], 10_001));
    }

    #[test]
    fn the_events_of_a_snapshot_count_as_new() {
        let feed = begun("", r#"{"id":"ef-9","tags":["grant:a"]}"#);
        assert!(!allowed(&feed, &["grant:a"], 1_001));
        assert!(allowed(&feed, &["grant:a"], 6_001));
    }

    #[test]
    fn with_too_many_events_nothing_is_kept_for_a_while() {
        let mut feed = begun("", "");
        let many = vec![r#"{"tags":["grant:x"]}"#; MOST_EVENTS + 1].join(",");
        later(&mut feed, &many, 10_000);
        assert!(feed.recent.len() <= MOST_EVENTS);
        assert!(!allowed(&feed, &["grant:b"], 14_999));
        assert!(allowed(&feed, &["grant:b"], 15_001));
    }

    #[test]
    fn what_is_no_answer_of_the_feed_is_refused() {
        for body in [
            "",
            "[]",
            r#"{"events":[],"ended":[]}"#,
            r#"{"position":"X","events":[],"ended":[]}"#,
            r#"{"position":"a","ended":[]}"#,
            r#"{"position":"a","events":[{}],"ended":[]}"#,
            r#"{"position":"a","events":[{"tags":[7]}],"ended":[]}"#,
            r#"{"position":"a","events":[],"ended":[7]}"#,
        ] {
            assert!(News::read(body.as_bytes(), true).is_none(), "{body}");
        }
        let without = br#"{"position":"a","events":[],"more":1}"#;
        assert!(News::read(without, true).is_none() && News::read(without, false).is_some());
    }
}
