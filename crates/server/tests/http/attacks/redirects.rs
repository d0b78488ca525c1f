//! Redirect URIs that are almost right, and redirects to URIs that nobody registered (RFC 9700 §4.1, §4.11).

use super::{PRESETS, form_to};
use crate::harness::{APPS, Browser, JOHN, Landing, REDIRECT_URI, Server, encoded};

/// Apps with redirect URIs that are easily confused.
const MORE: &str = r#"
[[apps]]
name = "Query"
client_id = "query"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://query.example/cb?tenant=1&to=a"]

[[apps]]
name = "Root"
client_id = "root"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://root.example/"]

[[apps]]
name = "Umlaut"
client_id = "umlaut"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://xn--bcher-kva.example/cb"]

[[apps]]
name = "Desk"
client_id = "desk"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["http://127.0.0.1:3000/cb", "http://[::1]/cb", "http://localhost:3000/cb"]
"#;

/// Appended to a redirect URI.
const BEHIND: &str = r#"/ // ? ?x=1 &x=1 # #x ;x=1 %00 %0d%0a %2f %2e%2e %23 %20 % /.. /../evil /..%2fevil /. . @evil.example
    \ \evil * ?code=x &to=https://evil.example"#;
/// Put before a redirect URI.
const BEFORE: &str =
    "x view-source: https://evil.example/ https://evil.example? https://evil.example# javascript:evil//
    data:text/html,evil blob: //evil.example/";
/// Replaces the host, for which `HOST` stands.
const HOSTS: &str = r#"evil.example HOST.evil.example evilHOST evil.HOST www.HOST HOST. HOST:443 HOST:80 HOST:8443 HOST:
    user@HOST user:evil@HOST @HOST HOST@evil.example HOST%40evil.example HOST:443@evil.example evil.example%2fHOST
    evil.example\@HOST evil.example\.HOST evil.example#@HOST evil.example?@HOST evil.example;@HOST HOST%00.evil.example
    HOST%2eevil.example HOST,evil.example HOST&evil.example *.example [::1] 127.0.0.1 localhost"#;
/// Replaces the scheme.
const SCHEMES: &str = "http HTTPS ftp ws wss file javascript data evil httpss";
/// Replaces the path, for which `PATH` stands.
const PATHS: &str =
    r#"x/../PATH ./PATH /PATH %2e/PATH evil/..%2fPATH \PATH %2fPATH PATH/evil evil PATH/PATH ?PATH #PATH"#;
/// White space and invisible letters, before or after the URI.
const UNSEEN: [&str; 9] = [
    " ",
    "\t",
    "\n",
    "\r\nevil: 1",
    "\u{feff}",
    "\u{202e}",
    "\u{301}",
    "\u{200b}",
    "\u{a0}",
];

/// Variants that an attacker, a lax parser or a browser may take for `uri`.
fn confusions(uri: &str) -> Vec<String> {
    let (scheme, rest) = uri.split_once("://").expect("an address with a host");
    let (host, path) = rest.split_once('/').expect("an address with a path");
    let words = |list: &'static str| list.split_ascii_whitespace();
    let mut all: Vec<String> = words(BEHIND).map(|more| format!("{uri}{more}")).collect();
    all.extend(words(BEFORE).map(|more| format!("{more}{uri}")));
    all.extend(words(HOSTS).map(|other| format!("{scheme}://{}/{path}", other.replace("HOST", host))));
    all.extend(words(SCHEMES).map(|other| format!("{other}://{rest}")));
    all.extend(words(PATHS).map(|other| format!("{scheme}://{host}/{}", other.replace("PATH", path))));
    for unseen in UNSEEN {
        all.extend([format!("{unseen}{uri}"), format!("{uri}{unseen}")]);
        all.push(format!("{scheme}://{host}{unseen}.evil.example/{path}"));
    }
    all.extend(["//", "/", "\\\\", "/\\", "///", ""].map(|start| format!("{start}{rest}")));
    all.extend([":", ":/", ":///", ":\\\\"].map(|colon| format!("{scheme}{colon}{rest}")));
    all.extend([
        uri.to_uppercase(),
        format!("{scheme}://{}/{path}", host.to_uppercase()),
        // A letter of another alphabet, another full stop, another slash.
        uri.replacen('p', "\u{440}", 1),
        uri.replacen('.', "\u{3002}", 1),
        format!("{scheme}://{host}\u{2044}{path}"),
        format!("{scheme}://{host}"),
        format!("{scheme}:///{path}"),
    ]);
    all.extend(["about:blank", "urn:ietf:wg:oauth:2.0:oob", "null"].map(str::to_owned));
    all.retain(|other| other != uri);
    all
}

