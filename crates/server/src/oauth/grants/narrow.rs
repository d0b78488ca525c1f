//! A grant loses scopes: the site or an owner of the organization takes them away.

use crate::audit::Who;
use crate::directory::feed::STALENESS;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AuditAction, Grant, Recall};
use crate::store::{RECALL, StoreError};
use hallpass_wire::Scopes;
use serde_json::json;

impl Hallpass {
    /// Takes the other scopes away. A request that read the grant before may issue a token with all of them until the commit, and
    /// as of its own moment; so tokens are recalled that are issued until then (docs/decisions/0082).
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: the grant ended, or its scopes changed, since it was read. If the database is away.
    pub async fn leave_only(&self, who: &Who, grant: &Grant, scopes: &Scopes) -> Result<(), StoreError> {
        if !self.feed.all_read(RECALL) {
            let text = "a server of an older version would go on to accept tokens with more scopes";
            return Err(StoreError::Unavailable(text.to_owned()));
        }
        let now = self.now();
        let named = |scopes: &Scopes| json!({ "scopes": scopes.to_string() });
        let event = who.did(AuditAction::GrantNarrowed, now).grant(grant);
        let event = event.change(&named(&grant.scopes), &named(scopes));
        let recalled = now.after(STALENESS);
        let store = self.store.recording(event);
        store.narrow(grant, scopes, recalled, now).await?;
        let committed = self.now();
        if committed > recalled {
            // The commit took longer than that.
            let recall = Recall::of_tokens(grant.id.0, committed.after(STALENESS));
            self.store.recall(&recall, committed).await?;
        }
        Ok(())
    }
}
