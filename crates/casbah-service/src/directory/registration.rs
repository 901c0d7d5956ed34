//! What an application's registration may say, as Entra has it.

use casbah_model::{AppRole, Application, DelegatedScope, Guid, MemberType};

use super::redirect_uris;
use crate::Error;

const AUDIENCES: &[&str] = &[
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
];
const GROUP_CLAIMS: &[&str] = &["None", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All"];

/// Checks a registration in itself.
pub(super) fn check(application: &Application) -> Result<(), Error> {
    redirect_uris::check_all(&application.redirect_uris)?;
    if !matches!(application.token_version, 1 | 2) {
        return Err(Error::invalid("requestedAccessTokenVersion", "must be 1 or 2."));
    }
    check_app_roles(&application.app_roles)?;
    check_scopes(&application.scopes)?;
    check_shared_ids(application)?;
    check_details(application)?;
    if application.required_access.len() > 400 {
        return Err(Error::invalid("requiredResourceAccess", "at most 400 permissions can be asked for."));
    }
    Ok(())
}

fn check_details(application: &Application) -> Result<(), Error> {
    let details = &application.details;
    if let Some(audience) = &details.sign_in_audience {
        if !AUDIENCES.contains(&audience.as_str()) {
            return Err(Error::invalid(
                "signInAudience",
                format!("must be one of {}.", AUDIENCES.join(", ")),
            ));
        }
        if audience.contains("Personal") && application.token_version != 2 {
            return Err(Error::invalid(
                "signInAudience",
                "personal accounts need api.requestedAccessTokenVersion 2.",
            ));
        }
    }
    for claim in details.group_membership_claims.iter().flat_map(|text| text.split(',')) {
        if !GROUP_CLAIMS.contains(&claim.trim()) {
            return Err(Error::invalid(
                "groupMembershipClaims",
                format!("must be one of {}.", GROUP_CLAIMS.join(", ")),
            ));
        }
    }
    let info = &details.information;
    for (name, url) in [
        ("web/homePageUrl", &details.home_page_url),
        ("web/logoutUrl", &details.logout_url),
        ("info/marketingUrl", &info.marketing_url),
        ("info/privacyStatementUrl", &info.privacy_statement_url),
        ("info/supportUrl", &info.support_url),
        ("info/termsOfServiceUrl", &info.terms_of_service_url),
    ] {
        if let Some(url) = url
            && !is_web_address(url)
        {
            return Err(Error::invalid(name, "must be an https or http address of at most 2048 characters."));
        }
    }
    // It is loaded into a frame when somebody signs out.
    if let Some(url) = &details.logout_url
        && !url.starts_with("https://")
        && !url.starts_with("http://localhost")
    {
        return Err(Error::invalid("web/logoutUrl", "must begin with https:// or http://localhost."));
    }
    longest("notes", details.notes.as_deref(), 1024)?;
    longest("description", details.description.as_deref(), 1024)?;
    longest("serviceManagementReference", details.service_management_reference.as_deref(), 256)?;
    check_tags(&details.tags)?;
    for client in &details.pre_authorized {
        for id in &client.delegated_permission_ids {
            if !application.scopes.iter().any(|scope| scope.id == *id && scope.enabled) {
                return Err(Error::invalid(
                    "api/preAuthorizedApplications",
                    format!("the application has no enabled scope with the id {id}."),
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn check_tags(tags: &[String]) -> Result<(), Error> {
    if tags.len() > 200 || tags.iter().any(|tag| tag.is_empty() || tag.chars().count() > 256) {
        return Err(Error::invalid("tags", "at most 200, of 1 to 256 characters each."));
    }
    Ok(())
}

pub(super) fn longest(field: &str, text: Option<&str>, most: usize) -> Result<(), Error> {
    if text.is_some_and(|text| text.chars().count() > most) {
        return Err(Error::invalid(field, format!("must not be longer than {most} characters.")));
    }
    Ok(())
}

fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= 2048
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
}

fn check_app_roles(roles: &[AppRole]) -> Result<(), Error> {
    const FIELD: &str = "appRoles";
    for (position, role) in roles.iter().enumerate() {
        let before = &roles[..position];
        if before.iter().any(|other| other.id == role.id) {
            return Err(Error::invalid(FIELD, format!("the id {} stands there twice.", role.id)));
        }
        // A role without a value can be assigned, but stands in no token.
        if !role.value.is_empty() {
            check_value(FIELD, &role.value)?;
            if before.iter().any(|other| other.value == role.value) {
                return Err(Error::invalid(FIELD, format!("the value {:?} stands there twice.", role.value)));
            }
        }
        named(FIELD, &role.display_name, &role.description)?;
        if role.allowed_member_types.is_empty() {
            return Err(Error::invalid(FIELD, "allowedMemberTypes needs User, Application or both."));
        }
    }
    if roles.len() > 1200 {
        return Err(Error::invalid(FIELD, "there are at most 1200."));
    }
    Ok(())
}

fn check_scopes(scopes: &[DelegatedScope]) -> Result<(), Error> {
    const FIELD: &str = "api/oauth2PermissionScopes";
    for (position, scope) in scopes.iter().enumerate() {
        let before = &scopes[..position];
        if before.iter().any(|other| other.id == scope.id) {
            return Err(Error::invalid(FIELD, format!("the id {} stands there twice.", scope.id)));
        }
        check_value(FIELD, &scope.value)?;
        // Consent and requests name scopes without regard to case.
        if before.iter().any(|other| other.value.eq_ignore_ascii_case(&scope.value)) {
            return Err(Error::invalid(FIELD, format!("the value {:?} stands there twice.", scope.value)));
        }
        named(FIELD, &scope.display_name, &scope.description)?;
    }
    if scopes.len() > 1200 {
        return Err(Error::invalid(FIELD, "there are at most 1200."));
    }
    Ok(())
}

/// An app role and a scope may share an id only as two forms of one permission.
fn check_shared_ids(application: &Application) -> Result<(), Error> {
    for role in &application.app_roles {
        let twin = application.scopes.iter().find(|scope| scope.id == role.id);
        if twin.is_some_and(|scope| scope.value != role.value) {
            return Err(Error::invalid(
                "appRoles",
                format!("the id {} belongs to a scope with another value.", role.id),
            ));
        }
    }
    Ok(())
}

/// What stands in `roles` and `scp`, between blanks: 1 to 120 characters of those that a scope may have (RFC
/// 6749, section 3.3), not beginning with a dot, and no slash, behind which a request names the permission.
fn check_value(field: &str, value: &str) -> Result<(), Error> {
    let usual = |b: u8| b.is_ascii_alphanumeric() || b":!#$%&'()*+,-.;=?@[]^_`{|}~<>".contains(&b);
    if value.is_empty() || value.len() > 120 || value.starts_with('.') || !value.bytes().all(usual) {
        return Err(Error::invalid(
            field,
            format!(
                "value {value:?}: must have 1 to 120 ASCII letters, digits or marks, no blanks, no slash, and \
                 not begin with a dot."
            ),
        ));
    }
    if value == "default" || ["openid", "profile", "email", "offline_access"].contains(&value) {
        return Err(Error::invalid(field, format!("value {value:?} has a meaning of its own.")));
    }
    Ok(())
}

fn named(field: &str, display_name: &str, description: &str) -> Result<(), Error> {
    super::names::display_name(field, display_name)?;
    if description.trim().is_empty() {
        return Err(Error::invalid(field, "every permission needs a description."));
    }
    longest(field, Some(description), 1000)
}

/// Refuses to take away what is enabled: whoever relies on it has to see it refused first.
pub(super) fn check_taken_away(before: &Application, after: &Application) -> Result<(), Error> {
    const WHY: &str = "Permission (scope or role) cannot be deleted or updated unless disabled first.";
    for role in before.app_roles.iter().filter(|role| role.enabled) {
        if !after.app_roles.iter().any(|other| other.id == role.id) {
            return Err(Error::invalid("appRoles", format!("{:?}: {WHY}", role.value)));
        }
    }
    for scope in before.scopes.iter().filter(|scope| scope.enabled) {
        if !after.scopes.iter().any(|other| other.id == scope.id) {
            return Err(Error::invalid("api/oauth2PermissionScopes", format!("{:?}: {WHY}", scope.value)));
        }
    }
    Ok(())
}

/// Identifier URIs are `https://…`, `api://…` or `urn:…`, without blanks; none looks like another
/// application's id, and the host is the application's id, the tenant's, or a domain of the tenant, unless the
/// operator chose it.
pub(super) fn check_identifiers(
    application: &Application,
    tenant: Guid,
    domains: Option<&[String]>,
) -> Result<(), Error> {
    if application.identifier_uris.len() > 50 {
        return Err(Error::invalid("identifierUris", "an application has at most 50 identifier URIs."));
    }
    for uri in &application.identifier_uris {
        check_identifier(uri, application.app_id, tenant)?;
        if let Some(domains) = domains
            && !is_verified(uri, application.app_id, tenant, domains)
        {
            return Err(Error::invalid(
                "identifierUris",
                format!(
                    "Values of identifierUris property must use a verified domain of the organization or its \
                     subdomain, or the application's id: {uri:?}. Here: api://{} or https://{}/….",
                    application.app_id,
                    domains.first().map_or("contoso.example", String::as_str)
                ),
            ));
        }
    }
    Ok(())
}

fn is_verified(uri: &str, app_id: Guid, tenant: Guid, domains: &[String]) -> bool {
    let lower = uri.to_ascii_lowercase();
    let Some((scheme, rest)) = lower.split_once("://") else { return true };
    let mut parts = rest.split('/');
    let host = parts.next().unwrap_or_default();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let own = |text: &str| text == app_id.to_string();
    let in_domain = domains.iter().any(|domain| {
        host == domain || host.strip_suffix(domain.as_str()).is_some_and(|sub| sub.ends_with('.'))
    });
    in_domain || (scheme == "api" && (own(host) || host == tenant.to_string() || parts.any(own)))
}

fn check_identifier(uri: &str, app_id: Guid, tenant: Guid) -> Result<(), Error> {
    let lower = uri.to_ascii_lowercase();
    let form = ["https://", "api://", "urn:"].iter().any(|p| lower.len() > p.len() && lower.starts_with(p));
    let clean =
        uri.is_ascii() && !uri.bytes().any(|b| b.is_ascii_control() || b" \"<>\\^`{|}#?*".contains(&b));
    if !form || !clean || uri.len() > 255 {
        return Err(Error::invalid(
            "identifierUris",
            format!(
                "{uri:?}: must be an https, api or urn URI of at most 255 characters, without blanks, ? and #."
            ),
        ));
    }
    let id = lower.strip_prefix("api://").and_then(|rest| rest.split('/').next()?.parse::<Guid>().ok());
    if id.is_some_and(|id| id != app_id && id != tenant)
        && !lower.split('/').any(|part| part == app_id.to_string())
    {
        return Err(Error::invalid(
            "identifierUris",
            format!("{uri:?} carries the id of another application."),
        ));
    }
    Ok(())
}

/// Whether an app role may be held by people and groups, or else by applications.
pub(super) fn may_hold(role: &AppRole, people: bool) -> bool {
    let kind = if people { MemberType::User } else { MemberType::Application };
    role.allowed_member_types.contains(&kind)
}
