//! The fields of an access token as bytes: tag-length-value fields in one canonical order.
//!
//! Tags ascend, and each appears at most once. A length below 128 is one byte; a longer one is two bytes, the first bit
//! set. A length that fits in one byte must use one byte. So the same claims always have the same encoding, from which the
//! serial and the nonce are derived.
//!
//! A tag below 128 is *critical*. A version that does not know a critical tag refuses the token, because the field may
//! restrict the token and this version cannot enforce it. Tags from 128 on are *optional*: an unknown one is skipped.

use crate::store::model::{ActsAs, AppId, GrantId, OrganizationId, UserId};
use crate::time::Instant;
use hallpass_wire::Scopes;
use uuid::Uuid;

/// The fields of an access token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The number of this token, by which this token alone can be revoked. Sealing derives it from all other fields.
    pub serial: [u8; 16],
    /// The person's grant. `None` for a token of client_credentials.
    pub grant: Option<PersonGrant>,
    /// The app that the token was issued to.
    pub app: AppId,
    /// The organization that the token acts in.
    pub organization: OrganizationId,
    /// The scopes of the token.
    pub scopes: Scopes,
    /// When the token was issued.
    pub issued_at: Instant,
    /// When the token expires. The wire always has it: the last moment of [`Instant`] means a very long time.
    pub expires: Instant,
}

/// The claims of a token that a person consented to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PersonGrant {
    /// The grant.
    pub id: GrantId,
    /// The generation of the grant that the token belongs to.
    pub generation: u32,
    /// The person. If the grant is the organization's: who had set it up.
    pub user: UserId,
    /// Whose the grant is.
    pub acts_as: ActsAs,
    /// The id of the key of the code or refresh token that was issued with this access token. If this key is revoked, the
    /// access token is revoked as well.
    pub key: u32,
}

/// Why bytes are not claims, or are claims that this version cannot enforce.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClaimsError {
    /// The bytes end within a field.
    #[error("the claims end within a field")]
    Truncated,
    /// A length in two bytes that would fit in one.
    #[error("a length is longer than it needs to be")]
    NonMinimalLength,
    /// A tag that is not higher than the tag before it.
    #[error("field {0} is repeated or out of order")]
    Disordered(u8),
    /// A critical field that this version does not know.
    #[error("field {0} is critical, and this version cannot enforce it")]
    UnknownCritical(u8),
    /// A value that this field cannot have.
    #[error("field {0} has a value that is not allowed")]
    Value(u8),
    /// A field is absent that every token has, or that belongs to a field that is present.
    #[error("a field is missing")]
    Incomplete,
}

/// The tags. Each of these fields restricts a token or says whose it is, so all are critical.
mod tag {
    pub(super) const SERIAL: u8 = 1;
    pub(super) const ISSUED_AT: u8 = 2;
    pub(super) const EXPIRES: u8 = 3;
    pub(super) const APP: u8 = 4;
    pub(super) const ORGANIZATION: u8 = 5;
    /// Absent if the token has no scopes: then it allows nothing.
    pub(super) const SCOPES: u8 = 6;
    pub(super) const GRANT: u8 = 7;
    pub(super) const GENERATION: u8 = 8;
    pub(super) const USER: u8 = 9;
    pub(super) const GRANT_KEY: u8 = 10;
    /// Reserved: the resource server that the token is for (RFC 8707).
    pub(super) const RESOURCE: u8 = 11;
    /// Reserved: the key that the holder of the token must prove (RFC 7800 `cnf`).
    pub(super) const CONFIRMATION: u8 = 12;
    /// Reserved: the party that acts for the subject (RFC 8693 `act`).
    pub(super) const ACTOR: u8 = 13;
    /// Present, with the value 1, if the grant is the organization's and not the person's (decision 83).
    pub(super) const OF_ORGANIZATION: u8 = 14;
    /// From this tag on, a version that does not know a field skips it.
    pub(super) const OPTIONAL: u8 = 128;
}

