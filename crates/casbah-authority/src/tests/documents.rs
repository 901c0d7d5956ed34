use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value as Json;

use super::world::{BASE, CONTOSO, World};
use crate::{Endpoint, codes};

const DAY: u64 = 24 * 60 * 60;

async fn keys(world: &World) -> Vec<Json> {
    let document = world.authority.key_document(Endpoint::V2).await.expect("answers");
    document["keys"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn another_library_verifies_our_tokens_with_our_keys() {
    let world = World::new().await;
    let document = world.authority.key_document(Endpoint::V2).await.expect("answers");
    let set: JwkSet = serde_json::from_value(document).expect("a key set");
    let answer = world.app_only().await;
    let token = answer["access_token"].as_str().expect("text");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let jwk = set.find(&header.kid.expect("a key id")).expect("published");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["05a65629-4c1b-48c1-a78b-804c4abdd4af"]);
    validation.set_issuer(&[format!("{BASE}/{CONTOSO}/")]);
    // The library asks the machine for the time, and our clock stands still.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).expect("a key");
    jsonwebtoken::decode::<Json>(token, &key, &validation).expect("verifies");
}

#[tokio::test]
async fn keys_rotate_with_overlap() {
    let world = World::new().await;
    assert_eq!(keys(&world).await.len(), 1);
    assert!(world.authority.rotate_if_due().await.expect("rotates"));
    assert!(!world.authority.rotate_if_due().await.expect("rotates"));
    let [first, second] = <[Json; 2]>::try_from(keys(&world).await).expect("two keys");
    let signs = |world: World| async move {
        let now = world.authority.clock().now();
        Json::from(world.authority.signing_key(now).await.expect("a key").id.clone())
    };
    assert_eq!(signs(world.later(44 * DAY).await).await, first["kid"]);
    let after = world.later(46 * DAY).await;
    assert_eq!(signs(world.later(46 * DAY).await).await, second["kid"]);
    assert_eq!(keys(&after).await.len(), 2, "the old key still verifies");
    assert!(after.authority.rotate_if_due().await.expect("rotates"));
    assert_eq!(keys(&after).await.len(), 3);
    let later = world.later(52 * DAY).await;
    later.authority.rotate_if_due().await.expect("rotates");
    let ids: Vec<Json> = keys(&later).await.into_iter().map(|k| k["kid"].clone()).collect();
    assert!(!ids.contains(&first["kid"]) && ids.contains(&second["kid"]));
    // Nobody rotated for years: a key is there all the same.
    let much_later = world.later(2000 * DAY).await;
    assert_eq!(keys(&much_later).await.len(), 1);
}

#[tokio::test]
async fn late_rotation_publishes_before_it_signs() {
    let world = World::new().await;
    let late = world.later(47 * DAY).await;
    let before = keys(&late).await;
    assert!(late.authority.rotate_if_due().await.expect("rotates"));
    let now = late.authority.clock().now();
    let signing = late.authority.signing_key(now).await.expect("a key").id.clone();
    assert_eq!(before[0]["kid"], signing);
    assert_eq!(keys(&late).await.len(), 2);
}

#[tokio::test]
async fn the_wrong_master_key_is_told() {
    let world = World::new().await;
    let settings = crate::Settings {
        public_url: BASE.to_string(),
        master_key: casbah_model::Secret::new("z".repeat(43)),
    };
    let opened = crate::Authority::open(world.store.clone(), world.authority.clock(), settings).await;
    let message = opened.err().expect("is refused").to_string();
    assert!(message.contains("master key"), "{message}");
}

#[tokio::test]
async fn metadata_follows_the_tenant_segment() {
    let world = World::new().await;
    let v2 = |tenant: &'static str| world.authority.metadata(Endpoint::V2, tenant);
    let by_domain = v2("Contoso.Example").await.expect("answers");
    assert_eq!(by_domain["issuer"], format!("{BASE}/{CONTOSO}/v2.0"));
    assert_eq!(by_domain["token_endpoint"], format!("{BASE}/{CONTOSO}/oauth2/v2.0/token"));
    assert_eq!(by_domain["jwks_uri"], format!("{BASE}/{CONTOSO}/discovery/v2.0/keys"));
    assert_eq!(by_domain["authorization_response_iss_parameter_supported"], true);
    let common = v2("common").await.expect("answers");
    assert_eq!(common["issuer"], format!("{BASE}/{{tenantid}}/v2.0"));
    assert_eq!(common["token_endpoint"], format!("{BASE}/common/oauth2/v2.0/token"));
    let v1 = world.authority.metadata(Endpoint::V1, "contoso.example").await.expect("answers");
    assert_eq!(v1["issuer"], format!("{BASE}/{CONTOSO}/"));
    assert_eq!(v1["token_endpoint"], format!("{BASE}/{CONTOSO}/oauth2/token"));
    let unknown = v2("nowhere.example").await.expect_err("is refused");
    assert_eq!((unknown.code.number, unknown.error), (90002, "invalid_tenant"));
    assert_eq!(v2("x").await.expect_err("is refused").code.number, 900023);
}

#[tokio::test]
async fn instances_and_realms() {
    let world = World::new().await;
    let ours = |url: &str| world.authority.instances(Some(url));
    // One library drops the port.
    for url in ["https://localhost:8443/contoso.example/oauth2/v2.0/authorize", "https://localhost/common/x"]
    {
        let answer = ours(url).expect("answers");
        assert_eq!(answer["metadata"][0]["preferred_network"], "localhost:8443");
    }
    for url in ["https://login.microsoftonline.com/common/x", "nonsense", "https://localhost.evil.example/x"]
    {
        assert_eq!(ours(url).expect_err("is refused").code.number, 50049, "{url}");
    }
    assert!(world.authority.instances(None).is_err());
    for user in ["alice@contoso.example", "nobody@nowhere.example", "x", ""] {
        let realm = world.authority.user_realm(user);
        assert_eq!(realm["account_type"], "Managed");
        assert!(["domain_name", "cloud_instance_name"].iter().all(|name| realm[name] != ""), "{realm}");
    }
}

#[test]
fn every_code_is_listed_once_and_explained() {
    for (position, code) in codes::ALL.iter().enumerate() {
        assert!(code.number < 1 << 31 && code.meaning.ends_with('.'), "{code:?}");
        assert!(!codes::ALL[..position].iter().any(|c| c.number == code.number), "{code:?}");
        let expected = match code.error {
            "invalid_client" => 401,
            "server_error" => 500,
            "temporarily_unavailable" => 503,
            _ if code.number == 900561 => 405,
            _ if code.number == 90015 => 414,
            _ => 400,
        };
        assert_eq!(code.status, expected, "{code:?}");
        assert_eq!(codes::find(code.number), Some(*code));
    }
}
