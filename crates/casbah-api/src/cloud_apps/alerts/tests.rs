//! Alerts over the wire.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use casbah_model::{Alert, AlertEntity, AlertStatus, Guid, RecordId, Resolution, Severity, Timestamp};
use serde_json::{Value, json};

use crate::testing::{NOW, World, request};

fn id(number: usize) -> RecordId {
    format!("{number:024x}").parse().expect("24 hex digits")
}

fn alert(number: usize, raised: Timestamp) -> Alert {
    let entity = |kind: &str, id: &str, label: &str| AlertEntity {
        kind: kind.into(),
        id: id.into(),
        label: label.into(),
        extra: serde_json::Map::new(),
    };
    Alert {
        id: id(number),
        raised,
        title: format!("New storage app {number}"),
        description: "Seen for the first time".into(),
        severity: Severity::from_number(number as i64 % 4).expect("0 to 3"),
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: id(900_000),
        policy_name: "New storage app".into(),
        policy_type: "NEW_SERVICE".into(),
        built_in: true,
        alert_type: 15_728_645,
        stories: vec![4],
        intent: vec![],
        entities: vec![entity("service", "11627", "Dropbox"), entity("discovery_ip", "10.0.0.1", "10.0.0.1")],
        evidence: vec![],
        context: Guid::random(),
    }
}

/// A world with `count` alerts, `together` in each millisecond.
async fn world(count: usize, together: usize) -> World {
    let world = World::start().await;
    let tenant = world.home.tenant;
    let insert = world.service.store().write(move |tx| {
        for number in 0..count {
            let raised = Timestamp(NOW.0 - (number / together) as i64);
            casbah_store::alerts::insert(tx, tenant, &alert(number, raised))?;
        }
        Ok::<_, casbah_store::Error>(())
    });
    insert.await.expect("alerts can be stored");
    world
}

fn ids(answer: &Value) -> Vec<String> {
    let data = answer["data"].as_array().expect("data");
    data.iter().map(|a| a["_id"].as_str().expect("_id").to_string()).collect()
}

#[tokio::test]
async fn the_record_has_every_field() {
    let world = world(1, 1).await;
    let listed = world.get("/cas/api/v1/alerts/").await.ok();
    let record = world.get(&format!("/api/v1/alerts/{}/", id(0))).await.ok();
    assert_eq!(listed["data"][0], record);
    for (field, expected) in [
        ("_id", json!(id(0))),
        ("timestamp", json!(NOW.0)),
        ("statusValue", json!(0)),
        ("severityValue", json!(0)),
        ("resolutionStatusValue", json!(0)),
        ("stories", json!([4])),
        ("resolveTime", json!(null)),
        ("isSystemAlert", json!(false)),
        ("comment", json!("")),
    ] {
        assert_eq!(record[field], expected, "{field}");
    }
    assert_eq!(record["entities"][0], json!({ "id": 11627, "type": "service", "label": "Dropbox" }));
    assert_eq!(record["policy"]["type"], "policyRule");
    assert!(record.get("data").is_none(), "a client takes data as the sign of a list");
    assert_eq!(listed["total"], 1);
    assert_eq!(
        (&listed["hasNext"], &listed["max"], &listed["moreThanTotal"]),
        (&json!(false), &json!(100), &json!(false))
    );
    let foreign = request("GET", &format!("/api/v1/alerts/{}", id(0)), Body::empty());
    world.send(Some(&world.abroad), foreign).await.refused(404, "");
}

#[tokio::test]
async fn parameters_arrive_in_every_way() {
    let world = world(8, 1).await;
    let filters = r#"{"severity":{"eq":[2]}}"#;
    let form = format!("limit=1&filters={}", "%7B%22severity%22%3A%7B%22eq%22%3A%5B2%5D%7D%7D");
    let body = format!("{{\"limit\":\"1\",\"filters\":{filters}}}");
    let mut calls = vec![
        request("GET", &format!("/api/v1/alerts/?{form}"), Body::empty()),
        request("GET", "/api/v1/alerts", Body::from(body.clone())),
        request("POST", "/cas/api/v1/alerts", Body::from(body.clone())),
        request("POST", "/api/v1/alerts/", Body::from(form)),
    ];
    let mut labelled = request("POST", "//api/v1/alerts//", Body::from(body));
    labelled
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().expect("a header"));
    calls.push(labelled);
    for call in calls {
        let answer = world.send(Some(&world.home), call).await.ok();
        assert_eq!((answer["total"].as_i64(), answer["max"].as_i64()), (Some(2), Some(1)));
        assert_eq!((ids(&answer).len(), &answer["hasNext"]), (1, &json!(true)));
    }
}

