//! Every identifier of one tenant at the door of another, pairwise over three tenants (CVE-2025-55241).
//!
//! The command line's client exists in every tenant under the same id, so nothing is refused only because the
//! application is unknown.

use serde_json::{Value, json};

use super::browser::{Browser, SESSION, parameter};
use super::{CHALLENGE, VERIFIER, claims, number, text};
use crate::harness::{
    Answer, CLI_CLIENT, CLIENT_SECRET, Casbah, Database, Options, PASSWORD, RESOURCE, Session,
};

const LOOPBACK: &str = "http://localhost:5000";
const SCOPE: &str = "User.Read openid offline_access";

/// One tenant: number, id, domain and an application of its own.
#[derive(Clone)]
struct Home {
    id: String,
    domain: String,
    application: String,
}

impl Home {
    fn number(number: u32) -> Home {
        Home {
            id: format!("7d0c2f6e-{number:04}-4222-8333-444455556666"),
            domain: format!("tenant{number}.example"),
            application: format!("aaaaaaaa-{number:04}-4000-8000-000000000001"),
        }
    }

    fn administrator(&self) -> String {
        format!("ada@{}", self.domain)
    }

    fn path(&self, endpoint: &str) -> String {
        format!("/{}/oauth2/v2.0/{endpoint}", self.id)
    }

    fn world(&self) -> String {
        let Home { id, domain, application } = self;
        format!(
            r#"
            [[tenants]]
            id = "{id}"
            display_name = "{domain}"
            domains = ["{domain}"]
            [[tenants.users]]
            user_principal_name = "ada@{domain}"
            display_name = "Ada"
            password = "{PASSWORD}"
            roles = ["Global Administrator"]
            [[tenants.applications]]
            app_id = "{application}"
            display_name = "Own"
            application_permissions = ["Investigation.manage", "Settings.manage"]
            [[tenants.applications.secrets]]
            name = "key"
            value = "{CLIENT_SECRET}"
            "#
        )
    }
}

