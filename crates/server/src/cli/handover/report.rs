//! The lines that `hallpass handover check` prints.

use crate::cli::{Failed, print};

/// Prints each result as it comes, and counts what is wrong.
#[derive(Default)]
pub(super) struct Report {
    wrong: u32,
    /// Whether nothing was checked as a person who is signed in.
    pub(super) is_half: bool,
}

impl Report {
    /// A heading.
    pub(super) fn begin(&self, text: &str) -> Result<(), Failed> {
        print(&format!("\n{text}\n"))
    }

    pub(super) fn right(&self, text: &str) -> Result<(), Failed> {
        line("ok", text)
    }

    /// Something that the site must change, and how.
    pub(super) fn wrong(&mut self, text: &str, advice: &str) -> Result<(), Failed> {
        self.wrong += 1;
        line("wrong", text)?;
        line("", advice)
    }

    /// Something to know, or to check by hand.
    pub(super) fn note(&self, text: &str) -> Result<(), Failed> {
        line("note", text)
    }

    /// Says how many things are wrong. It is an error if there are any.
    pub(super) fn end(self) -> Result<(), Failed> {
        let text = match self.wrong {
            0 if self.is_half => {
                return print("\nNothing wrong was found. What a person who is signed in meets was not checked.\n");
            }
            0 => return print("\nNothing wrong was found.\n"),
            1 => "1 thing is wrong".to_owned(),
            several => format!("{several} things are wrong"),
        };
        Err(Failed::Handover(text))
    }
}

fn line(word: &str, text: &str) -> Result<(), Failed> {
    print(&format!("  {word:5}  {text}\n"))
}
