//! The steps of a person and an app through OAuth, over HTTP only.

use crate::Outcome;
use crate::http::{Answer, Connection, Sent};
use crate::world::{CLIENT_ID, PASSWORD, REDIRECT_URI};
use http::header;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The verifier of every authorization request, from the example in RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The challenge to it, decoded, as in a grant's row.
pub(crate) const CHALLENGE_BYTES: [u8; 32] = [
    0x13, 0xd3, 0x1e, 0x96, 0x1a, 0x1a, 0xd8, 0xec, 0x2f, 0x16, 0xb1, 0x0c, 0x4c, 0x98, 0x2e, 0x08, 0x76, 0xa8, 0x78,
    0xad, 0x6d, 0xf1, 0x44, 0x56, 0x6e, 0xe1, 0x89, 0x4a, 0xcb, 0x70, 0xf9, 0xc3,
];

/// The tokens of one answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A signed-in person with her own browser.
pub(crate) struct Person {
    connection: Connection,
    cookie: String,
}

impl Person {
    /// Signs in `person{number}`.
    pub(crate) async fn sign_in(mut connection: Connection, number: usize) -> Outcome<Self> {
        let page = connection.send("/login", Sent::default()).await?;
        let (state, cookie) = sign_in_fields(&page)?;
        let form = form(&[
            ("state", &state),
            ("username", &format!("person{number}@example.com")),
            ("password", PASSWORD),
        ]);
        let sent = Sent {
            form: Some(&form),
            cookie: Some(&cookie),
            ..Sent::default()
        };
        let answer = connection.send("/login", sent).await?;
        match cookie_of(&answer) {
            Some(cookie) if answer.status == 303 => Ok(Self { connection, cookie }),
            _ => Err(unexpected("sign-in", &answer)),
        }
    }

    /// The same person in the same browser, on another connection.
    pub(crate) fn on(&self, connection: Connection) -> Self {
        let cookie = self.cookie.clone();
        Self { connection, cookie }
    }

    /// Returns the connection, for other uses.
    pub(crate) fn leave(self) -> Connection {
        self.connection
    }

    /// Connects the app. Returns the code.
    pub(crate) async fn allow(&mut self) -> Outcome<String> {
        let form = allowing(&self.question().await?)?;
        code(&self.decide(&form).await?)
    }

    /// Opens the consent page.
    pub(crate) async fn question(&mut self) -> Outcome<Answer> {
        let query = form(&[
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        self.send(&format!("/oauth/authorize?{query}"), None).await
    }

    /// Sends the form of the consent page.
    pub(crate) async fn decide(&mut self, form: &str) -> Outcome<Answer> {
        self.send("/consent", Some(form)).await
    }

    /// Opens the connected-apps page.
    pub(crate) async fn connected_apps(&mut self) -> Outcome<Answer> {
        self.send("/account/apps", None).await
    }

    /// Sends the form of the connected-apps page.
    pub(crate) async fn end(&mut self, form: &str) -> Outcome<Answer> {
        self.send("/account/apps", Some(form)).await
    }

    async fn send(&mut self, path: &str, form: Option<&str>) -> Outcome<Answer> {
        let sent = Sent {
            form,
            cookie: Some(&self.cookie),
            ..Sent::default()
        };
        self.connection.send(path, sent).await
    }
}

/// The hidden field and the cookie of a sign-in page, to be sent back.
pub(crate) fn sign_in_fields(page: &Answer) -> Outcome<(String, String)> {
    let state = hidden(&page.text(), "state").map_err(|_| unexpected("sign-in page", page))?;
    Ok((state, cookie_of(page).unwrap_or_default()))
}

/// The form of the consent page, with "allow".
pub(crate) fn allowing(page: &Answer) -> Outcome<String> {
    let state = hidden(&page.text(), "state").map_err(|_| unexpected("consent page", page))?;
    Ok(form(&[("state", &state), ("decision", "allow")]))
}

/// The code in the redirect to the app.
pub(crate) fn code(answer: &Answer) -> Outcome<String> {
    let location = answer.header(header::LOCATION).unwrap_or_default();
    let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
    match code {
        Some(code) => Ok(percent_decode_str(code).decode_utf8()?.into_owned()),
        None => Err(unexpected("consent", answer)),
    }
}

/// The form of the connected-apps page that ends all access of the first app. `None` if no app is connected.
pub(crate) fn ending(page: &Answer) -> Option<String> {
    let text = page.text();
    let form = text.split("<form").find(|form| form.contains("name=\"end\""))?;
    let fields = inputs(form);
    let mut fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.push(("end", "1"));
    Some(self::form(&fields))
}

/// The body that redeems a code (RFC 6749 §4.1.3).
pub(crate) fn redemption(code: &str) -> String {
    form(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ])
}

/// The body of a refresh (RFC 6749 §6).
pub(crate) fn refreshing(token: &str) -> String {
    form(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// The tokens in an answer. An error if there are none.
pub(crate) fn tokens(answer: &Answer) -> Outcome<Tokens> {
    match (
        answer.status,
        answer.member("access_token"),
        answer.member("refresh_token"),
    ) {
        (200, Some(access), Some(refresh)) => Ok(Tokens { access, refresh }),
        _ => Err(unexpected("token", answer)),
    }
}

/// An encoded form.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

/// The error for an answer that is not allowed.
pub(crate) fn unexpected(what: &str, answer: &Answer) -> Box<dyn std::error::Error + Send + Sync> {
    let text: String = answer.text().chars().take(300).collect();
    format!("{what}: {} {text}", answer.status).into()
}

fn cookie_of(answer: &Answer) -> Option<String> {
    let set = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    Some(set.split(';').next()?.to_owned())
}

fn hidden(page: &str, name: &str) -> Outcome<String> {
    let found = inputs(page).into_iter().find(|(found, _)| found == name);
    Ok(found.ok_or_else(|| format!("the page has no field {name}"))?.1)
}

/// The hidden fields of a page, in order. Their values need no unescaping.
fn inputs(page: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    page.split("<input")
        .skip(1)
        .filter(|tag| tag.contains("type=\"hidden\""))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}
