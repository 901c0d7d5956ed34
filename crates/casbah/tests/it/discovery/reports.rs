//! Reports: totals, categories, risk, days, and the way from an app to users, addresses and days.

use super::*;

/// A line of Squid's native log, so many days before the clock of the tests.
fn squid(days_ago: i64, user: &str, client: &str, host: &str, bytes: u64) -> String {
    // 2026-11-23T11:00:00Z
    let seconds = 1_795_431_600 - days_ago * 86_400;
    format!(
        "{seconds}.000 120 {client} TCP_MISS/200 {bytes} GET https://{host}/ {user} HIER_DIRECT/192.0.2.1 text/html\n"
    )
}

pub(super) fn log() -> String {
    [
        squid(0, "ann", "10.0.0.1", "www.dropbox.com", 1000),
        squid(0, "bob", "10.0.0.2", "www.dropbox.com", 2000),
        squid(1, "ann", "10.0.0.3", "www.dropbox.com", 400),
        squid(1, "ann", "10.0.0.1", "github.com", 50),
        squid(20, "cyd", "10.0.0.4", "www.dropbox.com", 7000),
        squid(0, "ann", "10.0.0.1", "static.nobody-knows-this.example", 10),
    ]
    .concat()
}

fn ask(caller: &Session, path: &str, body: Value) -> Value {
    caller.post(&format!("/api/v1/discovery/{path}/"), &body).ok()
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_string()).collect()
}

both! {
    fn from_an_app_down_to_users_addresses_and_days(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, log().as_bytes(), "a.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let body = |days: i64, more: Value| {
            let mut body = json!({"streamId": id, "timeframe": days});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let dropbox = json!({"appId": 11627});
        let week = ask(&caller, "app_users", body(7, dropbox.clone()));
        assert_eq!(names(&week, "userName"), ["bob", "ann"], "most traffic first");
        assert_eq!((&week["total"], &week["data"][1]["trafficTotalBytes"], &week["data"][1]["ipAddressesCount"]), (&json!(2), &json!(1400), &json!(2)));
        assert_eq!(week["data"][1]["firstSeen"].as_str().unwrap().get(..10), Some("2026-11-22"));
        let month = ask(&caller, "app_users", body(30, json!({"appId": 11627, "sortField": "name", "sortDirection": "asc", "limit": 2})));
        assert_eq!((names(&month, "userName"), &month["hasNext"]), (vec!["ann".to_string(), "bob".to_string()], &json!(true)));
        // From a user to addresses, and to days.
        let addresses = ask(&caller, "app_ip_addresses", body(30, json!({"appId": "11627", "userName": "Ann", "sortField": "name", "sortDirection": "asc"})));
        assert_eq!(names(&addresses, "ipAddress"), ["10.0.0.1", "10.0.0.3"]);
        let days = ask(&caller, "app_days", body(30, json!({"userName": "ann", "sortField": "name"})));
        assert_eq!(names(&days, "day"), ["2026-11-23", "2026-11-22"]);
        assert_eq!((&days["data"][1]["trafficTotalBytes"], &days["data"][1]["appsCount"]), (&json!(450), &json!(2)));
        // From a user to apps: the figures are that user's.
        let apps = ask(&caller, "discovered_apps", body(30, json!({"userName": "ann"})));
        assert_eq!(names(&apps, "name"), ["Dropbox", "GitHub"]);
        assert_eq!(apps["data"][0]["trafficTotalBytes"], 1400);
        // One app in one look, every day of the week.
        let app = ask(&caller, "app", body(7, dropbox));
        assert_eq!((&app["name"], &app["trafficTotalBytes"], &app["days"].as_array().unwrap().len()), (&json!("Dropbox"), &json!(3400), &7));
        assert_eq!((&app["days"][6]["day"], &app["days"][6]["usersCount"], &app["days"][0]["trafficTotalEvents"]), (&json!("2026-11-23"), &json!(2), &json!(0)));
        caller.post("/api/v1/discovery/app/", &json!({"appId": 11599})).refused(404);
        caller.post("/api/v1/discovery/app/", &json!({})).refused(400);
        caller.post("/api/v1/discovery/app_users/", &json!({"sortField": "colour"})).refused(400);
        // All of it, here and in the global view; another tenant sees nothing.
        for summary in [ask(&caller, "summary", body(30, json!({}))), ask(&caller, "summary", json!({"timeFrame": "30"}))] {
            assert_eq!((&summary["appsCount"], &summary["usersCount"], &summary["ipAddressesCount"], &summary["trafficTotalBytes"], &summary["trafficTotalEvents"]), (&json!(2), &json!(3), &json!(4), &json!(10_450), &json!(5)));
            assert_eq!((&summary["categories"][0]["id"], &summary["categories"][0]["trafficTotalBytes"]), (&json!("SAASDB_CATEGORY_CLOUD_STORAGE"), &json!(10_400)));
            let risk: i64 = ["high", "medium", "low", "unscored"].iter().map(|band| summary["risk"][band]["appsCount"].as_i64().unwrap()).sum();
            assert_eq!((risk, summary["days"].as_array().unwrap().len(), &summary["topApps"][0]["name"]), (2, 30, &json!("Dropbox")));
        }
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(ask(&other, "summary", json!({}))["appsCount"], 0);
        other.post("/api/v1/discovery/app_users/", &body(30, json!({}))).refused(400);
        // How many apps bear which tag.
        caller.post("/api/v1/discovery/discovery_app/11627/add_tag/", &json!({"tagName": "Monitored"})).ok();
        assert_eq!(ask(&caller, "discovered_apps/tags", body(30, json!({})))["data"], json!([{"id": "Monitored", "count": 1}]));
    }
}

