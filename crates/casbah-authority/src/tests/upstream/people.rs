//! Who somebody is here for whom a provider vouches.

use casbah_model::{Guid, IdentityProviderDetails, Invitation, Provisioning, ROLES, User, UserDetails};
use casbah_store::{tenant_settings, users};
use serde_json::{Value as Json, json};

use super::*;
use crate::tests::world::user_id;

fn only(domain: &str, provisioning: Provisioning) -> IdentityProviderDetails {
    let domains = vec![domain.to_string()];
    IdentityProviderDetails { domains, provisioning, ..IdentityProviderDetails::default() }
}

impl Provider {
    async fn user(&self, name: &str) -> Option<User> {
        let name = name.to_string();
        self.world.store.read(move |tx| users::find_by_name(tx, CONTOSO, &name)).await.expect("reads")
    }

    /// A guest who was invited and has not come yet.
    async fn invite(&self, mail: &str) -> Guid {
        let id = Guid::random();
        let invitation =
            Invitation { accepted: false, changed: start(), redirect_url: "https://app.example".to_string() };
        let user = User {
            id,
            user_principal_name: format!("{}#EXT#@contoso.example", mail.replace('@', "_")),
            display_name: mail.to_string(),
            given_name: None,
            surname: None,
            mail: Some(mail.to_string()),
            enabled: true,
            password_hash: None,
            created: start(),
            sessions_valid_from: start(),
            details: UserDetails { guest: true, invitation: Some(invitation), ..UserDetails::default() },
        };
        self.world.store.write(move |tx| users::insert(tx, CONTOSO, &user)).await.expect("inserts");
        id
    }
}

#[tokio::test]
async fn a_guest_comes_into_being_and_is_known_by_the_subject_from_then_on() {
    let provider = Provider::new(guests()).await;
    let name = "bob_partner.example#EXT#@contoso.example";
    assert_eq!(done(provider.sign_in(|_| {}).await).user_name, name);
    let bob = provider.user(name).await.expect("is there");
    assert!(bob.details.guest && bob.password_hash.is_none());
    assert_eq!(
        (bob.display_name.as_str(), bob.mail.as_deref()),
        ("Bob Partner", Some("bob@partner.example"))
    );
    // Another address, unverified even, and another name: the same person. What is not mapped stays.
    let again = provider.sign_in(|claims| {
        claims["email"] = json!("alice@mail.example");
        claims["email_verified"] = json!(false);
        claims["name"] = json!("Robert \u{202E}Partner");
        claims["family_name"] = Json::Null;
    });
    assert_eq!(done(again.await).user_name, name);
    let again = provider.user(name).await.expect("is there");
    assert_eq!((again.id, again.display_name.as_str()), (bob.id, "Robert Partner"));
    assert_eq!((again.surname.as_deref(), again.mail), (Some("Partner"), bob.mail));
    // Another subject with the same address is somebody else, and that address is taken.
    refused(provider.sign_in(|claims| claims["sub"] = json!("another")).await, 50_020);
    provider.world.sql("update users set enabled = 0 where user_principal_name like 'bob_p%'").await;
    refused(provider.sign_in(|_| {}).await, 50_057);
}

#[tokio::test]
async fn nobody_is_found_by_a_mail_address() {
    let provider = Provider::new(guests()).await;
    let rows: [(&str, Json); 7] = [
        ("email_verified", json!(false)),
        ("email_verified", json!("false")),
        ("email_verified", Json::Null),
        ("email", Json::Null),
        ("email", json!("no address")),
        // Alice is here, under that address.
        ("email", json!("Alice@mail.example")),
        // An address of the organisation's own is nobody's who is no member.
        ("email", json!("ceo@contoso.example")),
    ];
    for (name, value) in rows {
        let shown = value.to_string();
        let result = provider.sign_in(|claims| claims[name] = value).await;
        assert!(result.is_err(), "{name} {shown}");
        refused(result, 50_020);
    }
    // Another provider vouches for that domain; and one with domains for no other.
    provider
        .register(Guid::random(), "https://other.example", only("partner.example", Provisioning::None))
        .await;
    refused(provider.sign_in(|_| {}).await, 50_020);
    let provider = Provider::new(only("elsewhere.example", Provisioning::Guest)).await;
    refused(provider.sign_in(|_| {}).await, 50_020);
    let provider = Provider::new(IdentityProviderDetails::default()).await;
    refused(provider.sign_in(|_| {}).await, 50_020);
    assert_eq!(provider.world.number("select count(*) from user_identities").await, 0);
}

