//! Writes requests of a client, with its authentication.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use hallpass_wire::jose::{SigningKey, sign};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, Uri};
use serde_json::{Map, Value};

use super::Client;
use crate::answer::Moment;
use crate::error::TokenError;
use crate::form;
use crate::provider::{BodyFormat, ClientAuth, Provider, ProviderError};
use crate::random;

/// An answer, and when it was asked for.
pub(super) struct Answered {
    pub(super) answer: Response<Bytes>,
    pub(super) moment: Moment,
}

/// Refuses what could not be sent, once, before anybody waits for it.
pub(super) fn check(provider: &Provider) -> Result<(), ProviderError> {
    let endpoints = [
        ("authorization_endpoint", &provider.authorization_endpoint),
        ("token_endpoint", &provider.token_endpoint),
        ("revocation_endpoint", &provider.revocation_endpoint),
        ("introspection_endpoint", &provider.introspection_endpoint),
    ];
    for (name, endpoint) in endpoints {
        let Some(endpoint) = endpoint else { continue };
        if let Some((_, rest)) = endpoint.split_once('{') {
            let variable = rest.split('}').next().unwrap_or_default();
            return Err(ProviderError::Variable(variable.to_owned()));
        }
        let uri: Uri = endpoint.parse().map_err(|_| ProviderError::Url(name))?;
        let absolute = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
        if !absolute || endpoint.contains('#') {
            return Err(ProviderError::Url(name));
        }
    }
    Ok(())
}

impl Client {
    /// Posts `parameters` and the client's authentication to an endpoint.
    pub(super) async fn post(
        &self,
        endpoint: Endpoint,
        mut parameters: Vec<(&str, &str)>,
    ) -> Result<Answered, TokenError> {
        let provider = self.provider();
        let target = endpoint.of(provider)?;
        let authentication = self.authenticate()?;
        let fields = authentication.fields.iter();
        parameters.extend(fields.map(|(name, value)| (*name, value.as_str())));
        let format = match endpoint {
            Endpoint::Token => provider.body,
            // RFC 7009 §2.1 and RFC 7662 §2.1 know forms alone.
            Endpoint::Revocation | Endpoint::Introspection => BodyFormat::Form,
        };
        let (content_type, body) = encode(format, &parameters);
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(header) = authentication.header {
            headers.insert(AUTHORIZATION, header);
        }
        let sent_at = self.clock.now_millis();
        let answer = self.http.send(request).await?;
        let moment = Moment {
            sent_at,
            answered_at: self.clock.now_millis(),
        };
        if let Some(skew) = moment.skew(answer.headers()) {
            self.skew.store(skew, Ordering::Relaxed);
        }
        Ok(Answered { answer, moment })
    }

    fn authenticate(&self) -> Result<Authentication, TokenError> {
        let provider = self.provider();
        let id = ("client_id", provider.client_id.clone());
        let fields = match &provider.auth {
            ClientAuth::Basic(..) => {
                let header = provider.auth.basic_header(&provider.client_id).unwrap_or_default();
                let mut header = HeaderValue::try_from(header)
                    .map_err(|_| TokenError::NotSent("the client's credentials fit no header".to_owned()))?;
                header.set_sensitive(true);
                return Ok(Authentication {
                    header: Some(header),
                    fields: Vec::new(),
                });
            }
            ClientAuth::None => vec![id],
            ClientAuth::Body(secret) => vec![id, ("client_secret", secret.expose().to_owned())],
            ClientAuth::PrivateKeyJwt { key, audience } => {
                let assertion = self.assertion(key, audience.as_deref())?;
                vec![
                    id,
                    ("client_assertion_type", JWT_BEARER.to_owned()),
                    ("client_assertion", assertion),
                ]
            }
        };
        Ok(Authentication { header: None, fields })
    }

    /// RFC 7523 §3. The audience is the issuer, so that no other server can use the assertion (RFC 7523bis §4).
    fn assertion(&self, key: &SigningKey, audience: Option<&str>) -> Result<String, TokenError> {
        let provider = self.provider();
        let known = provider.issuer.as_deref().or(provider.token_endpoint.as_deref());
        let skew = self.skew.load(Ordering::Relaxed);
        let now = self.clock.now_millis().saturating_add(skew) / 1000;
        let claims = serde_json::json!({
            "iss": provider.client_id,
            "sub": provider.client_id,
            "aud": audience.or(known),
            "jti": random::text(),
            "iat": now,
            "exp": now + 300,
        });
        sign(key, "JWT", &claims).map_err(|error| TokenError::NotSent(error.to_string()))
    }
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client shows who it is: a header, or fields of the body.
struct Authentication {
    header: Option<HeaderValue>,
    fields: Vec<(&'static str, String)>,
}

/// The endpoints that a client posts to.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    Token,
    Revocation,
    Introspection,
}

impl Endpoint {
    fn of(self, provider: &Provider) -> Result<Uri, TokenError> {
        let (name, endpoint) = match self {
            Self::Token => ("token_endpoint", &provider.token_endpoint),
            Self::Revocation => ("revocation_endpoint", &provider.revocation_endpoint),
            Self::Introspection => ("introspection_endpoint", &provider.introspection_endpoint),
        };
        let endpoint = endpoint.as_deref().ok_or(ProviderError::Missing(name));
        let uri = endpoint.and_then(|text| text.parse().map_err(|_| ProviderError::Url(name)));
        uri.map_err(|error| TokenError::NotSent(error.to_string()))
    }
}

/// A repeated name becomes a list in JSON, as in `resource` (RFC 8707 §2).
fn encode(format: BodyFormat, parameters: &[(&str, &str)]) -> (&'static str, String) {
    match format {
        BodyFormat::Form => (
            "application/x-www-form-urlencoded",
            form::encode_pairs(parameters.iter().copied()),
        ),
        BodyFormat::Json => {
            let mut object = Map::new();
            for (name, value) in parameters {
                let value = Value::from(*value);
                match object.get_mut(*name) {
                    None => drop(object.insert((*name).to_owned(), value)),
                    Some(Value::Array(list)) => list.push(value),
                    Some(first) => *first = Value::Array(vec![first.take(), value]),
                }
            }
            ("application/json", Value::Object(object).to_string())
        }
    }
}

/// RFC 8707 §2: one parameter for each.
pub(super) fn add_resources<'a>(pairs: &mut Vec<(&'a str, &'a str)>, resources: &'a [String]) {
    pairs.extend(resources.iter().map(|resource| ("resource", resource.as_str())));
}

/// The provider's own parameters. One that is there already is not sent twice (RFC 6749 §3.1).
pub(super) fn add_own<'a>(pairs: &mut Vec<(&'a str, &'a str)>, own: &'a [(String, String)]) {
    for (name, value) in own {
        if pairs.iter().all(|(there, _)| there != name) {
            pairs.push((name, value));
        }
    }
}
