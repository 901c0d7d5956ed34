//! The rules of the directory, on a database in memory.

use std::sync::Arc;

use casbah_authority::{Authority, Caller, Principal, SecretKind, seed};
use casbah_model::{
    Clock, ClockSetting, ConsentType, Guid, Permission, PermissionSet, RedirectUri, RedirectUriKind,
    RequiredAccess, Role, Secret, Timestamp,
};
use casbah_store::{Location, Store, audit};

use super::app_role_assignments::AssignmentSide;
use super::applications::{ApplicationChange, ApplicationKey, NewApplication};
use super::permission_grants::GrantSearch;
use super::redirect_uris;
use super::secrets::NewSecret;
use super::service_principals::ServicePrincipalChange;
use super::tenants::NewTenant;
use super::users::{NewUser, UserChange};
use crate::{Error, Service, Settings};

const NOW: Timestamp = Timestamp(1_795_435_200_000);

/// The use cases on an empty database in memory, at a fixed time.
pub(crate) async fn service() -> Service {
    let store = Store::open(&Location::Memory).await.expect("opens");
    let clock = Clock::with(ClockSetting::Frozen(NOW));
    let settings = casbah_authority::Settings {
        public_url: "https://localhost:8443".into(),
        master_key: Secret::new("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    };
    let authority = Authority::open(store.clone(), clock, settings).await.expect("opens");
    let settings = Settings {
        public_url: "https://localhost:8443".into(),
        uploads: std::env::temp_dir(),
        upload_limit: 1,
    };
    Service::new(store, Arc::new(authority), clock, settings)
}

async fn with_tenant() -> (Service, Caller) {
    let service = service().await;
    let new = NewTenant {
        display_name: "Contoso".into(),
        domains: vec!["Contoso.example".into()],
        ..NewTenant::default()
    };
    let tenant = service.create_tenant(new).await.expect("is new");
    let caller = service.system_caller(tenant.id).await.expect("exists");
    (service, caller)
}

fn alice() -> NewUser {
    NewUser {
        id: None,
        user_principal_name: "alice@contoso.example".into(),
        display_name: "Alice".into(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        password: None,
        ..NewUser::default()
    }
}

fn robot(required_access: Vec<RequiredAccess>) -> NewApplication {
    NewApplication { display_name: "Robot".into(), required_access, ..NewApplication::default() }
}

fn application_caller(caller: &Caller, permissions: &[&str]) -> Caller {
    let (app_id, id) = (Guid::random(), Guid::random());
    Caller {
        principal: Principal::Application { app_id, id, name: "Robot".into() },
        directory_permissions: permissions.iter().map(ToString::to_string).collect(),
        permissions: PermissionSet::NONE,
        ..caller.clone()
    }
}

fn user_caller(caller: &Caller, id: Guid, permissions: PermissionSet) -> Caller {
    let name = "alice@contoso.example".to_string();
    let client = Some(Guid::random());
    Caller {
        principal: Principal::User { id, name, client, administrator: false, roles: Vec::new() },
        permissions,
        ..caller.clone()
    }
}

fn disabled() -> ServicePrincipalChange {
    ServicePrincipalChange { enabled: Some(false), ..ServicePrincipalChange::default() }
}

fn every() -> GrantSearch {
    GrantSearch { limit: i64::MAX, ..GrantSearch::default() }
}

fn role(name: &str) -> &'static Role {
    Role::find(name).expect("a role")
}

#[tokio::test]
async fn a_tenant_starts_with_the_built_in_applications_and_they_cannot_be_changed() {
    let (service, caller) = with_tenant().await;
    let tenant = service.fetch_tenant(&caller).await.expect("exists");
    assert!((10_000_000..100_000_000).contains(&tenant.number));
    assert_eq!(tenant.domains, ["contoso.example"]);
    let principals = service.list_service_principals(&caller).await.expect("lists");
    let names: Vec<&str> = principals.iter().map(|p| p.principal.display_name.as_str()).collect();
    let known = [
        "Casbah CLI",
        "Casbah Portal",
        "Microsoft Azure CLI",
        "Microsoft Azure PowerShell",
        "Microsoft Cloud App Security",
        "Microsoft Graph",
        "Microsoft Graph Command Line Tools",
        "Visual Studio Code",
    ];
    assert_eq!(names, known);
    // A tenant of an earlier version gets what it lacks, with consent; one that has it all gets nothing.
    let azure =
        principals.iter().find(|p| p.principal.display_name == "Microsoft Azure CLI").expect("is there");
    let (tenant, application) = (caller.tenant, azure.application.id);
    let purge =
        move |tx: &mut casbah_store::Tx<'_>| casbah_store::applications::purge(tx, tenant, application);
    service.store().write(purge).await.expect("purges");
    for _ in 0..2 {
        service.complete_tenants().await.expect("completes");
        let principals = service.list_service_principals(&caller).await.expect("lists");
        let names: Vec<&str> = principals.iter().map(|p| p.principal.display_name.as_str()).collect();
        assert_eq!(names, known);
        let again =
            principals.iter().find(|p| p.principal.display_name == "Microsoft Azure CLI").expect("is there");
        let search = GrantSearch { client: Some(again.principal.id), ..every() };
        assert_eq!(service.search_permission_grants(&caller, search).await.expect("lists").len(), 2);
    }
    let key = ApplicationKey::AppId(seed::CLOUD_APPS);
    let refused = service.delete_application(&caller, key).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let refused = service.change_service_principal(&caller, key, disabled()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let refused = service.add_secret(&caller, key, NewSecret::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })), "a resource's secret would act as the resource");

    for domains in [vec![], vec!["common".into()], vec!["a..b".into()], vec!["contoso.example".into()]] {
        let new = NewTenant { display_name: "Other".into(), domains, ..NewTenant::default() };
        service.create_tenant(new).await.expect_err("not a usable domain");
    }
}

