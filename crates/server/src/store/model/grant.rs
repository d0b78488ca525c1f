//! Grants, and the changes that a grant goes through.

use super::{AppId, EndReason, GrantId, OrganizationId, State, Unknown, UserId};
use crate::time::Instant;
use crate::tokens::copies::{COPIED, Source};
use hallpass_wire::Scopes;

/// What a person allowed: user × app × organization × scopes. Codes and tokens are views of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner.
    pub user: UserId,
    /// Whose data.
    pub organization: OrganizationId,
    /// Where in its life.
    pub state: State,
    /// What was allowed.
    pub scopes: Scopes,
    /// The text sent in the authorization request; `None`: none was sent, or the first rotation or the sweep took it away.
    pub redirect_uri: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2); `None` as with `redirect_uri`.
    pub code_challenge: Option<[u8; 32]>,
    /// What the proofs of code and refresh tokens are derived with, beside the key.
    pub salt: [u8; 16],
    /// The proof key of the current generation.
    pub key: u32,
    /// The proof key of the generation in `previous`; before the first refresh, that of the code.
    pub previous_key: Option<u32>,
    /// The refresh token last issued; 0 while pending.
    pub generation: u32,
    /// The generation that its holder proved last.
    pub previous: Option<u32>,
    /// Whether a token of `generation` was seen, in the database or since in memory.
    pub confirmed: bool,
    /// When `generation` came to be; for generation 1, when the code was redeemed.
    pub rotated_at: Instant,
    /// When the code was issued.
    pub created: Instant,
    /// Until when the code counts.
    pub code_expires: Instant,
    /// Until when the refresh token of the current generation counts; `None`: it does not expire. No access token outlives it.
    pub expires: Option<Instant>,
    /// The absolute bound, if there is one.
    pub ends: Option<Instant>,
    /// The last use that was written down; at most a minute behind.
    pub last_used: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Why it ended; `None` too where this version does not know the reason.
    pub reason: Option<EndReason>,
    /// How many rotations in a row were each repeated from another source ([`crate::tokens::copies`]).
    pub repeats: u32,
    /// Where the last rotation came from.
    pub source: Option<Source>,
    /// What this version cannot read of it; then it may not act.
    pub unknown: Unknown,
}

impl Grant {
    /// The grant as `redeem` leaves it, where it found it in this state.
    pub(crate) fn redeemed(&self, redeem: &Redeem) -> Self {
        Self {
            state: State::Active,
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

    /// The grant as `rotate` leaves it, where it found it in this state.
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

/// A grant to come: what stands behind a new code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewGrant {
    /// Its id; the consent page carried it, so that a second POST makes no second grant.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner.
    pub user: UserId,
    /// Whose data.
    pub organization: OrganizationId,
    /// What was allowed.
    pub scopes: Scopes,
    /// The text sent in the authorization request.
    pub redirect_uri: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<[u8; 32]>,
    /// Random.
    pub salt: [u8; 16],
    /// The proof key of the code.
    pub key: u32,
    /// Now.
    pub created: Instant,
    /// Until when the code counts.
    pub code_expires: Instant,
}

/// A code to redeem (RFC 6749 §4.1.3). Everything that can fail was decided before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redeem {
    /// The grant.
    pub id: GrantId,
    /// The client that presented the code.
    pub app: AppId,
    /// The present moment.
    pub now: Instant,
    /// Until when the first refresh token counts.
    pub expires: Option<Instant>,
    /// The absolute bound.
    pub ends: Option<Instant>,
    /// The proof key of generation 1.
    pub key: u32,
    /// How many grants this person may have for this app.
    pub keep: u32,
}

/// A code that was redeemed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redeemed {
    /// The grant as it now stands.
    pub grant: Grant,
    /// Whether this person has more grants for this app than [`Redeem::keep`], ended ones included: then some may have to end.
    pub crowded: bool,
}

/// A refresh token to exchange for its successor (RFC 6749 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotate {
    /// The grant.
    pub id: GrantId,
    /// The generation that the holder proved; another than `expect` replaces an answer that got lost.
    pub presented: u32,
    /// The generation that the row must have.
    pub expect: u32,
    /// The predecessor that the row must have.
    pub expect_previous: Option<u32>,
    /// The present moment.
    pub now: Instant,
    /// Until when the new refresh token counts.
    pub expires: Option<Instant>,
    /// The proof key of the new generation.
    pub key: u32,
    /// How many rotations in a row before this one were each repeated from another source.
    pub repeats: u32,
    /// Where this one comes from.
    pub source: Source,
}

impl Rotate {
    /// Whether it gives a successor that got lost again, so that the lost one is void.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.presented != self.expect
    }
}

/// What came of a rotation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// Whether this very request made the change. If not, another came first: decide again by `grant`.
    pub changed: bool,
    /// The grant as it now stands.
    pub grant: Grant,
}

/// Which grants to list.
#[derive(Clone, Copy, Default, Debug)]
pub struct GrantFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// Of this app.
    pub app: Option<AppId>,
    /// In this organization.
    pub organization: Option<OrganizationId>,
    /// In this state.
    pub state: Option<State>,
    /// Those that come after this one: the older ones.
    pub after: Option<GrantId>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// A grant with the names that the operator knows it by; of what is gone there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGrant {
    /// The grant.
    pub grant: Grant,
    /// The person's label.
    pub user: Option<String>,
    /// The app's client id.
    pub client_id: Option<String>,
    /// The app's name.
    pub app_name: Option<String>,
    /// The organization's slug.
    pub organization: Option<String>,
}

/// A grant with the names that a person knows it by.
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
    /// Whether nobody sees that organization.
    pub organization_hidden: bool,
}

/// Grants of a person for an app that are too many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Surplus {
    /// Those whose code nobody redeemed.
    pub pending: Vec<GrantId>,
    /// Those that ended.
    pub ended: Vec<GrantId>,
    /// All of the person's for the app that have not ended.
    pub others: Vec<GrantId>,
}
