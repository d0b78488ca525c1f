//! Runs every command of README and of the guides as it is on the page, in the order of the page.
//!
//! The first line of a block selects what the test does with the block:
//! - `sh`: it is run, and must succeed. The next block starts in the folder where this one ended.
//! - `sh server`: one command, which starts a server. The server runs to the end of the page.
//! - `sh no-run: REASON`: it is not run.
//! - `python` and other languages of programs, in `clients.md`: `tests/clients/guide.rs` runs them. In `handover.md` they are
//!   files of the sample sites, which `tests/browser/handover.rs` runs.
//! - `rust`, in `resource-servers.md`: the doc tests of `hallpass-resource` compile it.
//! - `text browser`: a person opens this address, signs in and allows. `CODE` is then the code that the app got.
//!
//! A page without a server of its own gets one from [`World`], with an app, a resource and a grant. Words such as `CLIENT_ID`
//! stand for the values of that world.

use crate::harness::{Folder, Serving};
use crate::person::Person;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The pages whose commands start from nothing.
const FROM_NOTHING: [&str; 2] = ["README.md", "quick-start.md"];
/// The languages of the programs in `clients.md` and `handover.md`.
const PROGRAMS: [&str; 6] = ["python", "javascript", "go", "java", "php", "ruby"];
/// The page whose server has a site that signs people in.
const WITH_SITE: &str = "handover.md";
/// The languages of blocks that hold no command.
const NO_COMMANDS: [&str; 6] = ["toml", "json", "sql", "yaml", "ini", "text"];

#[test]
fn every_command_of_every_guide_succeeds() {
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap();
        let blocks = blocks(name, &fs::read_to_string(&page).unwrap());
        let mut world = World::new();
        if !FROM_NOTHING.contains(&name) && blocks.iter().any(|block| block.does != Does::Nothing) {
            world.prepare(name);
        }
        for block in &blocks {
            world.follow(block);
        }
        if FROM_NOTHING.contains(&name) {
            assert!(
                world.printed.contains(" active "),
                "{name} leads to no grant: {}",
                world.printed
            );
        }
    }
}

/// The guide shows what the sample sites run, and it stays as short as it says.
#[test]
fn the_lines_for_a_site_are_those_of_the_sample_sites() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = fs::read_to_string(root.join("docs/guide").join(WITH_SITE)).unwrap();
    let samples = [
        ("php", "php/connect.php"),
        ("python", "django/market/connect.py"),
        ("python", "flask/connect.py"),
        ("javascript", "express/connect.js"),
        ("ruby", "rails/connect_controller.rb"),
    ];
    for (language, file) in samples {
        let text = fs::read_to_string(root.join("examples/handover").join(file)).unwrap();
        assert!(
            guide.contains(&format!("```{language}\n{text}```\n")),
            "{file} is not in the guide"
        );
        assert!(text.lines().count() <= 25, "{file} is longer than 25 lines");
    }
    let shown = blocks_of_programs(&guide);
    assert_eq!(shown, samples.len(), "the guide shows code that no sample runs");
}

/// How many blocks are in the language of a program.
fn blocks_of_programs(page: &str) -> usize {
    let begins = page.lines().filter_map(|line| line.strip_prefix("```"));
    begins.filter(|language| PROGRAMS.contains(language)).count()
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guides = fs::read_dir(root.join("docs/guide")).unwrap();
    let mut pages: Vec<_> = guides.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

/// What the test does with a block.
#[derive(PartialEq)]
enum Does {
    Run,
    Serve,
    Open,
    Nothing,
}

struct Block {
    /// The page and line, for a message.
    place: String,
    does: Does,
    text: String,
}

fn blocks(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(says) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let place = format!("{page}:{}", number + 1);
        let does = match says.split_once(' ') {
            None if says == "sh" => Does::Run,
            None if NO_COMMANDS.contains(&says) => Does::Nothing,
            None if ["clients.md", WITH_SITE].contains(&page) && PROGRAMS.contains(&says) => Does::Nothing,
            None if page == "resource-servers.md" && says == "rust" => Does::Nothing,
            Some(("sh", "server")) => Does::Serve,
            Some(("text", "browser")) => Does::Open,
            Some(("sh", reason)) if reason.strip_prefix("no-run: ").is_some_and(|why| why.len() > 10) => Does::Nothing,
            _ => panic!("{place}: expected ```sh, or what says that it is not run, found ```{says}"),
        };
        let body = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| line.trim() != "```");
        let text = body.collect::<Vec<_>>().join("\n");
        blocks.push(Block { place, does, text });
    }
    blocks
}

