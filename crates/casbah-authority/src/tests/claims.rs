//! Optional claims, app roles of people, groups, and resources of one's own.

use casbah_model::{
    AppRole, AppRoleAssignment, Application, ConsentType, DelegatedScope, Group, GroupDetails, Guid,
    MemberType, ObjectKind, ObjectRef, OptionalClaim, PermissionGrant, ServicePrincipal, TenantSettings,
};
use casbah_store::{
    app_role_assignments, applications, groups, permission_grants, service_principals, tenant_settings, users,
};
use serde_json::{Value as Json, json};

use super::world::{
    BASE, CONTOSO, DESKTOP, OTHER, SECRET, WEB, World, check_refusal, claims, object_id, principal_id, start,
    user_id,
};
use crate::{Audience, Step};

/// The application that serves as a resource here.
const API: Guid = OTHER;
const SCOPE: &str = "https://api.example/a0000000-0000-4000-8000-000000000004/.default openid";

async fn change_application(
    world: &World,
    app: Guid,
    change: impl Fn(&mut Application) + Send + Sync + 'static,
) {
    let save = world.store.write(move |tx| {
        let mut found = applications::find(tx, CONTOSO, object_id(app))?.expect("is there");
        change(&mut found);
        applications::save(tx, CONTOSO, &found)
    });
    save.await.expect("is saved");
}

async fn change_principal(
    world: &World,
    app: Guid,
    change: impl Fn(&mut ServicePrincipal) + Send + Sync + 'static,
) {
    let save = world.store.write(move |tx| {
        let mut found = service_principals::find(tx, CONTOSO, principal_id(app))?.expect("is there");
        change(&mut found);
        service_principals::save(tx, CONTOSO, &found)
    });
    save.await.expect("is saved");
}

fn role(id: u128, value: &str, of: MemberType) -> AppRole {
    AppRole {
        id: Guid::from_u128(id),
        value: value.to_string(),
        display_name: value.to_string(),
        description: value.to_string(),
        allowed_member_types: vec![of],
        enabled: true,
    }
}

/// An API of the tenant's own with roles for people and applications, one scope, and consent for the
/// desktop application.
async fn world() -> World {
    let world = World::new().await;
    change_application(&world, API, |api| {
        api.app_roles = vec![
            role(1, "Orders.Approve", MemberType::User),
            role(2, "Orders.Admin", MemberType::User),
            role(3, "Orders.Sync", MemberType::Application),
        ];
        api.scopes = vec![DelegatedScope {
            id: Guid::from_u128(4),
            value: "Orders.Read".to_string(),
            display_name: "Read orders".to_string(),
            description: "Read orders".to_string(),
            admin_only: false,
            user_consent_display_name: None,
            user_consent_description: None,
            enabled: true,
        }];
    })
    .await;
    let consent = world.store.write(|tx| {
        let grant = PermissionGrant {
            id: Guid::from_u128(5),
            client: principal_id(DESKTOP),
            resource: principal_id(API),
            consent_type: ConsentType::AllPrincipals,
            scopes: vec!["orders.read".to_string()],
            created: start(),
            granted_by: None,
        };
        permission_grants::insert(tx, CONTOSO, &grant)
    });
    consent.await.expect("is inserted");
    world
}

async fn assign(world: &World, principal: Guid, principal_kind: ObjectKind, app: Guid, app_role: u128) {
    let assignment = AppRoleAssignment {
        id: Guid::random(),
        principal,
        principal_kind,
        resource: principal_id(app),
        app_role: Guid::from_u128(app_role),
        created: start(),
        granted_by: None,
    };
    let insert = world.store.write(move |tx| app_role_assignments::insert(tx, CONTOSO, &assignment));
    insert.await.expect("is inserted");
}

fn group_id(number: u128) -> Guid {
    Guid::from_u128(0xd000_0000_0000_4000_8000_0000_0000_0000 + number)
}

/// A group with members.
async fn group(world: &World, number: u128, security: bool, members: &[(Guid, ObjectKind)]) -> Guid {
    let members = members.to_vec();
    let details = GroupDetails { security_enabled: security, ..GroupDetails::default() };
    let group =
        Group { id: group_id(number), display_name: format!("Group {number}"), details, created: start() };
    let id = group.id;
    let insert = world.store.write(move |tx| {
        groups::insert(tx, CONTOSO, &group)?;
        for (id, kind) in &members {
            groups::add_member(tx, CONTOSO, group.id, ObjectRef { id: *id, kind: *kind })?;
        }
        Ok::<_, casbah_store::Error>(())
    });
    insert.await.expect("is inserted");
    id
}

