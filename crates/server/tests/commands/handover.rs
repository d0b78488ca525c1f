//! `hallpass handover check`: what it says of a site that does everything right, and of sites with one mistake each.

use crate::harness::{Ended, Folder, Serving};
use hallpass_cluster::Certificates;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

const SECRET: &str = "a-secret-of-the-site-with-at-least-32-bytes";
/// The cookie of a person who is signed in at the site.
const COOKIE: &str = "--cookie=site_session=ann";

/// A mistake of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mistake {
    None,
    LosesTheQuery,
    LosesAfter,
    SignsEverybodyIn,
    RepeatsMarkup,
    IgnoresAfter,
    RedirectsBy(u16),
    IsCached,
    FailsWithoutRequest,
    HasAnotherSecret,
    RefusesLongAddresses,
}

/// A server and the site before it.
struct World {
    folder: Folder,
    serving: Serving,
    site: String,
}

impl World {
    fn new(mistake: Mistake) -> Self {
        Self::of("http", move |stream, server| answer(stream, mistake, server))
    }

    /// A site without a mistake, behind TLS.
    fn encrypted(config: Arc<ServerConfig>) -> Self {
        Self::of("https", move |stream, server| {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that does not trust the certificate goes away.
            if stream.conn.complete_io(&mut stream.sock).is_ok() {
                answer(&mut stream, Mistake::None, server);
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        })
    }

    /// `answers`: what the site does with each connection, and where the server is.
    fn of(scheme: &str, answers: impl Fn(TcpStream, &str) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let folder = Folder::new();
        let file = folder.folder.path().join("hallpass.toml");
        let before = fs::read_to_string(&file).unwrap();
        let section = format!("[handover]\nurl = \"{site}/connect?from=hallpass\"\nsecret = \"{SECRET}\"\n");
        fs::write(&file, format!("{before}\n{section}")).unwrap();
        let serving = folder.serve(&[]);
        let server = serving.address.clone();
        // The thread ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                answers(stream.unwrap(), &server);
            }
        });
        Self { folder, serving, site }
    }

    fn check(&self, options: &[&str]) -> Ended {
        self.check_trusting(options, None)
    }

    /// With the certification authority in this file, instead of those of the system.
    fn check_trusting(&self, options: &[&str], authority: Option<&Path>) -> Ended {
        let mut command = self.folder.command(&[&["handover", "check"], options].concat());
        // The configuration has port 0.
        let port = self.serving.address.rsplit(':').next().unwrap();
        command.env("HALLPASS_SERVER__PUBLIC_URL", format!("http://localhost:{port}"));
        if let Some(authority) = authority {
            command.env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
        }
        Ended::of(&command.output().unwrap())
    }
}

/// TLS with a certificate from this folder.
fn tls(folder: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key);
    Arc::new(config.unwrap())
}

/// Answers one request of a browser.
fn answer(mut stream: impl Read + Write, mistake: Mistake, server: &str) {
    let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let target = first.split(' ').nth(1).unwrap_or("/").to_owned();
    let signed_in = head.iter().any(|line| line.contains("site_session=ann"));
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.to_owned())
    };
    let response = match path {
        _ if mistake == Mistake::RefusesLongAddresses && target.len() > 1_000 => page(414, "too long"),
        "/login" => page(200, &format!("<form action=\"{}\">", target.replace('"', "&quot;"))),
        "/connect" => {
            let signed_in = signed_in || mistake == Mistake::SignsEverybodyIn;
            let again = parameter("after").is_some() && mistake != Mistake::IgnoresAfter;
            match signed_in && !again {
                true => to_server(&parameter("handover"), mistake, server),
                false => to_login(&target, mistake),
            }
        }
        _ => page(404, "nothing"),
    };
    stream.write_all(response.as_bytes()).unwrap();
}

fn to_login(target: &str, mistake: Mistake) -> String {
    let kept = match mistake {
        Mistake::LosesTheQuery => "",
        Mistake::LosesAfter => target.split("&after").next().unwrap(),
        _ => target,
    };
    if mistake == Mistake::RepeatsMarkup {
        let shown = kept.replace("%22", "\"").replace("%3E", ">").replace("%3C", "<");
        return page(200, &shown.replace("%28", "(").replace("%29", ")").replace("%2F", "/"));
    }
    let kept = kept.replace('?', "%3F").replace('&', "%26");
    redirect(303, "no-store", &format!("/login?next={kept}"))
}

