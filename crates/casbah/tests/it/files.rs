//! Files: taken in, completed, listed by every filter, and honoured when they are gone.

mod commands;
mod reach;

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, Session,
};

const NOW_MS: i64 = 1_795_435_200_000;

fn investigator(casbah: &Casbah) -> Session<'_> {
    casbah.with_header(&format!("Token {API_TOKEN}"))
}

fn ingest(caller: &Session, lines: &[Value]) -> Value {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let kind = [("content-type", "application/x-ndjson")];
    caller.send("POST", "/api/v1/files/ingest/", &kind, text.as_bytes()).ok()
}

fn files(caller: &Session, filters: &Value) -> Vec<Value> {
    let body = json!({ "filters": filters, "sortField": "modifiedDate" });
    let answer = caller.post("/cas/api/v1/files/", &body).ok();
    let data = answer["data"].as_array().unwrap().clone();
    assert_eq!(answer["total"], data.len());
    // The count is a number and nothing around it.
    let count = caller.post("/api/v1/files/count/", &json!({ "filters": filters }));
    assert_eq!(count.text(), data.len().to_string(), "{filters}");
    data
}

#[track_caller]
fn named(caller: &Session, filters: &Value, expected: &[&str]) {
    let found = files(caller, filters);
    let names: Vec<&str> = found.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, expected, "{filters}");
}

/// Five files and two folders of Box, the newest first: Budget, Plan, notes, logo, old, and above them Sales in All.
fn world(caller: &Session) {
    let at = |before: i64| NOW_MS - before * 60_000;
    let answer = ingest(
        caller,
        &[
            json!({ "id": "F-1", "name": "Budget.XLSX", "appId": 10489, "ownerName": "Ada", "ownerAddress": "Ada@contoso.example",
                "modifiedDate": at(1), "createdDate": at(90), "fileSize": 48211, "parentId": "d-2", "fTags": ["Confidential"],
                "collaborators": [{ "id": "u-7", "name": "Mira", "email": "mira@lagoon.example", "role": 3 },
                                  { "email": "ada@contoso.example" }] }),
            json!({ "id": "F-2", "name": "Plan", "saasId": "10489", "mimeType": "application/vnd.google-apps.document",
                "ownerAddress": "gus@lagoon.example", "ownerId": "u-9", "modifiedDate": at(2), "parentIds": ["d-2"],
                "collaborators": [{ "name": "Sales", "id": "g-1", "type": 2 }], "groups": ["Sales"] }),
            json!({ "id": "F-3", "name": "notes.txt", "appId": 10489, "modifiedDate": at(3), "ownerAddress": ADMINISTRATOR,
                "fileScanLabels": ["^Azure RMS encrypted file"] }),
            json!({ "id": "F-4", "name": "logo.png", "appId": 11627, "modifiedDate": at(4), "fileAccessLevel": [4, "PUBLIC_INTERNET"],
                "alternateLink": "https://box.example/l", "sharepointItem": { "a": 1 } }),
            json!({ "id": "F-5", "name": "old.txt", "appId": 10489, "modifiedDate": at(5), "fstat": 1 }),
            json!({ "id": "F-6", "name": "gone.txt", "appId": 10489, "modifiedDate": at(6), "fileStatus": [2, "DELETED"] }),
            json!({ "id": "d-2", "name": "Sales", "appId": 10489, "modifiedDate": at(7), "isFolder": true, "parentId": "d-1" }),
            json!({ "id": "d-1", "name": "All", "appId": 10489, "modifiedDate": at(8), "mimeType": "inode/directory", "parentId": "d-2" }),
        ],
    );
    assert_eq!((&answer["stored"], &answer["rejected"]), (&json!(8), &json!(0)), "{answer}");
}