/// The claims of Bob's access token for the API.
async fn bob(world: &World) -> Json {
    claims(&world.password("bob", SCOPE).await["access_token"])
}

fn optional(name: &str, properties: &[&str]) -> OptionalClaim {
    OptionalClaim {
        name: name.to_string(),
        additional_properties: properties.iter().map(ToString::to_string).collect(),
        ..OptionalClaim::default()
    }
}

#[tokio::test]
async fn a_resource_of_ones_own_gets_its_audience_and_nothing_of_others() {
    let world = world().await;
    let of_v2 = bob(&world).await;
    assert_eq!((&of_v2["aud"], &of_v2["ver"]), (&json!(API), &json!("2.0")));
    assert_eq!(of_v2["iss"], format!("{BASE}/{CONTOSO}/v2.0"));
    assert_eq!(of_v2["scp"], "Orders.Read");
    assert_eq!(of_v2["preferred_username"], "bob@contoso.example");
    assert!(of_v2.get("roles").is_none() && of_v2.get("upn").is_none() && of_v2.get("wids").is_none());
    // Cloud Apps does not accept it.
    let token = world.password("bob", SCOPE).await["access_token"].as_str().expect("text").to_string();
    for audience in [Audience::CloudApps, Audience::Directory] {
        assert!(world.authority.verify_access_token(&token, audience).await.is_err());
    }
    // Version 1: as asked, in each spelling.
    change_application(&world, API, |api| api.token_version = 1).await;
    for spelling in [API.to_string(), format!("api://{API}"), format!("https://api.example/{API}")] {
        let answer = world.password("bob", &format!("{spelling}/Orders.Read")).await;
        let of_v1 = claims(&answer["access_token"]);
        assert_eq!((&of_v1["aud"], &of_v1["ver"]), (&json!(spelling), &json!("1.0")));
        assert_eq!(
            (&of_v1["upn"], &of_v1["amr"], &of_v1["acr"]),
            (&json!("bob@contoso.example"), &json!(["pwd"]), &json!("1"))
        );
    }
    change_application(&world, API, |api| {
        api.details.optional_claims.access_token = vec![optional("aud", &["use_guid"])];
    })
    .await;
    assert_eq!(bob(&world).await["aud"], json!(API));
}

#[tokio::test]
async fn people_have_app_roles_directly_and_through_groups_but_not_through_groups_in_groups() {
    let world = world().await;
    assign(&world, user_id("bob"), ObjectKind::User, API, 1).await;
    assert_eq!(bob(&world).await["roles"], json!(["Orders.Approve"]));
    let team = group(&world, 1, true, &[(user_id("bob"), ObjectKind::User)]).await;
    assign(&world, team, ObjectKind::Group, API, 2).await;
    assert_eq!(bob(&world).await["roles"], json!(["Orders.Approve", "Orders.Admin"]));
    // Carol is in no group; Alice only in a group inside one.
    let carol = claims(&world.password("carol", SCOPE).await["access_token"]);
    assert!(carol.get("roles").is_none());
    let outer = group(&world, 2, true, &[(team, ObjectKind::Group)]).await;
    world.sql("delete from app_role_assignments where principal_kind = 'Group'").await;
    assign(&world, outer, ObjectKind::Group, API, 2).await;
    assert_eq!(bob(&world).await["roles"], json!(["Orders.Approve"]));
    // A role that was disabled stands in no token, nor does a scope.
    change_application(&world, API, |api| api.app_roles[0].enabled = false).await;
    assert!(bob(&world).await.get("roles").is_none());
    change_application(&world, API, |api| api.scopes[0].enabled = false).await;
    let (id, asked) = (DESKTOP.to_string(), format!("{API}/Orders.Read"));
    let fields = [
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", "bob@contoso.example"),
        ("password", super::world::PASSWORD),
        ("scope", asked.as_str()),
    ];
    world.refused(crate::Endpoint::V2, &fields, 70011, "invalid_scope").await;
}

