//! An API that calls the next one for the user who called it.

use casbah_model::{Application, DelegatedScope, Guid, PreAuthorizedApplication};
use casbah_store::applications;
use serde_json::Value as Json;

use super::world::{CONTOSO, DESKTOP, OTHER, PASSWORD, SECRET, WEB, World, check_refusal, claims};
use crate::{Audience, Endpoint, OAuthError, Refusal};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const V2: Endpoint = Endpoint::V2;

async fn edit(world: &World, app: Guid, change: fn(&mut Application)) {
    world
        .store
        .write(move |tx| {
            let mut application = applications::find_by_app_id(tx, CONTOSO, app)?.expect("is there");
            change(&mut application);
            applications::save(tx, CONTOSO, &application)
        })
        .await
        .expect("saves");
}

/// The web application becomes an API with one scope, which it lets the desktop application use.
async fn world() -> World {
    let world = World::new().await;
    edit(&world, WEB, |api| {
        api.scopes = vec![DelegatedScope {
            id: Guid::from_u128(0x5c0be),
            value: "Tasks.Read".to_string(),
            display_name: "Read tasks".to_string(),
            description: "Read tasks.".to_string(),
            admin_only: false,
            user_consent_display_name: None,
            user_consent_description: None,
            enabled: true,
        }];
        let id = api.scopes[0].id;
        api.details.pre_authorized =
            vec![PreAuthorizedApplication { app_id: DESKTOP, delegated_permission_ids: vec![id] }];
    })
    .await;
    world
}

/// A token of the desktop application, for the user and the scope.
async fn token(world: &World, user: &str, scope: &str) -> Json {
    world.password(user, scope).await
}

fn api_scope() -> String {
    format!("https://api.example/{WEB}/Tasks.Read")
}

async fn on_behalf_of(world: &World, assertion: &str, changes: &[(&str, &str)]) -> Result<Json, OAuthError> {
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default offline_access openid"));
    let usual = [
        ("grant_type", GRANT),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &scope),
    ];
    let mut fields: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| !changes.iter().any(|(n, _)| n == name)).collect();
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    world.v2(&fields).await
}

fn text<'a>(answer: &'a Json, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}"))
}

#[tokio::test]
async fn an_api_calls_the_next_one_for_its_caller() {
    let world = world().await;
    let first = token(&world, "bob", &api_scope()).await;
    assert_eq!(claims(&first["access_token"])["scp"], "Tasks.Read");
    let answer = on_behalf_of(&world, text(&first, "access_token"), &[]).await.expect("answers");
    let next = claims(&answer["access_token"]);
    assert_eq!((&next["aud"], &next["appid"]), (&Json::from(RES), &Json::from(WEB.to_string())));
    assert_eq!(next["oid"], claims(&first["access_token"])["oid"]);
    assert!(answer["id_token"].is_string());
    let caller = world.authority.verify_access_token(text(&answer, "access_token"), Audience::CloudApps);
    assert_eq!(caller.await.expect("is good").name(), "bob@contoso.example");

    // The refresh token of the API gives it newer ones; another exchange joins the same family.
    let (id, refresh) = (WEB.to_string(), text(&answer, "refresh_token").to_string());
    let again = on_behalf_of(&world, text(&first, "access_token"), &[]).await.expect("answers");
    assert_eq!(claims(&again["access_token"])["rh"], next["rh"]);
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("refresh_token", &refresh),
    ];
    let answer = world.v2(&fields).await.expect("refreshes");

    // And when the user's sign-in to the first application ends, so does everything behind it.
    world.sql("update users set enabled = 1").await;
    let family: Guid = claims(&first["access_token"])["rh"].as_str().expect("text").parse().expect("an id");
    let now = super::world::start();
    let revoke =
        move |tx: &mut casbah_store::Tx<'_>| casbah_store::token_families::revoke(tx, CONTOSO, family, now);
    assert!(world.store.write(revoke).await.expect("revokes"));
    let refusal =
        world.authority.verify_access_token(text(&answer, "access_token"), Audience::CloudApps).await;
    assert!(matches!(refusal, Err(Refusal::Revoked)), "{refusal:?}");
    let refusal = on_behalf_of(&world, text(&first, "access_token"), &[]).await.expect_err("revoked");
    check_refusal(&refusal, 50_173, "invalid_grant");
}

