//! The authorization request and its answer (RFC 6749 §4.1.1 and §4.1.2). The keeper makes and checks them.

use hallpass_client::CallbackError;
use hallpass_client::keeper::ConnectError;
use hallpass_wire::Parameters;

use super::actions::ActionContext;
use super::keeping::PERSON;
use super::session::Desk;
use super::steps::{Mood, ShownExchange, Veil};
use super::{SampleApp, moments};

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
const ANSWER: [&str; 7] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "hint",
];

/// The answer belongs to no request of this browser, or cannot be read.
pub(super) struct Foreign;

/// Handles the response: checks it, exchanges its code, and records both.
pub(super) async fn arrive(mut work: ActionContext<'_>, query: &str) -> Result<(), Foreign> {
    let parameters = Parameters::parse(query.as_bytes(), &ANSWER).map_err(|_| Foreign)?;
    let callback = work.registration.redirect_uri.as_deref().unwrap_or_default();
    let keeper = work.desk.keeping.keeper.clone();
    let completed = keeper.complete(&format!("{callback}?{query}"), PERSON).await;
    let shown = vec![shown(callback, &parameters)];
    let refused = match completed {
        Ok(_) => None,
        Err(ConnectError::Denied { error, .. }) => Some(CallbackError::Refused(error)),
        Err(ConnectError::Callback(error)) => Some(error),
        Err(_) => return Err(Foreign),
    };
    match refused.as_ref().map(refusal) {
        None | Some(None) => {
            let text = "State and issuer are the ones that the app expects, so it takes the code.";
            work.tell(Mood::Good, "The person comes back with a code", text, shown);
            work.tell_exchange(refused.is_none());
        }
        Some(Some(text)) => {
            work.tell(Mood::Refused, "The person comes back without access", text, shown);
        }
    }
    Ok(())
}

fn shown(callback: &str, parameters: &Parameters<'_>) -> ShownExchange {
    let mut veil = Veil::default();
    veil.hide(parameters.get("code").unwrap_or_default());
    let lines: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    ShownExchange {
        request: veil.cover(&format!("GET {callback}\n  ?{}", lines.join("\n  &"))),
        answer: String::new(),
    }
}

/// Why the app did not take the code. `None` if it took it, and got no tokens for it.
fn refusal(error: &CallbackError) -> Option<&'static str> {
    match error {
        CallbackError::Token(_) => None,
        CallbackError::Issuer => {
            Some("This answer does not come from the server that was asked (iss). The app ignores it.")
        }
        CallbackError::Refused(error) if error.code == "access_denied" => {
            Some("The person did not allow access. The app learns nothing else.")
        }
        CallbackError::Refused(_) => Some("The server could not go on with the request."),
        _ => Some("The answer has neither a code nor an error, or it comes too late."),
    }
}
