//! The site's calls of the server.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::SitePerson;
use crate::demo::outgoing::{Http, ReceivedResponse};

/// The server, as the site knows it.
pub(super) struct Server {
    pub(super) issuer: String,
    pub(super) secret: String,
    pub(super) http: Http,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the server answers {0}: {1}")]
    Refused(u16, String),
    #[error("the address is not one of the server")]
    ForeignAddress,
    #[error("the answer cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// An app that a person connected.
#[derive(Deserialize)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) app: App,
    pub(super) organization: Option<Organization>,
    pub(super) scopes: Vec<Scope>,
}

#[derive(Deserialize)]
pub(super) struct App {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Organization {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Scope {
    pub(super) title: String,
}

#[derive(Deserialize)]
struct Accepted {
    redirect_to: String,
}

#[derive(Deserialize, Default)]
struct Grants {
    grants: Vec<Grant>,
}

impl Server {
    /// Says who answers a request. Returns the address to which the browser goes on.
    pub(super) async fn hand_over(
        &self,
        handover: &str,
        person: &SitePerson,
        auth_time: i64,
    ) -> Result<String, CallError> {
        let mut body = json!({
            "handover": handover,
            "subject": person.id,
            "email": person.email,
            "email_verified": true,
            "name": person.name,
            "locale": person.locale,
            "auth_time": auth_time,
        });
        if let Some(organizations) = &person.organizations {
            body["organizations"] = json!(organizations);
        }
        let answer = self.call(&Method::POST, "/handover", Some(&body)).await?;
        if answer.status != 200 {
            return Err(CallError::Refused(answer.status, answer.body));
        }
        let Accepted { redirect_to } = serde_json::from_str(&answer.body)?;
        match redirect_to.starts_with(&format!("{}/", self.issuer)) {
            true => Ok(redirect_to),
            false => Err(CallError::ForeignAddress),
        }
    }

    /// The apps that a person connected. A person whom the server does not know has none.
    pub(super) async fn grants(&self, person: &str) -> Result<Vec<Grant>, CallError> {
        match self.of_person(&Method::GET, person, &["grants"]).await? {
            Some(body) => Ok(serde_json::from_str::<Grants>(&body)?.grants),
            None => Ok(Vec::new()),
        }
    }

    /// Ends the access of an app.
    pub(super) async fn end(&self, person: &str, grant: &str) -> Result<(), CallError> {
        self.of_person(&Method::DELETE, person, &["grants", grant])
            .await
            .map(drop)
    }

    /// Ends the person's sessions at the server.
    pub(super) async fn sign_out(&self, person: &str) -> Result<(), CallError> {
        self.of_person(&Method::POST, person, &["sign-out"]).await.map(drop)
    }

    async fn of_person(&self, method: &Method, person: &str, path: &[&str]) -> Result<Option<String>, CallError> {
        let parts = [&["handover", "people", person], path].concat();
        let part = |part: &&str| format!("/{}", utf8_percent_encode(part, NON_ALPHANUMERIC));
        let path: String = parts.iter().map(part).collect();
        let answer = self.call(method, &path, None).await?;
        match answer.status {
            200 | 204 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(CallError::Refused(status, answer.body)),
        }
    }

    async fn call(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<ReceivedResponse, reqwest::Error> {
        let url = format!("{}{path}", self.issuer);
        self.http.call(method, &url, &self.secret, body).await
    }
}
