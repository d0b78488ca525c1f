//! The rules of the feed against a model: two servers, one of which learns late, requests that take their time, and ends at any
//! moment. Whatever happens in whatever order, no kept answer outlives its end by more than the feed takes.

use super::events::{Events, News};
use super::position::Position;
use super::tag;
use crate::access::Access;
use crate::clock::Moment;
use crate::kept::{Answer, Kept};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The server of the feed learns of an end within this time, and the other one within the second.
const LAG: u64 = 200;
const OTHER_LAG: u64 = 2_000;
/// The feed takes at most this long to tell.
const TOLD: u64 = 800;
const GRANTS: usize = 3;

/// An end: which grant, when, when the feed tells, and when the other server knows.
#[derive(Clone, Debug)]
struct End {
    grant: usize,
    at: u64,
    told: u64,
    known_elsewhere: u64,
}

/// A request: about which grant, sent when, computed when, answered when, and by which server.
#[derive(Clone, Debug)]
struct Asked {
    grant: usize,
    sent: u64,
    computed: u64,
    answered: u64,
    elsewhere: bool,
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    let end = (0..GRANTS, 9_000..20_000_u64, 0..=LAG + TOLD, 0..=OTHER_LAG);
    let end = end.prop_map(|(grant, at, told, known)| End {
        grant,
        at,
        told: at + told,
        known_elsewhere: at + known,
    });
    prop::collection::vec(end, 1..=GRANTS)
}

/// Requests within six seconds of an end.
fn world() -> impl Strategy<Value = (Vec<End>, Vec<Asked>)> {
    ends().prop_flat_map(|ends| {
        let near = prop::sample::select(ends.clone());
        let asked = (near, 0..12_000_u64, 0..3_000_u64, 0..6_000_u64, any::<bool>());
        let asked = asked.prop_map(|(end, offset, thought, travelled, elsewhere)| {
            let sent = end.at + offset - 6_000;
            Asked {
                grant: end.grant,
                sent,
                computed: sent + thought,
                answered: sent + thought + travelled,
                elsewhere,
            }
        });
        (Just(ends), prop::collection::vec(asked, 0..20))
    })
}

#[derive(Debug)]
enum Happens<'a> {
    Heartbeat,
    Told(&'a End),
    Answered(&'a Asked),
}

fn at(millis: u64) -> Moment {
    Moment {
        now_ms: i64::try_from(millis).expect("a short time"),
        steady: Duration::from_millis(millis),
    }
}

fn key(grant: usize) -> [u8; 32] {
    [u8::try_from(grant).expect("few grants"); 32]
}

fn name(grant: usize) -> String {
    format!("grant:{grant}")
}

/// Whether the server that answered knew the end.
fn active(asked: &Asked, ends: &[End]) -> bool {
    let known = |end: &End| {
        if asked.elsewhere {
            end.known_elsewhere
        } else {
            end.at + LAG
        }
    };
    !ends
        .iter()
        .any(|end| end.grant == asked.grant && known(end) <= asked.computed)
}

fn step(happens: &Happens<'_>, now: u64, ends: &[End], feed: &mut Events, kept: &mut Kept) {
    let mut take = |body: serde_json::Value, snapshot| {
        let news = News::read(body.to_string().as_bytes(), snapshot).expect("an answer of the feed");
        feed.take(news, at(now.saturating_sub(100)), at(now), kept);
    };
    match happens {
        Happens::Heartbeat if now == 1_000 => take(json!({"position": "a", "events": [], "ended": []}), true),
        Happens::Heartbeat => take(json!({"position": "a", "events": []}), false),
        Happens::Told(end) => {
            let event = json!({"id": "b-1", "tags": [name(end.grant)]});
            take(json!({"position": "a", "events": [event]}), false);
        }
        Happens::Answered(asked) => {
            let position = Position::parse("a.b.c").expect("a position");
            let tags = [tag(&name(asked.grant))];
            if active(asked, ends) && feed.allows(&tags, &position, at(asked.sent), at(now)) {
                let access = Access::introspected(serde_json::Map::new()).expect("an access");
                let answer = Answer {
                    access: Arc::new(access),
                    tags: tags.to_vec(),
                    since: at(asked.sent),
                    keep_for: Duration::from_secs(300),
                };
                kept.insert(key(asked.grant), answer);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_kept_answer_outlives_its_end((ends, asked) in world()) {
        let (mut feed, mut kept) = (Events::default(), Kept::new(8));
        let mut course: Vec<(u64, Happens<'_>)> = (1..40).map(|second| (second * 1_000, Happens::Heartbeat)).collect();
        course.extend(ends.iter().map(|end| (end.told, Happens::Told(end))));
        course.extend(asked.iter().map(|asked| (asked.answered, Happens::Answered(asked))));
        course.sort_by_key(|(when, _)| *when);
        for (now, happens) in &course {
            step(happens, *now, &ends, &mut feed, &mut kept);
            for end in ends.iter().filter(|end| end.told < *now) {
                prop_assert!(kept.get(&key(end.grant), at(*now)).is_none(), "{end:?} is kept after {happens:?} at {now}");
            }
        }
    }
}
