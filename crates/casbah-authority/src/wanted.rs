//! What a client asks for: `scope` on v2.0, `resource` (or `scope` after all) on v1.

use serde::{Deserialize, Serialize};

use crate::claims::Endpoint;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;

/// All that a client asks for, in one form for both versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) openid: bool,
    pub(crate) profile: bool,
    pub(crate) email: bool,
    pub(crate) offline_access: bool,
    pub(crate) entries: Vec<Entry>,
}

/// One permission on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The resource identifier as spelled; empty means the directory.
    pub(crate) resource: String,
    /// A scope's value, or `.default`.
    pub(crate) permission: String,
    /// The whole entry as spelled.
    pub(crate) text: String,
}

impl Entry {
    pub(crate) fn is_default(&self) -> bool {
        self.permission == ".default"
    }
}

impl Wanted {
    /// What a request asks for; none when it does not say.
    pub(crate) fn of_request(endpoint: Endpoint, form: &Form) -> Result<Option<Wanted>, OAuthError> {
        match (endpoint, form.get("resource"), form.get("scope")) {
            (Endpoint::V1, Some(resource), _) => Ok(Some(Wanted::of_resource(resource)?)),
            (Endpoint::V1, None, Some(scope)) => {
                // The documentation's own sample posts a scope to the v1 endpoint.
                let wanted = Wanted::of_scope(scope)?;
                Ok(if wanted.entries.is_empty() { None } else { Some(wanted.for_v1()) })
            }
            (Endpoint::V2, Some(_), None) => Err(OAuthError::plain(codes::RESOURCE_ON_V2)),
            (Endpoint::V2, _, Some(scope)) => Wanted::of_scope(scope).map(Some),
            (_, None, None) => Ok(None),
        }
    }

    /// What a request asks for, which it must say.
    pub(crate) fn required(endpoint: Endpoint, form: &Form) -> Result<Wanted, OAuthError> {
        Wanted::of_request(endpoint, form)?.ok_or_else(|| match endpoint {
            Endpoint::V1 => OAuthError::new(
                codes::NO_RESOURCE,
                "The request names no resource. Send the parameter resource.",
            ),
            Endpoint::V2 => OAuthError::missing("scope"),
        })
    }

    /// All that was granted on one resource, as v1 has it.
    pub(crate) fn of_resource(resource: &str) -> Result<Wanted, OAuthError> {
        check_characters(resource)?;
        let entry = Entry {
            resource: resource.to_string(),
            permission: ".default".to_string(),
            text: format!("{resource}/.default"),
        };
        Ok(Wanted { entries: vec![entry], ..Wanted::default() }.for_v1())
    }

    /// A v1 user flow always gives an ID token and a refresh token.
    pub(crate) fn for_v1(self) -> Wanted {
        Wanted { openid: true, profile: true, offline_access: true, ..self }
    }

    /// Reads a `scope` parameter.
    pub(crate) fn of_scope(scope: &str) -> Result<Wanted, OAuthError> {
        let mut wanted = Wanted::default();
        for word in scope.split_whitespace() {
            match word.to_ascii_lowercase().as_str() {
                "openid" => wanted.openid = true,
                "profile" => wanted.profile = true,
                "email" => wanted.email = true,
                "offline_access" => wanted.offline_access = true,
                _ => {
                    let entry = entry(word)?;
                    if !wanted.entries.contains(&entry) {
                        wanted.entries.push(entry);
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Takes over what an earlier request of the same flow asked for: the OIDC scopes of both count,
    /// and the earlier permissions when this request names none.
    pub(crate) fn after(this: Option<Wanted>, earlier: &Wanted) -> Wanted {
        let Some(mut wanted) = this else { return earlier.clone() };
        wanted.openid |= earlier.openid;
        wanted.profile |= earlier.profile;
        wanted.email |= earlier.email;
        wanted.offline_access |= earlier.offline_access;
        if wanted.entries.is_empty() {
            wanted.entries.clone_from(&earlier.entries);
        }
        wanted
    }

    /// The OIDC scopes that an answer lists; clients do not expect `offline_access` among them.
    pub(crate) fn oidc_words(&self) -> Vec<&'static str> {
        let all = [(self.openid, "openid"), (self.profile, "profile"), (self.email, "email")];
        all.into_iter().filter(|(asked, _)| *asked).map(|(_, word)| word).collect()
    }
}

/// The part behind the last slash is the permission, what stands before it the resource.
fn entry(word: &str) -> Result<Entry, OAuthError> {
    check_characters(word)?;
    let (resource, permission) = word.rsplit_once('/').unwrap_or(("", word));
    // `https://host` and `https://host/` have no permission in them.
    if permission.is_empty() || resource.ends_with(":/") {
        return Err(invalid(word));
    }
    let permission =
        if permission.eq_ignore_ascii_case(".default") { ".default" } else { permission }.to_string();
    Ok(Entry { resource: resource.to_string(), permission, text: word.to_string() })
}

/// RFC 6749, section 3.3: the characters of a scope.
fn check_characters(word: &str) -> Result<(), OAuthError> {
    let allowed = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    if word.chars().all(allowed) { Ok(()) } else { Err(invalid(word)) }
}

pub(crate) fn invalid(word: &str) -> OAuthError {
    OAuthError::new(codes::INVALID_SCOPE, format!("The scope {word} is not valid."))
}
