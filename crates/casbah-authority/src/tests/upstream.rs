//! Signing in with another provider: a small one, whose every answer is made here.

mod people;

use std::collections::HashMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casbah_model::{Guid, IdentityProvider, IdentityProviderDetails, Provisioning, Secret};
use casbah_store::identity_providers;
use serde_json::{Value as Json, json};
use url::Url;

use super::issuer::Issuer;
use super::signer::{p256, rsa, unsigned};
use super::world::{CONTOSO, DESKTOP, FABRIKAM, VERIFIER, World, claims, form, parameter, start};
use crate::authorize::Step;
use crate::{SignInStep, SignedIn, UpstreamPurpose, UpstreamRefusal, UpstreamRequest, UpstreamStep, Visitor};

const CLIENT: &str = "casbah at the provider";
const SECRET: &str = "the provider's s+cr:t&";

/// A provider, and a world that may call it.
struct Provider {
    issuer: Issuer,
    world: World,
    id: Guid,
}

/// A sign-in on its way: the query of the address that the browser was sent to.
type Sent = HashMap<String, String>;

fn browser(name: &str) -> Visitor {
    Visitor { browser: Some(Secret::new(name)) }
}

fn guests() -> IdentityProviderDetails {
    IdentityProviderDetails { provisioning: Provisioning::Guest, ..IdentityProviderDetails::default() }
}

impl Provider {
    async fn new(details: IdentityProviderDetails) -> Provider {
        Provider::of(World::new().await, details).await
    }

    async fn of(world: World, details: IdentityProviderDetails) -> Provider {
        let issuer = Issuer::start();
        let world = World { authority: world.authority.with_outbound(issuer.outbound()), store: world.store };
        let provider = Provider { issuer, world, id: Guid::random() };
        provider.publish(&json!({}));
        provider.register(provider.id, &provider.issuer.url, details).await;
        provider
    }

    /// The discovery document, with more in it, and the keys.
    fn publish(&self, more: &Json) {
        let url = &self.issuer.url;
        let mut document = json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"),
            "authorization_endpoint": format!("{url}/authorize?tenant=x"),
            "token_endpoint": format!("{url}/token"),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        self.issuer.answer_json("/.well-known/openid-configuration", &document);
        self.issuer.answer_json("/keys", &json!({ "keys": [rsa().jwk("one"), p256().jwk("two")] }));
    }

    async fn register(&self, id: Guid, issuer: &str, details: IdentityProviderDetails) {
        let authority = &self.world.authority;
        let provider = IdentityProvider {
            id,
            display_name: "Partner".to_string(),
            issuer: issuer.to_string(),
            client_id: CLIENT.to_string(),
            enabled: true,
            sealed_secret: authority.seal_provider_secret(CONTOSO, id, &Secret::new(SECRET)),
            created: start(),
            details,
        };
        let insert = self.world.store.write(move |tx| identity_providers::insert(tx, CONTOSO, &provider));
        insert.await.expect("inserts");
    }

    fn request(&self, purpose: UpstreamPurpose, fresh: bool) -> UpstreamRequest {
        UpstreamRequest {
            tenant: "contoso.example".to_string(),
            provider: self.id,
            purpose,
            return_to: "/go/on".to_string(),
            leads_to: None,
            login_hint: Some("bob@partner.example".to_string()),
            fresh,
            visitor: browser("mine"),
        }
    }

    async fn begin(&self) -> Sent {
        self.begin_with(UpstreamPurpose::SignIn, false).await
    }

    async fn begin_with(&self, purpose: UpstreamPurpose, fresh: bool) -> Sent {
        let address = self.world.authority.begin_upstream(self.request(purpose, fresh)).await;
        let address = Url::parse(&address.expect("begins")).expect("a URL");
        assert!(address.as_str().starts_with(&format!("{}/authorize?tenant=x&", self.issuer.url)));
        address.query_pairs().into_owned().collect()
    }

