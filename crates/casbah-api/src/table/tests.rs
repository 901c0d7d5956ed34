//! Walks the table: nobody has to list endpoints by hand.

use axum::body::Body;
use axum::http::{Method, header};
use casbah_model::Permission;

use super::Access;
use crate::endpoints;
use crate::testing::{World, only, request};

const ID: &str = "6a1f0c2b9d3e4f5a6b7c8d90";
/// `{"id":"x","saas":10489}`
const KEY: &str = "eyJpZCI6IngiLCJzYWFzIjoxMDQ4OX0";

pub(super) fn path_of(path: &str) -> String {
    let number = path.replace("{app_id}", "11627").replace("{key}", KEY);
    number.replace("{id}", ID).replace("{typed_id}", ID).replace("{container}", "c").replace("{blob}", "b")
}

#[tokio::test]
async fn each_row_asks_who_calls_and_whether_they_may() {
    let world = World::start().await;
    for endpoint in endpoints() {
        let Access::AnyOf(any_of) = endpoint.access else { continue };
        for method in endpoint.methods {
            let path = path_of(endpoint.path);
            for wrong in [None, Some("Bearer nonsense"), Some("token nonsense "), Some("Basic x"), Some("x")]
            {
                let mut call = request(method, &path, Body::empty());
                if let Some(wrong) = wrong {
                    call.headers_mut().insert(header::AUTHORIZATION, wrong.parse().expect("a header"));
                }
                let reply = world.send(None, call).await;
                let challenge = reply.headers[header::WWW_AUTHENTICATE].to_str().expect("text").to_string();
                assert!(challenge.starts_with("Bearer "), "{challenge}");
                assert!(reply.refused(401, "").contains("Invalid token"), "{method} {path}");
            }
            for permission in Permission::ALL {
                let caller = only(&world.home, &[permission]);
                let reply = world.send(Some(&caller), request(method, &path, Body::empty())).await;
                if caller.permissions.contains_any(any_of) {
                    // A use case may refuse a caller for another reason, which no permission would mend.
                    let challenge = reply.headers.get(header::WWW_AUTHENTICATE);
                    assert!(challenge.is_none(), "{method} {path} {permission}");
                    continue;
                }
                let challenge = reply.headers[header::WWW_AUTHENTICATE].to_str().expect("text").to_string();
                assert!(challenge.contains("insufficient_scope"), "{challenge}");
                let why = reply.refused(403, "");
                assert!(why.contains("Forbidden"), "{why}");
                for enough in any_of {
                    assert!(why.contains(enough.title()), "{method} {path}: {why}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_another_method_405() {
    let world = World::start().await;
    for endpoint in endpoints().iter().filter(|e| e.path.contains("{id}") || e.path.contains("{typed_id}")) {
        for method in endpoint.methods {
            let reply =
                world.send(Some(&world.home), request(method, &path_of(endpoint.path), Body::empty())).await;
            reply.refused(404, "");
            let bad = endpoint.path.replace("{id}", "NEW_SERVICE").replace("{typed_id}", "not-an-id");
            let reply = world.send(Some(&world.home), request(method, &bad, Body::empty())).await;
            assert!(matches!(reply.status.as_u16(), 400 | 404 | 405), "{method} {bad}: {}", reply.text());
        }
    }
    world.get("/api/v1/nothing").await.refused(404, "");
    world.get("/").await.refused(404, "");
    for endpoint in endpoints() {
        let reply =
            world.send(Some(&world.home), request("PATCH", &path_of(endpoint.path), Body::empty())).await;
        reply.refused(405, "");
    }
}

#[test]
fn rows_are_told_apart_and_described() {
    let all = endpoints();
    for (at, endpoint) in all.iter().enumerate() {
        assert!(!endpoint.summary.is_empty() && !endpoint.operation.is_empty());
        assert!(endpoint.methods.iter().all(|m| m.parse::<Method>().is_ok()));
        let same = all[..at].iter().find(|e| e.operation == endpoint.operation);
        assert!(same.is_none(), "two rows are called {}", endpoint.operation);
    }
}

#[tokio::test]
async fn legacy_callers_are_told_to_move_on() {
    let world = World::start().await;
    let mut caller = world.home.clone();
    caller.legacy = true;
    let reply = world.send(Some(&caller), request("GET", "/cas/api/v1/alerts/", Body::empty())).await;
    assert!(reply.headers.contains_key("deprecation") && reply.headers.contains_key("sunset"));
    assert!(reply.headers[header::LINK].to_str().expect("text").contains("rel=\"deprecation\""));
    assert!(!world.get("/api/v1/alerts").await.headers.contains_key("deprecation"));
}
