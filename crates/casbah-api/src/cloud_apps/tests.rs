//! Discovery over the wire, from an upload to its alerts.

use axum::body::Body;
use casbah_model::Permission;
use serde_json::{Value, json};

use crate::testing::{Reply, World, only, request};

pub(super) const SQUID: &[u8] = include_bytes!("../../../casbah-discovery/samples/SQUID.log");

pub(super) async fn source(world: &World, name: &str) -> String {
    let body = json!({ "displayName": name, "logType": 114, "receiverType": "ftp" });
    let made = world.post("/api/v1/discovery/data_sources/", body).await.ok();
    made["_id"].as_str().expect("_id").to_string()
}

async fn put(world: &World, log: &[u8]) -> String {
    let path = "/api/v1/discovery/upload_url/?filename=squid.log&source=SQUID";
    let answer = world.get(path).await.ok();
    assert_eq!(answer["provider"], "azure");
    let url = answer["url"].as_str().expect("url").to_string();
    let mut call = request("PUT", &url, Body::from(log.to_vec()));
    call.headers_mut().insert("x-ms-blob-type", "BlockBlob".parse().expect("a header"));
    let reply = world.send(None, call).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    url
}

async fn done(world: &World, url: &str, stream: &str) -> Reply {
    world.post("/api/v1/discovery/done_upload/", json!({ "uploadUrl": url, "inputStreamName": stream })).await
}

pub(super) async fn upload(world: &World, log: &[u8], stream: &str) -> Value {
    let url = put(world, log).await;
    let answer = done(world, &url, stream).await.ok();
    assert_eq!(answer["success"], true);
    while world.service.run_next_task().await.expect("a task runs") {}
    let task = answer["taskId"].as_str().expect("taskId");
    world.get(&format!("/api/v1/governance/{task}/")).await.ok()
}

#[tokio::test]
async fn an_upload_becomes_apps_and_alerts() {
    let world = World::start().await;
    let id = source(&world, "office").await;
    let task = upload(&world, SQUID, "office").await;
    assert_eq!(task["status"]["isSuccess"], true, "{task}");
    assert_eq!(
        (&task["taskName"], &task["targetObject"]),
        (&json!("DiscoveryParseLogTask"), &json!("squid.log"))
    );
    let figures = &task["figures"];
    let number = |name: &str| figures[name].as_i64().expect(name);
    assert_eq!(
        number("lines"),
        number("parsed") + number("skipped") + number("ignored") + number("tooOld"),
        "{figures}"
    );

    let apps = world
        .post("/cas/api/v1/discovery/discovered_apps/", json!({ "streamId": id, "timeframe": "30" }))
        .await
        .ok();
    assert!(apps["total"].as_i64() > Some(0), "{apps}");
    let first = &apps["data"][0];
    for field in ["appId", "name", "category", "trafficTotalBytes", "usersCount", "lastUsed", "domainList"] {
        assert!(!first[field].is_null(), "{field} of {first}");
    }
    let events: i64 =
        apps["data"].as_array().expect("data").iter().filter_map(|a| a["trafficTotalEvents"].as_i64()).sum();
    assert_eq!(events + number("notInCatalog"), number("parsed"));

    let streams = world.get("/api/discovery/streams/").await.ok();
    assert_eq!(streams["streams"][0]["displayName"], "Global View");
    assert_eq!(streams["streams"][1]["logFilesHistoryCount"], 1);
    let view = streams["streams"][0]["_id"].as_str().expect("_id").to_string();
    let global =
        world.post("/api/v1/discovery/discovered_apps", json!({ "streamId": view, "timeFrame": 30 })).await;
    assert_eq!(global.ok()["data"], apps["data"]);

    let categories = world
        .post(
            "/api/v1/discovery/discovered_apps/categories/",
            json!({ "streamId": id, "sortField": "score" }),
        )
        .await
        .ok();
    let total: i64 =
        categories.as_array().expect("a bare list").iter().filter_map(|c| c["total"].as_i64()).sum();
    assert_eq!(Some(total), apps["total"].as_i64());

    let alerts =
        world.post("/api/v1/alerts/", json!({ "filters": { "alertOpen": { "eq": true } } })).await.ok();
    let raised = alerts["total"].as_i64().expect("total");
    assert!(raised > 0 && Some(raised) == figures["alerts"].as_i64(), "{figures}");
    let types: Vec<&str> = alerts["data"][0]["entities"]
        .as_array()
        .expect("entities")
        .iter()
        .filter_map(|e| e["type"].as_str())
        .collect();
    for kind in ["service", "discovery_stream", "policyRule"] {
        assert!(types.contains(&kind), "{types:?}");
    }
    let policies = world.get("/api/v1/policies/").await.ok();
    let counted: i64 =
        policies["data"].as_array().expect("data").iter().filter_map(|p| p["alertsCount"].as_i64()).sum();
    assert_eq!(counted, raised);
    let policy = alerts["data"][0]["policy"]["id"].as_str().expect("id");
    world.get(&format!("/api/v1/policies/{policy}/")).await.ok();
    world.get(&format!("/api/v1/policies/NEW_SERVICE/{policy}/")).await.ok();
    world.get(&format!("/api/v1/policies/FILE/{policy}/")).await.refused(404, "");
}

