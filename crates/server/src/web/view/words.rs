//! The texts of the pages in every language, from the Fluent files under `locales/`.
//!
//! A look-up cannot fail at run time. A message that is missing in a language falls back to English; a message that is
//! missing everywhere falls back to its id. The tests below exclude both: every message exists in every language with the
//! same arguments, every message is used, and every used message exists.

use std::fmt;
use std::sync::LazyLock;

use askama::filters::HtmlSafe;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::Locale;

const ENGLISH_TEXTS: [&str; 5] = [
    include_str!("../../../locales/en/frame.ftl"),
    include_str!("../../../locales/en/interaction.ftl"),
    include_str!("../../../locales/en/account.ftl"),
    include_str!("../../../locales/en/developer.ftl"),
    include_str!("../../../locales/en/error.ftl"),
];
const DUTCH_TEXTS: [&str; 5] = [
    include_str!("../../../locales/nl/frame.ftl"),
    include_str!("../../../locales/nl/interaction.ftl"),
    include_str!("../../../locales/nl/account.ftl"),
    include_str!("../../../locales/nl/developer.ftl"),
    include_str!("../../../locales/nl/error.ftl"),
];

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| {
    let mut bundle = bundle("en", &ENGLISH_TEXTS);
    bundle.set_formatter(Some(|value, _| grouped(value, ',')));
    bundle
});
static DUTCH: LazyLock<Bundle> = LazyLock::new(|| {
    let mut bundle = bundle("nl", &DUTCH_TEXTS);
    bundle.set_formatter(Some(|value, _| grouped(value, '.')));
    bundle
});

/// The messages of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(Locale);

/// The name of a message. Rust code that chooses between messages returns this type, by which the tests find the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message(pub(super) &'static str);

impl From<&'static str> for Message {
    fn from(id: &'static str) -> Self {
        Self(id)
    }
}

impl From<&Self> for Message {
    fn from(message: &Self) -> Self {
        *message
    }
}

impl Words {
    pub(super) const fn new(locale: Locale) -> Self {
        Self(locale)
    }

    /// The message with this name. Add arguments with [`Phrase::with`] and the methods like it.
    pub(super) fn say(self, message: impl Into<Message>) -> Phrase {
        Phrase {
            locale: self.0,
            id: message.into().0,
            args: Vec::new(),
        }
    }
}

/// A message with its arguments. `Display` writes HTML, with texts escaped and isolated. [`Phrase::plain`] gives the bare
/// text for titles and attributes, where askama escapes it.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    locale: Locale,
    id: &'static str,
    args: Vec<(&'static str, Arg)>,
}

#[derive(Debug, Clone)]
enum Arg {
    Count(u64),
    Text(String),
    Strong(String),
    /// HTML made by the server, such as a `<time>` element, and its bare text.
    Part(String),
}

impl Phrase {
    /// A text, such as a name.
    pub(super) fn with(mut self, name: &'static str, text: impl AsRef<str>) -> Self {
        self.args.push((name, Arg::Text(text.as_ref().to_owned())));
        self
    }

    /// A text that is emphasized in its sentence.
    pub(super) fn strong(mut self, name: &'static str, text: impl AsRef<str>) -> Self {
        self.args.push((name, Arg::Strong(text.as_ref().to_owned())));
        self
    }

    /// A number. It selects the plural form, and its digits are grouped as in the language.
    pub(super) fn count(mut self, name: &'static str, number: impl Given<u64>) -> Self {
        self.args.push((name, Arg::Count(number.given())));
        self
    }

    /// A part that is HTML already: another phrase, or a moment.
    pub(super) fn part(mut self, name: &'static str, part: impl HtmlSafe) -> Self {
        self.args.push((name, Arg::Part(part.to_string())));
        self
    }

    /// Bare text, for `<title>` and attributes.
    pub(super) fn plain(&self) -> String {
        self.format(|arg| match arg {
            Arg::Text(text) | Arg::Strong(text) | Arg::Part(text) => text.clone(),
            Arg::Count(number) => number.to_string(),
        })
    }

    fn format(&self, text: impl Fn(&Arg) -> String) -> String {
        let mut args = FluentArgs::with_capacity(self.args.len());
        for (name, arg) in &self.args {
            match arg {
                Arg::Count(number) => args.set(*name, *number),
                other => args.set(*name, FluentValue::from(text(other))),
            }
        }
        let wanted = match self.locale {
            Locale::En => &*ENGLISH,
            Locale::Nl => &*DUTCH,
        };
        look_up(wanted, self.id, &args)
            .or_else(|| look_up(&ENGLISH, self.id, &args))
            .unwrap_or_else(|| self.id.to_owned())
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(|arg| match arg {
            Arg::Text(text) => format!("<bdi translate=\"no\">{}</bdi>", escaped(text)),
            Arg::Strong(text) => format!("<strong><bdi translate=\"no\">{}</bdi></strong>", escaped(text)),
            Arg::Part(html) => html.clone(),
            Arg::Count(number) => number.to_string(),
        }))
    }
}

/// Our messages contain no markup (a test checks this), and every argument is escaped above.
impl HtmlSafe for Phrase {}

/// A number from a template: askama passes arguments by reference, some of them by a double reference.
pub(super) trait Given<N> {
    fn given(&self) -> N;
}

