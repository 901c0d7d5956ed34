//! The directory's tables.

use casbah_model::{
    AppRole, AppRoleAssignment, Application, ApplicationDetails, ApplicationSecret, ConsentType,
    DelegatedScope, Guid, MemberType, ObjectKind, Permission, PermissionGrant, ROLES, RedirectUri,
    RedirectUriKind, RequiredAccess, ServicePrincipal, ServicePrincipalDetails, Timestamp, User, UserDetails,
};

use super::{NOW, stores, tenant};
use crate::api_tokens::ApiToken;
use crate::{
    Condition, Error, Order, Property, Search, Store, Tx, api_tokens, app_role_assignments,
    application_secrets, applications, permission_grants, search, service_principals, tenants, users,
};

fn alice() -> User {
    User {
        id: Guid::random(),
        user_principal_name: "Alice@T1.example".into(),
        display_name: "Alice <script>".into(),
        given_name: Some("Alice".into()),
        surname: None,
        mail: None,
        enabled: true,
        password_hash: None,
        created: NOW,
        sessions_valid_from: NOW,
        details: UserDetails::default(),
    }
}

fn application(uri: &str) -> Application {
    let read = Permission::InvestigationRead;
    Application {
        id: Guid::random(),
        app_id: Guid::random(),
        display_name: "Robot".into(),
        public_client: false,
        identifier_uris: vec![uri.into()],
        redirect_uris: vec![RedirectUri {
            uri: "https://robot.example/cb".into(),
            kind: RedirectUriKind::Web,
        }],
        app_roles: vec![AppRole {
            id: read.id(),
            value: read.value().into(),
            display_name: read.title().into(),
            description: read.description().into(),
            allowed_member_types: vec![MemberType::Application],
            enabled: true,
        }],
        scopes: vec![DelegatedScope {
            id: read.id(),
            value: read.value().into(),
            display_name: read.title().into(),
            description: read.description().into(),
            admin_only: true,
            user_consent_display_name: None,
            user_consent_description: None,
            enabled: true,
        }],
        required_access: vec![RequiredAccess {
            resource_app_id: Guid::random(),
            id: read.id(),
            is_role: true,
        }],
        token_version: 2,
        created: NOW,
        details: ApplicationDetails::default(),
    }
}

fn principal_of(application: &Application) -> ServicePrincipal {
    ServicePrincipal {
        id: Guid::random(),
        app_id: application.app_id,
        display_name: application.display_name.clone(),
        enabled: true,
        created: NOW,
        details: ServicePrincipalDetails::default(),
    }
}

/// Runs a transaction that must succeed.
async fn run<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut Tx<'_>) -> crate::Result<T> + Send + 'static,
) -> T {
    store.write(work).await.expect("the transaction succeeds")
}

#[tokio::test]
async fn tenants_are_found_by_id_and_by_every_domain() {
    for store in stores().await {
        let one = tenant(&store, 10_000_001).await;
        let two = tenant(&store, 10_000_002).await;
        let (by_id, by_domain, nobody, all, taken) = run(&store, move |tx| {
            Ok((
                tenants::find(tx, one)?,
                tenants::find_by_domain(tx, "ALSO-T2.example")?,
                tenants::find_by_domain(tx, "t3.example")?,
                tenants::all(tx)?,
                tenants::has_number(tx, 10_000_001)?,
            ))
        })
        .await;
        assert_eq!(by_id.expect("exists").domains, ["t10000001.example", "also-t10000001.example"][..]);
        assert!(by_domain.is_none(), "domains carry the whole number");
        assert!(nobody.is_none());
        assert_eq!(all.len(), 2);
        assert!(taken);
        let second = run(&store, |tx| tenants::find_by_domain(tx, "ALSO-T10000002.Example")).await;
        assert_eq!(second.expect("exists").id, two);

        let thief = casbah_model::Tenant {
            id: casbah_model::TenantId(Guid::random()),
            number: 3,
            display_name: "Thief".into(),
            domains: vec!["T10000001.example".into()],
            created: NOW,
        };
        let refused = store.write(move |tx| tenants::insert(tx, &thief)).await;
        assert!(matches!(refused, Err(Error::Duplicate)), "{refused:?}");
        assert_eq!(run(&store, tenants::all).await.len(), 2, "nothing is half-written");
    }
}