/// A folder in which the commands of a page are run, and their results.
struct World {
    folder: Folder,
    /// The folder that the last block ended in.
    here: PathBuf,
    server: Option<Serving>,
    /// The values of the page's placeholders.
    words: BTreeMap<&'static str, String>,
    /// The output of all blocks.
    printed: String,
}

/// A command that asks at the terminal ends with code 2, since there is none. It is then called again with the answer.
const CONFIRM: &str = r#"hallpass() { command hallpass "$@" || { test $? = 2 && command hallpass "$@" --yes; }; }"#;

/// The verifier and challenge of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const CONFIGURATION: &str = r#"
    [scopes.orders]
    title = "See your orders"
    default = true
    [scopes."orders:write"]
    title = "Place orders for you"
    [[resources]]
    identifier = "https://api.example.com"
    name = "Orders API"
    secret = "resource-secret-of-this-test"
    [[users]]
    email = "operator@example.com"
    name = "Operator"
    password_file = "operator.password"
    [[apps]]
    name = "First app"
    client_id = "first-app"
    client_secret = "client-secret-of-this-test"
    redirect_uris = ["https://app.example.net/callback"]
"#;

const HANDOVER: &str = r#"
    [handover]
    url = "https://www.example.com/connect/sign-in"
    secret = "handover-secret-of-this-test-which-is-long"
"#;

const ASK: &str = "https://auth.example.com/oauth/authorize?response_type=code&client_id=CLIENT_ID\
    &redirect_uri=https%3A%2F%2Fapp.example.net%2Fcallback&code_challenge=CHALLENGE&code_challenge_method=S256";
