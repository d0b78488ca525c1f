//! The grant's life as in the design: lists, whole milliseconds, and rules in the order of the text. This model shares no
//! code with the server, so an error in one does not hide an error in the other.

use super::keys::Keys;
use super::nouns::{
    Access, Answered, App, Caller, Fault, Grant, KeyPurpose, Life, Refresh, Request, Rules, Scopes, User,
};
use std::collections::BTreeSet;

/// The answer to a refused code or refresh token, for any reason.
pub(super) const INVALID_GRANT: &str = "400 invalid_grant";
/// The answer to a request for more scopes than were granted.
pub(super) const INVALID_SCOPE: &str = "400 invalid_scope";
/// The answer to a client whose grant is paused, or that is paused itself.
pub(super) const PAUSED: &str = "400 access_denied";
/// The answer to a client that fails to authenticate.
pub(super) const INVALID_CLIENT: &str = "401 invalid_client";
/// The answer of a resource server to an invalid token.
pub(super) const INVALID_TOKEN: &str = "401 invalid_token";

/// How long after a code's expiry a second use is detected, and how long the row of an unredeemed code is kept, in
/// milliseconds.
pub(super) const CODE_KEPT: i64 = 10 * 60 * 1000;

/// The number of rotations in a row, each repeated from another source, that mean a copied device.
const COPIED: u32 = 3;

/// The reason for the end of a grant whose key was revoked. Its row is updated later.
pub(super) const KEY_REVOKED: &str = "key_revoked";

/// All objects.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) rules: Rules,
    pub(super) users: Vec<User>,
    pub(super) apps: Vec<App>,
    /// Whether each organization is suspended.
    pub(super) organizations: Vec<bool>,
    pub(super) grants: Vec<Grant>,
    pub(super) accesses: Vec<Access>,
    access_keys: Keys,
    proof_keys: Keys,
    /// Revoked access tokens: the grant, the generation, the moment of issue and the scopes.
    revoked: BTreeSet<(usize, u32, i64, u8)>,
}

/// What tells an access token from others (decision 32): two of one generation may differ by their scopes alone.
fn serial(access: Access) -> (usize, u32, i64, u8) {
    (access.grant, access.generation, access.issued, access.scopes.0)
}

impl Model {
    pub(super) fn new(now: i64, rules: Rules, users: Vec<User>, apps: Vec<App>, organizations: usize) -> Self {
        Self {
            now,
            rules,
            users,
            apps,
            organizations: vec![false; organizations],
            grants: vec![],
            accesses: vec![],
            access_keys: Keys::first(),
            proof_keys: Keys::first(),
            revoked: BTreeSet::new(),
        }
    }

