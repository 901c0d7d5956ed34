//! `POST /$batch`, with a token as it comes over the network.

use axum::body::Body;
use casbah_authority::seed;
use casbah_model::{Guid, RequiredAccess, Secret};
use casbah_service::directory::applications::{ApplicationKey, NewApplication};
use casbah_service::directory::secrets::NewSecret;
use casbah_service::directory::service_principals::ServicePrincipalChange;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{World, router};

/// An application that may do these things in the directory, and its access token.
struct Client {
    app_id: Guid,
    object: Guid,
    token: String,
}

impl World {
    async fn client(&self, permissions: &[&str]) -> Client {
        let graph =
            self.service.fetch_service_principal(&self.caller, ApplicationKey::AppId(seed::DIRECTORY)).await;
        let roles = graph.expect("is built in").application.app_roles;
        let asked = roles.iter().filter(|role| permissions.contains(&role.value.as_str()));
        let asked =
            asked.map(|role| RequiredAccess { resource_app_id: seed::DIRECTORY, id: role.id, is_role: true });
        let new = NewApplication {
            display_name: "Robot".into(),
            required_access: asked.collect(),
            ..NewApplication::default()
        };
        let system = self.service.system_caller(self.caller.tenant).await.expect("exists");
        let made = self.service.create_application(&system, new).await.expect("is new");
        let key = ApplicationKey::Id(made.id);
        self.service.grant_admin_consent(&system, key).await.expect("consents");
        let (_, secret) = self.service.add_secret(&system, key, NewSecret::default()).await.expect("is new");
        let token = self.token(made.app_id, &secret).await;
        Client { app_id: made.app_id, object: made.id, token }
    }

    async fn token(&self, client: Guid, secret: &Secret) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={}&scope={}",
            percent_encoding::utf8_percent_encode(secret.expose(), percent_encoding::NON_ALPHANUMERIC),
            "https%3A%2F%2Fgraph.microsoft.com%2F.default"
        );
        let request = Request::post(format!("/{}/oauth2/v2.0/token", self.caller.tenant))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("a request");
        let router = crate::identity::router(self.service.authority().clone());
        let response = router.oneshot(request).await.expect("answers");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {body}")).to_string()
    }

    async fn batch(&self, token: &str, requests: Value) -> (StatusCode, Value) {
        self.batch_at("/v1.0/$batch", token, &json!({ "requests": requests })).await
    }

    async fn batch_at(&self, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let response = router(self.service.clone()).oneshot(request).await.expect("answers");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }
}