#[tokio::test]
async fn unknown_filters_and_orders_are_refused() {
    let world = world(0, 1).await;
    let list = |body: Value| world.post("/api/v1/alerts/", body);
    let why = list(json!({ "filters": { "entity.app": { "eq": 1 } } })).await.refused(400, "filters");
    assert!(why.contains("entity.app") && why.contains("entity.service"), "{why}");
    let why = list(json!({ "filters": { "severity": { "gte": 1 } } })).await.refused(400, "filters");
    assert!(why.contains("gte") && why.contains("neq"), "{why}");
    list(json!({ "filters": { "id": { "eq": "zz9" } } })).await.refused(400, "filters");
    list(json!({ "filters": "{" })).await.refused(400, "filters");
    list(json!({ "sortField": "title" })).await.refused(400, "sortField");
    list(json!({ "sortDirection": "up" })).await.refused(400, "sortDirection");
    list(json!({ "limit": "many" })).await.refused(400, "limit");
    list(json!({ "skip": -1 })).await.refused(400, "skip");
    for nothing in [json!(null), json!([]), json!({}), json!(""), json!({ "severity": { "eq": [] } })] {
        list(json!({ "filters": nothing })).await.ok();
    }
    let reply = world.send(Some(&world.home), request("POST", "/api/v1/alerts", Body::from("{\"a"))).await;
    reply.refused(400, "body");
}

#[tokio::test]
async fn pages_by_number_hold_every_alert_once() {
    let world = world(107, 10).await;
    for order in ["date", "severity"] {
        for direction in ["asc", "desc"] {
            let mut seen = Vec::new();
            loop {
                let body =
                    json!({ "skip": seen.len(), "limit": 9, "sortField": order, "sortDirection": direction });
                let answer = world.post("/api/v1/alerts/", body).await.ok();
                assert_eq!(answer["total"], 107);
                seen.extend(ids(&answer));
                if answer["hasNext"] == false {
                    break;
                }
            }
            assert_eq!(seen.len(), 107);
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 107, "{order} {direction}");
        }
    }
    let answer = world.post("/api/v1/alerts/", json!({ "limit": 5000 })).await.ok();
    assert_eq!((ids(&answer).len(), &answer["max"]), (100, &json!(100)));
}

