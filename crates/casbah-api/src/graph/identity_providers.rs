//! `/identity/identityProviders`: other OpenID providers through which people sign in, in the shape of
//! Graph's `oidcIdentityProvider`. What is Casbah's own has a name that begins with `casbah.`.

use casbah_model::{ClaimMapping, Guid, IdentityProvider, IdentityProviderDetails, Provisioning, Secret};
use casbah_service::directory::identity_providers::{
    IdentityProviderChange, NewIdentityProvider, ProviderAuthentication,
};
use serde_json::{Value, json};

use super::error::GraphError;
use super::path::Key;
use super::properties::Properties;
use super::{Answer, Call};

type Answered = Result<Answer, GraphError>;

const TYPE: &str = "#microsoft.graph.oidcIdentityProvider";
const SECRET: &str = "#microsoft.graph.oidcClientSecretAuthentication";
const OWN_KEY: &str = "#microsoft.graph.oidcPrivateJwtKeyClientAuthentication";
const MAPPING: &str = "#microsoft.graph.oidcInboundClaimMappingOverride";

pub(super) async fn list(call: Call) -> Answered {
    let all = call.service.list_identity_providers(&call.caller).await?;
    let base = &call.service.settings().public_url;
    let all = all.iter().map(|provider| view(&call, provider)).collect();
    call.query.list(base, "identity/identityProviders", all).map(Answer::Found)
}

pub(super) async fn fetch(call: Call) -> Answered {
    let found = call.service.fetch_identity_provider(&call.caller, id(&call.keys[0])?).await?;
    call.query.select(view(&call, &found)).map(Answer::Found)
}

pub(super) async fn create(mut call: Call) -> Answered {
    let asked = Asked::read(std::mem::take(&mut call.body))?;
    let needed = |value: Option<String>, name: &str| {
        value.ok_or_else(|| {
            GraphError::bad_request(format!("Property '{name}' is required but was not given."))
        })
    };
    let usual = IdentityProviderDetails::default();
    let new = NewIdentityProvider {
        display_name: needed(asked.display_name, "displayName")?,
        issuer: needed(asked.issuer, "issuer")?,
        client_id: needed(asked.client_id, "clientId")?,
        authentication: asked.authentication.ok_or_else(|| {
            GraphError::bad_request("Property 'clientAuthentication' is required but was not given.")
        })?,
        enabled: asked.enabled.unwrap_or(true),
        details: IdentityProviderDetails {
            scope: asked.scope.unwrap_or(usual.scope),
            claims: asked.claims.unwrap_or(usual.claims),
            domains: asked.domains.unwrap_or_default(),
            provisioning: asked.provisioning.unwrap_or_default(),
            trusts_second_factor: asked.trusts_second_factor.unwrap_or(false),
        },
    };
    let made = call.service.create_identity_provider(&call.caller, new).await?;
    Ok(Answer::Created(view(&call, &made)))
}