#[tokio::test]
async fn users_keep_their_names_roles_and_failures() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let two = tenant(&store, 2).await;
        let user = alice();
        let id = user.id;
        let added = user.clone();
        run(&store, move |tx| users::insert(tx, one, &added)).await;

        let twin =
            User { id: Guid::random(), user_principal_name: "aLICE@t1.example".into(), ..user.clone() };
        let twin_elsewhere = twin.clone();
        let refused = store.write(move |tx| users::insert(tx, one, &twin)).await;
        assert!(matches!(refused, Err(Error::Duplicate)), "{refused:?}");
        run(&store, move |tx| users::insert(tx, two, &twin_elsewhere)).await;

        let found = run(&store, move |tx| users::find_by_name(tx, one, " alice@T1.EXAMPLE")).await;
        let mut found = found.expect("names are compared without case");
        assert_eq!((found.id, found.user_principal_name.as_str()), (id, "Alice@T1.example"));
        assert_eq!((found.given_name.as_deref(), found.surname), (Some("Alice"), None));
        assert!(run(&store, move |tx| users::find(tx, two, id)).await.is_none(), "another tenant's user");

        found.enabled = false;
        found.surname = Some("Ångström".into());
        found.password_hash = Some("$argon2id$x".into());
        let changed = User { surname: Some("Ångström".into()), ..user.clone() };
        let changed = User { enabled: false, password_hash: found.password_hash.clone(), ..changed };
        run(&store, move |tx| users::save(tx, one, &changed)).await;
        let again = run(&store, move |tx| users::find(tx, one, id)).await.expect("exists");
        assert_eq!((again.enabled, again.surname.as_deref()), (false, Some("Ångström")));

        let [admin, reader] = [ROLES[0].template, ROLES[6].template];
        let roles = run(&store, move |tx| {
            assert!(users::add_role(tx, one, id, admin, NOW)?);
            assert!(!users::add_role(tx, one, id, admin, NOW)?);
            assert!(users::add_role(tx, one, id, reader, NOW)?);
            assert!(users::remove_role(tx, one, id, reader)?);
            assert!(!users::remove_role(tx, one, id, reader)?);
            assert_eq!(users::count_enabled_with_role(tx, one, admin)?, 0, "the only one is disabled");
            users::roles(tx, one, id)
        })
        .await;
        assert_eq!(roles, [&ROLES[0]]);
    }
}

#[tokio::test]
async fn the_list_of_users_visits_each_once() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        for name in ["b@t", "A@t", "c@t", "Ö@t", "d@t"] {
            let user = User { id: Guid::random(), user_principal_name: name.into(), ..alice() };
            run(&store, move |tx| users::insert(tx, one, &user)).await;
        }
        let names = run(&store, move |tx| {
            let mut names: Vec<String> = Vec::new();
            let mut wanted = Search {
                condition: Condition::All(Vec::new()),
                order: Order { by: Property::Name, descending: false },
                after: None,
                limit: 2,
            };
            loop {
                let page = users::search(tx, one, &wanted)?;
                let Some(last) = page.last() else { return Ok(names) };
                wanted.after = Some((search::key(&last.user_principal_name), last.id));
                names.extend(page.into_iter().map(|u| u.user_principal_name));
            }
        })
        .await;
        assert_eq!(names, ["A@t", "b@t", "c@t", "d@t", "Ö@t"]);
    }
}

#[tokio::test]
async fn applications_are_found_by_each_of_their_names() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let two = tenant(&store, 2).await;
        let app = application("api://Robot");
        let (id, app_id) = (app.id, app.app_id);
        let added = app.clone();
        run(&store, move |tx| applications::insert(tx, one, &added)).await;

        let same_uri = application("API://robot");
        let elsewhere = same_uri.clone();
        let refused = store.write(move |tx| applications::insert(tx, one, &same_uri)).await;
        assert!(matches!(refused, Err(Error::Duplicate)), "{refused:?}");
        run(&store, move |tx| applications::insert(tx, two, &elsewhere)).await;

        let mut found =
            run(&store, move |tx| applications::find_by_app_id(tx, one, app_id)).await.expect("is");
        assert_eq!(found.redirect_uris, app.redirect_uris);
        assert_eq!((&found.app_roles, &found.scopes), (&app.app_roles, &app.scopes));
        assert_eq!((&found.required_access, found.token_version), (&app.required_access, 2));
        assert!(run(&store, move |tx| applications::find_by_app_id(tx, two, app_id)).await.is_none());

        found.identifier_uris = vec!["api://other".into()];
        found.public_client = true;
        run(&store, move |tx| applications::save(tx, one, &found)).await;
        let (old, new, listed) = run(&store, move |tx| {
            Ok((
                applications::find_by_identifier_uri(tx, one, "api://robot")?,
                applications::find_by_identifier_uri(tx, one, "api://OTHER")?,
                applications::list(tx, one)?,
            ))
        })
        .await;
        assert!(old.is_none());
        assert_eq!(new.expect("exists").id, id);
        assert_eq!((listed.len(), listed[0].public_client), (1, true));
    }
}

