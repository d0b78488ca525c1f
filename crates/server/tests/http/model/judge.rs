//! Compares an answer with the model's.

use super::nouns::{Access, Answered, Refresh};
use super::world::{CLIENTS, ORGANIZATIONS, PEOPLE};
use crate::harness::Answer;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The text of each token. The same token must always have the same text, and two tokens never do.
#[derive(Clone)]
pub(super) struct Judge {
    subjects: Vec<String>,
    access: HashMap<Access, String>,
    refresh: HashMap<Refresh, String>,
}

impl Judge {
    pub(super) fn new(subjects: &[String]) -> Self {
        Self {
            subjects: subjects.to_vec(),
            access: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    pub(super) fn access_token(&self, access: &Access) -> &str {
        &self.access[access]
    }

    pub(super) fn refresh_token(&self, token: &Refresh) -> &str {
        &self.refresh[token]
    }

    /// Compares the answer, and learns the texts of new tokens.
    pub(super) fn judge(&mut self, expected: &Answered, answer: &Answer) -> Result<(), String> {
        let status = match expected {
            Answered::Refused(refusal) => return same("the refusal", &answer.refusal(), &(*refusal).to_owned()),
            Answered::Done if (200..300).contains(&answer.status) => return Ok(()),
            _ => 200,
        };
        same("the status", &answer.status, &status)?;
        let body = answer.json();
        match *expected {
            Answered::Pair {
                refresh,
                access,
                expires_in,
            } => self.pair(&body, refresh, access, expires_in),
            Answered::Person(user) => same("sub", &body["sub"], &json!(self.subjects[user])),
            Answered::Inactive => same("the body", &body, &json!({ "active": false })),
            Answered::Active { .. } => self.active(&body, expected),
            Answered::Refused(_) | Answered::Done => Ok(()),
        }
    }

    fn pair(&mut self, body: &Value, refresh: Refresh, access: Access, expires_in: i64) -> Result<(), String> {
        same("scope", &body["scope"], &json!(access.scopes.to_string()))?;
        same("expires_in", &body["expires_in"], &json!(expires_in))?;
        learn("refresh token", &mut self.refresh, refresh, &body["refresh_token"])?;
        learn("access token", &mut self.access, access, &body["access_token"])
    }

    fn active(&self, body: &Value, expected: &Answered) -> Result<(), String> {
        let Answered::Active {
            scopes,
            expires,
            user,
            organization,
            app,
        } = *expected
        else {
            return Ok(());
        };
        let exp = expires.map_or(Value::Null, |expires| json!(expires.div_euclid(1000)));
        let organization = organization.map_or(Value::Null, |one| json!(ORGANIZATIONS[one]));
        same("active", &body["active"], &json!(true))?;
        same("scope", &body["scope"], &json!(scopes.to_string()))?;
        same("exp", &body["exp"], &exp)?;
        same("sub", &body["sub"], &json!(self.subjects[user]))?;
        same("username", &body["username"], &json!(PEOPLE[user].email))?;
        same("client_id", &body["client_id"], &json!(CLIENTS[app]))?;
        same("organization", &body["organization"], &organization)
    }
}

fn learn<T>(what: &str, known: &mut HashMap<T, String>, token: T, text: &Value) -> Result<(), String>
where
    T: Copy + Eq + std::hash::Hash + std::fmt::Debug,
{
    let text = text.as_str().ok_or_else(|| format!("there is no {what}"))?;
    match known.get(&token) {
        Some(same) if same == text => Ok(()),
        Some(_) => Err(format!("the {what} {token:?} was another one before")),
        None => match known.iter().find(|(_, other)| *other == text) {
            Some((other, _)) => Err(format!("the {what} {token:?} is {other:?}")),
            None => {
                known.insert(token, text.to_owned());
                Ok(())
            }
        },
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?} and should be {expected:?}"))
    }
}
