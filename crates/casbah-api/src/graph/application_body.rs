//! What a body says of an application.

use casbah_model::{
    Guid, OptionalClaim, OptionalClaims, PreAuthorizedApplication, RedirectUriKind, RequiredAccess, Timestamp,
};
use casbah_service::directory::applications::{ApplicationChange, Detail};
use serde_json::Value;

use super::error::GraphError;
use super::key_credentials;
use super::permissions::{read_app_roles, read_scopes};
use super::properties::Properties;

/// What a body asks for.
pub(super) struct Asked {
    pub(super) change: ApplicationChange,
    /// Object ids of `owners@odata.bind`.
    pub(super) owners: Vec<Guid>,
}

impl Asked {
    pub(super) fn read(body: Value, version: &str, now: Timestamp) -> Result<Asked, GraphError> {
        let mut body = Properties::of(body)?;
        let mut change = ApplicationChange {
            display_name: body.text("displayName")?,
            identifier_uris: body.texts("identifierUris")?,
            app_roles: read_app_roles(&mut body)?,
            required_access: required_access(&mut body)?,
            certificates: key_credentials::of_body(&mut body, now)?,
            ..ApplicationChange::default()
        };
        if body.has("isFallbackPublicClient") {
            let stated = body.bool("isFallbackPublicClient")?;
            change.public_client = Some(stated.unwrap_or(false));
            change.details.push(Detail::PublicClientStated(stated.is_some()));
        }
        platforms(&mut body, &mut change)?;
        if let Some(mut api) = body.object("api")? {
            read_api(&mut api, &mut change)?;
            api.finish()?;
        }
        for (name, detail) in [
            ("notes", Detail::Notes as fn(Option<String>) -> Detail),
            ("description", Detail::Description),
            ("serviceManagementReference", Detail::ServiceManagementReference),
            ("groupMembershipClaims", Detail::GroupMembershipClaims),
            ("signInAudience", Detail::SignInAudience),
        ] {
            change.details.extend(body.nullable_text(name)?.map(detail));
        }
        if body.has("tags") {
            change.details.push(Detail::Tags(body.texts("tags")?.unwrap_or_default()));
        }
        if let Some(mut info) = body.object("info")? {
            for (name, detail) in [
                ("marketingUrl", Detail::MarketingUrl as fn(Option<String>) -> Detail),
                ("privacyStatementUrl", Detail::PrivacyStatementUrl),
                ("supportUrl", Detail::SupportUrl),
                ("termsOfServiceUrl", Detail::TermsOfServiceUrl),
            ] {
                change.details.extend(info.nullable_text(name)?.map(detail));
            }
            info.finish()?;
        }
        if body.has("optionalClaims") {
            let claims = match body.object("optionalClaims")? {
                Some(claims) => optional_claims(claims)?,
                None => OptionalClaims::default(),
            };
            change.details.push(Detail::OptionalClaims(claims));
        }
        let owners = body.references("owners@odata.bind")?;
        // What the clients' libraries write of things that are not built: nothing is lost by the usual value.
        for name in ["isDeviceOnlyAuthSupported", "oauth2RequirePostResponse", "oauth2RequiredPostResponse"] {
            body.only(name, &false.into())?;
        }
        if version == "beta" {
            body.only("nativeAuthenticationApisEnabled", &"none".into())?;
        }
        body.finish()?;
        Ok(Asked { change, owners })
    }
}

