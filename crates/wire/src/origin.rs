//! Origins of pages (RFC 6454 §6.2), as browsers write them in `Origin` headers.

use std::fmt;
use url::Url;

/// The longest origin, in bytes: a host name has at most 253.
pub const LONGEST: usize = 300;

/// An origin: `scheme://host` with a port where it is not the scheme's. WebViews have schemes of their own, such as
/// `capacitor://localhost`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin(String);

/// A text that no browser sends as an origin, or that may not be shared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OriginError {
    /// Not `scheme://host[:port]` in the spelling of browsers, or with a path.
    #[error(
        "expected an origin as browsers write it, such as \"https://app.example\" or \"capacitor://localhost\": in lower \
         case, without path, slash at the end and the scheme's own port"
    )]
    Malformed,
    /// `http` to a host that is not this computer: whoever is between could read answers.
    #[error("plain http is only for localhost; use https")]
    PlainHttp,
}

impl Origin {
    /// Parses the text of an `Origin` header.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::Malformed)?;
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(OriginError::Malformed);
        };
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let written = format!("{}://{host}{port}", url.scheme());
        if text.len() > LONGEST || written != text || !host.bytes().all(fits) || url.scheme() == "file" {
            return Err(OriginError::Malformed);
        }
        if url.scheme() == "http" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(OriginError::PlainHttp);
        }
        Ok(Self(written))
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origins_of_pages_and_webviews_are_taken() {
        for text in [
            "https://app.example",
            "https://app.example:8443",
            "https://localhost",
            "http://localhost",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://6d1b2d1a-6f3c-4d6e-9a6b-0c1d2e3f4a5b",
        ] {
            assert_eq!(
                Origin::parse(text).map(|origin| origin.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_no_browser_sends_or_stands_for_everybody_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "https://app.example/",
            "https://app.example/x",
            "https://app.example?x",
            "https://APP.example",
            "https://app.example:443",
            "https://u:p@app.example",
            "https://*.example",
            "capacitor:localhost",
            "capacitor:///",
            "Capacitor://localhost",
            "capacitor://localhost/",
            "com.example.app:/callback",
            "file://localhost",
            "data:text/html,x",
            "app.example",
            " https://app.example",
        ] {
            assert_eq!(Origin::parse(text), Err(OriginError::Malformed), "{text}");
        }
        assert_eq!(Origin::parse("http://app.example"), Err(OriginError::PlainHttp));
    }
}