/// Asserts that nobody is redirected to `uri` for this app, and that the page names it in one place only.
async fn assert_no_redirect(browser: &Browser<'_>, id: &str, uri: &str) {
    let query = browser_query(id, uri);
    let page = browser.authorize(&query).await.page();
    assert!(matches!(page.status, 400 | 401), "{id} {uri:?}: {}", page.status);
    assert_eq!(page.header("location"), "", "{id} {uri:?}");
    assert!(!beside_named(&page.readable()).contains("evil"), "{id} {uri:?}");
}

/// The page without the redirect URI that it names as one that is not registered.
fn beside_named(page: &str) -> String {
    const BEGIN: &str = "<p><code translate=\"no\">";
    let Some((before, rest)) = page.split_once(BEGIN) else {
        return page.to_owned();
    };
    let after = rest.split_once("</code>").expect("the end of the address").1;
    [before, after].concat()
}

fn browser_query(id: &str, uri: &str) -> String {
    let challenge = crate::harness::CHALLENGE;
    encoded(&[
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", uri),
        ("state", "s"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ])
}

/// RFC 9700 §2.1: compared as text, whatever a browser's or a library's parser would do.
#[tokio::test(flavor = "multi_thread")]
async fn an_almost_registered_redirect_uri_is_not_redirected_to() {
    let server = Server::library("default", &format!("{APPS}{MORE}")).await;
    let (nobody, john) = (server.browser(), server.browser_of(JOHN).await);
    for (id, uri) in [
        ("sample", REDIRECT_URI),
        ("query", "https://query.example/cb?tenant=1&to=a"),
        ("root", "https://root.example/"),
        ("umlaut", "https://xn--bcher-kva.example/cb"),
    ] {
        for confusion in confusions(uri) {
            assert_no_redirect(&nobody, id, &confusion).await;
        }
        assert!(
            matches!(john.authorize(&browser_query(id, uri)).await, Landing::Consent(_)),
            "{uri}"
        );
    }
    for confusion in confusions(REDIRECT_URI) {
        assert_no_redirect(&john, "sample", &confusion).await;
    }
    for other in [
        "https://b\u{fc}cher.example/cb",
        "https://bücher.example/cb",
        "https://xn--BCHER-KVA.example/cb",
    ] {
        assert_no_redirect(&nobody, "umlaut", other).await;
    }
    for part in [
        "https://query.example/cb",
        "https://query.example/cb?to=a&tenant=1",
        "https://query.example/cb?tenant=1",
    ] {
        assert_no_redirect(&nobody, "query", part).await;
    }
}

/// RFC 8252 §7.3: only the port of that one address is free. §8.3: `localhost` does not count as an address.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_port_of_a_native_apps_loopback_uri_may_differ() {
    let server = Server::library("default", APPS).await;
    let nobody = server.browser();
    for host in [
        "localhost",
        "localhost:9",
        "127.1",
        "127.1:9",
        "127.0.0.2:9",
        "127.0.0.01:9",
        "0.0.0.0:9",
        "[::1]:9",
        "[::]:9",
        "[::ffff:127.0.0.1]:9",
        "2130706433:9",
        "0x7f000001:9",
        "0177.0.0.1:9",
        "127.0.0.1.:9",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:99999",
        "127.0.0.1:+80",
        "127.0.0.1:-1",
        "127.0.0.1:8 0",
        "127.0.0.1:80:80",
        "127.0.0.1:9@evil.example",
        "evil@127.0.0.1:9",
        "127.0.0.1.evil.example:9",
        "127.0.0.1:9.evil.example",
        "127.0.0.1:9\\",
        "127.0.0.1:9#",
        "127.0.0.1:9?",
        "127.0.0.1:\u{663}",
    ] {
        assert_no_redirect(&nobody, "native", &format!("http://{host}/callback")).await;
    }
    for uri in [
        "https://127.0.0.1:9/callback",
        "http://127.0.0.1:9/callback/",
        "http://127.0.0.1:9/Callback",
        "http://127.0.0.1:9/callback?x",
        "http://127.0.0.1:9/x/../callback",
        "http://127.0.0.1:9//callback",
        "HTTP://127.0.0.1:9/callback",
        "http:127.0.0.1:9/callback",
        "com.example.native:/callback/",
        "com.example.native:///callback",
        "com.example.native://callback",
        "com.example.native://evil/callback",
        "com.example.native:callback",
        "COM.EXAMPLE.NATIVE:/callback",
        "com.example.native.evil:/callback",
        "com.example.native:/callback?x",
        "com.example.native:/callback#x",
        "com.example.nativ:/callback",
    ] {
        assert_no_redirect(&nobody, "native", uri).await;
    }
}

