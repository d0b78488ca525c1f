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
    pub(crate) fn of(self, path: &Path) -> Self {
        self.at(&path.display().to_string())
    }

    /// What is no TOML, with its line.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        Self::new(format!("{}{}", line(text, error), error.message().trim_end()))
    }

    /// What is no configuration, with its line and key. For an unknown name, also the nearest known one.
    pub(super) fn shape(text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim_end();
        let (fault, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let is_name = fault.starts_with("unknown field") || fault.starts_with("missing field");
        let key = error.span().and_then(|span| key_at(text, span.start));
        let key = key.filter(|_| !is_name).map(|key| format!("`{key}`: "));
        let hint = match nearest(message) {
            Some(name) => format!("; did you mean `{name}`?"),
            None if fault.starts_with("unknown variant") => {
                let known = expected.trim_start_matches("one of ").replace(" or ", ", ");
                format!("; write {known}")
            }
            None if fault.starts_with("invalid ") && !expected.is_empty() => format!(", expected {}", kind(expected)),
            None => String::new(),
        };
        Self::new(format!("{}{}{fault}{hint}", line(text, error), key.unwrap_or_default()))
    }
}

fn line(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// The key whose value is at this place, or the name of the section that begins there.
fn key_at(text: &str, at: usize) -> Option<&str> {
    let (before, after) = text.split_at_checked(at)?;
    let begins_line = before.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
    if begins_line && after.starts_with('[') {
        return after.trim_start_matches('[').split(']').next();
    }
    let (key, _) = before.rsplit_once('=')?;
    let is_end = |character: char| character.is_whitespace() || matches!(character, '{' | ',');
    key.trim_end().rsplit(is_end).next()
}

/// What serde expects, in the words of the guide.
fn kind(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "path string" | "a borrowed string" | "a string" => "a text in quotation marks",
        "a map" => "a table",
        number if number.starts_with(['u', 'i']) => "a number",
        structure if structure.starts_with("struct ") => "a table",
        other => other,
    }
}

/// The known name that is nearest to the unknown one in serde's message.
fn nearest(message: &str) -> Option<&str> {
    let (unknown, known) = message.split_once(", expected")?;
    let unknown = unknown.split('`').nth(1)?;
    let known = known.split('`').skip(1).step_by(2);
    let nearest = known.min_by_key(|name| strsim::damerau_levenshtein(unknown, name))?;
    let is_near = strsim::damerau_levenshtein(unknown, nearest) <= (unknown.len() / 3).clamp(1, 3);
    (is_near || nearest.starts_with(unknown)).then_some(nearest)
}
