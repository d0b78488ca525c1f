//! Signing in and out.

use super::prompt::{self, FailedSignIn, show};
use super::resume::resume;
use crate::accounts::limits::{Account, Guess, TooManyFailures, places};
use crate::accounts::passwords;
use crate::accounts::passwords::{Busy, Pool};
use crate::accounts::spelling;
use crate::directory::Client;
use crate::http::respond::{Response, unchanged};
use crate::oauth::Refusal;
use crate::store::StoreError;
use crate::store::model::{Status, User};
use crate::web::onward::Onward;
use crate::web::state::{Opened, Purpose};
use crate::web::view::{LoginError, Notice};
use crate::web::{Form, Post, Visit, landing};
use hallpass_wire::Parameters;
use http::header;
use std::borrow::Cow;
use std::sync::Arc;

/// The longest login name that the form repeats: an address has at most 254 characters (RFC 5321 §4.5.3.1).
const LONGEST_NAME: usize = 320;

/// `GET /login`.
pub(crate) async fn page(visit: Visit) -> Response {
    match visit.user {
        Some(_) => visit.go(&visit.address("/account")),
        None => prompt::form(&visit, "/account", None),
    }
}

/// `POST /login`.
pub(crate) async fn sign_in(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open(Purpose::Login, &form);
    let onward = opened.as_ref().and_then(Onward::decode);
    let onward = onward.unwrap_or_else(|| Onward::to("/account"));
    let app = app_of(&visit, &onward.place)
        .await
        .map_err(|refusal| visit.failed(refusal))?;
    let app = app.as_ref().map(|client| client.app.name.as_str());
    let username = form.get("username").unwrap_or_default();
    let username = if username.len() <= LONGEST_NAME { username } else { "" };
    let again = |visit: &Visit, status, error| {
        let error = Some(error);
        show(visit, status, &onward, app, &FailedSignIn { username, error })
    };
    if opened.as_ref().is_none_or(|opened| !opened.fits) {
        // The same browser has signed in meanwhile, in another tab: continue with that session.
        return match visit.user.clone() {
            Some(user) => resume(onward, visit, user).await,
            None => Err(again(&visit, 400, unfitting(&visit, opened.as_ref()))),
        };
    }
    let user = match verified(&visit, &form).await {
        Ok(Some(user)) => user,
        Ok(None) => return Err(again(&visit, 401, LoginError::WrongPassword)),
        Err(Unverified::Busy) => return Err(retry_after(1, again(&visit, 503, LoginError::Busy))),
        Err(Unverified::TooManyFailures(TooManyFailures { seconds })) => {
            return Err(retry_after(
                seconds,
                again(&visit, 429, LoginError::TooManyFailures(seconds)),
            ));
        }
        Err(Unverified::Failed(error)) => return Err(visit.failed(error)),
    };
    let signed_in = visit.sign_in(&user).await;
    if !signed_in.map_err(|refusal| visit.failed(refusal))? {
        return Err(again(&visit, 401, LoginError::WrongPassword));
    }
    resume(onward, visit, Arc::new(user)).await
}

/// The app to which the person will go on. The place is trusted: the server made it after it knew the app.
async fn app_of(visit: &Visit, place: &str) -> Result<Option<Arc<Client>>, Refusal> {
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    if path != visit.hallpass.config.paths.authorize {
        return Ok(None);
    }
    match Parameters::read(query.as_bytes(), &["client_id"]).get("client_id") {
        Some(client_id) => Ok(visit.hallpass.directory.client(client_id).await?),
        None => Ok(None),
    }
}

/// `POST /logout`.
pub(crate) async fn sign_out(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let at_site = visit.sign_out_at_site();
    // An old form is still valid. A form of another session may come from an attacker.
    if visit.open(Purpose::Logout, &form).is_some_and(|opened| opened.own) {
        visit.sign_out().await.map_err(|refusal| visit.failed(refusal))?;
    }
    if visit.user.is_some() {
        visit.notice = Some(Notice::StillSignedIn);
        return landing::landing(visit).await.map(unchanged);
    }
    if let Some(page) = at_site {
        return Ok(visit.go(&page));
    }
    Ok(visit.go(&visit.address("/")))
}

