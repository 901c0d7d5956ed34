//! What applications prove themselves with, over TLS: certificates, tokens of other issuers, secrets that are
//! rotated.

use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use casbah_model::{ClientSecretForm, find_client_secrets};
use serde_json::{Value, json};

use self::signer::Signer;
use crate::harness::{
    ADMINISTRATOR, Casbah, Database, NOW, Options, READER, RESOURCE, Session, TENANT, casbah,
};

pub(crate) mod signer;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An application with a service principal: object id and client id.
fn application(administrator: &Session, name: &str) -> (String, String) {
    let made = administrator.post("/v1.0/applications", &json!({ "displayName": name }));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let principal = administrator.post("/v1.0/servicePrincipals", &json!({ "appId": made["appId"] }));
    assert_eq!(principal.status, 201, "{}", principal.text());
    (text(&made["id"]).to_string(), text(&made["appId"]).to_string())
}

fn patch(caller: &Session, path: &str, body: &Value) -> crate::harness::Answer {
    caller.send("PATCH", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

fn exchange(casbah: &Casbah, client: &str, assertion: &str) -> crate::harness::Answer {
    let scope = format!("{RESOURCE}/.default");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("scope", &scope),
    ];
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
}

fn with_secret(casbah: &Casbah, client: &str, secret: &str) -> crate::harness::Answer {
    let scope = format!("{RESOURCE}/.default");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", &scope),
    ];
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
}

pub(crate) fn now() -> i64 {
    NOW.parse::<casbah_model::Timestamp>().unwrap().seconds()
}

/// What a library claims that signs with a certificate.
fn own_claims(casbah: &Casbah, client: &str) -> Value {
    let audience = format!("{}/{TENANT}/oauth2/v2.0/token", casbah.url);
    json!({ "iss": client, "sub": client, "aud": audience, "jti": "1", "nbf": now(), "exp": now() + 600 })
}

