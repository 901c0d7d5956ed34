//! User groups: groups of the directory that are imported, and what lists say of the people in them.

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, READER, Session,
};

const LIST: &str = "/api/v1/user_tags/";

fn names(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn found(caller: &Session, list: &str, filters: &Value) -> i64 {
    caller.post(list, &json!({ "filters": filters })).ok()["total"].as_i64().unwrap()
}

both! {
    fn groups_of_the_directory_are_imported_and_stay_what_the_directory_says(casbah: &Casbah) {
        let caller = casbah.with_header(&format!("Token {API_TOKEN}"));
        let directory = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let made = |body: Value| directory.post("/v1.0/groups", &body);
        let make = |name: &str, description: &str| {
            let answer = made(json!({ "displayName": name, "description": description, "mailNickname": name.to_lowercase(),
                                      "mailEnabled": false, "securityEnabled": true }));
            assert_eq!(answer.status, 201, "{}", answer.text());
            answer.json()["id"].as_str().unwrap().to_string()
        };
        let (sales, nordics) = (make("Sales", "Who sells"), make("Nordics", ""));
        let person = |address: &str| directory.get(&format!("/v1.0/users/{address}")).ok()["id"].as_str().unwrap().to_string();
        let (ada, rita) = (person(ADMINISTRATOR), person(READER));
        let put_in = |group: &str, object: &str| {
            let body = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{object}", casbah.url) });
            assert_eq!(directory.post(&format!("/v1.0/groups/{group}/members/$ref"), &body).status, 204);
        };
        put_in(&sales, &ada);

        // Only what came with the tenant, before something is imported; the order is by name.
        let list = caller.post(LIST, &json!({ "skip": 0, "limit": 100 })).ok();
        assert_eq!(names(&list), ["Administrators", "Application", "External users"]);
        assert_eq!((&list["data"][2]["id"], &list["data"][2]["type"]), (&json!("000000200000000000000000"), &json!(2)));

        let body = json!({ "groupId": sales.to_uppercase(), "appId": 11161, "shouldNotify": true });
        let tag = caller.post("/cas/api/v1/user_tags/create_tag/", &body).ok();
        let id = tag["id"].as_str().unwrap();
        assert_eq!((&tag["name"], &tag["description"], &tag["usersCount"]), (&json!("Sales"), &json!("Who sells"), &json!(1)));
        assert_eq!((&tag["appId"], &tag["groupId"], &tag["status"]), (&json!(11161), &json!(sales), &json!(0)));
        assert_eq!(caller.post("/api/v1/user_tags/create_tag/", &body).ok(), tag, "importing again changes nothing");
        assert_eq!(caller.get(&format!("{LIST}{id}/")).ok(), tag);
        let filters = [
            json!({ "app": { "eq": [11161, 20893] } }), json!({ "name": { "contains": "ALE" } }), json!({ "type": { "eq": 0 } }),
            json!({ "id": { "eq": id } }), json!({ "appId": { "neq": null } }), json!({ "name": { "startswith": "sa" }, "status": { "eq": 0 } }),
        ];
        for filters in filters {
            let answer = caller.post(LIST, &json!({ "filters": filters })).ok();
            assert_eq!((names(&answer), &answer["total"]), (vec!["Sales"], &json!(1)), "{filters}");
        }
        let page = caller.post(LIST, &json!({ "skip": 1, "limit": 2, "sortField": "name", "sortDirection": "desc" })).ok();
        assert_eq!((names(&page), &page["hasNext"], &page["total"]), (vec!["External users", "Application"], &json!(true), &json!(4)));
        caller.post("/api/v1/user_tags/create_tag/", &json!({ "groupId": ada })).refused(400);
        caller.post("/api/v1/user_tags/create_tag/", &json!({ "groupId": "sales" })).refused(400);
        caller.post("/api/v1/user_tags/create_tag/", &json!({ "groupId": sales, "appId": 10489 })).refused(400);

        // Membership follows the directory, through groups in groups too, in every list that filters by it.
        let line = |id: &str, name: &str| json!({ "_id": id, "timestamp": 1_795_435_000_000_i64, "appId": 10489,
            "eventTypeName": "EVENT_CATEGORY_DOWNLOAD_FILE", "user": { "userName": name } }).to_string();
        let lines = format!("{}\n{}\n", line("a-1", ADMINISTRATOR), line("a-2", READER));
        let kind = [("content-type", "application/x-ndjson")];
        caller.send("POST", "/api/v1/activities/ingest/", &kind, lines.as_bytes()).ok();
        let of_box = |tag: &str| found(&caller, "/api/v1/activities/", &json!({ "user.tags": { "eq": tag }, "service": { "eq": 10489 } }));
        let people = |tag: &str| found(&caller, "/api/v1/entities/", &json!({ "userGroups": { "eq": tag }, "type": { "eq": 2 } }));
        assert_eq!((of_box(id), people(id)), (1, 1));
        put_in(&nordics, &rita);
        put_in(&sales, &nordics);
        assert_eq!((of_box(id), people(id), people(&sales)), (2, 2, 2));
        assert_eq!(caller.get(&format!("{LIST}{id}/")).ok()["usersCount"], 2);
        let entity = caller.post("/api/v1/entities/", &json!({ "filters": { "userGroups": { "eq": id }, "isAdmin": { "eq": true } } })).ok();
        let groups: Vec<&str> = entity["data"][0]["userGroups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
        assert_eq!(groups, ["Administrators", "Sales"]);
        let activity = caller.get("/api/v1/activities/a-2/").ok();
        assert_eq!(activity["user"]["userTags"], json!(["000000210000000000000000", id]), "{activity}");

        // Who is in a group, for clients that ask for those of a file.
        let group = caller.get(&format!("/api/v1/get_group/?appId=20892&groupId={sales}&limit=1")).ok();
        assert_eq!((&group["group"]["name"], &group["group"]["membersCount"]), (&json!("Sales"), &json!(2)));
        assert_eq!(group["group"]["membersList"], json!([{ "id": ada, "name": "Ada Lindqvist", "emailAddress": ADMINISTRATOR }]));
        assert_eq!(caller.get(&format!("/api/v1/get_group/?appId=11161&groupId={id}")).ok()["group"]["membersCount"], 2);
        caller.get(&format!("/api/v1/get_group/?appId=10489&groupId={sales}")).refused(404);
        caller.get("/api/v1/get_group/?appId=11161&groupId=nobody").refused(404);

        // Another tenant sees nothing of it.
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(names(&other.get(LIST).ok()), ["Administrators", "Application", "External users"]);
        other.get(&format!("{LIST}{id}/")).refused(404);
        other.get(&format!("/api/v1/get_group/?appId=11161&groupId={sales}")).refused(404);

        // A deleted group has nobody in it, until it is restored.
        assert_eq!(directory.delete(&format!("/v1.0/groups/{sales}")).status, 204);
        let gone = caller.get(&format!("{LIST}{id}/")).ok();
        assert_eq!((&gone["status"], &gone["usersCount"], &gone["successfullyImportedBySage"]), (&json!(1), &json!(0), &json!(false)));
        assert_eq!(people(id), 0);
        assert_eq!(directory.post(&format!("/v1.0/directory/deletedItems/{sales}/restore"), &json!({})).status, 200);
        assert_eq!(people(id), 2);

        // A user group that a policy names stays.
        let policy = json!({ "name": "Sales downloads", "type": "AUDIT", "filters": { "user.tags": { "eq": [id] } } });
        let policy = caller.post("/api/v1/policies/create_rule/", &policy).ok();
        let why = caller.delete(&format!("{LIST}{id}/")).refused(400);
        assert!(why.to_string().contains("Sales downloads"), "{why}");
        caller.delete(&format!("/api/v1/policies/{}/", policy["_id"].as_str().unwrap())).ok();
        caller.delete(&format!("{LIST}{id}/")).ok();
        caller.get(&format!("{LIST}{id}/")).refused(404);
        caller.delete(&format!("{LIST}{id}/")).refused(404);
        caller.delete(&format!("{LIST}000000200000000000000000/")).refused(400);
        assert_eq!((of_box(id), people(id)), (0, 0));

        // What goes for good takes the user group with it.
        let again = caller.post("/api/v1/user_tags/create_tag/", &json!({ "groupId": sales })).ok();
        directory.delete(&format!("/v1.0/groups/{sales}"));
        assert_eq!(directory.delete(&format!("/v1.0/directory/deletedItems/{sales}")).status, 204);
        caller.get(&format!("{LIST}{}/", again["id"].as_str().unwrap())).refused(404);
    }
}
