use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Clock, Guid, Permission, Secret};
use casbah_store::api_tokens::{self, ApiToken};
use casbah_store::{Location, Store};
use serde_json::{Value as Json, json};

use super::world::{BASE, CONTOSO, FABRIKAM, WEB, World, claims, part, start, user_id};
use crate::{Audience, Authority, Presented, Principal, Refusal, SecretKind, Settings, jwt};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";

fn text(answer: &Json, name: &str) -> String {
    answer[name].as_str().expect("text").to_string()
}

async fn signed(world: &World, version: u8, claims: &Json) -> String {
    let key = world.authority.signing_key(start()).await.expect("a key");
    jwt::encode(&key, version, &claims.to_string()).expect("signs")
}

async fn refusal(world: &World, token: &str) -> String {
    match world.authority.verify_access_token(token, Audience::CloudApps).await {
        Ok(caller) => panic!("accepted as {caller:?}"),
        Err(refusal) => format!("{refusal:?}"),
    }
}

#[tokio::test]
async fn an_application_has_the_roles_that_it_still_holds() {
    let world = World::new().await;
    let token = text(&world.app_only().await, "access_token");
    let verify = || world.authority.verify_access_token(&token, Audience::CloudApps);
    let caller = verify().await.expect("accepted");
    assert_eq!((caller.tenant, caller.tenant_number, caller.legacy), (CONTOSO, 10_000_001, false));
    assert!(matches!(caller.principal, Principal::Application { app_id, .. } if app_id == WEB));
    let held: Vec<Permission> = caller.permissions.iter().collect();
    assert_eq!(held, [Permission::InvestigationRead, Permission::DiscoveryRead, Permission::DiscoveryManage]);
    world.assign(CONTOSO, WEB, Permission::SettingsManage).await;
    let later = verify().await.expect("accepted");
    assert_eq!(later.permissions, caller.permissions, "a token gains nothing");
    world.sql("delete from app_role_assignments where app_role like 'f6e78c1a%'").await;
    let held: Vec<Permission> = verify().await.expect("accepted").permissions.iter().collect();
    assert_eq!(held, [Permission::InvestigationRead]);
    world.sql("update service_principals set enabled = 0 where app_id like 'a0000000%'").await;
    assert!(matches!(verify().await, Err(Refusal::Disabled)));
}

#[tokio::test]
async fn a_user_has_what_was_delegated_and_the_role_allows() {
    let world = World::new().await;
    let scope = format!("{RES}/.default");
    for (name, expected) in [
        ("alice", vec![Permission::InvestigationRead, Permission::InvestigationManage]),
        ("bob", vec![Permission::InvestigationRead]),
        ("carol", vec![]),
    ] {
        let token = text(&world.password(name, &scope).await, "access_token");
        let caller =
            world.authority.verify_access_token(&token, Audience::CloudApps).await.expect("accepted");
        assert_eq!(caller.permissions.iter().collect::<Vec<_>>(), expected, "{name}");
        let Principal::User { administrator, client, .. } = caller.principal else { panic!("no user") };
        assert_eq!((administrator, client), (name == "alice", Some(super::world::DESKTOP)));
    }
    let token = text(&world.password("alice", &scope).await, "access_token");
    let verify = || world.authority.verify_access_token(&token, Audience::CloudApps);
    world.sql("delete from user_roles").await;
    assert_eq!(verify().await.expect("accepted").permissions.iter().count(), 0);
    world.sql("update users set sessions_valid_from = sessions_valid_from + 3600001").await;
    assert!(matches!(verify().await, Err(Refusal::Revoked)));
    world.sql("update users set enabled = 0, sessions_valid_from = 0").await;
    assert!(matches!(verify().await, Err(Refusal::Disabled)));
}

