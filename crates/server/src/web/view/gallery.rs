//! Renders every page with friendly and with hostile data, in every language, and checks the HTML.
//!
//! With `HALLPASS_GALLERY=<folder>`, the test writes the pages to this folder, to be opened in a browser.

use std::path::Path;
use std::{env, fs};

use super::specimens::Texts;
use super::{Locale, asset, css_path, icon_path, script_path};

#[test]
fn every_page_is_well_formed_and_escaped_in_every_language() {
    for locale in Locale::ALL {
        for (texts, kind) in [(Texts::friendly(), "friendly"), (Texts::hostile(), "hostile")] {
            for (name, html) in texts.pages(locale) {
                let page = format!("{name}-{kind}-{}", locale.tag());
                check(&page, &html, locale);
                keep(&page, &html);
            }
        }
    }
}

fn check(page: &str, html: &str, locale: Locale) {
    assert!(html.starts_with("<!doctype html>"), "{page}");
    assert!(html.contains(&format!("<html lang=\"{}\">", locale.tag())), "{page}");
    for foreign in [
        "<script>",
        "<img",
        "&#38;#",
        "style=",
        "<style",
        "javascript:",
        "<bdi translate=\"no\">&lt;bdi",
    ] {
        assert!(!html.contains(foreign), "{page} has {foreign}");
    }
    for (element, count) in [("<main", 1), ("<h1", 1), ("<title>", 1)] {
        assert_eq!(html.matches(element).count(), count, "{page}: {element}");
    }
    let title = html
        .split("<title>")
        .nth(1)
        .and_then(|rest| rest.split("</title>").next())
        .unwrap();
    assert!(!title.contains('<') && !title.starts_with(" ·"), "{page}: {title}");
    assert_eq!(
        html.matches("<script").count(),
        html.matches(&format!("<script src=\"{}\" defer></script>", script_path()))
            .count(),
        "{page}"
    );
    let tags = tags(html);
    let ids: Vec<&str> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
    for (place, id) in ids.iter().enumerate() {
        assert!(!ids[..place].contains(id), "{page}: the id {id} is there twice");
    }
    for tag in &tags {
        check_tag(page, tag, &ids);
    }
}

fn check_tag(page: &str, tag: &str, ids: &[&str]) {
    assert!(!tag.contains('<'), "{page}: markup in an attribute of {tag}");
    for name in ["for", "form", "aria-labelledby", "aria-describedby", "data-copy"] {
        for id in attribute(tag, name)
            .unwrap_or_default()
            .split(' ')
            .filter(|id| !id.is_empty())
        {
            assert!(ids.contains(&id), "{page}: {name} names {id}, which is not there");
        }
    }
    if let Some(id) = attribute(tag, "href").and_then(|href| href.strip_prefix('#')) {
        assert!(ids.contains(&id), "{page}: a link leads to #{id}, which is not there");
    }
    for handler in ["onclick", "onload", "onerror", "onsubmit"] {
        assert!(attribute(tag, handler).is_none(), "{page}: {tag}");
    }
}

/// A translator of pages would change names, ids and codes (HTML §3.2.6.4).
#[test]
fn names_ids_codes_and_secrets_are_never_translated() {
    let texts = Texts::friendly();
    let names = texts.names();
    for locale in Locale::ALL {
        for (page, html) in texts.pages(locale) {
            check_untranslated(&page, &html, &names);
        }
    }
}

/// Checks that a translator of pages leaves the names on this page as they are, and what is in elements for ids and codes.
pub(crate) fn check_untranslated(page: &str, html: &str, names: &[&str]) {
    const ELEMENTS: [&str; 3] = ["bdi", "code", "pre"];
    for (text, around) in pieces(html) {
        let kept = around.iter().any(|tag| attribute(tag, "translate") == Some("no"));
        // Titles and text areas hold no markup. Translators do not change text areas.
        let is_bare = around.iter().any(|tag| *tag == "title" || tag.starts_with("textarea"));
        for name in names.iter().filter(|name| text.contains(**name)) {
            assert!(kept || is_bare, "{page}: {name} would be translated in {text:?}");
        }
        let inner = around.last().and_then(|tag| tag.split(' ').next()).unwrap_or_default();
        assert!(kept || !ELEMENTS.contains(&inner), "{page}: {text:?}");
        let is_mark = around.last().is_some_and(|tag| tag.contains("class=\"mark"));
        assert!(kept || !is_mark, "{page}: {text:?}");
    }
}

/// Every text, with the tags of the elements around it.
fn pieces(html: &str) -> Vec<(&str, Vec<&str>)> {
    const VOID: [&str; 6] = ["!doctype", "meta", "link", "input", "br", "img"];
    let (mut found, mut around) = (Vec::new(), Vec::new());
    for tag in tags(html) {
        let name = tag.split(' ').next().unwrap_or_default();
        if name.starts_with('/') {
            around.pop();
        } else if !VOID.contains(&name) {
            around.push(tag);
        }
        // The tag is a slice of the page, so its text begins after it.
        let behind = tag.as_ptr() as usize - html.as_ptr() as usize + tag.len() + 1;
        let text = html[behind..].split('<').next().unwrap_or_default();
        if !text.trim().is_empty() {
            found.push((text, around.clone()));
        }
    }
    assert_eq!(around, Vec::<&str>::new(), "every element is closed");
    found
}

/// The text between `<` and the `>` that closes it. A `>` inside a quoted value does not close it.
fn tags(html: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut start = None;
    let mut quoted = false;
    for (place, c) in html.char_indices() {
        match (c, start) {
            ('<', None) => start = Some(place + 1),
            ('"', Some(_)) => quoted = !quoted,
            ('>', Some(from)) if !quoted => {
                tags.push(&html[from..place]);
                start = None;
            }
            _ => {}
        }
    }
    tags
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

fn keep(page: &str, html: &str) {
    let Some(folder) = env::var_os("HALLPASS_GALLERY") else {
        return;
    };
    let folder = Path::new(&folder);
    for path in [css_path(), script_path(), icon_path()] {
        let file = folder.join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, asset(path).unwrap().1).unwrap();
    }
    fs::write(
        folder.join(format!("{page}.html")),
        html.replace("=\"/assets/", "=\"assets/"),
    )
    .unwrap();
}