/// A token for the directory that holds what reading discovered apps needs.
fn graph(casbah: &Casbah) -> String {
    casbah.directory_token(crate::harness::ADMINISTRATOR)
}

both! {
    fn what_a_tenant_says_of_apps_shows_in_reports_and_scores(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let app = json!({"name": "Own wiki", "category": "SAASDB_CATEGORY_COLLABORATION", "domains": ["nobody-knows-this.example"], "ipRanges": ["198.51.100.0/24"], "score": 9, "businessUnit": "IT"});
        let made = ask(&caller, "custom_apps", app.clone());
        assert_eq!(made["appId"], 90_000);
        for (field, value) in [("category", json!("SAASDB_CATEGORY_NO")), ("domains", json!(["co.uk"])), ("domains", json!([])), ("ipRanges", json!(["x"])), ("score", json!(11)), ("name", json!(" "))] {
            let mut wrong = app.clone();
            wrong["name"] = json!("Another");
            if field == "domains" { wrong["ipRanges"] = json!([]); }
            wrong[field] = value.clone();
            let why = caller.post("/api/v1/discovery/custom_apps/", &wrong).refused(400).to_string();
            assert!(why.contains(field), "{value}: {why}");
        }
        caller.post("/api/v1/discovery/custom_apps/", &app).refused(400);
        upload(&caller, log().as_bytes(), "a.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let own = ask(&caller, "app", json!({"appId": 90_000, "streamId": id}));
        assert_eq!((&own["name"], &own["score"], &own["trafficTotalEvents"], &own["tags"]), (&json!("Own wiki"), &json!(9), &json!(1), &json!(["Custom app"])));
        // A score of one's own, and notes; null takes it back.
        let dropbox = || ask(&caller, "app", json!({"appId": 11627, "streamId": id}))["score"].clone();
        let computed = dropbox();
        ask(&caller, "discovery_app/11627/override", json!({"score": 2, "notes": "contract ended"}));
        assert_eq!(dropbox(), 2);
        assert_eq!(caller.get("/api/v1/discovery/app_overrides/").ok()["data"][0]["notes"], "contract ended");
        ask(&caller, "discovery_app/11627/override", json!({"score": null}));
        assert_eq!(dropbox(), computed);
        caller.post("/api/v1/discovery/discovery_app/11627/override/", &json!({"score": 0})).refused(400);
        // Weights: with compliance ignored, the score is another one.
        let weights = caller.get("/api/v1/discovery/weights/").ok();
        assert_eq!((&weights["groups"]["compliance"], &weights["factors"]["mfa"], weights["fields"].as_array().unwrap().len()), (&json!("high"), &json!("medium"), 9));
        let changed = ask(&caller, "weights", json!({"groups": {"compliance": "ignored", "security": "ignored", "legal": "ignored"}}));
        assert_eq!(changed["groups"]["general"], "low");
        assert_eq!(dropbox(), 10, "an old vendor, and nothing else counts");
        for wrong in [json!({"groups": {"colour": "high"}}), json!({"factors": {"mfa": "huge"}}), json!({"groups": 1})] {
            caller.post("/api/v1/discovery/weights/", &wrong).refused(400);
        }
        // Tags of one's own.
        let tag = ask(&caller, "app_tags/create", json!({"name": "Audited"}));
        ask(&caller, "discovery_app/11627/add_tag", json!({"tagName": "audited"}));
        assert_eq!(ask(&caller, "discovered_apps", json!({"filters": {"tag": {"eq": "Audited"}}}))["total"], 1);
        caller.delete(&format!("/api/v1/discovery/app_tags/{}/", tag["id"].as_str().unwrap())).ok();
        assert_eq!(ask(&caller, "discovered_apps", json!({"filters": {"tag": {"eq": "Audited"}}}))["total"], 0);
        // Gone: its usage stays under the number.
        caller.delete("/api/v1/discovery/custom_apps/90000/").ok();
        assert_eq!(ask(&caller, "app", json!({"appId": 90_000}))["name"], "App 90000");
        caller.delete("/api/v1/discovery/custom_apps/90000/").refused(404);
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        assert_eq!(other.get("/api/v1/discovery/weights/").ok()["groups"]["compliance"], "high");
    }

    fn what_is_excluded_is_not_counted_and_what_is_unknown_is_listed(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        ask(&caller, "exclusions", json!({"entityType": "user", "value": "BOB", "note": "the scanner"}));
        let range = ask(&caller, "exclusions", json!({"entityType": "ipAddress", "value": "10.0.0.4/32"}));
        caller.post("/api/v1/discovery/exclusions/", &json!({"entityType": "ipAddress", "value": "10.0.0"})).refused(400);
        caller.post("/api/v1/discovery/exclusions/", &json!({"entityType": "user", "value": "bob"})).refused(400);
        let task = upload(&caller, log().as_bytes(), "a.log", "SQUID_NATIVE", "Office", false);
        assert_eq!(task["figures"]["excluded"], 2, "{task}");
        assert_eq!(names(&ask(&caller, "app_users", json!({"timeframe": 30})), "userName"), ["ann"]);
        let unknown = ask(&caller, "unmatched_domains", json!({"timeframe": 7}));
        assert_eq!((names(&unknown, "domain"), &unknown["data"][0]["trafficTotalBytes"]), (vec!["nobody-knows-this.example".to_string()], &json!(10)));
        caller.delete(&format!("/api/v1/discovery/exclusions/{}/", range["_id"].as_str().unwrap())).ok();
        assert_eq!(caller.get("/api/v1/discovery/exclusions/").ok()["data"][0]["value"], "bob");
        upload(&caller, squid(0, "cyd", "10.0.0.4", "www.dropbox.com", 1).as_bytes(), "b.log", "SQUID_NATIVE", "Office", false);
        assert_eq!(ask(&caller, "app_users", json!({"timeframe": 30}))["total"], 2, "from now on it counts");
    }

    fn a_log_whose_hosts_are_all_unknown_fails_and_leaves_its_domains(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let log = [("files.unheard.example", 3), ("www.unheard.example", 4), ("else.example", 5)];
        let log = log.map(|(host, n)| squid(0, "ann", "10.0.0.1", host, n)).concat();
        let check = |filename: &str, success: bool| {
            let task = upload(&caller, log.as_bytes(), filename, "SQUID_NATIVE", "Office", false);
            assert_eq!(task["status"]["isSuccess"], success, "{task}");
            // What comes again, also when it is known meanwhile, is listed once.
            let unknown = ask(&caller, "unmatched_domains", json!({"timeframe": 7}));
            let listed: Vec<_> = unknown["data"].as_array().unwrap().iter().map(|one| (one["domain"].as_str().unwrap(), one["trafficTotalEvents"].as_i64().unwrap(), one["trafficTotalBytes"].as_i64().unwrap())).collect();
            assert_eq!(listed, [("unheard.example", 2, 7), ("else.example", 1, 5)]);
            task
        };
        let task = check("unknown.log", false);
        assert_eq!(task["status"]["statusMessage"], "No transactions to cataloged cloud apps");
        assert_eq!((&task["figures"]["parsed"], &task["figures"]["notInCatalog"]), (&json!(3), &json!(3)), "{task}");
        let hosts = caller.get(&format!("/api/v1/governance/{}/destinations/", task["_id"].as_str().unwrap())).ok();
        assert_eq!(hosts["data"].as_array().unwrap().len(), 3, "{hosts}");
        assert_eq!(ask(&caller, "discovered_apps", json!({}))["total"], 0);
        assert_eq!(task["status"]["shouldRetry"], true, "its log is still here");
        let retry = format!("/cas/api/v1/governance/{}/retry/", task["_id"].as_str().unwrap());
        check("again.log", false);
        // Tried again while nothing has changed, it fails again.
        assert!(caller.get(&retry).ok()["status"]["isSuccess"].is_null());
        assert_eq!(wait_for_task(&caller, "unknown.log")["status"]["isSuccess"], false);
        ask(&caller, "custom_apps", json!({"name": "Unheard", "category": "SAASDB_CATEGORY_CRM", "domains": ["unheard.example"]}));
        caller.post(&retry, &json!({})).ok();
        let tried = wait_for_task(&caller, "unknown.log");
        assert_eq!((&tried["_id"], &tried["status"]), (&task["_id"], &json!({"isSuccess": true, "statusMessage": "", "shouldRetry": false})), "{tried}");
        let why = caller.get(&retry).refused(400);
        assert!(why.to_string().contains("succeeded"), "{why}");
        check("known.log", true);
        let found = ask(&caller, "discovered_apps", json!({}));
        assert_eq!((found["total"].as_i64(), found["data"][0]["trafficTotalBytes"].as_i64()), (Some(1), Some(7)), "{found}");
    }

    fn hidden_names_count_right_and_are_shown_with_a_reason_only(casbah: &Casbah) {
        let caller = casbah.application();
        caller.post("/api/v1/tenant_config/resolveDiscoveryUserWithAAD/", &json!({"resolveDiscoveryUserWithAAD": true})).ok();
        let make = |name: &str, hide: bool| caller.post("/api/v1/discovery/data_sources/", &json!({"displayName": name, "logType": 155, "receiverType": "ftp", "anonymizeUsers": hide})).ok();
        make("Open", false);
        assert_eq!(make("Hidden", true)["anonymizeUsers"], true);
        // One person under three names, and one whom the directory does not know.
        let text = [("ada@contoso.example", 1), ("CONTOSO%5Cada", 2), ("ada", 3), ("eve", 4)].map(|(user, n)| squid(0, user, "10.0.0.1", "www.dropbox.com", n)).concat();
        upload(&caller, text.as_bytes(), "a.log", "SQUID_NATIVE", "Open", false);
        upload(&caller, text.as_bytes(), "b.log", "SQUID_NATIVE", "Hidden", false);
        let users = |name: &str| names(&ask(&caller, "app_users", json!({"streamId": stream_id(&caller, name), "sortField": "trafficTotalBytes"})), "userName");
        assert_eq!(users("Open"), ["ada@contoso.example", "eve"]);
        let hidden = users("Hidden");
        assert!(hidden.len() == 2 && hidden.iter().all(|name| name.starts_with("user_") && name.len() > 30), "{hidden:?}");
        // Nothing on the server's disk knows the name of whoever is hidden. (The raw log is gone.)
        let of_one = ask(&caller, "discovered_apps", json!({"streamId": stream_id(&caller, "Hidden"), "userName": hidden[1]}));
        assert_eq!(of_one["data"][0]["trafficTotalBytes"], 4);
        let path = "/api/v1/discovery/resolve_usernames/";
        caller.post(path, &json!({"userNames": hidden})).refused(400);
        let shown = caller.post(path, &json!({"userNames": [hidden[0], hidden[1], "Eve", "user_nonsense"], "justification": "case 4711"})).ok();
        let resolved: Vec<&Value> = shown["data"].as_array().unwrap().iter().map(|one| &one["resolved"]).collect();
        assert_eq!(resolved, [&json!("ada@contoso.example"), &json!("eve"), &json!(hidden[1]), &Value::Null]);
        let trail = caller.get("/api/v1/activities/?limit=50").ok().to_string();
        assert!(trail.contains("case 4711") && trail.contains("resolve user names"), "it is recorded");
        // By default from now on, for a snapshot too; the other tenant's key is another one.
        assert_eq!(caller.get("/api/v1/discovery/get_encryption_settings/").ok()["hasKey"], true);
        caller.post("/api/v1/discovery/set_encryption_settings/", &json!({"anonymizeByDefault": true})).ok();
        upload(&caller, text.as_bytes(), "c.log", "SQUID_NATIVE", "Once", true);
        let mut once = users("Once");
        once.sort();
        let mut both = hidden.clone();
        both.sort();
        assert_eq!(once, both);
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        let theirs = other.post(path, &json!({"userNames": [hidden[0]], "justification": "x"})).ok();
        assert_eq!(theirs["data"][0]["resolved"], Value::Null);
        casbah.user(READER).post(path, &json!({"userNames": hidden, "justification": "x"})).refused(403);
    }

    fn parsers_of_a_tenant_are_tried_saved_and_used(casbah: &Casbah) {
        let caller = casbah.application();
        let definition = json!({"name": "Gateway", "type": "csv", "delimiter": ";", "timestamp": {"column": "when"}, "sourceIp": "client", "destinationUrl": "target", "userName": "person", "uploadedBytes": "out"});
        let sample = "when;client;target;person;out\n2026-11-23T10:00:00Z;10.0.0.1;https://www.dropbox.com/;ann;5\n2026-11-23T10:00:00Z;nobody;https://www.dropbox.com/;ann;5\n";
        let tried = ask(&caller, "custom_parsers/try", json!({"definition": definition, "sample": sample}));
        assert_eq!((&tried["accepted"], &tried["figures"]["parsed"], &tried["figures"]["skippedByReason"]["sourceIp"]), (&json!(true), &json!(1), &json!(1)), "{tried}");
        assert_eq!(tried["lines"][2]["field"], "sourceIp", "{tried}");
        let mut wrong = definition.clone();
        wrong["sourceIp"] = json!("");
        let why = caller.post("/api/v1/discovery/custom_parsers/", &json!({"definition": wrong})).refused(400).to_string();
        assert!(why.contains("sourceIp"), "{why}");
        let made = ask(&caller, "custom_parsers", json!({"definition": definition}));
        caller.post("/api/v1/discovery/custom_parsers/", &json!({"definition": definition})).refused(400);
        // A data source with it reads whatever the upload calls its source.
        let source = json!({"displayName": "Branch", "logType": "CUSTOM_PARSER", "receiverType": "ftp", "parser": "gateway"});
        assert_eq!(caller.post("/api/v1/discovery/data_sources/", &source).ok()["parser"], made["_id"]);
        for (n, name) in ["CUSTOM_PARSER", "SQUID", "Gateway"].iter().enumerate() {
            let text = sample.replace(";5\n", &format!(";{}\n", n + 1));
            let task = upload(&caller, text.as_bytes(), &format!("{n}.csv"), name, "Branch", false);
            assert_eq!((&task["status"]["isSuccess"], &task["figures"]["parsed"]), (&json!(true), &json!(1)), "{task}");
        }
        let used = ask(&caller, "app", json!({"appId": 11627, "streamId": stream_id(&caller, "Branch")}));
        assert_eq!((&used["trafficUploadedBytes"], &used["trafficTotalEvents"]), (&json!(6), &json!(3)));
        upload(&caller, sample.as_bytes(), "snapshot.csv", "gateway", "Once", true);
        let path = format!("/api/v1/discovery/custom_parsers/{}/", made["_id"].as_str().unwrap());
        assert_eq!(caller.delete(&path).status, 409, "a data source uses it");
        // Without a parser there is nothing to read it with.
        stream(&caller, "Plain", 167);
        let address = upload_url(&caller, "x.csv", "CUSTOM_PARSER");
        put(&caller, &address, sample.as_bytes());
        caller.post("/api/v1/discovery/done_upload/", &done(&address, "Plain", false)).refused(400);
        // The list of sources, and which of them a log is of.
        let sources = caller.get("/api/v1/discovery/sources/?search=zscaler").ok();
        assert!(sources["data"].as_array().unwrap().iter().any(|one| one["name"] == "ZSCALER" && one["layout"] == "verified"), "{sources}");
        let found = ask(&caller, "sources/detect", json!({"sample": log()}));
        assert_eq!(found["source"], "SQUID_NATIVE", "{found}");
        caller.post("/api/v1/discovery/sources/detect/", &json!({})).refused(400);
    }

    fn appliances_fetch_a_list_until_its_address_is_taken_back(casbah: &Casbah) {
        let caller = casbah.application();
        caller.post("/api/v1/discovery/block_lists/", &json!({"name": "Office", "format": "pigeon"})).refused(400);
        let made = ask(&caller, "block_lists", json!({"name": "Office", "format": "domains"}));
        let url = made["url"].as_str().unwrap();
        let secret = url.rsplit('/').next().unwrap();
        let path = format!("/lists/{secret}");
        let anyone = casbah.anonymous();
        assert_eq!((anyone.get(&path).status, anyone.get(&path).body.len()), (200, 0));
        ask(&caller, "discovery_app/11627/add_tag", json!({"tagName": "Unsanctioned"}));
        let answer = anyone.get(&path);
        assert!(answer.text().lines().any(|line| line == "dropbox.com"));
        let mark = answer.header("etag").to_string();
        assert_eq!(anyone.send("GET", &path, &[("if-none-match", &mark)], b"").status, 304);
        let listed = caller.get("/api/v1/discovery/block_lists/").ok();
        assert!(!listed.to_string().contains(secret) && listed["data"][0]["lastFetched"].is_i64(), "{listed}");
        assert!(!casbah.log().contains(secret), "the log does not know the address");
        assert_eq!(anyone.get("/lists/wrong").status, 404);
        let id = made["_id"].as_str().unwrap();
        let other = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        other.delete(&format!("/api/v1/discovery/block_lists/{id}/")).refused(404);
        caller.delete(&format!("/api/v1/discovery/block_lists/{id}/")).ok();
        assert_eq!(anyone.get(&path).status, 404);
    }

    fn collectors_say_how_they_are(casbah: &Casbah) {
        let caller = casbah.application();
        let report = |health: Value| caller.post("/api/v1/discovery/log_collectors/", &json!({"name": "branch", "health": health}));
        let made = report(json!({"version": "1"})).ok();
        // The clock stands still, so it has just been made.
        let listed = || caller.get("/cas/api/v1/discovery/log_collectors/").ok()["data"][0].clone();
        assert_eq!((&listed()["status"], &listed()["name"]), (&json!("Created"), &json!("branch")));
        assert_eq!(report(json!({"version": "1", "lastData": 1_795_431_600_000_i64})).ok()["_id"], made["_id"]);
        assert_eq!((&listed()["status"], &listed()["lastDataReceived"]), (&json!("Healthy"), &json!("2026-11-23T11:00:00.000Z")));
        report(json!([])).refused(400);
        report(json!({"x": "y".repeat(70_000)})).refused(400);
        caller.delete(&format!("/api/v1/discovery/log_collectors/{}/", made["_id"].as_str().unwrap())).ok();
        assert_eq!(caller.get("/api/v1/discovery/log_collectors/").ok()["total"], 0);
    }

    fn graph_has_uploaded_streams_and_their_apps(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        upload(&caller, log().as_bytes(), "a.log", "SQUID_NATIVE", "Office", false);
        let id = stream_id(&caller, "Office");
        let graph = casbah.bearer(&graph(casbah));
        let root = "/beta/security/dataDiscovery/cloudAppDiscovery/uploadedStreams";
        let streams = graph.get(root).ok();
        assert_eq!(streams["value"].as_array().unwrap().len(), 1, "the global view was not uploaded: {streams}");
        let one = graph.get(&format!("{root}/{id}")).ok();
        assert_eq!((&one["displayName"], &one["logDataProvider"], &one["isSnapshotReport"], &one["supportedEntityTypes"]), (&json!("Office"), &json!("squidNative"), &json!(false), &json!(["userName", "ipAddress"])));
        let list = format!("{root}/{id}/aggregatedAppsDetails(period=duration'P30D')");
        let apps = graph.get(&format!("{list}?$count=true&$orderby=displayName&$top=1&$skip=1")).ok();
        assert_eq!((&apps["@odata.count"], &apps["value"][0]["displayName"], &apps["value"][0]["category"]), (&json!(2), &json!("GitHub"), &json!("codeHosting")));
        assert!(apps["value"][0].get("appInfo").is_none() && apps["@odata.nextLink"].is_null(), "{apps}");
        let next = graph.get(&format!("{list}?$top=1&$orderby=displayName")).ok()["@odata.nextLink"].as_str().unwrap().to_string();
        let next = next.split_once("/beta/").unwrap().1.to_string();
        assert_eq!(graph.get(&format!("/beta/{next}")).ok()["value"][0]["displayName"], "GitHub");
        for (filter, expected) in [("riskRating%20le%204", 0), ("riskScore%20gt%204", 2), ("category%20eq%20'cloudStorage'", 1), ("appInfo/isHipaaCompliant%20eq%20'false'", 0), ("userCount%20gt%202%20and%20contains(displayName,'drop')", 1)] {
            let found = graph.get(&format!("{list}?$filter={filter}&$select=displayName")).ok();
            assert_eq!(found["value"].as_array().unwrap().len(), expected, "{filter}: {found}");
        }
        let users = graph.get(&format!("{root}/{id}/microsoft.graph.security.aggregatedAppsDetails(period=duration'P7D')/11627/users")).ok();
        assert_eq!(users["value"], json!([{"userIdentifier": "ann"}, {"userIdentifier": "bob"}]));
        assert_eq!(graph.get(&format!("{list}/11627/ipAddresses?$top=1")).ok()["value"], json!([{"ipAddress": "10.0.0.1"}]));
        assert_eq!(graph.get(&format!("{list}/11627/appInfo")).ok()["isSoc2Compliant"], "true");
        assert_eq!(graph.get(&format!("{list}/11627")).ok()["userCount"], 3);
        for (path, status) in [(format!("{list}/11599"), 404), (format!("{root}/{id}/aggregatedAppsDetails(period=duration'P8D')"), 400), (format!("{root}/000000000000000000000000"), 404), (root.replace("/beta", "/v1.0"), 404), (format!("{list}?$filter=colour%20eq%201"), 400)] {
            assert_eq!(graph.get(&path).status, status, "{path}");
        }
        assert_eq!(casbah.anonymous().get(root).status, 401);
        // A reader of elsewhere sees nothing; somebody without any role in Cloud Apps neither.
        assert_eq!(caller.get(root).status, 401, "a token for Cloud Apps is none for Graph");
    }
}
