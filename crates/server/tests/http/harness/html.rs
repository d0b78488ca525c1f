//! A minimal HTML reader for our own pages: their forms with default values, and the visible text.

/// A form with the values that a browser fills in at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    /// The URL to which it is submitted.
    pub(crate) action: String,
    /// `get` or `post`.
    pub(crate) method: String,
    /// Name and value of inputs, text areas and selects.
    pub(crate) fields: Vec<(String, String)>,
    /// Name and value of the buttons that submit it.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// Whether it has a field or a button with this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let mut all = self.fields.iter().chain(&self.buttons);
        all.any(|(other, _)| other == name)
    }

    /// The values to submit, with `typed` in the fields of those names. Names that the form does not have are added.
    pub(crate) fn filled(&self, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = self
            .fields
            .iter()
            .filter(|(name, _)| typed.iter().all(|(other, _)| other != name))
            .cloned()
            .collect();
        pairs.extend(
            typed
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        pairs
    }

    /// The initial value of a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The forms of a page, in order. Then one for each button with an address of its own (`formaction`).
pub(super) fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut others = Vec::new();
    let mut select = String::new();
    for tag in Tags(html) {
        match tag.name.as_str() {
            "form" => forms.push(Form {
                action: tag.attribute("action").unwrap_or_default(),
                method: tag
                    .attribute("method")
                    .unwrap_or_else(|| "get".to_owned())
                    .to_lowercase(),
                ..Form::default()
            }),
            "input" | "textarea" | "select" | "option" | "button" => {
                // A control with `form="…"` belongs to another form. No test uses one.
                let Some(form) = forms.last_mut().filter(|_| tag.attribute("form").is_none()) else {
                    continue;
                };
                control(form, &mut select, &tag);
                if let Some(action) = tag.attribute("formaction") {
                    others.push(Form { action, ..form.clone() });
                }
            }
            _ => {}
        }
    }
    forms.extend(others);
    forms
}

fn control(form: &mut Form, select: &mut String, tag: &Tag<'_>) {
    let name = tag.attribute("name").unwrap_or_default();
    let value = tag.attribute("value").unwrap_or_default();
    let kind = tag.attribute("type").unwrap_or_default();
    match tag.name.as_str() {
        "select" => *select = name,
        "option" if tag.attribute("selected").is_some() => form.fields.push((select.clone(), value)),
        "option" => {}
        "button" if !name.is_empty() => form.buttons.push((name, value)),
        "textarea" => {
            let content = tag.rest.split("</textarea>").next().unwrap_or_default();
            form.fields
                .push((name, unescaped(content.strip_prefix('\n').unwrap_or(content))));
        }
        "input" if name.is_empty() => {}
        "input" if matches!(kind.as_str(), "radio" | "checkbox") && tag.attribute("checked").is_none() => {}
        "input" => form.fields.push((name, value)),
        _ => {}
    }
}

/// The text of the body, with one space between words.
pub(super) fn text(html: &str) -> String {
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        text.push_str(piece.split_once('>').map_or("", |(_, text)| text));
        // Names are in `<bdi>` inside words; every other tag separates words.
        if !piece.starts_with("bdi") && !piece.starts_with("/bdi") {
            text.push(' ');
        }
    }
    // Isolating characters around names are only for display.
    let visible = unescaped(&text).replace(['\u{2068}', '\u{2069}'], "");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The `value` or else the text of the element with this id.
pub(super) fn by_id(html: &str, id: &str) -> Option<String> {
    let tag = Tags(html).find(|tag| tag.attribute("id").as_deref() == Some(id))?;
    tag.attribute("value")
        .or_else(|| Some(unescaped(tag.rest.split('<').next()?)))
}

/// The opening tags, in order.
struct Tags<'a>(&'a str);

struct Tag<'a> {
    name: String,
    attributes: &'a str,
    /// The text after the tag.
    rest: &'a str,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let start = self.0.find('<')? + 1;
            let inner = &self.0[start..];
            let end = tag_end(inner)?;
            self.0 = &inner[end + 1..];
            let tag = &inner[..end];
            if tag.starts_with(|character: char| character.is_ascii_alphabetic()) {
                let (name, attributes) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
                return Some(Tag {
                    name: name.to_ascii_lowercase(),
                    attributes,
                    rest: self.0,
                });
            }
        }
    }
}

/// The position of the `>` that ends a tag, ignoring those within quotes.
fn tag_end(inner: &str) -> Option<usize> {
    let mut quoted = false;
    inner.find(|character| {
        quoted ^= character == '"';
        character == '>' && !quoted
    })
}

impl Tag<'_> {
    /// The value of an attribute. Empty if the attribute has none.
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| c == '=' || c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let (value, behind) = match behind.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"')?,
                None => ("", behind),
            };
            if name == wanted {
                return Some(unescaped(value));
            }
            rest = behind.trim_start();
        }
        None
    }
}

/// The text with character references replaced. Our pages use only those for escaping.
fn unescaped(html: &str) -> String {
    let mut pieces = html.split('&');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let reference = piece
            .split_once(';')
            .and_then(|(name, rest)| Some((character(name)?, rest)));
        match reference {
            Some((character, rest)) => {
                text.push(character);
                text.push_str(rest);
            }
            None => {
                text.push('&');
                text.push_str(piece);
            }
        }
    }
    text
}

fn character(name: &str) -> Option<char> {
    if let Some(hex) = name.strip_prefix("#x") {
        return char::from_u32(u32::from_str_radix(hex, 16).ok()?);
    }
    if let Some(decimal) = name.strip_prefix('#') {
        return char::from_u32(decimal.parse().ok()?);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        _ => None,
    }
}

#[test]
fn a_form_is_parsed_with_its_fields_and_buttons() {
    let html = r#"<form method="post" action="/a?b&amp;c"><input type="hidden" name="state" value="x&#34;y">
        <input name="q" required><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
        <textarea name="t">
one &lt; two</textarea><select name="s"><option value="" selected disabled>Choose</option></select>
        <button class="a > b" name="go" value="yes">Go</button><button>Plain</button></form>"#;
    let forms = forms(html);
    let pairs: Vec<(&str, &str)> = forms[0].fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(forms[0].action, "/a?b&c");
    assert_eq!(
        pairs,
        [("state", "x\"y"), ("q", ""), ("r", "2"), ("t", "one < two"), ("s", "")]
    );
    assert_eq!(forms[0].buttons, [("go".to_owned(), "yes".to_owned())]);
}