#[tokio::test]
async fn the_id_token_has_the_roles_of_the_client() {
    let world = world().await;
    change_application(&world, DESKTOP, |app| {
        app.app_roles = vec![role(9, "Reviewer", MemberType::User)];
    })
    .await;
    assign(&world, user_id("bob"), ObjectKind::User, DESKTOP, 9).await;
    let answer = world.password("bob", SCOPE).await;
    assert_eq!(claims(&answer["id_token"])["roles"], json!(["Reviewer"]));
    assert!(claims(&answer["access_token"]).get("roles").is_none());
}

#[tokio::test]
async fn applications_have_only_the_roles_meant_for_them() {
    let world = world().await;
    for app_role in [1, 3] {
        assign(&world, principal_id(WEB), ObjectKind::ServicePrincipal, API, app_role).await;
    }
    let (id, scope) = (WEB.to_string(), format!("{API}/.default"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("scope", scope.as_str()),
    ];
    let app_only = claims(&world.v2(&fields).await.expect("answers")["access_token"]);
    assert_eq!(app_only["roles"], json!(["Orders.Sync"]));
    assert_eq!(
        (&app_only["aud"], &app_only["azp"], &app_only["azpacr"]),
        (&json!(API), &json!(WEB), &json!("1"))
    );
    change_application(&world, API, |api| api.app_roles[2].enabled = false).await;
    let app_only = claims(&world.v2(&fields).await.expect("answers")["access_token"]);
    assert!(app_only.get("roles").is_none());
}

#[tokio::test]
async fn where_assignment_is_required_who_is_not_assigned_is_refused() {
    let world = world().await;
    change_principal(&world, API, |p| p.details.app_role_assignment_required = true).await;
    let (id, scope) = (WEB.to_string(), format!("{API}/.default"));
    let app_only = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("scope", scope.as_str()),
    ];
    world.refused(crate::Endpoint::V2, &app_only, 501_051, "invalid_grant").await;
    assign(&world, principal_id(WEB), ObjectKind::ServicePrincipal, API, 3).await;
    world.v2(&app_only).await.expect("answers");

    let desktop = DESKTOP.to_string();
    let for_bob = |scope: &'static str| {
        [
            ("grant_type", "password"),
            ("client_id", desktop.as_str()),
            ("username", "bob@contoso.example"),
            ("password", super::world::PASSWORD),
            ("scope", scope),
        ]
    };
    world.refused(crate::Endpoint::V2, &for_bob(SCOPE), 50105, "invalid_grant").await;
    // The default role counts as well: assigned is assigned.
    assign(&world, user_id("bob"), ObjectKind::User, API, 0).await;
    world.v2(&for_bob(SCOPE)).await.expect("answers");

    // The same for signing in to a client, and for what was issued before.
    let cloud_apps = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default offline_access";
    let before = world.v2(&for_bob(cloud_apps)).await.expect("answers");
    let token = before["access_token"].as_str().expect("text");
    assert!(world.authority.verify_access_token(token, Audience::CloudApps).await.is_ok());
    change_principal(&world, DESKTOP, |p| p.details.app_role_assignment_required = true).await;
    assert!(world.authority.verify_access_token(token, Audience::CloudApps).await.is_err());
    world.refused(crate::Endpoint::V2, &for_bob(cloud_apps), 50105, "invalid_grant").await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", desktop.as_str()),
        ("refresh_token", before["refresh_token"].as_str().expect("text")),
    ];
    world.refused(crate::Endpoint::V2, &refresh, 50105, "invalid_grant").await;
    // At the authorize endpoint the person learns it, on a page.
    let session = world.sign_in("bob").await;
    let fields = [
        ("client_id", desktop.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read"),
    ];
    let page = world.authority.authorize(world.authorize_request(&fields, Some(&session))).await;
    check_refusal(&page.expect_err("is a page"), 50105, "invalid_grant");
    // Through a group, too.
    let team = group(&world, 1, false, &[(user_id("bob"), ObjectKind::User)]).await;
    assign(&world, team, ObjectKind::Group, DESKTOP, 0).await;
    world.v2(&for_bob(cloud_apps)).await.expect("answers");
    assert!(world.authority.verify_access_token(token, Audience::CloudApps).await.is_ok());
}

