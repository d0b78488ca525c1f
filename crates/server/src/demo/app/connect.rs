//! The authorization request and its answer (RFC 6749 §4.1.1 and §4.1.2).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::Parameters;
use hallpass_wire::redirect_uri::with_query;

use super::actions::ActionContext;
use super::session::{Desk, Pending};
use super::steps::{Mood, ShownExchange, Veil};
use super::{Registration, SampleApp, moments};

/// The URL to which the person's browser is sent.
pub(super) fn address(app: &SampleApp, registration: &Registration, pending: &Pending) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, pending.verifier.as_bytes()));
    let mut pairs = vec![("response_type", "code"), ("client_id", &registration.credentials.id)];
    pairs.extend(registration.redirect_uri.as_deref().map(|uri| ("redirect_uri", uri)));
    pairs.extend(app.scope.as_deref().map(|scope| ("scope", scope)));
    pairs.extend([
        ("state", pending.state.as_str()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    with_query(&app.endpoints.authorize, &pairs)
}

/// Records that the person was sent to the server.
pub(super) fn tell_departure(app: &SampleApp, desk: &mut Desk, address: &str) {
    let shown = ShownExchange {
        request: format!("303 See Other\nLocation: {}", address.replace('&', "\n  &")),
        answer: String::new(),
    };
    let text = "The app sends the browser to the server. The state ties the answer to this browser, the challenge ties the code to this app.";
    desk.tell(
        moments::time(app.clock.now()),
        Mood::Note,
        "Send the person to the server",
        text,
        vec![shown],
    );
}

/// The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
pub(super) const ANSWER: [&str; 7] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "hint",
];

/// The checked authorization response.
pub(super) enum AuthorizationResponse {
    /// The code, which is exchanged at once.
    Code(String),
    /// The server or the person refused.
    Refused(&'static str),
}

/// Checks the response: first the issuer (RFC 9207 §2.4), then the result. The caller has already found its `state`.
pub(super) fn judge(issuer: &str, query: &Parameters<'_>) -> AuthorizationResponse {
    if query.get("iss") != Some(issuer) {
        return AuthorizationResponse::Refused(
            "This answer does not come from the server that was asked (iss). The app ignores it.",
        );
    }
    match (query.get("code"), query.get("error")) {
        (Some(code), None) => AuthorizationResponse::Code(code.to_owned()),
        (None, Some("access_denied")) => {
            AuthorizationResponse::Refused("The person did not allow access. The app learns nothing else.")
        }
        (None, Some(_)) => AuthorizationResponse::Refused("The server could not go on with the request."),
        _ => AuthorizationResponse::Refused("The answer has neither a code nor an error."),
    }
}

/// Handles the response: records it, and exchanges the code.
pub(super) async fn arrive(mut work: ActionContext<'_>, pending: &Pending, query: &Parameters<'_>) {
    let answer = judge(&work.app.issuer, query);
    let mut veil = Veil::default();
    veil.hide(query.get("code").unwrap_or_default());
    let lines: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let callback = work.registration.redirect_uri.as_deref().unwrap_or_default();
    let request = veil.cover(&format!("GET {callback}\n  ?{}", lines.join("\n  &")));
    let shown = vec![ShownExchange {
        request,
        answer: String::new(),
    }];
    match answer {
        AuthorizationResponse::Code(code) => {
            let text = "State and issuer are the ones that the app expects, so it takes the code.";
            work.tell(Mood::Good, "The person comes back with a code", text, shown);
            work.redeem(&code, &pending.verifier).await;
        }
        AuthorizationResponse::Refused(text) => {
            work.tell(Mood::Refused, "The person comes back without access", text, shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> bool {
        let query = Parameters::parse(query.as_bytes(), &ANSWER).unwrap();
        matches!(
            judge("http://localhost:8080", &query),
            AuthorizationResponse::Refused(_)
        )
    }

    #[test]
    fn only_a_code_from_the_asked_server_is_accepted() {
        assert!(!refused("code=c&iss=http%3A%2F%2Flocalhost%3A8080"));
        assert!(refused("code=c"));
        assert!(refused("code=c&iss=http%3A%2F%2Flocalhost%3A9"));
        assert!(refused("code=c&error=access_denied&iss=http%3A%2F%2Flocalhost%3A8080"));
        assert!(refused("error=access_denied&iss=http%3A%2F%2Flocalhost%3A8080"));
        assert!(refused("iss=http%3A%2F%2Flocalhost%3A8080"));
    }
}
