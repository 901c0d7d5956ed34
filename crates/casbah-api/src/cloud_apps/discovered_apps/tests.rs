//! Filters of discovered apps against what the list returns.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::cloud_apps::tests::{SQUID, source, upload};
use crate::naive::{Field, at, check};
use crate::testing::World;

#[tokio::test]
async fn filters_agree_with_a_naive_evaluation() {
    let world = World::start().await;
    let id = source(&world, "office").await;
    upload(&world, SQUID, "office").await;
    let body = json!({ "streamId": id, "timeframe": 90, "limit": 100 });
    let all = world.post("/api/v1/discovery/discovered_apps/", body.clone()).await.ok();
    let all = all["data"].as_array().expect("a list").clone();
    for (app, tag) in all.iter().zip(["Sanctioned", "Unsanctioned", "Monitored", "Sanctioned"]) {
        let path = format!("/api/v1/discovery/discovery_app/{}/add_tag/", app["appId"]);
        world.post(&path, json!({ "tagName": tag })).await.ok();
    }
    let mut users: HashMap<i64, Vec<Value>> = HashMap::new();
    for app in &all {
        let mut asked = body.clone();
        asked["appId"] = app["appId"].clone();
        let of = world.post("/api/v1/discovery/app_users/", asked).await.ok();
        let names =
            of["data"].as_array().expect("a list").iter().map(|one| one["userName"].clone()).collect();
        users.insert(app["appId"].as_i64().expect("a number"), names);
    }
    let mut names: Vec<Value> = users.values().flatten().cloned().collect();
    names.truncate(6);
    names.push(json!("nobody@contoso.com"));
    let each =
        |field: &str, more: Value| all.iter().map(|app| app[field].clone()).chain([more]).collect::<Vec<_>>();
    let numbers = |to: i64| (0..=to).map(|n| json!(n)).collect::<Vec<_>>();
    let of_app = move |app: &Value| users[&app["appId"].as_i64().expect("a number")].clone();
    let is_sanctioned =
        |app: &Value| vec![json!(app["tags"].as_array().expect("a list").contains(&json!("Sanctioned")))];
    let pieces = ["drop", "BOX", "e", "'", "git", "zz"].map(|text| json!(text));
    let fields = [
        Field::new("appId", &["eq", "neq"], each("appId", json!(1)), at("/appId")),
        Field::new("appName", &["eq", "neq"], each("name", json!("no app")), at("/name")),
        Field::new("appName", &["contains"], pieces, at("/name")),
        Field::new(
            "category",
            &["eq", "neq"],
            each("category", json!("SAASDB_CATEGORY_ALL")),
            at("/category"),
        ),
        Field::new("score", &["gt", "gte", "lt", "lte", "span"], numbers(10), at("/score")),
        Field::new("users", &["gt", "gte", "lt", "lte", "eq"], numbers(6), at("/usersCount")),
        Field::new("user.entity", &["eq", "neq"], names, of_app),
        Field::new(
            "tag",
            &["eq", "neq"],
            ["sanctioned", "Monitored", "x"].map(|text| json!(text)),
            at("/tags"),
        ),
        Field::new("sanctioned", &["eq"], [json!(true), json!(false)], is_sanctioned),
    ];
    check(&world, "/api/v1/discovery/discovered_apps/", &body, "appId", &fields, 400).await;
}
