//! Applications, as registered.

use casbah_authority::{Caller, Principal, seed};
use casbah_model::{
    AppRole, Application, ApplicationCertificate, ApplicationDetails, ApplicationSecret, DelegatedScope,
    Guid, OptionalClaims, PreAuthorizedApplication, RedirectUri, RedirectUriKind, RequiredAccess,
    ServicePrincipal, ServicePrincipalDetails, TenantId, Timestamp,
};
use casbah_store::{
    Search, Tx, app_role_assignments, application_certificates, application_secrets, applications, audit,
    authorization_codes, device_codes, service_principals, tenants, token_families,
};
use serde_json::json;

use super::certificates::{self, CertificateEntry};
use super::{changes, facts, names, owners, registration};
use crate::{Error, Service};

/// How to name an application: both are ids, and Graph has a way to say which is meant.
#[derive(Clone, Copy, Debug)]
pub enum ApplicationKey {
    /// Object id.
    Id(Guid),
    /// Application (client) id.
    AppId(Guid),
}

/// An application with what remains of its secrets.
#[derive(Clone, Debug)]
pub struct ApplicationWithSecrets {
    /// The application.
    pub application: Application,
    /// Its secrets, the oldest first.
    pub secrets: Vec<ApplicationSecret>,
    /// Its certificates, the oldest first.
    pub certificates: Vec<ApplicationCertificate>,
}

/// An application to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewApplication {
    /// Application id; drawn when none is given.
    pub app_id: Option<Guid>,
    /// Name for people.
    pub display_name: String,
    /// Whether it may sign people in without a credential of its own.
    pub public_client: bool,
    /// URIs that name it as a resource.
    pub identifier_uris: Vec<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// App roles that it defines.
    pub app_roles: Vec<AppRole>,
    /// Delegated scopes that it defines.
    pub scopes: Vec<DelegatedScope>,
    /// Permissions that it asks for.
    pub required_access: Vec<RequiredAccess>,
    /// Version of access tokens for it as a resource, 1 or 2; none means 1.
    pub token_version: Option<u8>,
    /// Its certificates.
    pub certificates: Vec<CertificateEntry>,
    /// Everything else.
    pub details: ApplicationDetails,
    /// Object ids of its owners, besides who makes it.
    pub owners: Vec<Guid>,
}

/// What to change about an application; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ApplicationChange {
    /// Name for people.
    pub display_name: Option<String>,
    /// Whether it may sign people in without a credential of its own.
    pub public_client: Option<bool>,
    /// URIs that name it as a resource.
    pub identifier_uris: Option<Vec<String>>,
    /// Where codes may be sent: the whole list for each kind of client that is named.
    pub redirect_uris: Vec<(RedirectUriKind, Vec<String>)>,
    /// App roles that it defines, the whole list.
    pub app_roles: Option<Vec<AppRole>>,
    /// Delegated scopes that it defines, the whole list.
    pub scopes: Option<Vec<DelegatedScope>>,
    /// Permissions that it asks for, the whole list.
    pub required_access: Option<Vec<RequiredAccess>>,
    /// Version of access tokens for it as a resource, 1 or 2.
    pub token_version: Option<u8>,
    /// Its certificates, the whole list.
    pub certificates: Option<Vec<CertificateEntry>>,
    /// Everything else.
    pub details: Vec<Detail>,
}

/// One of the facts in [`ApplicationDetails`], as it shall be.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the names are those of ApplicationDetails")]
pub enum Detail {
    SignInAudience(Option<String>),
    Tags(Vec<String>),
    Notes(Option<String>),
    Description(Option<String>),
    ServiceManagementReference(Option<String>),
    HomePageUrl(Option<String>),
    LogoutUrl(Option<String>),
    ImplicitIdTokens(bool),
    GroupMembershipClaims(Option<String>),
    OptionalClaims(OptionalClaims),
    KnownClientApplications(Vec<Guid>),
    PreAuthorized(Vec<PreAuthorizedApplication>),
    MarketingUrl(Option<String>),
    PrivacyStatementUrl(Option<String>),
    SupportUrl(Option<String>),
    TermsOfServiceUrl(Option<String>),
    AcceptMappedClaims(Option<bool>),
    PublicClientStated(bool),
}

