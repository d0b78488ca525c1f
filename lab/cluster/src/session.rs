//! A `psql` process that stays open: to start a new one takes forty times as long as a query.

use crate::{Outcome, programs, text};
use std::io::{BufRead as _, BufReader, PipeReader, Write as _, pipe};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Marks the end of an answer.
const END: &str = "--hallpass-end";

/// An open session, which ends with this process.
pub(crate) struct Session {
    psql: Child,
    input: ChildStdin,
    output: BufReader<PipeReader>,
}

impl Session {
    pub(crate) fn open(url: &str) -> Outcome<Self> {
        let (output, said) = pipe().map_err(text)?;
        let mut command = Command::new(programs()?.join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", url]);
        command
            .env("PGOPTIONS", "-cclient_min_messages=error")
            .stdin(Stdio::piped())
            .stdout(said.try_clone().map_err(text)?)
            .stderr(said);
        let mut psql = command.spawn().map_err(text)?;
        let input = psql.stdin.take().ok_or("psql has no input")?;
        let output = BufReader::new(output);
        Ok(Self { psql, input, output })
    }

    /// Runs statements as one transaction. Returns rows as lines, with columns between `|`.
    pub(crate) fn run(&mut self, statements: &str) -> Outcome<String> {
        // After a failed statement all others fail too, so the first error is the cause.
        let asked = format!("BEGIN;\n{statements}\n\\echo {END} :ERROR\nCOMMIT;\n\\echo {END} :ERROR\n");
        self.input.write_all(asked.as_bytes()).map_err(text)?;
        let (rows, failed) = self.answer()?;
        let (committed, not_committed) = self.answer()?;
        if !failed && !not_committed {
            return Ok(rows.trim_end().to_owned());
        }
        let said = format!("{rows}{committed}");
        let error = said.lines().find_map(|line| line.strip_prefix("ERROR:  "));
        Err(error.unwrap_or(&said).to_owned())
    }

    fn answer(&mut self) -> Outcome<(String, bool)> {
        let mut lines = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).map_err(text)? == 0 {
                return Err("psql ended".to_owned());
            }
            if let Some(error) = line.strip_prefix(END) {
                return Ok((lines, error.trim() == "true"));
            }
            lines.push_str(&line);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.psql.kill());
        drop(self.psql.wait());
    }
}
