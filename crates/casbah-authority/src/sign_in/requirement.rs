//! Who has to prove more than a password, and whether a sign-in did.

use std::time::Duration;

use casbah_model::{SignInSettings, TenantId, Timestamp, User};
use casbah_store::{Tx, administrators, second_factors, tenant_settings, users};
use serde_json::Value as Json;

use crate::claims::Endpoint;
use crate::codes;
use crate::error::OAuthError;
use crate::form::Form;
use crate::token::SignIn;

const DAY: u64 = 24 * 60 * 60;

/// The word for "more than one factor" in `amr` (RFC 8176).
pub(crate) const MFA: &str = "mfa";
/// What applications write for it in `acr_values`, `amr_values` and `claims`.
const DEMANDS: &[&str] = &["mfa", "ngcmfa", "http://schemas.microsoft.com/claims/multipleauthn"];

/// What a tenant asks of a person.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub(crate) settings: SignInSettings,
    /// Whether the person has registered a second factor.
    pub(crate) has_factor: bool,
    /// Whether the tenant demands one of this person.
    pub(crate) by_policy: bool,
}

/// Why a password has to be changed before anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordChange {
    /// An administrator set it and wants the person to choose another.
    Demanded,
    /// It is older than the tenant's settings allow.
    TooOld,
}

impl Requirement {
    pub(crate) fn of(tx: &mut Tx<'_>, tenant: TenantId, user: &User) -> casbah_store::Result<Requirement> {
        let settings = tenant_settings::find(tx, tenant)?.sign_in;
        let has_factor = second_factors::has_any(tx, tenant, user.id)?;
        let by_policy = is_demanded_by(&settings, tx, tenant, user)?;
        Ok(Requirement { settings, has_factor, by_policy })
    }

    /// Whether the password must be changed.
    pub(crate) fn password_change(&self, user: &User, now: Timestamp) -> Option<PasswordChange> {
        if user.details.must_change_password {
            return Some(PasswordChange::Demanded);
        }
        let days = self.settings.password_max_age_days?;
        let set = user.details.password_changed.unwrap_or(user.created);
        let age = Duration::from_secs(u64::from(days) * DAY);
        (set.plus(age) <= now).then_some(PasswordChange::TooOld)
    }

    /// Whether a second factor that was shown at `at` has to be shown again.
    fn is_stale(&self, at: Timestamp, now: Timestamp) -> bool {
        let days = self.settings.second_factor_max_age_days;
        days.is_some_and(|days| at.plus(Duration::from_secs(u64::from(days) * DAY)) <= now)
    }

    /// Whether a sign-in, as far as it went, is enough. `demanded` is what the application asks for.
    ///
    /// # Errors
    /// 50076, 50079, 50074, 50072 or 50078: which, depends on who wants what, and what there is.
    pub(crate) fn check(
        &self,
        amr: &[String],
        at: Timestamp,
        demanded: bool,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let shown = amr.iter().any(|word| word == MFA);
        let wanted = self.by_policy || demanded;
        Err(OAuthError::plain(match (wanted, shown, self.has_factor) {
            (false, ..) => return Ok(()),
            (true, true, _) if !self.is_stale(at, now) => return Ok(()),
            (true, true, _) => codes::SECOND_FACTOR_STALE,
            (true, false, true) if self.by_policy => codes::SECOND_FACTOR_NEEDED,
            (true, false, true) => codes::STRONG_SIGN_IN_NEEDED,
            (true, false, false) if self.by_policy => codes::SECOND_FACTOR_UNREGISTERED,
            (true, false, false) => codes::REGISTRATION_NEEDED,
        }))
    }
}

/// Whether the tenant demands a second factor of a person.
fn is_demanded_by(
    settings: &SignInSettings,
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: &User,
) -> casbah_store::Result<bool> {
    if settings.second_factor_for_all {
        return Ok(true);
    }
    let (directory, cloud_apps) = (&settings.second_factor_roles, &settings.second_factor_cloud_apps_roles);
    if !directory.is_empty()
        && users::roles(tx, tenant, user.id)?.iter().any(|role| directory.contains(&role.template))
    {
        return Ok(true);
    }
    Ok(!cloud_apps.is_empty()
        && administrators::of_user(tx, tenant, user.id)?
            .iter()
            .any(|held| cloud_apps.iter().any(|id| id == held.role.id)))
}

/// Refuses tokens for a person whose tenant wants more than this sign-in proved.
pub(crate) fn check_token(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: &User,
    sign_in: &SignIn,
    endpoint: Endpoint,
    now: Timestamp,
) -> Result<(), OAuthError> {
    let settings = tenant_settings::find(tx, tenant)?.sign_in;
    // Most tenants demand nothing, and this stands in the way of every token.
    if !is_demanded_by(&settings, tx, tenant, user)? {
        return Ok(());
    }
    let requirement = Requirement::of(tx, tenant, user)?;
    requirement.check(&sign_in.amr, sign_in.at, false, now).map_err(|e| for_token_endpoint(e, endpoint))
}

/// Refuses the password grant where a page would ask for more: a second factor, a new password.
pub(crate) fn check_password_grant(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: &User,
    endpoint: Endpoint,
    now: Timestamp,
) -> Result<(), OAuthError> {
    let requirement = Requirement::of(tx, tenant, user)?;
    if requirement.has_factor {
        // Whoever registered one counts on it, also where the tenant demands none.
        return Err(for_token_endpoint(OAuthError::plain(codes::SECOND_FACTOR_NEEDED), endpoint));
    }
    match requirement.password_change(user, now) {
        None => Ok(()),
        Some(PasswordChange::Demanded) => Err(OAuthError::plain(codes::PASSWORD_EXPIRED)),
        Some(PasswordChange::TooOld) => Err(OAuthError::plain(codes::DIRECTORY_PASSWORD_EXPIRED)),
    }
    .map_err(|error| error.with_suberror("user_password_expired"))
}

/// What clients look for: the finer reason, and claims to take to the sign-in page.
fn for_token_endpoint(error: OAuthError, endpoint: Endpoint) -> OAuthError {
    if ![codes::SECOND_FACTOR_NEEDED, codes::SECOND_FACTOR_UNREGISTERED, codes::SECOND_FACTOR_STALE]
        .contains(&error.code)
    {
        return error;
    }
    let v1_word = endpoint == Endpoint::V1 && error.code == codes::SECOND_FACTOR_NEEDED;
    let error = if v1_word { error.said_as("interaction_required") } else { error };
    error.with_step_up()
}

/// Whether an authorization request asks for a second factor, whatever the tenant's settings say:
/// `acr_values` (OpenID Connect), `amr_values` (v1), or an essential claim in `claims`. What one client
/// library asks for in every request is not essential and changes nothing.
pub(crate) fn is_demanded(form: &Form) -> bool {
    let names_it = |text: &str| text.split_whitespace().any(|word| DEMANDS.contains(&word));
    if ["acr_values", "amr_values"].iter().any(|name| form.get(name).is_some_and(names_it)) {
        return true;
    }
    let claims = form.get("claims").and_then(|text| serde_json::from_str::<Json>(text).ok());
    let claims = claims.unwrap_or_default();
    ["id_token", "access_token"].iter().flat_map(|token| ["acr", "acrs", "amr"].map(|c| (token, c))).any(
        |(token, claim)| {
            let wanted = &claims[*token][claim];
            let values = wanted["values"].as_array().into_iter().flatten().chain([&wanted["value"]]);
            wanted["essential"] == true && values.filter_map(Json::as_str).any(names_it)
        },
    )
}
