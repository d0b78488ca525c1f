//! Forms that were opened on version d87b31c are read by this one, and the other way round: while servers are replaced, a
//! page may come from one and its form go to the other.

use super::gets::{CALLBACK, COOKIE, NOW, World};
use super::*;
use crate::database::Database;
use crate::store::model::{SecretId, User};
use crate::web::state;
use crate::web::state::{Binding, Fit, Purpose};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// The query of a request for the scope of the world's app.
fn query() -> String {
    format!(
        "response_type=code&client_id=planner&redirect_uri={CALLBACK}&scope=read&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
}

struct Page {
    world: World,
    ada: Arc<User>,
}

impl Page {
    async fn new() -> Self {
        let world = World::on(Database::new()).await;
        let ada = world.store().user_by_email("ada@example.com").await.unwrap().unwrap();
        Self {
            world,
            ada: Arc::new(ada),
        }
    }

    fn binding(&self) -> Binding {
        Binding {
            browser: digest(&SHA256, COOKIE.as_bytes()).as_ref().try_into().unwrap(),
            person: Some(self.ada.id),
        }
    }

    fn seal(&self, purpose: Purpose, payload: &[u8]) -> String {
        let keys = &self.world.running.hallpass.keys;
        state::seal(keys, purpose, self.binding(), NOW, payload)
    }

    /// What version d87b31c carried in its consent page: one hash over all that stands there, each text behind its length.
    async fn consent(&self, id: Uuid, app_name: &str) -> Vec<u8> {
        let store = self.world.store();
        let app = store.app_by_client_id("planner").await.unwrap().unwrap();
        let library = store.organization_by_slug("library").await.unwrap().unwrap();
        let texts: [&[u8]; 9] = [
            app.id.0.as_bytes(),
            app_name.as_bytes(),
            b"The Library",
            b"reviewed",
            CALLBACK.as_bytes(),
            library.id.0.as_bytes(),
            b"The Library",
            b"Read your things",
            b"",
        ];
        let measured = texts.map(|text| [&(text.len() as u64).to_be_bytes(), text].concat());
        let print = digest(&SHA256, &measured.concat());
        let query = query();
        let parts: [&[u8]; 5] = [id.as_bytes(), print.as_ref(), &[0, 0, 0, 4], b"read", query.as_bytes()];
        parts.concat()
    }

    /// The consent page of this version: the state and the short hashes of its form.
    async fn open(&self) -> (String, String) {
        let (status, page) = self.world.get(&format!("/oauth/authorize?{}", query())).await;
        assert_eq!(status, 200, "{page}");
        let value = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        (value("state"), value("parts"))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String, String) {
        let cookie = format!("{}={COOKIE}", self.world.running.hallpass.session_cookie);
        let request = self.world.http.post(self.world.at(path)).header("cookie", cookie);
        let answer = request.form(form).send().await.unwrap();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap());
        let location = location.unwrap_or_default().to_owned();
        (answer.status().as_u16(), location, answer.text().await.unwrap())
    }

    /// Presses "Allow" with this state, and with the short hashes where there are any.
    async fn allow(&self, payload: &[u8], parts: Option<&str>) -> (u16, String, String) {
        let state = self.seal(Purpose::Consent, payload);
        let mut form = vec![("state", state.as_str()), ("decision", "allow")];
        form.extend(parts.map(|parts| ("parts", parts)));
        self.post("/consent", &form).await
    }

    /// The list of what changed, as the page of this answer says it.
    fn said((status, _, page): (u16, String, String)) -> String {
        let (_, note) = page
            .split_once("role=\"alert\">")
            .unwrap_or_else(|| panic!("{status} {page}"));
        note.split("</div>").next().unwrap().to_owned()
    }
}