fn statuses(answer: &Value) -> Vec<u64> {
    let all = answer["responses"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    all.map(|one| one["status"].as_u64().expect("a status")).collect()
}

#[tokio::test]
async fn each_request_of_a_batch_is_answered_as_if_it_had_come_alone() {
    let world = World::start().await;
    let robot = world.client(&["Directory.ReadWrite.All"]).await;
    let json_type = json!({ "Content-Type": "application/json" });
    let (status, answer) = world
        .batch(
            &robot.token,
            json!([
                { "id": "list", "method": "GET", "url": "users?$select=id,displayName&$filter=mail eq null&$count=true",
                    "headers": { "ConsistencyLevel": "eventual" }, "dependsOn": ["MADE"] },
                { "id": "made", "method": "post", "url": "/users", "headers": json_type, "body": {
                    "userPrincipalName": "anna@contoso.example", "displayName": "Anna B",
                    "mailNickname": "anna", "passwordProfile": { "password": "correct horse battery" } } },
                { "id": "count", "method": "GET", "url": "/users/$count", "dependsOn": ["list"] },
                { "id": "role", "method": "POST", "url": "/roleManagement/directory/roleAssignments",
                    "headers": json_type, "body": {} },
                { "id": "never", "method": "GET", "url": "/organization", "dependsOn": ["role", "list"] },
                { "id": "none", "method": "GET", "url": "/planner" },
                { "id": "patch", "method": "PATCH", "url": "/users/anna@contoso.example", "dependsOn": ["made"],
                    "headers": { "Content-Type": "application/json", "client-request-id": robot.app_id },
                    "body": { "city": "Oslo" } },
                { "id": "gone", "method": "DELETE", "url": "/users/anna@contoso.example", "dependsOn": ["count"] },
            ]),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(statuses(&answer), [200, 201, 200, 403, 424, 404, 400, 204], "{answer}");
    let one =
        |id: &str| answer["responses"].as_array().expect("answers").iter().find(|r| r["id"] == id).expect(id);
    assert_eq!(one("list")["body"]["@odata.count"], 1, "after what it depends on, whatever the order");
    assert_eq!(one("list")["body"]["value"][0]["displayName"], "Anna B");
    assert_eq!(one("list")["headers"]["Content-Type"], "application/json");
    assert_eq!(one("count")["body"], "1", "text comes as text");
    assert!(one("gone").get("body").is_none());
    let denied = &one("role")["body"]["error"];
    assert_eq!(denied["code"], "Authorization_RequestDenied");
    assert!(denied["message"].as_str().is_some_and(|m| m.contains("RoleManagement.ReadWrite.Directory")));
    assert!(one("role")["headers"]["Www-Authenticate"].is_string());
    assert!(one("never")["body"]["error"]["message"].as_str().is_some_and(|m| m.contains("'role'")));
    assert!(one("patch")["body"]["error"]["message"].as_str().is_some_and(|m| m.contains("city")));
    assert_eq!(one("patch")["headers"]["Client-Request-Id"], json!(robot.app_id));
    // The trail says who did it, for each.
    let tenant = world.caller.tenant;
    let records = world.service.store().read(move |tx| casbah_store::audit::newest(tx, tenant, 100)).await;
    let made: Vec<_> = records.expect("reads").into_iter().filter(|r| r.target_kind == "user").collect();
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|record| record.client == Some(robot.app_id)), "{made:?}");
    // The same in the other version.
    let body = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users" }] });
    let (_, answer) = world.batch_at("/beta/$batch", &robot.token, &body).await;
    let context = answer["responses"][0]["body"]["@odata.context"].as_str().expect("a context");
    assert!(context.contains("/beta/"), "{context}");
}

/// What is taken away in the middle of a batch is missing in the rest of it.
#[tokio::test]
async fn a_token_that_dies_within_a_batch_opens_nothing_more() {
    let world = World::start().await;
    let robot = world.client(&["Application.ReadWrite.All"]).await;
    let read = |id: &str| json!({ "id": id, "method": "GET", "url": "/applications" });
    let own = json!({ "id": "2", "method": "PATCH", "url": format!("/servicePrincipals(appId='{}')", robot.app_id),
        "body": { "accountEnabled": false }, "headers": { "Content-Type": "application/json" } });
    let (status, answer) = world.batch(&robot.token, json!([read("1"), own, read("3")])).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(statuses(&answer), [200, 204, 401], "{answer}");
    assert_eq!(answer["responses"][2]["body"]["error"]["code"], "InvalidAuthenticationToken");
    let (status, _) = world.batch(&robot.token, json!([read("1")])).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let enabled = ServicePrincipalChange { enabled: Some(true), ..ServicePrincipalChange::default() };
    let key = ApplicationKey::AppId(robot.app_id);
    world.service.change_service_principal(&world.caller, key, enabled).await.expect("changes");
    let deleted = json!([{ "id": "1", "method": "DELETE", "url": format!("/applications/{}", robot.object) },
        read("2")]);
    let (_, answer) = world.batch(&robot.token, deleted).await;
    assert_eq!(statuses(&answer), [204, 401], "{answer}");
}

