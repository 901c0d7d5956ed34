//! Tokens in the wrong place, or in the wrong hands.

use serde_json::{Value, json};

use super::browser::Browser;
use super::second_factors::enrol;
use super::{
    SCOPE, TOKEN, add_secret, api_scope, claims, in_tenant, number, patch, principal, redeem, refresh,
    register, start_device, text, usual_request,
};
use crate::harness::{
    ADMINISTRATOR, API_TOKEN, CLI_CLIENT, CLIENT, CLIENT_SECRET, Casbah, Database, OTHER_TENANT, Options,
    PASSWORD, PUBLIC_CLIENT, READER, TENANT,
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

    /// CVE-2026-55106, at the directory: its routes are walked as well.
    fn every_directory_route_asks_who_calls_and_what_for(casbah: &Casbah) {
        let nobody = "aaaaaaaa-0000-4000-8000-000000000004";
        let form = [("grant_type", "client_credentials"), ("client_id", nobody), ("client_secret", CLIENT_SECRET), ("scope", "https://graph.microsoft.com/.default")];
        let answer = casbah.anonymous().post_form(TOKEN, &form).ok();
        let powerless = casbah.bearer(text(&answer["access_token"]));
        let elsewhere = casbah.application();
        let mut walked = 0;
        for (method, path) in casbah_api::graph::endpoints() {
            let path = path.split('/').map(|part| if part.starts_with('{') { nobody } else { part }).collect::<Vec<_>>().join("/");
            for version in ["/v1.0", "/beta"] {
                let path = format!("{version}{path}");
                let call = |session: &crate::harness::Session<'_>| {
                    let body: &[u8] = if method == "GET" || method == "DELETE" { b"" } else { b"{}" };
                    session.send(method, &path, &[("content-type", "application/json")], body).status
                };
                // Whatever needs no permission is about the caller alone, and an application is no person.
                let open = path.ends_with("/organization") || path.contains("/organization/") || path.contains("/me");
                let got = [call(&casbah.anonymous()), call(&elsewhere), call(&powerless)];
                assert_eq!(got[..2], [401, 401], "{method} {path}");
                assert!(got[2] == 403 || (open && got[2] >= 400), "{method} {path}: {}", got[2]);
                walked += 1;
            }
        }
        assert!(walked > 200, "{walked}");
    }

    /// CVE-2026-40166: no list, page or error ever holds a secret. Everything that can be read is read, and
    /// searched for everything that is secret.
    fn no_answer_holds_a_stored_secret(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let reader = casbah.bearer(&casbah.directory_token(READER));
        let (ada, rita) = (casbah.user(ADMINISTRATOR), casbah.user(READER));
        let web = register(casbah, &json!({ "displayName": "Server", "web": { "redirectUris": ["https://web.example/cb"] } }));
        let added = add_secret(casbah, &web);
        let browser = Browser::new(casbah);
        let code = browser.code(&usual_request(&[]), READER);
        let (totp, recovery) = enrol(&Browser::new(casbah), ADMINISTRATOR);
        let (device, _) = start_device(casbah, PUBLIC_CLIENT);
        let mut secrets: Vec<String> = [PASSWORD, CLIENT_SECRET, API_TOKEN, "$argon2", "passwordHash", "digest", "PRIVATE KEY"].map(String::from).to_vec();
        secrets.push(redeem(casbah, &code, &[]).ok()["refresh_token"].as_str().unwrap().to_string());
        secrets.extend(browser.cookies.borrow().iter().map(|(_, value)| value.clone()));
        secrets.extend([added, code, device, totp]);
        secrets.extend(recovery);
        let key = |noun: &str| match noun {
            "applications" => web.object.clone(),
            "servicePrincipals" => text(&administrator.get(&principal(CLIENT)).ok()["id"]).to_string(),
            "users" => READER.to_string(),
            "organization" => TENANT.to_string(),
            "domains" => "contoso.example".to_string(),
            _ => "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a".to_string(),
        };
        let of_graph = casbah_api::graph::endpoints().filter(|(method, _)| *method == "GET").map(|(_, path)| {
            let key = key(path.split('/').nth(1).unwrap());
            let parts = path.split('/').map(|part| if part.starts_with('{') { key.as_str() } else { part });
            format!("/v1.0{}", parts.collect::<Vec<_>>().join("/"))
        });
        let of_api = casbah_api::endpoints().into_iter().filter(|e| e.methods.contains(&"GET")).map(|e| {
            let parts = e.path.split('/').map(|part| if part.starts_with('{') { "0123456789abcdef01234567" } else { part });
            parts.collect::<Vec<_>>().join("/")
        });
        let mut found = 0;
        for path in of_graph.chain(of_api).collect::<Vec<_>>() {
            for session in [&administrator, &reader, &ada, &rita] {
                let answer = session.get(&path);
                found += u32::from(answer.status == 200);
                for secret in &secrets {
                    assert!(!answer.text().contains(secret), "{path} holds {secret}");
                }
            }
        }
        assert!(found > 80, "{found} answers were more than errors");
        for page in ["/account", "/", "/device", "/account/authenticator"] {
            let text = browser.get(page).text();
            for secret in secrets.iter().filter(|secret| !["digest"].contains(&secret.as_str())) {
                assert!(!text.contains(secret), "{page} holds {secret}");
            }
        }
        assert!(administrator.get("/v1.0/applications").text().contains("passwordCredentials"), "the lists are real");
    }

    /// CVE-2021-32701: an answer that is kept stands on all that was asked, and on what is true now.
    fn what_is_remembered_is_what_was_asked(casbah: &Casbah) {
        let web = register(casbah, &json!({ "displayName": "Server" }));
        let secret = add_secret(casbah, &web);
        let (api, graph) = (api_scope(), "https://graph.microsoft.com/.default");
        let ask = |path: &str, client: &str, secret: &str, target: (&str, &str)| {
            let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret), target];
            casbah.anonymous().post_form(path, &form)
        };
        let v1 = TOKEN.replace("/v2.0", "");
        let elsewhere = in_tenant(TOKEN, OTHER_TENANT);
        // Twice over, so that whatever is kept of one is there when the next is asked.
        for _ in 0..2 {
            let aud = |answer: crate::harness::Answer| claims(text(&answer.ok()["access_token"]))["aud"].clone();
            assert_eq!(aud(ask(TOKEN, &web.client, &secret, ("scope", &api))), crate::harness::RESOURCE);
            assert_eq!(aud(ask(TOKEN, &web.client, &secret, ("scope", graph))), "https://graph.microsoft.com");
            assert!(ask(&v1, &web.client, &secret, ("resource", crate::harness::RESOURCE)).ok()["expires_in"].is_string());
            let other = ask(TOKEN, CLIENT, CLIENT_SECRET, ("scope", &api)).ok();
            assert_eq!(claims(text(&other["access_token"]))["appid"], CLIENT);
            assert_eq!(number(&ask(TOKEN, &web.client, &format!("{secret}x"), ("scope", &api))), 7_000_215);
            assert_eq!(number(&ask(TOKEN, &web.client, CLIENT_SECRET, ("scope", &api))), 7_000_215);
            assert_eq!(number(&ask(TOKEN, CLIENT, &secret, ("scope", &api))), 7_000_215);
            assert_eq!(number(&ask(&elsewhere, &web.client, &secret, ("scope", &api))), 700_016);
            assert_eq!(number(&ask(TOKEN, &web.client, &secret, ("scope", "api://nowhere/.default"))), 500_011);
        }
        // Nor is it remembered beyond what it stands on.
        let of = |answer: crate::harness::Answer| claims(text(&answer.ok()["access_token"]))["roles"].clone();
        assert_eq!(of(ask(TOKEN, &web.client, &secret, ("scope", &api))), Value::Null);
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let id = |client: &str| text(&administrator.get(&principal(client)).ok()["id"]).to_string();
        let role = json!({ "principalId": id(&web.client), "resourceId": id(crate::harness::RESOURCE), "appRoleId": read_role(casbah) });
        let made = administrator.post(&format!("/v1.0/servicePrincipals/{}/appRoleAssignments", id(&web.client)), &role);
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(of(ask(TOKEN, &web.client, &secret, ("scope", &api))), json!(["investigation.read"]));
        patch(casbah, &principal(&web.client), &json!({ "accountEnabled": false }));
        assert_eq!(number(&ask(TOKEN, &web.client, &secret, ("scope", &api))), 7_000_112);
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

