//! `hallpass demo` with a site before it: the whole way of a person, and what the developer's own site is told.

use crate::harness::{Ended, Folder};
use crate::person::Person;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

const ANYWHERE: &str = "127.0.0.1:0";

/// A running demo.
struct Demo {
    child: Child,
    folder: Folder,
    /// The text that it printed.
    printed: String,
}

impl Demo {
    fn start(options: &[&str]) -> Self {
        let folder = Folder::new();
        let data = folder.data("demo");
        Self::start_in(folder, &data, options)
    }

    fn start_in(folder: Folder, data: &Path, options: &[&str]) -> Self {
        let places = [
            "demo",
            "--listen",
            ANYWHERE,
            "--api-listen",
            ANYWHERE,
            "--app-listen",
            ANYWHERE,
        ];
        let mut command = folder.command(&[&places, options].concat());
        command.arg("--data").arg(data);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("Ctrl-C") {
            assert!(output.read_line(&mut printed).unwrap() > 0, "{printed}");
        }
        Self { child, folder, printed }
    }

    /// The address at the beginning of the line with this text, without the last slash.
    fn address(&self, text: &str) -> String {
        let line = self.printed.lines().find(|line| line.contains(text));
        let address = line.and_then(|line| line.split_whitespace().next());
        let address = address.unwrap_or_else(|| panic!("no {text}: {}", self.printed));
        address.trim_end_matches('/').to_owned()
    }

