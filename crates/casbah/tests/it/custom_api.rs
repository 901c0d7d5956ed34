//! Teams protect their own services: an application exposes an API, others get tokens for it that carry its
//! audience and its permissions, and nothing else. And what becomes of tokens when it is deleted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Casbah, READER, Session, TENANT};

const ROLE: &str = "aaaaaaaa-0000-4000-8000-0000000000a1";
const USER_ROLE: &str = "aaaaaaaa-0000-4000-8000-0000000000a2";
const SCOPE: &str = "aaaaaaaa-0000-4000-8000-0000000000b1";
const URI: &str = "https://orders.contoso.example";

#[track_caller]
fn create(caller: &Session, path: &str, body: &Value) -> Value {
    let answer = caller.post(path, body);
    assert!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

#[track_caller]
fn patch(caller: &Session, path: &str, body: &Value) {
    let headers = [("content-type", "application/json")];
    let answer = caller.send("PATCH", path, &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{path}: {}", answer.text());
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn claims(token: &Value) -> Value {
    let payload = text(token).split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The API's registration: an app role for applications, one for people, and a scope.
fn orders(enabled: bool) -> Value {
    let role = |id: &str, kind: &str, value: &str| json!({"id": id, "allowedMemberTypes": [kind], "displayName": value, "description": value, "value": value, "isEnabled": enabled});
    json!({
        "appRoles": [role(ROLE, "Application", "Orders.Read.All"), role(USER_ROLE, "User", "Orders.Approver")],
        "api": {"oauth2PermissionScopes": [{"id": SCOPE, "type": "User", "value": "orders.read", "isEnabled": enabled,
            "adminConsentDisplayName": "Read orders", "adminConsentDescription": "Reads orders"}]},
    })
}

struct World {
    api: Value,
    api_principal: Value,
    client: String,
    client_path: String,
    client_principal: Value,
    secret: String,
}

/// Exposes the API, and registers a client that asks for everything and has an administrator's consent.
fn world(administrator: &Session) -> World {
    let mut body = orders(true);
    body["displayName"] = "Orders".into();
    body["identifierUris"] = json!([URI]);
    let api = create(administrator, "/v1.0/applications", &body);
    let api_principal = create(administrator, "/v1.0/servicePrincipals", &json!({"appId": api["appId"]}));
    let asks = json!({"displayName": "Shop", "isFallbackPublicClient": false, "requiredResourceAccess": [{
        "resourceAppId": api["appId"],
        "resourceAccess": [{"id": ROLE, "type": "Role"}, {"id": SCOPE, "type": "Scope"}],
    }]});
    let client = create(administrator, "/v1.0/applications", &asks);
    let client_path = format!("/v1.0/applications/{}", text(&client["id"]));
    let client_principal =
        create(administrator, "/v1.0/servicePrincipals", &json!({"appId": client["appId"]}));
    create(administrator, &format!("{client_path}/casbah.grantAdminConsent"), &json!({}));
    let key = create(administrator, &format!("{client_path}/addPassword"), &json!({}));
    World {
        api,
        api_principal,
        client: text(&client["appId"]).to_string(),
        client_path,
        client_principal,
        secret: text(&key["secretText"]).to_string(),
    }
}

impl World {
    fn app_only(&self, casbah: &Casbah, resource: &str) -> crate::harness::Answer {
        let scope = format!("{resource}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client.as_str()),
            ("client_secret", self.secret.as_str()),
            ("scope", scope.as_str()),
        ];
        casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
    }
}

both! {
    fn an_application_gets_tokens_for_another_teams_api(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let world = world(&administrator);
        let app_id = text(&world.api["appId"]);
        // As itself: exactly the audience that was asked for and the role that was granted.
        for resource in [URI, app_id, &format!("api://{app_id}")] {
            let token = claims(&world.app_only(casbah, resource).ok()["access_token"]);
            assert_eq!((&token["aud"], &token["roles"]), (&json!(resource), &json!(["Orders.Read.All"])), "{token}");
            assert_eq!(token["idtyp"], "app");
            assert!(token.get("scp").is_none());
        }
        // Version 2: the id is the audience.
        let api = format!("/v1.0/applications/{}", text(&world.api["id"]));
        patch(&administrator, &api, &json!({"api": {"requestedAccessTokenVersion": 2}}));
        let token = claims(&world.app_only(casbah, URI).ok()["access_token"]);
        assert_eq!((&token["aud"], &token["ver"]), (&world.api["appId"], &json!("2.0")));
        // A token for it is none for Casbah's own resources, and those say nothing of its roles.
        let other = world.app_only(casbah, URI).ok();
        casbah.bearer(text(&other["access_token"])).get("/api/v1/alerts/").refused(401);
        casbah.bearer(text(&other["access_token"])).get("/v1.0/applications").refused(401);
        let graph = claims(&world.app_only(casbah, "https://graph.microsoft.com").ok()["access_token"]);
        assert!(graph.get("roles").is_none(), "{graph}");
        // A disabled role stands in no token, and comes back with its state.
        patch(&administrator, &api, &orders(false));
        assert!(claims(&world.app_only(casbah, URI).ok()["access_token"]).get("roles").is_none());
        patch(&administrator, &api, &orders(true));
        assert_eq!(claims(&world.app_only(casbah, URI).ok()["access_token"])["roles"], json!(["Orders.Read.All"]));
    }

    fn a_person_lends_scopes_of_another_teams_api(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let world = world(&administrator);
        patch(&administrator, &world.client_path, &json!({"isFallbackPublicClient": true}));
        let rita = administrator.get(&format!("/v1.0/users/{READER}")).ok();
        let assigned = json!({"principalId": rita["id"], "resourceId": world.api_principal["id"], "appRoleId": USER_ROLE});
        let path = format!("/v1.0/users/{}/appRoleAssignments", text(&rita["id"]));
        let assignment = create(&administrator, &path, &assigned);
        assert_eq!(assignment["principalType"], "User");
        // Roles for applications are not for people, nor the other way round.
        let wrong = json!({"principalId": rita["id"], "resourceId": world.api_principal["id"], "appRoleId": ROLE});
        assert_eq!(administrator.post(&path, &wrong).status, 400);
        let wrong = json!({"principalId": world.client_principal["id"], "resourceId": world.api_principal["id"], "appRoleId": USER_ROLE});
        let held = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", text(&world.client_principal["id"]));
        assert_eq!(administrator.post(&held, &wrong).status, 400);

        let scope = format!("{URI}/orders.read");
        let form = [("grant_type", "password"), ("client_id", world.client.as_str()), ("username", READER),
            ("password", crate::harness::PASSWORD), ("scope", scope.as_str())];
        let token_url = format!("/{TENANT}/oauth2/v2.0/token");
        let answer = casbah.anonymous().post_form(&token_url, &form).ok();
        assert_eq!(answer["scope"], scope.as_str());
        let token = claims(&answer["access_token"]);
        assert_eq!((&token["aud"], &token["scp"]), (&json!(URI), &json!("orders.read")), "{token}");
        // Without consent there is none.
        let grants = format!("/v1.0/servicePrincipals/{}/oauth2PermissionGrants", text(&world.client_principal["id"]));
        let grant = administrator.get(&grants).ok()["value"][0].clone();
        assert_eq!(grant["scope"], "orders.read");
        assert_eq!(administrator.delete(&format!("/v1.0/oAuth2PermissionGrants/{}", text(&grant["id"]))).status, 204);
        let refused = casbah.anonymous().post_form(&token_url, &form).refused(400);
        assert_eq!(refused["error_codes"], json!([65001]));
    }

    /// Deleting is felt at once, by the client and by the API, and so is taking back.
    fn deleted_applications_get_no_tokens_until_they_are_restored(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let world = world(&administrator);
        world.app_only(casbah, URI).ok();
        let api = text(&world.api["id"]);
        assert_eq!(administrator.delete(&format!("/v1.0/applications/{api}")).status, 204);
        assert_eq!(world.app_only(casbah, URI).refused(400)["error_codes"], json!([500011]));
        let restore = format!("/v1.0/directory/deletedItems/{api}/restore");
        assert_eq!(administrator.post(&restore, &json!({})).status, 200);
        assert_eq!(claims(&world.app_only(casbah, URI).ok()["access_token"])["roles"], json!(["Orders.Read.All"]));

        let client = text(&administrator.get(&world.client_path).ok()["id"]).to_string();
        assert_eq!(administrator.delete(&world.client_path).status, 204);
        assert_eq!(world.app_only(casbah, URI).refused(400)["error_codes"], json!([700016]));
        let deleted = administrator.get("/v1.0/directory/deletedItems/microsoft.graph.application").ok();
        assert_eq!(deleted["value"][0]["id"], client.as_str());
        assert_eq!(administrator.post(&format!("/beta/directory/deletedItems/{client}/restore"), &json!({})).status, 200);
        world.app_only(casbah, URI).ok();
        assert_eq!(administrator.delete(&world.client_path).status, 204);
        assert_eq!(administrator.delete(&format!("/v1.0/directory/deletedItems/{client}")).status, 204);
        assert_eq!(administrator.get(&format!("/v1.0/directory/deletedItems/{client}")).status, 404);
    }
}

/// Thirty days later nothing of a deleted item is left.
#[test]
fn deleted_items_end_after_thirty_days() {
    for database in [crate::harness::Database::sqlite(), crate::harness::Database::postgres()] {
        let casbah = Casbah::start(database);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let made = create(&administrator, "/v1.0/applications", &json!({"displayName": "Old"}));
        let kept = create(&administrator, "/v1.0/applications", &json!({"displayName": "Kept"}));
        let path = format!("/v1.0/applications/{}", text(&made["id"]));
        assert_eq!(administrator.delete(&path).status, 204);
        let later =
            crate::harness::Options { clock: "2026-12-24T12:00:00Z".to_string(), ..Default::default() };
        let casbah = casbah.kill_and_restart_with(&later);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        // The clean-up runs at the start, beside the first requests.
        let item = format!("/v1.0/directory/deletedItems/{}", text(&made["id"]));
        let gone = (0..2000).any(|_| administrator.get(&item).status == 404);
        assert!(gone, "{}", casbah.log());
        administrator.get(&format!("/v1.0/applications/{}", text(&kept["id"]))).ok();
    }
}
