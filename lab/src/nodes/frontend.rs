//! What a client of PostgreSQL sends, message by message (protocol 3.0), and which messages end a change.
//!
//! A statement that is executed is not yet committed: without an explicit transaction its commit waits for `Sync`. Who holds
//! that one message back has a commit that becomes visible late, with everything before it done.

use std::collections::HashMap;

/// The codes that ask for encryption, in the place of a version: what follows them is another start.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];
/// What a statement that changes something has in its text.
const CHANGES: [&str; 7] = ["insert ", "update ", "delete ", "commit", "create ", "alter ", "drop "];

/// Takes bytes, gives messages.
#[derive(Default)]
pub(super) struct Frontend {
    buffer: Vec<u8>,
    /// Whether the connection's first message has passed, which has no type.
    started: bool,
    /// Prepared statements by name: whether they change something.
    statements: HashMap<Vec<u8>, bool>,
    /// Whether something that changes was executed since the last `Sync`.
    changing: bool,
}

/// A whole message.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Whether it makes the database commit a change.
    pub(super) commits: bool,
}

impl Frontend {
    /// The messages that are whole with these bytes.
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

    /// The length of the next message, if all of it is here.
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
            // Parse: a name, the statement.
            Some(b'P') => {
                let name = text().to_vec();
                self.statements.insert(name, changes(text()));
            }
            // Bind: the portal, the statement's name.
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

/// Whether a statement changes what others will see. A node's heartbeat does not count.
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

    /// Which messages commit, where these bytes come in pieces of that size.
    fn commits(bytes: &[u8], size: usize) -> Vec<bool> {
        let mut frontend = Frontend::default();
        let messages = bytes.chunks(size).flat_map(|piece| frontend.take(piece));
        messages.map(|message| message.commits).collect()
    }

    #[test]
    fn the_sync_behind_a_change_commits() {
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
