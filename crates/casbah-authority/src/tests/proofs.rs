use casbah_model::Secret;
use serde_json::{Value as Json, json};

use super::keys_of_clients::{ClientKey, presented};
use super::world::{
    BASE, CONTOSO, DESKTOP, PASSWORD, SECRET, WEB, World, check_refusal, claims, form, start,
};
use crate::{Audience, Endpoint, OAuthError, Presented, PresentedProof, Refusal, TokenRequest};

const RES: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
const API: &str = "https://localhost:8443/api/v1/alerts/";

fn token_url() -> String {
    format!("{BASE}/{CONTOSO}/oauth2/v2.0/token")
}

async fn ask(
    world: &World,
    fields: &[(&str, &str)],
    proof: Option<PresentedProof>,
) -> Result<Json, OAuthError> {
    let request = TokenRequest {
        endpoint: Endpoint::V2,
        tenant: CONTOSO.to_string(),
        form: form(fields),
        authorization: None,
        origin: None,
        proof,
    };
    world.authority.token(request).await
}

fn password(id: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "password"),
        ("client_id", id),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default offline_access"),
    ]
}

fn now() -> i64 {
    start().seconds()
}

#[tokio::test]
async fn a_bound_token_is_worth_nothing_without_its_key() {
    let world = World::new().await;
    let (key, other) = (ClientKey::new(), ClientKey::new());
    let id = DESKTOP.to_string();
    let proof = key.proof("POST", &token_url(), now(), None);
    let answer = ask(&world, &password(&id), Some(proof)).await.expect("answers");
    assert_eq!(answer["token_type"], "DPoP");
    assert!(claims(&answer["access_token"])["cnf"]["jkt"].is_string());
    let token = answer["access_token"].as_str().expect("text");
    let verify = |presented: Presented<'static>| {
        let authority = &world.authority;
        async move { authority.verify(&presented, Audience::CloudApps).await }
    };
    let token: &'static str = Box::leak(token.to_string().into_boxed_str());
    let good = key.proof("GET", API, now(), Some(token));
    assert!(verify(Presented::with_proof(token, good.clone())).await.is_ok());
    for (what, presented) in [
        ("a bearer token", Presented::bearer(token)),
        ("the same proof", Presented::with_proof(token, good)),
        ("another key", Presented::with_proof(token, other.proof("GET", API, now(), Some(token)))),
        ("no ath", Presented::with_proof(token, key.proof("GET", API, now(), None))),
        ("ath of another", Presented::with_proof(token, key.proof("GET", API, now(), Some("other")))),
    ] {
        let refusal = verify(presented).await.err();
        assert!(matches!(refusal, Some(Refusal::BadProof(_))), "{what}: {refusal:?}");
    }
    // The other way round: a token without a key does not get better by a proof.
    let bearer = ask(&world, &password(&id), None).await.expect("answers");
    assert_eq!(bearer["token_type"], "Bearer");
    let bearer = bearer["access_token"].as_str().expect("text");
    let presented = Presented::with_proof(bearer, key.proof("GET", API, now(), Some(bearer)));
    let refusal = world.authority.verify(&presented, Audience::CloudApps).await.err();
    assert!(matches!(refusal, Some(Refusal::BadProof(_))), "{refusal:?}");
}

#[tokio::test]
async fn refresh_tokens_of_public_clients_keep_their_key() {
    let world = World::new().await;
    let (key, other) = (ClientKey::new(), ClientKey::new());
    let id = DESKTOP.to_string();
    let proof = || key.proof("POST", &token_url(), now(), None);
    let answer = ask(&world, &password(&id), Some(proof())).await.expect("answers");
    let refresh = answer["refresh_token"].as_str().expect("text");
    let fields = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", refresh)];
    for (what, proof) in [("none", None), ("another", Some(other.proof("POST", &token_url(), now(), None)))] {
        let refusal = ask(&world, &fields, proof).await.expect_err(what);
        check_refusal(&refusal, 9_900_002, "invalid_grant");
    }
    let answer = ask(&world, &fields, Some(proof())).await.expect("the key is right");
    assert_eq!(answer["token_type"], "DPoP");
    let refresh = answer["refresh_token"].as_str().expect("text");
    let fields = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", refresh)];
    check_refusal(&ask(&world, &fields, None).await.expect_err("still bound"), 9_900_002, "invalid_grant");
}

