//! The languages of the pages, and the choice of a language for a reader.

/// A language that every page is available in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Locale {
    /// English, which is the default.
    #[default]
    En,
    /// Dutch.
    Nl,
}

impl Locale {
    /// All languages.
    pub(crate) const ALL: [Self; 2] = [Self::En, Self::Nl];

    /// The language of the user's account, if known. Otherwise the best match of `Accept-Language` (RFC 9110 §12.5.4).
    /// Otherwise English.
    #[must_use]
    pub(crate) fn negotiate(user_locale: Option<&str>, accept_language: Option<&str>) -> Self {
        if let Some(locale) = user_locale.and_then(Self::from_tag) {
            return locale;
        }
        accept_language.map(best_accepted).unwrap_or_default()
    }

    /// The BCP 47 tag, as in `<html lang>`.
    #[must_use]
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }
}

fn best_accepted(header: &str) -> Locale {
    let mut best = (0.0, Locale::default());
    for range in header.split(',') {
        let mut parts = range.split(';');
        let Some(locale) = parts.next().and_then(Locale::from_tag) else {
            continue;
        };
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        // Of two languages with the same weight, the first one wins.
        if weight > best.0 {
            best = (weight, locale);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::Locale::{self, En, Nl};

    #[test]
    fn the_users_language_wins_then_the_browsers_then_english() {
        let cases = [
            (Some("nl"), Some("en"), Nl),
            (Some("nl-BE"), None, Nl),
            (Some("fr"), Some("nl"), Nl),
            (None, Some("de, nl;q=0.4, en;q=0.7"), En),
            (None, Some("en;q=0.2,NL-nl;q=0.9"), Nl),
            (None, Some("nl;q=0, en;q=0.1"), En),
            (None, Some("nl,en"), Nl),
            (None, Some(";;,q=,*;q=x"), En),
            (None, None, En),
        ];
        for (user, accept, expected) in cases {
            assert_eq!(Locale::negotiate(user, accept), expected, "{user:?} {accept:?}");
        }
    }
}
