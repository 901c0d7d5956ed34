//! Every change of a range leaves an audit record, and a refused one none.

use axum::body::Body;
use casbah_store::audit;
use serde_json::{Value, json};

use crate::testing::{World, request};

async fn trail(world: &World) -> Vec<(String, String, Value)> {
    let tenant = world.home.tenant;
    let read = world.service.store().read(move |tx| audit::newest(tx, tenant, 100));
    let all = read.await.expect("the trail can be read");
    let ours = all.into_iter().filter(|record| record.target_kind == "IP range");
    ours.map(|record| (record.action, record.target, record.details)).collect()
}

#[tokio::test]
async fn changes_are_audited_and_refusals_are_not() {
    let world = World::start().await;
    let new = json!({ "name": "Oslo", "category": 3, "subnets": ["198.51.100.7/24"], "tags": ["Branch"] });
    let id = world.post("/api/v1/subnet/create_rule/", new.clone()).await.ok();
    let id = id.as_str().expect("a bare id").to_string();
    let details = json!({
        "name": "Oslo",
        "category": "Risky",
        "subnets": ["198.51.100.7/24"],
        "organization": null,
        "location": null,
        "tags": ["Branch"],
    });
    let made = json!({ "before": null, "after": details });
    assert_eq!(trail(&world).await, [("create IP range".to_string(), id.clone(), made)]);

    world.post("/api/v1/subnet/create_rule/", new).await.refused(400, "name");
    let change = format!("/api/v1/subnet/{id}/update_rule/");
    world.post(&change, json!({ "tags": ["Other", "6a1f0c2b9d3e4f5a6b7c8d90"] })).await.refused(400, "tags");
    assert_eq!(trail(&world).await.len(), 1);
    let tags = world.get("/api/v1/tags?target=ip").await.ok();
    assert!(!tags.to_string().contains("Other"), "a refused change makes no tag");

    world.post(&change, json!({ "name": "Bergen" })).await.ok();
    let path = format!("/api/v1/subnet/{id}/");
    let foreign = world.send(Some(&world.abroad), request("DELETE", &path, Body::empty())).await;
    foreign.refused(404, "");
    world.send(Some(&world.home), request("DELETE", &path, Body::empty())).await.ok();
    let mut actions: Vec<String> = trail(&world).await.into_iter().map(|(action, ..)| action).collect();
    let change = trail(&world).await.into_iter().find(|(action, ..)| action == "change IP range");
    let changed = change.expect("a record").2;
    assert_eq!((&changed["before"]["name"], &changed["after"]["name"]), (&json!("Oslo"), &json!("Bergen")));
    assert_eq!(changed["before"]["subnets"], Value::Null, "only what differs");
    // The clock stands still, so the order is by chance.
    actions.sort();
    assert_eq!(actions, ["change IP range", "create IP range", "delete IP range"]);
}