/// The call of the site, and the redirect to the address in its answer.
fn to_server(handover: &Option<String>, mistake: Mistake, server: &str) -> String {
    if mistake == Mistake::FailsWithoutRequest && handover.as_ref().is_none_or(String::is_empty) {
        return page(500, "no request");
    }
    let secret = match mistake {
        Mistake::HasAnotherSecret => "another-secret-with-at-least-32-bytes-in-it",
        _ => SECRET,
    };
    let handover = handover.clone().unwrap_or_default();
    let body = format!("{{\"handover\":\"{handover}\",\"subject\":\"4711\",\"name\":\"Ann\"}}");
    let mut stream = TcpStream::connect(server).unwrap();
    let length = body.len();
    let request = format!(
        "POST /handover HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let address = answer
        .split("\"redirect_to\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let Some(address) = address else {
        return page(502, "no address");
    };
    match mistake {
        Mistake::RedirectsBy(status) => redirect(status, "no-store", address),
        Mistake::IsCached => redirect(302, "private", address),
        _ => redirect(302, "private, no-store", address),
    }
}

fn redirect(status: u16, cache: &str, location: &str) -> String {
    format!(
        "HTTP/1.1 {status} Redirect\r\nLocation: {location}\r\nCache-Control: {cache}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    )
}

fn page(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Page\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_site_that_does_everything_right_has_exit_code_0() {
    let world = World::new(Mistake::None);
    let checked = world.check(&[COOKIE]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{}", checked.stdout);
    for line in [
        "ok     It is on this computer, so http is enough.",
        "ok     The login keeps `handover`.",
        "ok     The login keeps `after`.",
        "ok     A `handover` of 2000 characters is accepted.",
        "ok     It redirects by 302.",
        "ok     The redirect has Cache-Control: no-store.",
        "ok     The server signs the person in.",
        "ok     Another browser with the same address is not signed in.",
        "ok     With `after`, the page asks the person to sign in again.",
        "ok     one with markup: it is sent back to the server.",
    ] {
        assert!(checked.stdout.contains(line), "{line}\n{}", checked.stdout);
    }
    assert!(!checked.stdout.contains("  note "), "{}", checked.stdout);
    assert!(checked.stdout.ends_with("Nothing wrong was found.\n"));
}

#[test]
fn a_site_with_https_is_checked_and_its_certificate_too() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path(), "DNS:localhost").unwrap();
    let world = World::encrypted(tls(folder.path()));
    let checked = world.check_trusting(&[COOKIE], Some(&certificates.authority()));
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("ok     The server signs the person in."),
        "{}",
        checked.stdout
    );
    let distrusted = world.check(&[COOKIE]);
    assert_eq!(distrusted.code, 1, "{}", distrusted.stdout);
    assert!(distrusted.stdout.contains("https failed: "), "{}", distrusted.stdout);
}

#[test]
fn without_a_cookie_the_check_says_what_a_stranger_meets() {
    let world = World::new(Mistake::None);
    let checked = world.check(&[]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let login = format!("It comes to {}/login (200).", world.site);
    assert!(checked.stdout.contains(&login), "{}", checked.stdout);
    assert!(checked.stdout.contains("note   Not checked. Add --cookie NAME=VALUE"));
    assert!(checked.stdout.ends_with("was not checked.\n"), "{}", checked.stdout);
}

#[test]
fn each_mistake_of_a_site_is_named() {
    for (mistake, said) in [
        (Mistake::LosesTheQuery, "The login loses `handover`"),
        (Mistake::LosesAfter, "The login loses `after`"),
        (
            Mistake::SignsEverybodyIn,
            "The page signs in a browser that has no cookie",
        ),
        (Mistake::RepeatsMarkup, "one with markup: the page repeats it as markup"),
        (Mistake::IgnoresAfter, "The page ignores `after`"),
        (Mistake::RedirectsBy(307), "It redirects by 307"),
        (Mistake::RedirectsBy(301), "It redirects by 301"),
        (Mistake::IsCached, "The redirect has no Cache-Control: no-store."),
        (Mistake::FailsWithoutRequest, "an empty one: the page answers 500."),
        (Mistake::HasAnotherSecret, "/connect answers 502."),
        (
            Mistake::RefusesLongAddresses,
            "With a `handover` of 2000 characters it answers 414.",
        ),
    ] {
        let checked = World::new(mistake).check(&[COOKIE]);
        let wrong = checked.stdout.lines().find(|line| line.starts_with("  wrong  "));
        let wrong = wrong.unwrap_or_else(|| panic!("{mistake:?}: {}{}", checked.stdout, checked.stderr));
        assert!(wrong.contains(said), "{mistake:?}: {}", checked.stdout);
        assert_eq!(checked.code, 1, "{mistake:?}");
        assert!(checked.stderr.ends_with(" wrong\n"), "{}", checked.stderr);
    }
}

#[test]
fn another_page_than_the_configured_one_can_be_checked() {
    let world = World::new(Mistake::None);
    let checked = world.check(&[&format!("{}/nothing", world.site)]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("The server sends people to another page"),
        "{}",
        checked.stdout
    );
    assert!(checked.stdout.contains("wrong  There is no page"), "{}", checked.stdout);
}

#[test]
fn a_check_that_cannot_begin_says_why() {
    let folder = Folder::new();
    let unconfigured = folder.call(&["handover", "check"]);
    assert_eq!((unconfigured.code, unconfigured.stdout.as_str()), (1, ""));
    assert!(
        unconfigured.stderr.starts_with("the configuration has no [handover]"),
        "{}",
        unconfigured.stderr
    );
    for arguments in [
        &["handover", "check", "www.example.com"][..],
        &["handover", "check", "--cookie", "novalue"],
        &["handover", "check", "--cookie", "a=b; c=d"],
    ] {
        assert_eq!(folder.call(arguments).code, 2, "{arguments:?}");
    }
    let mut world = World::new(Mistake::None);
    world.serving.signal("-TERM");
    world.serving.child.wait().unwrap();
    let away = world.check(&[]);
    assert_eq!(away.code, 1);
    assert!(
        away.stderr.contains("does not begin a sign-in: cannot connect"),
        "{}",
        away.stderr
    );
}
