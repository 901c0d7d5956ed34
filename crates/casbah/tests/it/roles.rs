//! The roles of Cloud Apps: what each person sees of what is there, in lists, fetches, filters, totals and
//! changes; and that giving and taking them works with the next call.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Answer, Casbah, PASSWORD, READER, RESOURCE, Session, TENANT};

const ADMINISTRATORS: &str = "/api/v1/manage_admin_access/";
const ALERTS: &str = "/api/v1/alerts/";
const ACTIVITIES: &str = "/api/v1/activities/";
const GOVERNANCE: &str = "/api/v1/governance/";
const APPS: &str = "/api/v1/discovery/discovered_apps/";
const BLOCK_SCRIPT: &str = "/api/discovery_block_scripts/?format=120";
const ANNA: &str = "anna@contoso.example";
const BERT: &str = "bert@contoso.example";
const DROPBOX: i64 = 11_627;
const BOX: i64 = 10_489;

/// Two continuous reports: in Stockholm Anna uses Dropbox, in Oslo Bert uses Box. Each raises an alert.
struct World<'c> {
    casbah: &'c Casbah,
    /// A person with full access.
    ada: Session<'c>,
    /// The same on the directory.
    directory: Session<'c>,
    stockholm: String,
    oslo: String,
}

impl<'c> World<'c> {
    fn new(casbah: &'c Casbah) -> World<'c> {
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for name in ["anna", "bert", "gert"] {
            let body = json!({
                "userPrincipalName": format!("{name}@contoso.example"), "displayName": name,
                "mailNickname": name, "accountEnabled": true, "passwordProfile": { "password": PASSWORD },
            });
            created(&directory, "/v1.0/users", &body);
        }
        let ada = casbah.user(ADMINISTRATOR);
        // Roles given here would raise alerts of their own.
        let policies = list(&ada, "/api/v1/policies/", &json!({}));
        let id = policies.iter().find(|p| p["name"] == "New administrator").unwrap()["_id"].as_str().unwrap();
        ada.post(&format!("/api/v1/policies/{id}/disable/"), &json!({})).ok();
        for name in ["Stockholm", "Oslo"] {
            let body = json!({ "displayName": name, "logType": 114, "receiverType": "ftp" });
            ada.post("/api/v1/discovery/data_sources/", &body).ok();
        }
        upload(&ada, "Stockholm", ANNA, "www.dropbox.com", false);
        upload(&ada, "Oslo", BERT, "app.box.com", false);
        let streams = ada.get("/api/discovery/streams/").ok();
        let id = |name: &str| {
            let found = streams["streams"].as_array().unwrap().iter().find(|s| s["displayName"] == name);
            found.unwrap()["_id"].as_str().unwrap().to_string()
        };
        let (stockholm, oslo) = (id("Stockholm"), id("Oslo"));
        assert_eq!(total(&ada, ALERTS), 2);
        World { casbah, ada, directory, stockholm, oslo }
    }

    /// Gives a role; its record.
    fn give(&self, who: &str, role: &str, limits: Value) -> Value {
        let mut body = json!({ "username": who, "role": role });
        body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        self.ada.post(ADMINISTRATORS, &body).ok()
    }

    /// The id of the alert about an app.
    fn alert(&self, app: i64) -> String {
        let body = json!({ "filters": { "entity.service": { "eq": app } } });
        self.ada.post(ALERTS, &body).ok()["data"][0]["_id"].as_str().unwrap().to_string()
    }

    /// A person, through an application to which one scope only was lent.
    fn lent(&self, name: &str, scope: &str) -> Session<'c> {
        let application = created(
            &self.directory,
            "/v1.0/applications",
            &json!({ "displayName": scope, "isFallbackPublicClient": true }),
        );
        let principal =
            created(&self.directory, "/v1.0/servicePrincipals", &json!({ "appId": application["appId"] }));
        let resource = self.directory.get(&format!("/v1.0/servicePrincipals(appId='{RESOURCE}')")).ok();
        let grant = json!({
            "clientId": principal["id"], "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": scope,
        });
        created(&self.directory, "/v1.0/oauth2PermissionGrants", &grant);
        let form = [
            ("grant_type", "password"),
            ("client_id", application["appId"].as_str().unwrap()),
            ("username", name),
            ("password", PASSWORD),
            ("scope", &format!("{RESOURCE}/{scope}")),
        ];
        let answer = self.casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok();
        self.casbah.bearer(answer["access_token"].as_str().unwrap())
    }