    fn check(&self, options: &[&str]) -> Ended {
        let world = self.folder.data("demo/demo.toml");
        let arguments = ["handover", "check", "--config", world.to_str().unwrap()];
        self.folder.call(&[&arguments, options].concat())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_person_of_the_sample_site_connects_an_app_and_ends_it_at_the_site() {
    for (preset, client_id) in [
        ("default", "acme-reports"),
        ("common-controls-hub", "acme-reports"),
        ("connected-home", "123abc"),
        ("house-check", "acme-reports"),
        ("apicbase", "acme-reports"),
    ] {
        let demo = Demo::start(&["--preset", preset, "--handover", "--site-listen", ANYWHERE]);
        let (app, site) = (demo.address("start here"), demo.address("the sample site"));
        let desk = format!("{app}/apps/{client_id}");
        let mut john = Person::new("john@doe.com", "open-sesame");
        let connected = john.press(&desk, |form| form.action.ends_with("/connect"));
        assert!(connected.contains("Access token"), "{preset}: {connected}");
        let called = john.press(&desk, |form| form.action.ends_with("/call"));
        assert!(called.contains("200"), "{preset}: {called}");
        john.press(&desk, |form| form.action.ends_with("/expire"));
        let refreshed = john.press(&desk, |form| form.action.ends_with("/refresh"));
        assert!(
            refreshed.contains("Refresh<span class=\"unseen\"> (done)"),
            "{preset}: {refreshed}"
        );
        let of_server = format!("{}/account/apps", demo.address(", the server"));
        assert!(john.page(&of_server).contains("Acme Reports"), "{preset}");
        let apps = format!("{site}/connected-apps");
        assert!(john.page(&apps).contains("Acme Reports"), "{preset}");
        let ended = john.press(&apps, |form| form.has("end"));
        assert!(ended.contains("No app has access."), "{preset}: {ended}");
        let refused = john.press(&desk, |form| form.action.ends_with("/call"));
        assert!(refused.contains("401"), "{preset}: {refused}");
        john.press(&format!("{site}/logout"), |form| !form.has("password"));
        assert!(john.page(&site).contains("You are not signed in."), "{preset}");
    }
}

/// CCH-12 and CCH-13: with Method 1 the call after the expiry refreshes first, with Method 2 it finds a fresh token.
#[test]
fn cch_12_and_13_the_methods_differ_in_what_the_call_after_the_expiry_finds() {
    for (preset, client_id) in [
        ("default", "acme-reports"),
        ("common-controls-hub", "acme-reports"),
        ("connected-home", "123abc"),
        ("house-check", "acme-reports"),
        ("apicbase", "acme-reports"),
    ] {
        let demo = Demo::start(&["--preset", preset]);
        let desk = format!("{}/apps/{client_id}", demo.address("start here"));
        let mut john = Person::new("john@doe.com", "open-sesame");
        let mut press = |action: &str| john.press(&desk, |form| form.action.ends_with(action));
        press("/connect");
        press("/expire");
        let called = press("/call");
        let steps = steps(&called);
        assert!(
            steps[0].contains("Call GET") && steps[0].contains("200 OK"),
            "{preset}: {called}"
        );
        assert!(
            steps[1].contains("Method 1: the access token has expired"),
            "{preset}: {called}"
        );
        assert!(steps[1].contains("grant_type=refresh_token"), "{preset}: {called}");

        press("/method-2");
        let expired = press("/expire");
        let told = self::steps(&expired);
        assert!(told[0].contains("Let the access token expire"), "{preset}: {expired}");
        assert!(
            told[1].contains("the keeper refreshes by itself"),
            "{preset}: {expired}"
        );
        assert_eq!(
            told[1].matches("grant_type=refresh_token").count(),
            1,
            "{preset}: {expired}"
        );
        assert!(!expired.contains("<span class=\"expired\">"), "{preset}: {expired}");
        let called = press("/call");
        let told = self::steps(&called);
        assert!(
            told[0].contains("Call GET") && told[0].contains("200 OK"),
            "{preset}: {called}"
        );
        assert!(told[1].contains("Let the access token expire"), "{preset}: {called}");
    }
}

/// CCH-11: the sample API sees the token for the first time after it has expired.
#[test]
fn cch_11_the_api_calls_an_expired_token_expired() {
    let demo = Demo::start(&["--preset", "common-controls-hub"]);
    let desk = format!("{}/apps/acme-reports", demo.address("start here"));
    let mut john = Person::new("john@doe.com", "open-sesame");
    let mut press = |action: &str| john.press(&desk, |form| form.action.ends_with(action));
    press("/connect");
    press("/expire");
    let called = press("/call-unchecked");
    let step = steps(&called)[0];
    assert!(step.contains("401"), "{step}");
    assert!(step.contains("The access token provided has expired"), "{step}");
}

/// The server gives the same tokens again, and the app is never without access.
#[test]
fn a_lost_answer_is_asked_for_again() {
    for preset in ["default", "house-check"] {
        let demo = Demo::start(&["--preset", preset]);
        let desk = format!("{}/apps/acme-reports", demo.address("start here"));
        let mut john = Person::new("john@doe.com", "open-sesame");
        let mut press = |action: &str| john.press(&desk, |form| form.action.ends_with(action));
        press("/connect");
        for method in ["/method-1", "/method-2"] {
            press(method);
            let lost = press("/lose");
            let step = steps(&lost)[0].to_owned();
            assert!(
                step.contains("Lose the answer") && step.contains("Nothing is lost."),
                "{preset}: {lost}"
            );
            assert_eq!(
                step.matches("The app did not get this answer").count(),
                1,
                "{preset}: {step}"
            );
            for member in [
                "grant_type=refresh_token",
                "&#34;access_token&#34;: ",
                "&#34;refresh_token&#34;: ",
            ] {
                let lines: Vec<_> = step.lines().filter(|line| line.contains(member)).collect();
                assert_eq!(lines.len(), 2, "{preset} {member}: {step}");
                assert_eq!(lines[0], lines[1], "{preset}: {step}");
            }
            let called = press("/call");
            assert!(steps(&called)[0].contains("200 OK"), "{preset}: {called}");
        }
    }
}

/// The steps of the story, the latest first.
fn steps(page: &str) -> Vec<&str> {
    page.split("<article class=\"card step\"").skip(1).collect()
}

/// The sample site is checked as any other.
#[test]
fn the_sample_site_passes_the_check() {
    let demo = Demo::start(&["--handover", "--site-listen", ANYWHERE]);
    let site = demo.address("the sample site");
    let mut jane = Person::new("jane@roe.example", "open-sesame");
    jane.page(&format!("{site}/connected-apps"));
    let (name, value) = jane.cookie("market_session");
    let checked = demo.check(&["--cookie", &format!("{name}={value}")]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{}", checked.stdout);
    assert!(
        checked.stdout.contains("ok     The server signs the person in."),
        "{}",
        checked.stdout
    );
}

#[test]
fn the_developers_own_site_is_told_the_address_and_the_secret() {
    let demo = Demo::start(&["--site", "http://localhost:9500/connect/sign-in"]);
    let secret = demo.folder.data("demo/handover.secret");
    let line = format!("  HALLPASS_HANDOVER_SECRET=$(cat {})\n", secret.display());
    assert!(demo.printed.contains(&line), "{}", demo.printed);
    let server = demo.address(", the server");
    assert!(
        demo.printed.contains(&format!("  HALLPASS_URL={server}\n")),
        "{}",
        demo.printed
    );
    // The check finds the server through the configuration of the demo. Nothing listens at the site.
    let checked = demo.check(&["http://localhost:1/connect/sign-in"]);
    assert!(
        checked.stdout.contains("wrong  http://localhost:1/connect/sign-in"),
        "{}",
        checked.stdout
    );
}

#[test]
fn the_data_folder_of_a_demo_with_a_site_may_be_named_from_the_working_folder() {
    let demo = Demo::start_in(Folder::new(), Path::new("demo"), &["--handover"]);
    assert!(demo.printed.contains(", the server"), "{}", demo.printed);
}

#[test]
fn an_address_that_is_no_page_of_a_site_is_refused_by_the_option() {
    for site in ["localhost:9500", "http://www.example.com/connect"] {
        let ended = Folder::new().call(&["demo", "--site", site]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("--site"), "{}", ended.stderr);
    }
}

#[test]
fn the_sites_of_a_demo_exclude_each_other_and_are_local() {
    let folder = Folder::new();
    let own = "--site=http://localhost:9500/connect";
    assert_eq!(folder.call(&["demo", "--handover", own]).code, 2);
    assert_eq!(folder.call(&["demo", "--site-listen", ANYWHERE]).code, 2);
    let public = folder.call(&["demo", "--handover", "--site-listen", "0.0.0.0:0"]);
    assert_eq!(public.code, 1);
    assert!(public.stderr.contains("loopback addresses only"), "{}", public.stderr);
}