#[tokio::test]
async fn members_come_into_being_only_in_domains_for_which_the_provider_is_trusted() {
    let provider = Provider::new(only("contoso.example", Provisioning::Member)).await;
    let dora = |claims: &mut Json| claims["email"] = json!("dora@contoso.example");
    assert_eq!(done(provider.sign_in(dora).await).user_name, "dora@contoso.example");
    let made = provider.user("dora@contoso.example").await.expect("is there");
    assert!(!made.details.guest);
    // Alice has that name: her address leads nobody to her.
    let alice = provider.sign_in(|claims| {
        claims["sub"] = json!("another");
        claims["email"] = json!("alice@contoso.example");
    });
    refused(alice.await, 50_020);
    refused(provider.sign_in(|claims| claims["sub"] = json!("third")).await, 50_020);
    let untrusted =
        IdentityProviderDetails { domains: Vec::new(), ..only("x.example", Provisioning::Member) };
    let provider = Provider::new(untrusted).await;
    refused(provider.sign_in(dora).await, 50_020);
}

#[tokio::test]
async fn an_invited_guest_comes_in_by_the_verified_address() {
    let provider = Provider::new(IdentityProviderDetails::default()).await;
    let guest = provider.invite("bob@partner.example").await;
    refused(provider.sign_in(|claims| claims["email_verified"] = json!(false)).await, 50_020);
    refused(provider.sign_in(|claims| claims["email"] = json!("eve@partner.example")).await, 50_020);
    let eve = provider.invite("eve@partner.example").await;
    refused(provider.sign_in_for(UpstreamPurpose::Invitation(eve), |_| {}).await, 50_020);
    let signed_in = done(provider.sign_in_for(UpstreamPurpose::Invitation(guest), |_| {}).await);
    assert_eq!(signed_in.user_name, "bob_partner.example#EXT#@contoso.example");
    let bob = provider.user(&signed_in.user_name).await.expect("is there");
    let invitation = bob.details.invitation.expect("was invited");
    assert!(invitation.accepted && bob.id == guest && bob.display_name == "Bob Partner");
    // Accepted is accepted: another account with the same address is nobody.
    refused(provider.sign_in(|claims| claims["sub"] = json!("another")).await, 50_020);
    let again = provider.sign_in_for(UpstreamPurpose::Invitation(guest), |c| c["sub"] = json!("another"));
    refused(again.await, 50_020);
    done(provider.sign_in(|_| {}).await);
    // Without the link, too; but nobody becomes an administrator by an address alone.
    let role = ROLES[0].template;
    let grant = provider.world.store.write(move |tx| users::add_role(tx, CONTOSO, eve, role, start()));
    grant.await.expect("gives");
    let claims = |claims: &mut Json| {
        claims["sub"] = json!("eve");
        claims["email"] = json!("eve@partner.example");
    };
    refused(provider.sign_in(claims).await, 50_020);
    done(provider.sign_in_for(UpstreamPurpose::Invitation(eve), claims).await);
}

