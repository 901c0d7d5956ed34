//! What a client is told when the database fails under a request: never that something worked.

use serde_json::{Value, json};

use super::browser::{Browser, SESSION};
use super::{SCOPE, TOKEN, refresh, text, usual_request};
use crate::harness::{ADMINISTRATOR, Answer, CLIENT, CLIENT_SECRET, Casbah, PASSWORD, PUBLIC_CLIENT, READER};

fn revoke(casbah: &Casbah, client: &[(&str, &str)], token: &str) -> Answer {
    let form = [client, &[("token", token)]].concat();
    casbah.anonymous().post_form(&TOKEN.replace("/token", "/revoke"), &form)
}

/// Takes a table away while something is done.
fn without<T>(casbah: &Casbah, table: &str, work: impl FnOnce() -> T) -> T {
    casbah.sql(&format!("alter table {table} rename to out_of_reach"));
    let done = work();
    casbah.sql(&format!("alter table out_of_reach rename to {table}"));
    done
}

#[track_caller]
fn unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

both! {
    /// CVE-2020-15223: a revocation that could not be written down must not pass for one, and changes nothing.
    fn a_revocation_that_was_not_stored_is_no_success(casbah: &Casbah) {
        let public = [("client_id", PUBLIC_CLIENT)];
        let tokens = casbah.user_tokens(ADMINISTRATOR, SCOPE);
        let (access, held) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
        // The trace of it cannot be written, so the whole of it is not.
        without(casbah, "activities", || {
            unavailable(&revoke(casbah, &public, held));
            casbah.bearer(access).get("/api/v1/alerts/").ok();
        });
        without(casbah, "token_families", || unavailable(&revoke(casbah, &public, held)));
        without(casbah, "refresh_tokens", || unavailable(&revoke(casbah, &public, held)));
        casbah.bearer(access).get("/api/v1/alerts/").ok();
        let tokens = refresh(casbah, PUBLIC_CLIENT, held, &[]).ok();
        assert_eq!(revoke(casbah, &public, text(&tokens["refresh_token"])).ok(), json!({}));
        casbah.bearer(access).get("/api/v1/alerts/").refused(401);
        // The same of an application's own token.
        let own = [("client_id", CLIENT), ("client_secret", CLIENT_SECRET)];
        let token = casbah.application_token(crate::harness::TENANT, CLIENT, CLIENT_SECRET);
        without(casbah, "revoked_tokens", || unavailable(&revoke(casbah, &own, &token)));
        casbah.bearer(&token).get("/api/v1/alerts/").ok();
        revoke(casbah, &own, &token).ok();
        casbah.bearer(&token).get("/api/v1/alerts/").refused(401);
    }

    /// A sign-out that could not be written down says so, and the browser keeps what can end it later.
    fn a_sign_out_that_was_not_stored_is_no_success(casbah: &Casbah) {
        let browser = Browser::new(casbah);
        browser.authorize(&usual_request(&[]), READER);
        let page = without(casbah, "activities", || browser.get("/common/oauth2/v2.0/logout"));
        assert!(page.status >= 500 && !page.text().contains("Signed out"), "{}", page.text());
        assert!(browser.cookie(SESSION).is_some());
        assert_eq!(browser.get(&usual_request(&[])).status, 303, "still signed in");
        assert_eq!(browser.get("/common/oauth2/v2.0/logout").status, 200);
        assert_eq!(browser.get(&usual_request(&[])).status, 200, "signed out");
    }

    /// 70012: our fault is said to be ours, without a word of what it is; the log has it under the trace id.
    fn what_fails_inside_is_said_and_not_shown(casbah: &Casbah) {
        let form = [("grant_type", "password"), ("client_id", PUBLIC_CLIENT), ("username", READER), ("password", PASSWORD), ("scope", SCOPE)];
        let answer = without(casbah, "permission_grants", || casbah.anonymous().post_form(TOKEN, &form));
        let body: Value = answer.refused(500);
        assert_eq!((&body["error"], &body["error_codes"]), (&json!("server_error"), &json!([70_012])));
        for word in ["permission_grants", "table", "does not exist", "select", "sql"] {
            assert!(!answer.text().to_lowercase().contains(word), "{word}: {}", answer.text());
        }
        let trace = text(&body["trace_id"]);
        let log = casbah.log();
        assert!(log.lines().any(|line| line.contains(trace) && line.contains("permission_grants")), "{log}");
        casbah.anonymous().post_form(TOKEN, &form).ok();
    }
}
