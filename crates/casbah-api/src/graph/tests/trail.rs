//! Everything that changes something says in the audit trail what was before and what is after.

use axum::body::Body;
use casbah_authority::Caller;
use casbah_model::{
    Alert, AlertStatus, Clock, DiscoveryTask, Guid, PermissionSet, RecordId, Resolution, Severity, Stream,
    StreamKind, TaskState, Timestamp, Upload, UploadPart, UploadState,
};
use casbah_service::directory::applications::ApplicationKey;
use casbah_service::directory::certificates::NewCertificate;
use casbah_store::second_factors::{self, FactorKind, SecondFactor};
use casbah_store::{alerts, audit, discovery_tasks, streams, uploads};
use http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{World, person, table};

const PASSWORD: &str = "correct horse battery staple";
const NEW_PASSWORD: &str = "a staple for the battery horse";

/// A self-signed certificate in DER.
const CERTIFICATE: &str = "MIIBeDCCAR2gAwIBAgIUOxppQUfOHigWzxTI5oPJdah/+OswCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGT3JkZXJzMB4XDTI2MTEy\
    ODAxMDYxNFoXDTQ2MTEyMzAxMDYxNFowETEPMA0GA1UEAwwGT3JkZXJzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPskKj3GV\
    qB7fQXO47wxsKi80OCkliErfkiXXuc+9+erjDCD6Lc4odITYEke0PnYzmL9dx3mLmekJAHLYCQFQjqNTMFEwHQYDVR0OBBYEFOYE\
    fPaoJkETpcCJ0cuQ2tqbUztBMB8GA1UdIwQYMBaAFOYEfPaoJkETpcCJ0cuQ2tqbUztBMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI\
    zj0EAwIDSQAwRgIhAPKVe1xUJ4w5njKO05f1FFDny3jTJY3LRNq0ZWYdr9VJAiEA1PQaOKePIAX/rjhMgmYidbLo6enXko5AqQdJ\
    8+vR+FI=";

/// Routes that answer a question, though they are asked with POST, or that change nothing here.
const QUESTIONS: &[&str] = &[
    "getByIds",
    "checkMemberGroups",
    "getMemberGroups",
    "getMemberObjects",
    "POST /directoryRoles",
    "POST /api/v1/files/count",
    "POST /api/v1/discovery/app",
    "POST /api/v1/discovery/summary",
    "/sources/detect",
    "/custom_parsers/try",
    "/resolve_usernames",
];

/// What happened to the object, as the trail must tell it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Change {
    Made,
    Changed,
    Gone,
}

struct Walk {
    world: World,
    /// Who calls; the world's own caller when none is set.
    caller: Caller,
    walked: Vec<String>,
    seen: Vec<RecordId>,
    /// What must not stand in any record.
    secrets: Vec<String>,
}

impl Walk {
    /// Calls a route of the directory that changes something.
    async fn graph(&mut self, change: Change, row: &str, path: &str, body: Value) -> Value {
        let method: Method = row.split(' ').next().expect("a method").parse().expect("a method");
        let (status, answer) = self.world.call_as(&self.caller, method, path, body).await;
        assert!(status.is_success(), "{row}: {status} {answer}");
        self.keep_secrets(&answer);
        self.trail(change, row).await;
        answer
    }

    /// Calls a route of the Cloud Apps API that changes something.
    async fn api(&mut self, change: Change, row: &str, path: &str, body: Value) -> Value {
        let method: Method = row.split(' ').next().expect("a method").parse().expect("a method");
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.extension(self.caller.clone()).body(body).expect("a request");
        let router = crate::router(self.world.service.clone());
        let response = router.oneshot(request).await.expect("answers");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        assert!(status.is_success(), "{row}: {status} {answer}");
        self.keep_secrets(&answer);
        self.trail(change, row).await;
        answer
    }

    fn keep_secrets(&mut self, answer: &Value) {
        for place in ["/secretText", "/passwordCredential/secretText", "/token"] {
            self.secrets.extend(answer.pointer(place).and_then(Value::as_str).map(String::from));
        }
    }

    /// Looks at what was recorded since the last look.
    async fn trail(&mut self, change: Change, row: &str) {
        self.walked.push(row.to_string());
        let tenant = self.world.caller.tenant;
        let read = self.world.service.store().read(move |tx| audit::newest(tx, tenant, 10_000)).await;
        let seen = &self.seen;
        let fresh: Vec<_> =
            read.expect("reads").into_iter().filter(|record| !seen.contains(&record.id)).collect();
        assert!(!fresh.is_empty(), "{row} left no trace");
        for record in &fresh {
            let (before, after) = (&record.details["before"], &record.details["after"]);
            let says = |side: &Value| side.as_object().is_some_and(|facts| !facts.is_empty());
            let told = match change {
                Change::Made => !says(before) && says(after),
                Change::Changed => says(before) && says(after) && before != after,
                Change::Gone => says(before) && !says(after),
            };
            assert!(told, "{row} ({change:?}) says {}: {}", record.action, record.details);
            let all = record.details.to_string();
            assert!(!self.secrets.iter().any(|secret| all.contains(secret.as_str())), "{row}: {all}");
        }
        self.seen.extend(fresh.into_iter().map(|record| record.id));
    }

