//! What clients of the portal's interface ask first.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, TENANT};

both! {
    fn settings_apps_and_kinds_of_activities_follow_what_is_there(casbah: &Casbah) {
        let caller = casbah.application();
        assert_eq!(caller.get("/cas/api/version").ok(), caller.get("/cas/api/version/").ok());
        let about = caller.get("/cas/api/about/info").ok();
        assert_eq!((&about["version"], &about["tenantId"], &about["user"]), (&caller.get("/api/version").ok()["version"], &json!(90_210_417), &json!("Integration tests")));
        assert!(caller.get("/cas/api/about/server_url/").ok()["url"].as_str().unwrap().starts_with("https://"));

        let settings = caller.get("/cas/api/v1/settings/").ok();
        assert_eq!((&settings["orgDisplayName"], &settings["domains"], &settings["aadTenantId"]), (&json!("Contoso"), &json!(["contoso.example"]), &json!(TENANT)));
        assert_eq!((&settings["anonymizeByDefault"], &settings["resolveDiscoveryUserWithAAD"]), (&json!(false), &json!(false)));
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let change = json!({ "retention": { "alerts": 400 } }).to_string();
        let kind = [("content-type", "application/json")];
        let changed = directory.send("PATCH", "/v1.0/policies/tenantSettings", &kind, change.as_bytes());
        assert!(changed.status < 300, "{}", changed.text());
        caller.post("/api/v1/tenant_config/resolveDiscoveryUserWithAAD/", &json!({ "resolveDiscoveryUserWithAAD": true })).ok();
        let settings = caller.get("/api/v1/settings").ok();
        assert_eq!((&settings["retentionDays"]["alerts"], &settings["resolveDiscoveryUserWithAAD"]), (&json!(400), &json!(true)));

        let line = |id: &str, app: i64, name: &str, category: &str| json!({ "_id": id, "timestamp": 1_795_435_000_000_i64, "appId": app,
            "appName": name, "eventTypeName": category, "user": { "userName": "mira@lagoon.example" } }).to_string();
        let lines = [
            line("a", 10489, "Box", "EVENT_CATEGORY_LOGIN"), line("b", 10489, "Box", "EVENT_CATEGORY_DOWNLOAD_FILE"),
            line("c", 10489, "Box", "EVENT_CATEGORY_LOGIN"), line("d", 70_001, "Own wiki", "EVENT_CATEGORY_LOGIN"),
        ].join("\n");
        caller.send("POST", "/api/v1/activities/ingest/", &[("content-type", "application/x-ndjson")], lines.as_bytes()).ok();
        let services = caller.get("/cas/api/services").ok();
        let of = |app: i64| services["data"].as_array().unwrap().iter().find(|one| one["appId"] == app).unwrap_or_else(|| panic!("no {app}")).clone();
        assert_eq!((&of(10489)["name"], &of(10489)["accountsCount"], &of(10489)["lastActivity"]), (&json!("Box"), &json!(1), &json!(1_795_435_000_000_i64)));
        assert_eq!(of(70_001)["name"], "Own wiki");
        assert!(of(11161)["accountsCount"].as_i64().unwrap() >= 2, "the directory's people");

        let types = |query: &str| -> Vec<(i64, String)> {
            let answer = caller.get(&format!("/cas/api/v1/autocomplete/activity-types/?{query}")).ok();
            let items = answer["records"]["items"].as_array().unwrap();
            items.iter().map(|one| (one["appId"].as_i64().unwrap(), one["category"].as_str().unwrap().to_string())).collect()
        };
        let login = || "EVENT_CATEGORY_LOGIN".to_string();
        assert_eq!(types("search=&service=eq(i%3A10489%2C)"), [(10489, "EVENT_CATEGORY_DOWNLOAD_FILE".to_string()), (10489, login())]);
        assert_eq!(types("search=log&service=eq(i%3A10489%2Ci%3A70001%2C)"), [(10489, login()), (70_001, login())]);
        assert!(types("search=").iter().any(|(app, _)| *app == 20_595), "Casbah's own trail is an app, too");
        caller.get("/api/v1/autocomplete/activity-types/?service=box").refused(400);

        // What there is not is absent; what is not one's own is not told.
        for absent in ["/cas/api/v1/mail_settings/get/", "/cas/api/v1/managed_devices/get_data"] {
            assert!(caller.get(absent).refused(404)["error"] == json!(true), "{absent}");
        }
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(other.get("/api/v1/settings/").ok()["orgDisplayName"], "Fabrikam");
        let theirs: Vec<Value> = other.get("/api/services/").ok()["data"].as_array().unwrap().iter().map(|one| one["appId"].clone()).collect();
        assert!(!theirs.contains(&json!(10489)), "{theirs:?}");
        casbah.anonymous().get("/cas/api/version").refused(401);
        assert_eq!(casbah.user(READER).get("/cas/api/v1/settings/").ok()["orgDisplayName"], "Contoso");
    }
}