#[tokio::test]
async fn an_application_binds_its_own_token() {
    let world = World::new().await;
    let key = ClientKey::new();
    let (id, scope) = (WEB.to_string(), format!("{RES}/.default"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", SECRET),
        ("scope", &scope),
    ];
    let proof = key.proof("POST", &token_url(), now(), None);
    let answer = ask(&world, &fields, Some(proof.clone())).await.expect("answers");
    assert_eq!(answer["token_type"], "DPoP");
    let again = ask(&world, &fields, Some(proof)).await.expect_err("the proof was used");
    check_refusal(&again, 9_900_001, "invalid_dpop_proof");
}

#[tokio::test]
async fn wrong_proofs_are_refused() {
    let world = World::new().await;
    let key = ClientKey::new();
    let id = DESKTOP.to_string();
    let good = json!({ "jti": "1", "htm": "POST", "htu": token_url(), "iat": now() });
    let changed = |name: &str, value: Json| {
        let mut claims = good.clone();
        claims[name] = value;
        key.sign(&key.header(), &claims)
    };
    let headed = |name: &str, value: Json| {
        let mut header = key.header();
        header[name] = value;
        key.sign(&header, &good)
    };
    let mut private = key.jwk();
    private["d"] = "AAAA".into();
    let signed = key.sign(&key.header(), &good);
    let (unsigned, _) = signed.rsplit_once('.').expect("three parts");
    let cases = [
        ("jti", changed("jti", json!(""))),
        ("jti of a number", changed("jti", json!(7))),
        ("long jti", changed("jti", json!("j".repeat(257)))),
        ("htm", changed("htm", json!("GET"))),
        ("htu of another path", changed("htu", json!(format!("{BASE}/other/oauth2/v2.0/token")))),
        ("htu of another host", changed("htu", json!(token_url().replace("localhost", "evil.example")))),
        ("htu of another port", changed("htu", json!(token_url().replace("8443", "8444")))),
        ("old", changed("iat", json!(now() - 301))),
        ("of the future", changed("iat", json!(now() + 301))),
        ("far away", changed("iat", json!(i64::MIN))),
        ("iat as text", changed("iat", json!(now().to_string()))),
        ("typ", headed("typ", json!("JWT"))),
        ("alg none", headed("alg", json!("none"))),
        ("alg HS256", headed("alg", json!("HS256"))),
        ("alg of another key", headed("alg", json!("RS256"))),
        ("crit", headed("crit", json!(["b64"]))),
        ("a private key", headed("jwk", private)),
        ("no key", headed("jwk", Json::Null)),
        ("another's key", headed("jwk", ClientKey::new().jwk())),
        ("a symmetric key", headed("jwk", json!({ "kty": "oct", "k": "AAAA" }))),
        ("no signature", format!("{unsigned}.")),
        ("no token", "nonsense".to_string()),
        ("much too long", "a".repeat(10_000)),
    ];
    for (what, proof) in cases {
        let refusal = ask(&world, &password(&id), Some(presented(&proof, "POST", &token_url()))).await;
        check_refusal(&refusal.expect_err(what), 9_900_001, "invalid_dpop_proof");
    }
    let mut twice = presented(&signed, "POST", &token_url());
    twice.proofs.push(Secret::new(signed.as_str()));
    let refusal = ask(&world, &password(&id), Some(twice)).await.expect_err("two headers");
    check_refusal(&refusal, 9_900_001, "invalid_dpop_proof");
    // Query, fragment, spelled-out port and upper-case host are no difference.
    for url in [format!("{}?a=b#c", token_url()), token_url().replace("localhost", "LOCALHOST")] {
        let mut claims = good.clone();
        claims["htu"] = url.as_str().into();
        claims["jti"] = url.as_str().into();
        let proof = presented(&key.sign(&key.header(), &claims), "POST", &token_url());
        assert!(ask(&world, &password(&id), Some(proof)).await.is_ok(), "{url}");
    }
}