    fn reference(&self, id: &str) -> Value {
        json!({ "@odata.id": format!("https://localhost:8443/v1.0/directoryObjects/{id}") })
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_string()
}

/// Every route that changes something, in both APIs; a new one has to be walked here as well.
#[tokio::test]
async fn whatever_changes_something_says_what_was_before_and_after() {
    let world = World::start().await;
    let tenant = world.caller.tenant;
    let first = world.service.store().read(move |tx| audit::newest(tx, tenant, 100)).await.expect("reads");
    assert_eq!(first.len(), 1, "the tenant was made");
    assert!(first[0].details["after"]["domains"].is_array(), "{}", first[0].details);
    let seen = first.into_iter().map(|record| record.id).collect();
    let caller = world.caller.clone();
    let secrets = vec![PASSWORD.to_string(), NEW_PASSWORD.to_string()];
    let mut walk = Walk { world, caller, walked: Vec::new(), seen, secrets };
    let (user, group) = people_and_groups(&mut walk).await;
    applications(&mut walk, &user, &group).await;
    me(&mut walk).await;
    providers_and_guests(&mut walk).await;
    tenant_and_keys(&mut walk).await;
    endings(&mut walk, &user, &group).await;
    cloud_apps(&mut walk).await;

    let changing = |row: &str| !row.starts_with("GET ") && !QUESTIONS.iter().any(|q| row.ends_with(q));
    let graph = table::ENDPOINTS.iter().map(|e| format!("{} {}", e.method, e.path));
    let apis = crate::endpoints().into_iter().filter(|e| e.path.starts_with("/api/"));
    let apis = apis
        .filter(|e| !e.operation.starts_with("list"))
        .flat_map(|e| e.methods.iter().map(move |method| format!("{method} {}", e.path)));
    let missing: Vec<String> =
        graph.chain(apis).filter(|row| changing(row) && !walk.walked.contains(row)).collect();
    // The end of an upload changes nothing but the queue; its report is told by the tasks' own tests.
    assert_eq!(missing, ["POST /api/v1/discovery/done_upload"], "walk these here");
}

async fn people_and_groups(walk: &mut Walk) -> (String, String) {
    let body = json!({ "userPrincipalName": "anna@contoso.example", "displayName": "Anna", "mailNickname": "anna",
        "passwordProfile": { "password": PASSWORD } });
    let user = text(&walk.graph(Change::Made, "POST /users", "/users", body).await["id"]);
    let path = format!("/users/{user}");
    walk.graph(Change::Changed, "PATCH /users/{key}", &path, json!({ "displayName": "Anna A" })).await;
    walk.graph(Change::Changed, "PATCH /users/{key}", &path, json!({ "accountEnabled": false })).await;
    walk.graph(Change::Changed, "PATCH /users/{key}", &path, json!({ "accountEnabled": true })).await;
    for (kind, row) in [
        (
            FactorKind::Totp { sealed: Vec::new(), last_step: 0 },
            "DELETE /users/{key}/authentication/softwareOathMethods/{id}",
        ),
        (
            FactorKind::Totp { sealed: Vec::new(), last_step: 0 },
            "DELETE /users/{key}/authentication/fido2Methods/{id}",
        ),
    ] {
        let factor = SecondFactor {
            id: Guid::random(),
            user: user.parse().expect("an id"),
            name: "Phone".into(),
            created: Timestamp(0),
            last_used: None,
            kind,
        };
        let (tenant, id) = (walk.world.caller.tenant, factor.id);
        let store = walk.world.service.store();
        store.write(move |tx| second_factors::insert(tx, tenant, &factor)).await.expect("is new");
        let last = row.split('/').nth(4).expect("a list");
        let path = format!("/users/{user}/authentication/{last}/{id}");
        walk.graph(Change::Gone, row, &path, Value::Null).await;
    }
    let body = json!({ "displayName": "Staff", "mailNickname": "staff", "isAssignableToRole": true });
    let group = text(&walk.graph(Change::Made, "POST /groups", "/groups", body).await["id"]);
    let path = format!("/groups/{group}");
    walk.graph(Change::Changed, "PATCH /groups/{key}", &path, json!({ "displayName": "All staff" })).await;
    for (noun, name) in [("members", "member"), ("owners", "owner")] {
        let row = format!("POST /groups/{{key}}/{noun}/$ref");
        walk.graph(Change::Made, &row, &format!("{path}/{noun}/$ref"), walk.reference(&user)).await;
        if name == "owner" {
            // The last person stays an owner.
            let bert = json!({ "userPrincipalName": "bert@contoso.example", "displayName": "Bert", "mailNickname": "bert" });
            let bert = text(&walk.graph(Change::Made, "POST /users", "/users", bert).await["id"]);
            walk.graph(Change::Made, &row, &format!("{path}/{noun}/$ref"), walk.reference(&bert)).await;
        }
        let row = format!("DELETE /groups/{{key}}/{noun}/{{id}}/$ref");
        walk.graph(Change::Gone, &row, &format!("{path}/{noun}/{user}/$ref"), Value::Null).await;
    }
    let role = "/directoryRoles(roleTemplateId='5d6b6bb7-de71-4623-b4af-96380a352509')/members";
    let row = "POST /directoryRoles/{key}/members/$ref";
    walk.graph(Change::Made, row, &format!("{role}/$ref"), walk.reference(&user)).await;
    let row = "DELETE /directoryRoles/{key}/members/{id}/$ref";
    walk.graph(Change::Gone, row, &format!("{role}/{user}/$ref"), Value::Null).await;
    let body = json!({ "principalId": group, "roleDefinitionId": "5d6b6bb7-de71-4623-b4af-96380a352509" });
    let list = "/roleManagement/directory/roleAssignments";
    let made = walk.graph(Change::Made, &format!("POST {list}"), list, body).await;
    let path = format!("{list}/{}", text(&made["id"]));
    walk.graph(Change::Gone, &format!("DELETE {list}/{{key}}"), &path, Value::Null).await;
    (user, group)
}

async fn applications(walk: &mut Walk, user: &str, group: &str) {
    const ROLE: &str = "aaaaaaaa-0000-4000-8000-0000000000a1";
    const SCOPE: &str = "aaaaaaaa-0000-4000-8000-0000000000b1";
    let body = json!({
        "displayName": "Orders",
        "appRoles": [{ "id": ROLE, "allowedMemberTypes": ["Application", "User"], "displayName": "Read",
            "description": "Read", "value": "orders.read.all" }],
        "api": { "oauth2PermissionScopes": [{ "id": SCOPE, "value": "orders.read", "adminConsentDisplayName": "Read",
            "adminConsentDescription": "Read" }, { "id": Guid::random(), "value": "orders.write",
            "adminConsentDisplayName": "Write", "adminConsentDescription": "Write" }] },
    });
    let api = walk.graph(Change::Made, "POST /applications", "/applications", body).await;
    let asks = json!({ "displayName": "Shop", "requiredResourceAccess": [{ "resourceAppId": api["appId"],
        "resourceAccess": [{ "id": ROLE, "type": "Role" }, { "id": SCOPE, "type": "Scope" }] }] });
    let client = walk.graph(Change::Made, "POST /applications", "/applications", asks).await;
    let path = format!("/applications/{}", text(&client["id"]));
    let key = ApplicationKey::Id(text(&client["id"]).parse().expect("an id"));
    walk.graph(Change::Changed, "PATCH /applications/{key}", &path, json!({ "notes": "n" })).await;
    let keys = json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": CERTIFICATE }] });
    walk.graph(Change::Changed, "PATCH /applications/{key}", &path, keys).await;
    walk.graph(Change::Changed, "PATCH /applications/{key}", &path, json!({ "keyCredentials": [] })).await;

    // The proofs that these two routes ask for are made by tests of their own.
    let new = NewCertificate { content: Some(CERTIFICATE.into()), ..NewCertificate::default() };
    let (service, caller) = (walk.world.service.clone(), walk.caller.clone());
    let added = service.add_certificate(&caller, key, new, None).await.expect("is new");
    walk.trail(Change::Made, "POST /applications/{key}/addKey").await;
    service.remove_certificate(&caller, key, added.key_id, None).await.expect("is there");
    walk.trail(Change::Gone, "POST /applications/{key}/removeKey").await;

    let body = json!({ "passwordCredential": { "displayName": "first" } });
    let secret = walk
        .graph(Change::Made, "POST /applications/{key}/addPassword", &format!("{path}/addPassword"), body)
        .await;
    let records = walk.world.service.store().read({
        let tenant = walk.caller.tenant;
        move |tx| audit::newest(tx, tenant, 10_000)
    });
    let added =
        records.await.expect("reads").into_iter().find(|r| r.action == "add secret").expect("a record");
    assert_eq!(added.details["after"]["keyId"], secret["keyId"]);
    assert_eq!(added.details["after"]["hint"], secret["hint"]);
    assert_eq!(added.details["after"]["ends"], secret["endDateTime"]);
    let row = "POST /applications/{key}/casbah.rotatePassword";
    let body = json!({ "gracePeriod": "1h" });
    walk.graph(Change::Changed, row, &format!("{path}/casbah.rotatePassword"), body).await;
    let remove = json!({ "keyId": secret["keyId"] });
    walk.graph(
        Change::Gone,
        "POST /applications/{key}/removePassword",
        &format!("{path}/removePassword"),
        remove,
    )
    .await;
    let list = format!("{path}/federatedIdentityCredentials");
    let row = "/applications/{key}/federatedIdentityCredentials";
    let body = json!({ "name": "github", "issuer": "https://token.example", "subject": "repo", "audiences": ["api"] });
    walk.graph(Change::Made, &format!("POST {row}"), &list, body).await;
    let one = format!("{list}/github");
    walk.graph(Change::Changed, &format!("PATCH {row}/{{name}}"), &one, json!({ "subject": "other" })).await;
    walk.graph(Change::Gone, &format!("DELETE {row}/{{name}}"), &one, Value::Null).await;

    let mut principals = Vec::new();
    for application in [&api, &client] {
        let body = json!({ "appId": application["appId"] });
        let made = walk.graph(Change::Made, "POST /servicePrincipals", "/servicePrincipals", body).await;
        principals.push(text(&made["id"]));
    }
    for (set, id) in [("applications", text(&client["id"])), ("servicePrincipals", principals[1].clone())] {
        let list = format!("/{set}/{id}/owners");
        let row = format!("POST /{set}/{{key}}/owners/$ref");
        walk.graph(Change::Made, &row, &format!("{list}/$ref"), walk.reference(user)).await;
        let row = format!("DELETE /{set}/{{key}}/owners/{{id}}/$ref");
        walk.graph(Change::Gone, &row, &format!("{list}/{user}/$ref"), Value::Null).await;
    }
    let path = format!("/servicePrincipals/{}", principals[1]);
    let row = "PATCH /servicePrincipals/{key}";
    walk.graph(Change::Changed, row, &path, json!({ "accountEnabled": false })).await;
    walk.graph(Change::Changed, row, &path, json!({ "accountEnabled": true })).await;
    walk.graph(Change::Changed, row, &path, json!({ "notes": "n" })).await;
    let row = "POST /servicePrincipals/{key}/addPassword";
    let secret = walk.graph(Change::Made, row, &format!("{path}/addPassword"), json!({})).await;
    let row = "POST /servicePrincipals/{key}/removePassword";
    let remove = json!({ "keyId": secret["keyId"] });
    walk.graph(Change::Gone, row, &format!("{path}/removePassword"), remove).await;

    for (row, list, holder) in [
        (
            "/servicePrincipals/{key}/appRoleAssignments",
            format!("{path}/appRoleAssignments"),
            principals[1].as_str(),
        ),
        (
            "/servicePrincipals/{key}/appRoleAssignedTo",
            format!("/servicePrincipals/{}/appRoleAssignedTo", principals[0]),
            &principals[1],
        ),
        ("/users/{key}/appRoleAssignments", format!("/users/{user}/appRoleAssignments"), user),
        ("/groups/{key}/appRoleAssignments", format!("/groups/{group}/appRoleAssignments"), group),
    ] {
        let body = json!({ "principalId": holder, "resourceId": principals[0], "appRoleId": ROLE });
        let made = walk.graph(Change::Made, &format!("POST {row}"), &list, body).await;
        let one = format!("{list}/{}", text(&made["id"]));
        walk.graph(Change::Gone, &format!("DELETE {row}/{{id}}"), &one, Value::Null).await;
    }
    let body = json!({ "clientId": principals[1], "resourceId": principals[0], "consentType": "AllPrincipals",
        "scope": "orders.read" });
    let grants = "/oauth2PermissionGrants";
    let made = walk.graph(Change::Made, &format!("POST {grants}"), grants, body).await;
    let one = format!("{grants}/{}", text(&made["id"]));
    let wider = json!({ "scope": "orders.read orders.write" });
    walk.graph(Change::Changed, &format!("PATCH {grants}/{{id}}"), &one, wider).await;
    walk.graph(Change::Gone, &format!("DELETE {grants}/{{id}}"), &one, Value::Null).await;
    let row = "POST /applications/{key}/casbah.grantAdminConsent";
    let consent = format!("/applications/{}/casbah.grantAdminConsent", text(&client["id"]));
    walk.graph(Change::Changed, row, &consent, Value::Null).await;

    let apps = "/api/v1/app_permissions";
    let held = casbah_store::entities::record_of(
        walk.world.caller.tenant,
        &casbah_model::EntityAddress {
            id: principals[1].clone(),
            saas: casbah_model::DIRECTORY_APP,
            inst: 0,
        },
    );
    for verb in ["approve", "ban", "clear", "revoke"] {
        let row = format!("POST {apps}/{{id}}/{verb}");
        walk.api(Change::Changed, &row, &format!("{apps}/{held}/{verb}"), Value::Null).await;
    }

    walk.graph(Change::Gone, "DELETE /servicePrincipals/{key}", &path, Value::Null).await;
    let path = format!("/applications/{}", text(&client["id"]));
    walk.graph(Change::Gone, "DELETE /applications/{key}", &path, Value::Null).await;
    let deleted = format!("/directory/deletedItems/{}", text(&client["id"]));
    let row = "POST /directory/deletedItems/{key}/restore";
    walk.graph(Change::Made, row, &format!("{deleted}/restore"), Value::Null).await;
    walk.graph(Change::Gone, "DELETE /applications/{key}", &path, Value::Null).await;
    walk.graph(Change::Gone, "DELETE /directory/deletedItems/{key}", &deleted, Value::Null).await;
}

async fn me(walk: &mut Walk) {
    let anna = walk.world.get("/users/anna@contoso.example").await;
    let permissions = ["Directory.ReadWrite.All"];
    let mut caller = person(&walk.world.caller, &permissions, &["Global Administrator"]);
    if let casbah_authority::Principal::User { id, name, .. } = &mut caller.principal {
        (*id, *name) = (text(&anna["id"]).parse().expect("an id"), "anna@contoso.example".into());
    }
    let before = std::mem::replace(&mut walk.caller, caller);
    let row = "POST /me/changePassword";
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    walk.graph(Change::Changed, row, "/me/changePassword", body).await;
    walk.caller = before;
    // Anna was made at this very moment, so that her sign-ins are valid from an earlier one here.
    earlier(walk, &text(&anna["id"])).await;
    let row = "POST /users/{key}/revokeSignInSessions";
    walk.graph(Change::Changed, row, "/users/anna@contoso.example/revokeSignInSessions", Value::Null).await;
    earlier(walk, &text(&anna["id"])).await;
    let mut caller = person(&walk.world.caller, &permissions, &["Global Administrator"]);
    if let casbah_authority::Principal::User { id, .. } = &mut caller.principal {
        *id = text(&anna["id"]).parse().expect("an id");
    }
    let before = std::mem::replace(&mut walk.caller, caller);
    let row = "POST /me/revokeSignInSessions";
    walk.graph(Change::Changed, row, "/me/revokeSignInSessions", Value::Null).await;
    walk.caller = before;
}

async fn earlier(walk: &Walk, user: &str) {
    let (tenant, user) = (walk.world.caller.tenant, user.parse().expect("an id"));
    let write = walk.world.service.store().write(move |tx| {
        let mut user = casbah_store::users::find(tx, tenant, user)?.expect("is there");
        user.sessions_valid_from = Timestamp(0);
        casbah_store::users::save(tx, tenant, &user)
    });
    write.await.expect("writes");
}

async fn providers_and_guests(walk: &mut Walk) {
    const SECRET: &str = "woodgroves-secret-for-contoso";
    walk.secrets.push(SECRET.to_string());
    walk.caller.directory_permissions.push("IdentityProvider.ReadWrite.All".to_string());
    let list = "/identity/identityProviders";
    let body = json!({ "displayName": "Woodgrove", "issuer": "https://id.woodgrove.example", "clientId": "contoso",
        "clientAuthentication": { "clientSecret": SECRET }, "casbah.domains": ["woodgrove.example"] });
    let made = walk.graph(Change::Made, &format!("POST {list}"), list, body).await;
    let path = format!("{list}/{}", text(&made["id"]));
    let body = json!({ "displayName": "Woodgrove Bank" });
    walk.graph(Change::Changed, &format!("PATCH {list}/{{key}}"), &path, body).await;
    let body = json!({ "invitedUserEmailAddress": "gus@woodgrove.example", "inviteRedirectUrl": "https://app.example" });
    walk.graph(Change::Made, "POST /invitations", "/invitations", body).await;
    walk.graph(Change::Gone, &format!("DELETE {list}/{{key}}"), &path, Value::Null).await;
}

async fn tenant_and_keys(walk: &mut Walk) {
    let path = "/policies/tenantSettings";
    let body = json!({ "signIn": { "passwordMinLength": 14 } });
    walk.graph(Change::Changed, &format!("PATCH {path}"), path, body).await;
    let path = "/casbah/signingKeys/rotate";
    let keys = walk.graph(Change::Changed, &format!("POST {path}"), path, json!({ "now": true })).await;
    let old = keys["value"].as_array().expect("keys").iter().find(|key| key["state"] == "verifying");
    let path = format!("/casbah/signingKeys/{}/revoke", text(&old.expect("the one before")["id"]));
    let row = "POST /casbah/signingKeys/{key}/revoke";
    walk.graph(Change::Changed, row, &path, Value::Null).await;
    // Only the operator's file does this.
    let service = walk.world.service.clone();
    let domains = ["contoso.example".to_string(), "contoso.test".to_string()];
    service.change_tenant(&walk.world.caller, "Contoso AS", &domains).await.expect("changes");
    walk.trail(Change::Changed, "the bootstrap file").await;
}

async fn endings(walk: &mut Walk, user: &str, group: &str) {
    for (set, id) in [("users", user), ("groups", group)] {
        walk.graph(Change::Gone, &format!("DELETE /{set}/{{key}}"), &format!("/{set}/{id}"), Value::Null)
            .await;
        let deleted = format!("/directory/deletedItems/{id}");
        let row = "POST /directory/deletedItems/{key}/restore";
        walk.graph(Change::Made, row, &format!("{deleted}/restore"), Value::Null).await;
        walk.graph(Change::Gone, &format!("DELETE /{set}/{{key}}"), &format!("/{set}/{id}"), Value::Null)
            .await;
        walk.graph(Change::Gone, "DELETE /directory/deletedItems/{key}", &deleted, Value::Null).await;
    }
}

/// What a tenant tells cloud discovery.
async fn discovery(walk: &mut Walk) {
    const ROOT: &str = "/api/v1/discovery";
    let app = json!({ "name": "Wiki", "category": "SAASDB_CATEGORY_COLLABORATION", "domains": ["wiki.contoso.example"] });
    let list = format!("{ROOT}/custom_apps");
    let made = walk.api(Change::Made, &format!("POST {list}"), &list, app).await;
    let one = format!("{list}/{}", made["appId"]);
    let app = json!({ "name": "Wiki", "category": "SAASDB_CATEGORY_COLLABORATION", "domains": ["w.contoso.example"] });
    walk.api(Change::Changed, &format!("POST {list}/{{app_id}}"), &one, app).await;
    walk.api(Change::Gone, &format!("DELETE {list}/{{app_id}}"), &one, Value::Null).await;
    let row = format!("POST {ROOT}/discovery_app/{{app_id}}/override");
    let path = format!("{ROOT}/discovery_app/11627/override");
    walk.api(Change::Changed, &row, &path, json!({ "score": 3, "notes": "ours" })).await;
    let tags = format!("{ROOT}/app_tags");
    let made = walk
        .api(
            Change::Made,
            &format!("POST {tags}/create"),
            &format!("{tags}/create"),
            json!({ "name": "Own" }),
        )
        .await;
    let one = format!("{tags}/{}", text(&made["id"]));
    walk.api(Change::Gone, &format!("DELETE {tags}/{{id}}"), &one, Value::Null).await;
    for (path, body) in [
        ("/api/v1/discovery/weights", json!({ "groups": { "legal": "high" } })),
        ("/api/v1/discovery/set_encryption_settings", json!({ "anonymizeByDefault": true })),
        ("/api/v1/tenant_config/resolveDiscoveryUserWithAAD", json!({ "resolveDiscoveryUserWithAAD": true })),
    ] {
        walk.api(Change::Changed, &format!("POST {path}"), path, body).await;
    }
    let parser = |column: &str| {
        json!({ "definition": { "name": "Gateway", "type": "csv", "timestamp": { "column": "when" },
            "sourceIp": "client", "destinationUrl": column } })
    };
    let parsers = format!("{ROOT}/custom_parsers");
    let made = walk.api(Change::Made, &format!("POST {parsers}"), &parsers, parser("url")).await;
    let one = format!("{parsers}/{}", text(&made["_id"]));
    walk.api(Change::Changed, &format!("POST {parsers}/{{id}}"), &one, parser("host")).await;
    walk.api(Change::Gone, &format!("DELETE {parsers}/{{id}}"), &one, Value::Null).await;
    for (list, body) in [
        ("exclusions", json!({ "entityType": "user", "value": "robot" })),
        ("block_lists", json!({ "name": "Office", "format": "domains" })),
        ("log_collectors", json!({ "name": "branch", "health": {} })),
    ] {
        let list = format!("{ROOT}/{list}");
        let made = walk.api(Change::Made, &format!("POST {list}"), &list, body).await;
        walk.secrets.extend(made["url"].as_str().and_then(|url| url.rsplit('/').next()).map(String::from));
        let one = format!("{list}/{}", text(&made["_id"]));
        walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &one, Value::Null).await;
    }
}

