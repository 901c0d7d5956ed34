//! Who may call what, walked through the endpoint table with real tokens: every directory role with every scope that
//! an application can be lent, the legacy token of each role, every permission of an application, and the other
//! tenant with the ids of this one.

use casbah_api::{Access, EndpointInfo};
use casbah_model::{Entitlements, Permission, PermissionSet, ROLES, Reach, Role};
use serde_json::{Value, json};

use crate::alerts::raise;
use crate::harness::{
    CLIENT_SECRET, Casbah, Database, OTHER_CLIENT, OTHER_TENANT, Options, PASSWORD, RESOURCE, Session, TENANT,
};

/// An id that nothing has.
const NOTHING: &str = "6a1f0c2b9d3e4f5a6b7c8d90";

fn person(role: &Role) -> String {
    format!("{}@contoso.example", role.name.to_lowercase().replace(' ', "."))
}

fn legacy_token(number: usize) -> String {
    format!("roleToken{number:055}")
}

/// The application that has only this permission as itself.
fn daemon(permission: Permission) -> String {
    format!("bbbbbbbb-0000-4000-8000-{:012}", permission as u8)
}

/// The one that people lend only this permission to.
fn client(permission: Permission) -> String {
    format!("cccccccc-0000-4000-8000-{:012}", permission as u8)
}

/// The usual world, a person with a legacy token for each role, and an application for each permission.
fn world() -> String {
    // The tables go behind the first tenant's.
    let (first, other) = include_str!("world.toml").rsplit_once("[[tenants]]").unwrap();
    let people = ROLES.iter().enumerate().map(|(number, role)| {
        let person = format!(
            "[[tenants.users]]\nuser_principal_name = \"{}\"\ndisplay_name = \"{}\"\npassword = \"{PASSWORD}\"\n\
             roles = [\"{}\"]\n",
            person(role),
            role.name,
            role.name,
        );
        // Who may do nothing gets no token.
        if role.rights.permissions() == PermissionSet::NONE {
            return person;
        }
        format!("{person}[[tenants.users.api_tokens]]\nname = \"old\"\nvalue = \"{}\"\n", legacy_token(number))
    });
    let applications = Permission::ALL.into_iter().map(|permission| {
        format!(
            "[[tenants.applications]]\napp_id = \"{}\"\ndisplay_name = \"{permission}, for people\"\npublic_client = true\n\
             delegated_permissions = [\"{permission}\"]\n\
             [[tenants.applications]]\napp_id = \"{}\"\ndisplay_name = \"{permission}\"\n\
             application_permissions = [\"{permission}\"]\n\
             [[tenants.applications.secrets]]\nname = \"key\"\nvalue = \"{CLIENT_SECRET}\"\n",
            client(permission),
            daemon(permission),
        )
    });
    let added: String = people.chain(applications).collect();
    format!("{first}\n{added}\n[[tenants]]{other}")
}

fn start(database: Database) -> Casbah {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.toml");
    std::fs::write(&file, world()).unwrap();
    let arguments = vec!["--bootstrap".to_string(), file.to_str().unwrap().to_string()];
    Casbah::start_with(database, &Options { bootstrap: false, arguments, ..Options::default() })
}

fn calls() -> impl Iterator<Item = (EndpointInfo, &'static str, String)> {
    let with_token = casbah_api::endpoints().into_iter().filter(|e| matches!(e.access, Access::AnyOf(_)));
    with_token.flat_map(|endpoint| {
        let path = filled(endpoint.path, NOTHING);
        endpoint.methods.iter().map(move |method| (endpoint.clone(), *method, path.clone()))
    })
}

