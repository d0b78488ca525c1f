//! The message of the site: the person it signed in, or the reason why it signed nobody in.

use super::failure::Failure;
use super::json::Json;
use super::members::Members;
use crate::apps::names;
use crate::apps::registration::{Email, ExternalId};
use crate::config::language_tag;
use crate::organizations::MOST_MEMBERSHIPS;
use crate::store::model::{SitePerson, SiteRefusal};
use crate::time::Instant;

/// The longest name of a person or an organization, in characters.
const LONGEST_NAME: usize = 200;
/// The longest message for the person, in characters.
const LONGEST_MESSAGE: usize = 1_000;
/// The longest other text, in bytes.
const LONGEST_TEXT: usize = 255;
/// A moment in seconds that is larger than this is probably in milliseconds.
const FAR_SECONDS: i64 = 100_000_000_000;

/// The answer to a request for a sign-in.
#[derive(Debug)]
pub(super) struct Message {
    /// The request.
    pub(super) handover: String,
    /// The person, or why the site signs nobody in.
    pub(super) outcome: Result<SignedIn, SiteRefusal>,
    /// Words for the person, where nobody is signed in.
    pub(super) message: Option<String>,
}

/// A person who is signed in at the site.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) described: Described,
    /// When they last proved who they are, in Unix seconds.
    pub(super) auth_time: Option<i64>,
    pub(super) acr: Option<String>,
    pub(super) amr: Option<String>,
}

/// A person as the site describes them.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) person: SitePerson,
    /// Whether the site named the moment of the description.
    pub(super) dated: bool,
    pub(super) organizations: Organizations,
}

/// The organizations that a description names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Organizations {
    /// None are named: the default organization.
    Unnamed,
    /// The one in which the person works now. Others stay.
    Current(Named),
    /// All of them.
    All(Vec<Named>),
}

/// An organization of the site, and the person's role there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
}

impl Message {
    /// Reads the body of `POST /handover`.
    pub(super) fn parse(body: &[u8], now: Instant) -> Result<Self, Failure> {
        let mut members = Members::parse(body)?;
        let handover = members.optional_text("handover")?;
        let handover = handover.ok_or_else(|| {
            members.wrong(
                "handover",
                "it is missing: send the parameter `handover` of the request",
            )
        })?;
        let refusal = match members.optional_text("error")?.as_deref() {
            None => None,
            Some(word) => match SiteRefusal::from_text(word) {
                Some(refusal) => Some(refusal),
                None => return Err(members.wrong("error", "expected \"access_denied\" or \"login_required\"")),
            },
        };
        let message = members.optional_text("message")?;
        let message = message
            .map(|text| shown_text(&members, "message", &text, LONGEST_MESSAGE))
            .transpose()?;
        let Some(refusal) = refusal else {
            if message.is_some() {
                return Err(members.wrong("message", "it belongs to `error`"));
            }
            let signed_in = SignedIn::read(members, now)?;
            return Ok(Self {
                handover,
                outcome: Ok(signed_in),
                message,
            });
        };
        if members.take("subject").flatten().is_some() {
            return Err(members.wrong("subject", "leave it out beside `error`: nobody is signed in"));
        }
        members.finish()?;
        Ok(Self {
            handover,
            outcome: Err(refusal),
            message,
        })
    }
}

impl SignedIn {
    fn read(mut members: Members, now: Instant) -> Result<Self, Failure> {
        let subject = members.optional_text("subject")?;
        let subject = subject.ok_or_else(|| {
            members.wrong(
                "subject",
                "it is missing: send the site's own id of the person, or `error`",
            )
        })?;
        let auth_time = members.number("auth_time")?;
        if auth_time.is_some_and(|seconds| !(0..FAR_SECONDS).contains(&seconds)) {
            return Err(members.wrong("auth_time", "expected Unix seconds, not milliseconds"));
        }
        let acr = plain_text(&mut members, "acr")?;
        let amr = methods(&mut members)?;
        let described = Described::read(members, subject, now)?;
        Ok(Self {
            described,
            auth_time,
            acr,
            amr,
        })
    }
}

impl Described {
    /// Reads the body of `PUT /handover/people/{subject}`. Members about a sign-in are accepted and mean nothing.
    pub(super) fn parse(body: &[u8], subject: &str, now: Instant) -> Result<Self, Failure> {
        let mut members = Members::parse(body)?;
        match members.optional_text("subject")? {
            Some(named) if named != subject => {
                return Err(members.wrong("subject", "it is not the subject of the address"));
            }
            _ => {}
        }
        for ignored in ["auth_time", "acr", "amr"] {
            members.take(ignored);
        }
        Self::read(members, subject.to_owned(), now)
    }

