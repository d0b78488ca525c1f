//! The third-party app: the page of its redirect URI, and the exchange of the code.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

pub(crate) const SECRET: &str = "a-long-secret-a-long-secret-a-long-secret-aa";
/// RFC 7636 appendix B, with the verifier below.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const PAGE: &str = "<!doctype html><html lang=en><title>Reports</title><h1 id=arrived>Welcome back</h1>";

/// An app on a free port of the loopback.
pub(crate) struct ThirdParty {
    pub(crate) redirect_uri: String,
}

impl ThirdParty {
    /// Serves its page until the test ends.
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port is bound");
        std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
        Self {
            redirect_uri: format!("http://{address}/cb"),
        }
    }

    /// Exchanges the code, so that the grant becomes active.
    pub(crate) async fn redeem(&self, server: &str, code: &str) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let client = reqwest::Client::builder().no_proxy().build();
        let request = client.expect("a client").post(format!("{server}/oauth/token"));
        let request = request.basic_auth("reports", Some(SECRET)).form(&form);
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }
}

/// The browser may open a connection and send nothing. The request does not matter here.
fn answer(mut stream: TcpStream) {
    std::thread::spawn(move || {
        let asked = stream.read(&mut [0; 8192]).unwrap_or(0);
        if asked > 0 {
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html";
            let length = PAGE.len();
            drop(write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{PAGE}"));
        }
    });
}
