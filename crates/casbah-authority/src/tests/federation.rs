//! Tokens of other issuers as client assertions, and of Casbah itself.

use casbah_model::{FederatedCredential, Guid};
use casbah_store::federated_credentials;
use serde_json::{Value as Json, json};

use super::issuer::Issuer;
use super::signer::{Signer, p256, rsa};
use super::world::{BASE, CONTOSO, OTHER, WEB, World, claims, object_id, principal_id, start};
use crate::{Endpoint, OAuthError};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const EXCHANGE: &str = "api://AzureADTokenExchange";
const SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";

impl World {
    async fn trust(&self, app: Guid, issuer: &str, subject: &str, audience: &str) {
        let id = Guid::random();
        let credential = FederatedCredential {
            id,
            application: object_id(app),
            name: format!("trust-{id}"),
            issuer: issuer.to_string(),
            subject: subject.to_string(),
            audience: audience.to_string(),
            description: None,
            created: start(),
            last_used: None,
            last_address: None,
        };
        let insert = self.store.write(move |tx| federated_credentials::insert(tx, CONTOSO, &credential));
        insert.await.expect("inserts");
    }

    /// The same world for somebody who may call the issuer.
    fn calling(self, issuer: &Issuer) -> World {
        World { authority: self.authority.with_outbound(issuer.outbound()), store: self.store }
    }

    async fn exchange(&self, client: Guid, assertion: &str) -> Result<Json, OAuthError> {
        let (id, scope) = (client.to_string(), format!("{RES}/.default"));
        self.v2(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
            ("scope", &scope),
        ])
        .await
    }

    /// The error code, none for a token.
    async fn exchanged(&self, assertion: &str) -> Option<u32> {
        self.exchange(WEB, assertion).await.err().map(|e| e.code.number)
    }
}

/// What GitHub Actions puts into its tokens.
fn workflow(issuer: &Issuer) -> Json {
    let now = start().seconds();
    json!({
        "iss": issuer.url, "sub": SUBJECT, "aud": EXCHANGE, "jti": "6f4f8b8e", "nbf": now - 10, "iat": now,
        "exp": now + 300, "ref": "refs/heads/main", "ref_type": "branch", "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org", "actor": "octocat", "event_name": "push", "run_id": "1", "run_attempt": "1",
        "workflow": "deploy", "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
        "runner_environment": "github-hosted",
    })
}

fn signed(signer: &Signer, id: &str, claims: &Json) -> String {
    let algorithm = if std::ptr::eq(signer, rsa()) { "RS256" } else { "ES256" };
    signer.token(algorithm, json!({ "typ": "JWT", "kid": id, "x5t": id }), claims)
}

