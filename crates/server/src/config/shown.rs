//! The printed form of values, for `config show`.

use super::Secret;
use super::words::Word;
use crate::apps::registration::{AppName, ClientId, DisplayName, Email, ExternalId, ExternalOrganizationId, Slug};
use hallpass_wire::{Origin, RedirectUri, Scopes};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Value;

/// Printed in place of a secret.
pub(super) const HIDDEN: &str = "…";

/// A value that `config show` can print.
pub(super) trait Shown {
    /// The value as in a file.
    fn shown(&self) -> Value;
}

impl Shown for bool {
    fn shown(&self) -> Value {
        (*self).into()
    }
}

impl Shown for u32 {
    fn shown(&self) -> Value {
        i64::from(*self).into()
    }
}

macro_rules! shown_as_text {
    ($($type:ty),+) => {$(
        impl Shown for $type {
            fn shown(&self) -> Value {
                self.as_str().into()
            }
        }
    )+};
}

shown_as_text!(
    String,
    AppName,
    ClientId,
    DisplayName,
    Email,
    ExternalId,
    ExternalOrganizationId,
    Slug,
    RedirectUri,
    Origin
);

impl Shown for PathBuf {
    fn shown(&self) -> Value {
        self.display().to_string().into()
    }
}

impl Shown for SocketAddr {
    fn shown(&self) -> Value {
        self.to_string().into()
    }
}

impl Shown for IpNet {
    fn shown(&self) -> Value {
        self.to_string().into()
    }
}

impl Shown for Secret {
    fn shown(&self) -> Value {
        HIDDEN.into()
    }
}

impl Shown for Scopes {
    fn shown(&self) -> Value {
        Value::Array(self.iter().map(|scope| scope.as_str().into()).collect())
    }
}

impl<T: Word> Shown for T {
    fn shown(&self) -> Value {
        self.word().into()
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> Value {
        Value::Array(self.iter().map(Shown::shown).collect())
    }
}

/// In the largest unit in which it is a whole number.
impl Shown for Duration {
    fn shown(&self) -> Value {
        let seconds = self.as_secs();
        let units = [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)];
        let whole = units.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
        let text = whole.map_or_else(
            || format!("{seconds}s"),
            |(name, unit)| format!("{}{name}", seconds / unit),
        );
        text.into()
    }
}
