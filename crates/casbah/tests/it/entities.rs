//! People and accounts: from the directory, from what is done, and from what is sent in.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, Session,
};

const NOW_MS: i64 = 1_795_435_200_000;

/// A caller whose own calls are no sign-ins.
fn investigator(casbah: &Casbah) -> Session<'_> {
    casbah.with_header(&format!("Token {API_TOKEN}"))
}

fn entities(caller: &Session, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "sortField": "username", "sortDirection": "asc" });
    let answer = caller.post("/api/v1/entities/", &body).ok();
    let data = answer["data"].as_array().unwrap().clone();
    assert_eq!(answer["total"], data.len());
    data
}

fn names(found: &[Value]) -> Vec<&str> {
    found.iter().map(|entity| entity["displayName"].as_str().unwrap()).collect()
}

fn person(caller: &Session, address: &str) -> Value {
    let found = entities(caller, &json!({ "type": { "eq": 2 } }));
    found.into_iter().find(|entity| entity["email"] == address).unwrap_or_else(|| panic!("no {address}"))
}

fn key(entity: &Value) -> Value {
    serde_json::from_str(entity["username"].as_str().unwrap()).unwrap()
}

fn path(key: &str) -> String {
    format!("/api/v1/entities/{}/", STANDARD.encode(key))
}

fn ingest(caller: &Session, resource: &str, lines: &[Value]) -> Value {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let kind = [("content-type", "application/x-ndjson")];
    caller.send("POST", &format!("/api/v1/{resource}/ingest/"), &kind, text.as_bytes()).ok()
}

/// Something that somebody did in Box.
fn activity(id: &str, actor: &str, name: &str, before: i64) -> Value {
    json!({
        "_id": id, "timestamp": NOW_MS - before, "appId": 10489, "eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE",
        "user": { "userName": name }, "resolvedActor": { "id": actor },
    })
}

