//! The pages of the sample app and the sample site, without the server.

use super::*;
use crate::web::view::gallery::check_untranslated;
use axum::Router;
use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The app or the site.
struct Program {
    router: Router,
    url: String,
}

/// The answer to a request.
struct Answer {
    status: u16,
    cookie: String,
    html: String,
}

impl Program {
    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let host = self.url.strip_prefix("http://").unwrap();
        Request::builder().method(method).uri(path).header(header::HOST, host)
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = self.request("GET", path).header(header::COOKIE, cookie);
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let cookie = parts.headers.get(header::SET_COOKIE);
        let cookie = cookie.and_then(|cookie| cookie.to_str().unwrap().split(';').next());
        Answer {
            status: parts.status.as_u16(),
            cookie: cookie.unwrap_or_default().to_owned(),
            html: String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap(),
        }
    }

    /// Signs John in at the site. Returns his cookie.
    async fn sign_in(&self) -> String {
        let login = self.get("/login", "").await;
        let csrf = login.html.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let csrf = csrf.split('"').next().unwrap();
        let form = format!("csrf={csrf}&username=john@doe.com&password={PASSWORD}");
        let request = self.request("POST", "/login").header(header::COOKIE, login.cookie);
        let signed_in = self.answer(request.body(form.into()).unwrap()).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.html);
        signed_in.cookie
    }
}

/// The app and the site of a preset, with its configuration.
fn programs(preset: &str) -> (Program, Program, Config, Folder) {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let addresses = Addresses {
        server: at(8080),
        app: at(8082),
    };
    let (folder, site) = (Folder::open(None).unwrap(), public_url(at(8083)));
    let handover = handover(&DemoSite::Sample(None), Some(&site));
    let (config, sample) = world::load(preset, addresses, &folder, handover.as_ref()).unwrap();
    let parts = Parts {
        config: config.clone(),
        sample,
        api_url: public_url(at(8081)),
        app: addresses.app,
        site: Some(site.clone()),
        clock: DemoClock::open(folder.path()),
        http: Http::new(addresses.server).unwrap(),
    };
    let app = Program {
        router: app::router(parts.sample_app()),
        url: app_url(addresses.app),
    };
    let site = Program {
        router: site::router(parts.sample_site().unwrap()),
        url: site,
    };
    (app, site, config, folder)
}

#[tokio::test]
async fn names_and_ids_are_never_translated() {
    for preset in crate::config::preset_names() {
        let (app, site, config, _folder) = programs(preset);
        let mut names = vec![config.brand.name.as_str(), "Acme Reports", "The Market"];
        names.extend(
            config
                .users
                .iter()
                .flat_map(|user| [user.name.as_str(), user.email.as_str()]),
        );
        names.extend(config.organizations.iter().map(|one| one.name.as_str()));
        names.extend(config.apps.iter().map(|app| app.name.as_str()));
        let cookie = site.sign_in().await;
        let mut pages = vec![(&app, "/".to_owned())];
        pages.extend(config.apps.iter().map(|one| (&app, format!("/apps/{}", one.client_id))));
        pages.extend(["/", "/login", "/logout"].map(|path| (&site, path.to_owned())));
        for (program, path) in pages {
            for cookie in ["", &cookie] {
                let answer = program.get(&path, cookie).await;
                let page = format!("{preset}: {}{path}", program.url);
                assert!(matches!(answer.status, 200 | 303), "{page}: {}", answer.status);
                check_untranslated(&page, &answer.html, &names);
            }
        }
    }
}

/// The page names both addresses: nothing else shows a proxy that changes the address.
#[tokio::test]
async fn a_form_from_another_address_is_told_the_right_one() {
    let (app, site, config, _folder) = programs("default");
    let evil = "http://evil.example:8080";
    let connect = format!("/apps/{}/connect", config.apps[0].client_id);
    for (program, path, what) in [(&app, connect.as_str(), "app"), (&site, "/login", "site")] {
        let own = program.url.strip_prefix("http://").unwrap();
        let hidden = "Your browser hides where the form was sent from";
        let sent = "The form was sent from http://evil.example:8080";
        for (host, origin, status, from) in [
            ("evil.example:8080", evil, 421, sent),
            (own, evil, 403, sent),
            (own, "null", 403, hidden),
        ] {
            let request = Request::post(path)
                .header(header::HOST, host)
                .header(header::ORIGIN, origin);
            let refused = program.answer(request.body(Body::empty()).unwrap()).await;
            let text = format!("{from}, and this {what} is at {}.", program.url);
            assert_eq!(refused.status, status, "{what} {host} {origin}");
            assert!(refused.html.contains(&text), "{what} {host} {origin}: {}", refused.html);
        }
    }
}
