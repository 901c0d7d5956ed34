//! The pages, as a browser without script walks through them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use casbah_authority::Authority;
use casbah_model::{Clock, ClockSetting, Guid, Secret, Timestamp};
use casbah_service::{Service, Settings};
use casbah_store::{Location, Store};
use http::{Request, StatusCode, header};
use tower::ServiceExt;

use crate::{names, router};

const WORLD: &str = r#"
[[tenants]]
id = "3f1c2b7e-0000-4000-8000-000000000001"
display_name = "Contoso"
domains = ["contoso.example"]
[[tenants.users]]
user_principal_name = "admin@contoso.example"
display_name = "Admin"
password = "correct horse battery"
roles = ["Global Administrator"]
[[tenants.users]]
user_principal_name = "reader@contoso.example"
display_name = "Reader"
password = "correct horse battery"
roles = ["Security Reader"]
[[tenants.applications]]
app_id = "3f1c2b7e-0000-4000-8000-000000000003"
display_name = "<b>Robot</b>"
public_client = true
redirect_uris = { public_client = ["http://localhost/cb"], web = ["https://robot.example/cb"] }
"#;

const REQUEST: &str = "client_id=3f1c2b7e-0000-4000-8000-000000000003&response_type=code\
    &redirect_uri=http%3A%2F%2Flocalhost%3A5000%2Fcb&state=a%22b&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2FInvestigation.read\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

const AUTHORIZE: &str = "/3f1c2b7e-0000-4000-8000-000000000001/oauth2/v2.0/authorize";

/// A browser: it keeps cookies and follows nothing by itself.
struct Browser {
    app: Router,
    cookies: Vec<(String, String)>,
}

struct Page {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Browser {
    async fn send(&mut self, request: http::request::Builder, body: String) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request =
            request.header(header::COOKIE, cookies.join("; ")).body(Body::from(body)).expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("answers");
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            assert!(
                cookie.starts_with("__Host-") && cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax")
            );
            let (name, value) = cookie.split(';').next().and_then(|c| c.split_once('=')).expect("a cookie");
            self.cookies.retain(|(n, _)| n != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.into(), value.into()));
            }
        }
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        if status != StatusCode::SEE_OTHER && text.starts_with("<!DOCTYPE") {
            let policy = headers["content-security-policy"].to_str().expect("text");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe"));
            assert_eq!(headers["x-frame-options"], "DENY");
            assert_eq!(headers["referrer-policy"], "no-referrer");
            assert_eq!(headers["cache-control"], "no-store");
            assert!(
                !text.contains("style=") && !text.contains("<script>") && !has_handler(&text),
                "inline: {text}"
            );
            assert!(text.contains("<html lang=\"en\">"));
        }
        Page { status, headers, text }
    }

    async fn get(&mut self, address: &str) -> Page {
        self.send(Request::get(address), String::new()).await
    }

    async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, body).await
    }

    /// Signs in from the page that an address shows; answers where that leads.
    async fn sign_in(&mut self, address: &str, user: &str) -> String {
        let page = self.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let fields = [("proof", page.field("proof")), ("user", user), ("password", "correct horse battery")];
        let done = self.post(&page.action(), &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        done.location().to_string()
    }
}

/// Whether an attribute such as `onclick=` stands in a page.
fn has_handler(text: &str) -> bool {
    text.split(" on").skip(1).any(|rest| {
        let word = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        word.len() < rest.len() && word.starts_with('=')
    })
}

impl Page {
    fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().expect("text")
    }

    /// Where the last form goes.
    fn action(&self) -> String {
        let start = self.text.rfind("action=\"").expect("a form") + 8;
        let rest = &self.text[start..];
        rest[..rest.find('"').expect("an end")].replace("&amp;", "&")
    }

    fn field(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let rest = &self.text[self.text.rfind(&start).expect(name) + start.len()..];
        &rest[..rest.find('"').expect("an end")]
    }
}

