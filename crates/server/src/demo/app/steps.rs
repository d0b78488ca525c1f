//! The story of a desk, step by step: each request and answer exactly as sent, with secrets shortened.

use serde_json::Value;

use crate::demo::outgoing::ReceivedResponse;

/// The answer headers that are shown.
const HEADERS: [&str; 5] = [
    "content-type",
    "cache-control",
    "pragma",
    "www-authenticate",
    "retry-after",
];
/// The members of an answer that hold tokens.
const TOKENS: [&str; 2] = ["access_token", "refresh_token"];

/// The result of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mood {
    Good,
    Refused,
    Note,
}

/// One step of the story.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) at: String,
    pub(super) mood: Mood,
    pub(super) title: String,
    /// An explanation of the step.
    pub(super) text: String,
    pub(super) exchanges: Vec<ShownExchange>,
}

/// A request and its answer, with secrets shortened.
#[derive(Clone, Debug)]
pub(super) struct ShownExchange {
    pub(super) request: String,
    /// Empty if the app itself received no answer.
    pub(super) answer: String,
}

/// The secrets that must not be shown whole. All other text stays unchanged.
#[derive(Clone, Default)]
pub(super) struct Veil(Vec<String>);

impl Veil {
    /// Adds a secret. Ignores a text that is too short to be one.
    pub(super) fn hide(&mut self, secret: &str) {
        if secret.len() >= 4 && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
            // Replaces longer secrets first, because one secret may contain another.
            self.0.sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// Hides the tokens of a token answer.
    pub(super) fn hide_tokens(&mut self, body: &str) {
        let Ok(Value::Object(members)) = serde_json::from_str(body) else {
            return;
        };
        for token in TOKENS.iter().filter_map(|name| members.get(*name)?.as_str()) {
            self.hide(token);
        }
    }

    /// The text with every secret shortened.
    pub(super) fn cover(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, &shortened(secret)))
    }
}

/// The prefix and the end of a secret, enough to tell secrets apart. A short secret is hidden whole.
pub(super) fn shortened(secret: &str) -> String {
    if !secret.is_ascii() || secret.len() < 24 {
        return "…".to_owned();
    }
    format!("{}…{}", &secret[..6], &secret[secret.len() - 6..])
}

/// Request line, selected headers, and form with one parameter per line.
pub(super) fn request(method: &str, url: &str, authorization: Option<&str>, form: &[(&str, String)]) -> String {
    let mut text = format!("{method} {url}\n");
    if let Some(value) = authorization {
        text += &format!("Authorization: {value}\n");
    }
    if !form.is_empty() {
        text += "Content-Type: application/x-www-form-urlencoded\n";
        for (position, (name, value)) in form.iter().enumerate() {
            text += &format!("\n{}{name}={value}", if position == 0 { "" } else { "&" });
        }
    }
    text.trim_end().to_owned()
}

/// Status, selected headers, body.
pub(super) fn render_response(answer: &ReceivedResponse) -> String {
    let reason = http::StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let mut text = format!("{} {}\n", answer.status, reason.unwrap_or_default());
    for (name, value) in answer
        .headers
        .iter()
        .filter(|(name, _)| HEADERS.contains(&name.as_str()))
    {
        text += &format!("{name}: {value}\n");
    }
    if !answer.body.is_empty() {
        text += &format!("\n{}", laid_out(&answer.body));
    }
    text.trim_end().to_owned()
}

/// JSON with line breaks and indents. Members keep their order. Other text stays unchanged.
pub(super) fn laid_out(body: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() {
        return body.to_owned();
    }
    let mut text = String::with_capacity(body.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    let mut characters = body.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            text.push(character);
            continue;
        }
        match character {
            '{' | '[' => {
                text.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    text += &line(depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                text += &line(depth);
                text.push(character);
            }
            ',' => text += &format!(",{}", line(depth)),
            ':' => text += ": ",
            '"' => {
                quoted = true;
                text.push('"');
            }
            space if space.is_ascii_whitespace() => {}
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_secrets_are_shortened_everywhere() {
        let token = "hp_at_AAAABBBBCCCCDDDDEEEEFFFF";
        let mut veil = Veil::default();
        veil.hide("456def");
        veil.hide_tokens(&format!(r#"{{"access_token":"{token}","scope":"user"}}"#));
        let shown = veil.cover(&format!(
            "Authorization: Bearer {token}\nclient_secret=456def&scope=user"
        ));
        assert_eq!(shown, "Authorization: Bearer hp_at_…EEFFFF\nclient_secret=…&scope=user");
    }

    #[test]
    fn a_secret_inside_another_is_hidden_whole() {
        let mut veil = Veil::default();
        veil.hide("abcd");
        veil.hide("abcdefgh");
        assert_eq!(veil.cover("abcdefgh abcd"), "… …");
    }

    #[test]
    fn formatted_json_keeps_the_order_of_its_members() {
        let body = r#"{"z": 1,"a":{"b":[],"c":["x, {y}: \" "]},"":""}"#;
        let lines = "{\n  \"z\": 1,\n  \"a\": {\n    \"b\": [],\n    \"c\": [\n      \"x, {y}: \\\" \"\n    ]\n  },\n  \"\": \"\"\n}";
        assert_eq!(laid_out(body), lines);
        assert_eq!(laid_out("not: {json}"), "not: {json}");
    }
}