/// All that somebody can hold of a tenant.
struct Holdings {
    home: Home,
    refresh: String,
    code: String,
    device: String,
    user_code: String,
    session: String,
    id_token: String,
    directory: String,
    application_token: String,
    /// Ids in the directory, by the kind of thing.
    ids: Vec<(&'static str, String)>,
    range: String,
}

fn post(casbah: &Casbah, home: &Home, endpoint: &str, form: &[(&str, &str)]) -> Answer {
    casbah.anonymous().post_form(&home.path(endpoint), form)
}

fn authorize(home: &Home, more: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("client_id", CLI_CLIENT),
        ("redirect_uri", LOOPBACK),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.extend(more);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{}?{query}", home.path("authorize"))
}

fn created(caller: &Session<'_>, path: &str, body: &Value) -> String {
    let answer = caller.post(path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    text(&answer.json()["id"]).to_string()
}

impl Holdings {
    fn of(casbah: &Casbah, home: &Home) -> Holdings {
        let user = home.administrator();
        let password = [
            ("grant_type", "password"),
            ("client_id", CLI_CLIENT),
            ("username", user.as_str()),
            ("password", PASSWORD),
            ("scope", SCOPE),
        ];
        let tokens = post(casbah, home, "token", &password).ok();
        let browser = Browser::new(casbah);
        browser.authorize(&authorize(home, &[]), &user);
        let code = parameter(&browser.get(&authorize(home, &[])), "code");
        let start = [("client_id", CLI_CLIENT), ("scope", SCOPE)];
        let device = post(casbah, home, "devicecode", &start).ok();
        let directory = text(&tokens["access_token"]).to_string();
        let ada = casbah.bearer(&directory);
        let me = ada.get("/v1.0/me").ok();
        let own = ada.get(&format!("/v1.0/applications(appId='{}')", home.application)).ok();
        let principal = ada.get(&format!("/v1.0/servicePrincipals(appId='{}')", home.application)).ok();
        let principal = text(&principal["id"]).to_string();
        let roles = ada.get(&format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments")).ok();
        let grants = ada.get("/v1.0/oauth2PermissionGrants").ok();
        let group = json!({ "displayName": "Group", "mailNickname": "group", "mailEnabled": false, "securityEnabled": true });
        let group = created(&ada, "/v1.0/groups", &group);
        let gone = created(&ada, "/v1.0/applications", &json!({ "displayName": "Gone" }));
        assert_eq!(ada.delete(&format!("/v1.0/applications/{gone}")).status, 204);
        let ids = vec![
            ("users", text(&me["id"]).to_string()),
            ("users", user.clone()),
            ("applications", text(&own["id"]).to_string()),
            ("applications", home.application.clone()),
            ("servicePrincipals", principal),
            ("groups", group),
            ("appRoleAssignments", text(&roles["value"][0]["id"]).to_string()),
            ("oauth2PermissionGrants", text(&grants["value"][0]["id"]).to_string()),
            ("deletedItems", gone),
            ("organization", home.id.clone()),
            ("domains", home.domain.clone()),
        ];
        let application_token = casbah.application_token(&home.id, &home.application, CLIENT_SECRET);
        let body = json!({ "name": format!("range of {}", home.domain), "category": 1, "subnets": ["203.0.113.0/24"] });
        let range = casbah.bearer(&application_token).post("/api/v1/subnet/create_rule/", &body);
        assert!(range.status == 200 || range.status == 201, "{}", range.text());
        let of_range = casbah.bearer(&application_token).get("/api/v1/subnet/").ok();
        Holdings {
            home: home.clone(),
            refresh: text(&tokens["refresh_token"]).to_string(),
            id_token: text(&tokens["id_token"]).to_string(),
            code,
            device: text(&device["device_code"]).to_string(),
            user_code: text(&device["user_code"]).to_string(),
            session: browser.cookie(SESSION).unwrap(),
            directory,
            application_token,
            ids,
            range: text(&of_range["data"][0]["_id"]).to_string(),
        }
    }

    /// Everything in the directory that carries one of the ids, as it is now.
    fn picture(&self, casbah: &Casbah) -> Vec<Value> {
        let ada = casbah.bearer(&self.directory);
        let of = |kind: &str| ada.get(&format!("/v1.0/{kind}")).ok()["value"].clone();
        [
            "users",
            "applications",
            "servicePrincipals",
            "groups",
            "oauth2PermissionGrants",
            "directory/deletedItems/microsoft.graph.application",
        ]
        .map(of)
        .to_vec()
    }
}

/// Three tenants, each with all that it can have.
fn three(database: Database) -> (Casbah, Vec<Holdings>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.toml");
    let homes: Vec<Home> = (1..=3).map(Home::number).collect();
    std::fs::write(&file, homes.iter().map(Home::world).collect::<String>()).unwrap();
    let arguments = vec!["--bootstrap".to_string(), file.to_str().unwrap().to_string()];
    let options = Options { bootstrap: false, arguments, ..Options::default() };
    let casbah = Casbah::start_with(database, &options);
    let held = homes.iter().map(|home| Holdings::of(&casbah, home)).collect();
    (casbah, held)
}

fn pairs(held: &[Holdings]) -> impl Iterator<Item = (&Holdings, &Holdings)> {
    held.iter().flat_map(move |one| {
        held.iter().filter(|other| other.home.id != one.home.id).map(move |other| (one, other))
    })
}

/// Codes, tokens, cookies and names of one tenant, at every endpoint of another.
fn what_opens(database: Database) {
    let (casbah, held) = three(database);
    let casbah = &casbah;
    for (mine, other) in pairs(&held) {
        let there = &other.home;
        let at = |endpoint: &str, form: &[(&str, &str)]| post(casbah, there, endpoint, form);
        let public = ("client_id", CLI_CLIENT);
        let redeem = [
            ("grant_type", "authorization_code"),
            public,
            ("code", &mine.code),
            ("redirect_uri", LOOPBACK),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(number(&at("token", &redeem)), 700_005);
        assert_eq!(
            number(&at(
                "token",
                &[("grant_type", "refresh_token"), public, ("refresh_token", &mine.refresh)]
            )),
            70_000
        );
        let device = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        assert_eq!(number(&at("token", &[device, public, ("device_code", &mine.device)])), 70_018);
        let name = mine.home.administrator();
        let password = [
            ("grant_type", "password"),
            public,
            ("username", &name),
            ("password", PASSWORD),
            ("scope", SCOPE),
        ];
        assert_eq!(number(&at("token", &password)), 50_126);
        let scope = format!("{RESOURCE}/.default");
        let app = [("client_id", mine.home.application.as_str()), ("client_secret", CLIENT_SECRET)];
        let app_only =
            [&[("grant_type", "client_credentials"), ("scope", scope.as_str())], &app[..]].concat();
        assert_eq!(number(&at("token", &app_only)), 700_016);
        for endpoint in ["introspect", "revoke"] {
            assert_eq!(number(&at(endpoint, &[&app[..], &[("token", &mine.refresh)]].concat())), 700_016);
        }
        // Its applications learn nothing of my tokens, and end none of them.
        let theirs = [("client_id", there.application.as_str()), ("client_secret", CLIENT_SECRET)];
        for token in [&mine.refresh, &mine.directory, &mine.application_token, &mine.id_token] {
            let asked = at("introspect", &[&theirs[..], &[("token", token)]].concat()).ok();
            assert_eq!(asked, json!({ "active": false }));
            at("revoke", &[public, ("token", token)]);
            at("revoke", &[&theirs[..], &[("token", token)]].concat());
        }
        let on_behalf_of = [
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("requested_token_use", "on_behalf_of"),
                ("assertion", mine.directory.as_str()),
                ("scope", scope.as_str()),
            ],
            &theirs[..],
        ]
        .concat();
        assert!([50_013, 500_131].contains(&number(&at("token", &on_behalf_of))));
        // A browser that is signed in here is nobody there, whatever the request says.
        let browser = Browser::new(casbah);
        browser.set_cookie(SESSION, &mine.session);
        for more in [
            &[("prompt", "none")][..],
            &[("prompt", "none"), ("id_token_hint", &mine.id_token)],
            &[("prompt", "none"), ("login_hint", &name)],
        ] {
            assert_eq!(
                parameter(&browser.get(&authorize(there, more)), "error"),
                "login_required",
                "{more:?}"
            );
        }
        assert!(!parameter(&browser.get(&authorize(&mine.home, &[("prompt", "none")])), "code").is_empty());
        let page = browser.get(&format!("/device?code={}", other.user_code));
        assert!(page.text().contains("name=\"password\""), "{}", page.text());
        let consent = browser.get(&format!(
            "/{}/v2.0/adminconsent?client_id={CLI_CLIENT}&redirect_uri=http%3A%2F%2Flocalhost",
            there.id
        ));
        assert!(consent.text().contains("name=\"password\""), "{}", consent.text());
        // A pushed request belongs to its tenant.
        let pushed = post(
            casbah,
            &mine.home,
            "par",
            &[public, ("response_type", "code"), ("redirect_uri", LOOPBACK), ("scope", "openid")],
        );
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let fields = [("client_id", CLI_CLIENT), ("request_uri", text(&pushed.json()["request_uri"]))]
            .map(|(n, v)| (n.to_string(), v.to_string()));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let page = Browser::new(casbah).get(&format!("{}?{query}", there.path("authorize")));
        assert!(page.status == 400 && page.text().contains("AADSTS9900003"), "{}", page.text());
        // The tenant of a token is the one it says, and no other: the path has no say.
        let me = casbah.bearer(&mine.directory).get("/v1.0/organization").ok();
        assert_eq!(me["value"][0]["id"], mine.home.id.as_str());
        let said = claims(&mine.application_token);
        assert_eq!(
            (&said["tid"], &said["iss"]),
            (&json!(mine.home.id), &json!(format!("{}/{}/", casbah.url, mine.home.id)))
        );
    }
    // None of it was used up, and none of it ended.
    for Holdings { home, refresh, code, directory, application_token, .. } in &held {
        let public = ("client_id", CLI_CLIENT);
        let redeem = [
            ("grant_type", "authorization_code"),
            public,
            ("code", code.as_str()),
            ("redirect_uri", LOOPBACK),
            ("code_verifier", VERIFIER),
        ];
        post(casbah, home, "token", &redeem).ok();
        post(casbah, home, "token", &[("grant_type", "refresh_token"), public, ("refresh_token", refresh)])
            .ok();
        casbah.bearer(directory).get("/v1.0/me").ok();
        casbah.bearer(application_token).get("/api/v1/alerts/").ok();
    }
}

#[test]
fn nothing_of_one_tenant_opens_anything_in_another_sqlite() {
    what_opens(Database::sqlite());
}

#[test]
fn nothing_of_one_tenant_opens_anything_in_another_postgres() {
    what_opens(Database::postgres());
}

/// Every route with an id of another tenant in every place where an id can stand: the answer is that of an id
/// that does not exist, and nothing changes where the id comes from.
fn what_is_found(database: Database) {
    let (casbah, held) = three(database);
    let before: Vec<Vec<Value>> = held.iter().map(|one| one.picture(&casbah)).collect();
    let made_up = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a";
    let kind = [("content-type", "application/json")];
    let mut walked = 0;
    for (mine, other) in pairs(&held) {
        let caller = casbah.bearer(&other.directory);
        // What the answer says, with the id taken out of it, and what differs in every answer.
        let said = |method: &str, path: &str, id: &str| {
            let body = match method {
                "GET" | "DELETE" => String::new(),
                _ if path.ends_with("/$ref") => {
                    json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", casbah.url) }).to_string()
                }
                "PATCH" => json!({ "displayName": "stolen" }).to_string(),
                _ => json!({}).to_string(),
            };
            let answer = caller.send(method, path, &kind, body.as_bytes());
            let error = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default()["error"].clone();
            let message = error["message"]
                .as_str()
                .unwrap_or_default()
                .to_lowercase()
                .replace(&id.to_lowercase(), "ID");
            assert!(answer.status < 500, "{method} {path}: {}", answer.text());
            (answer.status, error["code"].clone(), message)
        };
        for (method, route) in casbah_api::graph::endpoints() {
            let places = route.matches('{').count();
            // Rotating keys for all is no matter of ids, and who may look at a person's factors is told by role.
            if places == 0
                || route.contains("signingKeys")
                || route.starts_with("/directoryRole")
                || route.contains("roleDefinitions")
            {
                continue;
            }
            let noun = route.split('/').nth(1).unwrap_or_default();
            for (of, id) in &mine.ids {
                let fits = noun == *of || route.contains(of) || noun == "directoryObjects";
                if !fits {
                    continue;
                }
                let with = |id: &str| {
                    let parts = route.split('/').map(|part| if part.starts_with('{') { id } else { part });
                    format!("/v1.0{}", parts.collect::<Vec<_>>().join("/"))
                };
                let unknown = if id.contains('@') {
                    "nobody@tenant9.example"
                } else if id.contains(".example") {
                    "tenant9.example"
                } else {
                    made_up
                };
                let (real, none) = (said(method, &with(id), id), said(method, &with(unknown), unknown));
                assert_eq!(real, none, "{method} {route} with {id} of {}", mine.home.domain);
                assert!(matches!(real.0, 400 | 403 | 404), "{method} {route}: {real:?}");
                walked += 1;
            }
        }
        // In a body: a member of a group, and the principal and resource of an assignment.
        let group = &other.ids.iter().find(|(of, _)| *of == "groups").unwrap().1;
        let own = &other.ids.iter().find(|(of, _)| *of == "servicePrincipals").unwrap().1;
        let members = mine
            .ids
            .iter()
            .filter(|(of, id)| ["users", "servicePrincipals", "groups"].contains(of) && !id.contains('@'));
        for (of, id) in members {
            let path = format!("/v1.0/groups/{group}/members/$ref");
            assert_eq!(said("POST", &path, id), said("POST", &path, made_up), "{of} as a member");
            let assign = |id: &str| {
                let role = "83bc8d83-2679-44ef-b813-d5f556fc4474";
                let body = json!({ "principalId": own, "resourceId": id, "appRoleId": role });
                let answer = caller.post(&format!("/v1.0/servicePrincipals/{own}/appRoleAssignments"), &body);
                (answer.status, answer.text().contains("error"))
            };
            assert_eq!(assign(id), assign(made_up), "{of} as a resource");
        }
        // At the Cloud Apps API, too.
        let api = casbah.bearer(&other.application_token);
        for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "update_rule/")] {
            let at = |id: &str| {
                let body = if method == "POST" {
                    json!({ "name": "stolen", "category": 1, "subnets": ["198.51.100.0/24"] }).to_string()
                } else {
                    String::new()
                };
                let answer = api.send(method, &format!("/api/v1/subnet/{id}/{path}"), &kind, body.as_bytes());
                (answer.status, answer.text().replace(id, "ID"))
            };
            let (real, none) = (at(&mine.range), at("0123456789abcdef01234567"));
            assert_eq!(real.0, none.0, "{method}: {}", real.1);
            assert_eq!(real.0, 404, "{method} {path}: {}", real.1);
        }
    }
    assert!(walked > 500, "{walked}");
    let after: Vec<Vec<Value>> = held.iter().map(|one| one.picture(&casbah)).collect();
    assert_eq!(before, after, "nothing changed");
    for one in &held {
        let range = casbah.bearer(&one.application_token).get("/api/v1/subnet/").ok();
        assert_eq!(range["data"][0]["_id"], one.range.as_str());
    }
}

#[test]
fn ids_of_one_tenant_are_unknown_in_another_sqlite() {
    what_is_found(Database::sqlite());
}

#[test]
fn ids_of_one_tenant_are_unknown_in_another_postgres() {
    what_is_found(Database::postgres());
}
