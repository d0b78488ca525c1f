//! Writes requests of a client, with its authentication.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, Uri};
use serde_json::{Map, Value};

use super::Client;
use crate::answer::Moment;
use crate::error::TokenError;
use crate::form;
use crate::provider::{BodyFormat, ClientAuth, Provider, ProviderError};

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
        let basic = self.authenticate(&mut parameters)?;
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
        if let Some(basic) = basic {
            headers.insert(AUTHORIZATION, basic);
        }
        let sent_at = self.clock.now_millis();
        let answer = self.http.send(request).await?;
        let answered_at = self.clock.now_millis();
        Ok(Answered {
            answer,
            moment: Moment { sent_at, answered_at },
        })
    }

    fn authenticate<'a>(&'a self, parameters: &mut Vec<(&'a str, &'a str)>) -> Result<Option<HeaderValue>, TokenError> {
        let provider = self.provider();
        match &provider.auth {
            ClientAuth::Basic(..) => {
                let header = provider.auth.basic_header(&provider.client_id).unwrap_or_default();
                let mut header = HeaderValue::try_from(header)
                    .map_err(|_| TokenError::NotSent("the client's credentials fit no header".to_owned()))?;
                header.set_sensitive(true);
                return Ok(Some(header));
            }
            ClientAuth::None => parameters.push(("client_id", &provider.client_id)),
            ClientAuth::Body(secret) => {
                parameters.push(("client_id", &provider.client_id));
                parameters.push(("client_secret", secret.expose()));
            }
        }
        Ok(None)
    }
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