/// Why a form that signed nobody in does not fit.
fn unfitting<'a>(visit: &'a Visit, opened: Option<&Opened>) -> LoginError<'a> {
    let Some(opened) = opened else {
        return LoginError::Unreadable;
    };
    if opened.browser {
        return LoginError::Stale;
    }
    if !visit.brought_cookies() {
        let own = visit.hallpass.issuer.as_str();
        tracing::info!(
            public_url = own,
            "refused a sign-in that brought no cookie: the browser blocks cookies, or the page was not opened at public_url"
        );
        return LoginError::NoCookies { own };
    }
    LoginError::OtherBrowser
}

fn retry_after(seconds: u64, mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// Why a password was not verified.
enum Unverified {
    Busy,
    TooManyFailures(TooManyFailures),
    Failed(StoreError),
}

impl From<TooManyFailures> for Unverified {
    fn from(failures: TooManyFailures) -> Self {
        Self::TooManyFailures(failures)
    }
}

impl From<StoreError> for Unverified {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// The person, if the password is right. The work is the same for a person who does not exist, has no password or is suspended,
/// and each of these counts as a failure.
async fn verified(visit: &Visit, form: &Form) -> Result<Option<User>, Unverified> {
    let (username, password) = (
        form.get("username").unwrap_or_default(),
        form.get("password").unwrap_or_default(),
    );
    let (hallpass, source) = (&visit.hallpass, visit.source());
    let places = hallpass.store.places_of(username).await?;
    let account = Account::Person {
        name: username,
        from_a_place: places::is_known(hallpass.keys.declared(), places.as_ref(), source),
    };
    let spelled = spelling::password(password);
    let guess = Guess {
        secret: password,
        readings: if let Cow::Owned(_) = spelled { 2 } else { 1 },
    };
    let attempt = hallpass
        .limits
        .attempt(account, source, guess, visit.now)
        .inspect_err(|error| tracing::info!(page = "login", %source, %error, "refused"))?;
    let user = hallpass.store.user_by_email(username.trim()).await?;
    let stand_in = hallpass.stand_in(username).await?;
    let own = user.as_ref().and_then(own_hash);
    let verified = is_password(&hallpass.people, password, spelled, own.unwrap_or(&stand_in)).await;
    let fits = verified.map_err(|Busy| Unverified::Busy)? && own.is_some();
    let user = user.filter(|_| fits);
    if let Some(user) = user.as_ref().filter(|user| user.status != Status::Active) {
        tracing::info!(page = "login", %source, user = %user.id.0, "refused: the password is right, the person is suspended");
    } else if user.is_none() {
        // What was typed as the name may be a password.
        tracing::info!(page = "login", %source, "refused: the name or the password is wrong");
    }
    let user = user.filter(|user| user.status == Status::Active);
    attempt.judged(user.is_some(), visit.now);
    Ok(user)
}

/// The hash of the person. A hash that an earlier version accepted and that exceeds the present cost limit is not computed.
fn own_hash(user: &User) -> Option<&str> {
    let phc = user.password.as_deref()?;
    match passwords::check(phc) {
        Ok(()) => Some(phc),
        Err(fault) => {
            tracing::warn!(user = %user.id.0, %fault, "the stored password hash is not verified: give this person a new password");
            None
        }
    }
}

/// Whether the password is right. A hash that was imported, or made before passwords had one spelling, may be that of the text
/// as it was typed.
async fn is_password(people: &Pool, typed: &str, spelled: Cow<'_, str>, hash: &str) -> Result<bool, Busy> {
    match spelled {
        Cow::Borrowed(password) => people.verify(password, hash).await,
        // Both are always verified, so that the right password of a suspended person costs as much as a wrong one.
        Cow::Owned(password) => Ok(people.verify(&password, hash).await? | people.verify(typed, hash).await?),
    }
}
