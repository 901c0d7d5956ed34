//! The directory over HTTP: register, permit, consent, key; and that taking away works at once.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Casbah, READER, RESOURCE, Session, TENANT};

/// Creates something; its JSON.
#[track_caller]
fn create(caller: &Session, path: &str, body: &Value) -> Value {
    let answer = caller.post(path, body);
    assert!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Every write that was answered with success is there after the process is killed at once.
fn acknowledged_writes_survive(database: crate::harness::Database) {
    let mut casbah = Casbah::start(database);
    let mut made: Vec<(String, String)> = Vec::new();
    for round in 0..6 {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let body = json!({"displayName": format!("Round {round}")});
        let application = create(&administrator, "/v1.0/applications", &body);
        create(&administrator, "/v1.0/servicePrincipals", &json!({"appId": application["appId"]}));
        let path = format!("/v1.0/applications/{}/addPassword", text(&application["id"]));
        let key = create(&administrator, &path, &json!({"passwordCredential": {"displayName": "key"}}));
        made.push((text(&application["appId"]).to_string(), text(&key["secretText"]).to_string()));
        // Without a pause: the answer has just arrived.
        casbah = casbah.kill_and_restart();
        for (client, secret) in &made {
            token(&casbah, client, secret).ok();
        }
    }
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let filter = "/v1.0/applications?$filter=startswith(displayName,'Round')";
    assert_eq!(administrator.get(filter).ok()["value"].as_array().unwrap().len(), made.len());
}

#[test]
fn acknowledged_writes_survive_kill_9_on_sqlite() {
    acknowledged_writes_survive(crate::harness::Database::sqlite());
}

#[test]
fn acknowledged_writes_survive_kill_9_on_postgres() {
    acknowledged_writes_survive(crate::harness::Database::postgres());
}

fn token(casbah: &Casbah, client: &str, secret: &str) -> crate::harness::Answer {
    let scope = format!("{RESOURCE}/.default");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", scope.as_str()),
    ];
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
}

both! {
    fn the_five_steps_of_managing_api_tokens(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        // 1: register
        let application = create(&administrator, "/v1.0/applications", &json!({"displayName": "SIEM"}));
        let client = text(&application["appId"]);
        let principal = create(&administrator, "/v1.0/servicePrincipals", &json!({"appId": client}));
        // 2: permissions
        let resource = administrator.get(&format!("/v1.0/servicePrincipals(appId='{RESOURCE}')")).ok();
        let role = resource["appRoles"].as_array().unwrap().iter().find(|r| r["value"] == "investigation.read").unwrap();
        let assignment = json!({"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": role["id"]});
        let assigned = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", text(&resource["id"]));
        let assignment = create(&administrator, &assigned, &assignment);
        // 3: a key, shown once
        let path = format!("/v1.0/applications/{}", text(&application["id"]));
        let key = create(&administrator, &format!("{path}/addPassword"), &json!({"passwordCredential": {"displayName": "key"}}));
        let secret = text(&key["secretText"]);
        assert!(secret.len() >= 40);
        let shown = administrator.get(&path).ok();
        assert!(!shown.to_string().contains(secret) && shown["passwordCredentials"][0]["hint"] == secret[..3]);
        // 4 and 5: the token, used in the very next request
        let access = token(casbah, client, secret).ok();
        let siem = casbah.bearer(text(&access["access_token"]));
        siem.get("/api/v1/alerts/").ok();
        siem.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").refused(403);
        // Taking the role away works on the token that is already out.
        let gone = administrator.delete(&format!("{assigned}/{}", text(&assignment["id"])));
        assert_eq!(gone.status, 204, "{}", gone.text());
        siem.get("/api/v1/alerts/").refused(403);
        // A removed key and a removed application get no more tokens.
        let removed = administrator.post(&format!("{path}/removePassword"), &json!({"keyId": key["keyId"]}));
        assert_eq!(removed.status, 204);
        assert_eq!(token(casbah, client, secret).refused(401)["error"], "invalid_client");
        assert_eq!(administrator.delete(&path).status, 204);
        assert_eq!(token(casbah, client, secret).refused(400)["error_codes"], json!([700016]));
        siem.get("/api/v1/alerts/").refused(401);
    }

    fn who_may_change_the_directory(casbah: &Casbah) {
        let body = json!({"displayName": "Sneaky"});
        assert_eq!(casbah.anonymous().post("/v1.0/applications", &body).refused(401)["error"]["code"], "InvalidAuthenticationToken");
        // A token for the API is not one for the directory.
        casbah.application().post("/v1.0/applications", &body).refused(401);
        let reader = casbah.bearer(&casbah.directory_token(READER));
        assert_eq!(reader.post("/v1.0/applications", &body).refused(403)["error"]["code"], "Authorization_RequestDenied");
        assert_eq!(reader.get("/v1.0/me").ok()["userPrincipalName"], READER);
    }

    fn a_disabled_user_is_out_at_once(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let reader = casbah.user(READER);
        reader.get("/api/v1/alerts/").ok();
        let headers = [("content-type", "application/json")];
        let answer = administrator.send("PATCH", &format!("/v1.0/users/{READER}"), &headers, br#"{"accountEnabled":false}"#);
        assert_eq!(answer.status, 204, "{}", answer.text());
        reader.get("/api/v1/alerts/").refused(401);
    }

    fn nothing_leaves_its_tenant(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let filter = "/v1.0/applications?$filter=appId%20eq%20'aaaaaaaa-0000-4000-8000-000000000002'";
        assert_eq!(administrator.get(filter).ok()["value"], json!([]));
        let other = "/v1.0/servicePrincipals(appId='aaaaaaaa-0000-4000-8000-000000000002')";
        assert_eq!(administrator.get(other).refused(404)["error"]["code"], "Request_ResourceNotFound");
    }
}
