//! The checks of an authorization request, in the order of the specification: first what decides
//! whether there may be a redirect at all, then everything that is told by redirect.

use casbah_model::{Application, RedirectUri, ServicePrincipal};
use url::Url;

use crate::authorize::redirect_step::ResponseMode;
use crate::claims::Endpoint;
use crate::claims_request::ClaimsRequest;
use crate::client;
use crate::codes;
use crate::dpop;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::{Challenge, challenge_is_well_formed};
use crate::redirect;
use crate::wanted::Wanted;

/// Where the answer goes. Only [`target`] makes one, from a registration.
#[derive(Clone)]
pub(crate) struct Target {
    /// As asked; differs from the registration in the port of a loopback host at the most.
    pub(crate) uri: String,
    pub(crate) registered: RedirectUri,
    pub(crate) mode: ResponseMode,
}

/// A request that may be answered with a code.
pub(crate) struct Checked {
    pub(crate) application: Application,
    pub(crate) principal: ServicePrincipal,
    pub(crate) target: Target,
    /// None when the request leaves it to the registration, or to the token endpoint (v1 only).
    pub(crate) wanted: Option<Wanted>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) response: ResponseType,
    pub(crate) claims: ClaimsRequest,
    /// The key that the code will be bound to (RFC 9449, section 10).
    pub(crate) proof_key: Option<String>,
    pub(crate) prompt: Prompt,
    pub(crate) max_age: Option<i64>,
}

/// `response_type`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) id_token: bool,
}

/// `prompt`
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Prompt {
    pub(crate) none: bool,
    pub(crate) login: bool,
    pub(crate) select_account: bool,
    pub(crate) consent: bool,
    pub(crate) admin_consent: bool,
}

/// Step one: is there a redirect URI that we trust? Everything that fails here is a page.
pub(crate) fn target(application: &Application, form: &Form) -> Result<Target, OAuthError> {
    for name in ["client_id", "redirect_uri"] {
        if form.is_repeated(name) {
            let text = format!("The parameter {name} is repeated. Send each parameter once.");
            return Err(OAuthError::new(codes::MALFORMED, text));
        }
    }
    let (uri, registered) = match form.get("redirect_uri") {
        Some(asked) => {
            if Url::parse(asked).is_err() {
                let text = format!("The redirect URI {asked} is not an absolute URI.");
                return Err(OAuthError::new(codes::REDIRECT_NO_URI, text));
            }
            let registered = redirect::find(&application.redirect_uris, asked).ok_or_else(|| {
                OAuthError::new(
                    codes::WRONG_REDIRECT,
                    format!(
                        "The redirect URI {asked} is not registered for the application {}. It must be \
                         identical to a registered one.",
                        client::label(application)
                    ),
                )
            })?;
            (asked.to_string(), registered.clone())
        }
        None => match application.redirect_uris.as_slice() {
            [only] => (only.uri.clone(), only.clone()),
            _ => return Err(OAuthError::plain(codes::NO_REDIRECT)),
        },
    };
    // OAuth 2.0 Multiple Response Types, section 5: what holds a token does not go into a query.
    let holds_token = form.get("response_type").unwrap_or_default().split_whitespace().any(|w| w != "code");
    let usual = if holds_token { ResponseMode::Fragment } else { ResponseMode::Query };
    let mode = form.get("response_mode").and_then(ResponseMode::find).unwrap_or(usual);
    Ok(Target { uri, registered, mode })
}

/// Step two: everything else. What fails here is told to the application.
pub(crate) fn check(
    endpoint: Endpoint,
    form: &Form,
    application: Application,
    principal: ServicePrincipal,
    target: Target,
) -> Result<Checked, OAuthError> {
    form.check_unrepeated()?;
    check_request_object(form)?;
    let response = response_type(form, &application)?;
    let challenge = if response.code { challenge(form, &target.registered)? } else { None };
    let claims = ClaimsRequest::of_form(form)?;
    let proof_key = proof_key(form)?;
    let prompt = prompt(form)?;
    let max_age = max_age(form)?;
    let wanted = Wanted::of_request(endpoint, form)?;
    // On v1 the registration may say what is wanted, or the token request may name the resource.
    if wanted.is_none() && endpoint == Endpoint::V2 {
        return Err(OAuthError::missing("scope"));
    }
    Ok(Checked {
        application,
        principal,
        target,
        wanted,
        challenge,
        response,
        claims,
        proof_key,
        prompt,
        max_age,
    })
}

