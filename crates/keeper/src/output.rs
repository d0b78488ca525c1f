//! What commands print, and the errors that end them.

use std::io::Write as _;

/// An error that ends a command.
pub(crate) type Fault = Box<dyn std::error::Error>;

/// Prints a line for the person or program that ran the command. Fails if nobody reads it any more.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes())?;
    output.write_all(b"\n")?;
    output.flush()
}