/// A permission that a release brings reaches the tenants that were there before, with the consent of the
/// clients that come with Casbah; what an administrator took from such a consent stays away.
#[tokio::test]
async fn new_permissions_reach_existing_tenants() {
    let (service, caller) = with_tenant().await;
    let tenant = caller.tenant;
    let cli =
        service.fetch_service_principal(&caller, ApplicationKey::AppId(seed::CLI)).await.expect("is there");
    let directory = service.fetch_service_principal(&caller, ApplicationKey::AppId(seed::DIRECTORY)).await;
    let directory = directory.expect("is there").principal.id;
    let consent = GrantSearch { client: Some(cli.principal.id), resource: Some(directory), ..every() };
    // As a version had it that knew no AuditLog.Read.All, and an administrator who wants no roles given by it.
    let (client, search) = (cli.principal.id, consent);
    let write = move |tx: &mut casbah_store::Tx<'_>| {
        use casbah_store::{applications, permission_grants};
        let mut graph = applications::find_by_app_id(tx, tenant, seed::DIRECTORY)?.expect("is there");
        graph.app_roles.retain(|role| role.value != "AuditLog.Read.All");
        let (gone, kept) = graph.scopes.into_iter().partition(|scope| scope.value == "AuditLog.Read.All");
        graph.scopes = kept;
        applications::save(tx, tenant, &graph)?;
        let gone: Vec<casbah_model::DelegatedScope> = gone;
        let mut own = applications::find_by_app_id(tx, tenant, seed::CLI)?.expect("is there");
        own.required_access.retain(|access| access.id != gone[0].id);
        applications::save(tx, tenant, &own)?;
        let mut grant = permission_grants::search(tx, tenant, &search)?.pop().expect("a consent");
        assert_eq!(grant.client, client);
        grant.scopes.retain(|s| s != "AuditLog.Read.All" && s != "RoleManagement.ReadWrite.Directory");
        permission_grants::save(tx, tenant, &grant)
    };
    service.store().write(write).await.expect("writes");
    for _ in 0..2 {
        service.complete_tenants().await.expect("completes");
        let graph = service.fetch_application(&caller, ApplicationKey::AppId(seed::DIRECTORY)).await;
        let graph = graph.expect("is there").application;
        let count = |values: Vec<&String>| values.iter().filter(|v| **v == "AuditLog.Read.All").count();
        assert_eq!(count(graph.app_roles.iter().map(|role| &role.value).collect()), 1);
        assert_eq!(count(graph.scopes.iter().map(|scope| &scope.value).collect()), 1);
        let scope = graph.scopes.iter().find(|s| s.value == "AuditLog.Read.All").expect("is there").id;
        let own =
            service.fetch_application(&caller, ApplicationKey::AppId(seed::CLI)).await.expect("is there");
        assert_eq!(own.application.required_access.iter().filter(|access| access.id == scope).count(), 1);
        let found = service.search_permission_grants(&caller, consent).await.expect("lists");
        assert_eq!(found.len(), 1);
        assert_eq!(count(found[0].scopes.iter().collect()), 1);
        assert!(!found[0].scopes.iter().any(|scope| scope == "RoleManagement.ReadWrite.Directory"));
    }
}

