//! What a tenant's administrators set: lifetimes of tokens and the rest, through the API and the command line.

use serde_json::{Value, json};

use crate::harness::{
    ADMINISTRATOR, Answer, Casbah, PASSWORD, PUBLIC_CLIENT, READER, RESOURCE, TENANT, casbah,
};

const SETTINGS: &str = "/v1.0/policies/tenantSettings";

fn patch(casbah: &Casbah, who: &str, change: &Value) -> Answer {
    let session = casbah.bearer(&casbah.directory_token(who));
    session.send("PATCH", SETTINGS, &[("content-type", "application/json")], change.to_string().as_bytes())
}

fn life(token: &Value) -> i64 {
    let claims = crate::attacks::claims(token.as_str().unwrap());
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

/// A command as the administrator gives it; its output and whether it succeeded.
fn command(server: &Casbah, arguments: &[&str]) -> (String, bool) {
    let mut command = casbah();
    command.args(arguments).args(["--url", &server.url, "--tenant", TENANT]);
    command.arg("--ca").arg(server.data_dir().join("tls/ca.pem"));
    let output = command
        .env("CASBAH_USER", ADMINISTRATOR)
        .env("CASBAH_PASSWORD", PASSWORD)
        .env("CASBAH_CLOCK", crate::harness::NOW)
        .env("CASBAH_TEST_MODE", "1")
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

both! {
    fn lifetimes_are_set_and_count_from_the_next_token_on(casbah: &Casbah) {
        let administrator = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let before = administrator.get(SETTINGS).ok();
        assert_eq!(before["id"], "tenantSettings");
        assert_eq!(before["tokens"]["accessToken"], 3599);
        assert_eq!(before["tokens"]["refreshTokenAbsolute"], 365 * 86_400);
        let change = json!({"tokens": {"accessToken": 600, "idToken": 700, "refreshTokenAbsolute": 86400}});
        let after = patch(casbah, ADMINISTRATOR, &change).ok();
        assert_eq!(after["tokens"]["accessToken"], 600);
        // What was not named stays.
        assert_eq!(after["tokens"]["refreshTokenInactive"], before["tokens"]["refreshTokenInactive"]);
        assert_eq!(after["signIn"], before["signIn"]);
        let answer = casbah.user_tokens(READER, &format!("{RESOURCE}/.default openid offline_access"));
        assert_eq!((life(&answer["access_token"]), life(&answer["id_token"])), (600, 700));
        assert_eq!(answer["expires_in"], 600);
        // Another tenant has its own.
        let other = casbah.application_token(
            crate::harness::OTHER_TENANT,
            crate::harness::OTHER_CLIENT,
            crate::harness::CLIENT_SECRET,
        );
        assert_eq!(life(&json!(other)), 3599);
        let back = patch(casbah, ADMINISTRATOR, &json!({"tokens": {"refreshTokenAbsolute": null}})).ok();
        assert_eq!(back["tokens"]["refreshTokenAbsolute"], Value::Null);
    }

    fn what_cannot_be_meant_is_refused_by_name(casbah: &Casbah) {
        for (change, named) in [
            (json!({"tokens": {"accessToken": 299}}), "tokens.accessToken"),
            (json!({"tokens": {"accessToken": 86401}}), "tokens.accessToken"),
            (json!({"tokens": {"idToken": 0}}), "tokens.idToken"),
            (json!({"tokens": {"refreshTokenInactive": 1}}), "tokens.refreshTokenInactive"),
            (json!({"tokens": {"refreshTokenAbsolute": 40_000_000}}), "tokens.refreshTokenAbsolute"),
            (json!({"tokens": {"accessTokens": 600}}), "tokens.accessTokens"),
            (json!({"token": {}}), "token"),
            (json!({"tokens": 600}), "tokens"),
            (json!({"tokens": {"accessToken": "600"}}), "tenantSettings"),
            (json!({"country": "Norway"}), "country"),
            (json!({"assertions": {"longestLife": 1}}), "assertions.longestLife"),
            (json!({"retention": {"activities": 1}}), "retention.activities"),
            (json!({"retention": {"alerts": 6}}), "retention.alerts"),
            (json!({"retention": {"discovery": 89}}), "retention.discovery"),
            (json!({"signIn": {"secondFactorRoles": [READER]}}), "tenantSettings"),
            (json!({"signIn": {"secondFactorRoles": [TENANT]}}), "signIn.secondFactorRoles"),
            (json!({"signIn": {"secondFactorCloudAppsRoles": ["owner"]}}), "signIn.secondFactorCloudAppsRoles"),
        ] {
            let refusal = patch(casbah, ADMINISTRATOR, &change).refused(400);
            let message = refusal["error"]["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("{named}:")), "{change}: {message}");
        }
        let untouched = casbah.bearer(&casbah.directory_token(ADMINISTRATOR)).get(SETTINGS).ok();
        assert_eq!(untouched["tokens"]["accessToken"], 3599);
    }

    fn only_administrators_change_them(casbah: &Casbah) {
        patch(casbah, READER, &json!({"tokens": {"accessToken": 600}})).refused(403);
        casbah.anonymous().get(SETTINGS).refused(401);
        // A token for the API is none for the directory.
        casbah.application().get(SETTINGS).refused(401);
    }

    fn the_command_line_shows_and_sets_them(casbah: &Casbah) {
        let set = ["tenant", "settings", "set", "tokens.accessToken=900", "country=NO", "--output", "json"];
        let (text, worked) = command(casbah, &set);
        assert!(worked && text.contains("900"), "{text}");
        let (shown, worked) = command(casbah, &["tenant", "settings", "show"]);
        assert!(worked, "{shown}");
        assert!(shown.lines().any(|l| l.contains("tokens.accessToken") && l.contains("900")), "{shown}");
        assert!(shown.lines().any(|l| l.contains("country") && l.contains("NO")), "{shown}");
        let (refused, worked) = command(casbah, &["tenant", "settings", "set", "tokens.accessToken=1"]);
        assert!(!worked && refused.contains("tokens.accessToken"), "{refused}");
        let (unset, worked) = command(casbah, &["tenant", "settings", "set", "country="]);
        assert!(worked, "{unset}");
        let form = [
            ("grant_type", "password"),
            ("client_id", PUBLIC_CLIENT),
            ("username", READER),
            ("password", PASSWORD),
            ("scope", &format!("{RESOURCE}/.default")),
        ];
        let answer = casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form).ok();
        assert_eq!(life(&answer["access_token"]), 900);
    }
}
