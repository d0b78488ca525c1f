//! Grants, and the changes that a grant goes through.

use super::{ActsAs, AppId, EndReason, GrantId, GrantState, OrganizationId, Unknown, UserId};
use crate::time::Instant;
use crate::tokens::copies::{COPIED, KeyedSource};
use hallpass_wire::Scopes;

/// A person's consent: user × app × organization × scopes. Codes and tokens are views of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner. Of a grant of an organization: who set it up.
    pub user: UserId,
    /// The organization whose data the grant opens.
    pub organization: OrganizationId,
    /// Whose the grant is.
    pub acts_as: ActsAs,
    /// The state of its life.
    pub state: GrantState,
    /// The granted scopes.
    pub scopes: Scopes,
    /// The redirect URI in the authorization request. `None` if none was sent, or if the first rotation or the sweep removed it.
    pub redirect_uri: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2). `None` as for `redirect_uri`.
    pub code_challenge: Option<[u8; 32]>,
    /// The random bytes from which, with the key, the proofs of code and refresh tokens are derived.
    pub salt: [u8; 16],
    /// The proof key of the current generation.
    pub key: u32,
    /// The proof key of the generation in `previous`. Before the first refresh, the proof key of the code.
    pub previous_key: Option<u32>,
    /// The generation of the last refresh token. 0 while the grant is pending.
    pub generation: u32,
    /// The last generation that its holder presented.
    pub previous: Option<u32>,
    /// Whether a token of `generation` was seen, as the database or memory knows.
    pub confirmed: bool,
    /// When `generation` was issued. For generation 1, when the code was redeemed.
    pub rotated_at: Instant,
    /// When the code was issued.
    pub created: Instant,
    /// When the code expires.
    pub code_expires: Instant,
    /// When the refresh token of the current generation expires. `None`: it does not expire. No access token outlives it.
    pub expires: Option<Instant>,
    /// The absolute end of the grant, if there is one.
    pub ends: Option<Instant>,
    /// The last use that was written. It is at most a minute old.
    pub last_used: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Why it ended. `None` also if this version does not know the reason.
    pub reason: Option<EndReason>,
    /// How many rotations in a row were each repeated from another source ([`crate::tokens::copies`]).
    pub repeats: u32,
    /// The source of the last rotation.
    pub source: Option<KeyedSource>,
    /// A word of the row that this version does not know. The grant then may not act.
    pub unknown: Unknown,
}

impl Grant {
    /// The grant after `redeem`, which found the row in this state.
    pub(crate) fn redeemed(&self, redeem: &Redeem) -> Self {
        Self {
            state: GrantState::Active,
            key: redeem.key,
            previous_key: Some(self.key),
            generation: 1,
            rotated_at: redeem.now,
            expires: redeem.expires,
            ends: redeem.ends,
            last_used: Some(redeem.now),
            ..self.clone()
        }
    }

    /// The grant after `rotate`, which found the row in this state.
    pub(crate) fn rotated(&self, rotate: &Rotate) -> Self {
        let moved = if rotate.replaces() {
            self.previous_key
        } else {
            Some(self.key)
        };
        Self {
            redirect_uri: None,
            code_challenge: None,
            key: rotate.key,
            previous_key: moved,
            generation: rotate.expect + 1,
            previous: Some(rotate.presented),
            confirmed: false,
            rotated_at: rotate.now,
            expires: rotate.expires,
            last_used: Some(rotate.now),
            repeats: if self.repeats < COPIED {
                rotate.repeats
            } else {
                self.repeats
            },
            source: Some(rotate.source),
            ..self.clone()
        }
    }
}

/// A new grant, for a new code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewGrant {
    /// The id. The consent page carried it, so that a second POST creates no second grant.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner. Of a grant of an organization: who sets it up.
    pub user: UserId,
    /// The organization whose data the grant opens.
    pub organization: OrganizationId,
    /// Whose the grant is.
    pub acts_as: ActsAs,
    /// The granted scopes.
    pub scopes: Scopes,
    /// The redirect URI in the authorization request.
    pub redirect_uri: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<[u8; 32]>,
    /// The random salt.
    pub salt: [u8; 16],
    /// The proof key of the code.
    pub key: u32,
    /// The present moment.
    pub created: Instant,
    /// When the code expires.
    pub code_expires: Instant,
}

