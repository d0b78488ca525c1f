//! `hallpass serve`: its start, its log, and its end.

use crate::harness::Folder;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

#[test]
fn serve_prints_one_line_and_drains_when_it_is_asked_to_end() {
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new();
        let mut server = folder.serve(&[]);
        let mut open = server.half_a_request();
        server.signal(signal);
        server.wait_for("ending");
        open.write_all(b"grant_type=no").unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
        assert_eq!(server.ended(), (Some(0), String::new()));
        assert!(!folder.data("admin.sock").exists());
    }
}

/// If the log is on a full disk, requests and the writer must continue.
#[test]
fn a_server_whose_log_cannot_be_written_serves() {
    let folder = Folder::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = folder.command(&["serve"]);
    command.env("RUST_LOG", "debug").stdout(Stdio::piped()).stderr(full);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_default();
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        // A refusal is logged.
        let request = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    drop(child.kill());
    drop(child.wait());
    assert!(answer.starts_with("HTTP/1.1 400"), "{line:?} {answer:?}");
}

/// Without a handler, SIGXFSZ ends a process that writes beyond `ulimit -f`.
#[test]
fn a_database_that_may_not_grow_refuses_changes_and_ends_nothing() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    server.signal("-TERM");
    assert_eq!(server.ended().0, Some(0));
    if !folder.data("hallpass.db").exists() {
        // PostgreSQL's files belong to another process.
        return;
    }
    let server = folder.serve_within(2048);
    let create = |number| folder.call(&["org", "create", &format!("org-{number}")]);
    let refused = (0..1000).map(create).find(|ended| ended.code != 0).unwrap();
    let told = "the database is not available";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let request = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.signal("-TERM");
    assert_eq!(server.ended().0, Some(0));
}

/// Anybody can cause any number of refusals, and they must not fill the disk of the log.
#[test]
fn lines_of_refused_requests_are_bounded_and_counted() {
    let folder = Folder::new();
    let mut server = folder.serve(&[]);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\ngrant_type=no";
    let missing = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n";
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    // Another reason has its own hundred lines.
    for end in (0..300).map(|n| if n == 299 { missing } else { form }) {
        let request = format!("POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n{end}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 400"), "{line}");
        let mut length = 0;
        while line.trim_end() != "" {
            line.clear();
            answers.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        answers.read_exact(&mut vec![0; length]).unwrap();
    }
    server.signal("-TERM");
    let log = server.log();
    let lines = |reason: &str| {
        log.lines()
            .filter(|line| line.contains("refused") && line.contains(reason))
            .count()
    };
    // A span may end in between, and the next span allows a hundred lines again.
    assert!((100..=200).contains(&lines("unsupported_grant_type")), "{log}");
    assert_eq!(lines("parameter_missing"), 1, "{log}");
    let left_out: usize = log
        .lines()
        .filter_map(|line| line.split("left_out=").nth(1)?.split(' ').next()?.parse::<usize>().ok())
        .sum();
    assert_eq!(left_out + lines("unsupported_grant_type"), 299, "{log}");
}

#[test]
fn asked_twice_a_server_does_not_wait() {
    let folder = Folder::new();
    let mut server = folder.serve(&[]);
    let _open = server.half_a_request();
    server.signal("-TERM");
    server.wait_for("ending");
    server.signal("-TERM");
    server.wait_for("asked twice");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn everything_in_the_data_folder_is_its_owners_only() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.data("")), 0o700);
    let files = fs::read_dir(folder.data(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for file in files {
        assert_eq!(mode(file.clone()), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_server_on_a_data_folder_is_refused_by_its_name() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let second = folder.call(&["serve"]);
    let path = fs::canonicalize(folder.data("")).unwrap();
    let expected = format!("another server uses the data folder {}\n", path.display());
    assert_eq!((second.code, second.stdout.as_str(), second.stderr), (1, "", expected));
    assert!(folder.printed(&["app", "list"]).starts_with("CLIENT ID"));
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = Folder::new();
    let mut killed = folder.serve(&[]);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(folder.data("admin.sock").exists());
    assert_eq!(folder.call(&["app", "list"]).code, 1);
    let _server = folder.serve(&[]);
    assert!(folder.printed(&["app", "list"]).starts_with("CLIENT ID"));
}

#[test]
fn something_else_in_the_place_of_the_socket_is_not_removed() {
    let folder = Folder::new();
    fs::create_dir(folder.data("")).unwrap();
    File::create(folder.data("admin.sock")).unwrap();
    let ended = folder.call(&["serve"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("no socket"), "{}", ended.stderr);
    assert!(folder.data("admin.sock").is_file());
}
