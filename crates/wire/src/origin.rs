//! Origins of pages (RFC 6454 §6.2), in the spelling of browsers' `Origin` headers.

use std::fmt;
use url::Url;

/// The longest origin, in bytes. A host name has at most 253.
pub const LONGEST: usize = 300;

/// An origin: `scheme://host`, with a port if it is not the default port of the scheme. WebViews have their own schemes,
/// such as `capacitor://localhost`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin(String);

/// Why a text is not an origin, or is an origin that answers may not be shared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OriginError {
    /// Not `scheme://host[:port]` as browsers write it, or it has a path.
    #[error(
        "expected an origin as browsers write it, such as \"https://app.example\" or \"capacitor://localhost\": in lower \
         case, without path, slash at the end and the scheme's own port"
    )]
    Malformed,
    /// `http` to a host that is not this computer: anyone on the network path could read the answers.
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

    /// The origin as text, as browsers write it.
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
    fn origins_of_pages_and_webviews_are_accepted() {
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
    fn a_text_that_no_browser_sends_and_a_wildcard_are_refused() {
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