    fn read(mut members: Members, subject: String, now: Instant) -> Result<Self, Failure> {
        ExternalId::parse(&subject).map_err(|fault| members.wrong("subject", fault.to_string()))?;
        let contact_email = members.text("email")?;
        if let Some(Some(email)) = &contact_email {
            Email::parse(email).map_err(|error| members.wrong("email", error.to_string()))?;
        }
        let email_verified = members.boolean("email_verified")?;
        let name = members.optional_text("name")?;
        let name = name
            .map(|name| shown_text(&members, "name", &name, LONGEST_NAME))
            .transpose()?;
        let locale = members.text("locale")?;
        if let Some(Some(locale)) = &locale {
            language_tag(locale).map_err(|fault| members.wrong("locale", fault))?;
        }
        let named = members.number("as_of")?;
        let as_of = match named {
            None => now,
            // The site's clock may be ahead, but not by so much that nothing later would count.
            Some(millis) if millis > now.0 + AHEAD => {
                return Err(members.wrong(
                    "as_of",
                    "it is more than five minutes ahead; expected Unix milliseconds",
                ));
            }
            Some(millis) if millis < FAR_SECONDS => {
                return Err(members.wrong("as_of", "expected Unix milliseconds, not seconds"));
            }
            Some(millis) => Instant(millis),
        };
        let organizations = Organizations::read(&mut members)?;
        members.finish()?;
        Ok(Self {
            dated: named.is_some(),
            person: SitePerson {
                external_id: subject,
                email_verified,
                contact_email,
                name,
                locale,
                as_of,
            },
            organizations,
        })
    }
}

/// How far ahead the site's clock may be, in milliseconds.
const AHEAD: i64 = 5 * 60 * 1_000;

impl Organizations {
    fn read(members: &mut Members) -> Result<Self, Failure> {
        let (one, all) = (
            members.take("organization").flatten(),
            members.take("organizations").flatten(),
        );
        match (one, all) {
            (None, None) => Ok(Self::Unnamed),
            (Some(_), Some(_)) => Err(members.wrong("organization", "send either `organization` or `organizations`")),
            (Some(one), None) => Named::read("organization", one).map(Self::Current),
            (None, Some(Json::List(all))) => {
                if all.len() > MOST_MEMBERSHIPS {
                    let text = format!("a person has at most {MOST_MEMBERSHIPS} organizations");
                    return Err(members.wrong("organizations", text));
                }
                let mut named: Vec<Named> = Vec::with_capacity(all.len());
                for (position, one) in all.into_iter().enumerate() {
                    let path = format!("organizations[{position}]");
                    let one = Named::read(&path, one)?;
                    if named.iter().any(|earlier| earlier.id == one.id) {
                        return Err(Failure::member(&format!("{path}.id"), "this organization comes twice"));
                    }
                    named.push(one);
                }
                Ok(Self::All(named))
            }
            (None, Some(_)) => Err(members.wrong("organizations", "expected a list")),
        }
    }
}

impl Named {
    fn read(path: &str, value: Json) -> Result<Self, Failure> {
        let mut members = Members::inside(path, value)?;
        let id = members.optional_text("id")?;
        let id = id.ok_or_else(|| members.wrong("id", "it is missing: send the site's own id of the organization"))?;
        let printable = id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if id.is_empty() || id.len() > LONGEST_TEXT || !printable {
            return Err(members.wrong("id", "expected 1 to 255 printable ASCII characters"));
        }
        let name = members.optional_text("name")?;
        let name = name
            .map(|name| shown_text(&members, "name", &name, LONGEST_NAME))
            .transpose()?;
        let role = plain_text(&mut members, "role")?;
        members.finish()?;
        Ok(Self { id, name, role })
    }
}

/// A text that pages show: one line without characters that hide or reorder others. Invisible ones are left out instead of
/// refused, because a person cannot see them in their own name.
fn shown_text(members: &Members, name: &str, text: &str, longest: usize) -> Result<String, Failure> {
    let misleads = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
    };
    if text.trim().contains(misleads) {
        return Err(members.wrong(
            name,
            "it has a control character, or one that reverses the order of others",
        ));
    }
    let seen = names::seen(text.trim());
    let seen = seen.trim();
    if seen.is_empty() || text.trim().chars().count() > longest {
        return Err(members.wrong(name, format!("expected 1 to {longest} characters")));
    }
    Ok(seen.to_owned())
}

fn plain_text(members: &mut Members, name: &'static str) -> Result<Option<String>, Failure> {
    match members.optional_text(name)? {
        Some(text) if text.len() > LONGEST_TEXT => {
            Err(members.wrong(name, format!("expected at most {LONGEST_TEXT} bytes")))
        }
        text => Ok(text),
    }
}

/// The authentication methods: a list of words, or the words in one text (RFC 8176 §1).
fn methods(members: &mut Members) -> Result<Option<String>, Failure> {
    let words = match members.take("amr").flatten() {
        None => return Ok(None),
        Some(Json::Text(words)) => words,
        Some(Json::List(words)) => {
            let words: Option<Vec<&str>> = words.iter().map(Json::as_text).collect();
            words
                .ok_or_else(|| members.wrong("amr", "expected a list of texts"))?
                .join(" ")
        }
        Some(_) => return Err(members.wrong("amr", "expected a list of texts")),
    };
    if words.len() > LONGEST_TEXT {
        return Err(members.wrong("amr", format!("expected at most {LONGEST_TEXT} bytes")));
    }
    Ok(Some(words))
}