impl Detail {
    /// Writes the fact.
    pub fn apply(self, details: &mut ApplicationDetails) {
        match self {
            Detail::SignInAudience(v) => details.sign_in_audience = v,
            Detail::Tags(v) => details.tags = v,
            Detail::Notes(v) => details.notes = v,
            Detail::Description(v) => details.description = v,
            Detail::ServiceManagementReference(v) => details.service_management_reference = v,
            Detail::HomePageUrl(v) => details.home_page_url = v,
            Detail::LogoutUrl(v) => details.logout_url = v,
            Detail::ImplicitIdTokens(v) => details.implicit_id_tokens = v,
            Detail::GroupMembershipClaims(v) => details.group_membership_claims = v,
            Detail::OptionalClaims(v) => details.optional_claims = v,
            Detail::KnownClientApplications(v) => details.known_client_applications = v,
            Detail::PreAuthorized(v) => details.pre_authorized = v,
            Detail::MarketingUrl(v) => details.information.marketing_url = v,
            Detail::PrivacyStatementUrl(v) => details.information.privacy_statement_url = v,
            Detail::SupportUrl(v) => details.information.support_url = v,
            Detail::TermsOfServiceUrl(v) => details.information.terms_of_service_url = v,
            Detail::AcceptMappedClaims(v) => details.accept_mapped_claims = v,
            Detail::PublicClientStated(v) => details.public_client_stated = v,
        }
    }
}

impl ApplicationChange {
    /// Whether there is anything to change.
    pub fn is_any(&self) -> bool {
        let ApplicationChange {
            display_name,
            public_client,
            identifier_uris,
            redirect_uris,
            app_roles,
            scopes,
            required_access,
            token_version,
            certificates,
            details,
        } = self;
        display_name.is_some()
            || public_client.is_some()
            || identifier_uris.is_some()
            || !redirect_uris.is_empty()
            || app_roles.is_some()
            || scopes.is_some()
            || required_access.is_some()
            || token_version.is_some()
            || certificates.is_some()
            || !details.is_empty()
    }

    /// The application as it shall be.
    fn apply(&self, application: &Application) -> Application {
        let mut next = application.clone();
        let change = self.clone();
        next.display_name = change.display_name.unwrap_or(next.display_name);
        next.public_client = change.public_client.unwrap_or(next.public_client);
        next.identifier_uris = change.identifier_uris.unwrap_or(next.identifier_uris);
        for (kind, uris) in change.redirect_uris {
            next.redirect_uris.retain(|r| r.kind != kind);
            next.redirect_uris.extend(uris.into_iter().map(|uri| RedirectUri { uri, kind }));
        }
        next.app_roles = change.app_roles.unwrap_or(next.app_roles);
        next.scopes = change.scopes.unwrap_or(next.scopes);
        next.required_access = change.required_access.unwrap_or(next.required_access);
        next.token_version = change.token_version.unwrap_or(next.token_version);
        for detail in change.details {
            detail.apply(&mut next.details);
        }
        next
    }
}