    /// What an honest provider says about Bob.
    fn claims(&self, sent: &Sent) -> Json {
        let now = start().seconds();
        json!({
            "iss": self.issuer.url, "aud": CLIENT, "sub": "248289761001", "nonce": sent["nonce"],
            "iat": now, "exp": now + 300, "name": "Bob Partner", "given_name": "Bob",
            "family_name": "Partner", "email": "bob@partner.example", "email_verified": true,
        })
    }

    fn signed(&self, claims: &Json) -> String {
        rsa().token("RS256", json!({ "typ": "JWT", "kid": "one" }), claims)
    }

    /// Comes back with a code for which the provider gives out that token.
    async fn finish(&self, sent: &Sent, id_token: &str) -> Result<UpstreamStep, UpstreamRefusal> {
        let body = json!({ "access_token": "unused", "token_type": "Bearer", "id_token": id_token });
        self.issuer.answer_json("/token", &body);
        self.come_back(sent, &[("code", "the code")], "mine").await
    }

    async fn come_back(
        &self,
        sent: &Sent,
        more: &[(&str, &str)],
        whose: &str,
    ) -> Result<UpstreamStep, UpstreamRefusal> {
        let mut fields = vec![("state", sent["state"].as_str())];
        fields.extend_from_slice(more);
        let tenant = CONTOSO.to_string();
        self.world.authority.finish_upstream(&tenant, &form(&fields), None, &browser(whose)).await
    }

    /// Signs somebody in whom these claims speak of.
    async fn sign_in(&self, change: impl FnOnce(&mut Json)) -> Result<SignInStep, UpstreamRefusal> {
        self.sign_in_for(UpstreamPurpose::SignIn, change).await
    }

    async fn sign_in_for(
        &self,
        purpose: UpstreamPurpose,
        change: impl FnOnce(&mut Json),
    ) -> Result<SignInStep, UpstreamRefusal> {
        let sent = self.begin_with(purpose, false).await;
        let mut claims = self.claims(&sent);
        change(&mut claims);
        match self.finish(&sent, &self.signed(&claims)).await? {
            UpstreamStep::SignIn(step) => Ok(step),
            UpstreamStep::Linked { .. } => panic!("nothing was to be linked"),
        }
    }