async fn cloud_apps(walk: &mut Walk) {
    let body = json!({ "name": "Office", "category": 1, "subnets": ["192.0.2.0/24"], "tags": ["Branch"] });
    let row = "POST /api/v1/subnet/create_rule";
    let made = walk.api(Change::Made, row, "/api/v1/subnet/create_rule", body).await;
    let id = made.as_str().map_or_else(|| text(&made["_id"]), String::from);
    let body = json!({ "name": "Head office", "category": 1, "subnets": ["192.0.2.0/25"] });
    let row = "POST /api/v1/subnet/{id}/update_rule";
    walk.api(Change::Changed, row, &format!("/api/v1/subnet/{id}/update_rule"), body).await;
    let group = walk
        .graph(
            Change::Made,
            "POST /groups",
            "/groups",
            json!({ "displayName": "Imported", "mailNickname": "imported" }),
        )
        .await;
    let tags = "/api/v1/user_tags";
    let body = json!({ "groupId": group["id"], "appId": 11161, "shouldNotify": false });
    let create = format!("{tags}/create_tag");
    let made = walk.api(Change::Made, &format!("POST {create}"), &create, body).await;
    let one = format!("{tags}/{}", text(&made["_id"]));
    walk.api(Change::Gone, &format!("DELETE {tags}/{{id}}"), &one, Value::Null).await;
    walk.api(Change::Gone, "DELETE /api/v1/subnet/{id}", &format!("/api/v1/subnet/{id}"), Value::Null).await;

    let list = "/api/v1/discovery/data_sources";
    let body = json!({ "displayName": "Office", "logType": "SQUID", "receiverType": "ftp" });
    let made = walk.api(Change::Made, &format!("POST {list}"), list, body).await;
    let path = format!("{list}/{}", text(&made["_id"]));
    let failed = failed_task(walk, made["_id"].as_str().expect("text").parse().expect("an id")).await;
    let row = "POST /api/v1/governance/{id}/retry";
    walk.api(Change::Changed, row, &format!("/api/v1/governance/{failed}/retry"), Value::Null).await;
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;
    let list = "/api/v1/discovery/snapshot_reports";
    let path = format!("{list}/{}", snapshot_report(walk).await);
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;
    for (verb, name) in
        [("add_tag", "Sanctioned"), ("add_tag", "Unsanctioned"), ("remove_tag", "Unsanctioned")]
    {
        let row = format!("POST /api/v1/discovery/discovery_app/{{app_id}}/{verb}");
        let path = format!("/api/v1/discovery/discovery_app/11627/{verb}");
        walk.api(Change::Changed, &row, &path, json!({ "tagName": name })).await;
    }

    discovery(walk).await;

    let body =
        json!({ "userPrincipalName": "cora@contoso.example", "displayName": "Cora", "mailNickname": "cora" });
    let cora = walk.graph(Change::Made, "POST /users", "/users", body).await;
    let role = "/directoryRoles(roleTemplateId='194ae4cb-b126-40b2-bd5b-6091b380977d')/members/$ref";
    let row = "POST /directoryRoles/{key}/members/$ref";
    walk.graph(Change::Made, row, role, walk.reference(&text(&cora["id"]))).await;
    let mut caller = person(&walk.world.caller, &[], &["Security Administrator"]);
    caller.permissions = PermissionSet::ALL;
    if let casbah_authority::Principal::User { id, .. } = &mut caller.principal {
        *id = text(&cora["id"]).parse().expect("an id");
    }
    let before = std::mem::replace(&mut walk.caller, caller);
    let tokens = "/api/v1/tokens";
    let made = walk.api(Change::Made, &format!("POST {tokens}"), tokens, json!({ "name": "old" })).await;
    let path = format!("{tokens}/{}", text(&made["_id"]));
    walk.api(Change::Gone, &format!("DELETE {tokens}/{{id}}"), &path, Value::Null).await;
    walk.caller = before;

    let (list, body) = (
        "/api/v1/manage_admin_access",
        json!({ "username": "cora@contoso.example", "role": "security-reader" }),
    );
    let made = walk.api(Change::Made, &format!("POST {list}"), list, body).await;
    let path = format!("{list}/{}", text(&made["_id"]));
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;

    policies(walk).await;
    forwarders(walk).await;

    let path = "/api/v1/activities/ingest";
    let body = json!({ "timestamp": "2026-11-20T08:00:00Z", "appId": 10489, "eventTypeName": "EVENT_CATEGORY_LOGIN" });
    walk.api(Change::Made, &format!("POST {path}"), path, body).await;

    let path = "/api/v1/alerts/ingest";
    let body = json!({ "_id": "of-another", "timestamp": 1_778_400_000_000_i64, "title": "Malware", "severityValue": 2,
        "alertType": "ALERT_SUSPICIOUS_ACTIVITY" });
    walk.api(Change::Made, &format!("POST {path}"), path, body).await;
    let path = "/api/v1/entities/ingest";
    let body = json!({ "ii": "10489|0|box-1", "displayName": "Mira at Box" });
    walk.api(Change::Made, &format!("POST {path}"), path, body).await;

    let path = "/api/v1/files/ingest";
    let body = json!({ "id": "f-1", "name": "plan.xlsx", "appId": 10489 });
    walk.api(Change::Made, &format!("POST {path}"), path, body).await;

    // What a person says of an activity; the second time there is something before it.
    let activity = walk.seen.last().expect("a record").to_string();
    let (row, path) =
        ("POST /api/v1/activities/{id}/feedback", format!("/api/v1/activities/{activity}/feedback"));
    for said in ["1", "0"] {
        walk.api(Change::Changed, row, &path, json!({ "feedback": said, "feedbackText": "t" })).await;
    }
    for verb in ["read", "unread"] {
        let id = alert(walk).await;
        if verb == "unread" {
            walk.api(
                Change::Changed,
                "POST /api/v1/alerts/{id}/read",
                &format!("/api/v1/alerts/{id}/read"),
                Value::Null,
            )
            .await;
        }
        let row = format!("POST /api/v1/alerts/{{id}}/{verb}");
        walk.api(Change::Changed, &row, &format!("/api/v1/alerts/{id}/{verb}"), Value::Null).await;
    }
    for list in
        ["alerts", "activities", "entities", "files", "subnet", "governance", "discovery/discovered_apps"]
    {
        let path = format!("/api/v1/{list}/export");
        walk.api(Change::Made, &format!("POST {path}"), &path, json!({ "format": "jsonl" })).await;
    }
    for path in ["close_benign", "close_false_positive", "close_true_positive", "dismiss_bulk", "resolve"] {
        let body = json!({ "filters": { "id": { "eq": [alert(walk).await] } }, "comment": "c" });
        let path = format!("/api/v1/alerts/{path}");
        walk.api(Change::Changed, &format!("POST {path}"), &path, body.clone()).await;
        walk.api(Change::Changed, "POST /api/v1/alerts/reopen", "/api/v1/alerts/reopen", body).await;
    }
    let path = format!("/api/v1/alerts/{}/dismiss", alert(walk).await);
    walk.api(Change::Changed, "POST /api/v1/alerts/{id}/dismiss", &path, json!({})).await;
}

