//! The directory's own reading of HTTP, and a walk through it with callers made for the purpose.

use axum::body::Bytes;
use casbah_authority::{Caller, Principal};
use casbah_model::{Clock, ClockSetting, Guid, PermissionSet, Role, Secret, Timestamp};
use casbah_service::directory::tenants::NewTenant;
use casbah_service::{Service, Settings};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::filter::Filter;
use super::path::{Key, Segment, matches, parse};
use super::{Answer, dispatch, router, table};

mod applications;
mod batch;
mod trail;

struct World {
    service: Service,
    caller: Caller,
}

impl World {
    async fn start() -> World {
        let store = crate::testing::database().await;
        let clock = Clock::with(ClockSetting::Frozen(Timestamp(1_795_435_200_000)));
        let public_url = "https://localhost:8443".to_string();
        let settings = casbah_authority::Settings {
            public_url: public_url.clone(),
            master_key: Secret::new("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        };
        let authority =
            casbah_authority::Authority::open(store.clone(), clock, settings).await.expect("opens");
        let settings = Settings { public_url, uploads: std::env::temp_dir(), upload_limit: 1 << 20 };
        let service = Service::new(store, authority.into(), clock, settings);
        let new = NewTenant {
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            ..NewTenant::default()
        };
        let tenant = service.create_tenant(new).await.expect("is new");
        let mut caller = service.system_caller(tenant.id).await.expect("exists");
        caller.principal =
            Principal::Application { app_id: Guid::random(), id: Guid::random(), name: "Robot".into() };
        caller.directory_permissions = [
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.ReadWrite.All",
            "RoleManagement.ReadWrite.Directory",
        ]
        .map(String::from)
        .to_vec();
        World { service, caller }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.call_as(&self.caller, method, path, body).await
    }

    async fn call_as(&self, caller: &Caller, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = http::Request::builder().method(method).uri(format!("/v1.0{path}")).body(());
        let (parts, ()) = request.expect("a request").into_parts();
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        match dispatch(&self.service, caller.clone(), &parts, &body).await {
            Ok(Answer::Found(body)) => (StatusCode::OK, body),
            Ok(Answer::Created(body)) => (StatusCode::CREATED, body),
            Ok(Answer::Text(text)) => (StatusCode::OK, Value::String(text)),
            Ok(Answer::Done) => (StatusCode::NO_CONTENT, Value::Null),
            Err(error) => {
                let about = super::About {
                    request: Guid::random(),
                    client_request: None,
                    at: self.service.clock().now(),
                };
                let response = error.respond(&about);
                let status = response.status();
                let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
                (status, serde_json::from_slice(&body).expect("JSON"))
            }
        }
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }
}

#[test]
fn paths_know_alternate_keys() {
    let segments = parse("/Applications(appId='a%27b')/addPassword").expect("parses");
    assert_eq!(segments[1], Segment::Keyed("appId".into(), "a'b".into()));
    let keys = matches("/applications/{key}/addPassword", &segments).expect("matches");
    assert_eq!(keys, [Key::Alternate("appId".into(), "a'b".into())]);
    let plain = parse("/users/alice%40contoso.example").expect("parses");
    assert_eq!(matches("/users/{key}", &plain), Some(vec![Key::Id("alice@contoso.example".into())]));
    assert_eq!(matches("/users", &plain), None);
    assert_eq!(matches("/users/{key}/memberOf", &plain), None);
    assert_eq!(parse("/users/%ff"), None);
}

#[test]
fn filters_are_read_and_applied() {
    let entry = json!({ "displayName": "O'Neil app", "appId": "a1", "on": true, "names": ["x", "API://Y"], "n": null,
        "made": "2026-01-01T01:00:00Z", "size": 3, "web": { "home": "h" },
        "parts": [{ "kind": "a", "deep": { "n": 1 } }, { "kind": "b", "deep": { "n": 2 } }] });
    for (filter, expected) in [
        ("displayName eq 'o''neil APP'", true),
        ("startswith(displayName,'o''N')", true),
        ("names/any(c:c eq 'api://y')", true),
        ("names/any(c:c eq 'z')", false),
        ("appId eq 'a2' or on eq true", true),
        ("appId eq 'a1' and (on eq false or n eq null)", true),
        ("not (appId eq 'a1')", false),
        ("appId ne 'a2'", true),
        ("appId in ('a3', 'A1')", true),
        ("appId in ('a3')", false),
        ("endswith(displayName,'APP') and contains(displayName,'neil')", true),
        ("made ge 2026-01-01T00:00:00Z and made lt 2026-01-01T01:00:00.001Z", true),
        ("made gt 2026-01-01T01:00:00Z", false),
        ("size le 3 and not(size lt 3)", true),
        ("parts/any(p:p/kind eq 'b' and p/deep/n eq 2)", true),
        ("parts/any(p:p/kind eq 'a' and p/deep/n eq 2)", false),
        ("parts/all(p:startswith(p/kind,'b'))", false),
        ("names/any(n:startswith(n,'api:'))", true),
        ("parts/any()", true),
        ("web/home eq 'h'", true),
    ] {
        let parsed = Filter::parse(filter).expect(filter);
        assert_eq!(parsed.matches(&entry), Ok(expected), "{filter}");
    }
    for filter in [
        "",
        "appId",
        "appId eq",
        "appId eq 'a",
        "appId like 'a'",
        "names/any(x:y eq 'a')",
        "appId in ()",
        "(appId eq 'a'",
        "a eq 'b' c",
        "a eq 'b';--",
    ] {
        assert!(Filter::parse(filter).is_err(), "{filter}");
    }
    assert!(Filter::parse(&"(".repeat(100_000)).is_err(), "nesting is bounded");
    let unknown = Filter::parse("secret eq 'x'").expect("parses").matches(&entry);
    assert!(unknown.is_err_and(|e| e.contains("secret")));
}

fn person(caller: &Caller, permissions: &[&str], roles: &[&str]) -> Caller {
    let roles = roles.iter().map(|name| Role::find(name).expect("a role")).collect();
    let (id, name) = (Guid::random(), "bob".to_string());
    Caller {
        principal: Principal::User { id, name, client: None, administrator: false, roles },
        permissions: PermissionSet::NONE,
        directory_permissions: permissions.iter().map(ToString::to_string).collect(),
        ..caller.clone()
    }
}

fn application(caller: &Caller, permissions: &[&str]) -> Caller {
    Caller {
        principal: Principal::Application {
            app_id: Guid::random(),
            id: Guid::random(),
            name: "Robot".into(),
        },
        directory_permissions: permissions.iter().map(ToString::to_string).collect(),
        ..caller.clone()
    }
}

/// Every permission and role that the table names, each alone, against every endpoint.
#[tokio::test]
async fn every_endpoint_wants_its_permissions_and_of_a_person_a_role() {
    let world = World::start().await;
    let mut permissions: Vec<&str> = table::ENDPOINTS
        .iter()
        .flat_map(|e| e.needs)
        .flat_map(|n| n.application.iter().chain(n.delegated))
        .copied()
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    assert!(permissions.len() > 8);
    for endpoint in table::ENDPOINTS {
        let what = format!("{} {}", endpoint.method, endpoint.path);
        for need in endpoint.needs {
            assert!(!need.delegated.is_empty(), "{what}");
            assert!(need.roles.iter().all(|name| Role::find(name).is_some()), "{what}: roles exist");
            assert!(
                endpoint.method == Method::GET
                    || !need.roles.is_empty()
                    || endpoint.path.contains("getByIds")
                    || endpoint.path.contains("MemberGroups")
                    || endpoint.path.contains("MemberObjects")
                    || endpoint.path.starts_with("/me/"),
                "{what}: a change needs a role"
            );
        }
        for permission in permissions.iter().copied() {
            let enough = |names: fn(&table::Need) -> &'static [&'static str]| {
                endpoint.needs.iter().all(|need| names(need).contains(&permission))
            };
            let refused = |caller: Caller| super::check(&caller, endpoint).is_err();
            assert_eq!(
                !refused(application(&world.caller, &[permission])),
                enough(|n| n.application),
                "{what} {permission}"
            );
            let roles: Vec<&str> = endpoint.needs.iter().filter_map(|n| n.roles.first()).copied().collect();
            assert_eq!(
                !refused(person(&world.caller, &[permission], &roles)),
                enough(|n| n.delegated),
                "{what} {permission}"
            );
        }
        let all = person(&world.caller, &permissions, &["Security Reader"]);
        let lacks = |n: &table::Need| !n.roles.is_empty() && !n.roles.contains(&"Security Reader");
        let by_role = endpoint.needs.iter().any(|n| lacks(n) && !n.owner);
        assert_eq!(super::check(&all, endpoint).is_err(), by_role, "{what}");
        // And over the dispatcher, in Graph's words.
        let path = endpoint.path.replace("{key}", "x").replace("{id}", "x");
        let nobody = application(&world.caller, &[]);
        let (status, body) = world.call_as(&nobody, endpoint.method.clone(), &path, Value::Null).await;
        if !endpoint.needs[0].application.is_empty() {
            assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
            assert_eq!(body["error"]["code"], "Authorization_RequestDenied");
            let message = body["error"]["message"].as_str().expect("a message");
            assert!(message.contains(endpoint.needs[0].application[0]), "{message}");
        }
    }
}

#[tokio::test]
async fn no_token_is_401() {
    use tower::ServiceExt;
    let world = World::start().await;
    for header in [None, Some("Bearer x.y.z"), Some("Basic eDp5"), Some("Bearer")] {
        let mut request = http::Request::builder().uri("/v1.0/users");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let response = router(world.service.clone()).oneshot(request).await.expect("answers");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers().contains_key("www-authenticate"));
        assert!(response.headers().contains_key("request-id"));
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
    }
}

