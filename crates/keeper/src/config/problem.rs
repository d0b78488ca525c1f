//! What is wrong with the configuration, said so that the line is found.

use std::path::Path;

/// Why the configuration cannot be used: one fault or more, a line for each.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct ConfigError(Vec<String>);

/// The faults that were found so far.
#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// The value, or notes why there is none.
    pub(crate) fn check<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.0.extend(error.0)).ok()
    }

    /// As [`check`](Self::check), with the place of the fault.
    pub(crate) fn check_at<T>(&mut self, place: &str, result: Result<T, ConfigError>) -> Option<T> {
        self.check(result.map_err(|error| error.at(place)))
    }

    /// # Errors
    /// If there are faults.
    pub(crate) fn end(self) -> Result<(), ConfigError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(ConfigError(self.0)),
        }
    }
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(vec![message.into()])
    }

    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("failed to read {}: {error}", path.display()))
    }

    /// With its place before it: a section or a key.
    pub(crate) fn at(self, place: &str) -> Self {
        Self(self.0.into_iter().map(|fault| format!("{place}: {fault}")).collect())
    }

    /// With the path of the file before it.
    pub(super) fn of(self, path: &Path) -> Self {
        self.at(&path.display().to_string())
    }

    /// A fault that the parser found, with its line and, for an unknown name, the nearest known one.
    pub(super) fn parser(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map(|before| before.matches('\n').count() + 1);
        let message = error.message().trim_end();
        let hint = nearest(message).map(|name| format!("; did you mean `{name}`?"));
        let message = message.split(", expected").next().unwrap_or(message);
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Self::new(format!("{place}{message}{}", hint.unwrap_or_default()))
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