const EXCHANGE: &str = "curl https://auth.example.com/oauth/token -u CLIENT_ID:CLIENT_SECRET -d grant_type=authorization_code \
    -d code=CODE -d redirect_uri=https://app.example.net/callback -d code_verifier=VERIFIER";

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let here = folder.folder.path().to_owned();
        fs::remove_file(here.join("hallpass.toml")).unwrap();
        // A refusal fails the command: the pages need no option for it.
        folder.write(".curlrc", "silent\nshow-error\nfail-with-body\nnoproxy = \"*\"\n");
        let words = [
            ("CLIENT_ID", "first-app"),
            ("CLIENT_SECRET", "client-secret-of-this-test"),
            ("RESOURCE_SECRET", "resource-secret-of-this-test"),
            ("HANDOVER_SECRET", "handover-secret-of-this-test-which-is-long"),
            ("STATE", "xyz"),
            ("VERIFIER", VERIFIER),
            ("CHALLENGE", CHALLENGE),
        ];
        Self {
            folder,
            here,
            server: None,
            words: words.map(|(word, value)| (word, value.to_owned())).into(),
            printed: String::new(),
        }
    }

    /// Starts a server, and gives its app a grant unless a site signs people in.
    fn prepare(&mut self, page: &str) {
        self.folder.write("operator.password", "correct horse\n");
        if page == WITH_SITE {
            self.folder
                .write("hallpass.toml", &format!("{CONFIGURATION}{HANDOVER}"));
            self.serve("hallpass serve");
            return;
        }
        self.folder.write("hallpass.toml", CONFIGURATION);
        self.serve("hallpass serve");
        self.open(ASK);
        self.run(EXCHANGE).unwrap();
    }

    fn follow(&mut self, block: &Block) {
        match block.does {
            Does::Nothing => {}
            Does::Serve => self.serve(&block.text),
            Does::Open => self.open(&block.text.split_whitespace().collect::<String>()),
            Does::Run => {
                let done = self.run(&block.text);
                done.unwrap_or_else(|printed| panic!("{}:\n{}\n{printed}", block.place, block.text));
            }
        }
    }

    fn serve(&mut self, script: &str) {
        let mut command = self.command(&format!("exec {script}"));
        // The port of the pages may be taken.
        command.env("HALLPASS_SERVER__LISTEN", "127.0.0.1:0");
        self.server = Some(Serving::start(command));
    }

    /// Opens the address as the operator, and keeps the code.
    fn open(&mut self, address: &str) {
        let address = url::Url::parse(&self.filled(address)).unwrap();
        let query = |url: &url::Url, name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map_or_else(|| panic!("no {name} in {url}"), |(_, value)| value.into_owned())
        };
        let password = fs::read_to_string(self.here.join("operator.password")).unwrap();
        let mut person = Person::new("operator@example.com", password.trim_end());
        let landed = person.allow(address.as_str(), &query(&address, "redirect_uri"));
        let code = query(&url::Url::parse(&landed).unwrap(), "code");
        self.words.insert("CODE", code);
    }

    /// Runs commands as a page has them, and keeps the tokens that they print.
    fn run(&mut self, text: &str) -> Result<(), String> {
        let script = format!("{CONFIRM}\n{}\npwd > \"$HOME/here\"", self.filled(text));
        let printed = self.shell(&script)?;
        let here = fs::read_to_string(self.folder.folder.path().join("here")).unwrap();
        self.here = here.trim_end().into();
        for (word, member) in [("ACCESS_TOKEN", "access_token"), ("REFRESH_TOKEN", "refresh_token")] {
            if let Some(value) = member_of(&printed, member) {
                self.words.insert(word, value);
            }
        }
        self.printed.push_str(&printed);
        Ok(())
    }

    /// The output of a script. The error is its output if it failed.
    fn shell(&self, script: &str) -> Result<String, String> {
        let output = self.command(script).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(format!("{}{}", text(&output.stdout), text(&output.stderr))),
        }
    }

    fn command(&self, script: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_hallpass")).parent().unwrap().to_owned();
        let path = env::var_os("PATH").unwrap();
        let path = env::join_paths(std::iter::once(binaries).chain(env::split_paths(&path))).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-euxc", script])
            .current_dir(&self.here)
            .env("PATH", path);
        command.env("HOME", self.folder.folder.path()).env_remove("CURL_HOME");
        command.env_remove("HALLPASS_TEST_DATABASE");
        command
    }

    /// The text with this world's addresses and values.
    fn filled(&self, text: &str) -> String {
        let port = self
            .server
            .as_ref()
            .and_then(|server| server.address.rsplit(':').next());
        let local = format!("localhost:{}", port.unwrap_or("8080"));
        let text = text
            .replace("localhost:8080", &local)
            .replace("https://auth.example.com", &format!("http://{local}"));
        let is_word = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let mut filled = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_word) {
            let (before, from) = rest.split_at(start);
            let (word, after) = from.split_at(from.find(|letter| !is_word(letter)).unwrap_or(from.len()));
            filled.push_str(before);
            filled.push_str(&self.value(word).unwrap_or_else(|| word.to_owned()));
            rest = after;
        }
        filled + rest
    }

    /// The value of a placeholder.
    fn value(&self, word: &str) -> Option<String> {
        let newest = |list: &str| {
            let printed = self.shell(&format!("hallpass {list} --json")).unwrap();
            Some(member_of(&printed, "id").unwrap_or_else(|| panic!("no id in {printed}")))
        };
        match word {
            "GRANT" => newest("grant list"),
            "EVENT" => newest("audit list"),
            "SECRET" => newest("app secret list first-app"),
            "NEXT" => member_of(&self.shell("hallpass org list --limit 1 --json").unwrap(), "next"),
            word => self.words.get(word).cloned(),
        }
    }
}

/// The first text of a member in JSON.
fn member_of(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split('"').next()?.to_owned())
}
