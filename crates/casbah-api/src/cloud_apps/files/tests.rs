//! Filters of files against what the list returns.

use axum::body::Body;
use serde_json::{Value, json};

use crate::naive::{Field, at, check, lower};
use crate::testing::{NOW, World, request};

/// Files in which every field takes all the values that matter, none of them in step with another.
fn files() -> String {
    let pick = |n: usize, all: &[&str]| all[n % all.len()].to_string();
    let one = |n: usize| {
        let app = [20892, 15600, 10489][n % 3];
        let collaborators: Vec<Value> = (0..n % 4)
            .map(|c| {
                json!({ "id": format!("p-{}", (n + c) % 5), "email": format!("p{}@{}", (n + c) % 5,
                pick(n + c, &["lagoon.example", "contoso.example", "fjord.example"])) })
            })
            .collect();
        json!({
            "id": format!("Item-{n}"), "appId": app, "instId": n / 3 % 2,
            "name": format!("{} {n}.{}", pick(n, &["Budget", "plan 100%", "Ärger", "under_score"]), pick(n / 4, &["xlsx", "TXT", "png"])),
            "mimeType": pick(n / 2, &["text/plain", "Image/PNG"]), "isFolder": n.is_multiple_of(9),
            "facl": n / 5 % 5, "fstat": n / 7 % 3, "quarantined": n % 6 == 1, "fileSize": n,
            "modifiedDate": NOW.0 - (n / 2) as i64 * 1000, "createdDate": NOW.0 - 100_000 - n as i64 * 1000,
            "ownerAddress": pick(n / 3, &["mira@lagoon.example", "Ivar@contoso.example"]),
            "collaborators": collaborators, "groups": if n.is_multiple_of(5) { json!(["Sales"]) } else { json!([]) },
            "fTags": if n % 4 == 1 { json!(["Confidential", "Ärzte"]) } else { json!([]) },
        })
        .to_string()
    };
    (0..70).map(one).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn filters_agree_with_a_naive_evaluation() {
    let world = World::start().await;
    let call = request("POST", "/api/v1/files/ingest/", Body::from(files()));
    let taken = world.send(Some(&world.home), call).await.ok();
    assert_eq!(taken["stored"], 70, "{taken}");
    let numbers = |all: &[i64]| all.iter().map(|n| json!(n)).collect::<Vec<_>>();
    let texts = |all: &[&str]| all.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let moments = |from: i64| (0..40).map(|n| json!(NOW.0 - from - n * 1500)).collect::<Vec<_>>();
    let flags = || vec![json!(true), json!(false)];
    let whose = |record: &Value| {
        ["ownerAddress", "ownerId"]
            .iter()
            .map(|name| lower(&record[*name]))
            .filter(|v| !v.is_null())
            .collect()
    };
    let fields = [
        Field::new("service", &["eq", "neq"], numbers(&[20892, 15600, 1]), at("/appId")),
        Field::new("instance", &["eq", "neq"], numbers(&[0, 1, 2]), at("/instId")),
        Field::new("fileType", &["eq", "neq"], numbers(&[0, 1, 2, 3, 4, 5, 6]), at("/ftype")),
        Field::new("sharing", &["eq", "neq"], numbers(&[0, 1, 2, 3, 4]), at("/facl")),
        Field::new("fileId", &["eq", "neq"], texts(&["item-3", "Item-40", "none"]), at("/id")),
        Field::new(
            "filename",
            &["eq", "contains"],
            texts(&["BUDGET 0.xlsx", "100%", "r_s", "är", "9.p", "'"]),
            at("/name"),
        ),
        Field::new("extension", &["eq", "neq"], texts(&["xlsx", "txt", "PNG", "zip"]), at("/fileExtension")),
        Field::new("mimeType", &["eq", "neq"], texts(&["TEXT/plain", "image/png", "x/y"]), at("/mimeType")),
        Field::new("folder", &["eq"], flags(), at("/isFolder")),
        Field::new("quarantined", &["eq"], flags(), at("/quarantined")),
        Field::new("modifiedDate", &["lte", "gte", "range"], moments(0), at("/modifiedDate")),
        Field::new("createdDate", &["lte", "gte", "range"], moments(100_000), at("/createdDate")),
        Field::new(
            "collaborators.domains",
            &["eq", "neq"],
            texts(&["LAGOON.example", "fjord.example", "x.example"]),
            at("/domains"),
        ),
        Field::new(
            "collaborators.withDomain",
            &["eq", "neq", "deq"],
            texts(&["lagoon.example", "contoso.example"]),
            at("/domains"),
        ),
        Field::new("collaborators.groups", &["eq", "neq"], texts(&["sales", "Nobody"]), at("/groups")),
        Field::new(
            "owner.username",
            &["eq", "neq"],
            texts(&["MIRA@lagoon.example", "ivar@contoso.example", "x"]),
            whose,
        ),
        Field::new(
            "fileLabels",
            &["eq", "neq", "isset", "isnotset"],
            texts(&["confidential", "ärzte", "x"]),
            at("/fTags"),
        ),
    ];
    let body = json!({ "limit": 100, "filters": { "allowDeleted": { "eq": true } } });
    check(&world, "/api/v1/files/", &body, "_id", &fields, 400).await;
}