#[tokio::test]
async fn groups_come_as_the_application_wants_them() {
    let world = world().await;
    let bob_himself = (user_id("bob"), ObjectKind::User);
    let inner = group(&world, 1, true, &[bob_himself]).await;
    let outer = group(&world, 2, true, &[(inner, ObjectKind::Group)]).await;
    let list = group(&world, 3, false, &[bob_himself]).await;
    group(&world, 4, true, &[(user_id("carol"), ObjectKind::User)]).await;
    assert!(bob(&world).await.get("groups").is_none());
    let wants = async |words: &'static str| {
        change_application(&world, API, move |api| {
            api.details.group_membership_claims = Some(words.to_string());
        })
        .await;
        bob(&world).await
    };
    assert!(wants("None").await.get("groups").is_none());
    assert_eq!(wants("SecurityGroup").await["groups"], json!([inner, outer]));
    assert_eq!(wants("All").await["groups"], json!([inner, outer, list]));
    let security_reader = "5d6b6bb7-de71-4623-b4af-96380a352509";
    assert_eq!(wants("All").await["wids"], json!([security_reader]));
    let roles_only = wants("DirectoryRole").await;
    assert!(roles_only.get("groups").is_none() && roles_only["wids"] == json!([security_reader]));
    assert!(wants("ApplicationGroup").await.get("groups").is_none());
    assign(&world, list, ObjectKind::Group, API, 1).await;
    assert_eq!(wants("ApplicationGroup").await["groups"], json!([list]));
    assert_eq!(wants("SecurityGroup, ApplicationGroup").await["groups"], json!([inner, outer, list]));

    // Names instead of ids, and in place of the roles.
    change_application(&world, API, |api| {
        api.details.optional_claims.access_token = vec![optional("groups", &["cloud_displayname"])];
    })
    .await;
    assert_eq!(wants("SecurityGroup").await["groups"], json!(["Group 1", "Group 2"]));
    assert_eq!(bob(&world).await["roles"], json!(["Orders.Approve"]));
    change_application(&world, API, |api| {
        api.details.optional_claims.access_token = vec![optional("groups", &["emit_as_roles"])];
    })
    .await;
    let as_roles = bob(&world).await;
    assert!(as_roles["roles"] == json!([inner, outer]) && as_roles.get("groups").is_none());
    // The client decides about its ID token.
    let answer = world.password("bob", SCOPE).await;
    assert!(claims(&answer["id_token"]).get("groups").is_none());
}

#[tokio::test]
async fn more_groups_than_fit_are_named_as_a_distributed_claim() {
    let world = world().await;
    change_application(&world, API, |api| {
        api.details.group_membership_claims = Some("SecurityGroup".to_string());
    })
    .await;
    for number in 0..200 {
        group(&world, number, true, &[(user_id("bob"), ObjectKind::User)]).await;
    }
    assert_eq!(bob(&world).await["groups"].as_array().map(Vec::len), Some(200));
    group(&world, 200, true, &[(user_id("bob"), ObjectKind::User)]).await;
    let many = bob(&world).await;
    assert!(many.get("groups").is_none());
    let source = many["_claim_names"]["groups"].as_str().expect("a source");
    let endpoint = format!("{BASE}/v1.0/users/{}/getMemberObjects", user_id("bob"));
    assert_eq!(many["_claim_sources"][source]["endpoint"], endpoint);
}

