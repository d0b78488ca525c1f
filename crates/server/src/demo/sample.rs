//! The data of the sample API: collections of records in memory, each record with an owner.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// The most records of one collection.
const MOST_RECORDS: usize = 200;

/// The members of a record in the order of the API's answers.
pub(super) type Members = IndexMap<String, Value>;

/// The caller, as introspection described the token.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordReader {
    /// The person's e-mail address. `None` for a token of the app itself.
    pub(super) person: Option<String>,
    pub(super) organization: Option<String>,
}

/// All collections, by path.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Records(HashMap<String, Vec<Record>>);

#[derive(Clone, Debug, Deserialize)]
struct Record {
    /// An e-mail address, an organization's slug, or `everyone`. The record is visible to nobody else.
    of: String,
    id: u64,
    #[serde(flatten)]
    members: Members,
}

/// The result of a call.
#[derive(Debug, PartialEq)]
pub(super) enum RecordOutcome {
    List(Vec<Members>),
    One(Members),
    Made(Members),
    Removed,
    Absent,
    Full,
}

impl RecordReader {
    fn sees(&self, record: &Record) -> bool {
        record.of == "everyone"
            || [&self.person, &self.organization]
                .into_iter()
                .flatten()
                .any(|own| *own == record.of)
    }
}

impl Records {
    /// Whether there is a collection at `path`.
    #[cfg(test)]
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The caller's records of the collection at `path`, or the one at `path/id`.
    pub(super) fn read(&self, path: &str, caller: &RecordReader) -> RecordOutcome {
        if let Some(collection) = self.0.get(path) {
            return RecordOutcome::List(
                collection
                    .iter()
                    .filter(|record| caller.sees(record))
                    .map(Record::shown)
                    .collect(),
            );
        }
        let found = split(path).and_then(|(collection, id)| {
            let records = self.0.get(collection)?;
            records.iter().find(|record| record.id == id && caller.sees(record))
        });
        found.map_or(RecordOutcome::Absent, |record| RecordOutcome::One(record.shown()))
    }

    /// Adds a record to the collection at `path`. Its owner is of the same kind as those of the other records.
    pub(super) fn add(&mut self, path: &str, mut members: Members, caller: &RecordReader) -> RecordOutcome {
        let Some(collection) = self.0.get_mut(path) else {
            return RecordOutcome::Absent;
        };
        let by_person = collection.iter().any(|record| record.of.contains('@'));
        let person = caller.person.as_ref().filter(|_| by_person);
        let Some(of) = person.or(caller.organization.as_ref()).cloned() else {
            return RecordOutcome::Absent;
        };
        if collection.len() >= MOST_RECORDS {
            return RecordOutcome::Full;
        }
        let id = collection.iter().map(|record| record.id).max().unwrap_or(0) + 1;
        members.retain(|name, _| name != "id" && name != "of");
        let record = Record { of, id, members };
        let shown = record.shown();
        collection.push(record);
        RecordOutcome::Made(shown)
    }

    /// Replaces the given members of the caller's own record at `path`.
    pub(super) fn change(&mut self, path: &str, members: Members, caller: &RecordReader) -> RecordOutcome {
        let Some(record) = self.own(path, caller) else {
            return RecordOutcome::Absent;
        };
        for (name, value) in members {
            if let Some(member) = record.members.get_mut(&name) {
                *member = value;
            }
        }
        RecordOutcome::One(record.shown())
    }

    /// Removes the caller's own record at `path`.
    pub(super) fn remove(&mut self, path: &str, caller: &RecordReader) -> RecordOutcome {
        let Some(id) = self.own(path, caller).map(|record| record.id) else {
            return RecordOutcome::Absent;
        };
        let collection = split(path).and_then(|(collection, _)| self.0.get_mut(collection));
        if let Some(collection) = collection {
            collection.retain(|record| record.id != id);
        }
        RecordOutcome::Removed
    }

    fn own(&mut self, path: &str, caller: &RecordReader) -> Option<&mut Record> {
        let (collection, id) = split(path)?;
        let records = self.0.get_mut(collection)?;
        records
            .iter_mut()
            .find(|record| record.id == id && record.of != "everyone" && caller.sees(record))
    }
}

impl Record {
    fn shown(&self) -> Members {
        let id = ("id".to_owned(), Value::from(self.id));
        std::iter::once(id).chain(self.members.clone()).collect()
    }
}

fn split(path: &str) -> Option<(&str, u64)> {
    let (collection, id) = path.rsplit_once('/')?;
    Some((collection, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let text = r#"{"/notes": [
            {"of": "a@x", "id": 1, "text": "mine"},
            {"of": "b@x", "id": 2, "text": "not mine"},
            {"of": "shop", "id": 3, "text": "the shop's"},
            {"of": "everyone", "id": 4, "text": "for all"}
        ]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn caller(person: Option<&str>, organization: &str) -> RecordReader {
        RecordReader {
            person: person.map(str::to_owned),
            organization: Some(organization.to_owned()),
        }
    }

    fn ids(outcome: &RecordOutcome) -> Vec<u64> {
        let RecordOutcome::List(list) = outcome else {
            panic!("{outcome:?}")
        };
        list.iter().map(|members| members["id"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_token_sees_the_records_of_its_person_and_its_organization_only() {
        let records = records();
        assert_eq!(ids(&records.read("/notes", &caller(Some("a@x"), "other"))), [1, 4]);
        assert_eq!(ids(&records.read("/notes", &caller(None, "shop"))), [3, 4]);
        assert_eq!(
            records.read("/notes/2", &caller(Some("a@x"), "shop")),
            RecordOutcome::Absent
        );
        assert!(matches!(
            records.read("/notes/3", &caller(Some("a@x"), "shop")),
            RecordOutcome::One(_)
        ));
    }

    #[test]
    fn only_the_owner_changes_or_removes_a_record() {
        let mut records = records();
        let stranger = caller(Some("c@x"), "other");
        for path in ["/notes/1", "/notes/3", "/notes/4"] {
            assert_eq!(
                records.change(path, Members::new(), &stranger),
                RecordOutcome::Absent,
                "{path}"
            );
            assert_eq!(records.remove(path, &stranger), RecordOutcome::Absent, "{path}");
        }
        assert_eq!(
            records.remove("/notes/1", &caller(Some("a@x"), "other")),
            RecordOutcome::Removed
        );
    }

    #[test]
    fn a_new_record_belongs_to_the_caller_whatever_the_body_claims() {
        let mut records = records();
        let claims = [("of", "b@x"), ("id", "9"), ("text", "new")];
        let body = claims
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        let RecordOutcome::Made(made) = records.add("/notes", body, &caller(Some("c@x"), "other")) else {
            panic!()
        };
        assert_eq!(made["id"], 5);
        assert_eq!(ids(&records.read("/notes", &caller(Some("c@x"), "z"))), [4, 5]);
        assert_eq!(ids(&records.read("/notes", &caller(Some("b@x"), "z"))), [2, 4]);
    }
}