both! {
    /// Everybody in the directory is an entity, as they are now; who is deleted does not vanish.
    fn people_of_the_directory_are_entities(casbah: &Casbah) {
        let caller = investigator(casbah);
        let ada = person(&caller, ADMINISTRATOR);
        assert_eq!((&ada["displayName"], &ada["domain"]), (&json!("Ada Lindqvist"), &json!("contoso.example")));
        assert_eq!((&ada["isAdmin"], &ada["role"]), (&json!(true), &json!("Global Administrator")));
        assert_eq!((&ada["isExternal"], &ada["status"], &ada["idType"]), (&json!(false), &json!(2), &json!(1)));
        let id = ada["id"].as_str().unwrap();
        assert_eq!(ada["ii"], format!("11161|0|{id}"));
        assert_eq!(key(&ada), json!({ "id": id, "saas": 11161, "inst": 0 }));
        assert_eq!(ada["appData"], json!({ "appId": 11161, "name": "Office 365", "saas": 11161, "instance": 0 }));
        assert_eq!(ada["_id"].as_str().unwrap().len(), 24);
        assert!(ada["threatScore"].is_null() && ada["threatScoreHistory"] == json!([]));
        let groups: Vec<&str> = ada["userGroups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
        assert_eq!(groups, ["Administrators"]);

        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let header = [("content-type", "application/json")];
        let patch = |body: Value| {
            let answer = administrator.send("PATCH", &format!("/v1.0/users/{READER}"), &header, body.to_string().as_bytes());
            assert_eq!(answer.status, 204, "{}", answer.text());
        };
        patch(json!({ "accountEnabled": false, "displayName": "Rita Bergström" }));
        let rita = person(&caller, READER);
        assert_eq!((&rita["status"], &rita["displayName"]), (&json!(3), &json!("Rita Bergström")));
        assert_eq!(names(&entities(&caller, &json!({ "status": { "eq": "suspended" } }))), ["Rita Bergström"]);
        assert_eq!(administrator.delete(&format!("/v1.0/users/{READER}")).status, 204);
        let gone = entities(&caller, &json!({ "status": { "eq": [4] } }));
        assert_eq!(names(&gone), ["Rita Bergström"]);
        assert_eq!((&gone[0]["isAdmin"], &gone[0]["id"]), (&json!(false), &rita["id"]));
        let deleted = format!("/v1.0/directory/deletedItems/{}", rita["id"].as_str().unwrap());
        administrator.post(&format!("{deleted}/restore"), &json!({}));
        assert_eq!(person(&caller, READER)["status"], 3);
        administrator.delete(&format!("/v1.0/users/{READER}"));
        assert_eq!(administrator.delete(&deleted).status, 204);
        assert_eq!(names(&entities(&caller, &json!({ "status": { "eq": 4 } }))), ["Rita Bergström"]);

        let body = json!({ "invitedUserEmailAddress": "gus@lagoon.example", "inviteRedirectUrl": "https://app.example" });
        let answer = administrator.post("/v1.0/invitations", &body);
        assert!(answer.status < 300, "{}", answer.text());
        let gus = person(&caller, "gus@lagoon.example");
        assert_eq!((&gus["isExternal"], &gus["domain"], &gus["status"]), (&json!(true), &json!("lagoon.example"), &json!(1)));
        assert_eq!(gus["userGroups"][0]["id"], "000000200000000000000000");
        for filters in [json!({ "isExternal": { "eq": "true" } }), json!({ "affiliation": { "eq": [true] } }), json!({ "domain": { "eq": "LAGOON.example" } }), json!({ "userGroups": { "eq": "000000200000000000000000" } })] {
            assert_eq!(entities(&caller, &filters).len(), 1, "{filters}");
        }
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert!(entities(&other, &json!({ "type": { "eq": "user" } })).is_empty());
        other.get(&path(ada["username"].as_str().unwrap())).refused(404);
    }

    /// Whoever does something in an app has an account there; it belongs to the person whom an id or an address names.
    fn accounts_follow_from_activities(casbah: &Casbah) {
        let caller = investigator(casbah);
        let ada = person(&caller, ADMINISTRATOR);
        let answer = ingest(&caller, "activities", &[
            activity("a-1", "Box-17", "Ada@contoso.example", 3_000),
            activity("a-2", "Box-17", "ada@contoso.example", 60_000),
            activity("a-3", "Box-18", "mira@lagoon.example", 5_000),
            json!({ "_id": "a-4", "timestamp": NOW_MS - 9_000, "appId": 11627, "eventTypeName": "EVENT_CATEGORY_LOGIN",
                    "user": { "userName": ADMINISTRATOR } }),
            // A sign-in that failed may be anybody's.
            json!({ "_id": "a-5", "timestamp": NOW_MS - 1_000, "appId": 11627, "eventTypeName": "EVENT_CATEGORY_FAILED_LOGIN",
                    "user": { "userName": "password123@contoso.example" } }),
        ]);
        assert_eq!(answer["stored"], 5, "{answer}");
        let box_accounts = entities(&caller, &json!({ "app": { "eq": 10489 } }));
        assert_eq!(names(&box_accounts), ["Ada Lindqvist", "mira@lagoon.example"]);
        let (of_ada, mira) = (&box_accounts[0], &box_accounts[1]);
        assert_eq!((&of_ada["type"], &of_ada["id"]), (&json!(1), &json!("Box-17")));
        assert_eq!(of_ada["accounts"][0]["p"], ada["ii"]);
        assert_eq!(of_ada["lastSeen"], "2026-11-23T11:59:57.000Z");
        assert_eq!((&mira["isExternal"], &mira["domain"]), (&json!(true), &json!("lagoon.example")));
        assert!(entities(&caller, &json!({ "displayName": { "contains": "password123" } })).is_empty());

        // The account leads to the person, the person to all accounts.
        for (id, tree) in [(of_ada, true), (&ada, true), (&ada, false)] {
            let path = path(id["username"].as_str().unwrap());
            let found = caller.get(&format!("{path}{}", if tree { "retrieve_tree/" } else { "" })).ok();
            assert_eq!((&found["type"], &found["id"]), (&json!(2), &ada["id"]));
            let apps: Vec<i64> = found["accounts"].as_array().unwrap().iter().map(|a| a["saas"].as_i64().unwrap()).collect();
            assert!([11161, 10489, 11627].iter().all(|app| apps.contains(app)), "{apps:?}");
            let of_box = found["accounts"].as_array().unwrap().iter().find(|a| a["saas"] == 10489).unwrap();
            assert_eq!((&of_box["i"], &of_box["pa"], &of_box["ii"]), (&json!("Box-17"), &json!("Ada@contoso.example"), &json!("10489|0|Box-17")));
            assert_eq!(of_box["_id"], format!("fa-{}-10489", of_ada["_id"].as_str().unwrap()));
        }
        let alone = caller.get(&format!("{}retrieve_tree/", path(mira["username"].as_str().unwrap()))).ok();
        assert_eq!(alone["id"], "Box-18");

        // With a person come the accounts; and activities answer to the same keys.
        let with_accounts = entities(&caller, &json!({ "entity": { "eq": [key(&ada)] } }));
        assert!(with_accounts.len() >= 3, "{with_accounts:#?}");
        let activities = |filters: Value| {
            let body = json!({ "filters": filters, "limit": 100 });
            let mut ids: Vec<String> = caller.post("/api/v1/activities/", &body).ok()["data"].as_array().unwrap()
                .iter().map(|a| a["_id"].as_str().unwrap().to_string()).filter(|id| id.starts_with("a-")).collect();
            ids.sort();
            ids
        };
        assert_eq!(activities(json!({ "entity": { "eq": key(&ada) } })), ["a-1", "a-2", "a-4"]);
        assert_eq!(activities(json!({ "entity": { "eq": key(of_ada) } })), ["a-1", "a-2"]);
        assert_eq!(activities(json!({ "entity": { "neq": key(of_ada) }, "service": { "eq": 10489 } })), ["a-3"]);
        assert_eq!(activities(json!({ "user.tags": { "eq": { "role": 1, "adv": true } }, "service": { "eq": 11627 } })), ["a-4"]);
        assert_eq!(activities(json!({ "user.tags": { "eq": "000000200000000000000000" } })), ["a-3"]);
        assert_eq!(activities(json!({ "user.tags": { "isset": false }, "service": { "neq": 20595 } })), ["a-5"]);
        let one = caller.get("/api/v1/activities/a-1/").ok();
        assert_eq!(one["entityData"]["0"]["id"], json!({ "id": "Box-17", "saas": 10489, "inst": 0 }));
        assert_eq!(one["entityData"]["2"]["id"], key(&ada));
        assert_eq!((&one["resolvedActor"]["id"], &one["resolvedActor"]["saasId"]), (&ada["id"], &json!("11161")));

        // Somebody who comes into the directory later gets the accounts that were there before.
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let body = json!({ "userPrincipalName": "mira@contoso.example", "displayName": "Mira Holt", "mailNickname": "mira", "mail": "mira@lagoon.example" });
        assert!(administrator.post("/v1.0/users", &body).status < 300);
        let tree = caller.get(&format!("{}retrieve_tree/", path(mira["username"].as_str().unwrap()))).ok();
        assert_eq!(tree["displayName"], "Mira Holt");

        // Applications act under their own name.
        casbah.application().get("/api/v1/alerts/").ok();
        let applications = json!({ "userGroups": { "eq": "0000003b0000000000000000" } });
        let found = (0..2_000).map(|_| entities(&caller, &applications)).find(|found| !found.is_empty()).unwrap();
        assert_eq!((&found[0]["displayName"], &found[0]["idType"]), (&json!("Integration tests"), &json!(17)));
    }

    /// A key in every spelling that clients use; and what is none is told.
    fn keys_are_read_in_every_spelling(casbah: &Casbah) {
        let caller = investigator(casbah);
        ingest(&caller, "entities", &[json!({ "ii": "10489|0|ü?>~", "displayName": "Odd" }), json!({ "ii": "10489|2|ü?>~", "displayName": "Odder" })]);
        let standard = |text: &str| STANDARD.encode(text);
        let keys = [
            r#"{"id":"ü?>~","saas":10489,"inst":0}"#,
            r#"{"inst": 0, "saas": 10489, "id": "ü?>~"}"#,
            r#"{ "saas" : "10489" , "id" : "Ü?>~" }"#,
            r#"{"id":"ü?>~","saas":10489,"inst":null}"#,
            r#"{"id":"ü?>~","saas":10489}"#,
        ];
        for key in keys {
            let encoded = standard(key);
            let url_safe = encoded.replace('+', "-").replace('/', "_");
            for form in [url_safe.clone(), url_safe.trim_end_matches('=').to_string(), encoded.replace('/', "%2F").replace('+', "%2B"), encoded.replace('/', "%2F").replace('=', "%3D")] {
                for end in ["", "/"] {
                    let found = caller.get(&format!("/cas/api/v1/entities/{form}{end}")).ok();
                    assert_eq!(found["displayName"], "Odd", "{key}");
                }
            }
        }
        let second = standard(r#"{"id":"ü?>~","saas":10489,"inst":2}"#).replace('/', "_").replace('+', "-");
        assert_eq!(caller.get(&format!("/api/v1/entities/{second}/")).ok()["displayName"], "Odder");
        for bad in ["abc", "e30=", "bnVsbA", "AA%2FA", "eyJpZCI6IngifQ"] {
            let answer = caller.get(&format!("/api/v1/entities/{bad}/"));
            assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
            assert_eq!(answer.json()["error"], true);
        }
        caller.get(&path(r#"{"id":"nobody","saas":10489}"#)).refused(404);
    }

    /// Taken in once by key; what a later line leaves out stays, and every fault is named.
    fn entities_are_taken_in(casbah: &Casbah) {
        let caller = investigator(casbah);
        let lines = [
            json!({ "type": 2, "id": "u-1", "appData": { "saas": 11161 }, "displayName": "Mira Holt", "email": "mira@lagoon.example",
                    "status": 2, "organization": "Sales", "lastSeen": "2026-11-20T08:00:00Z", "identifiers": ["S-1"],
                    "accounts": [{ "ii": "10489|0|m-1", "dn": "Mira at Box", "pa": "mira@lagoon.example", "s": 2 }] }),
            json!({ "username": "{\"id\": \"m-2\", \"saas\": 11627, \"inst\": 0}", "email": "MIRA@lagoon.example", "isAdmin": true, "role": "Owner" }),
            json!({ "ii": "11161", "displayName": "x" }),
            json!({ "displayName": "x" }),
            json!({ "ii": "1|0|x", "type": 3 }),
            json!({ "ii": "1|0|x", "lastSeen": "2027-01-01T00:00:00Z" }),
            json!([]),
        ];
        let answer = ingest(&caller, "entities", &lines);
        assert_eq!((&answer["received"], &answer["stored"], &answer["rejected"]), (&json!(7), &json!(2), &json!(5)), "{answer}");
        let fields: Vec<&Value> = answer["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert_eq!(fields, [&json!("ii"), &json!("id"), &json!("type"), &json!("lastSeen"), &Value::Null]);
        let again = ingest(&caller, "entities", &lines[..2]);
        assert_eq!((&again["stored"], &again["unchanged"]), (&json!(0), &json!(2)));

        let mira = caller.get(&format!("{}retrieve_tree/", path(r#"{"id":"m-2","saas":11627}"#))).ok();
        assert_eq!((&mira["displayName"], &mira["organization"], &mira["lastSeen"]), (&json!("Mira Holt"), &json!("Sales"), &json!("2026-11-20T08:00:00.000Z")));
        assert_eq!(mira["accounts"].as_array().unwrap().len(), 3);
        assert_eq!(names(&entities(&caller, &json!({ "organization": { "eq": "sales" } }))), ["Mira Holt"]);
        let changed = ingest(&caller, "entities", &[json!({ "ii": "11161|0|u-1", "type": 2, "status": 3 })]);
        assert_eq!(changed["stored"], 1);
        let mira = caller.get(&path(r#"{"id":"u-1","saas":11161}"#)).ok();
        assert_eq!((&mira["status"], &mira["email"], &mira["identifiers"]), (&json!(3), &json!("mira@lagoon.example"), &json!(["S-1"])));
        assert!(entities(&caller, &json!({ "isAdmin": { "eq": "true" } })).iter().any(|e| e["role"] == "Owner"));

        // What the directory knows of its own people it knows better.
        let ada = person(&caller, ADMINISTRATOR);
        ingest(&caller, "entities", &[json!({ "ii": ada["ii"], "type": 2, "displayName": "Eve", "status": 4, "organization": "Board" })]);
        let ada = person(&caller, ADMINISTRATOR);
        assert_eq!((&ada["displayName"], &ada["status"], &ada["organization"]), (&json!("Ada Lindqvist"), &json!(2), &json!("Board")));

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(json!({ "ii": "1|0|zipped" }).to_string().as_bytes()).unwrap();
        let answer = caller.send("POST", "/api/v1/entities/ingest", &[("content-encoding", "gzip")], &packed.finish().unwrap()).ok();
        assert_eq!(answer["stored"], 1);
        casbah.user(READER).send("POST", "/api/v1/entities/ingest", &[], b"{}").refused(403);
    }

    /// Pages and scans give everybody once; unknown filters and values are refused by name.
    fn lists_give_everybody_once(casbah: &Casbah) {
        let caller = investigator(casbah);
        let lines: Vec<Value> = (0..250).map(|n| json!({ "ii": format!("10489|0|p-{n:03}"), "displayName": format!("P {}", n % 7) })).collect();
        ingest(&caller, "entities", &lines);
        let filters = json!({ "app": { "eq": 10489 } });
        for sort in ["username", "lastSeen", "score", "displayName", "date", "severity"] {
            let mut seen = Vec::new();
            loop {
                let body = json!({ "filters": filters, "skip": seen.len(), "limit": 60, "sortField": sort, "sortDirection": "asc" });
                let page = caller.post("/api/v1/entities/", &body).ok();
                assert_eq!(page["total"], 250);
                seen.extend(page["data"].as_array().unwrap().iter().map(|e| e["id"].clone()));
                if page["hasNext"] == false {
                    break;
                }
            }
            seen.sort_by_key(ToString::to_string);
            seen.dedup();
            assert_eq!(seen.len(), 250, "{sort}");
        }
        let (mut seen, mut given) = (Vec::new(), filters);
        loop {
            let page = caller.post("/api/v1/entities/", &json!({ "filters": given, "limit": 90, "isScan": true })).ok();
            seen.extend(page["data"].as_array().unwrap().iter().map(|e| e["id"].clone()));
            if page["hasNext"] == false {
                assert!(page.get("nextQueryFilters").is_none());
                break;
            }
            given = page["nextQueryFilters"].clone();
        }
        seen.sort_by_key(ToString::to_string);
        seen.dedup();
        assert_eq!(seen.len(), 250);
        assert_eq!(caller.post("/api/v1/accounts/", &json!({ "filters": { "service": { "eq": "10489" } } })).ok()["total"], 250);
        let none: &[Value] = &[json!({}), json!({ "type": {} }), json!({ "userGroups": { "eq": [] } }), json!({ "score": { "isset": false } })];
        for filters in none {
            assert!(caller.post("/api/v1/entities/", &json!({ "filters": filters })).ok()["total"].as_i64().unwrap() > 250, "{filters}");
        }
        for (filters, word) in [
            (json!({ "nothing": { "eq": 1 } }), "nothing"),
            (json!({ "type": { "eq": "robot" } }), "account"),
            (json!({ "status": { "eq": 9 } }), "suspended"),
            (json!({ "userGroups": { "eq": "x" } }), "userGroups"),
            (json!({ "isAdmin": { "neq": true } }), "isAdmin"),
        ] {
            let refused = caller.post("/api/v1/entities/", &json!({ "filters": filters })).refused(400);
            assert!(refused["filters"][0]["error"].as_str().unwrap().contains(word), "{refused}");
        }
        caller.post("/api/v1/entities/", &json!({ "sortField": "height" })).refused(400);
    }
}
