//! The audit trail as activities: every kind of sign-in and change, what each says, and what none may say.

use serde_json::{Value, json};

use crate::attacks::browser::Browser;
use crate::attacks::usual_request;
use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT, CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options,
    PASSWORD, PUBLIC_CLIENT, READER, RESOURCE, Session, TENANT,
};

/// A caller whose own calls are no sign-ins.
pub(crate) fn investigator(casbah: &Casbah) -> Session<'_> {
    casbah.with_header(&format!("Token {API_TOKEN}"))
}

fn list(caller: &Session, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "limit": 100 });
    caller.post("/api/v1/activities/", &body).ok()["data"].as_array().unwrap().clone()
}

/// The activities that fit, once there are so many: some are written behind the caller's back.
#[track_caller]
pub(crate) fn await_list(caller: &Session, filters: &Value, count: usize) -> Vec<Value> {
    for _ in 0..2_000 {
        let found = list(caller, filters);
        if found.len() >= count {
            assert_eq!(found.len(), count, "{filters}: {found:#?}");
            return found;
        }
    }
    panic!("{filters}: {:#?}", list(caller, filters));
}

fn token(casbah: &Casbah, form: &[(&str, &str)]) -> crate::harness::Answer {
    let scope = format!("{RESOURCE}/.default offline_access openid");
    let mut all = vec![("scope", scope.as_str())];
    all.extend(form);
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &all)
}