#[tokio::test]
async fn an_application_takes_everything_with_it() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let (client, resource) = (application("api://client"), application("api://resource"));
        let (client_sp, resource_sp) = (principal_of(&client), principal_of(&resource));
        let (client_id, client_sp_id, resource_sp_id) = (client.id, client_sp.id, resource_sp.id);
        let secret = ApplicationSecret {
            key_id: Guid::random(),
            application: client.id,
            display_name: "first".into(),
            hint: "abc".into(),
            digest: vec![1, 0, 255],
            starts: NOW,
            ends: Timestamp(NOW.0 + 1),
            last_used: None,
            last_address: None,
        };
        let key_id = secret.key_id;
        let assignment = AppRoleAssignment {
            id: Guid::random(),
            principal: client_sp.id,
            resource: resource_sp.id,
            app_role: Permission::InvestigationRead.id(),
            created: NOW,
            principal_kind: ObjectKind::ServicePrincipal,
            granted_by: None,
        };
        let user = Guid::random();
        let grant = |consent_type| PermissionGrant {
            id: Guid::random(),
            client: client_sp.id,
            resource: resource_sp.id,
            consent_type,
            scopes: vec!["investigation.read".into()],
            created: NOW,
            granted_by: None,
        };
        let grants = [ConsentType::AllPrincipals, ConsentType::Principal(user)].map(grant);
        let app_id = client.app_id;
        run(&store, move |tx| {
            applications::insert(tx, one, &client)?;
            applications::insert(tx, one, &resource)?;
            service_principals::insert(tx, one, &client_sp)?;
            service_principals::insert(tx, one, &resource_sp)?;
            application_secrets::insert(tx, one, &secret)?;
            application_secrets::touch(tx, one, client.id, key_id, NOW, Some("192.0.2.7"))?;
            app_role_assignments::insert(tx, one, &assignment)?;
            for grant in &grants {
                permission_grants::insert(tx, one, grant)?;
            }
            let mut wider = grants[1].clone();
            wider.scopes.push("discovery.read".into());
            permission_grants::save(tx, one, &wider)
        })
        .await;

        let (secrets, held, given, for_user, for_other, same) = run(&store, move |tx| {
            Ok((
                application_secrets::list(tx, one, client_id)?,
                app_role_assignments::of_principal(tx, one, client_sp_id)?,
                app_role_assignments::of_resource(tx, one, resource_sp_id)?,
                permission_grants::for_user(tx, one, client_sp_id, resource_sp_id, user)?,
                permission_grants::for_user(tx, one, client_sp_id, resource_sp_id, Guid::random())?,
                permission_grants::find_same(
                    tx,
                    one,
                    client_sp_id,
                    resource_sp_id,
                    ConsentType::Principal(user),
                )?,
            ))
        })
        .await;
        assert_eq!((secrets.len(), secrets[0].last_used), (1, Some(NOW)));
        assert_eq!(secrets[0].digest, [1, 0, 255]);
        assert_eq!((held.len(), given.len()), (1, 1));
        assert_eq!((for_user.len(), for_other.len()), (2, 1));
        assert_eq!(same.expect("exists").scopes, ["investigation.read", "discovery.read"]);

        let left = run(&store, move |tx| {
            assert!(applications::purge(tx, one, client_id)?);
            assert!(!applications::purge(tx, one, client_id)?);
            assert!(service_principals::find_by_app_id(tx, one, app_id)?.is_none());
            assert!(service_principals::find(tx, one, resource_sp_id)?.is_some());
            Ok((
                application_secrets::list(tx, one, client_id)?.len(),
                app_role_assignments::of_resource(tx, one, resource_sp_id)?.len(),
                permission_grants::list(tx, one)?.len(),
                applications::find_by_identifier_uri(tx, one, "api://client")?.is_none(),
            ))
        })
        .await;
        assert_eq!(left, (0, 0, 0, true));
    }
}

#[tokio::test]
async fn api_tokens_tell_their_tenant_and_can_be_revoked() {
    for store in stores().await {
        let one = tenant(&store, 1).await;
        let token = ApiToken {
            id: Guid::random(),
            name: "ci".into(),
            owner: Guid::random(),
            digest: vec![7; 32],
            created: NOW,
            last_used: None,
            revoked: None,
        };
        let id = token.id;
        run(&store, move |tx| api_tokens::insert(tx, one, &token)).await;
        run(&store, move |tx| api_tokens::touch(tx, one, id, NOW)).await;
        let (tenant, found) =
            run(&store, |tx| api_tokens::find_by_digest(tx, &[7; 32])).await.expect("exists");
        assert_eq!((tenant, found.id, found.last_used), (one, id, Some(NOW)));
        assert!(run(&store, |tx| api_tokens::find_by_digest(tx, &[8; 32])).await.is_none());
        run(&store, move |tx| {
            assert!(api_tokens::revoke(tx, one, id, NOW)?);
            assert!(!api_tokens::revoke(tx, one, id, NOW)?);
            assert!(api_tokens::list(tx, one)?.is_empty());
            assert_eq!(api_tokens::find(tx, one, id)?.expect("stays for the record").revoked, Some(NOW));
            Ok(())
        })
        .await;
    }
}
