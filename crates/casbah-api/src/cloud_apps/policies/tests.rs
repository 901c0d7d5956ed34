//! What a policy can be told to look for, and what is refused.

use serde_json::{Value, json};

use crate::testing::{World, request};
use axum::body::Body;

const CREATE: &str = "/api/v1/policies/create_rule/";

fn large() -> Value {
    json!({
        "name": "Much uploaded", "type": "NEW_SERVICE", "severity": "high", "description": "Look at it.",
        "filters": {
            "score": { "lt": 5 }, "category": { "eq": ["cloud_storage"] }, "trafficUploadedBytes": { "gt": 1000 },
        },
        "dailyAlertLimit": 3,
    })
}

#[tokio::test]
async fn a_policy_is_made_changed_and_deleted() {
    let world = World::start().await;
    let made = world.post(CREATE, large()).await.ok();
    let id = made["_id"].as_str().expect("an id").to_string();
    let path = format!("/api/v1/policies/{id}/");
    assert_eq!(world.get(&path).await.ok(), made);
    assert_eq!(
        (&made["severity"], &made["dailyAlertLimit"], &made["story"]),
        (&json!(2), &json!(3), &json!(4))
    );
    let filters = json!({
        "score": { "lt": 5 }, "category": { "eq": ["SAASDB_CATEGORY_CLOUD_STORAGE"] }, "trafficUploadedBytes": { "gt": 1000 },
    });
    assert_eq!(made["filters"], filters);
    assert_eq!((&made["enabled"], &made["isBuiltIn"]), (&json!(true), &json!(false)));

    // A record goes back as it came, and nothing changes.
    let put =
        |body: Value| world.send(Some(&world.home), request("PUT", &path, Body::from(body.to_string())));
    assert_eq!(put(made.clone()).await.ok(), made);
    let changed = put(json!({ "name": "Less", "dailyAlertLimit": 0 })).await.ok();
    assert_eq!((&changed["name"], &changed["dailyAlertLimit"]), (&json!("Less"), &Value::Null));
    assert_eq!(changed["filters"], filters, "what is left out stays");
    let update = format!("{path}update_rule/");
    let changed = world.post(&update, json!({ "filters": { "usersCount": { "gte": 51 } } })).await.ok();
    assert_eq!(changed["filters"], json!({ "usersCount": { "gt": 50 } }));
    for (verb, enabled) in [("disable", false), ("enable", true)] {
        let changed = world.post(&format!("{path}{verb}/"), json!({})).await.ok();
        assert_eq!((&changed["enabled"], &changed["disabled"]), (&json!(enabled), &json!(!enabled)));
    }

    world.send(Some(&world.abroad), request("DELETE", &path, Body::empty())).await.refused(404, "");
    world.send(Some(&world.home), request("DELETE", &path, Body::empty())).await.ok();
    world.get(&path).await.refused(404, "");
}

