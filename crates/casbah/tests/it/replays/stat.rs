//! The triage module of a SIEM (sheet: 8.1, entity keys as base64 in the path, in either alphabet, with and without
//! padding, keys in any order and with blanks; 8.3, what it reads of a person; 5.2, 404 for somebody unknown).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::alerts::no_clash;
use crate::harness::{ADMINISTRATOR, Casbah};

both! {
    fn it_reads_the_score_of_a_person(casbah: &Casbah) {
        let caller = casbah.application();
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let id = directory.get(&format!("/v1.0/users/{ADMINISTRATOR}")).ok()["id"].as_str().unwrap().to_string();
        let spellings = [
            json!({ "id": id, "saas": 11161, "inst": 0 }).to_string(),
            format!("{{\"saas\": 11161, \"inst\": 0, \"id\": \"{id}\"}}"),
            format!("{{ \"id\" : \"{id}\",\n \"saas\" : 11161 }}"),
        ];
        for spelling in &spellings {
            let padded = STANDARD.encode(spelling).replace('/', "%2F").replace('+', "%2B");
            let keys = [
                padded.clone(),
                padded.replace('=', "%3D"),
                STANDARD_NO_PAD.encode(spelling).replace('/', "%2F").replace('+', "%2B"),
                URL_SAFE.encode(spelling),
                URL_SAFE_NO_PAD.encode(spelling),
            ];
            for key in keys {
                for path in [format!("/api/v1/entities/{key}"), format!("/cas/api/v1/entities/{key}/")] {
                    let found = caller.get(&path).ok();
                    no_clash(&found, &path);
                    assert_eq!((found["id"].as_str(), &found["type"]), (Some(id.as_str()), &json!(2)), "{path}");
                    assert!(found.get("data").is_none() && found.get("threatScore").is_some(), "{path}: {found}");
                    assert!(found["threatScoreHistory"].is_array() && found["isAdmin"] == true, "{path}: {found}");
                    assert_eq!(found["email"].as_str().or(found["domain"].as_str()).map(|text| text.contains("contoso")), Some(true), "{found}");
                }
            }
        }
        let tree = caller.get(&format!("/api/v1/entities/{}/retrieve_tree/", URL_SAFE.encode(&spellings[0]))).ok();
        assert!(tree["accounts"].as_array().is_some_and(|accounts| !accounts.is_empty()), "{tree}");
        let nobody = json!({ "id": "00000000-1111-4222-8333-444455556666", "saas": 11161, "inst": 0 }).to_string();
        caller.get(&format!("/api/v1/entities/{}/", STANDARD.encode(nobody))).refused(404);
        // The list, by the same key as a filter.
        let filters = json!({ "entity": { "eq": [{ "id": id, "saas": 11161, "inst": 0 }] }, "type": { "eq": "user" } });
        let list = caller.post("/api/v1/entities/", &json!({ "filters": filters, "isScan": true })).ok();
        assert_eq!(list["data"][0]["id"].as_str(), Some(id.as_str()), "{list}");
    }
}
