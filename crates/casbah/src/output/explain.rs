//! What an access token says, in plain words. It is decoded, not verified: only the server can say
//! whether it is good, and the signature is never shown.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Permission, Timestamp};
use serde_json::Value;

use super::units;

/// One statement about a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    /// The claim.
    pub claim: String,
    /// Its value.
    pub value: String,
    /// What it means.
    pub meaning: String,
}

/// The claims of a token; none when it is not a JWT.
pub fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.is_object().then_some(claims)
}

/// The sign-in name or application in a token, for people.
pub fn subject(token: &str) -> Option<String> {
    let claims = claims(token)?;
    let name = ["preferred_username", "upn", "unique_name", "app_displayname", "name", "appid", "azp"];
    name.iter().find_map(|claim| claims.get(claim).and_then(Value::as_str)).map(str::to_string)
}

/// Every claim with its meaning, the important ones first.
pub fn explain(claims: &Value, now: Timestamp) -> Vec<Statement> {
    const ORDER: [&str; 14] = [
        "idtyp",
        "aud",
        "iss",
        "tid",
        "appid",
        "azp",
        "oid",
        "upn",
        "unique_name",
        "preferred_username",
        "roles",
        "scp",
        "iat",
        "exp",
    ];
    let Some(object) = claims.as_object() else { return Vec::new() };
    let rank = |claim: &str| ORDER.iter().position(|name| *name == claim).unwrap_or(ORDER.len());
    let mut names: Vec<_> = object.keys().collect();
    names.sort_by_key(|name| (rank(name), name.as_str()));
    names
        .into_iter()
        .map(|claim| {
            let value = match &object[claim] {
                Value::String(text) => text.clone(),
                Value::Array(items) => items
                    .iter()
                    .map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_string))
                    .collect::<Vec<_>>()
                    .join(" "),
                other => other.to_string(),
            };
            let meaning = meaning(claim, &value, &object[claim], now);
            Statement { claim: claim.clone(), value, meaning }
        })
        .collect()
}

fn meaning(claim: &str, value: &str, json: &Value, now: Timestamp) -> String {
    let fixed = match claim {
        "aud" => return audience(value),
        "roles" | "scp" => return permissions(claim, value),
        "exp" | "nbf" | "iat" => return moment(claim, json, now),
        "idtyp" if value == "app" => "an application acts as itself",
        "idtyp" => "a user acts through an application",
        "iss" => "the authority that issued it",
        "tid" => "the tenant that it belongs to",
        "appid" | "azp" => "the application that asked for it",
        "app_displayname" => "that application's name",
        "appidacr" | "azpacr" if value == "0" => "the application proved nothing: it is public",
        "appidacr" | "azpacr" if value == "1" => "the application proved itself with a secret",
        "appidacr" | "azpacr" => "the application proved itself with a certificate",
        "oid" => "who acts: object id in the directory",
        "sub" => "who acts, as this application knows them",
        "upn" | "unique_name" | "preferred_username" => "who acts: sign-in name",
        "name" => "who acts: full name",
        "wids" => "the user's directory roles",
        "amr" => "how the user signed in",
        "ver" => "version of the token's layout",
        "uti" | "jti" => "number of this token",
        "sid" => "the sign-in that it comes from",
        "idp" => "who vouches for the identity",
        "ipaddr" => "the address from which it was asked for",
        _ => "",
    };
    fixed.to_string()
}

fn audience(value: &str) -> String {
    match value {
        "05a65629-4c1b-48c1-a78b-804c4abdd4af" => "good for the Cloud Apps API".to_string(),
        "00000003-0000-0000-c000-000000000000" => "good for the directory, /v1.0/…".to_string(),
        _ => "the resource that it is good for".to_string(),
    }
}

fn permissions(claim: &str, value: &str) -> String {
    let kind = if claim == "roles" { "may, as itself" } else { "may, within the user's own rights" };
    let held: Vec<_> = value.split_whitespace().filter_map(Permission::find).collect();
    // To manage includes to read.
    let implied = |p: &Permission| held.iter().any(|other| other.implied() == Some(*p));
    let sentences: Vec<_> =
        held.iter().filter(|p| !implied(p)).map(|p| lower_first(p.description())).collect();
    if sentences.is_empty() { kind.to_string() } else { format!("{kind}: {}", sentences.join("; ")) }
}

fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn moment(claim: &str, json: &Value, now: Timestamp) -> String {
    let Some(seconds) = json.as_i64() else { return String::new() };
    let at = Timestamp::from_seconds(seconds).0;
    let word = match claim {
        "exp" if at <= now.0 => "ended",
        "exp" => "ends",
        "iat" => "issued",
        _ => "good from",
    };
    format!("{word} {}, {}", units::relative(at, now.0), units::moment(at))
}

#[cfg(test)]
mod tests;