#[tokio::test]
async fn the_same_log_again_is_said_but_not_counted() {
    let world = World::start().await;
    let id = source(&world, "office").await;
    upload(&world, SQUID, "office").await;
    let list = json!({ "streamId": id });
    let before = world.post("/api/v1/discovery/discovered_apps/", list.clone()).await.ok();
    let again = upload(&world, SQUID, "OFFICE").await;
    assert_eq!((&again["status"]["isSuccess"], &again["figures"]["duplicate"]), (&json!(true), &json!(true)));
    assert_eq!(world.post("/api/v1/discovery/discovered_apps/", list).await.ok(), before);
    let log = world.get("/api/v1/governance/").await.ok();
    assert_eq!(log["total"], 2);
    assert_eq!(
        world
            .post("/api/v1/governance/", json!({ "filters": { "status": { "eq": [null, false] } } }))
            .await
            .ok()["total"],
        0
    );
}

#[tokio::test]
async fn a_snapshot_is_apart_and_raises_nothing() {
    let world = World::start().await;
    source(&world, "office").await;
    let url = put(&world, SQUID).await;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("uploadUrl", url.as_str()),
            ("inputStreamName", "June audit"),
            ("uploadAsSnapshot", "True"),
        ])
        .finish();
    let answer = world
        .send(Some(&world.home), request("POST", "/api/v1/discovery/done_upload", Body::from(form)))
        .await
        .ok();
    world.service.run_next_task().await.expect("a task runs");
    let snapshot = answer["inputStreamId"].as_str().expect("id");
    let apps = world.post("/api/v1/discovery/discovered_apps/", json!({ "streamId": snapshot })).await.ok();
    assert!(apps["total"].as_i64() > Some(0));
    let global = world.post("/api/v1/discovery/discovered_apps/", json!({})).await.ok();
    assert_eq!(global["total"], 0, "a snapshot is not in the global view");
    assert_eq!(world.get("/api/v1/alerts").await.ok()["total"], 0);
}

#[tokio::test]
async fn logs_that_cannot_be_read_say_so() {
    let world = World::start().await;
    source(&world, "office").await;
    let png = include_bytes!("../../../casbah-discovery/samples/bad/image.png");
    let asa = include_bytes!("../../../casbah-discovery/samples/bad/asa-sent-as-squid.log");
    let cut = include_bytes!("../../../casbah-discovery/samples/bad/truncated.log.gz");
    for (log, title) in [
        (&png[..], "Unsupported file type"),
        (&asa[..], "The log format doesn't match"),
        (&b""[..], "The log format doesn't match"),
        (&cut[..], "Unsupported file type"),
    ] {
        let task = upload(&world, log, "office").await;
        // The file is kept for a while, so it can be tried again.
        assert_eq!(
            task["status"],
            json!({ "isSuccess": false, "statusMessage": title, "shouldRetry": true })
        );
    }
    assert_eq!(world.post("/api/v1/discovery/discovered_apps/", json!({})).await.ok()["total"], 0);
    let streams = world.get("/api/discovery/streams").await.ok();
    assert_eq!(streams["streams"][1]["logFilesFailsCount"], 4);
}