    fn group(&self, name: &str) -> String {
        let body = json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true });
        created(&self.directory, "/v1.0/groups", &body)["id"].as_str().unwrap().to_string()
    }

    fn user_id(&self, name: &str) -> String {
        self.directory.get(&format!("/v1.0/users/{name}")).ok()["id"].as_str().unwrap().to_string()
    }

    fn put_in(&self, group: &str, member: &str) {
        let body = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{member}", self.casbah.url) });
        assert_eq!(self.directory.post(&format!("/v1.0/groups/{group}/members/$ref"), &body).status, 204);
    }
}

fn created(caller: &Session, path: &str, body: &Value) -> Value {
    let answer = caller.post(path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    answer.json()
}

fn address(caller: &Session, host: &str, who: &str) -> String {
    let path = "/api/v1/discovery/upload_url/?filename=proxy.log&source=SQUID";
    let address = caller.get(path).ok()["url"].as_str().unwrap().to_string();
    let log = format!(
        "10.0.0.1 - {who} [20/Nov/2026:07:09:25 +0000] \"PUT https://{host}/f HTTP/1.1\" 200 5000 TCP_MISS:HIER_DIRECT\n"
    );
    let put = caller.send("PUT", &address, &[("x-ms-blob-type", "BlockBlob")], log.as_bytes());
    assert_eq!(put.status, 201, "{}", put.text());
    address
}

fn finish(caller: &Session, address: &str, stream: &str, snapshot: bool) -> Answer {
    let body = json!({ "uploadUrl": address, "inputStreamName": stream, "uploadAsSnapshot": snapshot });
    caller.post("/api/v1/discovery/done_upload/", &body)
}

/// Uploads a log of one line and waits until it is counted.
fn upload(caller: &Session, stream: &str, who: &str, host: &str, snapshot: bool) -> Value {
    let finished = finish(caller, &address(caller, host, who), stream, snapshot).ok();
    let path = format!("{GOVERNANCE}{}/", finished["taskId"].as_str().unwrap());
    for _ in 0..20_000 {
        let task = caller.get(&path).ok();
        if !task["status"]["isSuccess"].is_null() {
            assert_eq!(task["status"]["isSuccess"], true, "{task}");
            return task;
        }
    }
    panic!("the task does not end");
}

fn list(caller: &Session, path: &str, body: &Value) -> Vec<Value> {
    let answer = caller.post(path, body).ok();
    let data = answer["data"].as_array().unwrap().clone();
    assert_eq!(answer["total"].as_u64(), Some(data.len() as u64), "{path}: {answer}");
    assert_eq!(answer["hasNext"], false, "{path}");
    data
}

fn total(caller: &Session, path: &str) -> i64 {
    caller.get(path).ok()["total"].as_i64().unwrap()
}

fn names(records: &[Value], field: &str) -> Vec<String> {
    records.iter().map(|r| r[field].as_str().unwrap().to_string()).collect()
}

/// How many open alerts the policies speak of.
fn counted_by_policies(caller: &Session) -> i64 {
    let data = list(caller, "/api/v1/policies/", &json!({}));
    assert!(data.len() > 3, "all policies are seen");
    data.iter().map(|policy| policy["alertsCount"].as_i64().unwrap()).sum()
}

/// Reads are as refused as changes: nothing there is pretended to be empty.
#[track_caller]
fn closed(caller: &Session, paths: &[&str]) {
    for path in paths {
        let text = caller.get(path).refused(403).to_string();
        assert!(text.contains("Forbidden"), "{path}: {text}");
    }
}

both! {
    fn a_report_admin_sees_one_report_and_uploads_to_it(casbah: &Casbah) {
        let world = World::new(casbah);
        let given = world.give("anna", "discovery-report", json!({ "reports": ["stockholm"] }));
        assert_eq!((&given["username"], &given["permission_type"]), (&json!(ANNA), &json!(5)));
        assert_eq!(given["reports"], json!([{ "id": world.stockholm, "name": "Stockholm" }]));

        let anna = casbah.user(ANNA);
        let made = anna.post("/api/v1/tokens/", &json!({ "name": "script" })).ok();
        let legacy = casbah.with_header(&format!("Token {}", made["token"].as_str().unwrap()));
        let (mine, other) = (world.alert(DROPBOX), world.alert(BOX));
        let log = list(&world.ada, GOVERNANCE, &json!({ "sortDirection": "asc" }));
        let task_of = |stream: &str| {
            log.iter().find(|t| t["inputStreamId"] == stream).unwrap()["_id"].as_str().unwrap().to_string()
        };
        for caller in [&anna, &legacy] {
            let streams = caller.get("/api/discovery/streams/").ok();
            assert_eq!(names(streams["streams"].as_array().unwrap(), "displayName"), ["Stockholm"]);
            assert_eq!(streams["total"], 1);
            let sources = caller.get("/api/v1/discovery/data_sources/").ok();
            assert_eq!((&sources["total"], &sources["data"][0]["displayName"]), (&json!(1), &json!("Stockholm")));
            for body in [
                json!({}), json!({ "streamId": world.stockholm }),
                json!({ "filters": { "appName": { "contains": "box" } } }),
                json!({ "filters": { "user.entity": { "eq": [ANNA, BERT] } } }),
            ] {
                assert_eq!(names(&list(caller, APPS, &body), "name"), ["Dropbox"], "{body}");
            }
            assert!(list(caller, APPS, &json!({ "filters": { "appId": { "eq": BOX } } })).is_empty());
            let absent = caller.post(APPS, &json!({ "streamId": "6a1f0c2b9d3e4f5a6b7c8d90" })).refused(400);
            let foreign = caller.post(APPS, &json!({ "streamId": world.oslo })).refused(400);
            assert_eq!(absent["streamId"][0]["errorMessageCode"], foreign["streamId"][0]["errorMessageCode"]);
            let categories = caller.post("/api/v1/discovery/discovered_apps/categories/", &json!({ "streamId": world.stockholm })).ok();
            assert_eq!(categories, json!([{ "id": "SAASDB_CATEGORY_CLOUD_STORAGE", "total": 1 }]));

            assert_eq!(names(&list(caller, ALERTS, &json!({})), "_id"), [mine.as_str()]);
            assert_eq!(names(&list(caller, ALERTS, &json!({ "isScan": true })), "_id"), [mine.as_str()]);
            assert!(list(caller, ALERTS, &json!({ "filters": { "entity.service": { "eq": BOX } } })).is_empty());
            assert!(list(caller, ALERTS, &json!({ "filters": { "id": { "eq": other } } })).is_empty());
            caller.get(&format!("{ALERTS}{mine}/")).ok();
            caller.get(&format!("{ALERTS}{other}/")).refused(404);
            caller.post(&format!("{ALERTS}{other}/read/"), &json!({})).refused(404);
            assert_eq!(counted_by_policies(caller), 1);

            assert_eq!(names(&list(caller, GOVERNANCE, &json!({})), "_id"), [task_of(&world.stockholm)]);
            caller.get(&format!("{GOVERNANCE}{}/", task_of(&world.oslo))).refused(404);
            caller.get(&format!("{GOVERNANCE}{}/destinations/", task_of(&world.oslo))).refused(404);
            caller.get(&format!("{GOVERNANCE}{}/destinations/", task_of(&world.stockholm))).ok();

            closed(caller, &[ACTIVITIES, BLOCK_SCRIPT, "/api/v1/subnet/", ADMINISTRATORS]);
            let every = json!({ "filters": { "alertOpen": { "eq": true } }, "comment": "" });
            caller.post("/api/v1/alerts/close_benign/", &every).refused(403);
            caller.post("/api/v1/discovery/discovery_app/11627/add_tag/", &json!({ "tagName": "Sanctioned" })).refused(403);
            caller.post("/api/v1/discovery/data_sources/", &json!({ "displayName": "x", "logType": 114 })).refused(403);

            for (stream, snapshot) in [("Oslo", false), ("Global View", false), ("June audit", true)] {
                let refusal = finish(caller, &address(caller, "slack.com", ANNA), stream, snapshot).refused(400);
                assert!(refusal["inputStreamName"][0]["errorMessageCode"].as_str().unwrap().contains("NOT_FOUND"));
                assert!(!refusal.to_string().contains("Oslo"), "{refusal}");
            }
        }
        let task = upload(&anna, "Stockholm", ANNA, "slack.com", false);
        assert_eq!(task["inputStreamId"], world.stockholm);
        assert_eq!(list(&anna, APPS, &json!({})).len(), 2);
        assert_eq!(total(&world.ada, APPS), 3);

        // An application that was lent less gets less, of the same records.
        let lent = world.lent(ANNA, "discovery.read");
        assert_eq!(names(&list(&lent, ALERTS, &json!({})), "_id"), [mine]);
        lent.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").refused(403);

        // Taken away, it is gone with the next call; a narrower right takes its place.
        world.ada.delete(&format!("{ADMINISTRATORS}{}/", given["_id"].as_str().unwrap())).ok();
        closed(&anna, &["/api/discovery/streams/", ALERTS]);
        closed(&legacy, &["/api/discovery/streams/", ALERTS]);
        world.give(ANNA, "discovery-report", json!({ "reports": [world.oslo], "readOnly": true }));
        assert_eq!(names(&list(&anna, ALERTS, &json!({})), "_id"), [other]);
        anna.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").refused(403);
        legacy.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").refused(403);
    }

    fn a_discovery_admin_sees_discovery_and_nothing_else(casbah: &Casbah) {
        let world = World::new(casbah);
        world.give(ANNA, "discovery", json!({}));
        let anna = casbah.user(ANNA);
        let streams = anna.get("/api/discovery/streams/").ok();
        let mut seen = names(streams["streams"].as_array().unwrap(), "displayName");
        // The clock stands still, so which of the two is older is left to their ids.
        seen.sort();
        assert_eq!(seen, ["Global View", "Oslo", "Stockholm"]);
        assert_eq!(list(&anna, ALERTS, &json!({})).len(), 2);
        upload(&anna, "June audit", BERT, "slack.com", true);
        anna.post("/api/v1/discovery/discovery_app/11627/add_tag/", &json!({ "tagName": "Unsanctioned" })).ok();
        assert!(anna.get(BLOCK_SCRIPT).text().contains(".dropbox.com"));
        let closing = json!({ "filters": { "id": { "eq": world.alert(BOX) } }, "comment": "" });
        assert_eq!(anna.post("/api/v1/alerts/close_benign/", &closing).ok()["closed_benign"], 1);
        closed(&anna, &[ACTIVITIES, "/api/v1/subnet/", ADMINISTRATORS]);
    }

    fn an_app_admin_sees_one_app(casbah: &Casbah) {
        let world = World::new(casbah);
        let given = world.give(ANNA, "app", json!({ "apps": ["dropbox"] }));
        assert_eq!(given["apps"], json!([{ "app": DROPBOX, "instance": null, "name": "Dropbox" }]));
        let anna = casbah.user(ANNA);
        let (mine, other) = (world.alert(DROPBOX), world.alert(BOX));
        assert_eq!(names(&list(&anna, ALERTS, &json!({})), "_id"), [mine.as_str()]);
        anna.get(&format!("{ALERTS}{other}/")).refused(404);
        assert_eq!(counted_by_policies(&anna), 1);
        assert!(list(&anna, ACTIVITIES, &json!({})).is_empty());
        assert!(list(&anna, GOVERNANCE, &json!({})).is_empty());
        closed(&anna, &["/api/discovery/streams/", APPS, BLOCK_SCRIPT, "/api/v1/subnet/", ADMINISTRATORS]);

        // Closing reaches as far as seeing does, whatever the filter says.
        let asked = json!({ "filters": { "id": { "eq": [mine, other] } }, "comment": "" });
        let answer = anna.post("/api/v1/alerts/close_benign/", &asked).ok();
        assert_eq!(answer, json!({ "closed_benign": 1, "alertsNotFound": [other] }));
        let reopened = anna.post("/api/v1/alerts/reopen/", &json!({ "filters": { "alertOpen": { "eq": false } } }));
        reopened.ok();
        let every = json!({ "filters": { "alertOpen": { "eq": true } }, "comment": "" });
        assert_eq!(anna.post("/api/v1/alerts/close_benign/", &every).ok()["closed_benign"], 1);
        assert_eq!(world.ada.get(&format!("{ALERTS}{other}/")).ok()["resolutionStatusValue"], 0);

        // Roles add up: the activities of Casbah itself come in with another app.
        let sign_in = list(&world.ada, ACTIVITIES, &json!({ "limit": 100, "filters": { "user.username": { "eq": ANNA } } }));
        let path = format!("{ACTIVITIES}{}/", sign_in[0]["_id"].as_str().unwrap());
        anna.get(&path).refused(404);
        anna.post(&format!("{path}feedback/"), &json!({ "feedback": "0" })).refused(404);
        world.give(ANNA, "app", json!({ "apps": [{ "app": 20595, "instance": 0 }], "readOnly": true }));
        anna.get(&path).ok();
        anna.post(&format!("{path}feedback/"), &json!({ "feedback": "0" })).ok();
        assert_eq!(list(&anna, ALERTS, &json!({})).len(), 1);
        assert!(!list(&anna, ACTIVITIES, &json!({ "filters": { "service": { "eq": 20595 } } })).is_empty());
        // An instance that nothing comes from.
        world.ada.delete(&format!("{ADMINISTRATORS}{ANNA}/")).ok();
        world.give(ANNA, "app", json!({ "apps": [{ "app": 20595, "instance": 7 }], "readOnly": true }));
        assert!(list(&anna, ACTIVITIES, &json!({})).is_empty());
        anna.post("/api/v1/alerts/close_benign/", &every).refused(403);
    }

    fn a_group_admin_sees_the_people_who_are_in_the_group_now(casbah: &Casbah) {
        let world = World::new(casbah);
        let (inner, outer) = (world.group("Storgatan"), world.group("Sweden"));
        world.put_in(&inner, &world.user_id(ANNA));
        world.put_in(&outer, &inner);
        casbah.user(ANNA);
        casbah.user(BERT);
        world.give("gert@contoso.example", "group", json!({ "groups": ["sweden"] }));
        let gert = casbah.user("gert@contoso.example");
        let (mine, other) = (world.alert(DROPBOX), world.alert(BOX));
        assert_eq!(names(&list(&gert, ALERTS, &json!({})), "_id"), [mine.as_str()]);
        gert.get(&format!("{ALERTS}{other}/")).refused(404);
        let seen = list(&gert, ACTIVITIES, &json!({}));
        assert!(!seen.is_empty() && seen.iter().all(|a| a["user"]["userName"] == ANNA), "{seen:?}");
        assert_eq!(list(&gert, ACTIVITIES, &json!({ "isScan": true })).len(), seen.len());
        assert!(list(&gert, ACTIVITIES, &json!({ "filters": { "user.username": { "eq": BERT } } })).is_empty());
        let of_bert = list(&world.ada, ACTIVITIES, &json!({ "filters": { "user.username": { "eq": BERT } } }));
        gert.get(&format!("{ACTIVITIES}{}/", of_bert[0]["_id"].as_str().unwrap())).refused(404);
        assert_eq!(counted_by_policies(&gert), 1);
        closed(&gert, &["/api/discovery/streams/", APPS, "/api/v1/subnet/"]);

        // Bert comes in, Anna goes: with the next question.
        world.put_in(&inner, &world.user_id(BERT));
        assert_eq!(list(&gert, ALERTS, &json!({})).len(), 2);
        let path = format!("/v1.0/groups/{inner}/members/{}/$ref", world.user_id(ANNA));
        assert_eq!(world.directory.delete(&path).status, 204);
        assert_eq!(names(&list(&gert, ALERTS, &json!({})), "_id"), [other]);
        assert!(list(&gert, ACTIVITIES, &json!({})).iter().all(|a| a["user"]["userName"] == BERT));
        assert_eq!(world.directory.delete(&format!("/v1.0/groups/{outer}")).status, 204);
        assert!(list(&gert, ALERTS, &json!({})).is_empty());
    }

    fn roles_are_given_and_taken_by_those_who_may(casbah: &Casbah) {
        let world = World::new(casbah);
        // The fields that clients of the original know.
        let old = json!({ "username": "bert", "permissionType": 0 });
        let bert_id = world.user_id(BERT);
        let given = world.ada.post("/cas/api/v1/manage_admin_access/", &old).ok();
        assert_eq!((&given["role"], &given["objectId"]), (&json!("global"), &json!(bert_id)));
        assert_eq!(world.ada.post(ADMINISTRATORS, &old).ok()["_id"], given["_id"], "given twice is held once");
        let bert = casbah.user(BERT);
        assert_eq!((list(&bert, ALERTS, &json!({})).len(), total(&bert, "/api/v1/subnet/")), (2, 0));
        bert.post(ADMINISTRATORS, &json!({ "username": "anna", "role": "security-operator" })).ok();
        let anna = casbah.user(ANNA);
        let held = anna.get(ADMINISTRATORS).ok();
        let brief = |r: &Value| (r["username"].clone(), r["permission_type"].clone(), r["objectId"].is_string());
        let held: Vec<_> = held["data"].as_array().unwrap().iter().map(brief).collect();
        assert_eq!(held.len(), 2);
        for expected in [(json!(BERT), json!(0), true), (json!(ANNA), json!(1), true)] {
            assert!(held.contains(&expected), "{held:?}");
        }
        casbah.user(READER).get(ADMINISTRATORS).ok();
        for caller in [&anna, &casbah.user(READER)] {
            caller.post(ADMINISTRATORS, &json!({ "username": "gert", "role": "security-reader" })).refused(403);
            caller.delete(&format!("{ADMINISTRATORS}{BERT}/")).refused(403);
        }
        // Nobody gives what the access token does not carry.
        let lent = world.lent(ADMINISTRATOR, "settings.manage");
        let refusal = lent.post(ADMINISTRATORS, &json!({ "username": "gert", "role": "global" })).refused(403).to_string();
        assert!(refusal.contains("Investigation.manage is missing") || refusal.contains("Investigation.read, "), "{refusal}");

        for (body, section) in [
            (json!({ "role": "global" }), "username"),
            (json!({ "username": "nobody", "role": "global" }), "username"),
            (json!({ "username": "anna" }), "role"),
            (json!({ "username": "anna", "role": "root" }), "role"),
            (json!({ "username": "anna", "permissionType": 6 }), "permissionType"),
            (json!({ "username": "anna", "role": "app" }), "apps"),
            (json!({ "username": "anna", "role": "app", "apps": ["No such app"] }), "apps"),
            (json!({ "username": "anna", "role": "app", "apps": [-1] }), "apps"),
            (json!({ "username": "anna", "role": "app", "apps": [[1]] }), "apps"),
            (json!({ "username": "anna", "role": "app", "apps": [1], "groups": ["x"] }), "groups"),
            (json!({ "username": "anna", "role": "group", "groups": ["No such group"] }), "groups"),
            (json!({ "username": "anna", "role": "discovery-report", "reports": ["Malmö"] }), "reports"),
            (json!({ "username": "anna", "role": "discovery-report", "reports": [7] }), "reports"),
            (json!({ "username": "anna", "role": "global", "readOnly": true }), "readOnly"),
        ] {
            let refusal = world.ada.post(ADMINISTRATORS, &body).refused(400);
            assert!(refusal[section][0]["error"].is_string(), "{body}: {refusal}");
        }

        // Each limit is a condition of every query, so there is an end to them; up to there they work.
        let many = |from: i64, count: i64| json!({ "apps": (from..from + count).collect::<Vec<_>>() });
        world.give("gert", "app", many(1_000, 60));
        world.give("gert", "app", many(2_000, 40));
        let more = json!({ "username": "gert", "role": "app", "apps": [1] });
        world.ada.post(ADMINISTRATORS, &more).refused(400);
        let gert = casbah.user("gert@contoso.example");
        assert!(list(&gert, ALERTS, &json!({})).is_empty() && list(&gert, ACTIVITIES, &json!({})).is_empty());

        // Both are in the audit trail, with what was and what is.
        world.give(ANNA, "app", json!({ "apps": [BOX] }));
        let gone = world.ada.delete(&format!("{ADMINISTRATORS}{}/", world.user_id(ANNA))).ok();
        assert_eq!(gone, json!({ "username": ANNA, "removed": 2 }));
        world.ada.delete(&format!("{ADMINISTRATORS}{ANNA}/")).refused(404);
        closed(&anna, &[ALERTS, ADMINISTRATORS]);
        let trail = list(&world.ada, ACTIVITIES, &json!({ "filters": { "activityObject": { "eq": world.user_id(ANNA) } } }));
        let details = |operation: &str| {
            let found = trail.iter().find(|a| a["mainInfo"]["rawOperationName"] == operation);
            found.unwrap_or_else(|| panic!("{operation} in {trail:?}"))["rawDataJson"]["Details"].clone()
        };
        let added = details("add administrator");
        assert_eq!((&added["before"], &added["name"]), (&json!({}), &json!(ANNA)));
        assert!(added["after"]["role"].is_string());
        assert_eq!(details("remove administrator")["before"]["roles"].as_array().unwrap().len(), 2);

        // A person who goes takes the role along; another tenant knows nothing of it.
        world.ada.delete(&format!("{ADMINISTRATORS}gert/")).ok();
        assert_eq!(world.directory.delete(&format!("/v1.0/users/{BERT}")).status, 204);
        assert_eq!(total(&world.ada, ADMINISTRATORS), 0);
        bert.get(ALERTS).refused(401);
    }
}

#[test]
fn a_role_taken_away_on_one_node_is_gone_on_the_other() {
    let (first, second) = crate::nodes::pair();
    let ada = first.user(ADMINISTRATOR);
    let directory = first.bearer(&first.directory_token(ADMINISTRATOR));
    let body = json!({
        "userPrincipalName": ANNA, "displayName": "anna", "mailNickname": "anna", "accountEnabled": true,
        "passwordProfile": { "password": PASSWORD },
    });
    created(&directory, "/v1.0/users", &body);
    let tokens = second.user_tokens(ANNA, &format!("{RESOURCE}/.default"));
    let anna = second.bearer(tokens["access_token"].as_str().unwrap());
    closed(&anna, &[ALERTS]);
    ada.post(ADMINISTRATORS, &json!({ "username": "anna", "role": "security-reader" })).ok();
    anna.get(ALERTS).ok();
    ada.delete(&format!("{ADMINISTRATORS}{ANNA}/")).ok();
    closed(&anna, &[ALERTS]);
}
