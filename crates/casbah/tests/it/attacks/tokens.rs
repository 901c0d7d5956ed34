//! Tokens in the wrong place, or in the wrong hands.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::browser::Browser;
use super::{SCOPE, TOKEN, api_scope, claims, number, redeem, refresh, register, text, usual_request};
use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLI_CLIENT, CLIENT, CLIENT_SECRET, Casbah, Database, Options, PASSWORD,
    PUBLIC_CLIENT, READER, TENANT,
};

both! {
    /// RFC 9700, 4.10 (#16): a token opens what it was issued for and nothing else. Forged tokens are
    /// unit tests of the authority, with one probe in `identity.rs`.
    fn a_token_is_for_one_resource(casbah: &Casbah) {
        let tokens = casbah.user_tokens(ADMINISTRATOR, SCOPE);
        let (api, directory) = (text(&tokens["access_token"]).to_string(), casbah.directory_token(ADMINISTRATOR));
        let application = casbah.application_token(TENANT, CLIENT, CLIENT_SECRET);
        let paths = ["/api/v1/alerts/", "/v1.0/me", "/oidc/userinfo"];
        for (name, token, opens) in [
            ("API token", api.as_str(), [true, false, true]),
            ("directory token", directory.as_str(), [false, true, true]),
            ("application's token", application.as_str(), [true, false, false]),
            ("ID token", text(&tokens["id_token"]), [false; 3]),
            ("refresh token", text(&tokens["refresh_token"]), [false; 3]),
            ("legacy token as bearer", API_TOKEN, [false; 3]),
            ("client secret", CLIENT_SECRET, [false; 3]),
        ] {
            for (path, opens) in paths.into_iter().zip(opens) {
                assert_eq!(casbah.bearer(token).get(path).status, if opens { 200 } else { 401 }, "{name} at {path}");
            }
        }
        // Nor as another kind of credential, or in the address.
        for header in [format!("Token {api}"), format!("Basic {api}"), format!("bearer{api}"), "Token ".to_string(), "Bearer".to_string()] {
            assert_eq!(casbah.with_header(&header).get("/api/v1/alerts/").status, 401);
        }
        casbah.anonymous().get(&format!("/api/v1/alerts/?access_token={api}")).refused(401);
    }

    /// RFC 9700, 4.14 (#20); CVE-2026-1035: of many who come with one refresh token at once, one wins,
    /// and then nobody has anything. After a restart (CVE-2026-9802): `identity.rs`.
    fn a_stolen_refresh_token_ends_everything(casbah: &Casbah) {
        let first = casbah.user_tokens(ADMINISTRATOR, SCOPE);
        let stolen = text(&first["refresh_token"]);
        let winners = AtomicUsize::new(0);
        let newest = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..16 {
                let (winners, newest) = (&winners, &newest);
                scope.spawn(move || {
                    let answer = refresh(casbah, PUBLIC_CLIENT, stolen, &[]);
                    if answer.status == 200 {
                        winners.fetch_add(1, Ordering::SeqCst);
                        newest.lock().unwrap().push(answer.json());
                    } else {
                        assert_eq!(answer.refused(400)["error"], "invalid_grant");
                    }
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
        for tokens in newest.into_inner().unwrap().iter().chain([&first]) {
            assert_eq!(refresh(casbah, PUBLIC_CLIENT, text(&tokens["refresh_token"]), &[]).status, 400);
            casbah.bearer(text(&tokens["access_token"])).get("/api/v1/alerts/").refused(401);
        }
        // Another sign-in of the same user is another matter.
        refresh(casbah, PUBLIC_CLIENT, text(&casbah.user_tokens(ADMINISTRATOR, SCOPE)["refresh_token"]), &[]).ok();
    }

    /// RFC 9700, 4.14 (#21); CVE-2024-52287: a refresh token serves its client, and never more than is consented to.
    fn a_refresh_token_is_for_one_client_and_its_consent(casbah: &Casbah) {
        let tokens = casbah.user_tokens(ADMINISTRATOR, SCOPE);
        let token = text(&tokens["refresh_token"]);
        let new = json!({"displayName": "Other", "isFallbackPublicClient": true});
        let other = register(casbah, &new).client;
        for client in [other.as_str(), CLI_CLIENT] {
            assert_eq!(number(&refresh(casbah, client, token, &[])), 70_000);
        }
        assert_eq!(number(&refresh(casbah, CLIENT, token, &[("client_secret", CLIENT_SECRET)])), 70_000);
        for scope in ["https://graph.microsoft.com/Application.ReadWrite.All", "https://graph.microsoft.com/User.Read"] {
            assert_eq!(number(&refresh(casbah, PUBLIC_CLIENT, token, &[("scope", scope)])), 65_001);
        }
        let unknown = refresh(casbah, PUBLIC_CLIENT, token, &[("scope", "https://no.such.example/.default")]);
        assert_eq!(number(&unknown), 500_011);
        // Not from a page in a browser, which the client is not.
        let body = format!("grant_type=refresh_token&client_id={PUBLIC_CLIENT}&refresh_token={token}");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
        assert_eq!(number(&casbah.anonymous().send("POST", TOKEN, &headers, body.as_bytes())), 9_002_326);
        // None of these attempts used it up.
        let fresh = refresh(casbah, PUBLIC_CLIENT, token, &[]).ok();
        assert_eq!(claims(text(&fresh["access_token"]))["scp"], claims(text(&tokens["access_token"]))["scp"]);
    }

    /// CVE-2024-52287 (issued is at most what was granted), CVE-2020-15222 (#26, assertions): what an application gets as itself.
    fn an_application_gets_what_it_was_granted(casbah: &Casbah) {
        let nothing = "aaaaaaaa-0000-4000-8000-000000000004";
        let token = casbah.application_token(TENANT, nothing, CLIENT_SECRET);
        assert!(claims(&token).get("roles").is_none_or(|roles| roles == &json!([])));
        casbah.bearer(&token).get("/api/v1/alerts/").refused(403);
        let scope = api_scope();
        let form = |more: &[(&'static str, &'static str)]| {
            let mut form = vec![("grant_type", "client_credentials"), ("client_id", CLIENT), ("scope", scope.as_str())];
            form.extend(more);
            casbah.anonymous().post_form(TOKEN, &form)
        };
        let said = format!(r#"{{"iss":"{CLIENT}","sub":"{CLIENT}"}}"#);
        let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
        let unsigned = &*format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&said)).leak();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let assertion = [("client_assertion", unsigned), ("client_assertion_type", kind)];
        let answer = form(&assertion);
        assert_eq!((answer.status, number(&answer)), (401, 700_027));
        // A right secret beside it does not make a wrong assertion good.
        let both = form(&[assertion[0], assertion[1], ("client_secret", CLIENT_SECRET)]);
        assert_eq!((both.status, number(&both)), (400, 9_002_313));
        assert_eq!(form(&[("client_secret", "")]).status, 401);
        assert_eq!(number(&form(&[("client_secret", "it-client-secret-00000000000000000000000")])), 7_000_215);
    }

    /// CVE-2026-55106: there is no route without its check; the rows of the table are walked, so that a
    /// new one is in this test from its first day.
    fn every_route_asks_who_calls_and_what_for(casbah: &Casbah) {
        let nobody = "aaaaaaaa-0000-4000-8000-000000000004";
        let powerless = casbah.bearer(&casbah.application_token(TENANT, nobody, CLIENT_SECRET));
        let elsewhere = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let mut walked = 0;
        for endpoint in casbah_api::endpoints() {
            let casbah_api::Access::AnyOf(_) = endpoint.access else { continue };
            let path = endpoint.path.split('/').map(|part| if part.starts_with('{') { "0123456789abcdef01234567" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            for (method, prefix, slash) in endpoint.methods.iter().flat_map(|m| [(*m, "", ""), (*m, "/cas", "/")]) {
                let path = format!("{prefix}{path}{slash}");
                let call = |session: &crate::harness::Session<'_>| {
                    let body: &[u8] = if method == "GET" || method == "DELETE" { b"" } else { b"{}" };
                    session.send(method, &path, &[("content-type", "application/json")], body).status
                };
                let got = [call(&casbah.anonymous()), call(&elsewhere), call(&powerless)];
                assert_eq!(got, [401, 401, 403], "{method} {path}");
                walked += 1;
            }
        }
        assert!(walked > 40, "{walked}");
    }

    /// CVE-2026-40166: no list, page or error ever holds a secret.
    fn no_answer_holds_a_stored_secret(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let reader = casbah.bearer(&casbah.directory_token(READER));
        let (ada, rita) = (casbah.user(ADMINISTRATOR), casbah.user(READER));
        let refresh_token = casbah.user_tokens(READER, SCOPE)["refresh_token"].as_str().unwrap().to_string();
        let mut paths: Vec<String> = ["applications", "servicePrincipals", "users", "me", "oauth2PermissionGrants", "directoryRoles", "organization"]
            .iter().map(|noun| format!("/v1.0/{noun}")).collect();
        paths.push(format!("/v1.0/applications(appId='{CLIENT}')"));
        paths.push(format!("/v1.0/users/{ADMINISTRATOR}"));
        paths.extend(["/api/v1/tokens/", "/api/v1/alerts/", "/api/discovery/streams/"].map(String::from));
        for path in &paths {
            for session in [&administrator, &reader, &ada, &rita] {
                let text = session.get(path).text();
                for secret in [PASSWORD, CLIENT_SECRET, API_TOKEN, &refresh_token, "$argon2", "passwordHash", "digest"] {
                    assert!(!text.contains(secret), "{path} holds {secret}");
                }
            }
        }
        assert!(administrator.get("/v1.0/applications").text().contains("passwordCredentials"), "the lists are real");
    }

    /// CVE-2022-24124: text from a request never becomes part of a statement.
    fn filters_are_not_statements(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let all = administrator.get("/v1.0/applications").ok()["value"].as_array().unwrap().len();
        assert!(all >= 3);
        for text in ["x' or '1'='1", "x''; drop table users; --", "x\\' or 1=1 --", "x' union select password_hash from users --"] {
            let encoded: String = url::form_urlencoded::byte_serialize(format!("displayName eq '{text}'").as_bytes()).collect();
            let answer = administrator.get(&format!("/v1.0/applications?$filter={encoded}"));
            assert!(answer.status == 400 || answer.ok()["value"] == json!([]), "{text}: {}", answer.text());
            let name: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            assert!([400, 404].contains(&administrator.get(&format!("/v1.0/users/{name}")).status));
            let filter = json!({"filters": {"title": {"eq": text}}, "sortField": text});
            assert!(casbah.application().post("/api/v1/alerts/", &filter).status < 500);
        }
        administrator.get("/v1.0/me").ok();
    }

    /// RFC 9700, 4.13: answers with tokens are not kept, and every page of an error is as closed.
    fn tokens_are_not_cached(casbah: &Casbah) {
        let code = Browser::new(casbah).code(&usual_request(&[]), ADMINISTRATOR);
        for answer in [redeem(casbah, &code, &[]), redeem(casbah, &code, &[])] {
            assert!(answer.header("cache-control").contains("no-store"));
            assert_eq!(answer.header("pragma"), "no-cache");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("set-cookie").is_empty());
            assert!(answer.header("access-control-allow-credentials").is_empty());
        }
    }
}

/// RFC 9700, 4.15 (#22): an application whose id is a user's cannot pass for that user.
#[test]
fn an_application_cannot_pose_as_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let id = "bbbbbbbb-0000-4000-8000-000000000001";
    let world = format!(
        r#"
        [[tenants]]
        id = "{TENANT}"
        display_name = "Contoso"
        domains = ["contoso.example"]
        [[tenants.users]]
        id = "{id}"
        user_principal_name = "{ADMINISTRATOR}"
        display_name = "Ada"
        password = "{PASSWORD}"
        roles = ["Global Administrator"]
        [[tenants.applications]]
        app_id = "{id}"
        display_name = "Ada"
        application_permissions = ["Settings.read"]
        [[tenants.applications.secrets]]
        name = "key"
        value = "{CLIENT_SECRET}"
        "#
    );
    let file = folder.path().join("world.toml");
    std::fs::write(&file, world).unwrap();
    let arguments = vec!["--bootstrap".to_string(), file.to_str().unwrap().to_string()];
    let options = Options { bootstrap: false, arguments, ..Options::default() };
    let casbah = Casbah::start_with(Database::sqlite(), &options);
    let token = casbah.application_token(TENANT, id, CLIENT_SECRET);
    let claims = claims(&token);
    assert_eq!((&claims["idtyp"], &claims["appid"]), (&json!("app"), &json!(id)));
    assert_ne!(claims["oid"], id);
    assert_ne!(claims["sub"], id);
    casbah.bearer(&token).get("/api/v1/alerts/").refused(403);
    casbah.bearer(&token).get("/oidc/userinfo").refused(401);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", CLIENT_SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let directory = casbah.anonymous().post_form(TOKEN, &form).ok();
    let me = casbah.bearer(text(&directory["access_token"])).get("/v1.0/me");
    assert!(matches!(me.status, 400 | 401 | 403), "{} {}", me.status, me.text());
}