#[tokio::test]
async fn uploads_are_finished_once_and_into_what_exists() {
    let world = World::start().await;
    source(&world, "office").await;
    source(&world, "plant").await;
    let waiting = world.get("/api/v1/discovery/upload_url?filename=a&source=squid").await.ok();
    let why = done(&world, waiting["url"].as_str().expect("url"), "office").await.refused(400, "uploadUrl");
    assert!(why.contains("nothing was uploaded"), "{why}");
    let url = put(&world, SQUID).await;
    let reply = done(&world, &url, "nowhere").await;
    let code = reply.json()["inputStreamName"][0]["errorMessageCode"].clone();
    assert_eq!(code, crate::problem::NO_STREAM);
    let why = reply.refused(400, "inputStreamName");
    assert!(why.contains("office") && why.contains("plant"), "{why}");
    let foreign = json!({ "uploadUrl": url, "inputStreamName": "office" });
    let call = request("POST", "/api/v1/discovery/done_upload", Body::from(foreign.to_string()));
    world.send(Some(&world.abroad), call).await.refused(400, "uploadUrl");
    done(&world, &url.replace("sig=", "sig=A"), "office").await.refused(400, "uploadUrl");
    done(&world, "https://elsewhere.example/x", "office").await.refused(400, "uploadUrl");
    done(&world, &url, "office").await.ok();
    done(&world, &url, "office").await.refused(400, "uploadUrl");
    let reply = world.send(None, request("PUT", &url, Body::from("more"))).await;
    assert_eq!(reply.status, 409, "{}", reply.text());
    for query in
        ["", "?source=SQUID", "?filename=a", "?filename=a&source=NONSENSE", "?filename=a&source=OTHER"]
    {
        let reply = world.get(&format!("/api/v1/discovery/upload_url/{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    }
}

#[tokio::test]
async fn tags_make_block_scripts() {
    let world = World::start().await;
    let script = |query: &'static str| world.get(query);
    assert_eq!(script("/api/discovery_block_scripts/?format=120").await.text(), "");
    let tag = |what: &'static str, name: &'static str| {
        let path: &'static str = match what {
            "add" => "/api/v1/discovery/discovery_app/11627/add_tag/",
            _ => "/api/v1/discovery/discovery_app/11627/remove_tag/",
        };
        world.post(path, json!({ "tagName": name }))
    };
    tag("add", "Sanctioned").await.ok();
    tag("add", "unsanctioned").await.ok();
    let tags = world.post("/api/v1/discovery/app_tags/", json!({})).await.ok();
    let named =
        |name: &str| tags.as_array().expect("a bare list").iter().find(|t| t["name"] == name).cloned();
    assert_eq!(named("Unsanctioned").expect("there")["appIds"], json!([11627]));
    assert_eq!(named("Sanctioned").expect("there")["appIds"], json!([]), "the last one wins");

    let reply = script("/api/discovery_block_scripts/?format=120&type=banned").await;
    assert!(reply.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    assert!(reply.text().contains(".dropbox.com\n"), "{}", reply.text());
    assert!(
        script("/cas/api/discovery_block_scripts?format=102")
            .await
            .text()
            .contains("url.domain=dropbox.com deny\n")
    );
    assert!(
        script("/api/discovery_block_scripts?format=135")
            .await
            .text()
            .contains("dest_host=dropbox.com action=deny\n")
    );
    let why = script("/api/discovery_block_scripts?format=999").await.refused(400, "format");
    assert!(why.contains("102") && why.contains("120") && why.contains("135"), "{why}");
    script("/api/discovery_block_scripts?type=other").await.refused(400, "type");
    let pages = script("/api/discovery_block_scripts?limit=10").await.ok();
    assert_eq!(pages["hasNext"], false);
    assert!(pages["data"][0]["domainList"].as_array().expect("a list").contains(&json!("dropbox.com")));

    tag("remove", "Unsanctioned").await.ok();
    assert_eq!(script("/api/discovery_block_scripts/?format=120").await.text(), "");
    let why = tag("add", "Nonsense").await.refused(400, "tagName");
    assert!(why.contains("Sanctioned"), "{why}");
    world
        .post("/api/v1/discovery/discovery_app/10001/add_tag", json!({ "tagName": "Monitored" }))
        .await
        .refused(404, "");
}

#[tokio::test]
async fn discovered_apps_filter_sort_and_page() {
    let world = World::start().await;
    source(&world, "office").await;
    upload(&world, SQUID, "office").await;
    let list = |body: Value| world.post("/api/v1/discovery/discovered_apps/", body);
    let all = list(json!({ "sortField": "name", "sortDirection": "asc" })).await.ok();
    let names: Vec<String> = all["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|a| a["name"].as_str().expect("name").to_lowercase())
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);

    // By number, and by feeding the filters back.
    let mut by_number = Vec::new();
    let mut by_filters = Vec::new();
    let mut filters = json!({});
    loop {
        let page = list(json!({ "skip": by_number.len(), "limit": 2 })).await.ok();
        by_number.extend(page["data"].as_array().expect("data").clone());
        let page = list(json!({ "skip": 0, "limit": "2", "filters": filters })).await.ok();
        by_filters.extend(page["data"].as_array().expect("data").clone());
        match page.get("nextQueryFilters") {
            Some(next) => filters = next.clone(),
            None => break,
        }
    }
    assert_eq!(by_number.len() as i64, all["total"].as_i64().expect("total"));
    assert_eq!(by_number, by_filters);

    let check = |filters: Value, holds: fn(&Value) -> bool| {
        let all = all["data"].as_array().expect("data").clone();
        let call = list(json!({ "filters": filters, "sortField": "name", "sortDirection": "asc" }));
        async move {
            let found = call.await.ok();
            let expected: Vec<Value> = all.into_iter().filter(holds).collect();
            assert_eq!(found["data"], json!(expected), "{filters}");
        }
    };
    check(json!({ "score": { "eq": [1, 6] } }), |a| {
        a["score"].as_i64().is_some_and(|s| (1..=6).contains(&s))
    })
    .await;
    check(json!({ "users": { "gt": 1 } }), |a| a["usersCount"].as_i64() > Some(1)).await;
    check(json!({ "users": { "lt": "2" } }), |a| a["usersCount"].as_i64() < Some(2)).await;
    check(json!({ "appName": { "contains": "BOX" } }), |a| {
        a["name"].as_str().is_some_and(|n| n.to_lowercase().contains("box"))
    })
    .await;
    check(json!({ "category": { "eq": "SAASDB_CATEGORY_CLOUD_STORAGE" } }), |a| {
        a["category"] == "SAASDB_CATEGORY_CLOUD_STORAGE"
    })
    .await;
    check(json!({ "tag": { "eq": "Unsanctioned" } }), |_| false).await;
    check(json!({ "user.entity": { "eq": ["nobody-has-this-name"] } }), |_| false).await;
    list(json!({ "timeframe": 31 })).await.refused(400, "timeframe");
    list(json!({ "streamId": "nonsense" })).await.refused(400, "streamId");
    list(json!({ "streamId": "ffffffffffffffffffffffff" })).await.refused(400, "streamId");
    list(json!({ "filters": { "sanity": {} } })).await.refused(400, "filters");
    list(json!({ "sortField": "colour" })).await.refused(400, "sortField");
    world.post("/api/v1/discovery/discovered_apps/categories", json!({})).await.refused(400, "streamId");
}

#[tokio::test]
async fn data_sources_come_and_go() {
    let world = World::start().await;
    let id = source(&world, "office").await;
    let list = |caller| {
        world.send(Some(caller), request("GET", "/cas/api/v1/discovery/data_sources/", Body::empty()))
    };
    let sources = list(&world.home).await.ok();
    assert_eq!((&sources["data"][0]["_id"], &sources["total"]), (&json!(id), &json!(1)));
    assert_eq!(list(&world.abroad).await.ok()["total"], 0);
    let make = |body: Value| world.post("/api/v1/discovery/data_sources/", body);
    make(json!({ "displayName": "Office", "logType": 114 })).await.refused(400, "displayName");
    make(json!({ "displayName": "a b", "logType": 114 })).await.refused(400, "displayName");
    make(json!({ "displayName": "x" })).await.refused(400, "logType");
    make(json!({ "displayName": "x", "logType": 9 })).await.refused(400, "logType");
    make(json!({ "displayName": "x", "logType": 114, "receiverType": "builtin" }))
        .await
        .refused(400, "receiverType");
    make(json!({ "displayName": "x", "logType": 114, "anonymizeUsers": "perhaps" }))
        .await
        .refused(400, "anonymizeUsers");
    let tls = make(json!({ "displayName": "x", "logType": "ZSCALER", "receiverTypeFull": "syslog-tls" }))
        .await
        .ok();
    assert_eq!(
        (&tls["logType"], &tls["receiverType"], &tls["protocol"]),
        (&json!(120), &json!("syslog"), &json!("tls"))
    );

    upload(&world, SQUID, "office").await;
    let url = put(&world, SQUID).await;
    let waiting = done(&world, &url, "office").await.ok();
    let path = format!("/api/v1/discovery/data_sources/{id}/");
    let remove = || request("DELETE", &path, Body::empty());
    let reader = only(&world.home, &[Permission::DiscoveryRead]);
    world.send(Some(&reader), remove()).await.refused(403, "");
    world.send(Some(&world.abroad), remove()).await.refused(404, "");
    world.send(Some(&world.home), remove()).await.ok();
    world.send(Some(&world.home), remove()).await.refused(404, "");
    assert_eq!(world.post("/api/v1/discovery/discovered_apps/", json!({})).await.ok()["total"], 0);
    let task =
        world.get(&format!("/api/v1/governance/{}", waiting["taskId"].as_str().expect("id"))).await.ok();
    assert_eq!(task["status"]["isSuccess"], false);
    assert!(!world.service.run_next_task().await.expect("the queue is empty"));
}

#[tokio::test]
async fn addresses_expire() {
    let world = World::start().await;
    let url = world.get("/api/v1/discovery/upload_url/?filename=a&source=SQUID").await.ok()["url"].clone();
    let url = url.as_str().expect("url").to_string();
    let shifted = world.later(5).await;
    let reply = shifted.send(None, request("PUT", &url, Body::from("x"))).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.headers["x-ms-error-code"]),
        (403, &"AuthenticationFailed".parse().expect("a header"))
    );
}