impl Service {
    /// Registers an application. It gets no service principal yet, as in Entra; who makes it owns it.
    pub async fn create_application(
        &self,
        caller: &Caller,
        new: NewApplication,
    ) -> Result<Application, Error> {
        owners::check_may_create(caller)?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let (maker, named, chosen_id) = (owners::maker(caller), new.owners, new.app_id.is_some());
        let entries = new.certificates;
        let application = Application {
            id: Guid::random(),
            app_id: new.app_id.unwrap_or_else(Guid::random),
            display_name: names::display_name("displayName", &new.display_name)?,
            public_client: new.public_client,
            identifier_uris: new.identifier_uris,
            redirect_uris: new.redirect_uris,
            app_roles: new.app_roles,
            scopes: new.scopes,
            required_access: new.required_access,
            token_version: new.token_version.unwrap_or(1),
            created: now,
            details: new.details,
        };
        registration::check(&application)?;
        let record = caller.audit(now, "create application", "application", application.id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                if applications::find_by_app_id(tx, tenant, application.app_id)?.is_some() {
                    return Err(Error::Conflict("another application has this appId already.".into()));
                }
                if chosen_id {
                    // Only the operator chooses an id, and means a new application by it.
                    for id in applications::deleted_with_app_id(tx, tenant, application.app_id)? {
                        applications::purge(tx, tenant, id)?;
                    }
                }
                let mut application = application.clone();
                let domains = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?.domains;
                application.details.publisher_domain = domains.into_iter().next();
                check_identifiers(tx, &caller, &application)?;
                applications::insert(tx, tenant, &application)?;
                let (_, certificates) = certificates::replace(tx, tenant, &application, &entries)?;
                owners::add_first(tx, tenant, application.id, maker, &named)?;
                let mut after = facts::of_application(&application);
                if !entries.is_empty() {
                    after["certificates"] = certificates;
                }
                let mut record = record.clone();
                record.details = changes::between(&json!({}), &after);
                audit::append(tx, tenant, &record)?;
                Ok(application)
            })
            .await
    }

    /// A page of the applications.
    pub async fn search_applications(
        &self,
        caller: &Caller,
        wanted: Search,
    ) -> Result<Vec<ApplicationWithSecrets>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let page = applications::search(tx, tenant, &wanted)?;
                page.into_iter().map(|application| details(tx, tenant, application)).collect()
            })
            .await
    }

    /// How many applications fulfil a condition, on all pages.
    pub async fn count_applications(&self, caller: &Caller, wanted: Search) -> Result<i64, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(applications::count(tx, tenant, &wanted)?)).await
    }

    /// One application.
    pub async fn fetch_application(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<ApplicationWithSecrets, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| find_with_secrets(tx, tenant, key)).await
    }

    /// Changes an application.
    pub async fn change_application(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        mut change: ApplicationChange,
    ) -> Result<Application, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        change.display_name =
            change.display_name.map(|n| names::display_name("displayName", &n)).transpose()?;
        let template = caller.audit(now, "change application", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let before = find(tx, tenant, key)?;
                // The operator's file may say how a well-known client is registered here.
                let well_known = seed::WELL_KNOWN_CLIENTS.iter().any(|(id, ..)| *id == before.app_id);
                if !well_known || caller.principal != Principal::System {
                    check_not_built_in(&before)?;
                }
                owners::check_may_manage(tx, &caller, &[before.id])?;
                let application = change.apply(&before);
                registration::check(&application)?;
                registration::check_taken_away(&before, &application)?;
                if application.identifier_uris != before.identifier_uris {
                    check_identifiers(tx, &caller, &application)?;
                }
                applications::save(tx, tenant, &application)?;
                if let Some(mut principal) =
                    service_principals::find_by_app_id(tx, tenant, application.app_id)?
                {
                    // The service principal shows the application's name, on consent pages above all.
                    principal.display_name.clone_from(&application.display_name);
                    service_principals::save(tx, tenant, &principal)?;
                    for role in &before.app_roles {
                        if !application.app_roles.iter().any(|other| other.id == role.id) {
                            app_role_assignments::delete_of_role(tx, tenant, principal.id, role.id)?;
                        }
                    }
                }
                let mut record = template.clone();
                record.target = application.id.to_string();
                let (mut old, mut new) =
                    (facts::of_application(&before), facts::of_application(&application));
                if let Some(entries) = &change.certificates {
                    let (before, after) = certificates::replace(tx, tenant, &application, entries)?;
                    old["certificates"] = before;
                    new["certificates"] = after;
                }
                record.details = changes::between(&old, &new);
                audit::append(tx, tenant, &record)?;
                Ok(application)
            })
            .await
    }

    /// Puts an application among the deleted items, with its service principal; it is seen nowhere else, and
    /// nobody is signed in to it any more.
    pub async fn delete_application(&self, caller: &Caller, key: ApplicationKey) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "delete application", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                owners::check_may_manage(tx, &caller, &[application.id])?;
                end_sign_ins(tx, tenant, application.app_id, now)?;
                applications::soft_delete(tx, tenant, application.id, now)?;
                let mut record = template.clone();
                record.target = application.id.to_string();
                record.details = changes::between(&facts::of_application(&application), &json!({}));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// The application that a key names.