fn check_request_object(form: &Form) -> Result<(), OAuthError> {
    if form.get("request").is_some() {
        return Err(OAuthError::plain(codes::REQUEST_OBJECT));
    }
    // Nothing is ever fetched because a request says so.
    if form.get("request_uri").is_some() {
        return Err(OAuthError::plain(codes::REQUEST_URI));
    }
    Ok(())
}

fn response_type(form: &Form, application: &Application) -> Result<ResponseType, OAuthError> {
    if let Some(mode) = form.get("response_mode").filter(|mode| ResponseMode::find(mode).is_none()) {
        let text = format!("The response_mode {mode} is not supported.");
        return Err(OAuthError::new(codes::RESPONSE_MODE_UNKNOWN, text));
    }
    let asked = form.required("response_type")?;
    let mut words: Vec<&str> = asked.split_whitespace().collect();
    words.sort_unstable();
    match words.as_slice() {
        ["code"] => Ok(ResponseType { code: true, id_token: false }),
        ["id_token"] | ["code", "id_token"] if application.details.implicit_id_tokens => {
            // OpenID Connect Core, section 3.2.2.1: nothing else ties the token to the request.
            form.required("nonce")?;
            if form.get("response_mode") == Some("query") {
                let text = "The response_mode query cannot carry an ID token. Use form_post or fragment.";
                return Err(OAuthError::new(codes::RESPONSE_MODE_UNKNOWN, text));
            }
            Ok(ResponseType { code: words.len() == 2, id_token: true })
        }
        // RFC 9700, section 2.1.2: no tokens from the authorize endpoint.
        words if words.iter().all(|w| matches!(*w, "code" | "id_token" | "token")) => {
            let text = format!("The response_type {asked} is not enabled for the application.");
            Err(OAuthError::new(codes::RESPONSE_TYPE_DISABLED, text))
        }
        _ => {
            let text = format!("The response_type {asked} is not supported.");
            Err(OAuthError::new(codes::RESPONSE_TYPE_UNKNOWN, text))
        }
    }
}

/// `dpop_jkt`
fn proof_key(form: &Form) -> Result<Option<String>, OAuthError> {
    match form.get("dpop_jkt") {
        Some(key) if !dpop::is_thumbprint(key) => {
            let text = "The dpop_jkt is not the SHA-256 thumbprint of a key.";
            Err(OAuthError::new(codes::INVALID_PARAMETER, text))
        }
        key => Ok(key.map(str::to_string)),
    }
}

fn challenge(form: &Form, registered: &RedirectUri) -> Result<Option<Challenge>, OAuthError> {
    let method = form.get("code_challenge_method");
    let Some(challenge) = form.get("code_challenge") else {
        // A page in a browser has nothing else to prove itself with.
        if registered.kind == casbah_model::RedirectUriKind::Spa {
            return Err(OAuthError::plain(codes::PKCE_NEEDED));
        }
        return match method {
            // Somebody took the challenge out, or forgot it: both are better told now.
            Some(_) => Err(OAuthError::plain(codes::CHALLENGE_SIZE)),
            None => Ok(None),
        };
    };
    if !challenge_is_well_formed(challenge) {
        return Err(OAuthError::plain(codes::CHALLENGE_SIZE));
    }
    match method {
        Some("S256") => Ok(Some(Challenge::S256(challenge.to_string()))),
        Some("plain") | None => Ok(Some(Challenge::Plain(challenge.to_string()))),
        Some(other) => {
            let text = format!("The code_challenge_method {other} is not supported. Use S256.");
            Err(OAuthError::new(codes::CHALLENGE_METHOD, text))
        }
    }
}

fn prompt(form: &Form) -> Result<Prompt, OAuthError> {
    let mut prompt = Prompt::default();
    for word in form.get("prompt").unwrap_or_default().split_whitespace() {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "select_account" => prompt.select_account = true,
            "consent" => prompt.consent = true,
            "admin_consent" => prompt.admin_consent = true,
            "create" | "attempt_none" | "refresh_session" => {}
            other => {
                let text = format!("The prompt {other} is not supported.");
                return Err(OAuthError::new(codes::INVALID_PARAMETER, text));
            }
        }
    }
    let alone = Prompt { none: true, ..Prompt::default() };
    if prompt.none && prompt != alone {
        // OpenID Connect Core, section 3.1.2.1.
        let text = "The prompt none cannot be combined with another one.";
        return Err(OAuthError::new(codes::INVALID_PARAMETER, text));
    }
    Ok(prompt)
}

fn max_age(form: &Form) -> Result<Option<i64>, OAuthError> {
    let Some(text) = form.get("max_age") else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Some(i64::from(seconds))),
        Err(_) => Err(OAuthError::new(codes::INVALID_PARAMETER, "The max_age is not a number of seconds.")),
    }
}
