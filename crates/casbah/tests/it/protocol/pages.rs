//! The pages of the protocol, as a browser without script sees them.

use serde_json::json;

use crate::attacks::browser::{Browser, parameter};
use crate::harness::{ADMINISTRATOR, Casbah, PUBLIC_CLIENT, READER, TENANT};

const SCOPE: &str = "05a65629-4c1b-48c1-a78b-804c4abdd4af/Investigation.read openid";
const LOOPBACK: &str = "http://localhost:5000";

fn push(casbah: &Casbah) -> String {
    let form = [
        ("client_id", PUBLIC_CLIENT),
        ("response_type", "code"),
        ("redirect_uri", LOOPBACK),
        ("scope", SCOPE),
        ("state", "pushed"),
    ];
    let answer = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/par"), &form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let reference = answer.json()["request_uri"].as_str().unwrap().to_string();
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", PUBLIC_CLIENT)
        .append_pair("request_uri", &reference)
        .finish()
}

both! {
    /// RFC 9126: sign-in and all with a reference, which then is used up.
    fn a_pushed_request_through_the_pages(casbah: &Casbah) {
        let query = push(casbah);
        let address = format!("/{TENANT}/oauth2/v2.0/authorize?{query}");
        let (browser, thief) = (Browser::new(casbah), Browser::new(casbah));
        let page = browser.get(&address);
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(!page.text().contains("Investigation.read"), "the parameters stay where they are");
        let stolen = thief.get(&address);
        assert!(stolen.status == 400 && stolen.text().contains("AADSTS9900003"), "{}", stolen.text());
        let answer = browser.authorize(&address, ADMINISTRATOR);
        assert_eq!(parameter(&answer, "state"), "pushed");
        assert!(!parameter(&answer, "code").is_empty());
        let again = browser.get(&address);
        assert!(again.status == 400 && again.header("location").is_empty(), "{}", again.text());
        assert!(!casbah.log().contains("urn:ietf:params:oauth:request_uri"));
    }

    /// The consent link of the product's documentation (check 18): no redirect URI, no resource.
    fn the_documented_consent_link(casbah: &Casbah) {
        let link = format!("/common/oauth2/authorize?prompt=consent&client_id={PUBLIC_CLIENT}&response_type=code&sso_reload=true");
        let browser = Browser::new(casbah);
        let consent = browser.sign_in(&link, ADMINISTRATOR);
        assert_eq!(consent.status, 200, "{}", consent.text());
        let done = browser.submit(&consent, &[("decision", "accept")]);
        assert!(done.header("location").starts_with("http://localhost/?code="), "{}", done.header("location"));
    }

    /// RP-initiated logout by POST, as some libraries do it; and the session is over.
    fn signing_out_by_post(casbah: &Casbah) {
        let address = format!("/{TENANT}/oauth2/v2.0/authorize?client_id={PUBLIC_CLIENT}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A5000&scope=openid&prompt=none");
        let browser = Browser::new(casbah);
        browser.authorize(&address.replace("&prompt=none", ""), READER);
        assert!(!parameter(&browser.get(&address), "code").is_empty());
        for version in ["oauth2/v2.0/logout", "oauth2/logout"] {
            let path = format!("/{TENANT}/{version}");
            let fields = [("post_logout_redirect_uri", LOOPBACK), ("client_id", PUBLIC_CLIENT), ("state", "s t")];
            let posted = browser.post_from_elsewhere(&path, &fields);
            assert_eq!(posted.status, 303);
            let done = browser.get(&format!("{path}{}", posted.header("location")));
            assert_eq!((done.status, done.header("location")), (303, "http://localhost:5000?state=s+t"));
        }
        assert_eq!(parameter(&browser.get(&address), "error"), "login_required");
        assert!(!parameter(&browser.get(&address), "iss").is_empty());
    }

    /// Front-channel logout: the page tells each application of the session, and nobody else.
    fn applications_are_told_of_the_end(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let new = json!({
            "displayName": "Told",
            "web": { "redirectUris": ["https://told.example/cb"], "logoutUrl": "https://told.example/bye" },
        });
        let made = administrator.post("/v1.0/applications", &new);
        assert_eq!(made.status, 201, "{}", made.text());
        let client = made.json()["appId"].as_str().unwrap().to_string();
        administrator.post("/v1.0/servicePrincipals", &json!({ "appId": client }));
        let browser = Browser::new(casbah);
        let address = format!("/{TENANT}/oauth2/v2.0/authorize?client_id={client}&response_type=code&redirect_uri=https%3A%2F%2Ftold.example%2Fcb&scope=openid");
        let answer = browser.authorize(&address, READER);
        let session = parameter(&answer, "session_state");
        let page = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?client_id={client}&post_logout_redirect_uri=https%3A%2F%2Ftold.example%2Fcb"));
        assert_eq!(page.status, 200, "{}", page.text());
        let text = page.text().replace("&amp;", "&");
        let issuer = url::form_urlencoded::byte_serialize(format!("{}/{TENANT}/v2.0", casbah.url).as_bytes()).collect::<String>();
        assert!(text.contains(&format!("src=\"https://told.example/bye?iss={issuer}&sid={session}\"")), "{text}");
        assert!(text.contains("content=\"2;url=https://told.example/cb\""), "{text}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-src https://told.example;") && !policy.contains("unsafe"), "{policy}");
    }
}