pub(crate) fn find(tx: &mut Tx<'_>, tenant: TenantId, key: ApplicationKey) -> Result<Application, Error> {
    let found = match key {
        ApplicationKey::Id(id) => applications::find(tx, tenant, id)?,
        ApplicationKey::AppId(app_id) => applications::find_by_app_id(tx, tenant, app_id)?,
    };
    found.ok_or(Error::NotFound)
}

/// The application that a key names, with its credentials.
pub(crate) fn find_with_secrets(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    key: ApplicationKey,
) -> Result<ApplicationWithSecrets, Error> {
    let application = find(tx, tenant, key)?;
    details(tx, tenant, application)
}

pub(super) fn details(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Application,
) -> Result<ApplicationWithSecrets, Error> {
    let secrets = application_secrets::list(tx, tenant, application.id)?;
    let certificates = application_certificates::list(tx, tenant, application.id)?;
    Ok(ApplicationWithSecrets { application, secrets, certificates })
}

/// Ends every sign-in to an application that is being deleted: they are known by its application id,
/// and would live again with the next application of that id.
pub(crate) fn end_sign_ins(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    app_id: Guid,
    now: Timestamp,
) -> Result<(), Error> {
    token_families::revoke_of_application(tx, tenant, app_id, now)?;
    authorization_codes::remove_of_application(tx, tenant, app_id)?;
    device_codes::remove_of_application(tx, tenant, app_id)?;
    Ok(())
}

/// The service principal that an application gets in its tenant.
pub(crate) fn new_service_principal(application: &Application, id: Guid, now: Timestamp) -> ServicePrincipal {
    ServicePrincipal {
        id,
        app_id: application.app_id,
        display_name: application.display_name.clone(),
        enabled: true,
        created: now,
        details: ServicePrincipalDetails::default(),
    }
}

/// The applications that come with every tenant are what permissions and sign-in rest on.
pub(crate) fn check_not_built_in(application: &Application) -> Result<(), Error> {
    let id = application.app_id;
    let well_known = seed::WELL_KNOWN_CLIENTS.iter().any(|(known, ..)| *known == id);
    if well_known || [seed::CLOUD_APPS, seed::DIRECTORY, seed::CLI, seed::PORTAL].contains(&id) {
        return Err(Error::Forbidden {
            needs: format!("{} comes with Casbah and cannot be changed.", application.display_name),
        });
    }
    Ok(())
}

/// Whether the identifier URIs are such as this caller may choose, and free. The operator's own files may use
/// domains that are not the tenant's.
fn check_identifiers(tx: &mut Tx<'_>, caller: &Caller, application: &Application) -> Result<(), Error> {
    let domains = match caller.principal {
        Principal::System => None,
        _ => Some(tenants::find(tx, caller.tenant)?.ok_or(Error::NotFound)?.domains),
    };
    registration::check_identifiers(application, caller.tenant.0, domains.as_deref())?;
    check_identifiers_free(tx, caller.tenant, application)
}

fn check_identifiers_free(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<(), Error> {
    for (position, uri) in application.identifier_uris.iter().enumerate() {
        let holder = applications::find_by_identifier_uri(tx, tenant, uri)?;
        let twice = application.identifier_uris[..position].iter().any(|u| u.eq_ignore_ascii_case(uri));
        if twice || holder.is_some_and(|h| h.id != application.id) {
            return Err(Error::Conflict(format!("the identifier URI {uri} is taken.")));
        }
    }
    Ok(())
}