#[tokio::test]
async fn user_names_must_be_plain_unique_and_in_the_tenants_domain() {
    let (service, caller) = with_tenant().await;
    service.create_user(&caller, alice()).await.expect("is new");
    for name in [
        "ALICE@contoso.example",
        "alice",
        "@contoso.example",
        "bob@elsewhere.example",
        "b ob@contoso.example",
        "bob.@contoso.example",
        "аlice@contoso.example",
        "bob@contoso.example@evil",
    ] {
        let new = NewUser { user_principal_name: name.into(), ..alice() };
        service.create_user(&caller, new).await.expect_err(name);
    }
    for display_name in ["", " ", "A\u{202E}ecilA", "A\u{200B}lice", "A\nB"] {
        let new = NewUser {
            display_name: display_name.into(),
            user_principal_name: "bob@contoso.example".into(),
            ..alice()
        };
        service.create_user(&caller, new).await.expect_err(display_name);
    }
    let new = NewUser {
        user_principal_name: "bob@contoso.example".into(),
        password: Some(Secret::new("short")),
        ..alice()
    };
    assert!(service.create_user(&caller, new).await.is_err(), "the password is too short");
}

#[tokio::test]
async fn administrators_are_protected() {
    let (service, caller) = with_tenant().await;
    let user = service.create_user(&caller, alice()).await.expect("is new");
    let (key, global) = (user.id.to_string(), role("Global Administrator"));
    service.add_role(&caller, &key, global).await.expect("a role");
    let off = || UserChange { enabled: Some(false), ..UserChange::default() };
    let last = service.change_user(&caller, &key, off()).await;
    assert!(matches!(last, Err(Error::Conflict(_))), "the last administrator");
    assert!(service.remove_role(&caller, &key, global).await.is_err());

    let second = NewUser { user_principal_name: "bob@contoso.example".into(), ..alice() };
    service.create_user(&caller, second).await.expect("is new");
    service.add_role(&caller, "bob@contoso.example", global).await.expect("a role");
    let weak = application_caller(&caller, &["Directory.ReadWrite.All"]);
    let strong = application_caller(&caller, &["RoleManagement.ReadWrite.Directory"]);
    let reset = || UserChange { password: Some(Secret::new("correct horse")), ..UserChange::default() };
    let refused = service.change_user(&weak, &key, reset()).await;
    assert!(matches!(refused, Err(Error::Forbidden { needs }) if needs.contains("RoleManagement")));
    let changed = service.change_user(&strong, &key, reset()).await.expect("enough");
    assert!(changed.password_hash.is_some_and(|h| h.starts_with("$argon2id$")));
    service.change_user(&strong, &key, off()).await.expect("another one is left");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_as_a_digest() {
    let (service, caller) = with_tenant().await;
    let app = service.create_application(&caller, robot(vec![])).await.expect("is new");
    let key = ApplicationKey::Id(app.id);
    let (stored, text) = service.add_secret(&caller, key, NewSecret::default()).await.expect("a secret");
    assert!((40..=64).contains(&text.expose().len()));
    assert_eq!(&text.expose()[3..7], "8Cb~");
    assert!(text.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b)));
    assert!(text.expose().starts_with(&stored.hint) && stored.hint.len() == 3);
    assert_eq!(stored.digest, service.authority().digest(SecretKind::ClientSecret, &text));
    assert_eq!(stored.ends.0 - NOW.0, 180 * 86_400_000);

    for (starts, ends) in [
        (None, Some(Timestamp(NOW.0 - 1))),
        (None, Some(Timestamp(NOW.0 + 800 * 86_400_000))),
        (Some(Timestamp(NOW.0 + 10)), Some(Timestamp(NOW.0 + 5))),
    ] {
        let new = NewSecret { starts, ends, ..NewSecret::default() };
        service.add_secret(&caller, key, new).await.expect_err("not a usable life");
    }
    service.remove_secret(&caller, key, stored.key_id).await.expect("is there");
    service.remove_secret(&caller, key, stored.key_id).await.expect_err("is gone");
    assert!(service.list_secrets(&caller, key).await.expect("lists").is_empty());

    let tenant = caller.tenant;
    let trail = service.store().read(move |tx| audit::newest(tx, tenant, 100)).await.expect("reads");
    assert!(trail.iter().any(|r| r.action == "add secret"));
    assert!(!format!("{trail:?}").contains(text.expose()), "the trail must not hold the secret");
}

