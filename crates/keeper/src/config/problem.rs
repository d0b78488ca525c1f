//! What is wrong with the configuration, said so that the line is found.

use std::path::Path;

/// Why the configuration cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self(format!("failed to read {}: {error}", path.display()))
    }

    /// With the path of the file before it.
    pub(super) fn of(self, path: &Path) -> Self {
        Self(format!("{}: {}", path.display(), self.0))
    }

    /// A fault that the parser found, with its line and, for an unknown name, the nearest known one.
    pub(super) fn parser(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map(|before| before.matches('\n').count() + 1);
        let message = error.message().trim_end();
        let hint = nearest(message).map(|name| format!("; did you mean `{name}`?"));
        let message = message.split(", expected").next().unwrap_or(message);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Self(format!("{place}{message}{}", hint.unwrap_or_default()))
    }
}

/// The known name that is nearest to the unknown one in serde's message.
fn nearest(message: &str) -> Option<&str> {
    let (unknown, known) = message.split_once(", expected")?;
    let unknown = unknown.split('`').nth(1)?;
    let known = known.split('`').skip(1).step_by(2);
    let nearest = known.min_by_key(|name| strsim::damerau_levenshtein(unknown, name))?;
    (strsim::damerau_levenshtein(unknown, nearest) <= 3.max(unknown.len() / 3)).then_some(nearest)
}
