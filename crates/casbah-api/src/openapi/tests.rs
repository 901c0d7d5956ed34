use std::collections::BTreeSet;

use axum::http::{StatusCode, header};
use serde_json::Value;

use super::document;
use crate::describe::{Answers, PAGE, Shape, faults_of_object, has};
use crate::endpoints;
use crate::table::EndpointInfo;
use crate::testing::World;

#[test]
fn every_row_is_in_the_document_and_says_what_it_answers() {
    let document = document("https://casbah.example/", &endpoints());
    let mut rows = BTreeSet::new();
    for endpoint in endpoints() {
        assert!(endpoint.says.answers.is_some(), "say what {} answers", endpoint.operation);
        for method in endpoint.methods {
            rows.insert((super::documented(endpoint.path), method.to_ascii_lowercase()));
        }
    }
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().expect("methods").keys().map(|method| (path.clone(), method.clone()))
        })
        .collect();
    assert_eq!(described, rows);
    let mut ids = BTreeSet::new();
    for operation in paths.values().flat_map(|methods| methods.as_object().expect("methods").values()) {
        assert!(ids.insert(operation["operationId"].to_string()), "{}", operation["operationId"]);
    }
}

/// A reference that leads nowhere makes a document useless to most programs.
#[test]
fn every_reference_leads_somewhere_and_every_schema_is_wanted() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(all) => {
                if let Some(Value::String(to)) = all.get("$ref") {
                    found.insert(to.clone());
                }
                all.values().for_each(|value| references(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document("https://casbah.example", &endpoints());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let there: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .iter()
        .map(|(name, schema)| {
            assert!(!schema.is_null(), "{name}");
            format!("#/components/schemas/{name}")
        })
        .collect();
    let wanted_later = |name: &String| there.contains(name) && !found.contains(name);
    let unwanted: Vec<&String> = there.iter().filter(|name| wanted_later(name)).collect();
    assert!(found.is_subset(&there), "{:?}", found.difference(&there).collect::<Vec<_>>());
    assert!(unwanted.is_empty(), "{unwanted:?}");
}

#[tokio::test]
async fn the_document_and_the_page_are_there_for_everybody() {
    let world = World::start().await;
    let reply =
        world.send(None, crate::testing::request("GET", "/openapi.json", axum::body::Body::empty())).await;
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
    let document = reply.ok();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "https://casbah.example:8443");
    let reply = world.send(None, crate::testing::request("GET", "/docs/", axum::body::Body::empty())).await;
    assert_eq!(reply.status, StatusCode::OK);
    let policy = reply.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    let page = reply.text();
    assert!(!page.contains("<script") && !page.contains("style="), "the policy would forbid it");
    for endpoint in endpoints() {
        assert!(page.contains(&format!("id=\"{}\"", endpoint.operation)), "{}", endpoint.operation);
    }
}

/// The row that a request goes to.
fn row_of(method: &str, path: &str) -> Option<EndpointInfo> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |endpoint: &EndpointInfo| {
        let own: Vec<&str> = endpoint.path.split('/').collect();
        let same = |(own, asked): (&&str, &&str)| own.starts_with('{') || own == asked;
        own.len() == asked.len() && own.iter().zip(&asked).all(same)
    };
    let fitting = endpoints().into_iter().filter(|e| e.methods.contains(&method) && fits(e));
    // The one with the fewest parameters is the router's choice too.
    fitting.min_by_key(|endpoint| endpoint.path.matches('{').count())
}

/// Insists that a success is as it is described. Every answer that a test of this crate gets goes through here,
/// so that a record and its description cannot part.
pub(crate) fn check_answer(method: &str, path: &str, status: StatusCode, body: &[u8]) {
    let uniform = crate::normalise::uniform(path);
    let Some(endpoint) = row_of(method, &uniform) else { return };
    if status != StatusCode::OK {
        return;
    }
    let json = || -> Value { serde_json::from_slice(body).expect("JSON") };
    let mut faults = Vec::new();
    match endpoint.says.answers {
        Some(Answers::Json(shape)) => shape.faults(&json(), "answer", &mut faults),
        Some(Answers::Page(record)) => page_faults(record, &json(), &mut faults),
        Some(Answers::TextOr(_, record)) if body.starts_with(b"{") => {
            page_faults(record, &json(), &mut faults)
        }
        Some(Answers::File(record)) if !body.starts_with(b"_id") && !body.starts_with(b"appId") => {
            for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let one: Value = serde_json::from_slice(line).expect("JSON lines");
                faults_of_object(record.properties, &one, "line", &mut faults);
            }
        }
        _ => {}
    }
    assert!(faults.is_empty(), "{method} {path} is not as it is described: {faults:#?}");
}

fn page_faults(record: &'static crate::describe::Record, answer: &Value, faults: &mut Vec<String>) {
    for (at, one) in answer["data"].as_array().into_iter().flatten().enumerate() {
        faults_of_object(record.properties, one, &format!("data[{at}]"), faults);
    }
    let properties: Vec<_> =
        PAGE.iter().copied().chain([has("data", Shape::List(&Shape::Anything), "")]).collect();
    faults_of_object(&properties, answer, "answer", faults);
}
