//! Proof of possession (RFC 9449) at the token endpoint and at each API.

use super::proof_key::ProofKey;
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
            ] {
                let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
                let answer = call(scheme, &proofs);
                assert_eq!(answer.status, 401, "{path}: {what}: {}", answer.text());
                let challenge = answer.header("www-authenticate");
                assert!(challenge.starts_with("DPoP ") && challenge.contains("invalid_dpop_proof"), "{challenge}");
            }
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