/// Where the value of the serial is. The serial comes first, so that all the fields from which it is derived follow it.
pub(super) const SERIAL: std::ops::Range<usize> = 2..18;
/// The length of all fields except the scopes, in bytes.
pub(super) const FIXED: usize = 5 * ID + 2 * MOMENT + 2 * NUMBER + FLAG;
/// The length of a field with its tag and length, in bytes, by the kind of its value.
const ID: usize = 2 + 16;
const MOMENT: usize = 2 + 8;
const NUMBER: usize = 2 + 4;
const FLAG: usize = 2 + 1;
/// The longest value, in bytes, whose length fits in two bytes.
const LONGEST_VALUE: usize = 0x7fff;

/// The scopes are longer than a field can hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the scopes are longer than 32,767 bytes")]
pub struct TooLong;

impl Claims {
    /// Appends the canonical encoding to `bytes`.
    ///
    /// # Errors
    /// If the scopes are longer than a field can hold.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), TooLong> {
        field(bytes, tag::SERIAL, &self.serial);
        field(bytes, tag::ISSUED_AT, &self.issued_at.0.to_be_bytes());
        field(bytes, tag::EXPIRES, &self.expires.0.to_be_bytes());
        field(bytes, tag::APP, self.app.0.as_bytes());
        field(bytes, tag::ORGANIZATION, self.organization.0.as_bytes());
        scopes_field(bytes, &self.scopes)?;
        if let Some(grant) = &self.grant {
            field(bytes, tag::GRANT, grant.id.0.as_bytes());
            field(bytes, tag::GENERATION, &grant.generation.to_be_bytes());
            field(bytes, tag::USER, grant.user.0.as_bytes());
            field(bytes, tag::GRANT_KEY, &grant.key.to_be_bytes());
            if grant.acts_as == ActsAs::Organization {
                field(bytes, tag::OF_ORGANIZATION, &[1]);
            }
        }
        Ok(())
    }

    /// Decodes the bytes that [`Claims::encode`] wrote. Skips unknown optional fields.
    ///
    /// # Errors
    /// If the bytes are not canonical, or hold a critical field that this version does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, ClaimsError> {
        let mut read = Read::default();
        let mut fields = Fields { rest: bytes, last: 0 };
        while let Some((tag, value)) = fields.next()? {
            read.take(tag, value)?;
        }
        read.claims().ok_or(ClaimsError::Incomplete)
    }
}

/// Appends a field whose length is one byte.
fn field<const N: usize>(bytes: &mut Vec<u8>, tag: u8, value: &[u8; N]) {
    const { assert!(N < 128) };
    bytes.extend_from_slice(&[tag, N.to_le_bytes()[0]]);
    bytes.extend_from_slice(value);
}

fn scopes_field(bytes: &mut Vec<u8>, scopes: &Scopes) -> Result<(), TooLong> {
    let length = u16::try_from(scopes.text_length()).map_err(|_| TooLong)?;
    match length.to_be_bytes() {
        [0, 0] => return Ok(()),
        [0, short] if short < 128 => bytes.extend_from_slice(&[tag::SCOPES, short]),
        [high, low] if usize::from(length) <= LONGEST_VALUE => {
            bytes.extend_from_slice(&[tag::SCOPES, high | 0x80, low]);
        }
        _ => return Err(TooLong),
    }
    for (position, scope) in scopes.iter().enumerate() {
        if position > 0 {
            bytes.push(b' ');
        }
        bytes.extend_from_slice(scope.as_str().as_bytes());
    }
    Ok(())
}