both! {
    /// What a sender leaves out is derived, and the record is whole.
    fn files_are_completed(casbah: &Casbah) {
        let caller = investigator(casbah);
        world(&caller);
        let budget = &files(&caller, &json!({ "filename": { "eq": "budget.xlsx" } }))[0];
        assert_eq!((&budget["name_l"], &budget["fileExtension"]), (&json!("budget.xlsx"), &json!("xlsx")));
        assert_eq!((&budget["fileType"], &budget["ftype"]), (&json!([2, "SPREADSHEET"]), &json!(2)));
        assert_eq!((&budget["fileAccessLevel"], &budget["facl"]), (&json!([2, "EXTERNAL"]), &json!(2)));
        assert_eq!((&budget["fileStatus"], &budget["fstat"]), (&json!([0, "EXISTS"]), &json!(0)));
        assert_eq!((&budget["ownerExternal"], &budget["isFolder"], &budget["appName"]), (&json!(false), &json!(false), &json!("Box")));
        assert_eq!(budget["ownerEntity"], json!({ "id": "Ada@contoso.example", "saas": 10489, "inst": 0 }));
        assert_eq!(budget["domains"], json!(["contoso.example", "lagoon.example"]));
        assert_eq!(budget["externalShares"], json!(["mira@lagoon.example"]));
        assert_eq!(budget["collaborators"][0]["entity"], json!({ "id": "u-7", "saas": 10489, "inst": 0 }));
        assert_eq!((&budget["collaborators"][0]["accessLevel"], &budget["collaborators"][1]["accessLevel"]), (&json!(2), &json!(1)));
        assert_eq!(budget["display_collaborators"][0]["label"], "Mira");
        assert_eq!((&budget["fTags"], budget.get("ftags")), (&json!(["Confidential"]), None));
        assert_eq!((&budget["_id"], &budget["_tid"]), (&budget["originalId"], &json!(90210417)));
        let keys: Vec<String> = budget.as_object().unwrap().keys().map(|key| key.to_lowercase()).collect();
        assert!(keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1), "{keys:?}");
        for key in ["snapshotLastModifiedDate", "noGovernance", "isForeign", "enriched", "emails", "groups", "groupIds", "driveId",
            "siteCollection", "sitePath", "filePath", "spDomain", "listId", "alternateLink", "scanVersion", "unseenScans",
            "lastNrtTimestamp", "dlpScanResults", "sharepointItem", "effectiveParents", "actions", "mimeType", "parentId"] {
            assert!(budget.get(key).is_some(), "{key}");
        }
        let plan = &files(&caller, &json!({ "filename": { "eq": "Plan" } }))[0];
        assert_eq!((&plan["fileType"], &plan["facl"], &plan["ownerExternal"]), (&json!([1, "DOCUMENT"]), &json!(1), &json!(true)));
        let logo = &files(&caller, &json!({ "sharing": { "eq": 4 } }))[0];
        assert_eq!((&logo["fileType"], &logo["sharepointItem"], &logo["alternateLink"]), (&json!([5, "IMAGE"]), &json!({ "a": 1 }), &json!("https://box.example/l")));
        assert_eq!(files(&caller, &json!({ "filename": { "eq": "notes.txt" } }))[0]["facl"], 0);

        let id = budget["_id"].as_str().unwrap();
        assert_eq!(caller.get(&format!("/api/v1/files/{id}/")).ok(), *budget);
        let above = caller.get(&format!("/api/v1/files/{id}/effective_parents/")).ok();
        // The folders are in a circle, which has an end.
        let folders: Vec<&str> = above["data"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert_eq!(folders, ["Sales", "All"]);
        caller.get("/api/v1/files/6a1f0c2b9d3e4f5a6b7c8d90/").refused(404);
        caller.get("/api/v1/files/nothing/").refused(400);
        // What one lists the other takes in, whole.
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        other.get(&format!("/api/v1/files/{id}/")).refused(404);
        assert!(files(&other, &json!({})).is_empty());
        ingest(&other, std::slice::from_ref(budget));
        let mut copy = other.get(&format!("/api/v1/files/{id}/")).ok();
        copy["_tid"] = json!(90210417);
        assert_eq!(copy, *budget);
        // Owners have accounts, which belong to those whom an address names.
        let owners = caller.post("/api/v1/entities/", &json!({ "filters": { "app": { "eq": 10489 } }, "sortField": "username", "sortDirection": "asc" })).ok();
        let names: Vec<&str> = owners["data"].as_array().unwrap().iter().map(|e| e["displayName"].as_str().unwrap()).collect();
        assert_eq!(names, ["Ada Lindqvist", "gus@lagoon.example"]);
    }

    fn every_filter_finds_its_files(casbah: &Casbah) {
        let caller = investigator(casbah);
        world(&caller);
        let all = ["Budget.XLSX", "Plan", "notes.txt", "logo.png", "Sales", "All"];
        named(&caller, &json!({}), &all);
        named(&caller, &json!({ "service": { "eq": [11627] } }), &["logo.png"]);
        named(&caller, &json!({ "instance": { "neq": "0" } }), &[]);
        named(&caller, &json!({ "fileType": { "eq": ["2", 5] } }), &["Budget.XLSX", "logo.png"]);
        named(&caller, &json!({ "fileType": { "eq": "image" } }), &["logo.png"]);
        named(&caller, &json!({ "sharing": { "eq": [2, 3, 4] } }), &["Budget.XLSX", "logo.png"]);
        named(&caller, &json!({ "fileId": { "eq": "f-2" } }), &["Plan"]);
        named(&caller, &json!({ "filename": { "contains": "O" }, "folder": { "eq": false } }), &["notes.txt", "logo.png"]);
        // Words, the last of which may be a beginning; what stands in the middle of a word is for `contains`.
        named(&caller, &json!({ "filename": { "text": "xlsx budg" } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "filename": { "text": "bud xlsx" } }), &[]);
        named(&caller, &json!({ "filename": { "text": ["nothing here", "NOTES", "logo png"] } }), &["notes.txt", "logo.png"]);
        named(&caller, &json!({ "filename": { "text": "--" }, "fileType": { "eq": 5 } }), &["logo.png"]);
        named(&caller, &json!({ "extension": { "eq": "XLSX" } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "mimeType": { "eq": "application/vnd.google-apps.document" } }), &["Plan"]);
        named(&caller, &json!({ "folder": { "eq": "true" } }), &["Sales", "All"]);
        named(&caller, &json!({ "trashed": { "eq": true } }), &["old.txt"]);
        named(&caller, &json!({ "trashed": { "eq": false }, "allowDeleted": { "eq": true } }), &all);
        named(&caller, &json!({ "allowDeleted": { "eq": true }, "extension": { "eq": "txt" } }), &["notes.txt", "old.txt", "gone.txt"]);
        named(&caller, &json!({ "quarantined": { "eq": true } }), &[]);
        named(&caller, &json!({ "policy": { "isset": true } }), &[]);
        named(&caller, &json!({ "policy": { "cabinetmatchedrulesequals": ["69d0000000000000000000aa"] } }), &[]);
        named(&caller, &json!({ "modifiedDate": { "gte": NOW_MS - 150_000 } }), &["Budget.XLSX", "Plan"]);
        named(&caller, &json!({ "createdDate": { "lte": NOW_MS } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "snapshotLastModifiedDate": { "range": [{ "start": NOW_MS + 1 }] } }), &[]);
        named(&caller, &json!({ "collaborators.domains": { "eq": "lagoon.example" } }), &["Budget.XLSX", "Plan"]);
        named(&caller, &json!({ "collaborators.withDomain": { "deq": ["contoso.example"] } }), &["Budget.XLSX", "Plan"]);
        named(&caller, &json!({ "collaborators.withDomain": { "deq": ["contoso.example", "lagoon.example"] } }), &[]);
        named(&caller, &json!({ "collaborators.groups": { "eq": ["sales"] } }), &["Plan"]);
        named(&caller, &json!({ "collaborators.groups": { "eq": ["G-1"] } }), &["Plan"]);
        named(&caller, &json!({ "collaborators.users": { "eq": "MIRA@lagoon.example" } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "collaborators.entity": { "eq": { "id": "u-7", "saas": 10489 } } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "owner.username": { "eq": "ada@contoso.example" } }), &["Budget.XLSX", "notes.txt"]);
        let ada = caller.post("/api/v1/entities/", &json!({ "filters": { "isAdmin": { "eq": true } } })).ok();
        let ada = ada["data"].as_array().unwrap().iter().find(|e| e["email"] == ADMINISTRATOR).unwrap().clone();
        let key: Value = serde_json::from_str(ada["username"].as_str().unwrap()).unwrap();
        named(&caller, &json!({ "owner.entity": { "eq": [key] } }), &["Budget.XLSX", "notes.txt"]);
        named(&caller, &json!({ "owner.entity": { "eq": [{ "id": "U-9", "saas": 10489, "inst": 0 }] } }), &["Plan"]);
        named(&caller, &json!({ "owner.orgUnit": { "eq": "Sales" } }), &[]);
        caller.send("POST", "/api/v1/entities/ingest/", &[], br#"{"ii":"10489|0|u-9","organization":"Sales"}"#).ok();
        named(&caller, &json!({ "owner.orgUnit": { "eq": "Sales" } }), &["Plan"]);
        named(&caller, &json!({ "fileLabels": { "eq": "confidential" } }), &["Budget.XLSX"]);
        named(&caller, &json!({ "fileLabels": { "isset": false }, "folder": { "eq": false }, "service": { "eq": 10489 } }), &["Plan", "notes.txt"]);
        named(&caller, &json!({ "fileScanLabels": { "eq": "^Azure RMS encrypted file" } }), &["notes.txt"]);
        named(&caller, &json!({ "parentFolder": { "eq": "d-2" } }), &["Budget.XLSX", "Plan", "All"]);
        let sales = &files(&caller, &json!({ "filename": { "eq": "Sales" } }))[0]["_id"];
        named(&caller, &json!({ "parentFolder": { "eq": sales } }), &["Budget.XLSX", "Plan", "All"]);
        for filters in [json!({ "size": { "gt": 1 } }), json!({ "sharing": { "eq": 7 } }), json!({ "extension": { "contains": "x" } })] {
            caller.post("/api/v1/files/", &json!({ "filters": filters })).refused(400);
            caller.post("/api/v1/files/count/", &json!({ "filters": filters })).refused(400);
        }
        let (mut seen, mut given) = (0, json!({}));
        loop {
            let page = caller.post("/api/v1/files/", &json!({ "filters": given, "limit": 4, "isScan": true })).ok();
            seen += page["data"].as_array().unwrap().len();
            if page["hasNext"] == false {
                break;
            }
            given = page["nextQueryFilters"].clone();
        }
        assert_eq!(seen, 6);
    }

    /// Sent again a file stays; sent as it is now it is changed; and what is wrong is named.
    fn files_are_taken_in_as_they_are(casbah: &Casbah) {
        let caller = investigator(casbah);
        let plan = json!({ "id": "F-1", "name": "plan.txt", "appId": 10489, "fTags": ["a"], "collaborators": [{ "email": "mira@lagoon.example" }] });
        assert_eq!(ingest(&caller, std::slice::from_ref(&plan))["stored"], 1);
        let again = ingest(&caller, std::slice::from_ref(&plan));
        assert_eq!((&again["stored"], &again["unchanged"]), (&json!(0), &json!(1)));
        let first = files(&caller, &json!({}))[0]["_id"].clone();
        let moved = json!({ "id": "F-1", "name": "plan 2.txt", "appId": 10489, "fileSize": 5 });
        assert_eq!(ingest(&caller, std::slice::from_ref(&moved))["stored"], 1);
        let found = files(&caller, &json!({}));
        assert_eq!((found.len(), &found[0]["_id"], &found[0]["name"], &found[0]["facl"]), (1, &first, &json!("plan 2.txt"), &json!(0)));
        named(&caller, &json!({ "fileLabels": { "isset": true } }), &[]);
        // It is found by the words that its name has now.
        ingest(&caller, &[json!({ "id": "F-1", "name": "scheme 2.txt", "appId": 10489 })]);
        named(&caller, &json!({ "filename": { "text": "plan" } }), &[]);
        named(&caller, &json!({ "filename": { "text": "2 sch" } }), &["scheme 2.txt"]);
        ingest(&caller, &[json!({ "id": "F-1", "name": "plan 2.txt", "appId": 10489, "fstat": 2 })]);
        named(&caller, &json!({}), &[]);
        assert_eq!(caller.get(&format!("/api/v1/files/{}/", first.as_str().unwrap())).ok()["fileStatus"], json!([2, "DELETED"]));

        let bad = [
            (json!({ "name": "x", "appId": 1 }), "id"),
            (json!({ "id": "x", "appId": 1 }), "name"),
            (json!({ "id": "x", "name": "x" }), "appId"),
            (json!({ "id": "x", "name": "x", "appId": 1, "_id": "short" }), "_id"),
            (json!({ "id": "x", "name": "x", "appId": 1, "fileType": [9, "X"] }), "fileType"),
            (json!({ "id": "x", "name": "x", "appId": 1, "facl": "secret" }), "facl"),
            (json!({ "id": "x", "name": "x", "appId": 1, "fileSize": -1 }), "fileSize"),
            (json!({ "id": "x", "name": "x", "appId": 1, "modifiedDate": "2031-01-01T00:00:00Z" }), "modifiedDate"),
            (json!({ "id": "x", "name": "x", "appId": 1, "collaborators": [{ "type": 1 }] }), "collaborators.0.id"),
            (json!({ "id": "x", "name": "x", "appId": 1, "fTags": [1] }), "fTags"),
        ];
        let lines: Vec<Value> = bad.iter().map(|(line, _)| line.clone()).collect();
        let answer = ingest(&caller, &lines);
        assert_eq!((&answer["stored"], &answer["rejected"]), (&json!(0), &json!(bad.len())));
        for (number, (line, field)) in bad.iter().enumerate() {
            assert_eq!(answer["errors"][number]["field"], *field, "{line}: {answer}");
        }
        casbah.user(READER).send("POST", "/api/v1/files/ingest", &[], plan.to_string().as_bytes()).refused(403);
        named(&casbah.user(READER), &json!({}), &[]);
    }
}
