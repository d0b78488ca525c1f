//! The socket, the addresses and the refusals.

use super::*;

#[tokio::test]
async fn the_socket_is_its_owners_only_and_goes_with_the_server() {
    let world = World::started().await;
    let found = fs::metadata(world.socket()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let socket = world.socket();
    world.running.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn the_public_address_has_no_admin_api() {
    let world = World::started().await;
    let url = format!("{}/admin/api/v1/apps", world.running.public_url());
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_is_there_already_is_not_made_again() {
    let world = World::started().await;
    let again = Some(json!({"email": "ADA@example.com", "name": "Ada"}));
    let (status, code, message) = world.refused(Method::POST, "/users", again).await;
    assert_eq!((status, code.as_str()), (409, "taken"), "{message}");
    let again = Some(json!({"slug": "library", "name": "L"}));
    assert_eq!(world.refused(Method::POST, "/organizations", again).await.0, 409);
}

#[tokio::test]
async fn refusals_have_a_code_a_message_and_their_status() {
    let world = World::started().await;
    let cases = [
        (Method::GET, "/apps/none", 404, "not_found"),
        (Method::GET, "/users/none@example.com", 404, "not_found"),
        (Method::GET, "/organizations/none", 404, "not_found"),
        (Method::GET, "/grants/none", 404, "not_found"),
        (Method::GET, "/nothing", 404, "not_found"),
        (Method::DELETE, "/apps", 405, "method_not_allowed"),
        (
            Method::POST,
            "/grants/018f0000-0000-7000-8000-000000000000/end",
            404,
            "not_found",
        ),
    ];
    for (method, path, status, code) in cases {
        let refused = world.refused(method, path, None).await;
        assert_eq!((refused.0, refused.1.as_str()), (status, code), "{path}");
        assert!(!refused.2.is_empty());
    }
    let long = Some(json!({ "name": "x".repeat(70_000) }));
    assert_eq!(world.refused(Method::POST, "/apps", long).await.0, 413);
}

/// RFC 9110 §15.5.6.
#[tokio::test]
async fn every_address_says_which_methods_it_takes() {
    let world = World::started().await;
    let source = include_str!("../api.rs");
    let routes: Vec<&str> = source
        .split("\"/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let routes: Vec<_> = routes.into_iter().filter(|route| !route.starts_with("admin")).collect();
    assert!(routes.len() > 20, "{routes:?}");
    for route in routes {
        let path = format!("/{}", route.replace(['{', '}'], ""));
        let url = format!("http://hallpass/admin/api/v1{path}");
        let response = world.http.request(Method::OPTIONS, url).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allowed = response.headers()["allow"].to_str().unwrap();
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
        assert!(
            methods.iter().any(|method| allowed.contains(method)),
            "{path}: {allowed}"
        );
    }
}

/// Not every database takes one: it is the caller's mistake, and never the database's failure.
#[tokio::test]
async fn a_nul_in_a_text_is_a_mistake_and_in_a_name_nobodys() {
    let world = World::started().await;
    for path in [
        "/apps/%00",
        "/users/a%00@example.com",
        "/organizations/%00",
        "/grants/%00",
    ] {
        assert_eq!(world.refused(Method::GET, path, None).await.0, 404, "{path}");
    }
    for (path, body) in [
        ("/users", json!({ "email": "b\0@example.com", "name": "B" })),
        ("/users", json!({ "email": "b@example.com", "name": "B\0" })),
        (
            "/users",
            json!({ "email": "b@example.com", "name": "B", "locale": "nl\0" }),
        ),
        ("/organizations", json!({ "slug": "b\0", "name": "B" })),
        ("/organizations", json!({ "slug": "b", "name": "B\0" })),
        (
            "/apps",
            json!({ "name": "B\0", "redirect_uris": ["https://b.example/cb"] }),
        ),
        (
            "/apps",
            json!({ "name": "B", "redirect_uris": ["https://b.example/\0"] }),
        ),
        (
            "/apps",
            json!({ "name": "B", "client_id": "b\0", "redirect_uris": ["https://b.example/cb"] }),
        ),
        ("/apps", json!({ "name": "B", "organization": "library\0" })),
        ("/apps", json!({ "name": "B", "owner": "ada@example.com\0" })),
    ] {
        let status = world.call(Method::POST, path, Some(body.clone())).await.0;
        assert!((400..500).contains(&status), "{body}: {status}");
    }
}