/// RFC 9700 §2.1: the exception for ports is for native apps, which are public (RFC 8252 §8.4). An app with a secret runs
/// on a server, so its redirect URI must match exactly.
#[tokio::test(flavor = "multi_thread")]
async fn the_port_must_match_for_an_app_with_a_secret() {
    let server = Server::library("default", &format!("{APPS}{MORE}")).await;
    let nobody = server.browser();
    for uri in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:3001/cb",
        "http://[::1]:3000/cb",
        "http://localhost/cb",
        "http://localhost:3001/cb",
        "http://127.0.0.1:03000/cb",
    ] {
        assert_no_redirect(&nobody, "desk", uri).await;
    }
    for uri in [
        "http://127.0.0.1:3000/cb",
        "http://[::1]/cb",
        "http://localhost:3000/cb",
    ] {
        nobody.authorize(&browser_query("desk", uri)).await.login();
    }
}

/// RFC 6749 §3.1: a parameter that is repeated. Even if one of the two is registered, the server redirects to neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_redirect_uri_is_not_redirected_to() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let good = browser_query("sample", REDIRECT_URI);
        for browser in [server.browser(), server.browser_of(JOHN).await] {
            for (first, second) in [
                (good.clone(), encoded(&[("redirect_uri", "https://evil.example/")])),
                (encoded(&[("redirect_uri", "https://evil.example/")]), good.clone()),
                (good.clone(), encoded(&[("redirect_uri", REDIRECT_URI)])),
                (good.clone(), "redirect%5Furi=https://evil.example/".to_owned()),
                (good.clone(), encoded(&[("client_id", "other")])),
            ] {
                let page = browser.authorize(&format!("{first}&{second}")).await.page();
                assert!(matches!(page.status, 400 | 401), "{preset} {second}: {}", page.status);
                assert!(!page.readable().contains("evil"), "{preset} {second}");
            }
        }
        // Parameter names that other servers treat as the same are unknown here, and ignored.
        let john = server.browser_of(JOHN).await;
        for name in [
            "redirect_uri[]",
            "REDIRECT_URI",
            "redirect-uri",
            "redirectUri",
            " redirect_uri",
            "redirect_uri.",
        ] {
            let query = format!("{good}&{}", encoded(&[(name, "https://evil.example/")]));
            let page = john.authorize(&query).await.consent();
            assert!(!page.text().contains("evil"), "{preset} {name}");
            let callback = john.decide(&page, "deny").await.callback();
            assert!(
                callback.address.starts_with(REDIRECT_URI),
                "{preset} {name}: {}",
                callback.address
            );
        }
    }
}

/// Redirect URIs that a developer may not register (RFC 6749 §3.1.2, RFC 9700 §4.1.3): each leads elsewhere than it seems
/// to, or runs code.
#[tokio::test(flavor = "multi_thread")]
async fn a_deceptive_redirect_uri_is_not_registered() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let form = page.form("redirect_uris");
    for uri in [
        "https://app.example@evil.example/cb",
        "https://user:pw@app.example/cb",
        "https://@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example/cb#",
        "https://app.example/cb#x",
        "https:///evil.example",
        "https:/evil.example",
        "https:evil.example",
        "//evil.example/cb",
        "/cb",
        "https://*.example/cb",
        "https://%2a.example/cb",
        "https://app.example%2fevil/cb",
        "https://bücher.example/cb",
        "https://app.example/\u{202e}",
        "https://",
        "https://:80/",
        "http://app.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.2/cb",
        "http://0.0.0.0/cb",
        "http://[::]/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "javascript:evil()",
        "javascript://app.example/%0aevil",
        "data:text/html,evil",
        "vbscript:evil",
        "file:///etc/passwd",
        "blob:https://evil.example/x",
        "about:blank",
        "view-source:https://app.example/",
        "intent:evil",
        "ftp://app.example/cb",
        "myapp:/cb",
        "mailto:evil@evil.example",
        "https://app.example:99999/cb",
        "https://app.example/<cb>",
        "https://app.example/`",
        "https://app.example/{x}",
    ] {
        let typed = [("name", "Sneaky"), ("redirect_uris", uri)];
        let answer = john.submit(&page, &form, &typed).await;
        assert_eq!(answer.status, 400, "{uri}");
    }
    assert!(!john.open("/developer").await.text().contains("Sneaky"));
}