const OTHERWISE: &str = "<p>Nothing was decided: something on this page has changed since you opened it. Please read it again and answer once more.</p>";

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_page_is_sealed_as_version_d87b31c_did() {
    let page = Page::new().await;
    let (state, _) = page.open().await;
    let anybody = |_: &Binding| Fit {
        browser: true,
        person: true,
    };
    let keys = &page.world.running.hallpass.keys;
    let opened = state::open(keys, Purpose::Consent, anybody, NOW, &state).unwrap();
    let id = Uuid::from_slice(&opened.payload[..16]).unwrap();
    assert_eq!(opened.payload, page.consent(id, "Planner").await);
    page.world.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_page_of_version_d87b31c_is_allowed() {
    let page = Page::new().await;
    let id = page.world.running.hallpass.new_grant_id(
        page.ada.id,
        page.world
            .store()
            .app_by_client_id("planner")
            .await
            .unwrap()
            .unwrap()
            .id,
        NOW,
    );
    let (status, location, body) = page.allow(&page.consent(id.0, "Planner").await, None).await;
    assert_eq!(status, 303, "{body}");
    assert!(location.starts_with(&format!("{CALLBACK}?code=")), "{location}");
    let changed = page.allow(&page.consent(id.0, "Before").await, None).await;
    assert_eq!(Page::said(changed), OTHERWISE);
    page.world.running.stop().await;
}

/// What travels beside the sealed state chooses the sentence alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_short_hashes_name_the_part_that_changed_and_decide_nothing() {
    let page = Page::new().await;
    let (_, parts) = page.open().await;
    let other_app = page.consent(Uuid::from_u128(5), "Before").await;
    let long = "A".repeat(10_000);
    for damaged in [
        None,
        Some(""),
        Some("!"),
        Some("AAAA"),
        Some("é"),
        Some(&parts[1..]),
        Some(&long),
    ] {
        assert_eq!(
            Page::said(page.allow(&other_app, damaged).await),
            OTHERWISE,
            "{damaged:?}"
        );
    }
    assert_eq!(
        Page::said(page.allow(&other_app, Some(&parts)).await),
        OTHERWISE,
        "none changed"
    );
    let names = [
        "the app’s name, or who made it",
        "where the answer goes",
        "the organizations it can be for",
        "what the app asks for",
    ];
    for (place, name) in names.into_iter().enumerate() {
        let mut bytes = URL_SAFE_NO_PAD.decode(&parts).unwrap();
        bytes[place * 6] ^= 1;
        let said = Page::said(page.allow(&other_app, Some(&URL_SAFE_NO_PAD.encode(&bytes))).await);
        assert!(said.ends_with(&format!("<ul><li>{name}</li></ul>")), "{said}");
    }
    // Where the sealed hash is right, nothing changed, whatever the others say.
    let same = page.consent(Uuid::from_u128(6), "Planner").await;
    assert_eq!(page.allow(&same, Some("AAAA")).await.0, 303);
    page.world.running.stop().await;
}

/// Such a form carried an id, or nothing, where one of this version has a hash of the binding cookie behind it.
#[tokio::test(flavor = "multi_thread")]
async fn other_forms_of_version_d87b31c_do_what_they_say() {
    let page = Page::new().await;
    let developer = page.seal(Purpose::Developer, Uuid::from_u128(7).as_bytes());
    let typed = [
        ("state", developer.as_str()),
        ("name", "Crew"),
        ("redirect_uris", "https://crew.example/cb"),
        ("organization", "library"),
        ("type", "public"),
        ("scope", "read"),
    ];
    let (status, _, body) = page.post("/developer/apps/new", &typed).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(page.world.get("/developer").await.1.matches("<li>").count(), 2);

    let secrets = async || {
        let app = page.world.store().app_by_client_id("planner").await.unwrap().unwrap();
        app.secrets.iter().map(|secret| secret.id).collect::<Vec<SecretId>>()
    };
    let (new, path) = (Uuid::from_u128(8), "/developer/apps/planner/secret");
    let state = page.seal(Purpose::Developer, new.as_bytes());
    assert_eq!(page.post(path, &[("state", &state), ("add", "1")]).await.0, 200);
    assert_eq!(secrets().await.len(), 2);
    let state = page.seal(Purpose::Secret, new.as_bytes());
    assert_eq!(
        page.post(&format!("{path}/end"), &[("state", &state), ("end", "1")])
            .await
            .0,
        303
    );
    assert!(!secrets().await.contains(&SecretId(new)));

    let (_, apps) = page.world.get("/account/apps").await;
    assert!(apps.contains("name=\"end\""), "{apps}");
    let app = page.world.store().app_by_client_id("planner").await.unwrap().unwrap();
    let state = page.seal(Purpose::End, &[]);
    let (app, organization) = (app.id.to_string(), app.organization.to_string());
    let form = [
        ("state", state.as_str()),
        ("app", &app),
        ("organization", &organization),
        ("end", "1"),
    ];
    assert_eq!(page.post("/account/apps", &form).await.0, 303);
    assert!(!page.world.get("/account/apps").await.1.contains("name=\"end\""));
    page.world.running.stop().await;
}
