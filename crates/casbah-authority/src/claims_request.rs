//! The parameter `claims` (OpenID Connect Core, section 5.5), as far as it changes anything: what the
//! client can do (`access_token.xms_cc`), how new its token must be (`access_token.nbf`), and whether it
//! wants to know the time of the sign-in (`id_token.auth_time`). Libraries ask for a lot besides, which
//! is no reason to refuse.

use serde_json::Value as Json;

use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;

/// What a client asks for in `claims`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct ClaimsRequest {
    /// Whether the client answers claims challenges (`CP1`, in any case).
    pub(crate) capable: bool,
    /// The access token must not be older than this, in seconds since 1970.
    pub(crate) not_before: Option<i64>,
    pub(crate) auth_time: bool,
}

impl ClaimsRequest {
    pub(crate) fn of_form(form: &Form) -> Result<ClaimsRequest, OAuthError> {
        match form.get("claims") {
            None => Ok(ClaimsRequest::default()),
            Some(text) => ClaimsRequest::parse(text).ok_or_else(|| {
                OAuthError::new(codes::INVALID_PARAMETER, "The parameter claims is not a JSON object.")
            }),
        }
    }

    fn parse(text: &str) -> Option<ClaimsRequest> {
        let claims: Json = serde_json::from_str(text).ok()?;
        claims.as_object()?;
        let access = &claims["access_token"];
        let capabilities = access["xms_cc"]["values"].as_array();
        let named = |c: &Json| c.as_str().is_some_and(|c| c.eq_ignore_ascii_case("CP1"));
        let single = access["xms_cc"].get("value").is_some_and(named);
        Some(ClaimsRequest {
            capable: single || capabilities.is_some_and(|all| all.iter().any(named)),
            not_before: seconds(&access["nbf"]["value"]),
            auth_time: claims["id_token"].as_object().is_some_and(|id| id.contains_key("auth_time")),
        })
    }
}

/// A time that challenges write as text.
fn seconds(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::ClaimsRequest;

    #[test]
    fn what_libraries_send_is_understood() {
        let check = |text: &str, expected: Option<(bool, Option<i64>, bool)>| {
            let parsed = ClaimsRequest::parse(text).map(|c| (c.capable, c.not_before, c.auth_time));
            assert_eq!(parsed, expected, "{text}");
        };
        check("{}", Some((false, None, false)));
        check(r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#, Some((true, None, false)));
        check(r#"{"access_token":{"xms_cc":{"values":["cp1","other"]}}}"#, Some((true, None, false)));
        check(r#"{"access_token":{"xms_cc":{"value":"Cp1"}}}"#, Some((true, None, false)));
        check(r#"{"access_token":{"xms_cc":{"values":["CP2"]}}}"#, Some((false, None, false)));
        let challenge = r#"{"access_token":{"nbf":{"essential":true,"value":"1796040000"}}}"#;
        check(challenge, Some((false, Some(1_796_040_000), false)));
        check(r#"{"access_token":{"nbf":{"value":1796040000}}}"#, Some((false, Some(1_796_040_000), false)));
        check(r#"{"id_token":{"auth_time":{"essential":true}}}"#, Some((false, None, true)));
        check(r#"{"id_token":{"auth_time":null}}"#, Some((false, None, true)));
        let node = r#"{"id_token":{"signin_state":{"essential":false},"login_hint":{"essential":false},
            "tenant_region_sub_scope":{"essential":false}}}"#;
        check(node, Some((false, None, false)));
        check("[]", None);
        check("nonsense", None);
        check(r#"{"access_token":7,"id_token":[]}"#, Some((false, None, false)));
    }
}