/// The path with an id in the place of its parameters.
fn filled(path: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{app_id}" => "11627",
        part if part.starts_with('{') => id,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Walks the whole table: refused exactly where permissions or roles do not suffice.
fn walk(caller: &Session, who: &str, permissions: PermissionSet, entitlements: &Entitlements) {
    for (endpoint, method, path) in calls() {
        let Access::AnyOf(any_of) = endpoint.access else { continue };
        let open = permissions.contains_any(any_of)
            && endpoint.needs.is_none_or(|(part, right)| entitlements.access(part) >= right);
        let answer = caller.send(method, &path, &[("content-type", "application/json")], b"");
        let what = format!("{who}: {method} {path}: {} {}", answer.status, answer.text());
        assert!(answer.status != 401 && answer.status < 500, "{what}");
        // An application that acts as itself has no legacy tokens.
        let of_people =
            answer.text().contains("API tokens belong to people") && who.starts_with("application");
        assert_eq!(answer.status != 403 || of_people, open, "{what}");
        if !open {
            assert!(answer.text().contains("Forbidden"), "{what}");
        }
    }
}

fn everybody_is_let_in_where_they_may(database: Database) {
    let casbah = start(database);
    for permission in Permission::ALL {
        let token = casbah.application_token(TENANT, &daemon(permission), CLIENT_SECRET);
        let held = [permission].into_iter().collect();
        walk(
            &casbah.bearer(&token),
            &format!("application with {permission}"),
            held,
            &Entitlements::everything(),
        );
    }
    for (number, role) in ROLES.iter().enumerate() {
        let entitlements: Entitlements = [(role.rights, Reach::Everything)].into_iter().collect();
        let held = entitlements.permissions();
        if held != PermissionSet::NONE {
            let legacy = casbah.with_header(&format!("Token {}", legacy_token(number)));
            walk(&legacy, &format!("legacy token of {}", role.name), held, &entitlements);
        }
        for permission in Permission::ALL {
            let form = [
                ("grant_type", "password"),
                ("client_id", &client(permission)),
                ("username", &person(role)),
                ("password", PASSWORD),
                ("scope", &format!("{RESOURCE}/{permission}")),
            ];
            let answer = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok();
            let caller = casbah.bearer(answer["access_token"].as_str().unwrap());
            let lent = [permission].into_iter().collect::<PermissionSet>().intersection(held);
            walk(&caller, &format!("{} with {permission}", role.name), lent, &entitlements);
        }
    }
}

#[test]
fn everybody_is_let_in_where_they_may_sqlite() {
    everybody_is_let_in_where_they_may(Database::sqlite());
}

#[test]
fn everybody_is_let_in_where_they_may_postgres() {
    everybody_is_let_in_where_they_may(Database::postgres());
}

/// Every id that a list of the tenant shows.
fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| ids(one, found)),
        Value::Object(all) => {
            found.extend(["_id", "id"].iter().filter_map(|key| all.get(*key)?.as_str().map(str::to_string)));
            all.values().for_each(|one| ids(one, found));
        }
        _ => {}
    }
}

both! {
    fn the_other_tenant_finds_nothing_of_this_one(casbah: &Casbah) {
        let caller = casbah.application();
        raise(&caller);
        caller.post("/api/v1/subnet/create_rule/", &json!({ "name": "Oslo", "category": 1, "subnets": ["198.51.100.0/24"] })).ok();
        let lists = || {
            let mut all = Vec::new();
            for endpoint in casbah_api::endpoints() {
                let list = endpoint.methods.contains(&"GET") && !endpoint.path.contains('{');
                // The examples of the description are the same for everybody.
                let of_tenant = !endpoint.path.contains("upload_url") && !endpoint.path.ends_with("/filters");
                if list && of_tenant && matches!(endpoint.access, Access::AnyOf(_)) {
                    all.push((endpoint.path, caller.get(endpoint.path)));
                }
            }
            all
        };
        // A call of its own is an activity: those are looked at one by one below.
        let picture = || -> Vec<(&str, String)> {
            let stays = |path: &str| !path.ends_with("/activities") && !path.ends_with("/tokens");
            let answered = lists().into_iter().filter(|(path, answer)| stays(path) && answer.status == 200);
            answered.map(|(path, answer)| (path, answer.text())).collect()
        };
        let before = picture();
        let mut known = Vec::new();
        lists().iter().for_each(|(_, answer)| ids(&serde_json::from_slice(&answer.body).unwrap_or_default(), &mut known));
        let is_id = |id: &String| id.len() >= 24 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        known.retain(is_id);
        // What the vendor defines is the same for everybody: permissions, built-in tags and user groups.
        known.retain(|id| !id.ends_with("0000000000000000"));
        known.retain(|id| Permission::ALL.iter().all(|permission| permission.id().to_string() != *id));
        let stranger = casbah.bearer(&casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET));
        let mut common = Vec::new();
        ids(&stranger.get("/api/tags/?target=ip").ok(), &mut common);
        known.retain(|id| !common.contains(id));
        known.sort();
        known.dedup();
        assert!(known.len() > 10, "{known:?}");
        for endpoint in casbah_api::endpoints() {
            if !endpoint.path.contains("id}") || !matches!(endpoint.access, Access::AnyOf(_)) || endpoint.path.contains("{app_id}") {
                continue;
            }
            for method in endpoint.methods {
                for id in &known {
                    let path = filled(endpoint.path, id);
                    let answer = stranger.send(method, &path, &[("content-type", "application/json")], b"{\"name\":\"x\",\"category\":1,\"subnets\":[\"10.0.0.1\"]}");
                    assert!(matches!(answer.status, 400 | 404) || answer.text().contains("belong to people"), "{method} {path}: {} {}", answer.status, answer.text());
                }
            }
        }
        for endpoint in casbah_api::endpoints() {
            if endpoint.methods.contains(&"GET") && !endpoint.path.contains('{') && matches!(endpoint.access, Access::AnyOf(_)) {
                let seen = stranger.get(endpoint.path).text();
                let leaked: Vec<&String> = known.iter().filter(|id| seen.contains(id.as_str())).collect();
                assert!(leaked.is_empty(), "{}: {leaked:?}", endpoint.path);
            }
        }
        assert_eq!(picture(), before, "and nothing was changed");
    }
}
