//! Requests to an API with a connection's token.

use super::{Connection, Keeper, KeeperError, Token};
use crate::http::{HttpClient, HttpError};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};

/// Why an API did not answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no token.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The API did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Keeper {
    /// Sends a request to an API with the connection's access token. If the API answers 401, the token is renewed if it
    /// can be, and the request is sent once more. Without a refresh token there is no other token: the answer is the API's
    /// 401.
    ///
    /// The token goes wherever the request goes: build its address from configuration, never from what a user wrote.
    ///
    /// # Errors
    /// See [`SendError`]. If no other token can be had just now, the answer is the API's 401.
    pub async fn send(
        &self,
        http: &HttpClient,
        connection: &Connection,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, SendError> {
        let token = self.token(connection).await?;
        let first = http.send(with_token(&request, &token)?).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        match self.refused(connection, token.access.secret()).await {
            Ok(same) if same.access == token.access => Ok(first),
            Ok(token) => Ok(http.send(with_token(&request, &token)?).await?),
            Err(KeeperError::Unavailable { .. } | KeeperError::Vault(_)) => Ok(first),
            Err(error) => Err(error.into()),
        }
    }
}

fn with_token(request: &Request<Bytes>, token: &Token) -> Result<Request<Bytes>, HttpError> {
    let value = format!("{} {}", token.token_type.as_str(), token.access.secret());
    let mut value = HeaderValue::try_from(value).map_err(|_| HttpError::Target("the access token fits no header"))?;
    value.set_sensitive(true);
    let mut request = request.clone();
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(request)
}