#[tokio::test]
async fn a_workflow_proves_an_application() {
    let issuer = Issuer::start();
    issuer.publish(&[
        rsa().jwk("one"),
        p256().jwk("two"),
        json!({ "kty": "oct", "k": "AAAA", "kid": "three" }),
    ]);
    let world = World::new().await.calling(&issuer);
    world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
    let answer = world.exchange(WEB, &signed(rsa(), "one", &workflow(&issuer))).await.expect("a token");
    assert_eq!(claims(&answer["access_token"])["appidacr"], "2");
    assert_eq!(issuer.take_asked(), ["/.well-known/openid-configuration", "/keys"]);
    // The keys are kept.
    assert_eq!(world.exchanged(&signed(p256(), "two", &workflow(&issuer))).await, None);
    assert!(issuer.take_asked().is_empty());
    // Whoever sends no client_id must be told which client is meant: the subject is not one.
    let assertion = signed(rsa(), "one", &workflow(&issuer));
    let scope = format!("{RES}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("scope", scope.as_str()),
    ];
    world.refused(Endpoint::V2, &fields, 900144, "invalid_request").await;
    for _ in 0..200 {
        if world.number("select count(*) from federated_credentials where last_used is not null").await == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the use of the credential was not noted");
}

#[tokio::test]
async fn issuer_subject_and_audience_are_compared_character_by_character() {
    let issuer = Issuer::start();
    issuer.publish(&[rsa().jwk("one")]);
    let world = World::new().await.calling(&issuer);
    world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
    world.trust(WEB, "https://elsewhere.example", "repo:a/b:ref:refs/heads/main", EXCHANGE).await;
    let now = start().seconds();
    let rows = [
        ("iss", json!(issuer.url.to_uppercase()), 700211),
        ("iss", json!(format!("{}/", issuer.url)), 700211),
        ("iss", json!("https://evil.example"), 700211),
        ("iss", json!("http://localhost"), 700211),
        ("sub", json!(SUBJECT.to_uppercase()), 700213),
        ("sub", json!(format!("{SUBJECT}x")), 700213),
        ("sub", json!("repo:octo-org/octo-repo:pull_request"), 700213),
        ("sub", json!("repo:a/b:ref:refs/heads/main"), 700213),
        ("sub", json!(7), 700213),
        ("aud", json!("api://azureadtokenexchange"), 700212),
        ("aud", json!(format!("{BASE}/{CONTOSO}/oauth2/v2.0/token")), 700212),
        ("aud", json!([]), 700212),
        ("exp", json!(now - 301), 700024),
        ("nbf", json!(now + 302), 700024),
        ("exp", Json::Null, 700024),
        ("idtyp", json!("user"), 700229),
    ];
    for (name, value, code) in rows {
        let mut claims = workflow(&issuer);
        claims[name] = value;
        let refusal = world.exchange(WEB, &signed(rsa(), "one", &claims)).await.expect_err(name);
        super::world::check_refusal(&refusal, code, "invalid_client");
    }
    // Nothing of that made us call anybody.
    assert!(issuer.take_asked().is_empty());
    // Another application does not trust the workflow.
    let refusal =
        world.exchange(OTHER, &signed(rsa(), "one", &workflow(&issuer))).await.expect_err("refused");
    assert_eq!(refusal.code.number, 700211);
    let mut several = workflow(&issuer);
    several["aud"] = json!(["other", EXCHANGE]);
    assert_eq!(world.exchanged(&signed(rsa(), "one", &several)).await, None);
}

#[tokio::test]
async fn only_a_published_key_of_the_issuer_counts() {
    let issuer = Issuer::start();
    issuer.publish(&[p256().jwk("one")]);
    let world = World::new().await.calling(&issuer);
    world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
    // A certificate of the client signs for nobody else.
    world.register(CONTOSO, WEB, &rsa().certificate).await;
    let claims = workflow(&issuer);
    assert_eq!(world.exchanged(&signed(rsa(), "one", &claims)).await, Some(700027));
    issuer.take_asked();
    // Ids that nobody published, one after the other, make us ask at most once more.
    for id in ["two", "three", "four"] {
        assert_eq!(world.exchanged(&signed(rsa(), id, &claims)).await, Some(700027), "{id}");
    }
    assert!(issuer.take_asked().len() <= 2);
    let embedded = rsa().token("RS256", json!({ "kid": "one", "jwk": rsa().jwk("one") }), &claims);
    assert_eq!(world.exchanged(&embedded).await, Some(700027));
    let elsewhere = Issuer::start();
    elsewhere.publish(&[rsa().jwk("x")]);
    let header = json!({ "kid": "x", "jku": format!("{}/keys", elsewhere.url) });
    assert_eq!(world.exchanged(&rsa().token("RS256", header, &claims)).await, Some(700027));
    assert!(elsewhere.take_asked().is_empty());
    let none = super::signer::unsigned(&json!({ "alg": "none", "kid": "one" }), &claims);
    assert_eq!(world.exchanged(&format!("{none}.")).await, Some(700027));
}

#[tokio::test]
async fn an_issuer_that_misbehaves_gets_us_nowhere() {
    let rows: Vec<(&str, &str, String)> = vec![
        (
            "redirect",
            "/.well-known/openid-configuration",
            redirect("https://169.254.169.254/latest/meta-data/"),
        ),
        (
            "another issuer",
            "/.well-known/openid-configuration",
            ok(r#"{"issuer":"https://x.example","jwks_uri":"https://x.example/keys"}"#),
        ),
        ("no JSON", "/.well-known/openid-configuration", ok("<html>")),
        ("no keys", "/keys", ok("{}")),
        ("redirected keys", "/keys", redirect("https://169.254.169.254/keys")),
        ("too large", "/keys", ok(&format!(r#"{{"keys":[],"x":"{}"}}"#, "A".repeat(300 * 1024)))),
        (
            "an error",
            "/keys",
            "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_string(),
        ),
    ];
    for (what, path, answer) in rows {
        let issuer = Issuer::start();
        issuer.publish(&[rsa().jwk("one")]);
        issuer.answer(path, answer);
        let world = World::new().await.calling(&issuer);
        world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
        assert_eq!(world.exchanged(&signed(rsa(), "one", &workflow(&issuer))).await, Some(90033), "{what}");
    }
    // Keys at another address than https, or at one that only this machine reaches.
    for keys in
        ["http://localhost/keys", "file:///etc/passwd", "https://127.0.0.1/keys", "https://169.254.169.254/"]
    {
        let issuer = Issuer::start();
        issuer.publish(&[]);
        let document = json!({ "issuer": issuer.url, "jwks_uri": keys });
        issuer.answer_json("/.well-known/openid-configuration", &document);
        let world = World::new().await.calling(&issuer);
        world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
        assert_eq!(world.exchanged(&signed(rsa(), "one", &workflow(&issuer))).await, Some(700027), "{keys}");
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_private_issuer_is_called_only_when_the_operator_lists_it() {
    let issuer = Issuer::start();
    issuer.publish(&[rsa().jwk("one")]);
    let world = World::new().await;
    world.trust(WEB, &issuer.url, SUBJECT, EXCHANGE).await;
    let assertion = signed(rsa(), "one", &workflow(&issuer));
    let authority = world.authority.with_outbound(issuer.fenced_outbound());
    let world = World { authority, store: world.store };
    assert_eq!(world.exchanged(&assertion).await, Some(700027));
    assert!(issuer.take_asked().is_empty());
    let world = World {
        authority: world.later(1).await.authority.with_outbound(issuer.outbound()),
        store: world.store,
    };
    assert_eq!(world.exchanged(&assertion).await, None);
}

#[tokio::test]
async fn of_our_own_tokens_only_those_of_applications_count() {
    let world = World::new().await;
    let id = WEB.to_string();
    let own = format!("https://api.example/{WEB}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", super::world::SECRET),
        ("scope", own.as_str()),
    ];
    let token = world.v2(&fields).await.expect("answers");
    let token = token["access_token"].as_str().expect("text");
    // Web proves Other, which trusts it: no call is made, this is our own key.
    let issuer = format!("{BASE}/{CONTOSO}/v2.0");
    world.trust(OTHER, &issuer, &principal_id(WEB).to_string(), &id).await;
    let answer = world.exchange(OTHER, token).await.expect("a token");
    assert_eq!(claims(&answer["access_token"])["appid"], OTHER.to_string());
    // A person's tokens prove no application, registered or not.
    let person = world.password("alice", &format!("{RES}/.default openid")).await;
    for token in ["access_token", "id_token"] {
        let token = person[token].as_str().expect("text");
        let claims = claims(&Json::from(token));
        let claim = |name: &str| claims[name].as_str().expect("text");
        world.trust(OTHER, claim("iss"), claim("sub"), claim("aud")).await;
        let refusal = world.exchange(OTHER, token).await.expect_err("is refused");
        super::world::check_refusal(&refusal, 700229, "invalid_client");
    }
    // Somebody else's signature under our name.
    let mut forged = claims(&Json::from(token));
    forged["exp"] = json!(start().seconds() + 600);
    assert_eq!(
        world.exchange(OTHER, &signed(rsa(), "k", &forged)).await.expect_err("refused").code.number,
        700027
    );
    world.sql("update service_principals set enabled = 0 where app_id like 'a0000000%0001'").await;
    assert_eq!(world.exchange(OTHER, token).await.expect_err("refused").code.number, 700027);
}