fn claims(token: &Value) -> Value {
    let part = text(token).split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// As `az ad app credential reset --cert` and the SDKs write them.
pub(crate) fn key_credential(signer: &Signer, lines: bool) -> Value {
    let mut key = STANDARD.encode(&signer.der);
    if lines {
        let parts: Vec<&str> = key.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
        key = parts.join("\n") + "\n";
    }
    json!({
        "@odata.type": "#microsoft.graph.keyCredential", "displayName": "CN=test", "key": key, "keyId": null,
        "type": "AsymmetricX509Cert", "usage": "Verify", "customKeyIdentifier": null,
        "startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2027-11-01T00:00:00Z",
    })
}

both! {
    fn certificates_are_registered_used_and_rolled(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let (id, client) = application(&administrator, "With certificates");
        let path = format!("/v1.0/applications/{id}");
        let (first, second, third) = (Signer::new(), Signer::new(), Signer::new());
        let sign_in = |signer: &Signer| exchange(casbah, &client, &signer.assertion(&own_claims(casbah, &client)));
        sign_in(&first).refused(401);
        assert_eq!(patch(&administrator, &path, &json!({ "keyCredentials": [key_credential(&first, true)] })).status, 204);
        let answer = sign_in(&first).ok();
        assert_eq!(claims(&answer["access_token"])["appidacr"], "2");
        // The key itself is shown only where it is asked for.
        let shown = administrator.get(&path).ok()["keyCredentials"][0].clone();
        assert_eq!((&shown["key"], &shown["type"], &shown["usage"]), (&json!(null), &json!("AsymmetricX509Cert"), &json!("Verify")));
        assert_eq!(shown["endDateTime"], "2027-11-01T00:00:00.000Z");
        let selected = administrator.get(&format!("{path}?$select=keyCredentials")).ok();
        assert_eq!(selected["keyCredentials"][0]["key"], STANDARD.encode(&first.der));
        // A second one beside it, as `--append` does: what is there is named by its id.
        let kept = json!({ "keyId": shown["keyId"], "type": "AsymmetricX509Cert", "usage": "Verify",
            "customKeyIdentifier": shown["customKeyIdentifier"], "key": null });
        let both = json!({ "keyCredentials": [kept, key_credential(&second, false)], "notes": null });
        assert_eq!(patch(&administrator, &path, &both).status, 204);
        sign_in(&first).ok();
        sign_in(&second).ok();
        // Rolled by somebody who holds a key, and by nobody else.
        let add = |proof: &str, signer: &Signer| {
            let body = json!({ "keyCredential": key_credential(signer, false), "passwordCredential": null, "proof": proof });
            administrator.post(&format!("{path}/addKey"), &body)
        };
        let proof = json!({ "iss": id, "aud": "00000002-0000-0000-c000-000000000000", "nbf": now(), "exp": now() + 600 });
        add(&third.assertion(&proof), &third).refused(400);
        add(&second.assertion(&own_claims(casbah, &client)), &third).refused(400);
        let mut long = proof.clone();
        long["exp"] = json!(now() + 7200);
        add(&second.assertion(&long), &third).refused(400);
        let added = add(&second.assertion(&proof), &third).ok();
        sign_in(&third).ok();
        let remove = |key: &Value, proof: &str| administrator.post(&format!("{path}/removeKey"), &json!({ "keyId": key, "proof": proof }));
        remove(&shown["keyId"], "x.y.z").refused(400);
        assert_eq!(remove(&shown["keyId"], &third.assertion(&proof)).status, 204);
        assert_eq!(sign_in(&first).refused(401)["error_codes"], json!([700027]));
        sign_in(&second).ok();
        // The same certificate twice, nonsense, and what only looks like a certificate.
        let conflict = json!({ "keyCredentials": [{ "keyId": added["keyId"] }, key_credential(&third, false)] });
        assert_eq!(patch(&administrator, &path, &conflict).status, 409);
        for wrong in [json!({ "key": "AAAA" }), json!({ "key": "" }), json!({}), json!({ "keyId": "1a1a1a1a-0000-4000-8000-000000000001" }),
            json!({ "key": STANDARD.encode(&first.der), "usage": "Sign" }), json!({ "key": STANDARD.encode(first.private_pem()) })] {
            assert_eq!(patch(&administrator, &path, &json!({ "keyCredentials": [wrong] })).status, 400, "{wrong}");
        }
        sign_in(&third).ok();
        // In the body of a new application too.
        let made = administrator.post("/v1.0/applications", &json!({ "displayName": "Born with one", "keyCredentials": [key_credential(&first, true)] }));
        assert_eq!((made.status, made.json()["keyCredentials"].as_array().map(Vec::len)), (201, Some(1)));
        // Who may only read may not.
        let reader = casbah.bearer(&casbah.directory_token(READER));
        assert_eq!(patch(&reader, &path, &json!({ "keyCredentials": [] })).status, 403);
        assert_eq!(patch(&administrator, &path, &json!({ "keyCredentials": [] })).status, 204);
        sign_in(&third).refused(401);
        assert!(!casbah.log().contains(&STANDARD.encode(&first.der)[..40]));
    }

    fn federated_credentials_follow_the_rules_of_graph(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let (id, _) = application(&administrator, "With federation");
        let list = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
        let body = json!({ "name": "main", "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:octo-org/octo-repo:ref:refs/heads/main", "audiences": ["api://AzureADTokenExchange"] });
        let made = administrator.post(&list, &body);
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let with = |name: &str, value: Value| { let mut body = body.clone(); body[name] = value; body };
        let taken = administrator.post(&list, &with("subject", json!("other"))).refused(409);
        assert_eq!(taken["error"]["code"], "Request_MultipleObjectsWithSameKeyValue");
        assert_eq!(administrator.post(&list, &with("name", json!("other"))).status, 409);
        for wrong in [with("name", json!("a/b")), with("name", json!("x")), with("name", json!("-ab")), with("name", json!("n".repeat(121))),
            with("issuer", json!("http://plain.example")), with("issuer", json!("https://user@x.example")), with("issuer", json!("")),
            with("audiences", json!([])), with("audiences", json!(["a", "b"])), with("audiences", json!("a")),
            with("subject", json!("s".repeat(601))), with("subject", json!(null)), with("unknown", json!("x"))] {
            let mut wrong = wrong;
            if wrong["name"] == "main" { wrong["name"] = json!("fresh"); }
            assert_eq!(administrator.post(&list, &wrong).status, 400, "{wrong}");
        }
        // By id, by name, and by name as a key.
        for one in [text(&made["id"]), "main", ] {
            assert_eq!(administrator.get(&format!("{list}/{one}")).ok()["subject"], body["subject"]);
        }
        assert_eq!(administrator.get(&format!("{list}(name='main')")).ok()["id"], made["id"]);
        let change = json!({ "subject": "repo:octo-org/octo-repo:environment:production", "description": "deploys" });
        assert_eq!(patch(&administrator, &format!("{list}/main"), &change).status, 204);
        let seen = administrator.get(&list).ok()["value"][0].clone();
        assert_eq!((&seen["subject"], &seen["description"], &seen["name"]), (&change["subject"], &json!("deploys"), &json!("main")));
        assert_eq!(patch(&administrator, &format!("{list}/main"), &json!({ "name": "renamed" })).status, 400);
        // Made when it is not there, if that is asked for.
        let upsert = json!({ "issuer": "https://issuer.example", "subject": "s", "audiences": ["a"] });
        assert_eq!(patch(&administrator, &format!("{list}(name='later')"), &upsert).status, 404);
        let headers = [("content-type", "application/json"), ("prefer", "create-if-missing")];
        for expected in [201, 204] {
            let answer = administrator.send("PATCH", &format!("{list}(name='later')"), &headers, upsert.to_string().as_bytes());
            assert_eq!(answer.status, expected, "{}", answer.text());
        }
        for count in 3..=20 {
            let one = json!({ "name": format!("number-{count}"), "issuer": "https://issuer.example", "subject": format!("{count}"), "audiences": ["a"] });
            assert_eq!(administrator.post(&list, &one).status, 201);
        }
        let one_more = json!({ "name": "one-more", "issuer": "https://issuer.example", "subject": "more", "audiences": ["a"] });
        assert_eq!(administrator.post(&list, &one_more).status, 400);
        assert_eq!(administrator.delete(&format!("{list}/main")).status, 204);
        assert_eq!(administrator.delete(&format!("{list}/{}", text(&made["id"]))).status, 404);
        let reader = casbah.bearer(&casbah.directory_token(READER));
        assert_eq!(reader.post(&list, &one_more).status, 403);
    }

    fn a_secret_is_rotated_in_one_step(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let (id, client) = application(&administrator, "Rotating");
        let path = format!("/v1.0/applications/{id}");
        let first = administrator.post(&format!("{path}/addPassword"), &json!({ "passwordCredential": { "displayName": "nightly job" } })).ok();
        let first_text = text(&first["secretText"]);
        assert_eq!(find_client_secrets(first_text).first().map(|f| f.2), Some(ClientSecretForm::Whole));
        with_secret(casbah, &client, first_text).ok();
        let rotate = |body: Value| administrator.post(&format!("{path}/casbah.rotatePassword"), &body);
        for wrong in [json!({ "gracePeriod": "2h" }), json!({ "gracePeriod": 24 }), json!({ "keyId": "1a1a1a1a-0000-4000-8000-000000000001" }), json!({ "more": 1 })] {
            rotate(wrong).refused(400);
        }
        let rotated = rotate(json!({ "gracePeriod": "24h" })).ok();
        let second_text = text(&rotated["passwordCredential"]["secretText"]).to_string();
        assert_eq!(rotated["passwordCredential"]["displayName"], "nightly job");
        assert_eq!(rotated["replaced"][0]["keyId"], first["keyId"]);
        assert_eq!(rotated["replaced"][0]["endDateTime"], "2026-11-24T12:00:00.000Z");
        assert_eq!(rotated["replaced"][0]["secretText"], json!(null));
        // Both work, and the list says who still uses the old one.
        with_secret(casbah, &client, first_text).ok();
        with_secret(casbah, &client, &second_text).ok();
        let used = |key: &Value| {
            let shown = administrator.get(&path).ok();
            let all = shown["passwordCredentials"].as_array().unwrap().clone();
            all.into_iter().find(|s| s["keyId"] == *key).unwrap()
        };
        let deadline = (0..500).find_map(|_| {
            let old = used(&first["keyId"]);
            if old["casbah.lastUsedDateTime"].is_null() { std::thread::yield_now(); None } else { Some(old) }
        });
        let old = deadline.expect("the use of the old secret was noted");
        assert_eq!(old["casbah.lastUsedAddress"], "127.0.0.1");
        // Now means now; a grace never lengthens a life.
        let third = rotate(json!({ "gracePeriod": "7d", "keyId": rotated["passwordCredential"]["keyId"] })).ok();
        assert_eq!(used(&first["keyId"])["endDateTime"], "2026-11-24T12:00:00.000Z");
        let third = text(&third["passwordCredential"]["secretText"]).to_string();
        let last = rotate(json!({ "gracePeriod": "now" })).ok();
        for ended in [first_text, &second_text, &third] {
            assert_eq!(with_secret(casbah, &client, ended).refused(401)["error_codes"], json!([7000222]));
        }
        with_secret(casbah, &client, text(&last["passwordCredential"]["secretText"])).ok();
        // The id of a secret in place of its value.
        let mistaken = with_secret(casbah, &client, text(&last["passwordCredential"]["keyId"])).refused(401);
        assert!(text(&mistaken["error_description"]).contains("looks like the id"), "{mistaken}");
        assert_eq!(mistaken["error_codes"], json!([7000215]));
    }
}

/// A second Casbah issues an app-only token; the first one trusts it.
fn another_casbah_is_an_issuer(database: Database) {
    let issuer = Casbah::start(Database::sqlite());
    let administrator = issuer.bearer(&issuer.directory_token(ADMINISTRATOR));
    let (_, api) = application(&administrator, "Exchange");
    let scope = format!("{api}/.default");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crate::harness::CLIENT),
        ("client_secret", crate::harness::CLIENT_SECRET),
        ("scope", &scope),
    ];
    let token = issuer.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok();
    let said = claims(&token["access_token"]);

    let authority = issuer.data_dir().join("tls/ca.pem").display().to_string();
    let arguments = ["--outbound-allow", "localhost", "--outbound-ca", &authority].map(str::to_string);
    let casbah =
        Casbah::start_with(database, &Options { arguments: arguments.to_vec(), ..Options::default() });
    let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
    let (id, client) = application(&administrator, "Trusting");
    let refused = exchange(&casbah, &client, text(&token["access_token"])).refused(401);
    assert_eq!(refused["error_codes"], json!([700211]));
    let body = json!({ "name": "other-casbah", "issuer": said["iss"], "subject": said["sub"], "audiences": [said["aud"]] });
    let made = administrator.post(&format!("/v1.0/applications/{id}/federatedIdentityCredentials"), &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let answer = exchange(&casbah, &client, text(&token["access_token"])).ok();
    assert_eq!(claims(&answer["access_token"])["appidacr"], "2");
    // Its keys are known now; a token that another key signed is none of its.
    let forged = Signer::new().token(json!({ "alg": "ES256", "kid": "other" }), &said);
    assert_eq!(exchange(&casbah, &client, &forged).refused(401)["error_codes"], json!([700027]));
    let gone =
        administrator.delete(&format!("/v1.0/applications/{id}/federatedIdentityCredentials/other-casbah"));
    assert_eq!(gone.status, 204);
    exchange(&casbah, &client, text(&token["access_token"])).refused(401);
}