pub(super) async fn change(call: Call) -> Answered {
    let asked = Asked::read(call.body)?;
    let change = IdentityProviderChange {
        display_name: asked.display_name,
        issuer: asked.issuer,
        client_id: asked.client_id,
        authentication: asked.authentication,
        enabled: asked.enabled,
        scope: asked.scope,
        claims: asked.claims,
        domains: asked.domains,
        provisioning: asked.provisioning,
        trusts_second_factor: asked.trusts_second_factor,
    };
    call.service.change_identity_provider(&call.caller, id(&call.keys[0])?, change).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(call: Call) -> Answered {
    call.service.delete_identity_provider(&call.caller, id(&call.keys[0])?).await?;
    Ok(Answer::Done)
}

fn id(key: &Key) -> Result<Guid, GraphError> {
    match key {
        Key::Id(text) => text.parse().map_err(|_| GraphError::from(casbah_service::Error::NotFound)),
        Key::Alternate(name, _) => {
            Err(GraphError::bad_request(format!("'{name}' is not a key here; use the id.")))
        }
    }
}

/// What a body says.
struct Asked {
    display_name: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    authentication: Option<ProviderAuthentication>,
    enabled: Option<bool>,
    scope: Option<String>,
    claims: Option<ClaimMapping>,
    domains: Option<Vec<String>>,
    provisioning: Option<Provisioning>,
    trusts_second_factor: Option<bool>,
}

impl Asked {
    fn read(body: Value) -> Result<Asked, GraphError> {
        let mut body = Properties::of(body)?;
        let kind = body.text("@odata.type")?;
        if kind.is_some_and(|kind| kind.trim_start_matches('#') != TYPE.trim_start_matches('#')) {
            return Err(GraphError::bad_request(format!("Property '@odata.type' must be {TYPE}.")));
        }
        body.only("responseType", &"code".into())?;
        let provisioning = body.text("casbah.provisioning")?;
        let provisioning = provisioning.map(|name| {
            Provisioning::find(&name).ok_or_else(|| {
                GraphError::bad_request("Property 'casbah.provisioning' must be none, guest or member.")
            })
        });
        let asked = Asked {
            display_name: body.text("displayName")?,
            issuer: issuer(&mut body)?,
            client_id: body.text("clientId")?,
            authentication: authentication(&mut body)?,
            enabled: body.bool("casbah.isEnabled")?,
            scope: body.text("scope")?,
            claims: claims(&mut body)?,
            domains: body.texts("casbah.domains")?,
            provisioning: provisioning.transpose()?,
            trusts_second_factor: body.bool("casbah.trustsSecondFactor")?,
        };
        // What tools send back as they read it.
        for name in ["id", "createdDateTime", "casbah.redirectUri"] {
            body.take(name);
        }
        body.finish()?;
        Ok(asked)
    }
}

/// By itself, or by the address of the discovery document, which stands below it.
fn issuer(body: &mut Properties) -> Result<Option<String>, GraphError> {
    let (issuer, document) = (body.text("issuer")?, body.text("wellKnownEndpoint")?);
    let Some(document) = document else { return Ok(issuer) };
    let above = document.strip_suffix("/.well-known/openid-configuration");
    let Some(above) = above else {
        return Err(GraphError::bad_request(
            "Property 'wellKnownEndpoint' must end in /.well-known/openid-configuration, below the issuer.",
        ));
    };
    match issuer {
        None => Ok(Some(above.to_string())),
        Some(issuer) if issuer.trim_end_matches('/') == above => Ok(Some(issuer)),
        Some(_) => Err(GraphError::bad_request(
            "Property 'wellKnownEndpoint' must stand below the issuer; it can be left out.",
        )),
    }
}

fn authentication(body: &mut Properties) -> Result<Option<ProviderAuthentication>, GraphError> {
    const NAME: &str = "clientAuthentication";
    let Some(mut own) = body.object(NAME)? else { return Ok(None) };
    let kind = own.text("@odata.type")?;
    let secret = own.text("clientSecret")?;
    own.finish()?;
    match (kind.as_deref().map(|kind| kind.trim_start_matches('#')), secret) {
        (Some(kind), None) if kind == OWN_KEY.trim_start_matches('#') => {
            Ok(Some(ProviderAuthentication::OwnKey))
        }
        (kind, Some(secret)) if kind.is_none_or(|kind| kind == SECRET.trim_start_matches('#')) => {
            Ok(Some(ProviderAuthentication::Secret(Secret::new(secret))))
        }
        // As it was read: the secret is never shown, and stays.
        (Some(kind), None) if kind == SECRET.trim_start_matches('#') => Ok(None),
        _ => Err(GraphError::bad_request(format!(
            "Property '{NAME}' must be {SECRET} with a clientSecret, or {OWN_KEY}."
        ))),
    }
}

/// Claims that are not named are not taken; the subject always is.
fn claims(body: &mut Properties) -> Result<Option<ClaimMapping>, GraphError> {
    let Some(mut map) = body.object("inboundClaimMapping")? else { return Ok(None) };
    map.take("@odata.type");
    let claims = ClaimMapping {
        sub: map.text("sub")?.unwrap_or_else(|| "sub".to_string()),
        name: map.text("name")?,
        given_name: map.text("given_name")?,
        family_name: map.text("family_name")?,
        email: map.text("email")?,
        email_verified: map.text("email_verified")?,
    };
    map.finish()?;
    Ok(Some(claims))
}

fn view(call: &Call, provider: &IdentityProvider) -> Value {
    let IdentityProviderDetails { scope, claims, domains, provisioning, trusts_second_factor } =
        &provider.details;
    let authentication = match &provider.sealed_secret {
        Some(_) => json!({ "@odata.type": SECRET, "clientSecret": null }),
        None => json!({ "@odata.type": OWN_KEY }),
    };
    json!({
        "@odata.type": TYPE,
        "id": provider.id,
        "displayName": provider.display_name,
        "clientId": provider.client_id,
        "issuer": provider.issuer,
        "wellKnownEndpoint": provider.well_known_endpoint(),
        "responseType": "code",
        "scope": scope,
        "clientAuthentication": authentication,
        "inboundClaimMapping": {
            "@odata.type": MAPPING,
            "sub": claims.sub,
            "name": claims.name,
            "given_name": claims.given_name,
            "family_name": claims.family_name,
            "email": claims.email,
            "email_verified": claims.email_verified,
        },
        "createdDateTime": provider.created.iso(),
        "casbah.isEnabled": provider.enabled,
        "casbah.domains": domains,
        "casbah.provisioning": provisioning.name(),
        "casbah.trustsSecondFactor": trusts_second_factor,
        // What to register at the provider.
        "casbah.redirectUri": call.service.authority().upstream_callback(call.caller.tenant),
    })
}