/// A code to redeem (RFC 6749 §4.1.3). All checks were made before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redeem {
    /// The grant.
    pub id: GrantId,
    /// The client that presented the code.
    pub app: AppId,
    /// The present moment.
    pub now: Instant,
    /// When the first refresh token expires.
    pub expires: Option<Instant>,
    /// The absolute end of the grant.
    pub ends: Option<Instant>,
    /// The proof key of generation 1.
    pub key: u32,
    /// The number of grants that this person may have for this app.
    pub keep: u32,
}

/// A code that was redeemed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redeemed {
    /// The grant as it is now.
    pub grant: Grant,
    /// Whether this person has more grants for this app than [`Redeem::keep`], including ended ones. Some may then have to end.
    pub crowded: bool,
}

/// A refresh token to exchange for its successor (RFC 6749 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotate {
    /// The grant.
    pub id: GrantId,
    /// The generation that the holder presented. If it differs from `expect`, the rotation replaces a lost answer.
    pub presented: u32,
    /// The generation that the row must have.
    pub expect: u32,
    /// The predecessor that the row must have.
    pub expect_previous: Option<u32>,
    /// The present moment.
    pub now: Instant,
    /// When the new refresh token expires.
    pub expires: Option<Instant>,
    /// The proof key of the new generation.
    pub key: u32,
    /// How many rotations in a row before this one were each repeated from another source.
    pub repeats: u32,
    /// The source of this rotation.
    pub source: KeyedSource,
}

impl Rotate {
    /// Whether it replaces a lost successor, which becomes void.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.presented != self.expect
    }
}

/// The result of a rotation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// Whether this request made the change. If not, another request came first: decide again from `grant`.
    pub changed: bool,
    /// The grant as it is now.
    pub grant: Grant,
}

/// A filter for a list of grants.
#[derive(Clone, Copy, Default, Debug)]
pub struct GrantFilter {
    /// Only grants of this user.
    pub user: Option<UserId>,
    /// Only grants for this app.
    pub app: Option<AppId>,
    /// Only grants in this organization.
    pub organization: Option<OrganizationId>,
    /// Only grants in this state.
    pub state: Option<GrantState>,
    /// Only grants after this one in the list, which are older.
    pub after: Option<GrantId>,
    /// The largest number of grants, newest first.
    pub limit: u32,
}

/// A grant with names for the operator. A deleted object has no name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGrant {
    /// The grant.
    pub grant: Grant,
    /// The person's label.
    pub user: Option<String>,
    /// The app's client ID.
    pub client_id: Option<String>,
    /// The app's name.
    pub app_name: Option<String>,
    /// The organization's slug.
    pub organization: Option<String>,
}

/// A grant with names for the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// The grant.
    pub grant: Grant,
    /// The app's name.
    pub app_name: String,
    /// The name of the organization that owns the app.
    pub app_owner: String,
    /// The slug of the organization whose data it opens.
    pub organization_slug: String,
    /// Its name.
    pub organization_name: String,
    /// Whether that organization is hidden.
    pub organization_hidden: bool,
}

/// A grant of an organization, with names for the organization's page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationGrant {
    /// The grant.
    pub grant: Grant,
    /// The app's name.
    pub app_name: String,
    /// Who set it up, or took it over last. `None`: the person was deleted.
    pub set_up_by: Option<SetUpBy>,
}

/// The person who set up a grant of an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetUpBy {
    /// The person's name.
    pub name: String,
    /// The text that identifies the person, as [`super::User::label`].
    pub label: String,
    /// Whether the person is still a member of the organization.
    pub is_member: bool,
}

/// The surplus grants of a person for an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Surplus {
    /// Grants whose code was not redeemed.
    pub pending: Vec<GrantId>,
    /// Grants that have ended.
    pub ended: Vec<GrantId>,
    /// All grants of the person for the app that have not ended.
    pub others: Vec<GrantId>,
}