    /// `pending`: a code was issued.
    pub(super) fn consent(&mut self, user: usize, app: usize, organization: usize, scopes: Scopes) -> usize {
        self.grants.push(Grant {
            user,
            app,
            organization,
            scopes,
            life: Life::Pending,
            code_expires: self.now + self.rules.code,
            generation: 0,
            previous: None,
            rotated_at: self.now,
            seen: false,
            void: BTreeSet::new(),
            expires: None,
            ends: None,
            used: (self.now, self.now),
            keys: vec![self.proof_keys.at(self.now)],
            source: None,
            repeats: 0,
            repeated: false,
            swept: false,
        });
        self.grants.len() - 1
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answered {
        match *request {
            Request::Redeem { by, grant, fault } => self.redeem(by, grant, fault),
            Request::Refresh {
                by,
                token,
                scopes,
                from,
            } => self.refresh(by, token, scopes, from),
            Request::Identity(access) => match self.is_good(access) {
                true => Answered::Person(self.grants[access.grant].user),
                false => Answered::Refused(INVALID_TOKEN),
            },
            Request::Introspect(caller, access) => self.introspect(caller, access),
            Request::IntrospectRefresh(caller, token) => self.introspect_refresh(caller, token),
            Request::Revoke(by, access) => self.revoke(by, access),
            Request::RevokeRefresh(by, token) => self.revoke_refresh(by, token),
            Request::EndAccess {
                user,
                app,
                organization,
            } => {
                self.end_all("by_person", |grant| {
                    (grant.user, grant.app, grant.organization) == (user, app, organization)
                });
                Answered::Done
            }
            Request::OperatorEnds(grant) => self.done(|model| model.end(grant, "by_operator")),
            Request::UserSuspended(user, is) => self.done(|model| model.users[user].suspended = is),
            Request::AppSuspended(app, is) => self.done(|model| model.apps[app].suspended = is),
            Request::OrganizationSuspended(one, is) => self.done(|model| model.organizations[one] = is),
            Request::RotateKeys => self.done(|model| {
                model.access_keys.rotate(model.now);
                model.proof_keys.rotate(model.now);
            }),
            Request::RevokeKey(purpose) => self.done(|model| model.revoke_key(purpose)),
            Request::Member(user, organization, true) => self.done(|model| {
                model.users[user].member_of.insert(organization);
            }),
            // A grant ends after thirty days of this pause, and no history is that long.
            Request::Member(user, organization, false) => self.done(|model| {
                model.users[user].member_of.remove(&organization);
            }),
        }
    }

    /// Pending, this app, code not expired → active, generation 1. All checks that can fail come before. A second use of a
    /// code ends the grant if the code is authentic, its own client sends it with everything that the first use had to
    /// prove, and at most ten minutes have passed since the code's expiry. After the first rotation a second use ends
    /// nothing.
    fn redeem(&mut self, by: usize, id: usize, fault: Option<Fault>) -> Answered {
        let (now, rules) = (self.now, self.rules);
        let grant = &self.grants[id];
        if grant.app != by || !self.is_authentic(id, 0) || matches!(grant.life, Life::Ended(_)) {
            return Answered::Refused(INVALID_GRANT);
        }
        if grant.life == Life::Active {
            let known = grant.generation == 1 && !grant.swept && now < grant.code_expires + CODE_KEPT;
            if known && fault.is_none() {
                self.end(id, "code_replayed");
            }
            return Answered::Refused(INVALID_GRANT);
        }
        if now >= grant.code_expires || fault.is_some() {
            return Answered::Refused(INVALID_GRANT);
        }
        // Paused is not ended: the code stays valid.
        if !self.may_act(id) {
            return Answered::Refused(PAUSED);
        }
        let scopes = grant.scopes.and(self.apps[by].scopes);
        if scopes.is_empty() {
            return Answered::Refused(INVALID_SCOPE);
        }
        let ends = rules.absolute.map(|span| now + span);
        let expires = self.refresh_expires(by, ends);
        let key = self.proof_keys.at(now);
        let grant = &mut self.grants[id];
        (grant.life, grant.generation, grant.rotated_at) = (Life::Active, 1, now);
        grant.keys.push(key);
        (grant.ends, grant.expires, grant.used) = (ends, expires, (now, now));
        self.pair(id, now, scopes)
    }

    /// Client authentication, HMAC and ownership; then the generations; then the other checks; then the change.
    fn refresh(&mut self, by: usize, token: Refresh, asked: Option<Scopes>, from: usize) -> Answered {
        let id = token.grant;
        if !self.is_own(by, token) || self.grants[id].life != Life::Active {
            return Answered::Refused(INVALID_GRANT);
        }
        let meaning = self.meaning(token);
        if meaning == Meaning::Reused {
            self.end(id, "refresh_reused");
        }
        if meaning == Meaning::Reused || self.is_over(id) {
            return Answered::Refused(INVALID_GRANT);
        }
        if meaning == Meaning::Current {
            self.see(id, token.generation);
        }
        if !self.may_act(id) {
            return Answered::Refused(PAUSED);
        }
        let granted = self.grants[id].scopes;
        let asked = asked.unwrap_or(granted);
        let scopes = asked.and(self.apps[by].scopes);
        if !asked.within(granted) || scopes.is_empty() {
            return Answered::Refused(INVALID_SCOPE);
        }
        if meaning == Meaning::Same && self.is_copied(id, from) && self.apps[by].public {
            self.end(id, "device_copied");
            return Answered::Refused(INVALID_GRANT);
        }
        if meaning == Meaning::Same {
            let (first, now) = (self.grants[id].rotated_at, self.now);
            // The same access token again, as long as it has not expired.
            let issued = if now < first + self.rules.access { first } else { now };
            return self.pair(id, issued, scopes);
        }
        if self.rotates(by) {
            self.rotate(id, token.generation, from);
        }
        self.pair(id, self.now, scopes)
    }

    /// (n, p) → (n+1, n), or (n+1, p) if p came again; then n is void.
    fn rotate(&mut self, id: usize, presented: u32, from: usize) {
        let expires = self.refresh_expires(self.grants[id].app, self.grants[id].ends);
        let (now, key) = (self.now, self.proof_keys.at(self.now));
        let grant = &mut self.grants[id];
        grant.keys.push(key);
        if presented != grant.generation {
            grant.void.insert(grant.generation);
        }
        (grant.previous, grant.generation) = (Some(presented), grant.generation + 1);
        (grant.rotated_at, grant.seen, grant.expires) = (now, false, expires);
        grant.used = (now, grant.used.1.max(now));
        if grant.repeats < COPIED {
            grant.repeats = if grant.repeated { grant.repeats + 1 } else { 0 };
        }
        (grant.repeated, grant.source) = (false, Some(from));
    }

    /// Three rotations in a row, each repeated from another source, mean a copied device.
    fn is_copied(&mut self, id: usize, from: usize) -> bool {
        let grant = &mut self.grants[id];
        let elsewhere = grant.source.is_some_and(|source| source != from);
        grant.repeated |= elsewhere;
        let copied = elsewhere && grant.repeats + 1 >= COPIED;
        if copied {
            grant.repeats = COPIED;
        }
        copied
    }

    fn meaning(&self, token: Refresh) -> Meaning {
        let (grant, presented) = (&self.grants[token.grant], token.generation);
        // A negative age counts as young.
        let age = self.now - grant.rotated_at;
        if presented == grant.generation {
            Meaning::Current
        } else if Some(presented) != grant.previous {
            Meaning::Reused
        } else if age <= self.rules.grace {
            Meaning::Same
        } else if !grant.seen && age <= self.rules.retry {
            Meaning::Replaces
        } else {
            Meaning::Reused
        }
    }

    /// An app may ask about its own tokens; an API about those with its scopes, and it gets the organization as well.
    /// Public clients may not ask.
    fn introspect(&mut self, caller: Caller, access: Access) -> Answered {
        if !self.may_introspect(caller) {
            return Answered::Refused(INVALID_CLIENT);
        }
        let grant = &self.grants[access.grant];
        let organization = match caller {
            // Such a request is not a use of the token either.
            Caller::App(app) if app != grant.app => return Answered::Inactive,
            Caller::App(_) => None,
            Caller::Api => Some(grant.organization),
        };
        if !self.is_good(access) {
            return Answered::Inactive;
        }
        let grant = &self.grants[access.grant];
        Answered::Active {
            scopes: access.scopes,
            expires: Some(access.expires),
            user: grant.user,
            organization,
            app: grant.app,
        }
    }

    /// Only the current refresh token is active, for the app that holds it.
    fn introspect_refresh(&mut self, caller: Caller, token: Refresh) -> Answered {
        if !self.may_introspect(caller) {
            return Answered::Refused(INVALID_CLIENT);
        }
        let (id, Caller::App(app)) = (token.grant, caller) else {
            return Answered::Inactive;
        };
        let is_next = self.grants[id].generation == token.generation && self.grants[id].life == Life::Active;
        if !self.is_own(app, token) || !is_next || self.is_over(id) {
            return Answered::Inactive;
        }
        self.see(id, token.generation);
        if !self.may_act(id) {
            return Answered::Inactive;
        }
        let grant = &self.grants[id];
        Answered::Active {
            scopes: grant.scopes,
            expires: grant.expires,
            user: grant.user,
            organization: None,
            app,
        }
    }

    /// To revoke an access token ends only that token.
    fn revoke(&mut self, by: usize, access: Access) -> Answered {
        // A token under a removed key reveals nothing.
        if !self.access_keys.lives(access.sealed) {
            return Answered::Done;
        }
        if self.grants[access.grant].app != by {
            return Answered::Refused(INVALID_GRANT);
        }
        if self.is_valid(access) {
            self.see(access.grant, access.generation);
            self.revoked.insert(serial(access));
        }
        Answered::Done
    }

    /// To revoke a refresh token of any generation ends the grant. An invalid token is no error.
    fn revoke_refresh(&mut self, by: usize, token: Refresh) -> Answered {
        if token.forged || !self.is_authentic(token.grant, token.generation) {
            return Answered::Done;
        }
        if self.grants[token.grant].app != by {
            return Answered::Refused(INVALID_GRANT);
        }
        self.done(|model| model.end(token.grant, "by_app"))
    }

    /// Whether an access token is valid now. A caller that may ask has seen it.
    fn is_good(&mut self, access: Access) -> bool {
        if !self.is_valid(access) {
            return false;
        }
        self.see(access.grant, access.generation);
        access.scopes.within(self.apps[self.grants[access.grant].app].scopes) && self.may_act(access.grant)
    }

    /// Whether the token and its grant have not expired or ended, whatever the state of app and person.
    fn is_valid(&self, access: Access) -> bool {
        let grant = &self.grants[access.grant];
        // No access token lives longer than its grant, so the token of an expired grant has expired as well.
        self.now < access.expires
            && matches!(grant.life, Life::Active | Life::Ended("expired"))
            && self.access_keys.lives(access.sealed)
            && self.is_authentic(access.grant, access.generation)
            && !grant.void.contains(&access.generation)
            && !self.revoked.contains(&serial(access))
    }

    fn see(&mut self, id: usize, generation: u32) {
        let (now, grant) = (self.now, &mut self.grants[id]);
        grant.seen |= grant.generation == generation;
        grant.used.1 = grant.used.1.max(now);
    }

    fn pair(&mut self, id: usize, issued: i64, scopes: Scopes) -> Answered {
        let grant = &self.grants[id];
        let bounds = [Some(issued + self.rules.access), grant.expires, grant.ends];
        let expires = bounds.into_iter().flatten().min().unwrap_or(issued);
        let (generation, forged) = (grant.generation, false);
        let access = Access {
            grant: id,
            generation,
            issued,
            scopes,
            expires,
            // The key at its moment of issue, so that the same token is given again.
            sealed: self.access_keys.at(issued),
        };
        if !self.accesses.contains(&access) {
            self.accesses.push(access);
        }
        let refresh = Refresh {
            grant: id,
            generation,
            forged,
        };
        // A fraction of a second counts as a whole one.
        let expires_in =
            (expires - self.now).max(0).div_euclid(1000) + i64::from((expires - self.now).max(0) % 1000 > 0);
        Answered::Pair {
            refresh,
            access,
            expires_in,
        }
    }

    fn refresh_expires(&self, app: usize, ends: Option<i64>) -> Option<i64> {
        let idle = self.rules.idle.filter(|_| self.rotates(app));
        let spans = [self.rules.refresh, idle].into_iter().flatten();
        spans.map(|span| self.now + span).chain(ends).min()
    }

    /// Rotation is never off for public clients.
    fn rotates(&self, app: usize) -> bool {
        self.rules.rotate || self.apps[app].public
    }

    pub(super) fn end(&mut self, id: usize, reason: &'static str) {
        let life = &mut self.grants[id].life;
        if !matches!(life, Life::Ended(_)) {
            *life = Life::Ended(reason);
        }
    }

    fn end_all(&mut self, reason: &'static str, which: impl Fn(&Grant) -> bool) {
        for id in 0..self.grants.len() {
            if which(&self.grants[id]) {
                self.end(id, reason);
            }
        }
    }

    /// Ends everything made with a revoked key: codes, refresh and access tokens, and grants that have no other token.
    fn revoke_key(&mut self, purpose: KeyPurpose) {
        let keys = match purpose {
            KeyPurpose::Access => &mut self.access_keys,
            KeyPurpose::Proof => &mut self.proof_keys,
        };
        let revoked = keys.at(self.now);
        keys.revoke(revoked, self.now);
        for id in 0..self.grants.len() {
            if purpose == KeyPurpose::Proof && self.grants[id].keys.last() == Some(&revoked) {
                self.end(id, KEY_REVOKED);
            }
        }
    }

    /// Whether the grant of an access token ended by a key other than the token's own.
    pub(super) fn is_untold(&self, access: Access) -> bool {
        self.grants[access.grant].life == Life::Ended(KEY_REVOKED) && self.is_authentic(access.grant, access.generation)
    }

    /// Removes retired keys.
    pub(super) fn retire_keys(&mut self) {
        self.access_keys.retire(self.now);
    }

    /// Whether the key of the current generation was revoked.
    pub(super) fn is_keyless(&self, id: usize) -> bool {
        !self.is_authentic(id, self.grants[id].generation)
    }

    fn is_authentic(&self, id: usize, generation: u32) -> bool {
        let key = self.grants[id].keys.get(generation as usize);
        key.is_some_and(|key| self.proof_keys.lives(*key))
    }

    /// Whether the current refresh token has expired.
    pub(super) fn is_over(&self, id: usize) -> bool {
        let grant = &self.grants[id];
        let bounds = [grant.expires, grant.ends];
        grant.life != Life::Pending && bounds.into_iter().flatten().any(|bound| self.now >= bound)
    }

    /// Whether the row may be deleted, because the code was never redeemed.
    pub(super) fn is_forgotten(&self, id: usize) -> bool {
        let grant = &self.grants[id];
        let long_ago = self.now >= grant.code_expires + CODE_KEPT || grant.life == Life::Ended("expired");
        grant.generation == 0 && long_ago
    }

    fn is_own(&self, app: usize, token: Refresh) -> bool {
        !token.forged && self.grants[token.grant].app == app && self.is_authentic(token.grant, token.generation)
    }

    fn may_introspect(&self, caller: Caller) -> bool {
        match caller {
            Caller::App(app) => !self.apps[app].public,
            Caller::Api => true,
        }
    }

    pub(super) fn is_live(&self, app: usize) -> bool {
        !self.apps[app].suspended && !self.organizations[self.apps[app].owner]
    }

    /// Whether app, person, membership and organization still allow the grant to act.
    fn may_act(&self, id: usize) -> bool {
        let grant = &self.grants[id];
        let user = &self.users[grant.user];
        self.is_live(grant.app)
            && !user.suspended
            && user.member_of.contains(&grant.organization)
            && !self.organizations[grant.organization]
    }

    fn done(&mut self, change: impl FnOnce(&mut Self)) -> Answered {
        change(self);
        Answered::Done
    }
}

/// The meaning of an authentic refresh token of the right client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    Current,
    Same,
    Replaces,
    Reused,
}
