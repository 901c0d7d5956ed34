//! How many calls a tenant may make, and what the others get.

use serde_json::json;

use crate::harness::{API_TOKEN, CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options};

fn start(arguments: &[&str]) -> Casbah {
    let arguments = arguments.iter().map(|a| (*a).to_string()).collect();
    Casbah::start_with(Database::sqlite(), &Options { arguments, ..Options::default() })
}

#[test]
fn the_products_limit_is_thirty_a_minute() {
    let casbah = start(&["--throttle", "microsoft"]);
    let caller = casbah.application();
    for _ in 0..30 {
        caller.get("/api/v1/alerts/").ok();
    }
    // However one calls it, and whoever of the tenant calls.
    for path in ["/api/v1/alerts/", "/cas/api/v1/activities/", "/api/discovery/streams/"] {
        for caller in [&caller, &casbah.with_header(&format!("Token {API_TOKEN}"))] {
            let answer = caller.get(path);
            let refusal = answer.refused(429);
            assert!(refusal["errors"][0]["error"].as_str().unwrap().contains("throttled"));
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
    }
    let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
    other.get("/api/v1/alerts/").ok();
    // Who is not let in does not count, and the directory has no such limit.
    casbah.anonymous().get("/api/v1/alerts/").refused(401);
    casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET);
}

#[test]
fn the_usual_limit_is_in_nobodys_way() {
    let casbah = start(&[]);
    let caller = casbah.application();
    for _ in 0..100 {
        caller.get("/api/v1/alerts/").ok();
    }
    let app = caller.get("/api/v1/saasdb/11627/").ok();
    assert_eq!(
        (&app["name"], &app["category"]),
        (&json!("Dropbox"), &json!("SAASDB_CATEGORY_CLOUD_STORAGE"))
    );
    let found = caller.post(
        "/cas/api/v1/discovery/app_catalog/",
        &json!({ "filters": { "appName": { "eq": "dropbox" } } }),
    );
    let found = found.ok();
    assert_eq!((&found["total"], &found["data"][0]), (&json!(1), &app));
    let scored = caller
        .post("/api/v1/discovery/app_catalog/", &json!({ "filters": { "score": { "eq": [1, 2] } } }))
        .ok();
    assert!(
        scored["data"].as_array().unwrap().iter().all(|a| (1..=2).contains(&a["score"].as_i64().unwrap()))
    );
    caller.get("/api/v1/saasdb/1/").refused(404);
    caller.get("/api/v1/saasdb/box/").refused(400);
}