fn client_credentials(casbah: &Casbah, client: &str, secret: &str) -> crate::harness::Answer {
    token(casbah, &[("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)])
}

fn password(casbah: &Casbah, name: &str, password: &str) -> crate::harness::Answer {
    token(
        casbah,
        &[
            ("grant_type", "password"),
            ("client_id", PUBLIC_CLIENT),
            ("username", name),
            ("password", password),
        ],
    )
}

both! {
    /// Each kind of sign-in leaves one activity that says who, how, from where, and why not.
    fn every_sign_in_is_one_activity(casbah: &Casbah) {
        let caller = investigator(casbah);
        client_credentials(casbah, CLIENT, CLIENT_SECRET).ok();
        let found = await_list(&caller, &json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_LOGIN" } }), 1);
        let app = &found[0];
        assert_eq!(app["user"]["userName"], "Integration tests");
        assert_eq!(app["device"]["clientIP"], "127.0.0.1");
        assert_eq!(app["eventTypeValue"], "EVENT_AAD_LOGIN");
        assert_eq!(app["rawDataJson"]["ClientAppId"], CLIENT);
        let details = &app["rawDataJson"]["Details"];
        assert_eq!((&details["grantType"], &details["resource"]), (&json!("client_credentials"), &json!(RESOURCE)));
        assert!(details["credential"].is_string() && details["interactive"] == false);
        // Equal ones of the same minute are counted, not written one by one.
        client_credentials(casbah, CLIENT, CLIENT_SECRET).ok();

        let tokens = password(casbah, ADMINISTRATOR, PASSWORD).ok();
        let ada = json!({ "user.username": { "eq": ADMINISTRATOR }, "activity.type": { "eq": false } });
        let found = await_list(&caller, &ada, 1);
        let details = &found[0]["rawDataJson"]["Details"];
        assert_eq!((&details["grantType"], &details["interactive"]), (&json!("password"), &json!(true)));
        assert_eq!(details["factors"], json!(["pwd"]));
        assert_eq!(found[0]["rawDataJson"]["ClientAppId"], PUBLIC_CLIENT);
        assert_eq!(found[0]["mainInfo"]["activityResult"]["isSuccess"], true);

        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", refresh)];
        token(casbah, &form).ok();
        let found = await_list(&caller, &ada, 2);
        // The clock stands still, so which of the two is first is left to their ids.
        let interactive = |a: &Value| a["rawDataJson"]["Details"]["interactive"] == true;
        assert_eq!(found.iter().filter(|a| interactive(a)).count(), 1);
        assert_eq!(found[0]["rawDataJson"]["Details"]["family"], found[1]["rawDataJson"]["Details"]["family"]);

        // At the page: the sign-in itself, then the application's.
        Browser::new(casbah).code(&usual_request(&[]), READER);
        let rita = json!({ "user.username": { "eq": READER }, "activity.eventType": { "eq": "EVENT_CATEGORY_LOGIN" } });
        let found = await_list(&caller, &rita, 1);
        assert_eq!(found[0]["rawDataJson"]["Details"]["factors"], json!(["pwd"]));
        assert!(found[0]["session"]["sessionId"].is_string());

        for (refusal, code, name) in [
            (client_credentials(casbah, CLIENT, "not-the-secret"), 7_000_215, json!("Integration tests")),
            (client_credentials(casbah, "aaaaaaaa-0000-4000-8000-00000000dead", "x"), 700_016, Value::Null),
            (password(casbah, READER, "not-the-password"), 50_126, json!(READER)),
            // A name that nobody has may be a password typed into the wrong field.
            (password(casbah, "hunter2hunter2@contoso.example", "x"), 50_126, Value::Null),
        ] {
            assert_eq!(refusal.json()["error_codes"][0], code);
            let same = json!({
                "activity.errorCode": { "eq": code },
                "user.username": if name.is_null() { json!({ "isset": false }) } else { json!({ "eq": name }) },
            });
            let found = await_list(&caller, &same, 1);
            let result = &found[0]["mainInfo"]["activityResult"];
            assert_eq!(*result, json!({ "isSuccess": false, "message": format!("AADSTS{code}") }));
            assert_eq!(found[0]["eventTypeName"], "EVENT_CATEGORY_FAILED_LOGIN");
            assert_eq!(found[0]["failedUserData"]["userName"], name);
            assert_eq!(found[0]["device"]["clientIP"], "127.0.0.1");
        }
        // The one walk through the table that all of this must be in, newest first.
        let times: Vec<i64> = list(&caller, &json!({})).iter().map(|a| a["timestamp"].as_i64().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b));
    }

    /// A change says who made it, through which client, from which address, and what was before and after.
    fn every_change_is_one_activity(casbah: &Casbah) {
        let caller = investigator(casbah);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let headers = [("content-type", "application/json"), ("user-agent", "Audit-Test/1.0"), ("x-forwarded-for", "203.0.113.9")];
        let send = |method: &str, path: &str, body: Value| {
            let answer = administrator.send(method, path, &headers, body.to_string().as_bytes());
            assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
            serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null)
        };
        let app = send("POST", "/v1.0/applications", json!({ "displayName": "Before" }));
        let id = app["id"].as_str().unwrap();
        let path = format!("/v1.0/applications/{id}");
        send("PATCH", &path, json!({ "displayName": "After" }));
        let key = send("POST", &format!("{path}/addPassword"), json!({ "passwordCredential": { "displayName": "key" } }));
        send("PATCH", &format!("/v1.0/users/{READER}"), json!({ "displayName": "Rita Bergström" }));
        send("DELETE", &path, Value::Null);

        let of_app = json!({ "activityObject": { "eq": id } });
        let found = await_list(&caller, &of_app, 4);
        let types: Vec<&str> = found.iter().map(|a| a["eventTypeName"].as_str().unwrap()).collect();
        for wanted in ["CREATE_APPLICATION", "CHANGE_APPLICATION", "ADD_SECRET", "DELETE_APPLICATION"] {
            assert_eq!(types.iter().filter(|t| t.ends_with(wanted)).count(), 1, "{wanted}: {types:?}");
        }
        for activity in &found {
            assert_eq!(activity["user"]["userName"], ADMINISTRATOR);
            // Not what the header claims: nobody told this server that there is a proxy.
            assert_eq!(activity["device"]["clientIP"], "127.0.0.1");
            assert_eq!(activity["device"]["userAgent"], "Audit-Test/1.0");
            assert!(activity["rawDataJson"]["ClientAppName"].is_string());
            assert_eq!(activity["eventRouting"]["adminEvent"], true);
        }
        let of = |what: &str| found.iter().find(|a| a["eventTypeName"].as_str().unwrap().ends_with(what)).unwrap();
        let details = &of("CHANGE_APPLICATION")["rawDataJson"]["Details"];
        assert_eq!(details["before"], json!({ "displayName": "Before" }));
        assert_eq!(details["after"], json!({ "displayName": "After" }));
        let deleted = &of("DELETE_APPLICATION")["rawDataJson"];
        assert_eq!(deleted["Details"]["before"]["displayName"], "After");
        assert!(deleted["Details"]["after"].is_null());
        assert_eq!(deleted["Target"][0]["name"], "After");
        let user = await_list(&caller, &json!({ "activityObject": { "eq": READER }, "activity.eventType": { "eq": "EVENT_CATEGORY_CHANGE_USER" } }), 1);
        assert_eq!(user[0]["rawDataJson"]["Details"]["after"]["displayName"], "Rita Bergström");

        // Graph tells the same.
        let audits = administrator.get("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'change%20application'").ok();
        let audit = &audits["value"][0];
        assert_eq!(audit["initiatedBy"]["user"]["userPrincipalName"], ADMINISTRATOR);
        let modified = &audit["targetResources"][0]["modifiedProperties"][0];
        assert_eq!(*modified, json!({ "displayName": "displayName", "oldValue": "\"Before\"", "newValue": "\"After\"" }));
        nothing_secret(casbah, &[key["secretText"].as_str().unwrap()]);
    }

    fn graph_tells_sign_ins(casbah: &Casbah) {
        password(casbah, READER, PASSWORD).ok();
        password(casbah, READER, "not-the-password").refused(400);
        await_list(&investigator(casbah), &json!({ "activity.errorCode": { "eq": 50126 } }), 1);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let path = format!("/v1.0/auditLogs/signIns?$filter=userPrincipalName%20eq%20'{READER}'%20and%20createdDateTime%20ge%202026-11-01T00:00:00Z");
        let found = administrator.get(&path).ok()["value"].as_array().unwrap().clone();
        assert_eq!(found.len(), 2, "{found:#?}");
        let codes: Vec<i64> = found.iter().map(|s| s["status"]["errorCode"].as_i64().unwrap()).collect();
        assert!(codes.contains(&0) && codes.contains(&50126), "{codes:?}");
        for sign_in in &found {
            assert_eq!(sign_in["ipAddress"], "127.0.0.1");
            assert_eq!(sign_in["appId"], PUBLIC_CLIENT);
            assert_eq!(sign_in["signInEventTypes"], json!(["interactiveUser"]));
        }
        // Pages of one, each sign-in once.
        let mut path = format!("/v1.0/auditLogs/signIns?$top=1&$filter=userPrincipalName%20eq%20'{READER}'");
        let mut seen = Vec::new();
        loop {
            let page = administrator.get(&path).ok();
            seen.extend(page["value"].as_array().unwrap().iter().map(|s| s["id"].clone()));
            let Some(next) = page["@odata.nextLink"].as_str() else { break };
            path = next[next.find("/v1.0").unwrap()..].to_string();
        }
        assert_eq!(seen.len(), 2);
        assert_ne!(seen[0], seen[1]);
        let reader = casbah.bearer(&casbah.directory_token(READER));
        reader.get("/v1.0/auditLogs/signIns").ok();
        casbah.application().get("/v1.0/auditLogs/signIns").refused(401);
    }

    /// Nothing of a tenant shows in another, whichever way it is asked for.
    fn activities_stay_in_their_tenant(casbah: &Casbah) {
        client_credentials(casbah, CLIENT, CLIENT_SECRET).ok();
        let logins = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_LOGIN" } });
        let found = await_list(&investigator(casbah), &logins, 1);
        let id = found[0]["_id"].as_str().unwrap();
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        other.get(&format!("/api/v1/activities/{id}/")).refused(404);
        other.post(&format!("/api/v1/activities/{id}/feedback/"), &json!({ "feedback": "1" })).refused(404);
        let own = json!({ "activity.id": { "eq": id } });
        assert!(list(&other, &own).is_empty());
        for activity in list(&other, &json!({})) {
            assert_eq!(activity["aadTenantId"], OTHER_TENANT);
        }
        let nothing = casbah.bearer(&casbah.application_token(TENANT, "aaaaaaaa-0000-4000-8000-000000000004", CLIENT_SECRET));
        nothing.get("/api/v1/activities/").refused(403);
        casbah.anonymous().get("/api/v1/activities/").refused(401);
    }

    /// What an application was granted against what it used: the lesser permission that sufficed is the used one.
    fn permissions_are_compared_with_their_use(casbah: &Casbah) {
        casbah.application().get("/api/v1/alerts/").ok();
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let path = format!("/v1.0/servicePrincipals(appId='{CLIENT}')/casbah.permissionUse");
        let report = (0..2_000)
            .map(|_| administrator.get(&path).ok()["value"].as_array().unwrap().clone())
            .find(|rows| rows.iter().any(|row| !row["lastUsedDateTime"].is_null()))
            .expect("the use is noted");
        assert_eq!(report.len(), 6);
        for row in &report {
            let used = row["permission"].as_str().unwrap().eq_ignore_ascii_case("Investigation.read");
            assert_eq!(!row["lastUsedDateTime"].is_null(), used, "{row}");
            // The others were granted today.
            assert_eq!(row["advice"], if used { "keep" } else { "wait" }, "{row}");
            assert_eq!(row["permissionType"], "Application");
        }
        assert_eq!(report.last().unwrap()["lastUsedDateTime"], "2026-11-23T12:00:00.000Z");
    }
}

/// No activity holds a secret of this world, a token, or a password that somebody typed.
fn nothing_secret(casbah: &Casbah, more: &[&str]) {
    let tokens = casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/.default offline_access openid"));
    password(casbah, READER, "a-wrong-password-0001");
    password(casbah, "a-password-typed-as-name@contoso.example", "wrong-0002");
    client_credentials(casbah, "a-secret-typed-as-client-id", "wrong-0003");
    let caller = investigator(casbah);
    await_list(
        &caller,
        &json!({ "activity.errorCode": { "eq": 50126 }, "user.username": { "isset": true } }),
        1,
    );
    let all = Value::from(list(&caller, &json!({}))).to_string();
    assert!(all.len() > 5_000, "there is something to look at");
    let mut secrets = vec![PASSWORD, CLIENT_SECRET, API_TOKEN, "wrong-password", "typed-as", "wrong-000"];
    secrets.extend(["access_token", "refresh_token", "id_token"].map(|name| tokens[name].as_str().unwrap()));
    secrets.extend(more);
    for secret in secrets {
        assert!(!all.contains(secret), "an activity holds {secret}");
    }
}

/// A flood of failures costs a bounded number of rows, and none of them is forgotten in the count.
fn floods_are_bounded(database: Database) {
    const SAME: u64 = 150;
    const DIFFERENT: u64 = 340;
    let casbah = Casbah::start(database);
    for _ in 0..SAME {
        client_credentials(&casbah, CLIENT, "not-the-secret").refused(401);
    }
    for number in 0..DIFFERENT {
        client_credentials(&casbah, &format!("aaaaaaaa-0000-4000-9000-{number:012x}"), "x");
    }
    let casbah = casbah.stop_and_restart();
    let caller = investigator(&casbah);
    let count = |filters: &Value| {
        let (mut rows, mut events, mut skip) = (0_u64, 0_u64, 0);
        loop {
            let body = json!({ "filters": filters, "skip": skip, "limit": 100 });
            let page = caller.post("/api/v1/activities/", &body).ok();
            for activity in page["data"].as_array().unwrap() {
                rows += 1;
                events += activity["rawDataJson"]["Details"]["count"].as_u64().unwrap_or(1);
            }
            if page["hasNext"] == false {
                return (rows, events);
            }
            skip += 100;
        }
    };
    let (rows, events) = count(&json!({ "activity.errorCode": { "eq": 7_000_215 } }));
    // Two a minute; the flood may have gone over the turn of one.
    assert!((2..=6).contains(&rows), "{rows}");
    assert_eq!(events, SAME);
    let (rows, events) = count(&json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_FAILED_LOGIN" } }));
    assert!(rows <= 2 * 302 + 6, "{rows}");
    assert_eq!(events, SAME + DIFFERENT);
}

#[test]
fn floods_are_bounded_on_sqlite() {
    floods_are_bounded(Database::sqlite());
}

#[test]
fn floods_are_bounded_on_postgres() {
    floods_are_bounded(Database::postgres());
}

/// One alert for each step before the end of a credential, whichever node looks and however often; closed
/// when the credential is gone.
fn ends_of_credentials_are_told(database: Database) {
    let at = |clock: &str| Options { clock: clock.to_string(), ..Options::default() };
    let casbah = Casbah::start(database);
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let principal = format!("/v1.0/applications(appId='{CLIENT}')");
    let id = administrator.get(&principal).ok()["id"].as_str().unwrap().to_string();
    let body = json!({ "passwordCredential": { "displayName": "Ends soon", "endDateTime": "2026-12-20T12:00:00Z" } });
    let key = administrator.post(&format!("/v1.0/applications/{id}/addPassword"), &body).ok();
    let key_id = key["keyId"].as_str().unwrap().to_string();
    let alerts = |casbah: &Casbah, count: usize| {
        let caller = investigator(casbah);
        for _ in 0..2_000 {
            let found = caller.post("/api/v1/alerts/", &json!({ "sortDirection": "asc" })).ok();
            if found["total"].as_u64().unwrap() as usize >= count {
                return found["data"].as_array().unwrap().clone();
            }
        }
        panic!("there are no {count} alerts");
    };
    // 27 days, then 13, then 13 again with another look, then less than one.
    let casbah = casbah.kill_and_restart();
    let found = alerts(&casbah, 1);
    assert_eq!(found[0]["title"], "Credential about to expire: Integration tests");
    assert_eq!(
        (&found[0]["severityValue"], &found[0]["policy"]["policyType"]),
        (&json!(0), &json!("APP_PERMISSION"))
    );
    assert!(
        found[0]["entities"].as_array().unwrap().iter().any(|e| e["id"] == CLIENT && e["type"] == "account")
    );
    assert!(found[0]["description"].as_str().unwrap().contains("Ends soon"));
    let casbah = casbah.kill_and_restart_with(&at("2026-12-07T12:00:00Z"));
    assert_eq!(alerts(&casbah, 2).len(), 2);
    let casbah = casbah.kill_and_restart_with(&at("2026-12-07T12:00:00Z"));
    let casbah = casbah.kill_and_restart_with(&at("2026-12-20T11:00:00Z"));
    let found = alerts(&casbah, 3);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(found[2]["severityValue"], 2);
    assert!(found.iter().all(|a| a["resolutionStatusValue"] == 0));
    let policies = investigator(&casbah).get("/api/v1/policies/").ok();
    let policy =
        policies["data"].as_array().unwrap().iter().find(|p| p["name"] == "Credential about to expire");
    assert_eq!(policy.unwrap()["alertsCount"], 3);

    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let path = format!("/v1.0/applications/{id}/removePassword");
    assert_eq!(administrator.post(&path, &json!({ "keyId": key_id })).status, 204);
    let casbah = casbah.kill_and_restart_with(&at("2026-12-20T11:00:00Z"));
    let caller = investigator(&casbah);
    let open = json!({ "filters": { "alertOpen": { "eq": true } } });
    let closed = (0..2_000).any(|_| caller.post("/api/v1/alerts/", &open).ok()["total"] == 0);
    assert!(closed, "{:#?}", caller.post("/api/v1/alerts/", &open).ok());
}

#[test]
fn ends_of_credentials_are_told_on_sqlite() {
    ends_of_credentials_are_told(Database::sqlite());
}

#[test]
fn ends_of_credentials_are_told_on_postgres() {
    ends_of_credentials_are_told(Database::postgres());
}