#[tokio::test]
async fn admin_consent_gives_everything_that_is_asked_for_once() {
    let (service, caller) = with_tenant().await;
    let wants = |permission: Permission, is_role| RequiredAccess {
        resource_app_id: seed::CLOUD_APPS,
        id: permission.id(),
        is_role,
    };
    let access = vec![
        wants(Permission::InvestigationRead, true),
        wants(Permission::DiscoveryManage, true),
        wants(Permission::InvestigationRead, false),
    ];
    let app = service.create_application(&caller, robot(access)).await.expect("is new");
    let key = ApplicationKey::AppId(app.app_id);
    for _ in 0..2 {
        let given = service.grant_admin_consent(&caller, key).await.expect("consents");
        assert_eq!(given[0].app_roles, ["investigation.read", "discovery.manage"]);
        assert_eq!(given[0].scopes, ["investigation.read"]);
        assert_eq!(service.list_app_roles_held(&caller, key).await.expect("lists").len(), 2);
        let grants = service.search_permission_grants(&caller, every()).await.expect("lists");
        assert_eq!(grants.iter().filter(|g| g.scopes == ["investigation.read"]).count(), 1);
    }
    let unknown = RequiredAccess { resource_app_id: Guid::random(), id: Guid::random(), is_role: true };
    let change = ApplicationChange { required_access: Some(vec![unknown]), ..ApplicationChange::default() };
    service.change_application(&caller, key, change).await.expect("may ask for anything");
    assert!(service.grant_admin_consent(&caller, key).await.is_err());
}

#[tokio::test]
async fn assignments_and_grants_name_only_what_exists() {
    let (service, caller) = with_tenant().await;
    let app = service.create_application(&caller, robot(vec![])).await.expect("is new");
    let made = service
        .create_service_principal(&caller, app.app_id, ServicePrincipalChange::default(), Vec::new())
        .await
        .expect("is new");
    let client = made.principal.id;
    assert!(
        service
            .create_service_principal(&caller, app.app_id, ServicePrincipalChange::default(), Vec::new())
            .await
            .is_err(),
        "only one"
    );
    let key = ApplicationKey::AppId(seed::CLOUD_APPS);
    let resource = service.fetch_service_principal(&caller, key).await.expect("is there").principal.id;
    let read = Permission::InvestigationRead.id();
    let assigned = service.assign_app_role(&caller, client, resource, read).await.expect("assigns");
    assert_eq!(assigned.resource_name, "Microsoft Cloud App Security");
    service.assign_app_role(&caller, client, resource, read).await.expect_err("twice");
    service.assign_app_role(&caller, client, resource, Guid::random()).await.expect_err("no such role");
    service.assign_app_role(&caller, app.id, resource, read).await.expect_err("not a service principal");
    let side = ApplicationKey::Id(client);
    service
        .remove_app_role(&caller, AssignmentSide::Holder(side), assigned.assignment.id)
        .await
        .expect("is there");
    service
        .remove_app_role(&caller, AssignmentSide::Holder(side), assigned.assignment.id)
        .await
        .expect_err("is gone");

    let everybody = ConsentType::AllPrincipals;
    let scopes = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let wrong = scopes(&["investigation.write"]);
    service
        .create_permission_grant(&caller, client, resource, everybody, wrong)
        .await
        .expect_err("no such scope");
    let asked = scopes(&["Investigation.Read", "investigation.read"]);
    let grant =
        service.create_permission_grant(&caller, client, resource, everybody, asked).await.expect("consents");
    assert_eq!(grant.scopes, ["investigation.read"], "the directory's spelling, once");
}

