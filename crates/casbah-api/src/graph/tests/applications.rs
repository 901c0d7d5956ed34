//! Applications, owners, deleted items and lists, as tools and libraries call them.

use casbah_authority::{Caller, Principal};
use casbah_model::Guid;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{World, application, person};

const ROLE: &str = "aaaaaaaa-0000-4000-8000-0000000000a1";
const SCOPE: &str = "aaaaaaaa-0000-4000-8000-0000000000b1";

impl World {
    async fn done(&self, method: Method, path: &str, body: Value) {
        let (status, body) = self.call(method, path, body).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{path}: {body}");
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.call(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::CREATED, "{path}: {body}");
        body
    }

    #[track_caller]
    fn names(page: &Value) -> Vec<String> {
        let entries = page["value"].as_array().expect("a list").iter();
        entries.map(|e| e["displayName"].as_str().expect("a name").to_string()).collect()
    }

    async fn refused(&self, method: Method, path: &str, body: Value, word: &str) {
        let (status, answer) = self.call(method, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains(word)), "{path}: {answer}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn role(enabled: bool) -> Value {
    json!({ "id": ROLE, "allowedMemberTypes": ["Application", "User"], "displayName": "Readers", "description": "Read",
        "value": "orders.read", "isEnabled": enabled, "origin": "Application" })
}

fn scope(enabled: bool) -> Value {
    json!({ "id": SCOPE, "type": "User", "value": "orders.read", "isEnabled": enabled,
        "adminConsentDisplayName": "Read orders", "adminConsentDescription": "Reads orders.",
        "userConsentDisplayName": "Read your orders", "userConsentDescription": null })
}

#[tokio::test]
async fn every_property_is_read_as_it_was_written() {
    let world = World::start().await;
    let client = Guid::random();
    let body = json!({
        "@odata.type": "#microsoft.graph.application",
        "displayName": "Orders", "description": "d", "notes": "n", "tags": ["a", "b"], "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": false, "groupMembershipClaims": "SecurityGroup", "serviceManagementReference": "CMDB-1",
        "isDeviceOnlyAuthSupported": false, "keyCredentials": [],
        "optionalClaims": { "idToken": [{ "name": "email", "essential": true }], "accessToken": [], "saml2Token": [] },
        "info": { "marketingUrl": "https://m.example", "termsOfServiceUrl": "https://t.example", "supportUrl": null },
        "web": { "redirectUris": ["https://o.example/cb"], "homePageUrl": "https://o.example", "logoutUrl": "https://o.example/out",
            "implicitGrantSettings": { "enableIdTokenIssuance": true, "enableAccessTokenIssuance": false } },
        "api": { "requestedAccessTokenVersion": 2, "acceptMappedClaims": true, "knownClientApplications": [client],
            "oauth2PermissionScopes": [scope(true)],
            "preAuthorizedApplications": [{ "appId": client, "delegatedPermissionIds": [SCOPE] }] },
        "appRoles": [role(true)],
    });
    let made = world.made("/applications", body.clone()).await;
    let id = text(&made["id"]).to_string();
    let seen = world.get(&format!("/applications/{id}")).await;
    for (name, value) in body.as_object().expect("an object") {
        match name.as_str() {
            "@odata.type" | "isDeviceOnlyAuthSupported" => {}
            "info" | "web" | "api" | "optionalClaims" => {
                for (inner, value) in value.as_object().expect("an object") {
                    if inner != "oauth2PermissionScopes" && name != "optionalClaims" {
                        assert_eq!(&seen[name][inner], value, "{name}/{inner}");
                    }
                }
            }
            _ => assert_eq!(&seen[name], value, "{name}"),
        }
    }
    assert_eq!(seen["api"]["oauth2PermissionScopes"][0]["userConsentDisplayName"], "Read your orders");
    assert_eq!(seen["optionalClaims"]["idToken"][0]["essential"], true);

    // A change leaves the rest, and null clears.
    let path = format!("/applications/{id}");
    world
        .done(
            Method::PATCH,
            &path,
            json!({ "notes": null, "isFallbackPublicClient": null, "web": { "homePageUrl": null },
            "info": { "marketingUrl": "https://new.example" }, "optionalClaims": null }),
        )
        .await;
    let seen = world.get(&path).await;
    assert_eq!(
        (&seen["notes"], &seen["isFallbackPublicClient"], &seen["optionalClaims"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(seen["web"]["homePageUrl"], Value::Null);
    assert_eq!(seen["web"]["logoutUrl"], "https://o.example/out");
    assert_eq!(seen["info"]["marketingUrl"], "https://new.example");
    assert_eq!(seen["info"]["termsOfServiceUrl"], "https://t.example");
    assert_eq!(seen["tags"], json!(["a", "b"]));
}

#[tokio::test]
async fn registrations_follow_the_rules_of_entra() {
    let world = World::start().await;
    let made = world.made("/applications", json!({ "displayName": "Orders", "appRoles": [role(true)], "api": { "oauth2PermissionScopes": [scope(true)] } })).await;
    let (path, app_id) = (format!("/applications/{}", text(&made["id"])), text(&made["appId"]).to_string());
    // What is enabled is not taken away.
    world.refused(Method::PATCH, &path, json!({ "appRoles": [] }), "disabled first").await;
    world
        .refused(Method::PATCH, &path, json!({ "api": { "oauth2PermissionScopes": [] } }), "disabled first")
        .await;
    // Nobody can hold a disabled role.
    world.done(Method::PATCH, &path, json!({ "appRoles": [role(false)] })).await;
    let principal = world.made("/servicePrincipals", json!({ "appId": app_id })).await;
    let assignments = format!("/servicePrincipals/{}/appRoleAssignedTo", text(&principal["id"]));
    let ask = json!({ "principalId": principal["id"], "resourceId": principal["id"], "appRoleId": ROLE });
    world.refused(Method::POST, &assignments, ask.clone(), "disabled").await;
    world.done(Method::PATCH, &path, json!({ "appRoles": [role(true)] })).await;
    world.made(&assignments, ask).await;
    world.done(Method::PATCH, &path, json!({ "appRoles": [role(false)] })).await;
    world.done(Method::PATCH, &path, json!({ "appRoles": [] })).await;
    assert_eq!(world.get(&assignments).await["value"], json!([]), "assignments go with their role");

    let twin = |id: &str, value: &str| json!({ "id": id, "allowedMemberTypes": ["User"], "displayName": "x", "description": "x", "value": value, "isEnabled": true });
    let other = "aaaaaaaa-0000-4000-8000-0000000000a2";
    for (body, word) in [
        (json!({ "appRoles": [twin(ROLE, "a"), twin(ROLE, "b")] }), "twice"),
        (json!({ "appRoles": [twin(ROLE, "a"), twin(other, "a")] }), "twice"),
        (json!({ "appRoles": [twin(ROLE, "with blank")] }), "blanks"),
        (json!({ "appRoles": [twin(ROLE, ".hidden")] }), "dot"),
        (
            json!({ "appRoles": [{ "id": ROLE, "allowedMemberTypes": [], "displayName": "x", "description": "x" }] }),
            "allowedMemberTypes",
        ),
        (json!({ "identifierUris": ["https://elsewhere.example/api"] }), "verified domain"),
        (json!({ "identifierUris": ["api://orders"] }), "verified domain"),
        (json!({ "identifierUris": [format!("api://{}", Guid::random())] }), "another application"),
        (json!({ "identifierUris": ["https://notcontoso.example/x"] }), "verified domain"),
        (json!({ "signInAudience": "Everybody" }), "signInAudience"),
        (json!({ "optionalClaims": { "idToken": [{ "name": "shoe_size" }] } }), "shoe_size"),
        (json!({ "signInAudience": "PersonalMicrosoftAccount" }), "requestedAccessTokenVersion"),
        (json!({ "groupMembershipClaims": "Some" }), "groupMembershipClaims"),
        (
            json!({ "web": { "implicitGrantSettings": { "enableAccessTokenIssuance": true } } }),
            "enableAccessTokenIssuance",
        ),
        (json!({ "web": { "logoutUrl": "http://o.example" } }), "logoutUrl"),
        (json!({ "web": { "homePageUrl": "javascript:alert(1)" } }), "homePageUrl"),
        (
            json!({ "api": { "preAuthorizedApplications": [{ "appId": ROLE, "delegatedPermissionIds": [other] }] } }),
            "no enabled scope",
        ),
        (json!({ "oauth2RequirePostResponse": true }), "oauth2RequirePostResponse"),
        (json!({ "foo": 1 }), "foo"),
    ] {
        world.refused(Method::PATCH, &path, body, word).await;
    }
    let uris = json!({ "identifierUris": [format!("api://{app_id}"), format!("api://{app_id}/v2"), "https://api.contoso.example/orders", "api://contoso.example/o", "urn:orders"] });
    world.done(Method::PATCH, &path, uris).await;
    let (status, answer) = world
        .call(
            Method::POST,
            "/applications",
            json!({ "displayName": "B", "identifierUris": ["HTTPS://api.contoso.example/orders"] }),
        )
        .await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::CONFLICT, &json!("Request_MultipleObjectsWithSameKeyValue"))
    );
}

#[tokio::test]
async fn lists_are_filtered_searched_sorted_counted_and_paged() {
    let world = World::start().await;
    for n in 0..25 {
        let name = format!("{} app {n:02}", if n % 2 == 0 { "Even" } else { "odd" });
        let tags = if n == 7 { json!(["seven"]) } else { json!([]) };
        world.made("/applications", json!({ "displayName": name, "tags": tags })).await;
    }
    let mut seen = Vec::new();
    let mut path =
        "/applications?$filter=startswith(displayName,'ODD')&$top=5&$count=true&$select=displayName"
            .to_string();
    loop {
        let page = world.get(&path).await;
        if seen.is_empty() {
            assert_eq!(page["@odata.count"], 12);
        }
        seen.extend(World::names(&page));
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.strip_prefix("https://localhost:8443/v1.0").expect("ours").to_string();
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted() && seen[0] == "odd app 01");
    for (query, expected) in [
        ("$filter=displayName eq 'even APP 04'", vec!["Even app 04"]),
        ("$search=\"displayName:odd 07\"", vec!["odd app 07"]),
        ("$search=\"displayName:even\" AND \"displayName:02\"", vec!["Even app 02"]),
        ("$filter=tags/any(t:t eq 'seven')", vec!["odd app 07"]),
        ("$filter=tags/any(t:t eq 'seven') and startswith(displayName,'even')", vec![]),
        ("$filter=displayName in ('odd app 01','odd app 03')", vec!["odd app 01", "odd app 03"]),
        (
            "$filter=contains(displayName,'n app 1') and not endswith(displayName,'0')&$top=2",
            vec!["Even app 12", "Even app 14"],
        ),
        (
            "$filter=startswith(displayName,'odd')&$orderby=displayName desc&$top=2",
            vec!["odd app 23", "odd app 21"],
        ),
        ("$filter=id eq 'no-guid'", vec![]),
        ("$filter=createdDateTime lt 2000-01-01T00:00:00Z", vec![]),
    ] {
        let encoded = query.replace(' ', "%20").replace('"', "%22");
        let page = world.get(&format!("/applications?{encoded}")).await;
        assert_eq!(World::names(&page), expected, "{query}");
    }
    let desc = world
        .get("/applications?$filter=startswith(displayName,'odd')&$orderby=displayName%20desc&$top=5")
        .await;
    let next =
        text(&desc["@odata.nextLink"]).strip_prefix("https://localhost:8443/v1.0").expect("ours").to_string();
    assert_eq!(World::names(&world.get(&next).await)[0], "odd app 13", "the order goes on");
    assert_eq!(world.get("/applications/$count?$filter=tags/any(t:t%20eq%20'seven')").await, "1");
    assert_eq!(world.get("/servicePrincipals/$count?$filter=servicePrincipalNames/any(c:c%20eq%20'https://graph.microsoft.com')").await, "1");
    for (query, word) in [
        ("$orderby=createdDateTime", "$orderby"),
        ("$orderby=foo", "foo"),
        ("$select=foo", "foo"),
        ("$filter=foo eq 'x' and displayName eq 'nobody'", "foo"),
        ("$expand=members", "members"),
        ("$skiptoken=x", "$skiptoken"),
        ("$skip=1", "$skip"),
        ("$search=odd", "$search"),
    ] {
        let path = format!("/applications?{}", query.replace(' ', "%20"));
        world.refused(Method::GET, &path, Value::Null, word).await;
    }
}

#[tokio::test]
async fn owners_bound_who_may_change_what() {
    let world = World::start().await;
    let user = world.made("/users", json!({ "userPrincipalName": "o@contoso.example", "displayName": "O", "mailNickname": "o", "accountEnabled": true })).await;
    let robot = world.made("/applications", json!({ "displayName": "Robot" })).await;
    let robot = world.made("/servicePrincipals", json!({ "appId": robot["appId"] })).await;
    let act = |caller: Caller, id: &Value| {
        let id = text(id).parse().expect("an id");
        let principal = match caller.principal {
            Principal::Application { app_id, name, .. } => Principal::Application { app_id, id, name },
            Principal::User { name, client, administrator, roles, .. } => {
                Principal::User { id, name, client, administrator, roles }
            }
            Principal::System => Principal::System,
        };
        Caller { principal, ..caller }
    };
    let bounded = act(application(&world.caller, &["Application.ReadWrite.OwnedBy"]), &robot["id"]);
    let owner = act(person(&world.caller, &["Application.ReadWrite.All"], &[]), &user["id"]);
    let administrator =
        person(&world.caller, &["Application.ReadWrite.All"], &["Cloud Application Administrator"]);
    let other = world.made("/applications", json!({ "displayName": "Somebody's" })).await;
    let other = format!("/applications/{}", text(&other["id"]));

    // An application owns what it makes, and changes nothing else.
    let (status, own) =
        world.call_as(&bounded, Method::POST, "/applications", json!({ "displayName": "Mine" })).await;
    assert_eq!(status, StatusCode::CREATED, "{own}");
    let mine = format!("/applications/{}", text(&own["id"]));
    assert_eq!(world.get(&format!("{mine}/owners")).await["value"][0]["id"], robot["id"]);
    let expanded = world.get(&format!("{mine}?$expand=owners&$select=id")).await;
    assert_eq!(expanded["owners"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");
    let rename = json!({ "displayName": "New" });
    for (caller, path, expected) in [
        (&bounded, &mine, 204),
        (&bounded, &other, 403),
        (&owner, &mine, 403),
        (&administrator, &mine, 204),
        (&administrator, &other, 204),
    ] {
        let (status, body) = world.call_as(caller, Method::PATCH, path, rename.clone()).await;
        assert_eq!(status.as_u16(), expected, "{body}");
    }
    for (method, path, body) in [
        (Method::POST, format!("{other}/addPassword"), json!({})),
        (Method::POST, format!("{other}/removePassword"), json!({ "keyId": ROLE })),
        (Method::DELETE, other.clone(), Value::Null),
        (
            Method::POST,
            format!("{other}/owners/$ref"),
            json!({ "@odata.id": format!("x/{}", text(&robot["id"])) }),
        ),
    ] {
        let (status, body) = world.call_as(&bounded, method, &path, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path} {body}");
    }
    let (status, _) =
        world.call_as(&owner, Method::POST, "/applications", json!({ "displayName": "X" })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a person without a role registers nothing");

    // Once an owner, a person may.
    let link =
        json!({ "@odata.id": format!("https://localhost:8443/v1.0/directoryObjects/{}", text(&user["id"])) });
    world.done(Method::POST, &format!("{mine}/owners/$ref"), link.clone()).await;
    world.refused(Method::POST, &format!("{mine}/owners/$ref"), link, "already exist").await;
    let (status, _) = world.call_as(&owner, Method::PATCH, &mine, rename.clone()).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let gone = format!("{mine}/owners/{}/$ref", text(&user["id"]));
    world.done(Method::DELETE, &gone, Value::Null).await;
    let (status, _) = world.call(Method::DELETE, &gone, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = world.call_as(&owner, Method::PATCH, &mine, rename).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "no longer");
}

#[tokio::test]
async fn what_is_deleted_is_nowhere_else_and_comes_back_with_all_it_had() {
    let world = World::start().await;
    let made = world
        .made(
            "/applications",
            json!({ "displayName": "Gone", "identifierUris": ["https://contoso.example/g"] }),
        )
        .await;
    let (id, app_id) = (text(&made["id"]).to_string(), text(&made["appId"]).to_string());
    let principal = world.made("/servicePrincipals", json!({ "appId": app_id })).await;
    let graph = world.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await;
    let held = json!({ "principalId": principal["id"], "resourceId": graph["id"], "appRoleId": graph["appRoles"][0]["id"] });
    let given = format!("/servicePrincipals/{}/appRoleAssignedTo", text(&graph["id"]));
    world.made(&given, held).await;
    let grant = json!({ "clientId": principal["id"], "consentType": "AllPrincipals", "principalId": null, "resourceId": graph["id"], "scope": "User.Read" });
    world.made("/oauth2PermissionGrants", grant).await;
    let grants = format!("/oauth2PermissionGrants?$filter=clientId%20eq%20'{}'", text(&principal["id"]));

    world.done(Method::DELETE, &format!("/applications/{id}"), Value::Null).await;
    for path in [
        format!("/applications/{id}"),
        format!("/servicePrincipals(appId='{app_id}')"),
        format!("/directoryObjects/{id}"),
    ] {
        let (status, _) = world.call(Method::GET, &path, Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.get(&given).await["value"], json!([]));
    assert_eq!(world.get(&grants).await["value"], json!([]));
    assert_eq!(world.get("/applications?$filter=displayName%20eq%20'Gone'").await["value"], json!([]));
    let item = world.get(&format!("/directory/deletedItems/{id}")).await;
    assert_eq!(
        (&item["@odata.type"], &item["displayName"]),
        (&json!("#microsoft.graph.application"), &json!("Gone"))
    );
    assert!(item["deletedDateTime"].is_string());
    let all = world
        .get("/directory/deletedItems/microsoft.graph.application?$filter=displayName%20eq%20'gone'")
        .await;
    assert_eq!(all["value"][0]["id"], id.as_str());
    assert_eq!(
        World::names(&world.get("/directory/deletedItems/microsoft.graph.servicePrincipal").await),
        ["Gone"]
    );

    // Its names are free; while somebody has one it cannot come back.
    let other = world
        .made(
            "/applications",
            json!({ "displayName": "Other", "identifierUris": ["https://contoso.example/g"] }),
        )
        .await;
    let restore = format!("/directory/deletedItems/{id}/restore");
    let (status, _) = world.call(Method::POST, &restore, Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
    world
        .done(
            Method::PATCH,
            &format!("/applications/{}", text(&other["id"])),
            json!({ "identifierUris": [] }),
        )
        .await;
    let (status, back) = world.call(Method::POST, &restore, Value::Null).await;
    assert_eq!((status, &back["deletedDateTime"]), (StatusCode::OK, &Value::Null));
    assert_eq!(
        world.get(&format!("/applications/{id}")).await["identifierUris"][0],
        "https://contoso.example/g"
    );
    assert_eq!(world.get(&given).await["value"][0]["principalId"], principal["id"]);
    assert_eq!(world.get(&grants).await["value"][0]["scope"], "User.Read");

    world.done(Method::DELETE, &format!("/applications/{id}"), Value::Null).await;
    let reader = application(&world.caller, &["Directory.Read.All"]);
    let purge = format!("/directory/deletedItems/{id}");
    let (status, _) = world.call_as(&reader, Method::DELETE, &purge, Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    world.done(Method::DELETE, &purge, Value::Null).await;
    let (status, _) = world.call(Method::GET, &purge, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get("/directory/deletedItems/microsoft.graph.servicePrincipal").await["value"],
        json!([])
    );
}

/// The requests of the Terraform provider for an application with a service principal, in their order.
#[tokio::test]
async fn the_sequence_of_terraform() {
    let world = World::start().await;
    let user = world.made("/users", json!({ "userPrincipalName": "t@contoso.example", "displayName": "T", "mailNickname": "t", "accountEnabled": true })).await;
    let owner = format!("https://localhost:8443/v1.0/directoryObjects/{}", text(&user["id"]));
    let body = json!({
        "api": { "acceptMappedClaims": null, "knownClientApplications": [], "oauth2PermissionScopes": [scope(true)], "requestedAccessTokenVersion": 1 },
        "appRoles": [role(true)], "displayName": "tf", "groupMembershipClaims": null, "isDeviceOnlyAuthSupported": false,
        "isFallbackPublicClient": false, "oauth2RequirePostResponse": false, "optionalClaims": { "accessToken": [], "idToken": [], "saml2Token": [] },
        "owners@odata.bind": [owner], "publicClient": { "redirectUris": [] }, "requiredResourceAccess": [], "signInAudience": "AzureADMyOrg",
        "spa": { "redirectUris": [] }, "tags": [], "web": { "homePageUrl": null, "implicitGrantSettings": { "enableAccessTokenIssuance": false,
        "enableIdTokenIssuance": false }, "logoutUrl": null, "redirectUris": [] },
    });
    let made = world.made("/applications", body).await;
    let path = format!("/applications/{}", text(&made["id"]));
    world.done(Method::PATCH, &path, json!({ "displayName": "TERRAFORM_UPDATE_1f" })).await;
    assert_eq!(world.get(&path).await["displayName"], "TERRAFORM_UPDATE_1f", "its way to wait");
    world.done(Method::PATCH, &path, json!({ "displayName": "tf" })).await;
    assert_eq!(
        world.get(&format!("{path}?$select=oauth2RequirePostResponse")).await["oauth2RequirePostResponse"],
        false
    );
    let owners = world.get(&format!("{path}/owners")).await;
    let ids: Vec<&Value> = owners["value"].as_array().expect("a list").iter().map(|o| &o["id"]).collect();
    assert!(ids.contains(&&user["id"]), "{owners}");
    let (status, secret) = world
        .call(
            Method::POST,
            &format!("{path}/addPassword"),
            json!({ "passwordCredential": { "displayName": "tf" } }),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.get(&path).await["passwordCredentials"][0]["keyId"], secret["keyId"]);
    let by_app = format!("/servicePrincipals?$filter=appId%20eq%20'{}'", text(&made["appId"]));
    assert_eq!(world.get(&by_app).await["value"], json!([]));
    let sp = world
        .made("/servicePrincipals", json!({ "accountEnabled": true, "appId": made["appId"], "appRoleAssignmentRequired": true, "owners@odata.bind": [owner], "tags": ["WindowsAzureActiveDirectoryIntegratedApp"] }))
        .await;
    let sp_path = format!("/servicePrincipals/{}", text(&sp["id"]));
    world
        .done(Method::PATCH, &sp_path, json!({ "alternativeNames": [], "description": "d", "loginUrl": null, "notes": "n", "notificationEmailAddresses": ["a@contoso.example"], "preferredSingleSignOnMode": null }))
        .await;
    let seen = world.get(&sp_path).await;
    assert_eq!(seen["appRoleAssignmentRequired"], true);
    assert_eq!(
        (&seen["notes"], &seen["notificationEmailAddresses"][0]),
        (&json!("n"), &json!("a@contoso.example"))
    );
    assert_eq!(world.get(&format!("{sp_path}/owners")).await["value"][0]["id"], user["id"]);
    // A role for a person.
    let assigned = format!("{sp_path}/appRoleAssignedTo");
    let assignment = world
        .made(&assigned, json!({ "principalId": user["id"], "resourceId": sp["id"], "appRoleId": ROLE }))
        .await;
    assert_eq!(
        (&assignment["principalType"], &assignment["principalDisplayName"]),
        (&json!("User"), &json!("T"))
    );
    let of_user = format!("/users/{}/appRoleAssignments", text(&user["id"]));
    assert_eq!(world.get(&of_user).await["value"][0]["id"], assignment["id"]);
    world.done(Method::DELETE, &format!("{assigned}/{}", text(&assignment["id"])), Value::Null).await;
    assert_eq!(world.get(&of_user).await["value"], json!([]));
    let ids = json!({ "ids": [sp["id"], user["id"], made["id"], Guid::random()], "types": ["servicePrincipal", "user"] });
    let (status, found) = world.call(Method::POST, "/directoryObjects/getByIds", ids).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let kinds: Vec<&Value> =
        found["value"].as_array().expect("a list").iter().map(|o| &o["@odata.type"]).collect();
    assert_eq!(kinds, ["#microsoft.graph.servicePrincipal", "#microsoft.graph.user"]);
    world.done(Method::DELETE, &path, Value::Null).await;
}

/// What an administrator of applications must not do: make itself more than that.
#[tokio::test]
async fn app_roles_of_the_directory_are_not_an_application_administrators_to_give() {
    let world = World::start().await;
    let app = world.made("/applications", json!({ "displayName": "Robot" })).await;
    let robot = world.made("/servicePrincipals", json!({ "appId": app["appId"] })).await;
    for (resource, expected) in
        [("00000003-0000-0000-c000-000000000000", 403), ("05a65629-4c1b-48c1-a78b-804c4abdd4af", 201)]
    {
        let api = world.get(&format!("/servicePrincipals(appId='{resource}')")).await;
        let body = json!({ "principalId": robot["id"], "resourceId": api["id"], "appRoleId": api["appRoles"][0]["id"] });
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo", text(&api["id"]));
        let caller =
            person(&world.caller, &["AppRoleAssignment.ReadWrite.All"], &["Application Administrator"]);
        let (status, answer) = world.call_as(&caller, Method::POST, &path, body).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
}
