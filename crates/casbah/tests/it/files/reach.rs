//! What people with limited roles see of files: in lists, counts, fetches, folders and exports alike.

use serde_json::{Value, json};

use super::{ingest, investigator};
use crate::harness::{ADMINISTRATOR, Answer, Casbah, PASSWORD, Session};

const DROPBOX: i64 = 11_627;
const BOX: i64 = 10_489;
const ANNA: &str = "anna@contoso.example";
const BERT: &str = "bert@contoso.example";
const GERT: &str = "gert@contoso.example";

#[track_caller]
fn made(answer: &Answer) -> Value {
    assert!(answer.status < 300, "{}", answer.text());
    answer.json()
}

fn give(caller: &Session, who: &str, role: &str, limits: &Value) {
    let mut body = json!({ "username": who, "role": role });
    body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    caller.post("/api/v1/manage_admin_access/", &body).ok();
}

/// The names that a caller sees; the count, the fetches and the export say the same.
#[track_caller]
fn sees(caller: &Session, all: &[Value], expected: &[&str]) {
    let body = json!({ "sortDirection": "asc" });
    let list = caller.post("/api/v1/files/", &body).ok();
    let names = |records: &[Value]| -> Vec<String> {
        records.iter().map(|file| file["name"].as_str().unwrap().to_string()).collect()
    };
    let found = names(list["data"].as_array().unwrap());
    assert_eq!(found, expected);
    assert_eq!(list["total"], expected.len());
    assert_eq!(caller.post("/api/v1/files/count/", &json!({})).text(), expected.len().to_string());
    let exported = caller.post("/api/v1/files/export/", &json!({ "format": "jsonl" }));
    let lines = exported.text();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut exported = names(&lines);
    exported.sort();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(exported, sorted);
    for file in all {
        let path = format!("/api/v1/files/{}/", file["_id"].as_str().unwrap());
        if found.iter().any(|name| file["name"] == **name) {
            assert_eq!(caller.get(&path).ok()["name"], file["name"]);
        } else {
            caller.get(&path).refused(404);
            caller.get(&format!("{path}effective_parents/")).refused(404);
        }
    }
}

both! {
    fn files_reach_as_far_as_a_role(casbah: &Casbah) {
        let ada = investigator(casbah);
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let mut ids = Vec::new();
        for name in ["anna", "bert", "gert"] {
            let body = json!({ "userPrincipalName": format!("{name}@contoso.example"), "displayName": name, "mailNickname": name,
                "accountEnabled": true, "passwordProfile": { "password": PASSWORD } });
            ids.push(made(&directory.post("/v1.0/users", &body))["id"].as_str().unwrap().to_string());
        }
        let at = |minute: i64| 1_795_435_200_000 - (10 - minute) * 60_000;
        ingest(&ada, &[
            json!({ "id": "f", "name": "folder", "appId": BOX, "isFolder": true, "ownerAddress": BERT, "modifiedDate": at(0) }),
            json!({ "id": "1", "name": "of anna in box", "appId": BOX, "ownerAddress": "Anna@contoso.example", "parentId": "f", "modifiedDate": at(1) }),
            json!({ "id": "2", "name": "of anna in dropbox", "appId": DROPBOX, "ownerId": "dbid-7", "ownerAddress": ANNA, "modifiedDate": at(2) }),
            json!({ "id": "3", "name": "of bert in dropbox", "appId": DROPBOX, "ownerId": ids[1], "instId": 7, "modifiedDate": at(3) }),
            json!({ "id": "4", "name": "of nobody", "appId": DROPBOX, "modifiedDate": at(4) }),
            json!({ "id": "5", "name": "of mira", "appId": BOX, "ownerAddress": "mira@lagoon.example", "modifiedDate": at(5),
                "collaborators": [{ "email": ANNA }] }),
        ]);
        let all = ada.post("/api/v1/files/", &json!({})).ok()["data"].as_array().unwrap().clone();
        let everything = ["folder", "of anna in box", "of anna in dropbox", "of bert in dropbox", "of nobody", "of mira"];
        sees(&ada, &all, &everything);
        // A policy of everything, so that alerts about files reach as far as the files.
        let policy = json!({ "name": "All", "type": "FILE", "filters": {}, "dailyAlertLimit": 0 });
        let policy = ada.post("/api/v1/policies/create_rule/", &policy).ok()["_id"].clone();
        let about_files = json!({ "filters": { "entity.policy": { "eq": policy } }, "limit": 1 });
        let told = |caller: &Session| caller.post("/api/v1/alerts/", &about_files).ok()["total"].as_i64().unwrap();
        assert!((0..5_000).any(|_| told(&ada) == 6), "{} alerts", told(&ada));

        give(&ada, ANNA, "app", &json!({ "apps": ["dropbox"] }));
        let anna = casbah.user(ANNA);
        sees(&anna, &all, &["of anna in dropbox", "of bert in dropbox", "of nobody"]);
        assert_eq!(told(&anna), 3);
        let mine = json!({ "filters": { "service": { "eq": BOX } } });
        assert_eq!(anna.post("/api/v1/files/", &mine).ok()["total"], 0);
        // Taking in is for whoever may change all files.
        anna.send("POST", "/api/v1/files/ingest/", &[], br#"{"id":"9","name":"x","appId":11627}"#).refused(403);
        // One instance only; roles add up.
        ada.delete(&format!("/api/v1/manage_admin_access/{ANNA}/")).ok();
        give(&ada, ANNA, "app", &json!({ "apps": [{ "app": DROPBOX, "instance": 7 }] }));
        sees(&anna, &all, &["of bert in dropbox"]);
        give(&ada, ANNA, "app", &json!({ "apps": ["box"] }));
        sees(&anna, &all, &["folder", "of anna in box", "of bert in dropbox", "of mira"]);

        // Of a group: the files of whoever is in it now, by every account; not those that were shared with them.
        let group = json!({ "displayName": "Stockholm", "mailNickname": "stockholm", "mailEnabled": false, "securityEnabled": true });
        let group = made(&directory.post("/v1.0/groups", &group))["id"].as_str().unwrap().to_string();
        give(&ada, GERT, "group", &json!({ "groups": ["stockholm"] }));
        let gert = casbah.user(GERT);
        sees(&gert, &all, &[]);
        let put_in = |member: &str| {
            let body = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{member}", casbah.url) });
            assert_eq!(directory.post(&format!("/v1.0/groups/{group}/members/$ref"), &body).status, 204);
        };
        put_in(&ids[0]);
        sees(&gert, &all, &["of anna in box", "of anna in dropbox"]);
        // The folder of Bert is above a file of Anna, and out of reach.
        let inside = all.iter().find(|file| file["name"] == "of anna in box").unwrap()["_id"].as_str().unwrap();
        assert_eq!(gert.get(&format!("/api/v1/files/{inside}/effective_parents/")).ok()["data"], json!([]));
        put_in(&ids[1]);
        sees(&gert, &all, &["folder", "of anna in box", "of anna in dropbox", "of bert in dropbox"]);
        let path = format!("/v1.0/groups/{group}/members/{}/$ref", ids[0]);
        assert_eq!(directory.delete(&path).status, 204);
        sees(&gert, &all, &["folder", "of bert in dropbox"]);
    }
}