/// Iterates over the fields of an encoding.
struct Fields<'a> {
    rest: &'a [u8],
    /// The tag of the field before. No field has tag 0.
    last: u8,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, ClaimsError> {
        let Some((&tag, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        if tag <= self.last {
            return Err(ClaimsError::Disordered(tag));
        }
        let (length, rest) = length(rest)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(ClaimsError::Truncated)?;
        (self.last, self.rest) = (tag, rest);
        Ok(Some((tag, value)))
    }
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), ClaimsError> {
    match bytes {
        [short, rest @ ..] if *short < 128 => Ok((usize::from(*short), rest)),
        [high, low, rest @ ..] => match u16::from_be_bytes([high & 0x7f, *low]) {
            0..128 => Err(ClaimsError::NonMinimalLength),
            length => Ok((usize::from(length), rest)),
        },
        _ => Err(ClaimsError::Truncated),
    }
}

/// The fields decoded so far.
#[derive(Default)]
struct Read {
    serial: Option<[u8; 16]>,
    issued_at: Option<Instant>,
    expires: Option<Instant>,
    app: Option<AppId>,
    organization: Option<OrganizationId>,
    scopes: Scopes,
    grant: Option<GrantId>,
    generation: Option<u32>,
    user: Option<UserId>,
    grant_key: Option<u32>,
    of_organization: bool,
}

impl Read {
    fn take(&mut self, tag: u8, value: &[u8]) -> Result<(), ClaimsError> {
        match tag {
            tag::SERIAL => self.serial = Some(exact(tag, value)?),
            tag::ISSUED_AT => self.issued_at = Some(moment(tag, value)?),
            tag::EXPIRES => self.expires = Some(moment(tag, value)?),
            tag::APP => self.app = Some(AppId(id(tag, value)?)),
            tag::ORGANIZATION => self.organization = Some(OrganizationId(id(tag, value)?)),
            tag::SCOPES => self.scopes = scopes(value).ok_or(ClaimsError::Value(tag))?,
            tag::GRANT => self.grant = Some(GrantId(id(tag, value)?)),
            tag::GENERATION => self.generation = Some(number(tag, value)?),
            tag::USER => self.user = Some(UserId(id(tag, value)?)),
            tag::GRANT_KEY => self.grant_key = Some(number(tag, value)?),
            tag::RESOURCE | tag::CONFIRMATION | tag::ACTOR => return Err(ClaimsError::UnknownCritical(tag)),
            tag::OF_ORGANIZATION if value == [1] => self.of_organization = true,
            tag::OF_ORGANIZATION => return Err(ClaimsError::Value(tag)),
            unknown if unknown < tag::OPTIONAL => return Err(ClaimsError::UnknownCritical(unknown)),
            _ => {}
        }
        Ok(())
    }

    fn claims(self) -> Option<Claims> {
        let grant = match (self.grant, self.generation, self.user, self.grant_key) {
            (None, None, None, None) if !self.of_organization => None,
            (Some(id), Some(generation), Some(user), Some(key)) => Some(PersonGrant {
                id,
                generation,
                user,
                acts_as: if self.of_organization {
                    ActsAs::Organization
                } else {
                    ActsAs::Person
                },
                key,
            }),
            _ => return None,
        };
        Some(Claims {
            serial: self.serial?,
            grant,
            app: self.app?,
            organization: self.organization?,
            scopes: self.scopes,
            issued_at: self.issued_at?,
            expires: self.expires?,
        })
    }
}

fn exact<const N: usize>(tag: u8, value: &[u8]) -> Result<[u8; N], ClaimsError> {
    value.try_into().map_err(|_| ClaimsError::Value(tag))
}

fn id(tag: u8, value: &[u8]) -> Result<Uuid, ClaimsError> {
    exact(tag, value).map(Uuid::from_bytes)
}

fn moment(tag: u8, value: &[u8]) -> Result<Instant, ClaimsError> {
    exact(tag, value).map(i64::from_be_bytes).map(Instant)
}

fn number(tag: u8, value: &[u8]) -> Result<u32, ClaimsError> {
    exact(tag, value).map(u32::from_be_bytes)
}

/// Parsing drops repeated scopes and extra spaces. So a text with any of these is longer than the scopes that it gives.
fn scopes(value: &[u8]) -> Option<Scopes> {
    let scopes = Scopes::parse(std::str::from_utf8(value).ok()?).ok()?;
    (!scopes.is_empty() && scopes.text_length() == value.len()).then_some(scopes)
}

#[cfg(test)]
mod tests;