async fn casbah() -> (Service, Browser) {
    let store = Store::open(&Location::Memory).await.expect("opens");
    let clock = Clock::with(ClockSetting::Frozen(Timestamp(1_795_435_200_000)));
    let public_url = "https://localhost:8443".to_string();
    let settings = casbah_authority::Settings {
        public_url: public_url.clone(),
        master_key: Secret::new("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    };
    let authority = Authority::open(store.clone(), clock, settings).await.expect("opens");
    let settings = Settings { public_url, uploads: std::env::temp_dir(), upload_limit: 1 };
    let service = Service::new(store, Arc::new(authority), clock, settings);
    service.apply_bootstrap(WORLD).await.expect("applies");
    let app = router(service.clone(), axum::Router::new());
    (service, Browser { app, cookies: Vec::new() })
}

#[tokio::test]
async fn sign_in_and_consent_lead_back_with_a_code() {
    let (_, mut browser) = casbah().await;
    let address = format!("{AUTHORIZE}?{REQUEST}");
    let page = browser.get(&address).await;
    assert!(page.text.contains("&lt;b&gt;Robot"), "names are escaped");
    assert!(page.text.contains("Test mode"), "the clock is not the machine's");
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("form-action 'self' http://localhost:5000;"), "{policy}");

    let wrong = [("proof", page.field("proof")), ("user", "admin@contoso.example"), ("password", "wrong")];
    let again = browser.post(&page.action(), &wrong).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains("value=\"admin@contoso.example\""));
    assert!(!again.text.contains("wrong\""), "the password is not sent back");

    let next = browser.sign_in(&address, "admin@contoso.example").await;
    let consent = browser.get(&next).await;
    assert!(
        consent.text.contains("investigation.read") && consent.text.contains("on behalf of the organisation")
    );
    assert!(consent.text.contains("http://localhost:5000/cb"));
    let fields =
        [("proof", consent.field("proof")), ("ticket", consent.field("ticket")), ("decision", "accept")];
    let back = browser.post(&consent.action(), &fields).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    assert!(back.location().starts_with("http://localhost:5000/cb?"), "{}", back.location());
    assert!(back.location().contains("code=") && back.location().contains("state=a%22b"));

    // Signed in and consented: straight back. And once more as a form.
    assert!(browser.get(&address).await.location().contains("code="));
    let form = browser.get(&format!("{address}&response_mode=form_post")).await;
    assert_eq!(form.action(), "http://localhost:5000/cb");
    assert!(form.text.contains("name=\"state\" value=\"a&quot;b\"") && form.text.contains("<button>"));
    assert!(form.text.contains("src=\"/assets/form-post.js\""));

    let out = browser
        .get("/common/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F")
        .await;
    assert_eq!(out.status, StatusCode::OK, "no redirect to a stranger");
    assert_eq!(browser.get(&address).await.status, StatusCode::OK, "signed out");
}