/// RFC 9700 §4.1: an open redirector at the authorization endpoint helps phishing, whatever else is wrong with the request.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_an_unregistered_redirect_uri_is_not_redirected_to() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for browser in [server.browser(), server.browser_of(JOHN).await] {
            for uri in [
                "https://evil.example/callback",
                "https://app.example/callback/evil",
                "https://app.example/callback?evil",
                "https://app.example@evil.example/callback",
                "https://app.example.evil.example/callback",
                "http://app.example/callback",
                "//evil.example/callback",
                "javascript:evil()",
            ] {
                for id in ["sample", "native", "nobody"] {
                    for more in [&[][..], &[("scope", "nonsense")], &[("state", "s"), ("x", "y")]] {
                        let query = server.client(id, uri).query(more);
                        let page = browser.authorize(&query).await.page();
                        assert!(matches!(page.status, 400 | 401), "{preset} {query}: {}", page.status);
                        assert!(!beside_named(&page.readable()).contains("evil"), "{preset} {query}");
                    }
                }
            }
        }
    }
}

/// RFC 9700 §4.11.2: if the app is not live, nobody is redirected, whatever else is wrong with the request.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_live_gets_no_redirect() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let consent = john.authorize(&browser_query("sample", REDIRECT_URI)).await.consent();
    server.command(&["app", "suspend", "sample"]);
    for browser in [&server.browser(), &john] {
        for more in ["", "&scope=nonsense", "&prompt=none", "&request=x"] {
            let page = browser
                .authorize(&format!("{}{more}", browser_query("sample", REDIRECT_URI)))
                .await;
            assert_eq!(page.page().status, 403, "{more}");
        }
    }
    for decision in ["allow", "deny"] {
        assert_eq!(
            john.decide(&consent, decision).await.page().header("location"),
            "",
            "{decision}"
        );
    }
}

/// RFC 9700 §4.11.2: no field and no query of a form causes a redirect to another site.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_never_redirects_to_a_submitted_url() {
    let names = [
        "next",
        "return",
        "return_to",
        "returnTo",
        "redirect",
        "redirect_uri",
        "url",
        "continue",
        "goto",
        "place",
    ];
    let server = Server::library("default", APPS).await;
    for (opened, action, typed) in [
        (
            "/login",
            "/login",
            &[("username", JOHN.email), ("password", JOHN.password)][..],
        ),
        ("/account", "/logout", &[]),
        ("consent", "/switch", &[]),
        ("consent", "/consent", &[("decision", "deny")]),
        ("/account/apps", "/account/apps", &[("end", "1")]),
        (
            "/developer/apps/sample",
            "/secret",
            &[("reset", "now"), ("state", "AAAA")],
        ),
    ] {
        let browser = if opened == "/login" {
            server.browser()
        } else {
            server.browser_of(JOHN).await
        };
        let sample = server.client("sample", REDIRECT_URI);
        let page = match opened {
            "consent" => browser.authorize(&sample.query(&[])).await.consent(),
            "/account/apps" => {
                sample.connect(&browser).await;
                browser.open(opened).await
            }
            path => browser.open(path).await,
        };
        let mut form = form_to(&page, action);
        let evil = names.map(|name| (name, "https://evil.example/"));
        form.action = format!("{}?{}", form.action, encoded(&evil));
        let answer = browser.submit_only(&page, &form, &[typed, &evil].concat()).await;
        let location = answer.header("location");
        if action == "/secret" {
            // The state is invalid, so the page of the app says that nothing was done.
            assert_eq!((answer.status, location), (200, ""), "{}", answer.text());
            assert!(!answer.readable().contains("evil"), "{}", answer.body);
            continue;
        }
        assert_eq!(answer.status, 303, "{action}: {}", answer.text());
        let own = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
        assert!(own || location.starts_with(REDIRECT_URI), "{action}: {location}");
        assert!(!location.contains("evil"), "{action}: {location}");
    }
}
