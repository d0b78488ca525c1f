//! Everything that is kept about a person.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_what_is_kept_and_no_secret() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let mut person = ann();
    person["acr"] = json!("urn:example:gold");
    person["amr"] = json!(["pwd", "otp"]);
    let tokens = connected_as(&server, &browser, person).await;
    connected(&server, &browser).await;
    let there = path(
        "4711",
        &format!("/grants/{}", grants(&server).await[0]["id"].as_str().unwrap()),
    );
    assert!(is_done(&site.call("DELETE", &there, None).await));
    let other = json!({ "subject": "4712", "name": "Ben", "email": "ben@site.example" });
    connected_as(&server, &server.browser(), other).await;
    let answer = site.call("GET", &path("4711", "/export"), None).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let export = answer.json();
    assert_eq!(export["person"]["email"], "ann@site.example");
    assert_eq!(export["person"]["number"].as_i64(), Some(3));
    assert_eq!(export["person"]["organizations"][0]["role"], "member");
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(export["sessions"][0]["kind"], "handover");
    let sign_ins = export["sign_ins"].as_array().unwrap();
    assert_eq!(sign_ins.len(), 2);
    assert!(
        sign_ins
            .iter()
            .any(|one| one["acr"] == "urn:example:gold" && one["amr"] == "pwd otp")
    );
    let states: Vec<&Value> = export["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| &grant["state"])
        .collect();
    assert_eq!(states, [&json!("ended"), &json!("active")]);
    assert_eq!(export["grants"][0]["reason"], "by_person");
    let actions: Vec<&str> = export["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["action"].as_str())
        .collect();
    for action in ["user_created", "signed_in", "grant_created", "grant_ended"] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
    assert_eq!(export["complete"], true);
    assert!(!answer.body.contains("Ben") && !answer.body.contains("ben@site"));
    for secret in [tokens.access.as_str(), &tokens.refresh] {
        assert!(!answer.body.contains(secret));
    }
}
