//! Every endpoint in every spelling of the tenant and both versions.

use serde_json::json;

use crate::harness::{
    ADMINISTRATOR, Answer, CLIENT, CLIENT_SECRET, Casbah, PASSWORD, PUBLIC_CLIENT, RESOURCE, TENANT,
};

/// How an endpoint is asked, and what a good answer has.
enum Ask {
    Get(&'static str),
    Post(&'static str, &'static [(&'static str, &'static str)]),
}

const SECRET: (&str, &str) = ("client_secret", CLIENT_SECRET);
const ID: (&str, &str) = ("client_id", CLIENT);
const PUBLIC: (&str, &str) = ("client_id", PUBLIC_CLIENT);
const SCOPE: (&str, &str) = ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default");
const V1_RESOURCE: (&str, &str) = ("resource", RESOURCE);
const APP_ONLY: (&str, &str) = ("grant_type", "client_credentials");
const QUERY: &str = "client_id=aaaaaaaa-0000-4000-8000-000000000003&response_type=code\
    &redirect_uri=http%3A%2F%2Flocalhost%3A5000&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default";

/// Path behind the tenant, how it is asked, status, and a text of the answer (`{tid}` is the tenant's id).
const ENDPOINTS: &[(&str, Ask, u16, &str)] = &[
    ("v2.0/.well-known/openid-configuration", Ask::Get(""), 200, "/{tid}/v2.0\""),
    (".well-known/openid-configuration", Ask::Get(""), 200, "/{tid}/\""),
    ("v2.0/.well-known/oauth-authorization-server", Ask::Get(""), 200, "/{tid}/v2.0\""),
    (".well-known/oauth-authorization-server", Ask::Get(""), 200, "/{tid}/\""),
    ("discovery/v2.0/keys", Ask::Get(""), 200, "\"x5c\""),
    ("discovery/keys", Ask::Get("appid=x"), 200, "\"x5c\""),
    (
        "discovery/instance",
        Ask::Get("api-version=1.1&authorization_endpoint={base}/common/oauth2/authorize"),
        200,
        "tenant_discovery_endpoint",
    ),
    ("userrealm/nobody@contoso.example", Ask::Get("api-version=1.0"), 200, "Managed"),
    ("UserRealm/nobody%40contoso.example", Ask::Get("api-version=1.0"), 200, "\"contoso.example\""),
    ("oauth2/v2.0/authorize", Ask::Get(QUERY), 200, "Sign in"),
    ("oauth2/authorize", Ask::Get(QUERY), 200, "Sign in"),
    ("oauth2/v2.0/authorize", Ask::Post("", &[PUBLIC, ("response_type", "code")]), 303, ""),
    ("oauth2/authorize", Ask::Post("", &[PUBLIC, ("response_type", "code")]), 303, ""),
    ("oauth2/v2.0/token", Ask::Post("", &[APP_ONLY, ID, SECRET, SCOPE]), 200, "access_token"),
    (
        "oauth2/v2.0/token",
        Ask::Post("client-request-id=x", &[APP_ONLY, ID, SECRET, SCOPE]),
        200,
        "access_token",
    ),
    ("oauth2/token", Ask::Post("", &[APP_ONLY, ID, SECRET, V1_RESOURCE]), 200, "access_token"),
    ("oauth2/v2.0/devicecode", Ask::Post("", &[PUBLIC, SCOPE]), 200, "\"verification_uri\""),
    ("oauth2/devicecode", Ask::Post("api-version=1.0", &[PUBLIC, V1_RESOURCE]), 200, "\"verification_url\""),
    ("oauth2/v2.0/introspect", Ask::Post("", &[ID, SECRET, ("token", "x")]), 200, "\"active\":false"),
    ("oauth2/v2.0/revoke", Ask::Post("", &[ID, SECRET, ("token", "x")]), 200, "{}"),
    (
        "oauth2/v2.0/par",
        Ask::Post("", &[PUBLIC, SCOPE, ("response_type", "code"), ("redirect_uri", "http://localhost:5000")]),
        201,
        "urn:ietf:params:oauth:request_uri:",
    ),
    ("oauth2/v2.0/logout", Ask::Get(""), 200, "Signed out"),
    ("oauth2/logout", Ask::Get(""), 200, "Signed out"),
    ("oauth2/v2.0/logout", Ask::Post("", &[("state", "x")]), 303, ""),
    ("oauth2/logout", Ask::Post("", &[("state", "x")]), 303, ""),
    (
        "adminconsent",
        Ask::Get("client_id=aaaaaaaa-0000-4000-8000-000000000003&redirect_uri=http%3A%2F%2Flocalhost%3A5000"),
        200,
        "Sign in",
    ),
    (
        "v2.0/adminconsent",
        Ask::Get(
            "client_id=aaaaaaaa-0000-4000-8000-000000000003&redirect_uri=http%3A%2F%2Flocalhost%3A5000&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default",
        ),
        200,
        "Sign in",
    ),
];

fn ask(casbah: &Casbah, path: &str, ask: &Ask) -> Answer {
    let at = |query: &str| {
        let query = query.replace("{base}", &casbah.url);
        if query.is_empty() { path.to_string() } else { format!("{path}?{query}") }
    };
    match ask {
        Ask::Get(query) => casbah.anonymous().get(&at(query)),
        Ask::Post(query, form) => casbah.anonymous().post_form(&at(query), form),
    }
}

both! {
    fn each_in_every_spelling_of_the_tenant(casbah: &Casbah) {
        let upper = TENANT.to_uppercase();
        for tenant in [TENANT, upper.as_str(), "contoso.example", "Contoso.EXAMPLE"] {
            for (below, how, status, text) in ENDPOINTS {
                for path in [format!("/{tenant}/{below}"), format!("//{tenant}//{below}"), format!("/{tenant}/{below}/")] {
                    let answer = ask(casbah, &path, how);
                    assert_eq!(answer.status, *status, "{path}: {}", answer.text());
                    let text = text.replace("{tid}", TENANT);
                    assert!(answer.text().contains(&text), "{path}: {text} is not in {}", answer.text());
                }
            }
        }
    }

    fn aliases_leave_the_tenant_to_the_request(casbah: &Casbah) {
        for alias in ["common", "organizations", "Common"] {
            let lower = alias.to_lowercase();
            for (below, issuer) in [("v2.0/", "/{tenantid}/v2.0"), ("", "/{tenantid}/")] {
                let path = format!("/{alias}/{below}.well-known/openid-configuration");
                let document = casbah.anonymous().get(&path).ok();
                assert_eq!(document["issuer"], format!("{}{issuer}", casbah.url));
                assert!(document["token_endpoint"].as_str().unwrap().contains(&format!("/{lower}/oauth2/")));
            }
            for below in ["discovery/v2.0/keys", "discovery/keys", "oauth2/v2.0/logout", "oauth2/logout"] {
                assert_eq!(casbah.anonymous().get(&format!("/{alias}/{below}")).status, 200, "{alias}/{below}");
            }
            for below in ["oauth2/v2.0/authorize", "oauth2/authorize"] {
                let page = casbah.anonymous().get(&format!("/{alias}/{below}?{QUERY}"));
                assert_eq!(page.status, 200, "{alias}/{below}: {}", page.text());
            }
            for (below, form) in [
                ("oauth2/v2.0/devicecode", [PUBLIC, SCOPE]),
                ("oauth2/devicecode", [PUBLIC, V1_RESOURCE]),
            ] {
                casbah.anonymous().post_form(&format!("/{alias}/{below}"), &form).ok();
            }
            // Who acts as itself says for which tenant.
            for (below, form) in [
                ("oauth2/v2.0/token", [APP_ONLY, ID, SECRET, SCOPE]),
                ("oauth2/token", [APP_ONLY, ID, SECRET, V1_RESOURCE]),
            ] {
                let answer = casbah.anonymous().post_form(&format!("/{alias}/{below}"), &form);
                assert_eq!(answer.refused(400)["error_codes"], json!([50_059]));
            }
        }
        for (tenant, status, codes) in [
            ("organizations", 200, json!(null)),
            ("common", 400, json!([9_001_023])),
            ("consumers", 400, json!([9_001_023])),
        ] {
            let form = [("grant_type", "password"), PUBLIC, SCOPE, ("username", ADMINISTRATOR), ("password", PASSWORD)];
            let answer = casbah.anonymous().post_form(&format!("/{tenant}/oauth2/v2.0/token"), &form);
            assert_eq!((answer.status, &answer.json()["error_codes"]), (status, &codes), "{tenant}");
        }
    }

    fn tenants_that_are_none(casbah: &Casbah) {
        let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
        for (tenant, code, at_metadata) in [
            ("consumers", 500_208, "served"),
            (personal, 90_002, "invalid_tenant"),
            ("nowhere.example", 90_002, "invalid_tenant"),
            ("not_a_tenant", 900_023, "invalid_request"),
            ("%3Cscript%3E", 900_023, "invalid_request"),
        ] {
            for version in ["v2.0/", ""] {
                let path = format!("/{tenant}/{version}.well-known/openid-configuration");
                let answer = casbah.anonymous().get(&path);
                if at_metadata == "served" {
                    answer.ok();
                } else {
                    let body = answer.refused(400);
                    assert_eq!((&body["error"], &body["error_codes"]), (&json!(at_metadata), &json!([code])), "{path}");
                }
                for below in ["token", "devicecode"] {
                    let form = match version {
                        "" => vec![APP_ONLY, ID, SECRET, V1_RESOURCE],
                        _ => vec![APP_ONLY, ID, SECRET, SCOPE],
                    };
                    let answer = casbah.anonymous().post_form(&format!("/{tenant}/oauth2/{version}{below}"), &form);
                    let body = answer.refused(400);
                    assert_eq!((&body["error"], &body["error_codes"]), (&json!("invalid_request"), &json!([code])), "{path} {below}");
                }
                let page = casbah.anonymous().get(&format!("/{tenant}/oauth2/{version}authorize?{QUERY}"));
                assert_eq!((page.status, page.header("location")), (400, ""), "{tenant}");
                assert!(page.text().contains(&format!("AADSTS{code}")) && !page.text().contains("<script>"), "{tenant}");
            }
            for below in ["introspect", "revoke", "par"] {
                let form = [ID, SECRET, ("token", "x"), ("response_type", "code")];
                let answer = casbah.anonymous().post_form(&format!("/{tenant}/oauth2/v2.0/{below}"), &form);
                assert_eq!(answer.refused(400)["error_codes"], json!([code]), "{tenant} {below}");
            }
        }
    }

    /// Pages of single-page applications may read answers and documents; nobody's cookies count.
    fn what_pages_of_others_may_read(casbah: &Casbah) {
        let origin = ("origin", "https://spa.example");
        for below in ["oauth2/v2.0/token", "oauth2/token", "oauth2/v2.0/revoke", "oauth2/v2.0/devicecode"] {
            let path = format!("/{TENANT}/{below}");
            let asks = [origin, ("access-control-request-method", "POST"), ("access-control-request-headers", "dpop")];
            let answer = casbah.anonymous().send("OPTIONS", &path, &asks, b"");
            assert_eq!(answer.status, 204, "{below}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert!(answer.headers.get("access-control-allow-credentials").is_none());
            assert_eq!(answer.header("access-control-allow-methods"), "POST, OPTIONS");
            let allowed = answer.header("access-control-allow-headers");
            for header in ["content-type", "x-client-sku", "client-request-id", "x-ms-lib-capability", "x-anchormailbox", "dpop"] {
                assert!(allowed.contains(header), "{header} in {allowed}");
            }
            let answer = casbah.anonymous().send("POST", &path, &[origin], b"");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let exposed = answer.header("access-control-expose-headers");
            assert!(exposed.contains("x-ms-request-id") && exposed.contains("Retry-After"), "{exposed}");
        }
        for path in [
            format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
            format!("/{TENANT}/discovery/v2.0/keys"),
            format!("/common/discovery/instance?authorization_endpoint={}/common/oauth2/authorize", casbah.url),
        ] {
            let answer = casbah.anonymous().send("GET", &path, &[origin], b"");
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"), "{path}");
        }
        // The APIs, before and with a call; a refusal is as readable.
        for path in ["/api/v1/alerts/", "/cas/api/v1/alerts", "/v1.0/me", "/beta/applications"] {
            let asks = [
                origin,
                ("access-control-request-method", "PATCH"),
                ("access-control-request-headers", "authorization,consistencylevel"),
            ];
            let answer = casbah.anonymous().send("OPTIONS", path, &asks, b"");
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"), "{path}");
            assert!(answer.headers.get("access-control-allow-credentials").is_none());
            assert!(answer.header("access-control-allow-methods").contains("PATCH"));
            assert_eq!(answer.header("access-control-allow-headers"), "authorization,consistencylevel");
            let answer = casbah.anonymous().send("GET", path, &[origin], b"");
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, "*"), "{path}");
            let answer = casbah.anonymous().send("GET", path, &[], b"");
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
        }
        for path in ["/account", "/sign-in/next"] {
            let page = casbah.anonymous().send("GET", path, &[origin], b"");
            assert!(page.headers.get("access-control-allow-origin").is_none(), "{path}");
        }
        let page = casbah.anonymous().send("GET", &format!("/{TENANT}/oauth2/v2.0/authorize?{QUERY}"), &[origin], b"");
        assert!(page.headers.get("access-control-allow-origin").is_none());
    }