#[tokio::test]
async fn directory_tokens_carry_directory_permissions() {
    let world = World::new().await;
    let id = crate::seed::CLI.to_string();
    for scope in ["https://graph.microsoft.com/.default", "https://localhost:8443//.default", "User.Read"] {
        let answer = world
            .v2(&[
                ("grant_type", "password"),
                ("client_id", &id),
                ("username", "alice@contoso.example"),
                ("password", super::world::PASSWORD),
                ("scope", scope),
            ])
            .await
            .expect("answers");
        let token = text(&answer, "access_token");
        let caller =
            world.authority.verify_access_token(&token, Audience::Directory).await.expect("accepted");
        assert!(caller.directory_permissions.contains(&"Application.ReadWrite.All".to_string()), "{scope}");
        assert!(matches!(
            world.authority.verify_access_token(&token, Audience::CloudApps).await,
            Err(Refusal::WrongAudience)
        ));
        let info = world.authority.user_info(&Presented::bearer(&token)).await.expect("answers");
        assert_eq!(info["name"], "ALICE");
    }
    let answer = world.password("bob", "openid email").await;
    let info =
        world.authority.user_info(&Presented::bearer(&text(&answer, "access_token"))).await.expect("answers");
    assert_eq!(info["sub"], claims(&answer["id_token"])["sub"]);
    assert_eq!(info["email"], "bob@mail.example");
    assert!(
        world
            .authority
            .user_info(&Presented::bearer(&text(&world.app_only().await, "access_token")))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = World::with_two_tenants().await;
    let answer = world.app_only().await;
    let token = text(&answer, "access_token");
    let good = claims(&answer["access_token"]);
    let header = part(&answer["access_token"], 0);
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let with_header = |change: Json| {
        let mut header = header.clone();
        for (name, value) in change.as_object().expect("an object") {
            header[name] = value.clone();
        }
        format!("{}.{}.{}", encode(&header), parts[1], parts[2])
    };

    // The algorithm.
    for alg in ["none", "None", "NONE", "HS256", "RS384", "PS256", "ES256", ""] {
        assert_eq!(refusal(&world, &with_header(json!({ "alg": alg }))).await, "Malformed", "{alg}");
    }
    assert_eq!(
        refusal(&world, &format!("{}.{}.", encode(&json!({"alg":"none"})), parts[1])).await,
        "Malformed"
    );
    let key = world.authority.signing_key(start()).await.expect("a key");
    let signed_part = format!("{}.{}", encode(&json!({"alg":"HS256","kid":key.id,"typ":"JWT"})), parts[1]);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.public_der()), signed_part.as_bytes());
    assert_eq!(refusal(&world, &format!("{signed_part}.{}", URL_SAFE_NO_PAD.encode(tag))).await, "Malformed");
    // The key.
    assert_eq!(refusal(&world, &with_header(json!({ "kid": "other" }))).await, "UnknownKey");
    assert_eq!(refusal(&world, &with_header(json!({ "kid": "../../dev/null" }))).await, "UnknownKey");
    assert_eq!(
        refusal(&world, &with_header(json!({ "jku": "https://evil.example/keys" }))).await,
        "UnknownKey"
    );
    assert_eq!(refusal(&world, &with_header(json!({ "crit": ["x"] }))).await, "Malformed");
    assert_eq!(refusal(&world, &with_header(json!({ "typ": "at+jwt" }))).await, "Malformed");
    // The signature.
    for changed in [json!({"roles": ["settings.manage"]}), json!({"oid": user_id("alice")})] {
        let mut forged = good.clone();
        forged.as_object_mut().expect("an object").extend(changed.as_object().expect("an object").clone());
        let forged = format!("{}.{}.{}", parts[0], encode(&forged), parts[2]);
        assert_eq!(refusal(&world, &forged).await, "UnknownKey");
    }
    // Another authority with the same name but other keys.
    let store = Store::open(&Location::Memory).await.expect("opens");
    let settings = Settings { public_url: BASE.to_string(), master_key: Secret::new("x".repeat(43)) };
    let other = Authority::open(store, Clock::system(), settings).await.expect("opens");
    let foreign =
        jwt::encode(&other.signing_key(start()).await.expect("a key"), 1, &good.to_string()).expect("signs");
    assert_eq!(refusal(&world, &foreign).await, "UnknownKey");
    // Shape.
    for shape in
        ["", ".", "..", "a.b.c", "a.b.c.d", &format!("{token}."), &format!(" {token}"), &"a".repeat(99_999)]
    {
        assert!(matches!(refusal(&world, shape).await.as_str(), "Malformed" | "UnknownKey"), "{shape:.20}");
    }
    assert_eq!(refusal(&world, &format!("{token}=")).await, "Malformed");
}