#[tokio::test]
async fn every_optional_claim_that_casbah_knows_appears_when_it_is_wanted() {
    let world = world().await;
    let changes = world.store.write(|tx| {
        let mut bob = users::find(tx, CONTOSO, user_id("bob"))?.expect("is there");
        bob.surname = Some("Berg".to_string());
        bob.mail = Some("Bob@Contoso.example".to_string());
        bob.details.guest = true;
        users::save(tx, CONTOSO, &bob)?;
        let mut settings = TenantSettings { country: Some("NO".to_string()), ..TenantSettings::default() };
        settings.sign_in.password_max_age_days = Some(10);
        tenant_settings::save(tx, CONTOSO, &settings)
    });
    changes.await.expect("is saved");
    let names = [
        "acct",
        "amr",
        "auth_time",
        "email",
        "family_name",
        "given_name",
        "idtyp",
        "login_hint",
        "pwd_exp",
        "tenant_ctry",
        "upn",
        "verified_primary_email",
        "xms_edov",
        "ctry",
        "vnet",
    ];
    let before = bob(&world).await;
    for app in [API, DESKTOP] {
        change_application(&world, app, move |application| {
            let list: Vec<_> = names.iter().map(|name| optional(name, &[])).collect();
            application.details.optional_claims.access_token = list.clone();
            application.details.optional_claims.id_token = list;
        })
        .await;
    }
    let answer = world.password("bob", SCOPE).await;
    for token in ["access_token", "id_token"] {
        let claims = claims(&answer[token]);
        assert_eq!(claims["acct"], 1, "{token}");
        assert_eq!(claims["amr"], json!(["pwd"]));
        assert_eq!(claims["auth_time"], start().seconds());
        assert_eq!(claims["email"], "Bob@Contoso.example");
        assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!("bob"), &json!("Berg")));
        // Made an hour ago, so ten days less that hour are left.
        assert_eq!(claims["pwd_exp"], (10 * 86_400 - 3600).to_string());
        assert_eq!(claims["tenant_ctry"], "NO");
        assert_eq!(claims["upn"], "bob@contoso.example");
        assert_eq!(claims["verified_primary_email"], json!(["Bob@Contoso.example"]));
        assert_eq!(claims["xms_edov"], true);
        assert!(claims.get("ctry").is_none() && claims.get("vnet").is_none());
        let hint = claims["login_hint"].as_str().expect("a hint");
        assert_eq!(world.authority.account_of_hint(hint), Some((CONTOSO, user_id("bob"))));
        assert!(!hint.contains("bob"));
    }
    for name in names.into_iter().filter(|name| !matches!(*name, "idtyp")) {
        assert!(before.get(name).is_none(), "{name}");
    }
    // An address elsewhere is nobody's proof.
    world.sql("update users set mail = 'bob@mail.example'").await;
    let elsewhere = bob(&world).await;
    assert!(elsewhere.get("verified_primary_email").is_none() && elsewhere["xms_edov"] == false);
}

#[tokio::test]
async fn the_login_hint_leads_to_the_account_and_cannot_be_made_up() {
    let world = World::with_two_tenants().await;
    change_application(&world, DESKTOP, |app| {
        app.details.optional_claims.id_token = vec![optional("login_hint", &[])];
    })
    .await;
    let answer = world.password("bob", "openid").await;
    let hint = claims(&answer["id_token"])["login_hint"].as_str().expect("a hint").to_string();
    let desktop = DESKTOP.to_string();
    let shown = async |hint: &str| {
        let fields = [
            ("client_id", desktop.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost"),
            ("scope", "openid"),
            ("login_hint", hint),
        ];
        let mut request = world.authorize_request(&fields, None);
        request.tenant = "common".to_string();
        match world.authority.authorize(request).await {
            Ok(Step::SignIn(prompt)) => (prompt.login_hint, prompt.tenant_name),
            other => panic!("no sign-in but {other:?}"),
        }
    };
    let of_bob = (Some("bob@contoso.example".to_string()), Some("contoso.example".to_string()));
    assert_eq!(shown(&hint).await, of_bob);
    // Another id with the same proof, and plain rubbish, name nobody.
    let mut forged = hint.clone().into_bytes();
    forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("text");
    assert_eq!(shown(&forged).await, (None, None));
    assert_eq!(shown("O.rubbish").await, (None, None));
    // A session of somebody else does not answer it.
    let session = world.sign_in("alice").await;
    let fields = [
        ("client_id", desktop.as_str()),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", "openid"),
        ("login_hint", hint.as_str()),
    ];
    let request = world.authorize_request(&fields, Some(&session));
    assert!(matches!(world.authority.authorize(request).await, Ok(Step::SignIn(_))));
}

#[test]
fn optional_claims_that_do_not_exist_are_named() {
    use casbah_model::OptionalClaims;
    let check = |claim: OptionalClaim| {
        crate::check_optional_claims(&OptionalClaims { id_token: vec![claim], ..OptionalClaims::default() })
    };
    for good in [
        optional("email", &[]),
        optional("vnet", &[]),
        optional("groups", &["sam_account_name", "emit_as_roles"]),
        optional("extension_ab603c56068041afb2f6832e2a17e237_skypeId", &[]),
        OptionalClaim { source: Some("user".to_string()), ..optional("anything", &[]) },
    ] {
        assert_eq!(check(good.clone()), Ok(()), "{good:?}");
    }
    let named = check(optional("e_mail", &[])).expect_err("is refused");
    assert!(named.contains("e_mail") && named.contains("idToken"), "{named}");
    let named = check(optional("upn", &["use_guid"])).expect_err("is refused");
    assert!(named.contains("use_guid"), "{named}");
}
