//! The names by which a resource knows what ended or changed.
//!
//! They are keyed, for each resource with a key of its own. A name that a resource never got in an answer tells it nothing, and
//! two resources cannot compare the names that they see. They can tell that an event is the same: its id is the same to both, and
//! so is its moment. So two resources that work together may learn that they have a grant in common when it ends.

use crate::directory::feed::{ShortName, Subject};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The tag of everything.
const ALL: &str = "all";
/// The length of a name, in bytes. If two things had the same name, the end of one would cost one more question about the other.
const NAME: usize = 12;

/// The tags of one resource.
pub(crate) struct Tags {
    identifier: String,
    key: hmac::Key,
    epoch: ShortName,
}

impl Tags {
    pub(super) fn of(key: &hmac::Key, configuration: &[u8; 32], identifier: &str) -> Self {
        let own = sign(key, &[b"resource feed, tags", identifier.as_bytes()]);
        let epoch = sign(key, &[b"resource feed, epoch", configuration, identifier.as_bytes()]);
        let mut name = [0; 16];
        name.copy_from_slice(&epoch.as_ref()[..16]);
        Self {
            identifier: identifier.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()),
            epoch: ShortName::of(name),
        }
    }

    /// The name of this deployment, of its configuration and of this resource.
    #[must_use]
    pub(crate) fn epoch(&self) -> ShortName {
        self.epoch
    }

    /// The tags of an event about `subject`. None if it does not concern this resource.
    #[must_use]
    pub(crate) fn of_event(&self, subject: &Subject) -> Vec<String> {
        match subject {
            Subject::Resource(identifier) if *identifier != self.identifier => Vec::new(),
            Subject::All | Subject::Resource(_) => vec![ALL.to_owned()],
            Subject::Owner(owner) => vec![
                self.tag("grant", &[owner.as_bytes()]),
                self.tag("app", &[owner.as_bytes()]),
            ],
            // The grants of an organization are paused while it has no owner.
            Subject::Member(_, organization) => vec![self.of_answer(subject), self.owners(organization.as_bytes())],
            other => vec![self.of_answer(other)],
        }
    }

    /// The tag of an answer that depends on `subject`.
    #[must_use]
    pub(crate) fn of_answer(&self, subject: &Subject) -> String {
        match subject {
            Subject::All | Subject::Resource(_) => ALL.to_owned(),
            Subject::Grant(id) | Subject::Owner(id) => self.tag("grant", &[id.as_bytes()]),
            Subject::Generation(id, generation) => self.tag("generation", &[id.as_bytes(), &generation.to_be_bytes()]),
            Subject::Token(serial) => self.tag("token", &[serial]),
            Subject::Person(id) => self.tag("person", &[id.as_bytes()]),
            Subject::Member(person, organization) => self.tag("member", &[person.as_bytes(), organization.as_bytes()]),
            Subject::Owners(organization) => self.owners(organization.as_bytes()),
            Subject::App(id) => self.tag("app", &[id.as_bytes()]),
            Subject::Organization(id) => self.tag("organization", &[id.as_bytes()]),
            Subject::Key(id) => self.tag("key", &[&id.to_be_bytes()]),
        }
    }

    fn owners(&self, organization: &[u8; 16]) -> String {
        self.tag("owners", &[organization])
    }

    fn tag(&self, kind: &str, parts: &[&[u8]]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        for part in parts {
            context.update(part);
        }
        let name = context.sign();
        let name = name.as_ref().get(..NAME).unwrap_or_default();
        format!("{kind}:{}", URL_SAFE_NO_PAD.encode(name))
    }
}

/// Signs parts of which only the last one has no fixed length.
fn sign(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tags(identifier: &str) -> Tags {
        Tags::of(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), &[1; 32], identifier)
    }

    const ID: Uuid = Uuid::from_u128(1);

    #[test]
    fn the_tag_of_an_event_is_that_of_the_answers_that_it_ends() {
        let tags = tags("api");
        for subject in [
            Subject::Grant(ID),
            Subject::Generation(ID, 2),
            Subject::Token([1; 16]),
            Subject::Person(ID),
            Subject::Member(ID, ID),
            Subject::App(ID),
            Subject::Organization(ID),
            Subject::Key(3),
        ] {
            assert!(
                tags.of_event(&subject).contains(&tags.of_answer(&subject)),
                "{subject:?}"
            );
        }
        let recalled = tags.of_event(&Subject::Owner(ID));
        assert!(recalled.contains(&tags.of_answer(&Subject::Grant(ID))));
        assert!(recalled.contains(&tags.of_answer(&Subject::App(ID))));
        assert!(
            tags.of_event(&Subject::Member(Uuid::nil(), ID))
                .contains(&tags.of_answer(&Subject::Owners(ID)))
        );
    }

    #[test]
    fn each_thing_has_a_tag_of_its_own() {
        let tags = tags("api");
        let all = [
            Subject::Grant(ID),
            Subject::Generation(ID, 1),
            Subject::Generation(ID, 2),
            Subject::Token(*ID.as_bytes()),
            Subject::Person(ID),
            Subject::Member(ID, ID),
            Subject::Owners(ID),
            Subject::App(ID),
            Subject::Organization(ID),
            Subject::Key(1),
            Subject::Key(2),
        ];
        let names: std::collections::BTreeSet<String> = all.iter().map(|subject| tags.of_answer(subject)).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn two_resources_have_different_tags_and_epochs() {
        let (one, other) = (tags("one"), tags("other"));
        assert_ne!(one.of_answer(&Subject::App(ID)), other.of_answer(&Subject::App(ID)));
        assert_ne!(one.epoch(), other.epoch());
    }

    #[test]
    fn only_its_own_change_concerns_a_resource() {
        let tags = tags("api");
        assert_eq!(tags.of_event(&Subject::Resource("api".to_owned())), ["all"]);
        assert_eq!(tags.of_event(&Subject::Resource("other".to_owned())), [""; 0]);
        assert_eq!(tags.of_event(&Subject::All), ["all"]);
    }
}
