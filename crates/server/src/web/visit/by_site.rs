//! Visits by people whom the site signed in.

use super::negotiate;
use crate::audit::Who;
use crate::store::StoreError;
use crate::store::model::{Acceptance, Accepted, Arrival, AuditAction, Session, SessionKind, User};
use crate::web::{Visit, state};
use http::Method;
use std::sync::Arc;
use std::time::Duration;

impl Visit {
    /// Whether a session opens what is asked for. One that the site began opens pages for a short time, because only the site
    /// knows how long the person is signed in there. A form that was opened in this time can still be sent.
    pub(super) fn is_open(&self, session: &Session) -> bool {
        let Some(config) = &self.hallpass.config.handover else {
            return session.kind == SessionKind::Own;
        };
        match session.kind {
            SessionKind::Own => true,
            SessionKind::Handover => {
                let finishes = self.parts.method == Method::POST || self.parts.uri.path() == "/consent";
                finishes || self.now < session.created.after(config.session)
            }
        }
    }

    /// Whether the person may be asked for consent without another sign-in.
    #[must_use]
    pub(crate) fn is_signed_in_to_allow(&self) -> bool {
        match self.hallpass.config.handover {
            Some(_) => self.is_by_site(),
            None => self.user.is_some(),
        }
    }

    /// Whether the site began the session.
    fn is_by_site(&self) -> bool {
        matches!(self.began, Some((SessionKind::Handover, _)))
    }

    /// Whether this answer of the site began the session.
    #[must_use]
    pub(crate) fn is_begun_by(&self, found: &Acceptance) -> bool {
        let began = self.began.and_then(|(_, request)| request);
        self.user.is_some() && began == Some(found.request)
    }

    /// The site's page that follows a sign-out here.
    #[must_use]
    pub(crate) fn sign_out_at_site(&self) -> Option<String> {
        let config = self.hallpass.config.handover.as_ref()?;
        config.sign_out.clone().filter(|_| self.is_by_site())
    }

    /// The hash of this browser's binding cookie, for a sign-in that begins now.
    #[must_use]
    pub(crate) fn browser_hash(&self) -> [u8; 32] {
        self.browser.binding()
    }

    /// Whether a sign-in began in this browser.
    #[must_use]
    pub(crate) fn is_of_browser(&self, hash: &[u8; 32]) -> bool {
        self.browser.is_bound(hash)
    }

    /// Nobody in particular at this browser, for the audit log.
    #[must_use]
    pub(crate) fn who_is_unknown(&self) -> Who {
        Who::nobody(self.source())
    }

    /// Signs in a person whom the site signed in, and spends its answer. The session gets a new id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the answer was spent or replaced meanwhile, or the person suspended.
    pub(crate) async fn begin_handed_over(
        &mut self,
        found: &Acceptance,
        accepted: &Accepted,
        user: &User,
    ) -> Result<(), StoreError> {
        let before = self.browser.session();
        let pages = self
            .hallpass
            .config
            .handover
            .as_ref()
            .map_or(Duration::ZERO, |config| config.session);
        let arrival = Arrival {
            request: found.request,
            digest: found.digest,
            accepted: found.accepted,
            session: self.browser.begin_session(),
            user: user.id,
            auth_time: accepted.auth_time,
            now: self.now,
            expires: self.now.after(pages + state::LIFETIME),
        };
        let event = self.who(user).did(AuditAction::SignedIn, self.now).user(user.id);
        let event = event.detail(&serde_json::json!({ "by": "site" }));
        self.hallpass
            .store
            .recording(event)
            .begin_handed_over_session(arrival, before)
            .await?;
        self.locale = negotiate(&self.parts, user.locale.as_deref());
        self.user = Some(Arc::new(user.clone()));
        self.began = Some((SessionKind::Handover, Some(found.request)));
        Ok(())
    }
}
