//! IP address ranges over HTTP: every way of asking, what is refused, who may, and callers at the same moment.

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT, CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options,
    READER, RESOURCE, Session, TENANT,
};

const LIST: &str = "/api/v1/subnet/";
const CREATE: &str = "/api/v1/subnet/create_rule/";
const AZURE: &str = "0000002a0000000000000000";
const NOBODY: &str = "000000000000000000000000";

fn body(name: &str, subnets: &[&str]) -> Value {
    json!({"name": name, "category": 1, "subnets": subnets})
}

/// Makes a range; its id.
#[track_caller]
fn create(caller: &Session, body: &Value) -> String {
    caller.post(CREATE, body).ok().as_str().expect("a bare id").to_string()
}

fn path(id: &str) -> String {
    format!("/api/v1/subnet/{id}/")
}

/// Replaces a range; its new state.
#[track_caller]
fn update(caller: &Session, id: &str, body: &Value) -> Value {
    caller.post(&format!("/api/v1/subnet/{id}/update_rule/"), body).ok()
}

/// The sentence of a refusal, which names the parameter.
#[track_caller]
fn refused(caller: &Session, path: &str, body: &Value, section: &str) -> String {
    let refusal = caller.post(path, body).refused(400);
    assert_eq!(refusal["error"], true);
    assert_eq!(refusal[section][0]["errorMessageCode"], "CONSOLE_FORMS_NOT_VALID_VALUE", "{refusal}");
    assert_eq!(refusal[section][0]["error"], refusal["errors"][0]["error"]);
    refusal["errors"][0]["error"].as_str().unwrap().to_string()
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect()
}

/// An application that holds one permission; as itself.
fn holder<'c>(casbah: &'c Casbah, administrator: &Session, permission: &str) -> Session<'c> {
    let create = |path: &str, body: Value| {
        let answer = administrator.post(path, &body);
        assert!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.text());
        answer.json()
    };
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let application = create("/v1.0/applications", json!({"displayName": permission}));
    let principal = create("/v1.0/servicePrincipals", json!({"appId": application["appId"]}));
    let resource = administrator.get(&format!("/v1.0/servicePrincipals(appId='{RESOURCE}')")).ok();
    let role = resource["appRoles"].as_array().unwrap().iter().find(|r| r["value"] == permission).unwrap();
    let assigned = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", text(&resource["id"]));
    create(
        &assigned,
        json!({"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": role["id"]}),
    );
    let key = format!("/v1.0/applications/{}/addPassword", text(&application["id"]));
    let key = create(&key, json!({"passwordCredential": {"displayName": "key"}}));
    casbah.bearer(&casbah.application_token(TENANT, &text(&application["appId"]), &text(&key["secretText"])))
}

