//! Proof of possession (RFC 9449) at the token endpoint and at each API.

use serde_json::json;

use super::proof_key::{ProofKey, now};
use crate::harness::{ADMINISTRATOR, Answer, CLI_CLIENT, Casbah, PASSWORD, PUBLIC_CLIENT, RESOURCE, TENANT};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn token(casbah: &Casbah, client: &str, scope: &str, proof: &str) -> Answer {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs([
        ("grant_type", "password"),
        ("client_id", client),
        ("username", ADMINISTRATOR),
        ("password", PASSWORD),
        ("scope", scope),
    ]);
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    casbah.anonymous().send("POST", &path, &[FORM, ("dpop", proof)], body.finish().as_bytes())
}

both! {
    /// RFC 9700, 4.10.1 (#17): a stolen token is worth nothing.
    fn a_bound_token_needs_its_key_at_every_api(casbah: &Casbah) {
        let (key, thief) = (ProofKey::new(), ProofKey::new());
        let at = |path: &str| format!("{}{path}", casbah.url);
        for (client, scope, path) in [
            (PUBLIC_CLIENT, format!("{RESOURCE}/.default openid"), "/api/v1/alerts/"),
            (PUBLIC_CLIENT, format!("{RESOURCE}/.default openid"), "/cas/api/v1/alerts/"),
            (CLI_CLIENT, "https://graph.microsoft.com/.default".to_string(), "/v1.0/organization"),
            (CLI_CLIENT, "https://graph.microsoft.com/.default openid".to_string(), "/oidc/userinfo"),
        ] {
            let proof = key.proof("POST", &at(&format!("/{TENANT}/oauth2/v2.0/token")), None);
            let answer = token(casbah, client, &scope, &proof).ok();
            assert_eq!(answer["token_type"], "DPoP");
            let token = answer["access_token"].as_str().unwrap();
            let call = |scheme: &str, proofs: &[&str]| {
                let mut headers: Vec<(&str, &str)> = proofs.iter().map(|p| ("dpop", *p)).collect();
                headers.push(("accept", "application/json"));
                casbah.with_header(&format!("{scheme} {token}")).send("GET", path, &headers, b"")
            };
            let good = key.proof("GET", &at(path), Some(token));
            call("DPoP", &[&good]).ok();
            for (what, scheme, proofs) in [
                ("a bearer token", "Bearer", vec![]),
                ("a bearer token beside a proof", "Bearer", vec![key.proof("GET", &at(path), Some(token))]),
                ("no proof", "DPoP", vec![]),
                ("a used proof", "DPoP", vec![good.clone()]),
                ("two proofs", "DPoP", vec![key.proof("GET", &at(path), Some(token)); 2]),
                ("another method", "DPoP", vec![key.proof("POST", &at(path), Some(token))]),
                ("another path", "DPoP", vec![key.proof("GET", &at("/api/v1/other"), Some(token))]),
                ("another token", "DPoP", vec![key.proof("GET", &at(path), Some("other"))]),
                ("another key", "DPoP", vec![thief.proof("GET", &at(path), Some(token))]),
                ("another host", "DPoP", vec![key.proof("GET", &format!("https://evil.example{path}"), Some(token))]),
                ("no token", "DPoP", vec![key.proof("GET", &at(path), None)]),
                ("an old proof", "DPoP", vec![key.proof_at(now() - 301, "GET", &at(path), Some(token))]),
                ("a proof of the future", "DPoP", vec![key.proof_at(now() + 301, "GET", &at(path), Some(token))]),
                ("a proof for the token endpoint", "DPoP", vec![key.proof("POST", &at(&format!("/{TENANT}/oauth2/v2.0/token")), None)]),
            ] {
                let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
                let answer = call(scheme, &proofs);
                assert_eq!(answer.status, 401, "{path}: {what}: {}", answer.text());
                let challenge = answer.header("www-authenticate");
                assert!(challenge.starts_with("DPoP ") && challenge.contains("invalid_dpop_proof"), "{challenge}");
            }
        }
    }

    /// A batch is one request: its proof counts for each of its parts, and for no second batch.
    fn one_proof_is_enough_for_a_batch(casbah: &Casbah) {
        let (key, at) = (ProofKey::new(), |path: &str| format!("{}{path}", casbah.url));
        let proof = key.proof("POST", &at(&format!("/{TENANT}/oauth2/v2.0/token")), None);
        let answer = token(casbah, CLI_CLIENT, "https://graph.microsoft.com/.default", &proof).ok();
        let token = answer["access_token"].as_str().unwrap();
        let get = |id: &str| json!({ "id": id, "method": "GET", "url": "/organization" });
        let body = json!({ "requests": [get("1"), get("2")] }).to_string();
        let batch = |scheme: &str, proofs: &[&str]| {
            let mut headers: Vec<(&str, &str)> = proofs.iter().map(|proof| ("dpop", *proof)).collect();
            headers.push(("content-type", "application/json"));
            let caller = casbah.with_header(&format!("{scheme} {token}"));
            caller.send("POST", "/v1.0/$batch", &headers, body.as_bytes())
        };
        let good = key.proof("POST", &at("/v1.0/$batch"), Some(token));
        let answer = batch("DPoP", &[&good]).ok();
        for one in answer["responses"].as_array().unwrap() {
            assert_eq!(one["status"], 200, "{one}");
        }
        batch("DPoP", &[&good]).refused(401);
        batch("DPoP", &[&key.proof("GET", &at("/v1.0/organization"), Some(token))]).refused(401);
        batch("DPoP", &[]).refused(401);
        batch("Bearer", &[]).refused(401);
    }

    /// What the metadata lists works, each with a key of its own: at the token endpoint and at an API.
    fn every_listed_algorithm_makes_good_proofs(casbah: &Casbah) {
        let metadata = casbah.anonymous().get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).ok();
        let listed = metadata["dpop_signing_alg_values_supported"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 4, "{listed:?}");
        let url = format!("{}/{TENANT}/oauth2/v2.0/token", casbah.url);
        let scope = format!("{RESOURCE}/.default openid offline_access");
        for algorithm in &listed {
            let algorithm = algorithm.as_str().unwrap();
            let (key, thief) = (ProofKey::with(algorithm), ProofKey::with(algorithm));
            let answer = token(casbah, PUBLIC_CLIENT, &scope, &key.proof("POST", &url, None)).ok();
            let access = answer["access_token"].as_str().unwrap();
            let at = format!("{}/api/v1/alerts/", casbah.url);
            let call = |proof: &str| {
                let session = casbah.with_header(&format!("DPoP {access}"));
                session.send("GET", "/api/v1/alerts/", &[("dpop", proof)], b"").status
            };
            assert_eq!(call(&key.proof("GET", &at, Some(access))), 200, "{algorithm}");
            assert_eq!(call(&thief.proof("GET", &at, Some(access))), 401, "{algorithm}");
            // A signature over something else, and the algorithm of another kind of key.
            let good = key.proof("GET", &at, Some(access));
            let other = key.proof("GET", &at, Some(access));
            let (head, _) = good.rsplit_once('.').unwrap();
            let (_, signature) = other.rsplit_once('.').unwrap();
            assert_eq!(call(&format!("{head}.{signature}")), 401, "{algorithm}");
            for alg in ["none", "HS256", "ES384", "RS512"].into_iter().chain(listed.iter().filter_map(|a| a.as_str())) {
                if alg == algorithm {
                    continue;
                }
                let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": key.jwk() });
                let claims = json!({ "jti": alg, "htm": "POST", "htu": url, "iat": now() });
                let refused = token(casbah, PUBLIC_CLIENT, &scope, &key.sign(&header, &claims));
                assert_eq!(refused.refused(400)["error"], "invalid_dpop_proof", "{algorithm} said to be {alg}");
            }
            // The refresh token of a public client keeps its key.
            let refresh = |proof: Option<&str>| {
                let form = [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", answer["refresh_token"].as_str().unwrap())];
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
                let headers: Vec<(&str, &str)> = [FORM].into_iter().chain(proof.map(|p| ("dpop", p))).collect();
                casbah.anonymous().send("POST", &format!("/{TENANT}/oauth2/v2.0/token"), &headers, body.as_bytes())
            };
            for proof in [None, Some(thief.proof("POST", &url, None))] {
                let refused = refresh(proof.as_deref()).refused(400);
                assert_eq!(refused["error_codes"], json!([9_900_002]), "{algorithm}");
            }
            refresh(Some(&key.proof("POST", &url, None))).ok();
        }
    }

    fn without_a_proof_nothing_changes(casbah: &Casbah) {
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let answer = token(casbah, PUBLIC_CLIENT, &format!("{RESOURCE}/.default"), "nonsense");
        assert_eq!(answer.refused(400)["error"], "invalid_dpop_proof");
        assert!(answer.headers.get("dpop-nonce").is_none());
        assert!(!answer.text().contains("use_dpop_nonce"));
        let elsewhere = ProofKey::new().proof("POST", &format!("https://evil.example{path}"), None);
        token(casbah, PUBLIC_CLIENT, &format!("{RESOURCE}/.default"), &elsewhere).refused(400);
        assert_eq!(casbah.user_tokens(ADMINISTRATOR, &format!("{RESOURCE}/.default"))["token_type"], "Bearer");
    }
}