fn platforms(body: &mut Properties, change: &mut ApplicationChange) -> Result<(), GraphError> {
    for (name, kind) in [
        ("web", RedirectUriKind::Web),
        ("spa", RedirectUriKind::Spa),
        ("publicClient", RedirectUriKind::PublicClient),
    ] {
        let Some(mut platform) = body.object(name)? else { continue };
        if let Some(uris) = platform.texts("redirectUris")? {
            change.redirect_uris.push((kind, uris));
        }
        if kind == RedirectUriKind::Web {
            change.details.extend(platform.nullable_text("homePageUrl")?.map(Detail::HomePageUrl));
            change.details.extend(platform.nullable_text("logoutUrl")?.map(Detail::LogoutUrl));
            if let Some(mut implicit) = platform.object("implicitGrantSettings")? {
                let id_tokens = implicit.bool("enableIdTokenIssuance")?;
                change.details.extend(id_tokens.map(Detail::ImplicitIdTokens));
                // Access tokens do not belong into addresses (RFC 9700, section 2.1.2).
                implicit.only("enableAccessTokenIssuance", &false.into())?;
                implicit.finish()?;
            }
        }
        platform.finish()?;
    }
    Ok(())
}

fn read_api(api: &mut Properties, change: &mut ApplicationChange) -> Result<(), GraphError> {
    if api.has("requestedAccessTokenVersion") {
        let version = api.number("requestedAccessTokenVersion")?;
        change.token_version = Some(version.map_or(1, |v| u8::try_from(v).unwrap_or(0)));
    }
    change.scopes = read_scopes(api)?;
    if api.has("acceptMappedClaims") {
        change.details.push(Detail::AcceptMappedClaims(api.bool("acceptMappedClaims")?));
    }
    let known = api.ids("knownClientApplications")?;
    change.details.extend(known.map(Detail::KnownClientApplications));
    if let Some(clients) = api.objects("preAuthorizedApplications")? {
        let client = |mut client: Properties| {
            let found = PreAuthorizedApplication {
                app_id: client.needed_id("appId")?,
                delegated_permission_ids: match client.ids("delegatedPermissionIds")? {
                    Some(ids) => ids,
                    // The name in the previous version of Graph, which the Azure CLI still writes.
                    None => client.ids("permissionIds")?.unwrap_or_default(),
                },
            };
            client.finish()?;
            Ok(found)
        };
        let clients = clients.into_iter().map(client).collect::<Result<_, GraphError>>()?;
        change.details.push(Detail::PreAuthorized(clients));
    }
    Ok(())
}

fn optional_claims(mut claims: Properties) -> Result<OptionalClaims, GraphError> {
    let mut list = |name: &str| -> Result<Vec<OptionalClaim>, GraphError> {
        let read = |mut claim: Properties| {
            let found = OptionalClaim {
                name: claim.needed_text("name")?,
                source: claim.text("source")?,
                essential: claim.bool("essential")?.unwrap_or(false),
                additional_properties: claim.texts("additionalProperties")?.unwrap_or_default(),
            };
            claim.finish()?;
            Ok(found)
        };
        claims.objects(name)?.unwrap_or_default().into_iter().map(read).collect()
    };
    let (id_token, access_token, saml2_token) = (list("idToken")?, list("accessToken")?, list("saml2Token")?);
    claims.finish()?;
    let claims = OptionalClaims { id_token, access_token, saml2_token };
    // A claim that does not exist would be missed only when a token lacks it.
    casbah_authority::check_optional_claims(&claims).map_err(GraphError::bad_request)?;
    Ok(claims)
}

fn required_access(body: &mut Properties) -> Result<Option<Vec<RequiredAccess>>, GraphError> {
    let Some(resources) = body.objects("requiredResourceAccess")? else { return Ok(None) };
    let mut all = Vec::new();
    for mut resource in resources {
        let resource_app_id = resource.needed_id("resourceAppId")?;
        for mut access in resource.objects("resourceAccess")?.unwrap_or_default() {
            let id = access.needed_id("id")?;
            let is_role = match access.needed_text("type")?.as_str() {
                "Role" => true,
                "Scope" => false,
                _ => return Err(GraphError::bad_request("Property 'type' must be Role or Scope.")),
            };
            access.finish()?;
            all.push(RequiredAccess { resource_app_id, id, is_role });
        }
        resource.finish()?;
    }
    Ok(Some(all))
}
