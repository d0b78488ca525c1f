//! What commands print, and the errors that end them.

use std::io::Write as _;

use hallpass_client::keeper::{Connection, Summary, Token};
use serde_json::{Value, json};

/// The shortest end of a refused token that is taken, in bytes.
pub(crate) const SHORTEST_END: usize = 8;

/// An error that ends a command.
pub(crate) type Fault = Box<dyn std::error::Error>;

/// Prints a line for the person or program that ran the command. Fails if nobody reads it any more.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes())?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Why there can be no such connection.
pub(crate) fn not_configured(connection: &Connection) -> String {
    format!(
        "the provider `{}` is not in the configuration file",
        connection.provider()
    )
}

/// When the access token expires, in milliseconds. Tokens that came without one have none that could: see `Moved`.
pub(crate) fn expiry(summary: &Summary) -> Option<i64> {
    summary.expires_at.filter(|at| *at > 0)
}

/// A token as the service answers it and `token --json` prints it. Times are seconds since 1970, as in tokens.
pub(crate) fn token_body(token: &Token) -> Value {
    json!({
        "access_token": token.access.secret(),
        "token_type": token.token_type.as_str(),
        "expires_at": token.expires_at.map(|at| at / 1000),
        "scope": token.scope,
        "extra": token.extra,
    })
}
