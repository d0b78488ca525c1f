//! Asks before an irreversible change.

use super::api::{ApiClient, ApiResponse};
use super::{Failed, print};
use serde_json::Value;
use std::io::{self, BufRead, IsTerminal as _, Write};

/// Deletes the object at `path`. Without `yes`, first says what will end and asks the person at the terminal.
pub(super) async fn delete(api: &ApiClient, path: &[&str], yes: bool) -> Result<(), Failed> {
    if !yes {
        let toll = api.get(&[path, &["deletion"]].concat()).await?;
        confirm(&format!("Deleting {}", ends(path, &toll)), "Delete it?")?;
    }
    let done = api.delete(path).await?;
    if api.json() {
        return done.print();
    }
    print(&format!("Deleted {}\n", ends(path, &done)))
}

/// Asks at the terminal. Without a terminal, `--yes` is needed.
pub(super) fn confirm(what: &str, question: &str) -> Result<(), Failed> {
    let stdin = io::stdin();
    let terminal = stdin.is_terminal();
    ask(what, question, terminal, &mut stdin.lock(), &mut io::stderr())
}

fn ask(
    what: &str,
    question: &str,
    terminal: bool,
    answer: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failed> {
    if !terminal {
        return Err(Failed::Unconfirmed(format!(
            "{what}\nNothing was changed. Add --yes to confirm."
        )));
    }
    write!(out, "{what}\n{question} [y/N] ")?;
    out.flush()?;
    let mut said = String::new();
    answer.read_line(&mut said)?;
    match said.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failed::Server("nothing was changed".to_owned())),
    }
}

/// How many grants end, in the server's words. `None` if no grant ends.
pub(super) fn ending_grants(toll: &ApiResponse) -> Option<String> {
    let grants = toll.member("grants").and_then(Value::as_u64).unwrap_or(0);
    let mut effects = texts(toll, "effects").into_iter();
    effects.find(|effect| grants > 0 && effect.contains(" grant"))
}

/// The name of the object, and what ends with it, in the server's words.
fn ends(path: &[&str], toll: &ApiResponse) -> String {
    let name = path.last().copied().unwrap_or_default();
    let effects = match texts(toll, "effects") {
        none if none.is_empty() => vec!["nothing else ends".to_owned()],
        effects => effects,
    };
    let notes = texts(toll, "notes").into_iter().map(|note| format!("\n{note}"));
    format!("{name}: {}.{}", effects.join(", "), notes.collect::<String>())
}

fn texts(toll: &ApiResponse, member: &str) -> Vec<String> {
    let texts = toll.member(member).and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(terminal: bool, answer: &str) -> (Result<(), Failed>, String) {
        let mut out = Vec::new();
        let result = ask(
            "1 grant ends.",
            "Delete it?",
            terminal,
            &mut answer.as_bytes(),
            &mut out,
        );
        (result, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_terminal_is_told_what_ends_and_asked() {
        for (answer, goes_on) in [
            ("y\n", true),
            ("yes\n", true),
            ("n\n", false),
            ("\n", false),
            ("", false),
        ] {
            let (result, out) = asked(true, answer);
            assert_eq!(result.is_ok(), goes_on, "{answer:?}");
            assert_eq!(out, "1 grant ends.\nDelete it? [y/N] ");
            assert!(!matches!(result, Err(Failed::Unconfirmed(_))));
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_read() {
        let (result, out) = asked(false, "y\n");
        assert!(matches!(result, Err(Failed::Unconfirmed(text)) if text.starts_with("1 grant ends.\n")));
        assert_eq!(out, "");
    }
}