impl Given<i64> for i64 {
    fn given(&self) -> i64 {
        *self
    }
}

impl Given<u64> for u64 {
    fn given(&self) -> u64 {
        *self
    }
}

impl Given<u64> for usize {
    fn given(&self) -> u64 {
        u64::try_from(*self).unwrap_or(u64::MAX)
    }
}

impl<N, T: Given<N>> Given<N> for &T {
    fn given(&self) -> N {
        (**self).given()
    }
}

fn escaped(text: &str) -> String {
    match askama::filters::escape(text, askama::filters::Html) {
        Ok(safe) => safe.to_string(),
    }
}

fn look_up(bundle: &Bundle, id: &str, args: &FluentArgs<'_>) -> Option<String> {
    let pattern = bundle.get_message(id)?.value()?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
    assert!(!cfg!(test) || errors.is_empty(), "{id}: {errors:?}");
    Some(text)
}

fn bundle(tag: &str, texts: &[&'static str]) -> Bundle {
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Pages isolate with `<bdi>` where necessary. Isolation characters would end up in copied text.
    bundle.set_use_isolating(false);
    for text in texts {
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, _)| resource);
        // A message that is defined twice keeps its first text. The tests refuse duplicates.
        let _ = bundle.add_resource(resource);
    }
    bundle
}

fn grouped(value: &FluentValue<'_>, separator: char) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    let digits = format!("{:.0}", number.value);
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::{DUTCH_TEXTS, ENGLISH_TEXTS, Locale, Words, escaped};

    /// Maps each message id to the arguments that its text names.
    fn messages(texts: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in texts.iter().flat_map(|text| text.lines()) {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                current = line.split(" =").next().unwrap().to_owned();
                assert!(
                    found.insert(current.clone(), BTreeSet::new()).is_none(),
                    "{current} is defined twice"
                );
            }
            if !line.starts_with('#') {
                let names = line
                    .split("{ $")
                    .skip(1)
                    .map(|rest| rest.split([' ', '}']).next().unwrap().to_owned());
                found.entry(current.clone()).or_default().extend(names);
                assert!(!line.contains(['<', '&', '"']), "markup in a message: {line}");
            }
        }
        found.remove("");
        found
    }

    /// The sources that may name a message: the templates, and the code of this module without its tests. The templates of
    /// the demo are in their own folder and are English only.
    fn sources() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = ["templates", "src/web/view", "src/web/view/developer"]
            .into_iter()
            .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file());
        let texts = files.map(|file| fs::read_to_string(file).unwrap());
        texts
            .map(|text| text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned())
            .collect()
    }

    fn named_after(marker: &str) -> BTreeSet<String> {
        let sources = sources();
        let hits = sources.iter().flat_map(|text| text.split(marker).skip(1));
        hits.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_message_exists_in_every_language_with_the_same_arguments() {
        let (english, dutch) = (messages(&ENGLISH_TEXTS), messages(&DUTCH_TEXTS));
        assert!(english.len() > 100);
        for (id, arguments) in &english {
            assert_eq!(dutch.get(id), Some(arguments), "{id} in Dutch");
        }
        for id in dutch.keys() {
            assert!(english.contains_key(id), "{id} is missing in English");
        }
    }

    #[test]
    fn every_message_is_used_and_every_used_one_exists() {
        let defined: BTreeSet<String> = messages(&ENGLISH_TEXTS).into_keys().collect();
        let mut used = named_after("say(\"");
        used.extend(named_after("Message(\""));
        assert_eq!(
            defined.difference(&used).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "never used"
        );
        assert_eq!(
            used.difference(&defined).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "not defined"
        );
    }

    #[test]
    fn the_files_parse() {
        for text in ENGLISH_TEXTS.iter().chain(&DUTCH_TEXTS) {
            let parsed = fluent_bundle::FluentResource::try_new((*text).to_owned());
            assert!(parsed.is_ok(), "{:?}", parsed.err().map(|(_, errors)| errors));
        }
    }

    #[test]
    fn an_unknown_message_falls_back_to_its_id() {
        assert_eq!(
            Words::new(Locale::Nl).say("no-such-message").to_string(),
            "no-such-message"
        );
    }

    #[test]
    fn names_are_escaped_and_isolated_in_sentences() {
        let phrase = Words::new(Locale::En).say("login-for").with("app", "<b>\"&'\u{5d0}");
        assert_eq!(
            phrase.to_string(),
            format!(
                "to continue to <bdi translate=\"no\">{}</bdi>",
                escaped("<b>\"&'\u{5d0}")
            )
        );
        assert!(!phrase.to_string().contains("<b>"));
        assert_eq!(phrase.plain(), "to continue to <b>\"&'\u{5d0}");
    }

    #[test]
    fn digits_of_counts_are_grouped_as_in_the_language() {
        let text = |locale| {
            Words::new(locale)
                .say("app-connected")
                .count("n", 1_234_567_u64)
                .to_string()
        };
        assert_eq!(text(Locale::En), "1,234,567 people connected");
        assert_eq!(text(Locale::Nl), "door 1.234.567 mensen gekoppeld");
        assert_eq!(
            Words::new(Locale::En)
                .say("app-connected")
                .count("n", 0_u64)
                .to_string(),
            "nobody connected yet"
        );
    }
}