/// All that came out of many who come with one refresh token at the same moment.
fn race(casbah: &Casbah, token: &str) -> Vec<Value> {
    let winners = std::sync::Mutex::new(Vec::new());
    let start = std::sync::Barrier::new(64);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            let (winners, start) = (&winners, &start);
            scope.spawn(move || {
                start.wait();
                let answer = refresh(casbah, PUBLIC_CLIENT, token, &[]);
                if answer.status == 200 {
                    winners.lock().unwrap().push(answer.json());
                } else {
                    assert_eq!(answer.refused(400)["error"], "invalid_grant");
                }
            });
        }
    });
    winners.into_inner().unwrap()
}

/// RFC 9700, 4.14 (#20); CVE-2026-1035, CVE-2026-9802: of many who come with one refresh token at once, one
/// wins, and then nobody has anything; nor after the process was killed.
fn a_stolen_refresh_token(database: Database) {
    let casbah = Casbah::start(database);
    let first = casbah.user_tokens(ADMINISTRATOR, SCOPE);
    let stolen = text(&first["refresh_token"]);
    let won = race(&casbah, stolen);
    assert_eq!(won.len(), 1);
    let dead = |casbah: &Casbah| {
        for tokens in [&won[0], &first] {
            assert_eq!(refresh(casbah, PUBLIC_CLIENT, text(&tokens["refresh_token"]), &[]).status, 400);
            casbah.bearer(text(&tokens["access_token"])).get("/api/v1/alerts/").refused(401);
        }
    };
    dead(&casbah);
    // One that was not used yet has one winner after a kill as well, and the old ones none.
    let second = casbah.user_tokens(ADMINISTRATOR, SCOPE);
    let casbah = casbah.kill_and_restart();
    assert!(race(&casbah, stolen).is_empty());
    dead(&casbah);
    assert_eq!(race(&casbah, text(&second["refresh_token"])).len(), 1);
    // Another sign-in of the same user is another matter.
    refresh(&casbah, PUBLIC_CLIENT, text(&casbah.user_tokens(ADMINISTRATOR, SCOPE)["refresh_token"]), &[])
        .ok();
}

#[test]
fn a_stolen_refresh_token_ends_everything_sqlite() {
    a_stolen_refresh_token(Database::sqlite());
}

#[test]
fn a_stolen_refresh_token_ends_everything_postgres() {
    a_stolen_refresh_token(Database::postgres());
}

/// The app role that lets an application read alerts.
fn read_role(casbah: &Casbah) -> String {
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let api = administrator.get(&principal(crate::harness::RESOURCE)).ok();
    let roles = api["appRoles"].as_array().unwrap().clone();
    let role = roles.iter().find(|r| text(&r["value"]).eq_ignore_ascii_case("investigation.read")).unwrap();
    text(&role["id"]).to_string()
}
