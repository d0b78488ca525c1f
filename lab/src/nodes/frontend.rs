//! Parses the messages of a PostgreSQL client (protocol 3.0), and finds those that commit a change.
//!
//! An executed statement is not committed yet: without an explicit transaction its commit waits for `Sync`. To hold this
//! one message back delays the commit, with everything before it done.

use std::collections::HashMap;

/// The codes that request encryption, in place of a version. Another start message follows.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];
/// Words in the text of a statement that changes something.
const CHANGES: [&str; 7] = ["insert ", "update ", "delete ", "commit", "create ", "alter ", "drop "];

/// Splits bytes into messages.
#[derive(Default)]
pub(super) struct Frontend {
    buffer: Vec<u8>,
    /// Whether the first message of the connection, which has no type, has passed.
    started: bool,
    /// For each prepared statement, by name, whether it changes something.
    statements: HashMap<Vec<u8>, bool>,
    /// Whether a statement that changes something was executed since the last `Sync`.
    changing: bool,
}

/// A complete message.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Whether the message makes the database commit a change.
    pub(super) commits: bool,
}

impl Frontend {
    /// The messages that are complete with these bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.buffer.extend_from_slice(bytes);
        let mut messages = Vec::new();
        while let Some(length) = self.length() {
            let bytes: Vec<u8> = self.buffer.drain(..length).collect();
            let commits = self.read(&bytes);
            messages.push(Message { bytes, commits });
        }
        messages
    }

    /// The length of the next message, if it is complete.
    fn length(&self) -> Option<usize> {
        let typed = usize::from(self.started);
        let length = number(self.buffer.get(typed..)?)? as usize + typed;
        (self.buffer.len() >= length).then_some(length)
    }

    fn read(&mut self, message: &[u8]) -> bool {
        if !self.started {
            let code = message.get(4..).and_then(number);
            self.started = code.is_some_and(|code| !ENCRYPTION.contains(&code));
            return false;
        }
        let (kind, body) = (message.first().copied(), message.get(5..).unwrap_or_default());
        let mut texts = body.split(|byte| *byte == 0);
        let mut text = || texts.next().unwrap_or_default();
        match kind {
            // Parse: the name, then the statement.
            Some(b'P') => {
                let name = text().to_vec();
                self.statements.insert(name, changes(text()));
            }
            // Bind: the portal, then the name of the statement.
            Some(b'B') => {
                text();
                self.changing |= self.statements.get(text()).copied().unwrap_or(false);
            }
            Some(b'Q') => return changes(text()),
            Some(b'S') => return std::mem::take(&mut self.changing),
            _ => {}
        }
        false
    }
}

/// Whether a statement changes anything that others see. A node's heartbeat does not count.
fn changes(statement: &[u8]) -> bool {
    let statement = String::from_utf8_lossy(statement).to_lowercase();
    CHANGES.iter().any(|word| statement.contains(word)) && !statement.contains(" nodes")
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn start() -> Vec<u8> {
        let first = |code: u32, more: &[u8]| {
            let length = u32::try_from(more.len() + 8).unwrap();
            [&length.to_be_bytes()[..], &code.to_be_bytes(), more].concat()
        };
        [first(ENCRYPTION[0], b""), first(196_608, b"user\0lab\0\0")].concat()
    }

    /// Tells for each message whether it commits, when the bytes arrive in pieces of this size.
    fn commits(bytes: &[u8], size: usize) -> Vec<bool> {
        let mut frontend = Frontend::default();
        let messages = bytes.chunks(size).flat_map(|piece| frontend.take(piece));
        messages.map(|message| message.commits).collect()
    }

    #[test]
    fn the_sync_after_a_change_commits() {
        let bytes = [
            start(),
            message(b'P', b"w\0UPDATE grants SET state = 2\0\0\0"),
            message(b'P', b"r\0SELECT 1\0\0\0"),
            message(b'S', b""),
            message(b'B', b"\0r\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'B', b"\0w\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'S', b""),
        ]
        .concat();
        let expected = [
            false, false, false, false, false, false, false, false, false, false, true, false,
        ];
        for size in [1, 7, 4096] {
            assert_eq!(commits(&bytes, size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_simple_query_that_changes_commits_and_a_heartbeat_does_not() {
        let bytes = [
            start(),
            message(b'Q', b"COMMIT\0"),
            message(b'Q', b"SELECT 1\0"),
            message(b'Q', b"UPDATE nodes SET beat = 1\0"),
        ]
        .concat();
        assert_eq!(commits(&bytes, 4096), [false, false, true, false, false]);
    }
}
