//! Applications that hold permissions: told from consent and app roles, and decided about.

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLI_CLIENT, CLIENT, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT,
    PUBLIC_CLIENT, READER, RESOURCE, Session, TENANT,
};

const LIST: &str = "/api/v1/app_permissions/";

fn found(caller: &Session, filters: &Value) -> Vec<Value> {
    let answer = caller
        .post(
            LIST,
            &json!({ "filters": filters, "limit": 100, "sortField": "appName", "sortDirection": "asc" }),
        )
        .ok();
    assert_eq!(answer["total"], answer["data"].as_array().unwrap().len());
    answer["data"].as_array().unwrap().clone()
}

fn of(caller: &Session, client: &str) -> Value {
    let all = found(caller, &json!({ "clientId": { "eq": client } }));
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn permissions(app: &Value) -> Vec<&str> {
    app["scopes"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect()
}

fn refresh(casbah: &Casbah, token: &Value) -> Value {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC_CLIENT),
        ("refresh_token", token["refresh_token"].as_str().unwrap()),
    ];
    let answer = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form);
    json!({ "status": answer.status, "body": answer.json() })
}

both! {
    fn applications_are_told_from_consent_and_decided_about(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let id_of = |path: &str| directory.get(path).ok()["id"].as_str().unwrap().to_string();
        let cloud_apps = id_of(&format!("/v1.0/servicePrincipals(appId='{RESOURCE}')"));
        let rita = id_of(&format!("/v1.0/users/{READER}"));

        // What the application was given as itself.
        let robot = of(&caller, CLIENT);
        assert_eq!((&robot["appName"], &robot["appId"], &robot["instanceName"]), (&json!("Integration tests"), &json!(11161), &json!("Office 365")));
        assert_eq!(permissions(&robot), ["discovery.manage", "discovery.read", "investigation.manage", "investigation.read", "settings.manage", "settings.read"]);
        let scope = &robot["scopes"][2];
        assert_eq!((&scope["type"], &scope["category"], &scope["severity"]), (&json!("application"), &json!("Microsoft Cloud App Security"), &json!(2)));
        assert_eq!((&scope["grantedBy"], &scope["isAdminConsent"]), (&Value::Null, &json!(true)), "Casbah gave it, at the start");
        assert_eq!((&robot["severity"], &robot["isAdminConsent"], &robot["isInternal"], &robot["userCount"]), (&json!(2), &json!(true), &json!(true), &json!(0)));
        assert_eq!((&robot["lastUsed"], &robot["appStatus"], &robot["isEnabled"]), (&Value::Null, &json!(0), &json!(true)));
        let path = format!("{LIST}{}/", robot["_id"].as_str().unwrap());
        assert_eq!(caller.get(&path).ok(), robot);
        assert!(found(&caller, &json!({ "appName": { "eq": "Without permissions" } })).is_empty(), "it holds nothing");
        let tool = of(&caller, CLI_CLIENT);
        assert_eq!(tool["isInternal"], false);

        // What people and administrators consented to, by whom.
        let made = directory.post("/v1.0/applications", &json!({ "displayName": "Orders", "web": { "homePageUrl": "https://orders.example" } }));
        assert_eq!(made.status, 201, "{}", made.text());
        let orders_id = made.json()["appId"].as_str().unwrap().to_string();
        let made = directory.post("/v1.0/servicePrincipals", &json!({ "appId": orders_id }));
        assert_eq!(made.status, 201, "{}", made.text());
        let principal = made.json()["id"].as_str().unwrap().to_string();
        assert!(found(&caller, &json!({ "clientId": { "eq": orders_id } })).is_empty());
        for (kind, person, scope) in [("Principal", Some(&rita), "Investigation.read"), ("AllPrincipals", None, "Investigation.read Discovery.read")] {
            let mut body = json!({ "clientId": principal, "resourceId": cloud_apps, "consentType": kind, "scope": scope });
            if let Some(person) = person {
                body["principalId"] = json!(person);
            }
            let made = directory.post("/v1.0/oauth2PermissionGrants", &body);
            assert_eq!(made.status, 201, "{}", made.text());
            let orders = of(&caller, &orders_id);
            assert_eq!((&orders["isAdminConsent"], &orders["userCount"], &orders["userInstallationCount"]), (&json!(person.is_none()), &json!(1), &json!(1)));
        }
        let orders = of(&caller, &orders_id);
        assert_eq!(permissions(&orders), ["discovery.read", "investigation.read"]);
        assert_eq!((&orders["scopes"][0]["grantedBy"], &orders["scopes"][0]["userCount"]), (&json!(ADMINISTRATOR), &json!(0)));
        assert_eq!((&orders["scopes"][1]["type"], &orders["scopes"][1]["userCount"], &orders["scopes"][1]["severity"]), (&json!("delegated"), &json!(1), &json!(1)));
        assert_eq!((&orders["homepage"], &orders["publisher"], &orders["severity"]), (&json!("https://orders.example"), &json!("contoso.example"), &json!(1)));
        let orders_path = format!("{LIST}{}/", orders["_id"].as_str().unwrap());
        let users = caller.get(&format!("{orders_path}users/")).ok();
        assert_eq!((&users["total"], &users["data"][0]["entityData"]["0"]["displayName"], &users["data"][0]["isAdmin"]), (&json!(1), &json!("Rita Berg"), &json!(true)));
        let key: Value = serde_json::from_str(users["data"][0]["id"].as_str().unwrap()).unwrap();
        assert_eq!(key, json!({ "id": rita, "saas": 11161, "inst": 0 }));

        // A sign-in counts as use, and the person as a user.
        let tokens = casbah.user_tokens(READER, &format!("{RESOURCE}/.default offline_access"));
        let installed = of(&caller, PUBLIC_CLIENT);
        assert_eq!((&installed["userCount"], &installed["lastUsed"]), (&json!(1), &installed["scanTime"]));
        let users = caller.get(&format!("{LIST}{}/users/?limit=1", installed["_id"].as_str().unwrap())).ok();
        assert_eq!((&users["data"][0]["username"], &users["data"][0]["lastSignIn"]), (&json!(READER), &installed["lastUsed"]));

        // Filters, order and pages.
        let names = |filters: &Value| found(&caller, filters).iter().map(|one| one["appName"].as_str().unwrap().to_string()).collect::<Vec<_>>();
        let own = json!({ "eq": true });
        for (filters, expected) in [
            (json!({ "isInternal": own, "severity": { "eq": "high" } }), vec!["Integration tests", "Integration tests, installed"]),
            (json!({ "isInternal": own, "permissionLevel": { "neq": [2] } }), vec!["Orders"]),
            (json!({ "isInternal": own, "userCount": { "gt": 0 } }), vec!["Integration tests, installed", "Orders"]),
            (json!({ "appName": { "startswith": "ord" }, "app": { "eq": 11161 } }), vec!["Orders"]),
            (json!({ "app": { "eq": 20893 } }), vec![]),
            (json!({ "isInternal": own, "lastUsed": { "isset": true } }), vec!["Integration tests, installed"]),
            (json!({ "isInternal": own, "isAdminConsent": { "eq": false } }), vec![]),
            (json!({ "isInternal": own, "permission": { "eq": "settings.READ" } }), vec!["Integration tests", "Integration tests, installed"]),
            (json!({ "isInternal": own, "lastInstalled": { "gte_ndays": 1 }, "clientId": { "eq": orders_id } }), vec!["Orders"]),
        ] {
            assert_eq!(names(&filters), expected, "{filters}");
        }
        caller.post(LIST, &json!({ "filters": { "severity": { "eq": "dire" } } })).refused(400);
        let page = caller.get("/cas/api/v1/app_permissions/?limit=1&sortField=userCount&performAsyncTotal=true").ok();
        assert_eq!((page["data"].as_array().unwrap().len(), &page["hasNext"]), (1, &json!(true)));

        // Whoever is shut out gets no tokens, and what was signed in ends.
        let before = casbah.application();
        before.get("/api/v1/alerts/").ok();
        let banned = caller.post(&format!("{path}ban/"), &json!({})).ok();
        assert_eq!((&banned["appStatus"], &banned["isEnabled"]), (&json!(2), &json!(false)));
        before.get("/api/v1/alerts/").refused(401);
        let token = |secret: &str| casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &[
            ("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", secret), ("scope", &format!("{RESOURCE}/.default")),
        ]);
        assert!(token(CLIENT_SECRET).text().contains("AADSTS7000112"), "{}", token(CLIENT_SECRET).text());
        assert_eq!(names(&json!({ "appStatus": { "eq": "banned" } })), ["Integration tests"]);
        let cleared = caller.post(&format!("{path}clear/"), &json!({})).ok();
        assert_eq!((&cleared["appStatus"], &cleared["isEnabled"]), (&json!(0), &json!(true)));
        let approved = caller.post(&format!("{path}approve/"), &json!({})).ok();
        assert_eq!((&approved["appStatus"], &approved["isEnabled"]), (&json!(1), &json!(true)));
        assert!(!of(&caller, CLIENT)["lastUsed"].is_null(), "its secret was used");

        // Whatever was granted can be taken away at once; people have to sign in again, and to consent.
        assert_eq!(refresh(casbah, &tokens)["status"], 200);
        let tokens = refresh(casbah, &tokens)["body"].clone();
        let installed_path = format!("{LIST}{}/", installed["_id"].as_str().unwrap());
        let revoked = caller.post(&format!("{installed_path}revoke/"), &json!({})).ok();
        assert_eq!((&revoked["scopes"], &revoked["isAdminConsent"]), (&json!([]), &json!(false)));
        assert!(tokens.get("refresh_token").is_none() || refresh(casbah, &tokens)["status"] == 400);
        let revoked = caller.post(&format!("{path}revoke/"), &json!({})).ok();
        assert_eq!(revoked["scopes"], json!([]));
        casbah.bearer(token(CLIENT_SECRET).ok()["access_token"].as_str().unwrap()).get("/api/v1/alerts/").refused(403);
        assert_eq!(names(&json!({ "isInternal": own })), ["Integration tests", "Integration tests, installed", "Orders"], "one was judged, one is used");

        // What comes with Casbah is left alone, and others see nothing.
        caller.post(&format!("{LIST}{}/ban/", tool["_id"].as_str().unwrap()), &json!({})).refused(403);
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        other.get(&orders_path).refused(404);
        other.post(&format!("{orders_path}ban/"), &json!({})).refused(404);
        let trail = caller.post("/api/v1/activities/", &json!({ "filters": { "text": { "text": "ban app" } } })).ok();
        assert_eq!(trail["total"], 1, "{trail}");
    }
}
