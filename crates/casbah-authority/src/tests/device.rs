use casbah_model::Secret;
use serde_json::Value as Json;

use super::world::{BASE, CONTOSO, DESKTOP, OTHER, World, check_refusal, form};
use crate::authorize::ConsentDecision;
use crate::{DevicePrompt, DeviceStep, Endpoint, OAuthError};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const URN: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World, scope: &str) -> Json {
    let id = DESKTOP.to_string();
    let fields = form(&[("client_id", &id), ("scope", scope)]);
    world.authority.start_device(Endpoint::V2, "organizations", fields, None).await.expect("answers")
}

async fn poll(world: &World, grant: &str, more: &[(&str, &str)]) -> Result<Json, OAuthError> {
    let id = DESKTOP.to_string();
    let fields = [&[("grant_type", grant), ("client_id", &id), ("client_info", "1")], more].concat();
    world.v2(&fields).await
}

async fn prompt(world: &World, code: &str, session: &Secret) -> DevicePrompt {
    match world.authority.device_step(code, Some(session)).await {
        Ok(DeviceStep::Confirm(prompt)) => prompt,
        other => panic!("no confirmation but {other:?}"),
    }
}

#[tokio::test]
async fn the_answers_differ_by_version() {
    let world = World::new().await;
    let v2 = begin(&world, &format!("{RES}/.default offline_access openid profile")).await;
    assert_eq!((v2["expires_in"].as_i64(), v2["interval"].as_i64()), (Some(900), Some(5)));
    assert_eq!(v2["verification_uri"], format!("{BASE}/device"));
    assert!(v2.get("verification_url").is_none());
    let user_code = v2["user_code"].as_str().expect("text");
    assert_eq!(user_code.len(), 9);
    assert!(v2["message"].as_str().expect("text").contains(user_code));
    let id = DESKTOP.to_string();
    let fields = form(&[("client_id", &id), ("resource", RES)]);
    let v1 = world.authority.start_device(Endpoint::V1, "common", fields, None).await.expect("answers");
    assert_eq!((v1["expires_in"].as_str(), v1["interval"].as_str()), (Some("900"), Some("5")));
    assert!(v1["verification_url"].is_string() && v1.get("verification_uri").is_none());
}

#[tokio::test]
async fn the_device_waits_until_the_user_confirms() {
    let world = World::new().await;
    let started = begin(&world, &format!("{RES}/.default offline_access openid profile")).await;
    let (device, user) =
        (started["device_code"].as_str().expect("text"), started["user_code"].as_str().expect("text"));
    // Three spellings of the grant, three ways of sending the code, and never anything but "pending".
    for _ in 0..5 {
        for (grant, fields) in [
            (URN, vec![("device_code", device), ("code", device)]),
            ("device_code", vec![("device_code", device)]),
            ("device_code", vec![("code", device)]),
        ] {
            let pending = poll(&world, grant, &fields).await.expect_err("waits");
            check_refusal(&pending, 70016, "authorization_pending");
        }
    }
    match world.authority.device_step(user, None).await {
        Ok(DeviceStep::SignIn { tenant, .. }) => assert_eq!(tenant, CONTOSO.0),
        other => panic!("no sign-in but {other:?}"),
    }
    let session = world.sign_in("bob").await;
    let typed = format!(" {}-{} ", &user[..4].to_lowercase(), &user[4..]);
    let shown = prompt(&world, &typed, &session).await;
    assert!(shown.scopes.is_empty() && shown.user_name == "bob@contoso.example");
    let forged =
        world.authority.decide_device(user, &session, ConsentDecision::Accept, "1.x".to_string()).await;
    assert_eq!(forged.expect_err("is refused").code.number, 9002313);
    let decided =
        world.authority.decide_device(user, &session, ConsentDecision::Accept, shown.ticket.clone()).await;
    assert!(decided.is_ok(), "{decided:?}");
    let again = world.authority.decide_device(user, &session, ConsentDecision::Decline, shown.ticket).await;
    assert_eq!(again.expect_err("is refused").code.number, 70018);

    // The poll carries no scope; what was asked at the start counts.
    let answer = poll(&world, URN, &[("device_code", device)]).await.expect("answers");
    assert!(["id_token", "refresh_token", "client_info"].iter().all(|name| answer[name].is_string()));
    assert!(answer["scope"].as_str().expect("text").contains(&format!("{RES}/.default")));
    let twice = poll(&world, URN, &[("device_code", device)]).await.expect_err("is refused");
    check_refusal(&twice, 70018, "bad_verification_code");
}

