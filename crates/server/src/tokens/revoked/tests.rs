use super::*;
use crate::store::model::{ActsAs, OrganizationId};
use crate::tokens::claims::PersonGrant;
use hallpass_wire::Scopes;

const APP: AppId = AppId(Uuid::from_u128(7));
const OWNER: Uuid = APP.0;
const USER: UserId = UserId(Uuid::from_u128(8));
const NOW: Instant = Instant(0);

fn at(number: i64) -> Mark {
    let node = [1; 16];
    Mark { node, number }
}

/// An entry that matters until 10.
fn of(entry: Entry) -> Revocation {
    Revocation {
        entry,
        until: Instant(10),
        mark: at(1),
    }
}

fn serial(number: i64) -> [u8; 16] {
    i128::from(number).to_be_bytes()
}

/// A set in which `count` tokens of one owner are revoked, issued and numbered from 1 on.
fn with_tokens(count: i64) -> Revoked {
    let revoked = Revoked::default();
    for number in 1..=count {
        let token = Revocation {
            mark: at(number),
            until: Instant(1_000),
            ..of(Entry::Token(serial(number)))
        };
        revoked.add(token, NOW);
        revoked.count(OWNER, serial(number), Instant(number));
    }
    revoked
}

/// Claims of a token of the app alone, or of a grant.
fn claims(number: i64, grant: Option<(u128, u32)>) -> Claims {
    Claims {
        serial: serial(number),
        grant: grant.map(|(id, generation)| PersonGrant {
            acts_as: ActsAs::Person,
            id: GrantId(Uuid::from_u128(id)),
            generation,
            user: USER,
            key: 1,
        }),
        app: APP,
        organization: OrganizationId(Uuid::nil()),
        scopes: Scopes::default(),
        issued_at: Instant(number),
        expires: Instant(1_000),
    }
}

fn is_revoked(revoked: &Revoked, number: i64) -> bool {
    revoked.has(&claims(number, None))
}

fn grants(ids: impl IntoIterator<Item = u128>) -> Vec<GrantId> {
    ids.into_iter().map(|id| GrantId(Uuid::from_u128(id))).collect()
}

fn has_ended(revoked: &Revoked, id: u128) -> bool {
    revoked.has(&claims(5_000, Some((id, 1))))
}

/// A set in which these grants of one person and app have ended.
fn ended(ids: impl IntoIterator<Item = u128>) -> Revoked {
    let revoked = Revoked::default();
    for (grant, number) in grants(ids).into_iter().zip(1..) {
        let mark = at(number);
        revoked.add(
            Revocation {
                mark,
                ..of(Entry::Grant(grant.0))
            },
            NOW,
        );
    }
    revoked
}

#[test]
fn only_added_entries_are_revoked() {
    let revoked = Revoked::default();
    let any = |generation| revoked.has(&claims(1, Some((1, generation))));
    assert!(!any(2));
    revoked.add(of(Entry::Generation(Uuid::from_u128(1), 2)), NOW);
    assert!(any(2) && !any(3));
    revoked.add(of(Entry::Grant(Uuid::from_u128(1))), NOW);
    assert!(any(3) && !is_revoked(&revoked, 1));
}

#[test]
fn entries_that_no_longer_matter_are_forgotten() {
    let revoked = Revoked::default();
    for number in 0..10_000 {
        let token = Revocation {
            until: Instant(number + 10),
            ..of(Entry::Token(serial(number)))
        };
        revoked.add(token, Instant(number));
        revoked.count(OWNER, serial(number), Instant(number));
    }
    let set = revoked.read();
    assert!(set.entries.len() < 100 && set.owned[&OWNER].len() < 100);
}