#[tokio::test]
async fn batches_that_cannot_be_carried_out_are_refused() {
    let world = World::start().await;
    let robot = world.client(&["Directory.Read.All"]).await;
    let get = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url });
    let after =
        |id: &str, before: &str| json!({ "id": id, "method": "GET", "url": "/users", "dependsOn": [before] });
    let many: Vec<Value> = (0..21).map(|n| get(&n.to_string(), "/users")).collect();
    for (requests, word) in [
        (json!([]), "1 to 20"),
        (json!(many), "1 to 20"),
        (json!([get("a", "/users"), get("A", "/users")]), "'A'"),
        (json!([get("", "/users")]), "''"),
        (json!([{ "method": "GET", "url": "/users" }]), "id"),
        (json!([{ "id": "1", "url": "/users" }]), "method"),
        (json!([{ "id": "1", "method": "GET" }]), "url"),
        (json!([after("1", "2")]), "'2'"),
        (json!([after("1", "1")]), "circle"),
        (json!([after("1", "2"), after("2", "3"), after("3", "1")]), "circle"),
        (json!([{ "id": "1", "method": "GET", "url": "/users", "atomicityGroup": "g" }]), "atomicityGroup"),
        (json!({}), "requests"),
    ] {
        let (status, answer) = world.batch(&robot.token, requests).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{word}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains(word)), "{word}: {answer}");
    }
    let twenty: Vec<Value> = (0..20).map(|n| get(&n.to_string(), "/users?$top=1")).collect();
    let (_, answer) = world.batch(&robot.token, json!(twenty)).await;
    assert_eq!(statuses(&answer), [200; 20]);

    // What is wrong with one is said of that one.
    for (request, status, word) in [
        (get("1", "https://graph.microsoft.com/v1.0/users"), 400, "relative"),
        (get("1", "//elsewhere.example/users"), 400, "relative"),
        (get("1", "/$batch"), 400, "cannot hold a batch"),
        (get("1", "/%24Batch"), 400, "cannot hold a batch"),
        (get("1", "/v1.0/users"), 404, ""),
        (json!({ "id": "1", "method": "G T", "url": "/users" }), 400, "not a method"),
        (json!({ "id": "1", "method": "PUT", "url": "/users" }), 405, "GET, POST"),
        (
            json!({ "id": "1", "method": "GET", "url": "/users", "headers": { "Authorization": "Bearer x" } }),
            400,
            "one caller",
        ),
        (
            json!({ "id": "1", "method": "GET", "url": "/users", "headers": { "DPoP": "x" } }),
            400,
            "one caller",
        ),
        (json!({ "id": "1", "method": "GET", "url": "/users", "headers": { "a\nb": "x" } }), 400, "header"),
        (
            json!({ "id": "1", "method": "GET", "url": "/users", "headers": { "a": "x\r\ny: z" } }),
            400,
            "header",
        ),
        (
            json!({ "id": "1", "method": "POST", "url": "/directoryObjects/getByIds", "body": { "ids": ["x".repeat(300_000)] } }),
            413,
            "larger",
        ),
        (
            json!({ "id": "1", "method": "POST", "url": "/directoryObjects/getByIds", "body": "text" }),
            400,
            "object",
        ),
    ] {
        let (outer, answer) = world.batch(&robot.token, json!([request, get("2", "/users")])).await;
        assert_eq!((outer, statuses(&answer)), (StatusCode::OK, vec![status, 200]), "{word}: {answer}");
        let message = answer["responses"][0]["body"]["error"]["message"].as_str().expect("a message");
        assert!(message.contains(word), "{message}");
    }
    for (method, token, status) in [("GET", robot.token.as_str(), 405), ("POST", "x.y.z", 401)] {
        let request = Request::builder().method(method).uri("/v1.0/$batch");
        let request = request.header("authorization", format!("Bearer {token}")).body(Body::empty());
        let response =
            router(world.service.clone()).oneshot(request.expect("a request")).await.expect("answers");
        assert_eq!(response.status().as_u16(), status, "{method}");
    }
    let huge = json!({ "requests": [get("1", "/users")], "x": "y".repeat(4 << 20) });
    let (status, _) = world.batch_at("/v1.0/$batch", &robot.token, &huge).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