#[tokio::test]
async fn a_scan_holds_every_alert_once_and_ends() {
    for (together, limit) in [(1, 10), (3, 10), (10, 10), (25, 10), (107, 10), (7, 500)] {
        let world = world(107, together).await;
        for direction in ["asc", "desc"] {
            let oldest = NOW.0 - 50;
            let mut filters = json!({ "date": { "gte": oldest }, "severity": { "eq": [] } });
            let mut seen = Vec::new();
            for _ in 0..200 {
                let body =
                    json!({ "isScan": true, "limit": limit, "sortDirection": direction, "filters": filters });
                let answer = world.post("/api/v1/alerts/", body).await.ok();
                seen.extend(ids(&answer));
                match answer.get("nextQueryFilters") {
                    Some(next) => {
                        assert_eq!(answer["hasNext"], true);
                        assert!(next["date"]["gte"].as_i64() >= Some(oldest), "a given bound stays");
                        filters = next.clone();
                    }
                    None => {
                        assert_eq!(answer["hasNext"], false);
                        break;
                    }
                }
            }
            let expected = (0..107).filter(|n| NOW.0 - (n / together) as i64 >= oldest).count();
            assert_eq!(seen.len(), expected, "{together} {direction}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), expected);
        }
    }
}

#[tokio::test]
async fn reading_and_closing() {
    let world = world(6, 1).await;
    world.post(&format!("/api/v1/alerts/{}/read/", id(0)), json!({})).await.ok();
    let read = world.post("/api/v1/alerts/", json!({ "filters": { "read": { "eq": true } } })).await.ok();
    assert_eq!(ids(&read), [id(0).to_string()]);
    world.post(&format!("/api/v1/alerts/{}/unread", id(0)), json!({})).await.ok();
    let read = world.post("/api/v1/alerts/", json!({ "filters": { "read": { "eq": true } } })).await.ok();
    assert!(ids(&read).is_empty());

    let unknown = "ffffffffffffffffffffffff";
    let close = |path: &'static str, which: Value| {
        let body = json!({ "filters": { "id": { "eq": which } }, "comment": "checked", "reasonId": null, "sendFeedback": null });
        world.post(path, body)
    };
    let benign = "/api/v1/alerts/close_benign/";
    assert_eq!(close(benign, json!([id(1), id(2)])).await.ok(), json!({ "closed_benign": 2 }));
    assert_eq!(close(benign, json!([id(1), id(2)])).await.ok(), json!({ "closed_benign": 0 }));
    let partly = close("/api/v1/alerts/close_true_positive/", json!([id(3), unknown])).await.ok();
    assert_eq!(partly, json!({ "closed_true_positive": 1, "alertsNotFound": [unknown] }));
    let single = close("/api/v1/alerts/close_false_positive/", json!(id(4))).await.ok();
    assert_eq!(single, json!({ "closed_false_positive": 1 }));
    let record = world.get(&format!("/api/v1/alerts/{}", id(1))).await.ok();
    assert_eq!((&record["statusValue"], &record["resolutionStatusValue"]), (&json!(2), &json!(4)));
    assert_eq!(
        (&record["comment"], &record["handledByUser"]),
        (&json!("checked"), &json!("Test application"))
    );
    assert_eq!(record["resolveTime"], "2026-11-23T12:00:00.000Z");

    close(benign, json!(["nonsense"])).await.refused(400, "filters");
    assert_eq!(
        close(benign, json!([])).await.ok(),
        json!({ "closed_benign": 0 }),
        "nothing found is nothing closed"
    );
    world.post(benign, json!({})).await.refused(400, "filters");
    world
        .post(benign, json!({ "filters": { "severity": { "eq": 0 } }, "reasonId": 3 }))
        .await
        .refused(400, "reasonId");

    let reopened =
        world.post("/api/v1/alerts/reopen/", json!({ "filters": { "id": { "eq": [id(1)] } } })).await;
    assert_eq!(reopened.ok()["reopened"], 1);
    let open =
        world.post("/api/v1/alerts/", json!({ "filters": { "alertOpen": { "eq": "true" } } })).await.ok();
    assert_eq!(ids(&open).len(), 3);
}

#[tokio::test]
async fn withdrawn_calls_still_close() {
    let world = world(6, 1).await;
    let one = json!({ "filters": { "id": { "eq": [id(0)] } }, "comment": "old" });
    assert_eq!(world.post("/api/v1/alerts/resolve/", one).await.ok(), json!({ "resolved": 1 }));
    world.post(&format!("/api/v1/alerts/{}/dismiss/", id(1)), json!({})).await.ok();
    world.post(&format!("/api/v1/alerts/{}/dismiss/", id(77)), json!({})).await.refused(404, "");
    assert_eq!(
        world.post("/cas/api/v1/alerts/dismiss_bulk/", json!({})).await.ok(),
        json!({ "dismissed": 4 })
    );
    let outcome = |n: usize| {
        let path = format!("/api/v1/alerts/{}", id(n));
        let world = &world;
        async move { world.get(&path).await.ok()["resolutionStatusValue"].as_i64() }
    };
    assert_eq!((outcome(0).await, outcome(1).await, outcome(5).await), (Some(5), Some(3), Some(3)));
}

#[tokio::test]
async fn each_change_is_in_the_audit_trail() {
    let world = world(2, 1).await;
    world.post(&format!("/api/v1/alerts/{}/read/", id(0)), json!({})).await.ok();
    world.post("/api/v1/alerts/dismiss_bulk/", json!({})).await.ok();
    let tenant = world.home.tenant;
    let trail = world
        .service
        .store()
        .read(move |tx| casbah_store::audit::newest(tx, tenant, 10))
        .await
        .expect("read");
    let mut actions: Vec<&str> = trail.iter().map(|record| record.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["close alerts", "mark alert read"]);
    let closed = trail.iter().find(|record| record.action == "close alerts").expect("there");
    assert_eq!(closed.details["alerts"].as_array().map(Vec::len), Some(2));
}
