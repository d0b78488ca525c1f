//! The browser that asks, known by its cookie.
//!
//! Before the sign-in the cookie names no session: it only binds sealed states. After it, the same cookie names the session.

use crate::app::Hallpass;
use crate::cookies;
use crate::random;
use crate::respond::{self, Response};
use crate::store::model::SessionId;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{header, request::Parts};

/// A browser.
pub(super) struct Browser {
    /// The hash of its cookie. The database keeps no more: who reads it opens no session.
    pub(super) id: SessionId,
    /// The cookie to set, where it has none yet or gets a new one.
    fresh: Option<String>,
}

impl Browser {
    /// The browser that sent these headers; `None` where it sent no cookie of ours.
    pub(super) fn known(hallpass: &Hallpass, parts: &Parts) -> Option<Self> {
        // Ours are 43 characters; anything else binds nothing and is replaced.
        let token = cookies::named(&parts.headers, cookie_name(hallpass)).find(|value| value.len() == 43)?;
        Some(Self {
            id: session_id(token),
            fresh: None,
        })
    }

    /// A browser under a new cookie.
    pub(super) fn fresh() -> Self {
        let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        Self {
            id: session_id(&token),
            fresh: Some(token),
        }
    }

    /// Sets the cookie that the browser does not have yet.
    pub(super) fn set_cookie(&self, hallpass: &Hallpass, response: &mut Response) {
        if let Some(token) = &self.fresh {
            let secure = if hallpass.is_https() { "; Secure" } else { "" };
            let name = cookie_name(hallpass);
            let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}");
            respond::set(response, header::SET_COOKIE, &cookie);
        }
    }
}

fn session_id(token: &str) -> SessionId {
    let mut id = [0; 32];
    id.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    SessionId(id)
}

/// With https the `__Host-` prefix keeps other hosts of the domain from planting one.
fn cookie_name(hallpass: &Hallpass) -> &'static str {
    if hallpass.is_https() {
        "__Host-hallpass"
    } else {
        "hallpass"
    }
}