#[tokio::test]
async fn rightly_signed_but_wrong_tokens_are_refused() {
    let world = World::with_two_tenants().await;
    let answer = world.app_only().await;
    let good = claims(&answer["access_token"]);
    let now = start().seconds();
    let cases = [
        (json!({ "exp": now }), "Expired"),
        (json!({ "nbf": now + 301 }), "NotYetValid"),
        (json!({ "aud": "https://graph.microsoft.com" }), "WrongAudience"),
        (json!({ "aud": WEB }), "WrongAudience"),
        (json!({ "aud": [RES] }), "Malformed"),
        (json!({ "aud": "" }), "WrongAudience"),
        (json!({ "iss": format!("{BASE}/{FABRIKAM}/") }), "WrongIssuer"),
        (json!({ "iss": format!("https://evil.example/{CONTOSO}/") }), "WrongIssuer"),
        (json!({ "iss": format!("{BASE}/{CONTOSO}/v2.0") }), "WrongIssuer"),
        (json!({ "tid": FABRIKAM.to_string() }), "WrongIssuer"),
        // Another tenant altogether: nothing there belongs to this object id ... but the ids are the same.
        (json!({ "ver": "3.0" }), "Malformed"),
        (json!({ "idtyp": null }), "Malformed"),
        // No person has the id of a service principal.
        (json!({ "idtyp": "user" }), "Disabled"),
        (json!({ "idtyp": "user", "rh": "opaque" }), "Malformed"),
        (json!({ "oid": Guid::from_u128(9) }), "Disabled"),
        (json!({ "appid": Guid::from_u128(9) }), "Disabled"),
        (json!({ "appid": null }), "Malformed"),
    ];
    for (change, expected) in cases {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let token = signed(&world, 1, &claims).await;
        assert_eq!(refusal(&world, &token).await, expected, "{change}");
    }
    let mut unknown_tenant = good.clone();
    let nowhere = Guid::from_u128(5);
    unknown_tenant["tid"] = nowhere.to_string().into();
    unknown_tenant["iss"] = format!("{BASE}/{nowhere}/").into();
    assert_eq!(refusal(&world, &signed(&world, 1, &unknown_tenant).await).await, "WrongIssuer");
    // A future time within the skew, and both spellings of the audience, are fine.
    let mut fine = good.clone();
    fine["nbf"] = (now + 299).into();
    fine["aud"] = format!("api://{RES}").into();
    let token = signed(&world, 1, &fine).await;
    assert!(world.authority.verify_access_token(&token, Audience::CloudApps).await.is_ok());
    assert!(matches!(
        world.later(3599).await.authority.verify_access_token(&token, Audience::CloudApps).await,
        Err(Refusal::Expired)
    ));
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let world = World::new().await;
    let answer = world.password("alice", &format!("{RES}/.default openid offline_access")).await;
    assert_eq!(refusal(&world, &text(&answer, "id_token")).await, "Malformed");
    // Not even one whose audience is the resource.
    let mut forged = claims(&answer["id_token"]);
    forged["aud"] = RES.into();
    assert_eq!(refusal(&world, &signed(&world, 2, &forged).await).await, "Malformed");
    assert_eq!(refusal(&world, &text(&answer, "refresh_token")).await, "Malformed");
}

#[tokio::test]
async fn legacy_tokens_act_with_the_rights_of_their_owner() {
    let world = World::new().await;
    let secret = world.authority.new_api_token();
    assert_eq!(secret.expose().len(), 64);
    let token = ApiToken {
        id: Guid::from_u128(1),
        name: "script".to_string(),
        owner: user_id("bob"),
        digest: world.authority.digest(SecretKind::ApiToken, &secret),
        created: start(),
        last_used: None,
        revoked: None,
    };
    world.store.write(move |tx| api_tokens::insert(tx, CONTOSO, &token)).await.expect("inserts");
    let caller = world.authority.verify_api_token(&secret).await.expect("accepted");
    assert!(caller.legacy && caller.permissions.contains(Permission::InvestigationRead));
    assert!(!caller.permissions.contains(Permission::InvestigationManage));
    assert_eq!(world.number("select last_used from api_tokens").await, start().0);
    world.later(59).await.authority.verify_api_token(&secret).await.expect("accepted");
    assert_eq!(world.number("select last_used from api_tokens").await, start().0);
    world.later(60).await.authority.verify_api_token(&secret).await.expect("accepted");
    assert_eq!(world.number("select last_used from api_tokens").await, start().0 + 60_000);

    assert!(matches!(world.authority.verify_api_token(&Secret::new("x")).await, Err(Refusal::Malformed)));
    world.sql("update users set enabled = 0").await;
    assert!(matches!(world.authority.verify_api_token(&secret).await, Err(Refusal::PermissionDenied)));
    world.sql("update api_tokens set revoked = 1").await;
    assert!(matches!(world.authority.verify_api_token(&secret).await, Err(Refusal::Revoked)));
}
