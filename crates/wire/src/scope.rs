//! Scopes (RFC 6749 §3.3).

use std::fmt;

/// One scope token: printable ASCII without space, `"` and `\`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

/// Why a text is not a scope token (RFC 6749 §3.3).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a scope: one to 128 printable ASCII characters without space, quote and backslash")]
pub struct NotAScope(pub String);

impl Scope {
    /// Parses one scope token.
    pub fn parse(text: &str) -> Result<Self, NotAScope> {
        let fits = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || text.len() > 128 || !text.bytes().all(fits) {
            return Err(NotAScope(text.chars().take(128).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The scope token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Scope {
    type Error = NotAScope;
    fn try_from(text: String) -> Result<Self, NotAScope> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

/// Several scopes without repetition, in the order given.
#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Parses a space-delimited list. An empty text is an empty list. Repeated tokens count once.
    pub fn parse(text: &str) -> Result<Self, NotAScope> {
        text.split(' ')
            .filter(|token| !token.is_empty())
            .map(Scope::parse)
            .collect()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The length of the scopes as a space-delimited text, in bytes.
    pub fn text_length(&self) -> usize {
        let spaces = self.0.len().saturating_sub(1);
        spaces + self.0.iter().map(|scope| scope.0.len()).sum::<usize>()
    }

    /// The scopes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }

    /// Whether the list holds `scope`.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Whether `others` holds each of these scopes.
    pub fn is_subset_of(&self, others: &Scopes) -> bool {
        self.0.iter().all(|scope| others.contains(scope))
    }

    /// The scopes that `others` holds too, in the order of `self`.
    #[must_use]
    pub fn intersection(&self, others: &Scopes) -> Scopes {
        Self(self.0.iter().filter(|scope| others.contains(scope)).cloned().collect())
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut list = Vec::new();
        for scope in scopes {
            if !list.contains(&scope) {
                list.push(scope);
            }
        }
        Self(list)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_counts_each_scope_once() {
        let scopes = Scopes::parse("sales library  sales").unwrap();
        assert_eq!(scopes.to_string(), "sales library");
    }

    #[test]
    fn text_length_is_the_length_of_the_printed_text() {
        for text in ["", "a", "library sales  sales x"] {
            let scopes = Scopes::parse(text).unwrap();
            assert_eq!(scopes.text_length(), scopes.to_string().len(), "{text:?}");
        }
    }

    #[test]
    fn a_scope_with_a_quote_a_backslash_or_a_control_is_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "é", ""] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_intersection_keeps_the_order_of_the_request() {
        let asked = Scopes::parse("b a c").unwrap();
        let granted = Scopes::parse("a b").unwrap();
        assert_eq!(asked.intersection(&granted).to_string(), "b a");
        assert!(!asked.is_subset_of(&granted));
    }
}