    fn headers_of_token_answers(casbah: &Casbah) {
        let id = "11111111-2222-4333-8444-555555555555";
        let path = format!("/{TENANT}/oauth2/v2.0/token");
        let form = b"grant_type=client_credentials";
        let kind = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        for sent in [vec![kind, ("client-request-id", id)], vec![kind, ("x-ms-client-request-id", id)]] {
            let answer = casbah.anonymous().send("POST", &path, &sent, form);
            assert_eq!(answer.refused(400)["correlation_id"], id);
            assert!(answer.headers.get("client-request-id").is_none());
        }
        let sent = [kind, ("client-request-id", id), ("return-client-request-id", "true")];
        let answer = casbah.anonymous().send("POST", &path, &sent, form);
        assert_eq!(answer.header("client-request-id"), id);
        assert_eq!(answer.header("x-ms-request-id"), answer.json()["trace_id"].as_str().unwrap());
        for (name, value) in [
            ("cache-control", "no-store, no-cache"),
            ("pragma", "no-cache"),
            ("expires", "-1"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(answer.header("content-type").starts_with("application/json"));
        assert!(answer.header("strict-transport-security").contains("max-age"));
        for host in ["https://evil.example/common/oauth2/authorize", "nonsense", "https://localhost.evil.example/x"] {
            let path = format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={host}");
            let body = casbah.anonymous().get(&path).refused(400);
            assert_eq!((&body["error"], &body["error_codes"]), (&json!("invalid_instance"), &json!([50_049])));
        }
    }

    /// What the metadata lists is there, and what is there is listed.
    fn the_metadata_tells_the_truth(casbah: &Casbah) {
        for version in ["v2.0/", ""] {
            let document = casbah.anonymous().get(&format!("/{TENANT}/{version}.well-known/openid-configuration")).ok();
            for (name, value) in document.as_object().unwrap() {
                let Some(url) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") else { continue };
                let status = casbah.anonymous().get(url).status;
                assert!(![404, 500].contains(&status), "{name} at {url}: {status}");
            }
            for name in ["introspection_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint", "end_session_endpoint"] {
                assert!(document[name].is_string(), "{name}");
            }
            for endpoint in ["token", "introspection", "revocation"] {
                let listed = |what: &str| document[format!("{endpoint}_endpoint_auth_{what}_supported")].clone();
                assert!(listed("methods").as_array().unwrap().contains(&json!("private_key_jwt")), "{endpoint}");
                assert!(listed("signing_alg_values").as_array().unwrap().contains(&json!("PS256")), "{endpoint}");
            }
            assert_eq!(document["authorization_response_iss_parameter_supported"], true);
            assert_eq!(document["request_uri_parameter_supported"], false);
            assert_eq!(document["response_types_supported"], json!(["code", "id_token", "code id_token"]));
            assert_eq!(document["dpop_signing_alg_values_supported"], json!(["ES256", "RS256", "PS256", "EdDSA"]));
            let grants = document["grant_types_supported"].as_array().unwrap();
            assert!(grants.contains(&json!("urn:ietf:params:oauth:grant-type:jwt-bearer")), "{grants:?}");
            assert!(document.get("verification_url").is_none());
        }
        for (alias, expected) in [
            (format!("/.well-known/oauth-authorization-server/{TENANT}/v2.0"), format!("{}/{TENANT}/v2.0", casbah.url)),
            (format!("/.well-known/oauth-authorization-server/{TENANT}/"), format!("{}/{TENANT}/", casbah.url)),
        ] {
            assert_eq!(casbah.anonymous().get(&alias).ok()["issuer"], expected);
        }
    }
}