#[tokio::test]
async fn another_tenants_things_do_not_exist() {
    let (service, caller) = with_tenant().await;
    let app = service.create_application(&caller, robot(vec![])).await.expect("is new");
    let user = service.create_user(&caller, alice()).await.expect("is new");
    let new = NewTenant {
        display_name: "Fabrikam".into(),
        domains: vec!["fabrikam.example".into()],
        ..NewTenant::default()
    };
    let other = service.create_tenant(new).await.expect("is new");
    let stranger = service.system_caller(other.id).await.expect("exists");
    for key in [ApplicationKey::Id(app.id), ApplicationKey::AppId(app.app_id)] {
        assert!(matches!(service.fetch_application(&stranger, key).await, Err(Error::NotFound)));
        assert!(matches!(service.delete_application(&stranger, key).await, Err(Error::NotFound)));
    }
    assert!(matches!(service.fetch_user(&stranger, &user.id.to_string()).await, Err(Error::NotFound)));
    assert!(matches!(service.fetch_user(&stranger, "alice@contoso.example").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn an_api_token_is_never_more_than_its_maker() {
    let (service, system) = with_tenant().await;
    let user = service.create_user(&system, alice()).await.expect("is new");
    let caller = user_caller(&system, user.id, PermissionSet::ALL);
    let nobody = service.create_api_token(&caller, "ci").await;
    assert!(matches!(nobody, Err(Error::Forbidden { .. })), "no role, no token");
    service.add_role(&system, "alice@contoso.example", role("Security Reader")).await.expect("a role");
    let narrow = user_caller(&system, user.id, [Permission::InvestigationRead].into_iter().collect());
    let narrow = service.create_api_token(&narrow, "ci").await;
    assert!(matches!(narrow, Err(Error::Forbidden { needs }) if needs.contains("Discovery.read")));
    let by_token = Caller { legacy: true, ..caller.clone() };
    assert!(matches!(service.create_api_token(&by_token, "ci").await, Err(Error::Forbidden { .. })));

    let (made, text) = service.create_api_token(&caller, " ci ").await.expect("a token");
    assert_eq!((made.name.as_str(), made.status), ("ci", crate::api_tokens::ApiTokenStatus::Generated));
    assert!(text.expose().len() >= 64 && text.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
    let verified = service.authority().verify_api_token(&text).await.expect("is valid");
    assert!(verified.legacy && verified.permissions.contains(Permission::DiscoveryRead));

    let bob = NewUser { user_principal_name: "bob@contoso.example".into(), ..alice() };
    let bob = service.create_user(&system, bob).await.expect("is new");
    let bob = user_caller(&system, bob.id, PermissionSet::ALL);
    assert!(service.list_api_tokens(&bob).await.expect("lists").is_empty(), "others' tokens");
    assert!(matches!(service.revoke_api_token(&bob, made.id).await, Err(Error::NotFound)));
    service.add_role(&system, "bob@contoso.example", role("Security Administrator")).await.expect("a role");
    let listed = service.list_api_tokens(&bob).await.expect("lists");
    assert_eq!((listed.len(), listed[0].owner_name.as_str()), (1, "alice@contoso.example"));
    service.revoke_api_token(&bob, made.id).await.expect("full access");
    assert!(service.authority().verify_api_token(&text).await.is_err());
    assert!(service.list_api_tokens(&caller).await.expect("lists").is_empty());
}

#[test]
fn redirect_uris_that_lead_nowhere_good_cannot_be_registered() {
    use RedirectUriKind::{PublicClient, Spa, Web};
    let allowed = |uri: &str, kind| redirect_uris::check(&RedirectUri { uri: uri.into(), kind }).is_ok();
    for uri in [
        "https://app.example/cb",
        "https://app.example:8443/cb?x=1",
        "http://localhost",
        "http://127.0.0.1:3000/a",
    ] {
        for kind in [Web, Spa, PublicClient] {
            assert!(allowed(uri, kind), "{uri}");
        }
    }
    for uri in ["msal0000://auth", "urn:ietf:wg:oauth:2.0:oob", "com.example.app:/cb"] {
        assert!(allowed(uri, PublicClient) && !allowed(uri, Web), "{uri}");
    }
    for uri in [
        "",
        "app.example/cb",
        "//app.example",
        "http://app.example/cb",
        "https://",
        "https:///cb",
        "https://user@app.example/",
        "https://app.example/#x",
        "https://*.example/",
        "https://app.example/ x",
        "https://app.example\\@evil.example/",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://app.example:99999/",
        "http://localhost.evil.example/",
        "https://äpp.example/",
        "http://127.0.0.1@evil.example/",
        "java\nscript:alert(1)",
        "vbscript:x",
        "blob:https://a.example/x",
    ] {
        for kind in [Web, Spa, PublicClient] {
            assert!(!allowed(uri, kind), "{uri}");
        }
    }
    assert!(!allowed(&format!("https://app.example/{}", "a".repeat(256)), Web));
}