#[tokio::test]
async fn a_refusal_and_an_administrators_matter_lead_back_with_an_error() {
    let (_, mut browser) = casbah().await;
    let next = browser.sign_in(&format!("{AUTHORIZE}?{REQUEST}"), "reader@contoso.example").await;
    let page = browser.get(&next).await;
    assert!(page.text.contains("administrator") && !page.text.contains("value=\"accept\""));
    let fields =
        |decision| [("proof", page.field("proof")), ("ticket", page.field("ticket")), ("decision", decision)];
    for decision in ["accept", "cancel"] {
        let back = browser.post(&page.action(), &fields(decision)).await;
        assert!(
            back.location().contains("error=") && !back.location().contains("code="),
            "{}",
            back.location()
        );
    }
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let (service, mut browser) = casbah().await;
    let address = format!("{AUTHORIZE}?{REQUEST}");
    let page = browser.get(&address).await;
    let (action, proof) = (page.action(), page.field("proof").to_string());
    let good = [("user", "admin@contoso.example"), ("password", "correct horse battery")];

    // Another browser, with this one's form.
    let mut other = Browser { app: router(service.clone(), axum::Router::new()), cookies: Vec::new() };
    let with_proof = [&good[..], &[("proof", proof.as_str())]].concat();
    assert_eq!(other.post(&action, &with_proof).await.status, StatusCode::BAD_REQUEST);
    other.get(&address).await;
    assert_eq!(other.post(&action, &with_proof).await.status, StatusCode::BAD_REQUEST);
    // No proof, a proof for another request, another kind of form.
    assert_eq!(browser.post(&action, &good).await.status, StatusCode::BAD_REQUEST);
    let changed = action.replace("5000", "6000");
    assert_eq!(browser.post(&changed, &with_proof).await.status, StatusCode::BAD_REQUEST);
    let consent = action.replace("/sign-in", "/consent");
    assert_eq!(browser.post(&consent, &with_proof).await.status, StatusCode::BAD_REQUEST);
    // A browser that says that the form comes from another site.
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&with_proof).finish();
    let foreign = Request::post(&action).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(foreign, body).await.status, StatusCode::BAD_REQUEST);
    assert!(!browser.cookies.iter().any(|(name, _)| name.contains("session")));

    // A consent page of one browser's session, sent by another's.
    let next = browser.sign_in(&address, "admin@contoso.example").await;
    let page = browser.get(&next).await;
    other.sign_in(&address, "admin@contoso.example").await;
    let fields = [("proof", page.field("proof")), ("ticket", page.field("ticket")), ("decision", "accept")];
    assert_eq!(other.post(&page.action(), &fields).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_cannot_be_trusted_is_a_page_and_never_a_redirect() {
    let (_, mut browser) = casbah().await;
    for (from, to) in [
        ("localhost%3A5000%2Fcb", "localhost%3A5000%2Fother"),
        ("http%3A%2F%2Flocalhost", "http%3A%2F%2Fevil.example"),
        ("000000000003", "000000000009"),
        ("redirect_uri=", "redirect_uri=https%3A%2F%2Fevil.example&redirect_uri="),
        ("client_id=", "x="),
    ] {
        let page = browser.get(&format!("{AUTHORIZE}?{}", REQUEST.replace(from, to))).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{to}");
        assert!(page.text.contains("AADSTS") && !page.headers.contains_key(header::LOCATION));
    }
    for tenant in ["nowhere.example", "not_a_tenant", "%22%3E%3Cscript%3E"] {
        let page = browser.get(&format!("/{tenant}/oauth2/v2.0/authorize?{REQUEST}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{tenant}");
        assert!(!page.text.contains("<script>"));
    }
    let posted = browser.post("/contoso.example/oauth2/v2.0/authorize?a=1", &[("state", "x\r\ny")]).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert_eq!(posted.location(), "?a=1&state=x%0D%0Ay");
}

#[tokio::test]
async fn prompt_login_asks_once_more_and_select_account_offers_to_go_on() {
    let (_, mut browser) = casbah().await;
    let address = format!("{AUTHORIZE}?{REQUEST}");
    let next = browser.sign_in(&address, "admin@contoso.example").await;
    let page = browser.get(&next).await;
    let fields = [("proof", page.field("proof")), ("ticket", page.field("ticket")), ("decision", "accept")];
    browser.post(&page.action(), &fields).await;

    let login = format!("{address}&prompt=login");
    assert_eq!(browser.get(&login).await.status, StatusCode::OK, "asks although signed in");
    let forged = format!("{login}&casbah_progress=signed-in.9999999999999.AAAA");
    assert_eq!(browser.get(&forged).await.status, StatusCode::OK, "nobody can skip the password");
    let next = browser.sign_in(&login, "admin@contoso.example").await;
    assert!(browser.get(&next).await.location().contains("code="), "asked once, not for ever");

    let page = browser.get(&format!("{address}&prompt=select_account")).await;
    assert!(page.text.contains("Continue as"));
    let account = page.action().replace("/sign-in", "/account");
    let chosen = browser.post(&account, &[("proof", page.field("proof"))]).await;
    let back = browser.get(chosen.location()).await;
    assert!(back.location().contains("code="), "{}", back.text);
}

#[tokio::test]
async fn a_device_is_confirmed_by_the_person_who_holds_it() {
    let (service, mut browser) = casbah().await;
    let form = casbah_authority::Form::from_iter([
        ("client_id", "3f1c2b7e-0000-4000-8000-000000000003"),
        ("scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af/investigation.read"),
    ]);
    let v2 = casbah_authority::Endpoint::V2;
    let started = service.authority().start_device(v2, "contoso.example", form, None).await.expect("starts");
    let code = started["user_code"].as_str().expect("a code").to_string();
    assert_eq!(browser.get("/device").await.status, StatusCode::OK);
    let wrong = browser.get("/device?code=%3Cscript%3E").await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("role=\"alert\""));
    let address = format!("/device?code={}", code.to_lowercase());
    let next = browser.sign_in(&address, "admin@contoso.example").await;
    let page = browser.get(&next).await;
    assert!(page.text.contains("Are you trying to sign in") && page.text.contains("&lt;b&gt;Robot"));
    let fields = [("proof", page.field("proof")), ("ticket", page.field("ticket")), ("decision", "accept")];
    let done = browser.post(&page.action(), &fields).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/device/approved"));
    let twice = browser.post(&page.action(), &fields).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_start_page_and_its_files_are_there() {
    let (_, mut browser) = casbah().await;
    for path in ["/", "/portal/signed-out", "/device/approved", "/device/declined"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    for (path, kind) in [
        ("/assets/casbah.css", "text/css"),
        ("/assets/form-post.js", "text/javascript"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let file = browser.get(path).await;
        assert!(file.headers["content-type"].to_str().is_ok_and(|t| t.starts_with(kind)), "{path}");
    }
}

#[test]
fn names_that_pose_as_others_are_warned_about() {
    let id = Guid::random();
    for name in [
        "Microsoft Teams",
        "Micr0soft",
        "M i c r o s o f t",
        "Mіcrosoft",
        "ＭＩＣＲＯＳＯＦＴ",
        "Casbah\u{202E}",
        "Azu\u{200B}re",
        "Cаsbah",
        "𝐀dmin",
        "Mic-ro-soft",
        "Ádmin portal",
        "Entra",
        "Office 365",
        "Rnicrosoft",
        "A\u{332}zure",
    ] {
        assert!(names::warning(name, id).is_some(), "{name}");
    }
    for name in ["Robot", "SIEM connector", "Бухгалтерия", "Λογιστήριο", "会計", "Bokföring"]
    {
        assert_eq!(names::warning(name, id), None, "{name}");
    }
    assert_eq!(names::warning("Casbah CLI", casbah_authority::seed::CLI), None);
    assert_eq!(names::shown("a\u{202E}b\nc"), "a\u{FFFD}b\u{FFFD}c");
}

#[tokio::test]
async fn admin_consent_takes_an_administrator_and_a_registered_address() {
    let (service, mut browser) = casbah().await;
    let key = casbah_service::directory::applications::ApplicationKey::AppId(
        "3f1c2b7e-0000-4000-8000-000000000003".parse().expect("an id"),
    );
    let tenant = service.list_tenants().await.expect("lists")[0].id;
    let system = service.system_caller(tenant).await.expect("exists");
    let access = casbah_model::RequiredAccess {
        resource_app_id: casbah_authority::seed::CLOUD_APPS,
        id: casbah_model::Permission::DiscoveryRead.id(),
        is_role: true,
    };
    let change = casbah_service::directory::applications::ApplicationChange {
        required_access: Some(vec![access]),
        ..Default::default()
    };
    service.change_application(&system, key, change).await.expect("changes");
    let held = async || service.list_app_roles_held(&system, key).await.expect("lists").len();

    let address =
        "/contoso.example/adminconsent?client_id=3f1c2b7e-0000-4000-8000-000000000003&state=x&redirect_uri=";
    let good = format!("{address}https%3A%2F%2Frobot.example%2Fcb");
    for user in ["reader@contoso.example", "admin@contoso.example"] {
        browser.cookies.clear();
        let next = browser.sign_in(&good, user).await;
        let page = browser.get(&next).await;
        assert_eq!(page.text.contains("value=\"accept\""), user.starts_with("admin"));
        let without = browser.post(&page.action(), &[("decision", "accept")]).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST, "no proof");
        let fields = [("proof", page.field("proof")), ("decision", "accept")];
        let back = browser.post(&page.action(), &fields).await;
        assert!(
            back.location().starts_with("https://robot.example/cb?") && back.location().ends_with("&state=x")
        );
        assert_eq!(back.location().contains("admin_consent=True"), user.starts_with("admin"));
        assert_eq!(held().await, usize::from(user.starts_with("admin")));
    }
    let bad = browser.get(&format!("{address}https%3A%2F%2Fevil.example%2F")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}