#[tokio::test]
async fn both_versions_and_every_name_of_the_api() {
    let world = world().await;
    for scope in [format!("{WEB}/.default"), format!("api://{WEB}/Tasks.Read"), api_scope()] {
        let first = token(&world, "bob", &scope).await;
        on_behalf_of(&world, text(&first, "access_token"), &[])
            .await
            .unwrap_or_else(|e| panic!("{scope}: {e}"));
    }
    let first = token(&world, "bob", &api_scope()).await;
    let id = WEB.to_string();
    let fields = [
        ("grant_type", GRANT),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("assertion", text(&first, "access_token")),
        ("requested_token_use", "on_behalf_of"),
        ("resource", RES),
    ];
    let answer = world.v1(&fields).await.expect("answers");
    assert!(answer["expires_in"].is_string() && answer["refresh_token"].is_string());
    let common = world.token_at("common", V2, &fields[..5], None, None).await;
    assert_eq!(common.expect_err("no scope").code.number, 900_144);
}

#[tokio::test]
async fn only_a_users_token_for_the_api_is_an_assertion() {
    let world = world().await;
    let first = token(&world, "bob", &format!("{} openid", api_scope())).await;
    let good = text(&first, "access_token");
    let elsewhere = token(&world, "bob", &format!("{RES}/.default")).await;
    let web = WEB.to_string();
    let scope = format!("https://api.example/{WEB}/.default");
    let app_only = [
        ("grant_type", "client_credentials"),
        ("client_id", web.as_str()),
        ("client_secret", SECRET),
        ("scope", &scope),
    ];
    let app_only = world.v2(&app_only).await.expect("answers");
    let (message, _) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{message}.{}", "A".repeat(342));
    let cases = [
        ("nonsense", "nonsense", 50_013),
        ("a wrong signature", &forged, 50_013),
        ("an ID token", text(&first, "id_token"), 240_002),
        ("an application's token", text(&app_only, "access_token"), 50_013),
        ("a token for another API", text(&elsewhere, "access_token"), 500_131),
    ];
    for (what, assertion, number) in cases {
        let refusal = on_behalf_of(&world, assertion, &[]).await.expect_err(what);
        check_refusal(&refusal, number, "invalid_grant");
    }
    let late = world.later(3600).await;
    let refusal = on_behalf_of(&late, good, &[]).await.expect_err("is over");
    check_refusal(&refusal, 500_133, "invalid_grant");

    let other = OTHER.to_string();
    for (changes, number, error) in [
        (vec![("assertion", "")], 900_144, "invalid_request"),
        (vec![("requested_token_use", "")], 900_144, "invalid_request"),
        (vec![("requested_token_use", "other")], 90_013, "invalid_request"),
        (vec![("client_secret", "")], 7_000_218, "invalid_client"),
        (vec![("client_secret", "wrong")], 7_000_215, "invalid_client"),
        (vec![("client_id", other.as_str())], 500_131, "invalid_grant"),
        (vec![("scope", "")], 900_144, "invalid_request"),
        (vec![("scope", "https://nowhere.example/.default")], 500_011, "invalid_resource"),
        (vec![("scope", "User.Read")], 65_001, "invalid_grant"),
    ] {
        let refusal = on_behalf_of(&world, good, &changes).await.expect_err("is refused");
        check_refusal(&refusal, number, error);
        assert_eq!(refusal.suberror, (number == 65_001).then_some("consent_required"), "{refusal}");
    }
    let origin = Some("https://spa.example");
    let fields = [("grant_type", GRANT), ("client_id", web.as_str()), ("client_secret", SECRET)];
    let refusal = world.token_at("common", V2, &fields, None, origin).await.expect_err("is refused");
    check_refusal(&refusal, 9_002_326, "invalid_request");
    world.sql("update users set enabled = 0").await;
    let refusal = on_behalf_of(&world, good, &[]).await.expect_err("is disabled");
    check_refusal(&refusal, 50_057, "invalid_grant");
}

/// What a resource gives to a client without consent is that scope for that client, and no more.
#[tokio::test]
async fn a_resource_may_trust_a_client() {
    let world = world().await;
    let scope = api_scope();
    let other = crate::tests::world::SPA;
    world.sql("update applications set public_client = 1 where app_id like 'a0000000%0002'").await;
    let ask = |app: Guid, scope: String| {
        let world = &world;
        async move {
            let id = app.to_string();
            let fields = [
                ("grant_type", "password"),
                ("client_id", id.as_str()),
                ("username", "bob@contoso.example"),
                ("password", PASSWORD),
                ("scope", &scope),
            ];
            world
                .v2(&fields)
                .await
                .map_err(|e| e.code.number)
                .map(|a| claims(&a["access_token"])["scp"].clone())
        }
    };
    assert_eq!(ask(DESKTOP, scope.clone()).await, Ok(Json::from("Tasks.Read")));
    assert_eq!(ask(DESKTOP, format!("{WEB}/.default")).await, Ok(Json::from("Tasks.Read")));
    assert_eq!(ask(other, scope.clone()).await, Err(65_001));
    edit(&world, WEB, |api| api.details.pre_authorized.clear()).await;
    assert_eq!(ask(DESKTOP, scope).await, Err(65_001));
}