#[test]
fn the_oldest_tokens_of_an_owner_are_folded_and_stay_revoked() {
    let revoked = with_tokens(100);
    assert_eq!(revoked.fold(OWNER, 100, NOW), None);
    assert_eq!(revoked.fold(Uuid::from_u128(8), 0, NOW), None);
    let recall = revoked.fold(OWNER, 99, NOW).unwrap();
    let tokens = |issued_by| Recalled::Tokens {
        owner: OWNER,
        issued_by: Instant(issued_by),
    };
    assert_eq!(recall.recalled, tokens(32));
    assert_eq!((recall.folded.len(), recall.before.len()), (FOLDED, 0));
    assert_eq!(recall.folded[31], (serial(32), at(32)));
    revoked.recall(recall, Instant(1_000), at(101));
    assert!((1..=100).all(|number| is_revoked(&revoked, number)));
    assert!(!is_revoked(&revoked, 101));
    let of_another = Claims {
        app: AppId(Uuid::from_u128(9)),
        ..claims(1_000, None)
    };
    assert!(!revoked.has(&Claims {
        issued_at: Instant(1),
        ..of_another
    }));
    assert_eq!(revoked.read().entries.len(), 68);
    let next = revoked.fold(OWNER, 1, NOW).unwrap();
    assert_eq!((next.recalled, next.before), (tokens(64), vec![at(101)]));
}

#[test]
fn a_recall_never_moves_to_an_earlier_moment() {
    let revoked = with_tokens(0);
    for (issued_by, until, mark) in [(50, 1_000, at(2)), (20, 900, at(1))] {
        let recall = Recall {
            recalled: Recalled::Tokens {
                owner: OWNER,
                issued_by: Instant(issued_by),
            },
            folded: vec![],
            before: vec![],
        };
        revoked.recall(recall, Instant(until), mark);
    }
    assert!(is_revoked(&revoked, 50) && !is_revoked(&revoked, 51));
}

#[test]
fn entries_that_expired_are_not_folded() {
    let revoked = with_tokens(100);
    assert_eq!(revoked.fold(OWNER, 10, Instant(1_000)), None);
}

#[test]
fn folded_ends_of_grants_leave_other_grants_active() {
    let revoked = ended([2, 4]);
    // The entry of grant 3 is no longer in the set.
    let fold = |ids: &[u128], others: &[u128]| {
        revoked.fold_grants((USER, APP), &grants(ids.to_vec()), &grants(others.to_vec()), NOW)
    };
    let recall = fold(&[2, 3, 4], &[1, 5]).unwrap();
    let folded: Vec<_> = recall.folded.iter().map(|(_, mark)| mark.number).collect();
    assert_eq!((folded, recall.before.len()), (vec![1, 2], 0));
    revoked.recall(recall, Instant(10), at(3));
    assert!(revoked.read().entries.is_empty());
    for (id, has) in [(1, false), (2, true), (3, true), (4, true), (5, false)] {
        assert_eq!(has_ended(&revoked, id), has, "{id}");
    }
    let of_another_app = Claims {
        app: AppId(Uuid::from_u128(9)),
        ..claims(1, Some((2, 1)))
    };
    assert!(!revoked.has(&of_another_app));
    assert_eq!(fold(&[2, 4], &[1, 5]), None);
    assert_eq!(revoked.last_ended(USER, APP), Some(grants([4])[0]));
}

/// Entries of several servers arrive in any order.
#[test]
fn each_recall_of_grants_holds_until_another_replaces_it() {
    let first = || {
        ended([2])
            .fold_grants((USER, APP), &grants([2]), &grants([1, 3]), NOW)
            .unwrap()
    };
    let second = || {
        // Grant 1 ended in the meantime.
        let revoked = ended([1]);
        revoked.recall(first(), Instant(10), at(100));
        revoked
            .fold_grants((USER, APP), &grants([1]), &grants([3]), NOW)
            .unwrap()
    };
    assert_eq!(second().before, [at(100)]);
    let apart = || Recall {
        before: vec![],
        ..second()
    };
    for (recalls, left) in [
        ([first(), second()], 1),
        ([second(), first()], 2),
        ([first(), apart()], 2),
        ([apart(), first()], 2),
    ] {
        let revoked = Revoked::default();
        for recall in recalls {
            let mark = if recall == first() { at(100) } else { at(101) };
            revoked.recall(recall, Instant(10), mark);
        }
        assert!(has_ended(&revoked, 1) && has_ended(&revoked, 2) && !has_ended(&revoked, 3));
        assert_eq!(revoked.read().grants[&(USER, APP)].len(), left);
    }
}

#[test]
fn the_end_of_a_grant_removes_the_entries_of_its_tokens() {
    let revoked = with_tokens(100);
    revoked.add(of(Entry::Grant(OWNER)), NOW);
    let set = revoked.read();
    assert_eq!((set.entries.len(), set.owned.len()), (1, 0));
}
