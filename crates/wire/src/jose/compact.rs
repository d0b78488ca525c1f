//! The compact serialization (RFC 7515 §3.1 and §7.1), and the rules for the header.

use super::error::JoseError;
use super::members::{Members, WrongType, decode};

/// The longest token that is read, in bytes: as long as the header section of most servers.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Header parameters that are refused: keys that the sender brings, compression, payloads in other encodings, extensions.
/// RFC 7515 §4.1.11: none of the extensions that `crit` could name is known here, so its presence is enough.
const REFUSED: [&str; 6] = ["crit", "jku", "jwk", "x5u", "zip", "b64"];

/// A token that has been split and decoded. Nothing of it is verified.
pub(super) struct Compact<'a> {
    /// The text that is signed: header, dot, payload.
    pub(super) signed: &'a str,
    pub(super) header: Header,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

pub(super) struct Header {
    pub(super) alg: String,
    pub(super) typ: Option<String>,
    pub(super) kid: Option<String>,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, JoseError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed("three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed("three parts"))?;
        // A dot inside the payload makes a fourth part; it is not in the alphabet of base64url.
        let part = |text: &str, name| decode(text).ok_or(JoseError::Malformed(name));
        Ok(Self {
            signed,
            header: Header::parse(&part(header, "base64url in the header")?)?,
            payload: part(payload, "base64url in the payload")?,
            signature: part(signature, "base64url in the signature")?,
        })
    }
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, JoseError> {
        let members = Members::parse(json).ok_or(JoseError::Malformed("a header that is an object, each name once"))?;
        if let Some(name) = REFUSED.into_iter().find(|name| members.has(name)) {
            return Err(JoseError::Header(name));
        }
        let text = |name| {
            let text = members.text(name).map_err(|WrongType(name)| JoseError::Header(name))?;
            Ok(text.map(str::to_owned))
        };
        // A token inside a token (RFC 7519 §5.2) is not read.
        if text("cty")?.is_some() {
            return Err(JoseError::Header("cty"));
        }
        Ok(Self {
            alg: text("alg")?.ok_or(JoseError::Header("alg"))?,
            typ: text("typ")?,
            kid: text("kid")?,
        })
    }
}