#[test]
fn another_casbah_is_an_issuer_on_sqlite() {
    another_casbah_is_an_issuer(Database::sqlite());
}

#[test]
fn another_casbah_is_an_issuer_on_postgres() {
    another_casbah_is_an_issuer(Database::postgres());
}

/// The commands, on the built binary; the token of an administrator stands in for a sign-in.
#[test]
fn the_command_line_manages_credentials() {
    let server = Casbah::start(Database::sqlite());
    let token = server.directory_token(ADMINISTRATOR);
    let administrator = server.bearer(&token);
    let (_, client) = application(&administrator, "From the shell");
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Output {
        let mut command = casbah();
        command.args(arguments).current_dir(folder.path());
        command.env("CASBAH_URL", &server.url).env("CASBAH_CA", server.data_dir().join("tls/ca.pem"));
        command.env("CASBAH_TENANT", TENANT);
        command.env("CASBAH_USER", ADMINISTRATOR).env("CASBAH_PASSWORD", crate::harness::PASSWORD);
        command.env("CASBAH_TEST_MODE", "1").env("CASBAH_CLOCK", NOW);
        command.output().unwrap()
    };
    let done = |arguments: &[&str]| -> Value {
        let output = run(arguments);
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{error}");
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}"))
    };
    // A pair made here, registered, listed, removed.
    let made = done(&["certificate", "new", "client.pem", "--name", "ci", "-o", "json"]);
    let key = folder.path().join("client.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!run(&["certificate", "new", "client.pem"]).status.success(), "a key is not overwritten");
    let added = done(&["certificate", "add", &client, "client.pem", "-o", "json"]);
    assert_eq!((&added["thumbprint"], &added["displayName"]), (&made["thumbprint"], &json!("ci")));
    let pem = std::fs::read_to_string(&key).unwrap();
    let signer = Signer::of_pem(&pem);
    exchange(&server, &client, &signer.assertion(&own_claims(&server, &client))).ok();
    let listed = done(&["certificate", "list", &client, "-o", "json"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    done(&["certificate", "delete", &client, text(&added["keyId"]), "-o", "json"]);
    exchange(&server, &client, &signer.assertion(&own_claims(&server, &client))).refused(401);
    // Trust in an issuer.
    let issuer = [
        "--issuer",
        "https://token.actions.githubusercontent.com",
        "--subject",
        "repo:o/r:ref:refs/heads/main",
    ];
    done(&[&["federated-credential", "add", &client, "main"], issuer.as_slice(), &["-o", "json"]].concat());
    let listed = done(&["federated-credential", "list", &client, "-o", "json"]);
    assert_eq!(listed[0]["audiences"], json!(["api://AzureADTokenExchange"]), "{listed}");
    done(&["federated-credential", "delete", &client, "main", "-o", "json"]);
    // A secret, rotated; and what was shown is recognised without a server.
    let first = done(&["secret", "add", &client, "-o", "json"]);
    let second = done(&["secret", "rotate", &client, "--grace", "now", "-o", "json"]);
    with_secret(&server, &client, text(&first["secretText"])).refused(401);
    with_secret(&server, &client, text(&second["secretText"])).ok();
    let check = |text: &str| {
        let mut process =
            casbah().args(["secret", "check"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut process.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("8Cb~"), "a secret is not repeated");
        output.status.code()
    };
    let secret = text(&second["secretText"]);
    assert_eq!(check(&format!("a\nexport SECRET='{secret}'\n")), Some(0));
    let damaged = if secret.ends_with('A') {
        secret.replacen("8Cb~", "8Cb~.", 1)
    } else {
        format!("{}A", &secret[..secret.len() - 1])
    };
    assert_eq!(check(&damaged), Some(1));
    assert_eq!(check("nothing\n"), Some(5));
}