async fn forwarders(walk: &mut Walk) {
    let (list, body) = ("/api/v1/ms_flow", json!({ "callback_url": "https://flow.example/run?sig=s3cr3t" }));
    walk.secrets.push("s3cr3t".to_string());
    let made = walk.api(Change::Made, &format!("POST {list}"), list, body).await;
    walk.secrets.push(text(&made["secret"]));
    let path = format!("{list}/{}", text(&made["_id"]));
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;

    let (list, body) = ("/api/v1/agents/siem", json!({ "name": "Main", "host": "siem.example" }));
    let made = walk.api(Change::Made, &format!("POST {list}"), list, body).await;
    let path = format!("{list}/{}", text(&made["_id"]));
    walk.api(Change::Changed, &format!("PUT {list}/{{id}}"), &path, json!({ "transport": "tls" })).await;
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;
}

async fn policies(walk: &mut Walk) {
    let list = "/api/v1/policies";
    let body = json!({ "name": "Large", "type": "NEW_SERVICE", "filters": { "usersCount": { "gt": 5 } } });
    let create = format!("{list}/create_rule");
    let made = walk.api(Change::Made, &format!("POST {create}"), &create, body).await;
    let path = format!("{list}/{}", text(&made["_id"]));
    walk.api(Change::Changed, &format!("PUT {list}/{{id}}"), &path, json!({ "severity": 2 })).await;
    for (verb, body) in
        [("update_rule", json!({ "name": "Larger" })), ("disable", json!({})), ("enable", json!({}))]
    {
        let row = format!("POST {list}/{{id}}/{verb}");
        walk.api(Change::Changed, &row, &format!("{path}/{verb}"), body).await;
    }
    walk.api(Change::Gone, &format!("DELETE {list}/{{id}}"), &path, Value::Null).await;
}

