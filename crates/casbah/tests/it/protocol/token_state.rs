//! Introspection (RFC 7662), revocation (RFC 7009), and what a refused caller is told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options,
    PASSWORD, PUBLIC_CLIENT, RESOURCE, TENANT,
};

fn ask(casbah: &Casbah, endpoint: &str, tenant: &str, client: &str, secret: &str, token: &str) -> Answer {
    let mut form = vec![("client_id", client), ("token", token)];
    if !secret.is_empty() {
        form.push(("client_secret", secret));
    }
    casbah.anonymous().post_form(&format!("/{tenant}/oauth2/v2.0/{endpoint}"), &form)
}

fn introspect(casbah: &Casbah, token: &str) -> Value {
    ask(casbah, "introspect", TENANT, CLIENT, CLIENT_SECRET, token).ok()
}

both! {
    fn a_token_is_described_to_its_owner_only(casbah: &Casbah) {
        let token = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
        let answer = introspect(casbah, &token);
        assert_eq!(answer["active"], true);
        assert_eq!((&answer["aud"], &answer["client_id"]), (&json!(RESOURCE), &json!(CLIENT)));
        assert_eq!(answer["roles"].as_array().unwrap().len(), 6);
        assert!(answer.get("username").is_none() && answer.get("scope").is_none());
        let nothing = json!({ "active": false });
        let other = ask(casbah, "introspect", OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET, &token).ok();
        assert_eq!(other, nothing);
        let unrelated = ask(casbah, "introspect", TENANT, "aaaaaaaa-0000-4000-8000-000000000004", CLIENT_SECRET, &token);
        assert_eq!(unrelated.ok(), nothing);
        let of_user = casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/.default offline_access"));
        for name in ["access_token", "refresh_token"] {
            assert_eq!(introspect(casbah, of_user[name].as_str().unwrap()), nothing, "{name}");
        }
        let answer = ask(casbah, "introspect", TENANT, CLIENT, "wrong-wrong-wrong", &token);
        assert_eq!(answer.refused(401)["error"], "invalid_client");
        assert!(!answer.text().contains(&token));
        let answer = ask(casbah, "introspect", TENANT, PUBLIC_CLIENT, "", &token);
        assert_eq!(answer.refused(401)["error_codes"], json!([7_000_218]));
        assert!(introspect(casbah, &token)["exp"].is_i64());
    }

    fn revoked_means_refused_in_the_next_request(casbah: &Casbah) {
        let token = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
        casbah.bearer(&token).get("/api/v1/alerts/").ok();
        ask(casbah, "revoke", TENANT, CLIENT, CLIENT_SECRET, &token).ok();
        let answer = casbah.bearer(&token).get("/api/v1/alerts/");
        answer.refused(401);
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        assert_eq!(introspect(casbah, &token), json!({ "active": false }));
        casbah.application().get("/api/v1/alerts/").ok();
        // The public client ends its own sign-in.
        let tokens = casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/.default offline_access"));
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let answer = ask(casbah, "revoke", TENANT, CLIENT, CLIENT_SECRET, refresh);
        assert_eq!(answer.refused(400)["error"], "invalid_grant");
        casbah.bearer(tokens["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
        ask(casbah, "revoke", TENANT, PUBLIC_CLIENT, "", refresh).ok();
        ask(casbah, "revoke", TENANT, PUBLIC_CLIENT, "", refresh).ok();
        casbah.bearer(tokens["access_token"].as_str().unwrap()).get("/api/v1/alerts/").refused(401);
        for method in ["GET", "PUT"] {
            let answer = casbah.anonymous().send(method, &format!("/{TENANT}/oauth2/v2.0/revoke"), &[], b"");
            assert_eq!(answer.refused(405)["error_codes"], json!([900_561]));
        }
    }

    /// Continuous access evaluation: who can answer a challenge gets one.
    fn a_capable_client_is_challenged(casbah: &Casbah) {
        let claims = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;
        let form = [
            ("grant_type", "password"),
            ("client_id", PUBLIC_CLIENT),
            ("username", ADMINISTRATOR),
            ("password", PASSWORD),
            ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default"),
            ("claims", claims),
        ];
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let answer = casbah.anonymous().post_form(&path, &form).ok();
        let token = answer["access_token"].as_str().unwrap();
        casbah.bearer(token).get("/api/v1/alerts/").ok();
        ask(casbah, "revoke", TENANT, PUBLIC_CLIENT, "", token).ok();
        let answer = casbah.bearer(token).get("/api/v1/alerts/");
        answer.refused(401);
        let challenge = answer.header("www-authenticate");
        let place = format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"", casbah.url);
        let claims = challenge.strip_prefix(&place).unwrap_or_else(|| panic!("{challenge}")).trim_end_matches('"');
        let claims = String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap();
        let parsed: Value = serde_json::from_str(&claims).unwrap();
        assert_eq!(parsed["access_token"]["nbf"]["essential"], true);
        assert!(parsed["access_token"]["nbf"]["value"].as_str().unwrap().parse::<i64>().is_ok());
        // The client sends the challenge on, and what it gets is good.
        let mut form = form.to_vec();
        form.pop();
        form.push(("claims", &claims));
        let answer = casbah.anonymous().post_form(&path, &form).ok();
        casbah.bearer(answer["access_token"].as_str().unwrap()).get("/api/v1/alerts/").ok();
    }

    /// RFC 9728: an API says who issues tokens for it.
    fn the_api_says_where_its_tokens_come_from(casbah: &Casbah) {
        let answer = casbah.anonymous().get("/api/v1/alerts/");
        answer.refused(401);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains(&format!("authorization_uri=\"{}/common/oauth2/authorize\"", casbah.url)));
        let address = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
        let document = casbah.anonymous().get(address).ok();
        assert_eq!(document["resource"], casbah.url);
        let issuer = document["authorization_servers"][0].as_str().unwrap();
        let metadata = casbah.anonymous().get(&format!("{issuer}/.well-known/oauth-authorization-server")).ok();
        assert!(metadata["token_endpoint"].is_string());
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!(format!("{RESOURCE}/Investigation.read"))));
        let of_path = casbah.anonymous().get("/.well-known/oauth-protected-resource/api/v1").ok();
        assert_eq!(of_path["resource"], format!("{}/api/v1", casbah.url));
        casbah.anonymous().get("/.well-known/oauth-protected-resource/other").refused(404);
    }
}

/// A revocation is written down before it is confirmed, and another node knows it.
#[test]
fn a_revocation_survives_a_power_cut() {
    for database in [Database::sqlite(), Database::postgres()] {
        let casbah = Casbah::start(database);
        let token = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
        ask(&casbah, "revoke", TENANT, CLIENT, CLIENT_SECRET, &token).ok();
        let casbah = casbah.kill_and_restart_with(&Options::default());
        casbah.bearer(&token).get("/api/v1/alerts/").refused(401);
    }
}