#[tokio::test]
async fn built_in_ones_are_changed_and_never_deleted() {
    let world = World::start().await;
    let all = world.get("/api/v1/policies/").await.ok();
    for policy in all["data"].as_array().expect("a list") {
        assert_eq!(policy["isBuiltIn"], true);
        let path = format!("/api/v1/policies/{}/", policy["_id"].as_str().expect("an id"));
        let refusal = world.send(Some(&world.home), request("DELETE", &path, Body::empty())).await;
        assert!(refusal.refused(400, "id").contains("disabled"));
        assert_eq!(world.post(&format!("{path}disable"), json!({})).await.ok()["enabled"], false);
        if policy["type"] == "NEW_SERVICE" {
            let body = json!({ "filters": { "score": { "lt": 3 } }, "severity": 0 });
            let changed = world.post(&format!("{path}update_rule"), body).await.ok();
            assert_eq!(
                (&changed["filters"], &changed["severity"]),
                (&json!({ "score": { "lt": 3 } }), &json!(0))
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let world = World::start().await;
    world.post(CREATE, large()).await.ok();
    for (change, section, why) in [
        (json!({ "name": "MUCH UPLOADED" }), "name", "another policy"),
        (json!({ "name": "" }), "name", "empty"),
        (json!({ "type": "SESSION" }), "type", "NEW_SERVICE"),
        (json!({ "type": "MALWARE" }), "type", "not evaluated"),
        (json!({ "type": "nonsense" }), "type", "NEW_SERVICE"),
        (json!({ "type": null }), "type", "missing"),
        (json!({ "severity": 4 }), "severity", "informational"),
        (json!({ "story": 6 }), "story", "must be one of"),
        (json!({ "dailyAlertLimit": -1 }), "dailyAlertLimit", "1 to"),
        (json!({ "filters": null }), "filters", "missing"),
        (json!({ "filters": { "users": { "gt": 5 } } }), "filters", "usersCount"),
        (json!({ "filters": { "score": { "lt": 1 } } }), "filters", "2 to 10"),
        (json!({ "filters": { "usersCount": { "gt": -5 } } }), "filters", "negative"),
        (json!({ "enabled": true, "disabled": true }), "enabled", "contradict"),
        (json!({ "repetition": { "minimum": 5, "withinMinutes": 5 } }), "repetition", "has no"),
        (json!({ "aggregateAlerts": true }), "aggregateAlerts", "has no"),
        (json!({ "type": "AUDIT", "filters": {}, "onlyNewApps": true }), "onlyNewApps", "has no"),
        (json!({ "actions": [{ "suspend": true }] }), "actions", "tag"),
        (json!({ "actions": [{ "type": "tag", "tag": "Nothing" }] }), "actions", "Unsanctioned"),
        (
            json!({ "actions": [{ "type": "tag", "tag": "Sanctioned" }, { "type": "tag", "tag": "Monitored" }] }),
            "actions",
            "exclude",
        ),
        (
            json!({ "type": "AUDIT", "filters": {}, "actions": [{ "type": "tag", "tag": "Sanctioned" }] }),
            "actions",
            "empty",
        ),
        (json!({ "filters": { "score": { "gte": 5, "lt": 5 } } }), "filters", "between"),
        (json!({ "filters": { "score": { "eq": null } } }), "filters", "1 to 10"),
        (json!({ "filters": { "founded": { "gt": 12 } } }), "filters", "1500"),
        (json!({ "filters": { "headquarters": { "eq": "Sweden" } } }), "filters", "two letters"),
        (json!({ "filters": { "claim": { "eq": "iso" } } }), "filters", "iso27001"),
        (
            json!({ "filters": { "category": { "eq": "storage" } } }),
            "filters",
            "SAASDB_CATEGORY_CLOUD_STORAGE",
        ),
        (json!({ "filters": { "appId": { "eq": 1 } } }), "filters", "no app 1"),
        (json!({ "filters": { "tag": { "neq": "Nobody's" } } }), "filters", "Monitored"),
        (json!({ "filters": { "tag": { "eq": null } } }), "filters", "null"),
        (
            json!({ "filters": { "streamId": { "eq": "6a1f0c2b9d3e4f5a6b7c8d90" } } }),
            "filters",
            "continuous report",
        ),
        (json!({ "onlyNewApps": "perhaps" }), "onlyNewApps", "true"),
        (json!({ "template": "new" }), "template", "new-popular-app"),
        (json!({ "template": "new-popular-app", "type": "AUDIT", "filters": {} }), "type", "template"),
        (json!({ "description": "\u{7}" }), "description", "control"),
    ] {
        let mut body = large();
        body["name"] = json!("Another");
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let text = world.post(CREATE, body).await.refused(400, section);
        assert!(text.contains(why), "{change}: {text}");
    }
    let all = world.get("/api/v1/policies/").await.ok();
    let own = all["data"].as_array().expect("a list").iter().filter(|p| p["isBuiltIn"] == false).count();
    assert_eq!(own, 1, "what was refused left nothing behind");
}

#[tokio::test]
async fn policies_on_activities_keep_their_conditions() {
    let world = World::start().await;
    let filters = json!({ "activity.eventType": { "eq": "EVENT_CATEGORY_DOWNLOAD_FILE" }, "service": { "eq": [20892] } });
    let body = json!({ "name": "Downloads", "type": "audit", "filters": filters });
    let made = world.post(CREATE, body).await.ok();
    assert_eq!((&made["filters"], &made["dailyAlertLimit"]), (&filters, &json!(5)));
    assert_eq!(
        (&made["type"], &made["story"], &made["repetition"]),
        (&json!("AUDIT"), &json!(0), &Value::Null)
    );
    let path = format!("/api/v1/policies/{}/update_rule/", made["_id"].as_str().expect("an id"));
    let update = |body: Value| world.post(&path, body);
    let repetition = json!({ "minimum": 3, "withinMinutes": 10, "inSingleApp": true });
    let changed = update(json!({ "repetition": repetition })).await.ok();
    assert_eq!((&changed["filters"], &changed["repetition"]), (&filters, &repetition));
    assert_eq!(update(changed.clone()).await.ok(), changed, "a record goes back as it came");
    let changed = update(json!({ "repetition": { "withinMinutes": "20" }, "filters": {} })).await.ok();
    assert_eq!((&changed["filters"], &changed["repetition"]["withinMinutes"]), (&json!({}), &json!(20)));
    assert_eq!(update(json!({ "repetition": { "minimum": 1 } })).await.ok()["repetition"], Value::Null);
    for (body, section, why) in [
        (json!({ "filters": { "date": { "gte": 5 } } }), "filters", "there is no filter"),
        (json!({ "filters": { "fileId": { "eq": "x" } } }), "filters", "there is no filter"),
        (json!({ "filters": { "service": { "eq": "x" } } }), "filters", "whole numbers"),
        (json!({ "repetition": { "minimum": 5 } }), "repetition", "withinMinutes"),
        (json!({ "repetition": { "minimum": 5, "withinMinutes": 0 } }), "repetition", "1 to 1440"),
        (json!({ "repetition": { "minimum": 0, "withinMinutes": 5 } }), "repetition", "1 to 10000"),
        (json!({ "repetition": 5 }), "repetition", "an object"),
        (json!({ "travel": { "kilometres": 5 } }), "travel", "no travel"),
    ] {
        let text = update(body.clone()).await.refused(400, section);
        assert!(text.contains(why), "{body}: {text}");
    }
}

#[tokio::test]
async fn thresholds_of_built_in_detections_can_be_changed() {
    let world = World::start().await;
    let all = world.get("/api/v1/policies/?limit=100").await.ok();
    let find = |name: &str| {
        let found = all["data"].as_array().expect("a list").iter().find(|policy| policy["name"] == name);
        format!("/api/v1/policies/{}/update_rule/", found.expect("is there")["_id"].as_str().expect("an id"))
    };
    for (name, field, given, expected) in [
        (
            "Multiple failed log-ons",
            "repetition",
            json!({ "minimum": 20 }),
            json!({ "minimum": 20, "withinMinutes": 5, "inSingleApp": false }),
        ),
        (
            "Impossible travel activity",
            "travel",
            json!({ "kilometres": 50 }),
            json!({ "kilometresPerHour": 900, "kilometres": 50 }),
        ),
        ("Unusual addition of credentials to an application", "firstInDays", json!(30), json!(30)),
    ] {
        let path = find(name);
        let changed = world.post(&path, json!({ field: given })).await.ok();
        assert_eq!(changed[field], expected);
        assert_eq!(world.post(&path, changed.clone()).await.ok(), changed);
        let other = if field == "travel" { "repetition" } else { "travel" };
        world.post(&path, json!({ other: { "minimum": 5, "kilometres": 5 } })).await.refused(400, other);
        world.post(&path, json!({ "filters": { "service": { "eq": 1 } } })).await.refused(400, "filters");
    }
}

#[tokio::test]
async fn every_filter_on_apps_is_taken_and_told() {
    let world = World::start().await;
    let filters = json!({
        "appId": { "eq": [11627], "neq": [10489] },
        "appName": { "eq": ["Dropbox"], "neq": ["Box"], "contains": ["drop"] },
        "domain": { "contains": ["dropbox"] },
        "tag": { "eq": ["monitored"], "neq": ["Sanctioned"] },
        "category": { "eq": ["SAASDB_CATEGORY_CLOUD_STORAGE"], "neq": ["SAASDB_CATEGORY_CRM"] },
        "score": { "eq": [3, 8] },
        "vendor": { "eq": ["Dropbox"], "neq": ["Other"] },
        "headquarters": { "eq": ["us"], "neq": ["SE"] },
        "founded": { "gt": 2000, "lt": 2020 },
        "claim": { "eq": ["SOC2"], "neq": ["hipaa"] },
        "missingClaim": { "eq": ["fedramp"], "neq": ["mfa"] },
        "trafficTotalBytes": { "gt": 1 },
        "trafficUploadedBytes": { "gt": 2 },
        "trafficDownloadedBytes": { "gte": 3 },
        "trafficTotalEvents": { "gt": 3 },
        "usersCount": { "gt": 4 },
        "ipAddressesCount": { "gt": 5 },
    });
    let body = json!({
        "name": "All", "type": "NEW_SERVICE", "filters": filters,
        "actions": [{ "type": "tag", "tag": "unsanctioned" }],
    });
    let made = world.post(CREATE, body).await.ok();
    let mut expected = filters.clone();
    expected["tag"]["eq"] = json!(["Monitored"]);
    expected["score"] = json!({ "gte": 3, "lt": 9 });
    expected["headquarters"]["eq"] = json!(["US"]);
    expected["founded"] = json!({ "gte": 2001, "lte": 2019 });
    expected["claim"]["eq"] = json!(["soc2"]);
    expected["trafficDownloadedBytes"] = json!({ "gt": 2 });
    assert_eq!(made["filters"], expected);
    assert_eq!(made["onlyNewApps"], false);
    assert_eq!(made["actions"], json!([{ "type": "tag", "tag": "Unsanctioned" }]));
    let path = format!("/api/v1/policies/{}/update_rule/", made["_id"].as_str().expect("an id"));
    assert_eq!(world.post(&path, made.clone()).await.ok(), made);
    let changed = world.post(&path, json!({ "onlyNewApps": true, "actions": [] })).await.ok();
    assert_eq!(
        (&changed["filters"], &changed["onlyNewApps"]),
        (&expected, &json!(true)),
        "what is left out stays"
    );
    assert_eq!(changed["actions"], json!([]));
}

#[tokio::test]
async fn a_policy_is_made_of_a_template() {
    let world = World::start().await;
    let all = world.get("/api/v1/policies/templates/?limit=100").await.ok();
    let templates = all["data"].as_array().expect("a list");
    assert_eq!(templates.len(), 15);
    for template in templates {
        let body = json!({ "template": template["id"], "name": format!("Ours: {}", template["name"]) });
        let made = world.post(CREATE, body).await.ok();
        for field in ["description", "type", "severity", "filters", "onlyNewApps"] {
            assert_eq!(made[field], template[field], "{field}");
        }
        assert_eq!((&made["enabled"], &made["isBuiltIn"]), (&json!(true), &json!(false)));
    }
    let body = json!({
        "template": "new-crm-app", "filters": { "usersCount": { "gt": 3 } }, "severity": "high", "dailyAlertLimit": 2,
    });
    let made = world.post(CREATE, body).await.ok();
    assert_eq!((&made["name"], &made["severity"]), (&json!("New CRM app"), &json!(2)));
    assert_eq!(
        (&made["filters"], &made["onlyNewApps"]),
        (&json!({ "usersCount": { "gt": 3 } }), &json!(true))
    );
    assert_eq!(made["dailyAlertLimit"], 2);
}