#[tokio::test]
async fn declined_expired_unknown_and_foreign() {
    let world = World::new().await;
    let session = world.sign_in("alice").await;
    let started = begin(&world, "openid").await;
    let (device, user) =
        (started["device_code"].as_str().expect("text"), started["user_code"].as_str().expect("text"));
    let late = world.later(900).await;
    let expired = poll(&late, URN, &[("device_code", device)]).await.expect_err("is refused");
    check_refusal(&expired, 70020, "expired_token");
    assert_eq!(late.authority.device_step(user, None).await.expect_err("is refused").code.number, 70019);
    let shown = prompt(&world, user, &session).await;
    let decline = ConsentDecision::Decline;
    world.authority.decide_device(user, &session, decline, shown.ticket).await.expect("declines");
    let declined = poll(&world, URN, &[("device_code", device)]).await.expect_err("is refused");
    check_refusal(&declined, 65004, "authorization_declined");
    let unknown = poll(&world, URN, &[("device_code", "nonsense")]).await.expect_err("is refused");
    check_refusal(&unknown, 70018, "bad_verification_code");
    let missing = poll(&world, URN, &[]).await.expect_err("is refused");
    check_refusal(&missing, 900144, "invalid_request");
    assert!(world.authority.device_step("AAAAAAAAA", None).await.is_err());

    let (id, cli) = (OTHER.to_string(), crate::seed::CLI.to_string());
    let start = |fields| world.authority.start_device(Endpoint::V2, "common", fields, None);
    let confidential = start(form(&[("client_id", &id), ("scope", "openid")])).await.expect_err("is refused");
    check_refusal(&confidential, 7000218, "invalid_client");
    let resource =
        start(form(&[("client_id", &cli), ("scope", "https://no/x")])).await.expect_err("is refused");
    check_refusal(&resource, 500011, "invalid_resource");
    let foreign = begin(&world, "openid").await;
    let fields = [
        ("grant_type", URN),
        ("client_id", cli.as_str()),
        ("device_code", foreign["device_code"].as_str().expect("text")),
    ];
    world.refused(Endpoint::V2, &fields, 70018, "bad_verification_code").await;
}

#[tokio::test]
async fn consent_can_be_given_on_the_device_page() {
    let world = World::new().await;
    let started = begin(&world, &format!("{RES}/Settings.manage")).await;
    let (device, user) =
        (started["device_code"].as_str().expect("text"), started["user_code"].as_str().expect("text"));
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    let for_bob = prompt(&world, user, &bob).await;
    assert!(for_bob.needs_administrator);
    let refused = world.authority.decide_device(user, &bob, ConsentDecision::Accept, for_bob.ticket).await;
    assert_eq!(refused.expect_err("is refused").code.number, 90094);
    let for_alice = prompt(&world, user, &alice).await;
    assert_eq!(for_alice.scopes.len(), 1);
    world
        .authority
        .decide_device(user, &alice, ConsentDecision::Accept, for_alice.ticket)
        .await
        .expect("approves");
    let answer = poll(&world, URN, &[("device_code", device)]).await.expect("answers");
    assert!(answer["scope"].as_str().expect("text").starts_with(&format!("{RES}/Settings.manage")));
}
