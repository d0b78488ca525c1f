//! JSON as the originals write it, member by member into one text.
//!
//! Some clients of these servers depend on the order of members, and their test suites compare bytes. A dialect therefore
//! chooses the order; the style chooses separators and escapes.

use std::fmt::{self, Display, Write as _};

/// The JSON library that is imitated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// Compact, UTF-8 as it is (RFC 8259).
    Compact,
    /// PHP's `json_encode`: compact, `/` escaped, ASCII only.
    Php,
    /// Python's `json.dumps`: a space after colon and comma, ASCII only.
    Python,
}

/// A JSON object under construction.
#[derive(Debug)]
pub(crate) struct Object {
    text: String,
    style: Style,
}

impl Object {
    /// An empty object with room for `capacity` bytes.
    pub(crate) fn new(style: Style, capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        Self { text, style }
    }

    /// A member that is a string, or a number that the original quotes.
    pub(crate) fn text(mut self, name: &str, value: impl Display) -> Self {
        self.name(name);
        self.string(value);
        self
    }

    /// A member that is a string, where there is one.
    pub(crate) fn text_if_any(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A member that is a number, `true`, `false` or `null`.
    pub(crate) fn literal(mut self, name: &str, value: impl Display) -> Self {
        self.name(name);
        // Writing into a String cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// A member that is a number, where there is one.
    pub(crate) fn literal_if_any(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.literal(name, value),
            None => self,
        }
    }

    /// A member that is a list of strings.
    pub(crate) fn list(mut self, name: &str, values: &[String]) -> Self {
        self.name(name);
        self.text.push('[');
        for (position, value) in values.iter().enumerate() {
            if position > 0 {
                self.text.push_str(self.comma());
            }
            self.string(value);
        }
        self.text.push(']');
        self
    }

    /// A member that is an object.
    pub(crate) fn object(mut self, name: &str, members: impl FnOnce(Object) -> Object) -> Self {
        self.name(name);
        let inner = members(Object::new(self.style, 128)).close();
        self.text.push_str(&inner);
        self
    }

    /// The finished text.
    pub(crate) fn close(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push_str(self.comma());
        }
        self.string(name);
        self.text.push_str(if self.style == Style::Python { ": " } else { ":" });
    }

    fn string(&mut self, value: impl Display) {
        self.text.push('"');
        let mut escaped = Escaped {
            text: &mut self.text,
            style: self.style,
        };
        let _ = write!(escaped, "{value}");
        self.text.push('"');
    }

    fn comma(&self) -> &'static str {
        if self.style == Style::Python { ", " } else { "," }
    }
}

/// A writer that escapes strings, and copies runs of plain text whole.
struct Escaped<'a> {
    text: &'a mut String,
    style: Style,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, value: &str) -> fmt::Result {
        // Tokens are plain: one pass without a branch for each byte tells.
        if value.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            self.text.push_str(value);
            return Ok(());
        }
        let mut plain = 0;
        for (position, character) in value.char_indices() {
            if !self.needs_escape(character) {
                continue;
            }
            self.text.push_str(&value[plain..position]);
            self.escape(character)?;
            plain = position + character.len_utf8();
        }
        self.text.push_str(&value[plain..]);
        Ok(())
    }
}

/// Whether every style writes the byte unescaped.
fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) & (byte != b'"') & (byte != b'\\') & (byte != b'/')
}

impl Escaped<'_> {
    fn needs_escape(&self, character: char) -> bool {
        match character {
            '"' | '\\' | '\0'..='\x1f' => true,
            '/' => self.style == Style::Php,
            // json.dumps keeps printable ASCII only; json_encode lets DEL through.
            '\x7f' => self.style == Style::Python,
            other => !other.is_ascii() && self.style != Style::Compact,
        }
    }

    fn escape(&mut self, character: char) -> fmt::Result {
        match character {
            '"' => self.text.push_str("\\\""),
            '\\' => self.text.push_str("\\\\"),
            '/' => self.text.push_str("\\/"),
            '\x08' => self.text.push_str("\\b"),
            '\x0c' => self.text.push_str("\\f"),
            '\n' => self.text.push_str("\\n"),
            '\r' => self.text.push_str("\\r"),
            '\t' => self.text.push_str("\\t"),
            other => {
                // Beyond the basic plane two escapes are needed (RFC 8259 §7).
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(self.text, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWKWARD: &str = "a/b \"q\" \\ é 🔑 \n\u{1}\u{7f}";

    fn written(style: Style) -> String {
        Object::new(style, 0).text("t", AWKWARD).literal("n", 1).close()
    }

    #[test]
    fn php_escapes_slashes_and_everything_beyond_ascii() {
        assert_eq!(
            written(Style::Php),
            "{\"t\":\"a\\/b \\\"q\\\" \\\\ \\u00e9 \\ud83d\\udd11 \\n\\u0001\u{7f}\",\"n\":1}"
        );
    }

    #[test]
    fn python_puts_spaces_between_and_keeps_to_printable_ascii() {
        assert_eq!(
            written(Style::Python),
            r#"{"t": "a/b \"q\" \\ \u00e9 \ud83d\udd11 \n\u0001\u007f", "n": 1}"#
        );
    }

    #[test]
    fn compact_escapes_only_what_it_must() {
        assert_eq!(
            written(Style::Compact),
            "{\"t\":\"a/b \\\"q\\\" \\\\ é 🔑 \\n\\u0001\u{7f}\",\"n\":1}"
        );
    }

    #[test]
    fn every_style_reads_back_as_what_was_written() {
        for style in [Style::Compact, Style::Php, Style::Python] {
            let text = Object::new(style, 0)
                .text(AWKWARD, AWKWARD)
                .list("l", &[AWKWARD.to_owned(), String::new()])
                .object("o", |inner| inner.text("", ""))
                .close();
            let expected = serde_json::json!({AWKWARD: AWKWARD, "l": [AWKWARD, ""], "o": {"": ""}});
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        }
    }
}