/// A task that failed, whose log is still here.
async fn failed_task(walk: &Walk, stream: RecordId) -> RecordId {
    let (tenant, now) = (walk.world.caller.tenant, walk.world.service.clock().now());
    let upload = Upload {
        id: RecordId::new(now),
        filename: "a.log".into(),
        source: "SQUID".into(),
        state: UploadState::Finalised,
        size: 1,
        parts: vec![UploadPart { block: String::new(), file: "a".into(), size: 1 }],
        created: now,
        expires: now,
        initiator: "Anna".into(),
        parser: None,
    };
    let task = DiscoveryTask {
        id: RecordId::new(now),
        stream,
        upload: upload.id.clone(),
        filename: "a.log".into(),
        source: "SQUID".into(),
        initiator: "Anna".into(),
        created: now,
        finished: Some(now),
        state: TaskState::Failed("nothing in it could be read".into()),
        figures: Value::Null,
        parser: None,
    };
    let id = task.id.clone();
    let write = walk.world.service.store().write(move |tx| {
        uploads::insert(tx, tenant, &upload)?;
        discovery_tasks::insert(tx, tenant, &task)
    });
    write.await.expect("are new");
    id
}

/// A new open alert.
async fn alert(walk: &Walk) -> RecordId {
    let now = Clock::with(casbah_model::ClockSetting::Frozen(walk.world.service.clock().now())).now();
    let alert = Alert {
        id: RecordId::new(now),
        raised: now,
        title: "New app".into(),
        description: String::new(),
        severity: Severity::from_number(1).expect("a severity"),
        status: AlertStatus::Unread,
        resolution: Resolution::Open,
        resolved: None,
        comment: String::new(),
        reason: None,
        handled_by: None,
        policy: RecordId::new(now),
        policy_name: "New app".into(),
        policy_type: "NEW_SERVICE".into(),
        built_in: true,
        alert_type: 15_728_645,
        stories: Vec::new(),
        intent: Vec::new(),
        entities: Vec::new(),
        evidence: Vec::new(),
        context: Guid::random(),
    };
    let (tenant, id) = (walk.world.caller.tenant, alert.id.clone());
    let write = walk.world.service.store().write(move |tx| alerts::insert(tx, tenant, &alert));
    write.await.expect("is new");
    id
}

/// A snapshot report without logs.
async fn snapshot_report(walk: &Walk) -> RecordId {
    let (tenant, now) = (walk.world.caller.tenant, walk.world.service.clock().now());
    let id = RecordId::new(now);
    let report = Stream {
        id: id.clone(),
        name: "November".into(),
        kind: StreamKind::Snapshot,
        log_type: 114,
        receiver: "manual".into(),
        protocol: None,
        created: now,
        modified: now,
        last_data: None,
        logs: 0,
        failures: 0,
        entity_kinds: Vec::new(),
        traffic_kinds: Vec::new(),
        anonymize_users: false,
        parser: None,
    };
    walk.world.service.store().write(move |tx| streams::insert(tx, tenant, &report)).await.expect("is new");
    id
}