#[tokio::test]
async fn a_member_adds_the_account_after_signing_in_and_only_in_that_session() {
    let provider = Provider::new(IdentityProviderDetails::default()).await;
    let world = &provider.world;
    refused(provider.sign_in(|_| {}).await, 50_020);
    let link = async |session: Option<&Secret>, begun_by: &Secret, subject: &str| {
        let sent = provider.begin_with(UpstreamPurpose::Link(begun_by.clone()), false).await;
        let mut claims = provider.claims(&sent);
        claims["sub"] = json!(subject);
        provider.issuer.answer_json("/token", &json!({ "id_token": provider.signed(&claims) }));
        let fields = form(&[("state", &sent["state"]), ("code", "c")]);
        let tenant = CONTOSO.to_string();
        world.authority.finish_upstream(&tenant, &fields, session, &browser("mine")).await
    };
    let (alice, bob) = (world.sign_in("alice").await, world.sign_in("bob").await);
    for session in [None, Some(&bob)] {
        refused(link(session, &alice, "248289761001").await, 50_058);
    }
    assert_eq!(world.number("select count(*) from user_identities").await, 0);
    let linked = link(Some(&alice), &alice, "248289761001").await;
    assert!(matches!(linked, Ok(UpstreamStep::Linked { .. })), "{linked:?}");
    assert_eq!(done(provider.sign_in(|_| {}).await).user_name, "alice@contoso.example");
    // Nobody else gets the same account, and Alice no second one there.
    refused(link(Some(&bob), &bob, "248289761001").await, 50_020);
    refused(link(Some(&alice), &alice, "another").await, 50_020);
    let account = world.authority.account(&alice).await.expect("shows");
    assert_eq!((account.identities.len(), account.addable.len()), (1, 0));
    world.authority.end(&alice, crate::Ending::Identity(provider.id)).await.expect("ends");
    refused(provider.sign_in(|_| {}).await, 50_020);
    // A sign-in of a while ago is not enough.
    let later = world.later(16 * 60).await;
    let authority = later.authority.with_outbound(provider.issuer.outbound());
    let request = provider.request(UpstreamPurpose::Link(alice.clone()), false);
    let address = Url::parse(&authority.begin_upstream(request).await.expect("begins")).expect("a URL");
    let sent: Sent = address.query_pairs().into_owned().collect();
    let mut claims = provider.claims(&sent);
    claims["exp"] = json!(start().seconds() + 3600);
    provider.issuer.answer_json("/token", &json!({ "id_token": provider.signed(&claims) }));
    let fields = form(&[("state", &sent["state"]), ("code", "c")]);
    let tenant = CONTOSO.to_string();
    refused(authority.finish_upstream(&tenant, &fields, Some(&alice), &browser("mine")).await, 50_133);
}

#[tokio::test]
async fn a_second_factor_of_elsewhere_counts_only_where_it_is_trusted() {
    let trusting = IdentityProviderDetails { trusts_second_factor: true, ..guests() };
    for (details, amr, step_missing) in [
        (guests(), json!(["pwd", "mfa"]), true),
        (trusting.clone(), json!(["pwd"]), true),
        (trusting.clone(), json!(["pwd", "mfa"]), false),
    ] {
        let provider = Provider::new(details).await;
        let demand = provider.world.store.write(move |tx| {
            let mut settings = tenant_settings::find(tx, CONTOSO)?;
            settings.sign_in.second_factor_for_all = true;
            tenant_settings::save(tx, CONTOSO, &settings)
        });
        demand.await.expect("saves");
        let shown = amr.to_string();
        let step = provider.sign_in(|claims| claims["amr"] = amr).await.expect("signs in");
        match step {
            SignInStep::Continue(pending) => {
                assert!(step_missing, "{shown}");
                let view = provider.world.authority.pending(&pending.cookie, &browser("mine")).await;
                assert!(matches!(view.expect("a step").step, crate::PendingStep::Register { .. }));
                // The provider is disabled while the page is open.
                provider.world.sql("update identity_providers set enabled = 0").await;
                let view = provider.world.authority.pending(&pending.cookie, &browser("mine")).await;
                assert_eq!(view.expect_err("is over").code.number, 50_089);
            }
            SignInStep::Done(signed_in) => {
                assert!(!step_missing, "{shown}");
                let access = claims(&provider.tokens(&signed_in.session).await["access_token"]);
                assert_eq!((&access["amr"], &access["acr"]), (&json!(["fed", "mfa"]), &json!("1")));
            }
        }
    }
}

#[tokio::test]
async fn a_sign_in_says_in_the_audit_trail_who_vouched() {
    let provider = Provider::new(guests()).await;
    done(provider.sign_in(|_| {}).await);
    refused(provider.sign_in(|claims| claims["nonce"] = json!("x")).await, 9_900_004);
    provider.world.authority.flush_sign_ins().await.expect("writes");
    let records = provider.world.store.read(|tx| casbah_store::audit::newest(tx, CONTOSO, 10)).await;
    let records = records.expect("reads");
    let sign_in = records.iter().find(|r| r.action == "sign in").expect("a record");
    assert_eq!(sign_in.details["factors"], json!(["fed"]));
    assert_eq!(sign_in.details["identityProvider"], provider.id.to_string());
    let made = records.iter().find(|r| r.action == "create user").expect("a record");
    assert_eq!(made.details["after"]["userType"], "Guest");
    assert!(records.iter().any(|r| r.failure == Some(9_900_004)));
    // Bob has no password to guess.
    let guess = provider.world.try_sign_in("organizations", &sign_in.actor_name, "x").await;
    assert_eq!(guess.expect_err("is refused").code.number, 50_126);
    assert_ne!(sign_in.actor, user_id("bob").to_string());
}
