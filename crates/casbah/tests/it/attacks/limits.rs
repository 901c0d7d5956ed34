//! Requests that are too long, of the wrong kind, or say things twice, at every endpoint of the authority.

use std::io::{Read, Write};

use serde_json::json;

use super::browser::Browser;
use super::{DEVICE, LOOPBACK, TOKEN, number, request, usual_request};
use crate::harness::{Answer, CLIENT, CLIENT_SECRET, Casbah, PUBLIC_CLIENT};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The endpoints that take forms and answer JSON, with a good form each.
fn endpoints() -> Vec<(String, Vec<(&'static str, String)>)> {
    let own = |more: &[(&'static str, &str)]| {
        let own = [("client_id", CLIENT), ("client_secret", CLIENT_SECRET)];
        own.iter().chain(more).map(|(n, v)| (*n, (*v).to_string())).collect::<Vec<_>>()
    };
    let scope = super::api_scope();
    let at = |name: &str| TOKEN.replace("/token", &format!("/{name}"));
    vec![
        (TOKEN.to_string(), own(&[("grant_type", "client_credentials"), ("scope", &scope)])),
        (at("introspect"), own(&[("token", "x")])),
        (at("revoke"), own(&[("token", "x")])),
        (DEVICE.to_string(), own(&[("scope", "openid")])),
        (
            at("par"),
            vec![
                ("client_id", PUBLIC_CLIENT.to_string()),
                ("response_type", "code".to_string()),
                ("redirect_uri", LOOPBACK.to_string()),
                ("scope", "openid".to_string()),
            ],
        ),
    ]
}

fn encoded(form: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

fn send(casbah: &Casbah, path: &str, kind: (&str, &str), body: &str) -> Answer {
    casbah.anonymous().send("POST", path, &[kind], body.as_bytes())
}

both! {
    /// RFC 6749, 3.1 and 3.2: each parameter at most once, whatever its name, whatever its values.
    fn nothing_may_be_said_twice(casbah: &Casbah) {
        for (path, form) in endpoints() {
            let good = encoded(&form);
            let fine = send(casbah, &path, FORM, &good).status;
            assert!(fine == 200 || fine == 201, "{path}");
            for (name, value) in &form {
                for second in [value.as_str(), "", "other"] {
                    let mut twice = form.clone();
                    twice.push((name, second.to_string()));
                    let answer = send(casbah, &path, FORM, &encoded(&twice));
                    assert_eq!((answer.status, number(&answer)), (400, 9_002_313), "{path}: {name}={second}");
                    assert!(!answer.text().contains(CLIENT_SECRET));
                }
            }
            // Also what nobody knows.
            let answer = send(casbah, &path, FORM, &format!("{good}&x=1&x=1"));
            assert_eq!((answer.status, number(&answer)), (400, 9_002_313), "{path}");
            // In the address nothing counts, so nothing there is a second time.
            let answer = send(casbah, &format!("{path}?client_id=x&scope=y&client_id=z"), FORM, &good);
            assert!(answer.status == 200 || answer.status == 201, "{path}: {}", answer.text());
        }
        // At authorize: told to the application, unless it is the address itself that is in doubt.
        let browser = Browser::new(casbah);
        for name in ["response_type", "scope", "state", "code_challenge", "prompt", "nonce", "x"] {
            let twice = format!("{}&{name}=1&{name}=2", usual_request(&[]));
            let location = browser.get(&twice).header("location").to_string();
            assert!(location.starts_with(LOOPBACK) && location.contains("error=invalid_request"), "{name}: {location}");
            assert!(location.contains("AADSTS9002313"), "{name}: {location}");
        }
        for name in ["client_id", "redirect_uri"] {
            let page = browser.get(&format!("{}&{name}=https%3A%2F%2Fevil.example", usual_request(&[])));
            assert_eq!((page.status, page.header("location")), (400, ""), "{name}");
        }
    }

    /// Only forms are read: neither JSON nor anything else that a page of another site could make a browser send.
    fn only_forms_are_read(casbah: &Casbah) {
        for (path, form) in endpoints() {
            let good = encoded(&form);
            let json = serde_json::Value::Object(form.iter().map(|(n, v)| ((*n).to_string(), json!(v))).collect());
            for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx", "", "application/xml"] {
                for body in [good.as_str(), &json.to_string()] {
                    let answer = send(casbah, &path, ("content-type", kind), body);
                    assert_eq!((answer.status, number(&answer)), (400, 900_144), "{path}: {kind:?}: {}", answer.text());
                }
            }
            for kind in ["application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-Urlencoded"] {
                let answer = send(casbah, &path, ("content-type", kind), &good);
                assert!(answer.status == 200 || answer.status == 201, "{path}: {kind}: {}", answer.text());
            }
            assert_eq!(number(&send(casbah, &path, FORM, "")), 900_144, "{path}");
            // Bytes that are no text are no parameters of ours, and no trouble.
            let answer = casbah.anonymous().send("POST", &path, &[FORM], b"%ff%fe=\xff\x00&\x00=&&==&%=%zz&grant_type=%00");
            assert_eq!(answer.status, 400, "{path}: {}", answer.text());
            for method in ["GET", "PUT", "DELETE", "PATCH"] {
                let answer = casbah.anonymous().send(method, &path, &[], b"");
                assert_eq!((answer.status, number(&answer)), (405, 900_561), "{method} {path}");
            }
        }
    }

    /// What is too large is refused before it is read whole; what long chains and tokens need is not.
    fn forms_have_a_largest_size(casbah: &Casbah) {
        for (path, form) in endpoints() {
            let long = |length: usize| {
                let mut form = form.clone();
                form.push(("padding", "x".repeat(length)));
                send(casbah, &path, FORM, &encoded(&form))
            };
            let fine = long(64 * 1024);
            assert!(fine.status == 200 || fine.status == 201, "{path}: {}", fine.text());
            let answer = long(200 * 1024);
            assert_eq!((answer.status, number(&answer)), (413, 9_002_313), "{path}");
        }
        let browser = Browser::new(casbah);
        let long = "x".repeat(80 * 1024);
        for place in ["/device/sign-in", "/sign-in/code", "/account/end", &usual_request(&[])] {
            let answer = browser.post(place, &[("padding", &long)]);
            assert_eq!((answer.status, answer.header("location")), (413, ""), "{place}");
        }
    }

    /// 90015: a request that the pages cannot carry is told at once, by a page and with the status for it. The HTTP
    /// server's own limit, far beyond, ends the connection with the same status or one for the header.
    fn an_address_has_a_greatest_length(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        let with_state = |length: usize| usual_request(&[("state", &"s".repeat(length))]);
        assert_eq!(browser.get(&with_state(15 * 1024)).status, 200);
        for path in [with_state(16 * 1024), with_state(60_000), request(PUBLIC_CLIENT, "https://evil.example/", &[("state", &"s".repeat(20_000))])] {
            for path in [path.clone(), path.replacen("/oauth2/v2.0/authorize?", "/v2.0/adminconsent?", 1)] {
                let page = browser.get(&path);
                assert_eq!((page.status, page.header("location")), (414, ""), "{}", page.text());
                assert!(page.text().contains("AADSTS90015") && page.text().len() < 8_000, "{}", page.text());
            }
        }
        // Sent by POST it comes to the same place.
        let posted = browser.post(&usual_request(&[("state", "")]), &[("state", &"s".repeat(20_000))]);
        assert_eq!(posted.status, 303);
        let (path, _) = usual_request(&[]).split_once('?').map(|(p, q)| (p.to_string(), q.to_string())).unwrap();
        assert_eq!(browser.get(&format!("{path}{}", posted.header("location"))).status, 414);
        for target in [format!("/{}", "a".repeat(100_000)), with_state(100_000), format!("/?{}", "&".repeat(200_000))] {
            let status = raw(casbah, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assert!(status.starts_with("HTTP/1.1 414") || status.starts_with("HTTP/1.1 431"), "{status}");
        }
        let status = raw(casbah, &format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", "c".repeat(2_000_000)));
        assert!(status.starts_with("HTTP/1.1 431") || status.is_empty(), "{status}");
        let many = "X-Many: x\r\n".repeat(1_000);
        let status = raw(casbah, &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"));
        assert!(status.starts_with("HTTP/1.1 431"), "{status}");
        assert_eq!(casbah.anonymous().get("/healthz").status, 200);
    }
}

/// What the server says to bytes that no HTTP library would send: the first line of its answer.
fn raw(casbah: &Casbah, text: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(casbah.data_dir().join("tls/ca.pem")).unwrap();
    for certificate in
        <rustls_pki_types::CertificateDer as rustls_pki_types::pem::PemObject>::pem_slice_iter(&pem)
    {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut tls = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", casbah.port())).unwrap();
    tcp.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    // The server may close while we still write.
    let _ = stream.write_all(text.as_bytes());
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..count]).lines().next().unwrap_or_default().to_string()
}