#[tokio::test]
async fn the_walk_of_a_new_application() {
    let world = World::start().await;
    let (status, app) = world
        .call(
            Method::POST,
            "/applications",
            json!({
                "displayName": "SIEM",
                "@odata.type": "#microsoft.graph.application",
                "keyCredentials": [],
                "web": { "redirectUris": ["https://siem.example/cb"] },
                "isFallbackPublicClient": null,
            }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED, "{app}");
    let (id, app_id) = (app["id"].as_str().expect("id"), app["appId"].as_str().expect("appId"));
    let resource = world
        .get("/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'05a65629-4c1b-48c1-a78b-804c4abdd4af')")
        .await;
    let resource = &resource["value"][0];
    let role = &resource["appRoles"][0]["id"];
    let access = json!({ "requiredResourceAccess": [{
        "resourceAppId": resource["appId"], "resourceAccess": [{ "id": role, "type": "Role" }, { "id": role, "type": "Scope" }],
    }], "spa": { "redirectUris": ["https://siem.example/spa"] } });
    let (status, body) = world.call(Method::PATCH, &format!("/applications/{id}"), access).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    let seen = world
        .get(&format!("/applications(appId='{app_id}')?$select=id,web,spa,requiredResourceAccess"))
        .await;
    assert_eq!(seen["web"]["redirectUris"], json!(["https://siem.example/cb"]), "other platforms stay");
    assert_eq!(seen["spa"]["redirectUris"], json!(["https://siem.example/spa"]));
    assert_eq!(seen.as_object().map(|o| o.len()), Some(4));

    let (status, sp) = world.call(Method::POST, "/servicePrincipals", json!({ "appId": app_id })).await;
    assert_eq!(status, StatusCode::CREATED, "{sp}");
    let (status, _) = world.call(Method::POST, "/servicePrincipals", json!({ "appId": app_id })).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let assignment = json!({ "principalId": sp["id"], "resourceId": resource["id"], "appRoleId": role });
    let given = format!("/servicePrincipals/{}/appRoleAssignedTo", resource["id"].as_str().expect("id"));
    let (status, made) = world.call(Method::POST, &given, assignment).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(world.get(&given).await["value"][0]["principalDisplayName"], "SIEM");
    let (status, _) =
        world.call(Method::POST, &format!("/applications/{id}/casbah.grantAdminConsent"), Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let client = sp["id"].as_str().expect("id");
    let grants = world.get(&format!("/oauth2PermissionGrants?$filter=clientId%20eq%20'{client}'")).await;
    let grant = grants["value"][0]["id"].as_str().expect("id");
    assert_eq!(grants["value"][0]["scope"], "investigation.read");
    let wider = json!({ "scope": " investigation.read Discovery.Read" });
    let (status, _) = world.call(Method::PATCH, &format!("/oAuth2PermissionGrants/{grant}"), wider).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    // Terraform sends the whole grant; what a grant is of cannot be changed.
    let mut whole = grants["value"][0].clone();
    whole["scope"] = json!("investigation.read");
    for (client, wanted) in [(client, StatusCode::NO_CONTENT), (app_id, StatusCode::BAD_REQUEST)] {
        whole["clientId"] = json!(client);
        let path = format!("/oauth2PermissionGrants/{grant}");
        let (status, body) = world.call(Method::PATCH, &path, whole.clone()).await;
        assert_eq!(status, wanted, "{body}");
    }

    let (status, secret) = world
        .call(
            Method::POST,
            &format!("/applications/{id}/addPassword"),
            json!({ "passwordCredential": { "displayName": null } }),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{secret}");
    let text = secret["secretText"].as_str().expect("shown once");
    let seen = world.get(&format!("/applications/{id}")).await;
    assert_eq!(seen["passwordCredentials"][0]["keyId"], secret["keyId"]);
    assert!(!seen.to_string().contains(text), "never shown again");
    let remove = json!({ "keyId": secret["keyId"] });
    let (status, _) = world.call(Method::POST, &format!("/applications/{id}/removePassword"), remove).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = world.call(Method::DELETE, &format!("/applications/{id}"), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, body) = world.call(Method::GET, &format!("/applications/{id}"), Value::Null).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("Request_ResourceNotFound")));
}

#[tokio::test]
async fn users_are_made_listed_in_pages_and_given_roles() {
    let world = World::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        let body = json!({
            "userPrincipalName": format!("{name}@contoso.example"), "displayName": name, "mailNickname": name,
            "accountEnabled": true, "passwordProfile": { "password": "correct horse", "forceChangePasswordNextSignIn": false },
        });
        let (status, body) = world.call(Method::POST, "/users", body).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        assert!(!body.to_string().contains("correct horse") && !body.to_string().contains("argon2"));
    }
    let mut seen = Vec::new();
    let mut path = "/users?$top=2&$filter=not%20(displayName%20eq%20'c')".to_string();
    loop {
        let page = world.get(&path).await;
        let names = page["value"].as_array().expect("a list").iter().map(|u| u["displayName"].clone());
        seen.extend(names);
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.strip_prefix("https://localhost:8443/v1.0").expect("ours").to_string();
    }
    assert_eq!(seen, ["a", "b", "d", "e"]);

    let found = world.get("/users?$filter=userPrincipalName%20eq%20'A@contoso.example'").await;
    let id = found["value"][0]["id"].as_str().expect("id");
    let reference = json!({ "@odata.id": format!("https://localhost:8443/v1.0/directoryObjects/{id}") });
    let role = "/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members";
    let (status, body) = world.call(Method::POST, &format!("{role}/$ref"), reference).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    let held = world.get("/users/a@contoso.example/memberOf").await;
    assert_eq!(held["value"][0]["displayName"], "Global Administrator");
    let (status, body) = world.call(Method::DELETE, &format!("{role}/{id}/$ref"), Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT, "the last administrator: {body}");
    let (status, _) = world.call(Method::GET, "/me", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "nobody is signed in with an application's token");
    assert_eq!(world.get("/organization").await["value"][0]["verifiedDomains"][0]["name"], "contoso.example");
}

