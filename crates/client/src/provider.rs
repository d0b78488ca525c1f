//! All that a client knows about one authorization server, and about itself there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_wire::jose::SigningKey;
use zeroize::Zeroizing;

use crate::form;

/// One authorization server, and the client that is registered there.
///
/// Endpoints may hold variables in braces, as in `https://{shop}.example/oauth/token`, which
/// [`with_variables`](Self::with_variables) fills for one tenant.
#[derive(Clone)]
#[non_exhaustive]
pub struct Provider {
    /// The issuer identifier (RFC 8414 §2), if known. It is compared with the parameter `iss` of the callback.
    pub issuer: Option<String>,
    /// Where the user signs in (RFC 6749 §3.1).
    pub authorization_endpoint: Option<String>,
    /// Where tokens come from (RFC 6749 §3.2).
    pub token_endpoint: Option<String>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: Option<String>,
    /// Where the server says whether a token is valid (RFC 7662).
    pub introspection_endpoint: Option<String>,
    /// Whether the callback must have the parameter `iss` (RFC 9207 §2.4).
    pub iss_required: bool,
    /// The client identifier.
    pub client_id: String,
    /// How the client authenticates.
    pub auth: ClientAuth,
    /// How requests to the token endpoint are written.
    pub body: BodyFormat,
    /// Whether authorization requests have a code challenge (RFC 7636). Set it to false only for a server that refuses
    /// one.
    pub pkce: bool,
    /// What stands between scopes: a space (RFC 6749 §3.3), or a comma for some servers.
    pub scope_separator: String,
    /// Scopes of an authorization request that names none.
    pub scopes: Vec<String>,
    /// The APIs that the tokens are for, sent with each request (RFC 8707).
    pub resources: Vec<String>,
    /// Parameters added to the authorization request, such as `access_type=offline`.
    pub authorize_params: Vec<(String, String)>,
    /// Parameters added to the exchange of a code and to client credentials requests.
    pub token_params: Vec<(String, String)>,
    /// Parameters added to refreshes.
    pub refresh_params: Vec<(String, String)>,
    /// Names of members of the token answer that are handed on in [`Tokens::extra`](crate::Tokens::extra).
    pub extra: Vec<String>,
    /// Names of parameters of the callback that are handed on in [`Tokens::extra`](crate::Tokens::extra) too.
    pub callback_extra: Vec<String>,
    /// The lifetime of access tokens where answers have no `expires_in`.
    pub access_lifetime: Option<Duration>,
    /// The lifetime of refresh tokens, which most servers do not say.
    pub refresh_lifetime: Option<Duration>,
}

/// How a client authenticates at the token endpoint (RFC 6749 §2.3).
#[derive(Clone)]
#[non_exhaustive]
pub enum ClientAuth {
    /// A public client: only its identifier is sent.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    Basic(ClientSecret, BasicEncoding),
    /// `client_id` and `client_secret` in the body.
    Body(ClientSecret),
    /// An assertion signed with a key of the client (RFC 7523 §2.2). It lives five minutes, by the clock of the server.
    PrivateKeyJwt {
        /// The private key.
        key: Arc<SigningKey>,
        /// The audience of the assertion. `None`: the issuer, or the token endpoint where no issuer is known.
        audience: Option<String>,
    },
}

/// A client secret, which does not print.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

/// How the identifier and the secret are encoded in a Basic header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BasicEncoding {
    /// Each is form-encoded first, as RFC 6749 §2.3.1 says.
    #[default]
    Form,
    /// They are sent as they are, for servers that do not decode. The two encodings differ only for characters other
    /// than letters, digits, `-`, `_`, `.` and `*`.
    Plain,
}

/// How a request to the token endpoint is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded` (RFC 6749 appendix B).
    #[default]
    Form,
    /// A JSON object of texts, which some servers want instead.
    Json,
}

