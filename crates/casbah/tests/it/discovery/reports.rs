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