/// Terraform writes every property of a person, and reads every one by name.
#[tokio::test]
async fn what_people_have_elsewhere_may_be_unset_and_is_null() {
    let world = World::start().await;
    let body = json!({
        "userPrincipalName": "tess@contoso.example", "displayName": "Tess", "mailNickname": "tess",
        "city": null, "employeeOrgData": { "costCenter": null, "division": null }, "otherMails": [],
        "passwordProfile": { "password": "correct horse battery" },
    });
    let (status, made) = world.call(Method::POST, "/users", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = "/users/tess@contoso.example";
    for (change, wanted) in [
        (json!({ "showInAddressList": true, "jobTitle": null }), StatusCode::NO_CONTENT),
        (json!({ "showInAddressList": false }), StatusCode::BAD_REQUEST),
        (json!({ "employeeOrgData": { "costCenter": "7" } }), StatusCode::BAD_REQUEST),
    ] {
        let (status, body) = world.call(Method::PATCH, path, change).await;
        assert_eq!(status, wanted, "{body}");
    }
    let seen = world.get(&format!("{path}?$select=city,otherMails,showInAddressList,surname")).await;
    let wanted = json!({ "city": null, "otherMails": [], "showInAddressList": true, "surname": null });
    assert_eq!(seen, wanted);
    assert!(world.get(path).await.get("city").is_none(), "only where it is asked for");
}

#[tokio::test]
async fn what_is_not_understood_is_refused_by_name() {
    let world = World::start().await;
    for (method, path, body, status, word) in [
        (
            Method::POST,
            "/applications",
            json!({ "displayName": "X", "verifiedPublisher": "hi" }),
            400,
            "verifiedPublisher",
        ),
        (Method::POST, "/applications", json!({ "displayName": 7 }), 400, "displayName"),
        (Method::POST, "/applications", json!({}), 400, "displayName"),
        (Method::POST, "/applications", json!([]), 400, "object"),
        (
            Method::POST,
            "/applications",
            json!({ "displayName": "X", "web": { "redirectUris": ["javascript:x"] } }),
            400,
            "javascript",
        ),
        (
            Method::POST,
            "/applications",
            json!({ "displayName": "X", "signInAudience": "Nobody" }),
            400,
            "signInAudience",
        ),
        (Method::GET, "/users?$expand=manager", Value::Null, 400, "$expand"),
        (Method::GET, "/applications?$top=0", Value::Null, 400, "$top"),
        (Method::GET, "/applications?$filter=secretText%20eq%20'x'", Value::Null, 400, "secretText"),
        (Method::GET, "/applications?$select=foo", Value::Null, 400, "foo"),
        (Method::GET, "/applications/not-a-guid", Value::Null, 404, ""),
        (Method::GET, "/planner", Value::Null, 404, ""),
        (Method::GET, "/users?$filter=contains(displayName,'x')", Value::Null, 400, "displayName"),
        (Method::GET, "/users?$filter=city%20eq%20'x'", Value::Null, 400, "city"),
        (Method::GET, "/users?$orderby=mail", Value::Null, 400, "mail"),
        (Method::GET, "/groups?$filter=displayName%20eq%20true", Value::Null, 400, "displayName"),
        (
            Method::POST,
            "/groups",
            json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": true, "securityEnabled": true }),
            400,
            "mailEnabled",
        ),
        (Method::PUT, "/applications", Value::Null, 405, "GET, POST"),
        (
            Method::POST,
            "/users",
            json!({ "userPrincipalName": "a@contoso.example", "displayName": "A", "passwordProfile": { "password": "longenough", "forceChangePasswordNextSignInWithMfa": true } }),
            400,
            "WithMfa",
        ),
        (
            Method::POST,
            "/oauth2PermissionGrants",
            json!({ "clientId": Guid::random(), "resourceId": Guid::random(), "consentType": "Principal", "scope": "x" }),
            400,
            "principalId",
        ),
    ] {
        let (got, answer) = world.call(method.clone(), path, body).await;
        assert_eq!(got.as_u16(), status, "{method} {path}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains(word)), "{path}: {answer}");
        assert!(answer["error"]["innerError"]["request-id"].is_string());
    }
    let (parts, ()) = http::Request::post("/v1.0/applications").body(()).expect("a request").into_parts();
    let broken = dispatch(&world.service, world.caller.clone(), &parts, &Bytes::from_static(b"{")).await;
    assert!(broken.is_err());
}