/// What every caller got, when all call at the same moment: status and answer.
fn at_once(callers: &[Session], body: impl Fn(usize) -> Value + Sync) -> Vec<(u16, String)> {
    let barrier = std::sync::Barrier::new(callers.len());
    let call = |n: usize| {
        barrier.wait();
        let answer = callers[n].post(CREATE, &body(n));
        (answer.status, answer.text())
    };
    std::thread::scope(|scope| {
        let call = &call;
        let all: Vec<_> = (0..callers.len()).map(|n| scope.spawn(move || call(n))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn exactly_one_wins(callers: &[Session]) {
    for round in 0..5 {
        // Each of these overlaps with each other one.
        let answers =
            at_once(callers, |n| body(&format!("Overlap {round} {n}"), &[&format!("10.{round}.0.{n}/16")]));
        let won = answers.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(won, 1, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(status, text)| *status == 200 || (*status == 400 && text.contains("overlaps"))),
            "{answers:?}"
        );
        let answers = at_once(callers, |n| body(&format!("Name {round}"), &[&format!("172.16.{round}.{n}")]));
        let won = answers.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(won, 1, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(status, text)| *status == 200 || (*status == 400 && text.contains("is named"))),
            "{answers:?}"
        );
        // One new tag for all of them.
        let answers = at_once(
            callers,
            |n| json!({"name": format!("Tagged {round} {n}"), "category": 6, "subnets": [format!("192.0.{round}.{n}")], "tags": [format!("New {round}")]}),
        );
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    }
    let tags = callers[0].get("/api/tags/?target=ip&limit=100").ok();
    let new = names(&tags).iter().filter(|name| name.starts_with("New ")).count();
    assert_eq!(new, 5, "{:?}", names(&tags));
}

/// Two nodes on one database decide together.
#[test]
fn callers_of_two_nodes_at_once_on_postgres() {
    let database = Database::postgres();
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "k".repeat(43)).unwrap();
    let options = || Options {
        arguments: vec![
            "--public-url".into(),
            "https://localhost:8443".into(),
            "--master-key-file".into(),
            key.path().to_str().unwrap().to_string(),
        ],
        ..Options::default()
    };
    let first = Casbah::start_with(database.clone(), &options());
    let second = Casbah::start_with(database, &options());
    let token = first.application_token(TENANT, CLIENT, CLIENT_SECRET);
    let (one, two) = (first.bearer(&token), second.bearer(&token));
    exactly_one_wins(&[one.clone(), two.clone(), one.clone(), two.clone(), one, two]);
}

both! {
    fn a_range_is_made_changed_and_deleted(casbah: &Casbah) {
        let caller = casbah.application();
        let given = json!({
            "name": "Oslo office", "category": "1", "organization": "Fjord Net", "overrideOrganization": true,
            "subnets": ["198.51.100.77/24", "203.0.113.9", "2001:db8::/32"],
            "tags": ["Branch", "microsoft azure", {"_id": "00000031", "id": "000000310000000000000000", "name": "x"}, AZURE],
            "location": {"name": "Oslo", "latitude": "59.91", "longitude": 10.75, "countryCode": "no", "countryName": "Norway"},
        });
        let id = create(&caller, &given);
        assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()));
        let range = caller.get(&path(&id)).ok();
        assert!(range.get("data").is_none(), "a fetch is the bare record");
        assert_eq!((&range["_id"], &range["name"], &range["category"], &range["_tid"]), (&json!(id), &json!("Oslo office"), &json!(1), &json!(90_210_417)));
        assert_eq!(range["organization"], "Fjord Net");
        assert_eq!(range["subnets"], json!([
            {"mask": 120, "address": "0000:0000:0000:0000:0000:ffff:c633:6400", "originalString": "198.51.100.77/24"},
            {"mask": 128, "address": "0000:0000:0000:0000:0000:ffff:cb00:7109", "originalString": "203.0.113.9"},
            {"mask": 32, "address": "2001:0db8:0000:0000:0000:0000:0000:0000", "originalString": "2001:db8::/32"},
        ]));
        assert_eq!(range["location"], json!({"name": "Oslo", "latitude": 59.91, "longitude": 10.75, "countryCode": "NO", "countryName": "Norway"}));
        assert_eq!(range["lastModified"], json!(1_795_435_200_000.0));
        assert!(range["lastModified"].is_f64());
        let tags = range["tags"].as_array().unwrap();
        let known: Vec<_> = tags.iter().map(|t| (t["name"].as_str().unwrap(), t["type"].as_i64().unwrap())).collect();
        assert_eq!(known, [("Branch", 0), ("Microsoft Azure", 2), ("Internal network IP", 2)], "each once");
        for tag in tags {
            assert_eq!((&tag["_id"], &tag["target"], &tag["status"], &tag["visibility"], &tag["_tid"]), (&tag["id"], &json!(1), &json!(0), &json!(0), &json!(90_210_417)));
            let built_in = tag["type"] == 2;
            assert_eq!(tag["nameTemplate"]["template"].is_string() && tag["descriptionTemplate"]["template"].is_string() && tag["description"].is_string(), built_in);
        }
        assert_eq!(caller.get("/cas/api/subnet").ok()["data"], json!([range]));

        // To a temporary name and back; between, a full replacement empties what it does not say.
        let mut whole = range.clone();
        whole["name"] = json!("Oslo office (old)");
        let renamed = update(&caller, &id, &whole);
        assert_eq!((&renamed["name"], &renamed["tags"], &renamed["subnets"]), (&whole["name"], &range["tags"], &range["subnets"]), "a whole record can be sent back");
        assert_eq!(update(&caller, &id, &range), range);
        assert_eq!(update(&caller, &id, &json!({"name": "OSLO OFFICE"}))["name"], "OSLO OFFICE", "only the case changes");
        let emptied = caller.get(&path(&id)).ok();
        assert_eq!((&emptied["organization"], &emptied["tags"], &emptied["location"]), (&Value::Null, &json!([]), &Value::Null));
        assert_eq!((&emptied["subnets"], &emptied["category"]), (&range["subnets"], &range["category"]), "required fields that are left out stay");
        let moved = update(&caller, &id, &json!({"name": "Oslo office", "category": 5, "subnets": ["198.51.100.0/25"], "tags": null, "organization": null, "_id": id, "_tid": 1}));
        assert_eq!((&moved["category"], &moved["subnets"][0]["mask"], &moved["_tid"]), (&json!(5), &json!(121), &json!(90_210_417)));
        // What it left is free again.
        create(&caller, &body("Second", &["203.0.113.0/24", "203.0.113.0/25", "203.0.113.128"]));

        let tags = caller.get("/api/tags/?target=ip&enabledOnly=true&sort=name&sortDirectory=asc").ok();
        assert_eq!((tags["total"].as_i64(), names(&tags)[0]), (Some(38), "Akamai Technologies"));
        assert!(names(&tags).contains(&"Branch"), "a tag outlives its ranges");
        caller.delete(&path(&id)).ok();
        caller.get(&path(&id)).refused(404);
        caller.delete(&path(&id)).refused(404);
        assert_eq!(caller.get(LIST).ok()["total"], 1);
        create(&caller, &body("Oslo office", &["198.51.100.0/24"]));
    }

    fn what_is_wrong_is_named(casbah: &Casbah) {
        let caller = casbah.application();
        let id = create(&caller, &body("Oslo office", &["10.0.0.0/16", "2001:db8::/48"]));
        let other = create(&caller, &body("Bergen", &["10.1.0.0/16"]));
        let check = |change: Value, section: &str, named: &str| {
            let mut wrong = body("New", &["10.9.0.0/16"]);
            for (key, value) in change.as_object().unwrap() {
                wrong[key] = value.clone();
            }
            let text = refused(&caller, CREATE, &wrong, section);
            assert!(text.contains(named), "{text} does not name {named}");
        };
        for overlap in ["10.0.0.0/16", "10.0.255.255", "10.0.7.0/24", "::ffff:10.0.0.1"] {
            check(json!({"subnets": ["192.0.2.1", overlap]}), "subnets", "\"Oslo office\"");
        }
        check(json!({"subnets": ["2001:db8:0:1::/64"]}), "subnets", "2001:db8::/48");
        check(json!({"subnets": ["10.1.0.0/15"]}), "subnets", "\"Bergen\"");
        for bad in ["10.0.0.0/33", "10.0.0/8", "host.example", "::/129", "10.0.0.0/255.0.0.0", ""] {
            check(json!({"subnets": ["10.9.0.0/16", bad]}), "subnets", &format!("{bad:?}"));
        }
        check(json!({"subnets": []}), "subnets", "1 to");
        check(json!({"subnets": [7]}), "subnets", "subnets");
        check(json!({"subnets": null}), "subnets", "missing");
        check(json!({"name": "oslo OFFICE "}), "name", "oslo OFFICE");
        check(json!({"name": null}), "name", "missing");
        check(json!({"name": " "}), "name", "empty");
        check(json!({"name": "x".repeat(201)}), "name", "200");
        check(json!({"category": null}), "category", "missing");
        for bad in [json!(0), json!(7), json!("corporation"), json!([1]), json!(1.5)] {
            check(json!({"category": bad}), "category", "5 (Cloud provider)");
        }
        check(json!({"tags": [NOBODY]}), "tags", NOBODY);
        check(json!({"tags": [{"id": NOBODY, "name": "Branch"}]}), "tags", NOBODY);
        check(json!({"tags": [7]}), "tags", "tags");
        check(json!({"tags": [""]}), "tags", "empty");
        check(json!({"tags": [{"colour": "red"}]}), "tags", "names, ids or tags");
        check(json!({"location": "Oslo"}), "location", "object");
        check(json!({"location": {"latitude": 91}}), "location", "latitude");
        check(json!({"location": {"countryCode": "NOR"}}), "location", "two letters");
        let change = format!("/api/v1/subnet/{other}/update_rule/");
        assert!(refused(&caller, &change, &json!({"name": "OSLO office"}), "name").contains("OSLO office"));
        assert!(refused(&caller, &change, &json!({"subnets": ["10.0.0.0/8"]}), "subnets").contains("Oslo office"));
        assert!(refused(&caller, "/api/v1/subnet/NEW/update_rule/", &json!({}), "id").contains("24 hex"));
        // Nothing of all that was kept.
        let list = caller.get(LIST).ok();
        assert_eq!(names(&list), ["Bergen", "Oslo office"]);
        assert_eq!(list["data"][0], caller.get(&path(&other)).ok());
        assert_eq!(caller.get("/api/v1/tags/?target=ip").ok()["total"], 37);
        caller.get("/api/v1/tags/").refused(400);
        caller.get("/api/v1/tags/?target=app").refused(400);
        caller.get("/api/v1/tags/?target=ip&sortDirectory=up").refused(400);
        assert_eq!(names(&caller.get("/api/v1/tags?target=1&sortDirectory=desc&limit=1").ok()), ["Zscaler"]);
        for (filters, named) in [
            (json!({"colour": {"eq": 1}}), "colour"),
            (json!({"category": {"gt": 1}}), "gt"),
            (json!({"category": {"eq": "corporate"}}), "category"),
            (json!({"tags": {"eq": ["Branch"]}}), "tags"),
            (json!({"builtIn": {"neq": true}}), "neq"),
        ] {
            let text = refused(&caller, LIST, &json!({"filters": filters}), "filters");
            assert!(text.contains(named), "{text} does not name {named}");
        }
        refused(&caller, LIST, &json!({"sortField": "organization"}), "sortField");
        caller.send("PUT", &path(&id), &[], b"").refused(405);
    }

    fn parameters_arrive_in_every_way(casbah: &Casbah) {
        let caller = casbah.application();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let json_type = ("content-type", "application/json");
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nE\r\n--b\r\nContent-Disposition: form-data; \
                         name=\"category\"\r\n\r\n3\r\n--b\r\nContent-Disposition: form-data; name=\"subnets\"\r\n\r\n[\"10.5.0.0/16\"]\r\n--b--\r\n";
        type Way<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let ways: [Way; 7] = [
            ("/api/v1/subnet/create_rule/", &[json_type], r#"{"name":"A","category":3,"subnets":["10.1.0.0/16"],"tags":["T"]}"#),
            ("/api/subnet/create_rule", &[form], r#"{"name":"B","category":"3","subnets":["10.2.0.0/16"],"tags":"T"}"#),
            ("/cas/api/v1/subnet/create_rule/", &[], r#"{"name":"C","category":3.0,"subnets":"10.3.0.0/16","tags":[{"name":"t"}]}"#),
            ("/cas/api/subnet/create_rule", &[form], "name=D&category=risky&subnets=10.4.0.0%2F16&tags=%5B%22T%22%5D&organization="),
            ("//api//v1/subnet/create_rule/", &[("content-type", "multipart/form-data; boundary=b")], multipart),
            ("/api/v1/subnet/create_rule/?name=F&category=3&subnets=10.6.0.0/16&tags=T", &[], ""),
            ("/api/v1/subnet/create_rule/", &[json_type], r#"{"name":"X","name":"G","category":"Risky","tags":null,"location":{},"Name":"y","subnets":[{"mask":112,"address":"0000:0000:0000:0000:0000:ffff:0a07:0000"}]}"#),
        ];
        for (path, headers, body) in ways {
            let answer = caller.send("POST", path, headers, body.as_bytes());
            assert_eq!(answer.ok().as_str().unwrap().len(), 24, "{path} {body}");
        }
        let all = caller.get(LIST).ok();
        assert_eq!(names(&all), ["A", "B", "C", "D", "E", "F", "G"]);
        for (n, range) in all["data"].as_array().unwrap().iter().enumerate() {
            assert_eq!((&range["category"], &range["organization"]), (&json!(3), &Value::Null));
            assert_eq!(range["subnets"][0]["address"], format!("0000:0000:0000:0000:0000:ffff:0a{:02x}:0000", n + 1));
            assert_eq!(range["subnets"][0]["mask"], 112);
            assert_eq!(range["tags"].as_array().unwrap().len(), usize::from(![4, 6].contains(&n)), "{range}");
        }
        let wanted = caller.post(LIST, &json!({"limit": 2, "skip": 1, "sortField": "name", "sortDirection": "desc"})).ok();
        assert_eq!(names(&wanted), ["F", "E"]);
        assert_eq!((&wanted["total"], &wanted["hasNext"], &wanted["max"], &wanted["moreThanTotal"]), (&json!(7), &json!(true), &json!(2), &json!(false)));
        let json_text = r#"{"limit":"2","skip":"1","sortField":"name","sortDirection":"desc","unknown":null}"#;
        type ListWay<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
        let lists: [ListWay; 5] = [
            ("GET", "/api/v1/subnet/?limit=2&skip=1&sortField=name&sortDirection=desc", &[], ""),
            ("GET", "/api/subnet", &[json_type], json_text),
            ("POST", "/cas/api/subnet/", &[form], json_text),
            ("POST", "/api/v1/subnet", &[], json_text),
            ("POST", "/cas/api/v1/subnet/", &[form], "limit=2&skip=1&sortField=name&sortDirection=desc&filters=%7B%7D"),
        ];
        for (method, path, headers, body) in lists {
            assert_eq!(caller.send(method, path, headers, body.as_bytes()).ok(), wanted, "{method} {path} {body}");
        }
        for body in ["", "{}", r#"{"filters":[]}"#, r#"{"filters":null,"limit":500}"#] {
            assert_eq!(caller.send("POST", LIST, &[json_type], body.as_bytes()).ok()["data"], all["data"], "{body}");
        }
    }

    fn lists_filter_sort_and_page(casbah: &Casbah) {
        let caller = casbah.application();
        for n in 0..12 {
            let tags = [json!(["Branch"]), json!([AZURE]), json!([]), json!(["Branch", AZURE])][n % 4].clone();
            create(&caller, &json!({"name": format!("Range {n:02}"), "category": n % 3 + 1, "subnets": [format!("10.0.{n}.0/24")], "tags": tags}));
        }
        let tags = caller.get("/api/v1/tags/?target=ip").ok();
        let branch = tags["data"].as_array().unwrap().iter().find(|t| t["name"] == "Branch").unwrap()["id"].clone();
        let total = |filters: Value| caller.post(LIST, &json!({"filters": filters})).ok()["total"].as_i64().unwrap();
        assert_eq!(total(json!({"category": {"eq": 1}})), 4);
        assert_eq!(total(json!({"category": {"eq": ["1", 3]}})), 8);
        assert_eq!(total(json!({"category": {"neq": [1]}})), 8);
        assert_eq!(total(json!({"category": {"neq": [9]}})), 12);
        assert_eq!(total(json!({"category": {"eq": []}, "tags": {"neq": []}, "builtIn": {}})), 12);
        assert_eq!(total(json!({"tags": {"eq": [branch]}})), 6);
        assert_eq!(total(json!({"tags": {"eq": AZURE, "neq": [branch]}})), 3);
        assert_eq!(total(json!({"tags": {"eq": [branch, AZURE]}})), 9);
        assert_eq!(total(json!({"tags": {"eq": [null]}})), 3);
        assert_eq!(total(json!({"tags": {"eq": NOBODY}})), 0);
        assert_eq!(total(json!({"tags": {"eq": vec![NOBODY; 9_999]}, "category": {"neq": vec![2; 9_999]}})), 0, "a long list is not a long statement");
        assert_eq!(total(json!({"builtIn": {"eq": ["true"]}})), 0);
        assert_eq!(total(json!({"builtIn": {"eq": false}})), 12);
        for field in ["name", "category", "tags"] {
            for direction in ["asc", "desc"] {
                let mut seen: Vec<Value> = Vec::new();
                loop {
                    let body = json!({"skip": seen.len(), "limit": 5, "sortField": field, "sortDirection": direction});
                    let page = caller.post(LIST, &body).ok();
                    seen.extend(page["data"].as_array().unwrap().iter().cloned());
                    if page["hasNext"] == false {
                        break;
                    }
                }
                let key = |r: &Value| {
                    let tags: Vec<&str> = r["tags"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
                    let first = match field { "category" => r["category"].to_string(), "tags" => tags.join("\n"), _ => String::new() };
                    (first, r["name"].to_string())
                };
                let mut expected = seen.clone();
                expected.sort_by_key(key);
                if direction == "desc" {
                    expected.reverse();
                }
                assert_eq!((seen.len(), &seen), (12, &expected), "{field} {direction}");
            }
        }
    }

    fn who_may_read_and_who_may_change(casbah: &Casbah) {
        let owner = casbah.application();
        let id = create(&owner, &body("Oslo office", &["198.51.100.0/24"]));
        let change = format!("/api/v1/subnet/{id}/update_rule/");
        let tags = "/api/v1/tags/?target=ip";
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for (n, (permission, reads, changes)) in [
            ("investigation.read", true, false),
            ("investigation.manage", true, true),
            ("discovery.read", false, false),
            ("discovery.manage", false, false),
            ("settings.read", true, false),
            ("settings.manage", true, true),
        ].into_iter().enumerate() {
            let caller = holder(casbah, &administrator, permission);
            for path in [LIST, &path(&id), tags] {
                if reads { caller.get(path).ok(); } else {
                    let text = caller.get(path).refused(403).to_string();
                    assert!(text.contains("Forbidden") && text.contains("Settings.read"), "{permission} {path}: {text}");
                }
            }
            let new = body(permission, &[&format!("10.0.{n}.0/24")]);
            if changes {
                let made = create(&caller, &new);
                update(&caller, &made, &json!({"name": "changed"}));
                caller.delete(&path(&made)).ok();
                continue;
            }
            for refusal in [caller.post(CREATE, &new), caller.post(&change, &new), caller.delete(&path(&id))] {
                let text = refusal.refused(403).to_string();
                assert!(text.contains("Forbidden") && text.contains("Settings.manage"), "{permission}: {text}");
                assert!(refusal.header("www-authenticate").contains("insufficient_scope"));
            }
        }
        let without = casbah.bearer(&casbah.application_token(TENANT, "aaaaaaaa-0000-4000-8000-000000000004", CLIENT_SECRET));
        let reader = casbah.user(READER);
        let legacy = casbah.with_header(&format!("Token {API_TOKEN} "));
        for caller in [&legacy, &casbah.user(ADMINISTRATOR)] {
            caller.get(LIST).ok();
        }
        // The page of IP ranges is closed to a Security Reader, whatever else the permissions allow.
        for refusal in [reader.get(LIST), reader.get(&path(&id)), reader.post(CREATE, &body("Reader", &["10.0.0.0/24"]))] {
            assert!(refusal.refused(403).to_string().contains("Global Reader, Security Administrator") || refusal.text().contains("Settings.manage"), "{}", refusal.text());
        }
        reader.get(tags).ok();
        let made = create(&legacy, &body("Legacy", &["10.0.0.0/24"]));
        legacy.delete(&path(&made)).ok();
        for (caller, status) in [(&without, 403), (&casbah.anonymous(), 401), (&casbah.with_header("Token nosuch"), 401)] {
            caller.get(LIST).refused(status);
            caller.get(&path(&id)).refused(status);
            caller.get(tags).refused(status);
            caller.post(CREATE, &json!({})).refused(status);
            caller.post(&change, &json!({})).refused(status);
            caller.delete(&path(&id)).refused(status);
        }

        // Another tenant sees nothing of it, and has its own names, addresses and tags.
        let branch = json!({"name": "Oslo office", "tags": ["Branch"]});
        let branch = update(&owner, &id, &branch)["tags"][0]["id"].clone();
        let abroad = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        abroad.get(&path(&id)).refused(404);
        abroad.post(&change, &json!({"name": "Stolen"})).refused(404);
        abroad.delete(&path(&id)).refused(404);
        assert_eq!((abroad.get(LIST).ok()["total"].as_i64(), abroad.get(tags).ok()["total"].as_i64()), (Some(0), Some(37)));
        let mut theirs = body("Oslo office", &["198.51.100.0/24"]);
        theirs["tags"] = json!([branch]);
        refused(&abroad, CREATE, &theirs, "tags");
        theirs["tags"] = json!(["Branch"]);
        let made = create(&abroad, &theirs);
        let record = abroad.get(&path(&made)).ok();
        assert_eq!((&record["_tid"], &record["tags"][0]["_tid"]), (&json!(90_210_418), &json!(90_210_418)));
        assert_ne!(record["tags"][0]["id"], branch);
        owner.get(&path(&made)).refused(404);
        assert_eq!(owner.get(LIST).ok()["total"], 1);
    }

    fn of_callers_at_the_same_moment_exactly_one_wins(casbah: &Casbah) {
        let caller = casbah.application();
        exactly_one_wins(&vec![caller; 12]);
    }
}
