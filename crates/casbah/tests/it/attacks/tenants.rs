//! One tenant at the door of another.

use super::browser::{Browser, SESSION};
use super::{CHALLENGE, SCOPE, TOKEN, VERIFIER, api_scope, in_tenant, number, refresh, text, usual_request};
use crate::harness::{
    ADMINISTRATOR, CLI_CLIENT, CLIENT, CLIENT_SECRET, Casbah, OTHER_CLIENT, OTHER_TENANT, PASSWORD,
    PUBLIC_CLIENT, READER, TENANT,
};

both! {
    /// CVE-2025-55241: what one tenant issued opens nothing in another, also through a client that both have.
    fn nothing_of_one_tenant_counts_in_another(casbah: &Casbah) {
        let elsewhere = in_tenant(TOKEN, OTHER_TENANT);
        let post = |form: &[(&str, &str)]| casbah.anonymous().post_form(&elsewhere, form);
        // The command line's client exists in every tenant.
        let password = [("grant_type", "password"), ("client_id", CLI_CLIENT), ("username", ADMINISTRATOR), ("password", PASSWORD), ("scope", "User.Read offline_access")];
        let tokens = casbah.anonymous().post_form(TOKEN, &password).ok();
        let token = text(&tokens["refresh_token"]);
        let answer = post(&[("grant_type", "refresh_token"), ("client_id", CLI_CLIENT), ("refresh_token", token)]);
        assert_eq!((answer.status, number(&answer)), (400, 70_000));
        // A user of one tenant is an unknown name in the other, as is an application.
        assert_eq!(number(&post(&password)), 50_126);
        let scope = api_scope();
        for (path, client) in [(elsewhere.as_str(), CLIENT), (TOKEN, OTHER_CLIENT)] {
            let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", CLIENT_SECRET), ("scope", scope.as_str())];
            assert_eq!(number(&casbah.anonymous().post_form(path, &form)), 700_016);
        }
        let browser = Browser::new(casbah);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", CLI_CLIENT), ("redirect_uri", "http://localhost:5000"), ("response_type", "code"), ("scope", "User.Read"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")])
            .finish();
        let address = |tenant: &str| format!("/{tenant}/oauth2/v2.0/authorize?{query}");
        let code = browser.code(&address(TENANT), ADMINISTRATOR);
        let form = [("grant_type", "authorization_code"), ("client_id", CLI_CLIENT), ("redirect_uri", "http://localhost:5000"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
        assert_eq!(number(&post(&form)), 700_005);
        // A session of one tenant is nobody's in the other.
        let page = browser.get(&address(OTHER_TENANT));
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().contains("name=\"password\"") && page.text().contains("Fabrikam"));
        let start = [("client_id", CLI_CLIENT), ("scope", "User.Read")];
        let device = casbah.anonymous().post_form(&format!("/{OTHER_TENANT}/oauth2/v2.0/devicecode"), &start).ok();
        let page = browser.get(&format!("/device?code={}", text(&device["user_code"])));
        assert!(page.text().contains("name=\"password\""), "{}", page.text());
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let poll = [grant, ("client_id", CLI_CLIENT), ("device_code", text(&device["device_code"]))];
        assert_eq!(number(&casbah.anonymous().post_form(TOKEN, &poll)), 70_018);
        // All of it was good where it came from.
        casbah.anonymous().post_form(TOKEN, &form).ok();
        refresh(casbah, CLI_CLIENT, token, &[]).ok();
    }

    /// CVE-2025-55241, cross product: a token reads the tenant it names and no id of another.
    fn ids_of_another_tenant_are_unknown(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let made_up = "aaaaaaaa-0000-4000-8000-00000000ffff";
        for (path, body) in [("applications", ""), ("servicePrincipals", "")] {
            let of = |id: &str| {
                let answer = administrator.get(&format!("/v1.0/{path}(appId='{id}'){body}"));
                let error = answer.refused(404)["error"].clone();
                (error["code"].clone(), error["message"].as_str().unwrap().replace(id, "ID"))
            };
            assert_eq!(of(OTHER_CLIENT), of(made_up), "{path}");
        }
        let members = administrator.get("/v1.0/users").text();
        assert!(!members.contains("fabrikam"), "{members}");
        let other = casbah.application_token(OTHER_TENANT, OTHER_CLIENT, CLIENT_SECRET);
        assert_eq!(casbah.bearer(&other).get("/api/discovery/streams/").status, casbah.application().get("/api/discovery/streams/").status);
    }

    /// A tenant in a cookie or a code is where to look, not what is believed.
    fn a_tenant_in_a_cookie_is_no_proof(casbah: &Casbah) {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), READER);
        let session = browser.cookie(SESSION).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&session[3..]).unwrap();
        for place in [0, 20, 47] {
            bytes[place] ^= 1;
            browser.set_cookie(SESSION, &format!("3.A{}", URL_SAFE_NO_PAD.encode(&bytes)));
            assert_eq!(browser.get(&usual_request(&[])).status, 200, "changed at {place}");
            bytes[place] ^= 1;
        }
        browser.set_cookie(SESSION, &session);
        assert_eq!(browser.get(&usual_request(&[])).status, 303);
        let tokens = casbah.user_tokens(READER, SCOPE);
        let token = text(&tokens["refresh_token"]);
        // As another kind of secret, it is not even found.
        browser.set_cookie(SESSION, token);
        assert_eq!(browser.get(&usual_request(&[])).status, 200);
        assert_eq!(number(&refresh(casbah, PUBLIC_CLIENT, &session, &[])), 70_000);
        refresh(casbah, PUBLIC_CLIENT, token, &[]).ok();
    }
}
