//! The identity endpoint: who authorized this token. It wants a person's token and no scope.

use crate::config::IdentityMember;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Reason as _;
use crate::oauth::access::{AccessReason, Subject, bearer, check};
use crate::serve::hallpass::Hallpass;
use crate::store::model::User;
use crate::time::Instant;
use http::HeaderMap;
use serde_json::{Value, json};

/// Answers a request for the identity of the resource owner.
pub async fn identity(hallpass: &Hallpass, headers: &HeaderMap, now: Instant) -> Response {
    match handle(hallpass, headers, now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "identity", reason = refusal.word(), %refusal, "refused");
            respond::rendered(hallpass.dialect.resource_refusal(&refusal.public()))
        }
    }
}

async fn handle(hallpass: &Hallpass, headers: &HeaderMap, now: Instant) -> Result<Response, AccessReason> {
    let access = check(hallpass, bearer(headers)?, now).await?;
    let Subject::Person(user) = access.subject else {
        return Err(AccessReason::NoResourceOwner);
    };
    let members = hallpass
        .config
        .wire
        .identity
        .iter()
        .filter_map(|member| Some((member.as_str(), value(hallpass, *member, &user)?)));
    // Written member by member: the order is the configured one.
    let body = members
        .map(|(name, value)| format!("{}:{value}", Value::from(name)))
        .collect::<Vec<_>>()
        .join(",");
    Ok(respond::json(200, format!("{{{body}}}")))
}

/// `None`: the person has none, and the member is left out.
fn value(hallpass: &Hallpass, member: IdentityMember, user: &User) -> Option<Value> {
    Some(match member {
        IdentityMember::Sub => json!(user.subject()),
        IdentityMember::Id if hallpass.config.handover.is_some() => json!(number_of_site(user)?),
        IdentityMember::Id => json!(user.number),
        IdentityMember::Name => json!(user.name),
        IdentityMember::Email => json!(user.address()?),
        IdentityMember::Locale => json!(user.locale.as_deref().unwrap_or("en")),
    })
}

/// The site's own id, if it is a number that JSON holds exactly (RFC 8259 §6) and is written as one.
fn number_of_site(user: &User) -> Option<u64> {
    const EXACT: u64 = 1 << 53;
    let subject = user.external_id.as_deref()?;
    let number: u64 = subject.parse().ok()?;
    (number < EXACT && number.to_string() == subject).then_some(number)
}