/// Why a provider cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// An endpoint is not known.
    #[error("the provider has no {0}")]
    Missing(&'static str),
    /// An endpoint is not an absolute URL.
    #[error("the {0} is not an absolute http or https URL without fragment")]
    Url(&'static str),
    /// A variable of an endpoint has no value.
    #[error("the variable `{0}` has no value")]
    Variable(String),
    /// A value could lead the request to another server or path.
    #[error("the value of the variable `{0}` may hold only letters, digits, `-`, `_` and `.` between them")]
    Value(String),
}

impl Provider {
    /// A provider without endpoints.
    pub fn new(client_id: impl Into<String>, auth: ClientAuth) -> Self {
        Self {
            issuer: None,
            authorization_endpoint: None,
            token_endpoint: None,
            revocation_endpoint: None,
            introspection_endpoint: None,
            iss_required: false,
            client_id: client_id.into(),
            auth,
            body: BodyFormat::Form,
            pkce: true,
            scope_separator: " ".to_owned(),
            scopes: Vec::new(),
            resources: Vec::new(),
            authorize_params: Vec::new(),
            token_params: Vec::new(),
            refresh_params: Vec::new(),
            extra: Vec::new(),
            callback_extra: Vec::new(),
            access_lifetime: None,
            refresh_lifetime: None,
        }
    }

    /// The same provider for one tenant: each `{name}` in issuer and endpoints becomes its value.
    ///
    /// # Errors
    /// [`ProviderError::Variable`] if a value is missing, [`ProviderError::Value`] if a value holds other characters than
    /// letters, digits, `-`, `_` and `.`: such a value could send a secret to another server.
    pub fn with_variables(&self, values: &BTreeMap<String, String>) -> Result<Self, ProviderError> {
        let mut filled = self.clone();
        for text in filled.templates_mut().into_iter().flatten() {
            *text = fill(text, values)?;
        }
        Ok(filled)
    }

    /// Whether the token endpoint has variables.
    #[cfg(feature = "keeper")]
    pub(crate) fn has_variables(&self) -> bool {
        self.token_endpoint.as_deref().is_some_and(|text| text.contains('{'))
    }

    /// Whether the values of variables choose whose server the token endpoint is. They do not in a path, or as labels below a
    /// fixed domain such as `.shops.example`.
    #[cfg(feature = "keeper")]
    pub(crate) fn variables_choose_server(&self) -> bool {
        let Some(template) = self.token_endpoint.as_deref().filter(|text| text.contains('{')) else {
            return false;
        };
        let Some((_, rest)) = template.split_once("://") else {
            return true;
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((_, below)) = authority.rsplit_once('}') else {
            return false;
        };
        let host = below.split(':').next().unwrap_or_default();
        // The last label of an IPv4 address has no letter.
        let is_name = |(first, last): (&str, &str)| !first.is_empty() && last.contains(|c: char| c.is_alphabetic());
        let is_domain = host
            .strip_prefix('.')
            .and_then(|domain| domain.rsplit_once('.'))
            .is_some_and(is_name);
        !is_domain
    }

    fn templates_mut(&mut self) -> [&mut Option<String>; 5] {
        [
            &mut self.issuer,
            &mut self.authorization_endpoint,
            &mut self.token_endpoint,
            &mut self.revocation_endpoint,
            &mut self.introspection_endpoint,
        ]
    }
}

impl fmt::Debug for Provider {
    /// Values of parameters may be secrets of a provider's own, so they are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.issuer)
            .field("token_endpoint", &self.token_endpoint)
            .field("client_id", &self.client_id)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

fn fill(template: &str, values: &BTreeMap<String, String>) -> Result<String, ProviderError> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| ProviderError::Variable(after.to_owned()))?;
        let value = values
            .get(name)
            .ok_or_else(|| ProviderError::Variable(name.to_owned()))?;
        if !is_safe_value(value) {
            return Err(ProviderError::Value(name.to_owned()));
        }
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// Dots only between other characters: `..` would climb in a path.
fn is_safe_value(value: &str) -> bool {
    let labels = || value.split('.');
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.len() <= 253 && labels().all(|label| !label.is_empty() && label.bytes().all(safe))
}

impl ClientAuth {
    /// HTTP Basic with form-encoded parts.
    pub fn basic(secret: impl Into<String>) -> Self {
        Self::Basic(ClientSecret::new(secret), BasicEncoding::Form)
    }

    /// `client_id` and `client_secret` in the body.
    pub fn body(secret: impl Into<String>) -> Self {
        Self::Body(ClientSecret::new(secret))
    }

    /// An assertion signed with `key`, for the issuer.
    pub fn private_key_jwt(key: SigningKey) -> Self {
        Self::PrivateKeyJwt {
            key: Arc::new(key),
            audience: None,
        }
    }

    /// The value of the header `Authorization`, if this method uses it.
    pub fn basic_header(&self, client_id: &str) -> Option<String> {
        let Self::Basic(secret, encoding) = self else {
            return None;
        };
        let pair = match encoding {
            BasicEncoding::Form => [form::encode(client_id), form::encode(secret.expose())].join(":"),
            BasicEncoding::Plain => [client_id, secret.expose()].join(":"),
        };
        Some(format!("Basic {}", STANDARD.encode(Zeroizing::new(pair).as_bytes())))
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic(..) => "Basic",
            Self::Body(_) => "Body",
            Self::PrivateKeyJwt { .. } => "PrivateKeyJwt",
        })
    }
}

impl ClientSecret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}
