//! The Basic header (RFC 6749 §2.3.1): whether a client encodes its credentials by the RFC or not at all, the server reads them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass_wire::client_credentials::{Basic, ClientCredentials};

/// Reads the input as the value of a header. Then sends it as an id and a secret, one on each line.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    received(text);
    let (id, secret) = text.split_once('\n').unwrap_or((text, ""));
    sent(id, secret);
}

fn received(header: &str) {
    let Ok(Some(basic)) = Basic::parse(header) else { return };
    let readings = basic.readings();
    assert!((1..=3).contains(&readings.len()));
    let scheme = header.get(..6).expect("a header that was read has a scheme");
    assert!(scheme.eq_ignore_ascii_case("basic "), "{header:?}");
    let as_sent = |reading: &ClientCredentials| {
        STANDARD.encode(format!("{}:{}", reading.client_id, reading.client_secret)) == header[6..].trim()
    };
    assert!(
        readings.iter().any(as_sent),
        "no reading has the credentials that were sent"
    );
    for (place, reading) in readings.iter().enumerate() {
        assert!(!readings[..place].contains(reading), "the same reading twice");
    }
}

fn sent(id: &str, secret: &str) {
    let half = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let by_the_rfc = format!("Basic {}", STANDARD.encode(format!("{}:{}", half(id), half(secret))));
    let basic = Basic::parse(&by_the_rfc).expect("encoded by the RFC");
    let readings = basic.expect("it is Basic").readings();
    let wanted = ClientCredentials {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
    };
    assert!(readings.first() == Some(&wanted), "{id:?} {secret:?}");
    let unencoded = format!("bAsIc {}", STANDARD.encode(format!("{id}:{secret}")));
    let basic = Basic::parse(&unencoded).expect("not encoded");
    let basic = basic.expect("it is Basic");
    assert!(basic.secret_of(id) == Some(secret), "{id:?} {secret:?}");
    assert!(
        id.contains(':') || basic.readings().contains(&wanted),
        "{id:?} {secret:?}"
    );
    // `Debug` prints the same for every secret, so no log line shows one.
    let other = ClientCredentials {
        client_secret: String::new(),
        ..wanted.clone()
    };
    assert_eq!(format!("{wanted:?}"), format!("{other:?}"));
}