    /// The tokens of the desktop application for a session.
    async fn tokens(&self, session: &Secret) -> Json {
        let (app, world) = (DESKTOP.to_string(), &self.world);
        let scope = "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read openid offline_access";
        let fields = [
            ("client_id", app.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost"),
            ("scope", scope),
            ("code_challenge", super::world::CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let code = parameter(&world.redirect(&fields, Some(session)).await, "code").expect("a code");
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", app.as_str()),
            ("code", code.as_str()),
            ("redirect_uri", "http://localhost"),
            ("code_verifier", VERIFIER),
        ];
        world.v2(&fields).await.expect("tokens")
    }
}

#[track_caller]
fn done(step: Result<SignInStep, UpstreamRefusal>) -> SignedIn {
    match step {
        Ok(SignInStep::Done(signed_in)) => *signed_in,
        other => panic!("not signed in: {other:?}"),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, UpstreamRefusal>, code: u32) -> String {
    let refusal = result.expect_err("is refused");
    assert_eq!(refusal.error.code.number, code, "{}", refusal.error);
    refusal.error.text
}

#[tokio::test]
async fn the_code_is_fetched_with_everything_that_protects_it() {
    let provider = Provider::new(guests()).await;
    let sent = provider.begin().await;
    let callback = format!("https://localhost:8443/{CONTOSO}/oauth2/v2.0/authresp");
    for (name, value) in [
        ("client_id", CLIENT),
        ("redirect_uri", &callback),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("login_hint", "bob@partner.example"),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    assert!(!sent.contains_key("prompt"));
    let signed_in = provider.finish(&sent, &provider.signed(&provider.claims(&sent))).await;
    let Ok(UpstreamStep::SignIn(SignInStep::Done(signed_in))) = signed_in else { panic!("{signed_in:?}") };
    assert_eq!((signed_in.return_to.as_str(), signed_in.kept), ("/go/on", false));
    let posted = &provider.issuer.take_posted()[0];
    let posted: HashMap<String, String> =
        url::form_urlencoded::parse(posted.as_bytes()).into_owned().collect();
    assert_eq!((posted["code"].as_str(), &posted["redirect_uri"]), ("the code", &callback));
    let hash = digest::digest(&digest::SHA256, posted["code_verifier"].as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(hash), sent["code_challenge"]);
    // The secret went in the header, because the provider does not say that it takes it in the form.
    assert!(!posted.contains_key("client_secret") && !posted.contains_key("client_id"));
    let tokens = provider.tokens(&signed_in.session).await;
    let access = claims(&tokens["access_token"]);
    assert_eq!(
        (&access["idp"], &access["amr"], &access["acr"]),
        (&json!(provider.issuer.url), &json!(["fed"]), &json!("0"))
    );
    assert_eq!(claims(&tokens["id_token"])["idp"], provider.issuer.url);
    assert_eq!(access["upn"], "bob_partner.example#EXT#@contoso.example");
    // Nothing of the sign-in can be read from the database, and nothing of the provider's was kept.
    for secret in [&sent["state"], &sent["nonce"], &posted["code_verifier"]] {
        let sql = "select count(*) from upstream_sign_ins where details like '%' || ?1 || '%'";
        let values = [secret.into()];
        let found = provider.world.store.read(move |tx| tx.number(sql, &values)).await.expect("reads");
        assert_eq!(found, 0);
    }
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_wants_it_or_our_own_key_proves_us() {
    let provider = Provider::new(guests()).await;
    provider.publish(&json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }));
    done(provider.sign_in(|_| {}).await);
    let posted = provider.issuer.take_posted().remove(0);
    let expected = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", CLIENT), ("client_secret", SECRET)])
        .finish();
    assert!(posted.contains(&expected), "{posted}");
    provider.world.sql("update identity_providers set sealed_secret = null").await;
    done(provider.sign_in(|_| {}).await);
    let posted = provider.issuer.take_posted().remove(0);
    let fields: HashMap<String, String> =
        url::form_urlencoded::parse(posted.as_bytes()).into_owned().collect();
    let proof = claims(&json!(fields["client_assertion"]));
    let audience = format!("{}/token", provider.issuer.url);
    assert_eq!(
        (&proof["iss"], &proof["sub"], &proof["aud"]),
        (&json!(CLIENT), &json!(CLIENT), &json!(audience))
    );
    assert!(!STANDARD.encode(posted).contains(SECRET));
    // What was not sealed for this provider opens nothing.
    let id = provider.id;
    let damage = provider.world.store.write(move |tx| {
        let known = identity_providers::find(tx, CONTOSO, id)?.expect("is there");
        let damaged = IdentityProvider { sealed_secret: Some(vec![0; 40]), ..known };
        identity_providers::save(tx, CONTOSO, &damaged)
    });
    damage.await.expect("saves");
    refused(provider.sign_in(|_| {}).await, 70_012);
}

#[tokio::test]
async fn an_id_token_that_does_not_fit_signs_nobody_in() {
    let provider = Provider::new(guests()).await;
    let now = start().seconds();
    let rows = [
        ("nonce", json!("another")),
        ("nonce", Json::Null),
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(format!("{}/", provider.issuer.url))),
        ("iss", Json::Null),
        ("aud", json!("another client")),
        ("aud", json!([CLIENT, "another client"])),
        ("aud", json!([])),
        ("azp", json!("another client")),
        ("exp", json!(now - 301)),
        ("exp", Json::Null),
        ("nbf", json!(now + 301)),
        ("iat", json!(now + 301)),
        ("iat", Json::Null),
        ("sub", Json::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("s".repeat(256))),
    ];
    for (name, value) in rows {
        let shown = value.to_string();
        let text = refused(provider.sign_in(|claims| claims[name] = value).await, 9_900_004);
        assert!(text.starts_with("The answer of the provider cannot be trusted: "), "{name} {shown}: {text}");
    }
    // A list of audiences is fine when the token says that it is for us.
    done(
        provider
            .sign_in(|claims| {
                claims["aud"] = json!([CLIENT, "another client"]);
                claims["azp"] = json!(CLIENT);
            })
            .await,
    );
}

#[tokio::test]
async fn only_the_providers_own_signature_counts() {
    let provider = Provider::new(guests()).await;
    let header = json!({ "typ": "JWT", "kid": "one" });
    let with = |name: &str, value: Json| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    type Forge<'a> = Box<dyn Fn(&Json) -> String + 'a>;
    let forgeries: Vec<Forge<'_>> = vec![
        Box::new(|claims| format!("{}.", unsigned(&with("alg", json!("none")), claims))),
        Box::new(|claims| format!("{}.AAAA", unsigned(&with("alg", json!("HS256")), claims))),
        Box::new(|claims| p256().token("ES256", header.clone(), claims)),
        Box::new(|claims| p256().token("ES256", with("jwk", p256().jwk("one")), claims)),
        Box::new(|claims| rsa().token("RS256", with("kid", json!("three")), claims)),
        Box::new(|claims| rsa().token("RS256", with("crit", json!(["x"])), claims)),
        Box::new(|claims| {
            let token = rsa().token("RS256", header.clone(), claims);
            let (signed, signature) = token.rsplit_once('.').expect("a signature");
            format!("{}.{}", signed.rsplit_once('.').expect("a payload").0, "e30.") + signature
        }),
        Box::new(|_| "no token".to_string()),
    ];
    for (number, forge) in forgeries.iter().enumerate() {
        let sent = provider.begin().await;
        let token = forge(&provider.claims(&sent));
        let result = provider.finish(&sent, &token).await;
        assert!(result.is_err(), "{number}");
        refused(result, 9_900_004);
    }
    assert_eq!(provider.world.number("select count(*) from user_identities").await, 0);
    let sent = provider.begin().await;
    let token = p256().token("ES256", with("kid", json!("two")), &provider.claims(&sent));
    assert!(provider.finish(&sent, &token).await.is_ok());
}

#[tokio::test]
async fn a_state_is_good_once_in_its_own_browser_and_tenant() {
    let provider = Provider::of(World::with_two_tenants().await, guests()).await;
    let sent = provider.begin().await;
    // Somebody else's browser gets nowhere with it (login CSRF), and takes nothing away.
    refused(provider.come_back(&sent, &[("code", "c")], "another").await, 50_089);
    let authority = &provider.world.authority;
    let bare = form(&[("state", &sent["state"]), ("code", "c")]);
    let tenant = CONTOSO.to_string();
    refused(authority.finish_upstream(&tenant, &bare, None, &Visitor::default()).await, 50_089);
    for tenant in [FABRIKAM.to_string(), "contoso.example".to_string(), "common".to_string()] {
        refused(authority.finish_upstream(&tenant, &bare, None, &browser("mine")).await, 50_089);
    }
    for state in ["", "6.Anonsense", &sent["nonce"]] {
        let wrong = form(&[("state", state), ("code", "c")]);
        refused(authority.finish_upstream(&tenant, &wrong, None, &browser("mine")).await, 50_089);
    }
    let twice = form(&[("state", &sent["state"]), ("code", "a"), ("code", "b")]);
    refused(authority.finish_upstream(&tenant, &twice, None, &browser("mine")).await, 9_002_313);
    assert!(provider.issuer.take_posted().is_empty(), "no code was redeemed");
    let token = provider.signed(&provider.claims(&sent));
    assert!(provider.finish(&sent, &token).await.is_ok());
    refused(provider.finish(&sent, &token).await, 50_089);
    // An answer that was refused is used up, too.
    let sent = provider.begin().await;
    refused(provider.finish(&sent, "x").await, 9_900_004);
    refused(provider.finish(&sent, &provider.signed(&provider.claims(&sent))).await, 50_089);
    let sent = provider.begin().await;
    let later = provider.world.later(30 * 60).await;
    let authority = later.authority.with_outbound(provider.issuer.outbound());
    let late = form(&[("state", &sent["state"]), ("code", "c")]);
    refused(authority.finish_upstream(&tenant, &late, None, &browser("mine")).await, 50_089);
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken_for_this_ones() {
    let provider = Provider::new(guests()).await;
    let other = Issuer::start();
    let (sender, own) = (other.url.clone(), provider.issuer.url.clone());
    let sent = provider.begin().await;
    let text =
        refused(provider.come_back(&sent, &[("code", "c"), ("iss", &sender)], "mine").await, 9_900_004);
    assert!(text.contains("(iss)"), "{text}");
    // Not even a refusal is believed.
    let sent = provider.begin().await;
    let fields = [("error", "access_denied"), ("iss", sender.as_str())];
    assert!(refused(provider.come_back(&sent, &fields, "mine").await, 9_900_004).contains("(iss)"));
    assert!(provider.issuer.take_posted().is_empty() && other.take_asked().is_empty());
    // A code of the other one is worth nothing where ours is redeemed.
    let sent = provider.begin().await;
    let answer = r#"{"error":"invalid_grant"}"#;
    let whole =
        format!("HTTP/1.1 400 No\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
    provider.issuer.answer("/token", whole);
    let fields = [("code", "of the other"), ("iss", own.as_str())];
    refused(provider.come_back(&sent, &fields, "mine").await, 9_900_004);
    assert!(other.take_asked().is_empty());
    // Who promises to say who it is must say so.
    let promising = Provider::new(guests()).await;
    promising.publish(&json!({ "authorization_response_iss_parameter_supported": true }));
    let sent = promising.begin().await;
    refused(promising.come_back(&sent, &[("code", "c")], "mine").await, 9_900_004);
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told_in_its_words() {
    let provider = Provider::new(guests()).await;
    let sent = provider.begin().await;
    let words = "Not today. ".repeat(60);
    let fields = [("error", "access_denied"), ("error_description", words.as_str())];
    let refusal = provider.come_back(&sent, &fields, "mine").await.expect_err("is refused");
    assert_eq!(
        (refusal.provider_name.as_deref(), refusal.return_to.as_deref()),
        (Some("Partner"), Some("/go/on"))
    );
    assert!(refusal.error.text.starts_with("The provider did not sign you in: access_denied (Not today."));
    assert!(refusal.error.text.len() < 300, "{}", refusal.error.text);
    for body in ["{}", "[]", "no JSON"] {
        let sent = provider.begin().await;
        let length = body.len();
        provider.issuer.answer(
            "/token",
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"),
        );
        refused(provider.come_back(&sent, &[("code", "c")], "mine").await, 9_900_004);
    }
    let sent = provider.begin().await;
    refused(provider.come_back(&sent, &[], "mine").await, 9_900_004);
}

#[tokio::test]
async fn a_provider_that_is_disabled_lets_nobody_in_and_ends_what_it_vouched_for() {
    let provider = Provider::new(guests()).await;
    let session = done(provider.sign_in(|_| {}).await).session;
    let tokens = provider.tokens(&session).await;
    let sent = provider.begin().await;
    let id = provider.id;
    provider.world.sql("update identity_providers set enabled = 0").await;
    refused(provider.finish(&sent, &provider.signed(&provider.claims(&sent))).await, 9_900_004);
    let again =
        provider.world.authority.begin_upstream(provider.request(UpstreamPurpose::SignIn, false)).await;
    assert_eq!(again.expect_err("is refused").code.number, 9_900_004);
    assert!(provider.world.authority.verify_session(&session).await.is_err());
    let app = DESKTOP.to_string();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", app.as_str()),
        ("refresh_token", tokens["refresh_token"].as_str().expect("text")),
    ];
    assert_eq!(provider.world.v2(&refresh).await.expect_err("is refused").code.number, 50_173);
    // What the use case does besides: sessions and tokens stay ended when it is enabled again.
    let ended =
        provider.world.store.write(move |tx| identity_providers::end_all_of(tx, CONTOSO, id, start()));
    ended.await.expect("ends");
    provider.world.sql("update identity_providers set enabled = 1").await;
    assert!(provider.world.authority.verify_session(&session).await.is_err());
    assert!(provider.world.v2(&refresh).await.is_err());
}

#[tokio::test]
async fn a_provider_at_a_private_address_is_called_only_when_the_operator_lists_it() {
    let provider = Provider::new(guests()).await;
    let world = World::new().await;
    let authority = world.authority.with_outbound(provider.issuer.fenced_outbound());
    let fenced = World { authority, store: provider.world.store.clone() };
    let refusal = fenced.authority.begin_upstream(provider.request(UpstreamPurpose::SignIn, false)).await;
    let refusal = refusal.expect_err("is refused");
    assert_eq!(refusal.code.number, 9_900_004);
    assert!(!refusal.text.contains("localhost"), "{}", refusal.text);
    assert!(provider.issuer.take_asked().is_empty());
}

#[tokio::test]
async fn a_hint_at_a_domain_leads_straight_to_its_provider() {
    let details = IdentityProviderDetails { domains: vec!["partner.example".to_string()], ..guests() };
    let provider = Provider::new(details).await;
    let app = DESKTOP.to_string();
    let scope = "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read";
    let ask = async |more: &[(&str, &str)]| {
        let mut fields = vec![
            ("client_id", app.as_str()),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost"),
            ("scope", scope),
        ];
        fields.extend_from_slice(more);
        let request = provider.world.authorize_request(&fields, None);
        provider.world.authority.authorize(request).await.expect("a step")
    };
    type Row<'a> = (&'a [(&'a str, &'a str)], bool, bool);
    let rows: [Row<'_>; 7] = [
        (&[], false, false),
        (&[("domain_hint", "Partner.Example")], true, false),
        (&[("login_hint", "bob@partner.example")], true, false),
        (&[("login_hint", "bob@elsewhere.example")], false, false),
        (&[("domain_hint", "partner.example"), ("prompt", "login")], true, true),
        (&[("domain_hint", "partner.example"), ("prompt", "select_account")], false, false),
        (&[("domain_hint", "partner.example"), ("max_age", "60")], true, true),
    ];
    for (more, straight, fresh) in rows {
        let Step::SignIn(prompt) = ask(more).await else { panic!("{more:?}") };
        assert_eq!((prompt.straight_to.is_some(), prompt.fresh), (straight, fresh), "{more:?}");
        assert_eq!(prompt.providers.len(), 1);
    }
    let step = ask(&[("domain_hint", "partner.example"), ("prompt", "none")]).await;
    assert!(matches!(&step, Step::Redirect(redirect)
        if parameter(redirect, "error").as_deref() == Some("login_required")));
    provider.world.sql("update identity_providers set enabled = 0").await;
    let Step::SignIn(prompt) = ask(&[("domain_hint", "partner.example")]).await else { panic!("no page") };
    assert!(prompt.straight_to.is_none() && prompt.providers.is_empty());
}

#[tokio::test]
async fn who_has_to_sign_in_anew_does_so_there() {
    let provider = Provider::new(guests()).await;
    for (auth_time, good) in [(None, false), (Some(-3600), false), (Some(-10), true)] {
        let sent = provider.begin_with(UpstreamPurpose::SignIn, true).await;
        assert_eq!((sent["prompt"].as_str(), sent["max_age"].as_str()), ("login", "300"));
        let mut claims = provider.claims(&sent);
        if let Some(ago) = auth_time {
            claims["auth_time"] = json!(start().seconds() + ago);
        }
        let result = provider.finish(&sent, &provider.signed(&claims)).await;
        assert_eq!(result.is_ok(), good, "{auth_time:?}");
    }
}
