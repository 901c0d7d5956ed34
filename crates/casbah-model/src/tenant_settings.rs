//! What a tenant's administrators can set for everybody in it.

use serde::{Deserialize, Serialize};

use crate::{ADMINISTRATOR_ROLES, Guid, ROLES};

/// The settings of a tenant; what is absent has its default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantSettings {
    /// How long tokens live.
    pub tokens: TokenLifetimes,
    /// How people sign in.
    pub sign_in: SignInSettings,
    /// What is demanded of client assertions.
    pub assertions: AssertionSettings,
    /// How long records are kept.
    pub retention: RetentionSettings,
    /// Country of the organisation, two letters (ISO 3166-1): the claim `tenant_ctry`.
    pub country: Option<String>,
}

/// How long records are kept, in days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RetentionSettings {
    /// Activities, and with them the audit trail; none means for ever.
    pub activities: Option<u32>,
    /// Alerts, by when they were raised, closed or not; none means for ever.
    pub alerts: Option<u32>,
    /// Entries of the governance log that have ended; none means for ever.
    pub governance: Option<u32>,
    /// Usage that logs have told, by the day of the traffic; none means for ever. Reports look back 90 days.
    pub discovery: Option<u32>,
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings {
            activities: Some(180),
            alerts: Some(180),
            governance: Some(120),
            discovery: Some(90),
        }
    }
}

impl AssertionSettings {
    fn check(&self) -> Result<(), OutOfRange> {
        const LIFE: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 60 * 60;
        if LIFE.contains(&self.longest_life) {
            return Ok(());
        }
        let takes = format!("{} to {} seconds", LIFE.start(), LIFE.end());
        Err(OutOfRange { setting: "assertions.longestLife", takes })
    }
}

/// What is demanded of the assertions that applications sign with their certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssertionSettings {
    /// Whether an assertion is accepted once only, by its `jti`. Off unless set: some libraries send the
    /// same assertion again within its life, and every library does when a connection breaks.
    pub refuse_replay: bool,
    /// How far ahead `exp` may lie, in seconds.
    pub longest_life: u32,
}

impl Default for AssertionSettings {
    fn default() -> AssertionSettings {
        AssertionSettings { refuse_replay: false, longest_life: 24 * 60 * 60 }
    }
}

impl TenantSettings {
    /// Refuses values that cannot be meant.
    ///
    /// # Errors
    /// The setting, as `tokens.accessToken`, and the values that it takes.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.tokens.check()?;
        self.assertions.check()?;
        self.sign_in.check()?;
        let kept = self.retention;
        for (setting, least, kept) in [
            ("retention.activities", 7, kept.activities),
            ("retention.alerts", 7, kept.alerts),
            ("retention.governance", 7, kept.governance),
            ("retention.discovery", 90, kept.discovery),
        ] {
            const MOST: u32 = 3650;
            if kept.is_some_and(|days| !(least..=MOST).contains(&days)) {
                return Err(OutOfRange { setting, takes: format!("{least} to {MOST} days") });
            }
        }
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
        if self.country.as_ref().is_some_and(|code| !is_code(code)) {
            return Err(OutOfRange {
                setting: "country",
                takes: "two capital letters, as in DE".to_string(),
            });
        }
        Ok(())
    }
}

/// A setting with a value that it does not take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutOfRange {
    /// Its place in the document: `tokens.accessToken`.
    pub setting: &'static str,
    /// What it takes.
    pub takes: String,
}

/// How long tokens live, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenLifetimes {
    /// Access tokens.
    pub access_token: u32,
    /// Access tokens of clients that answer claims challenges; none means like any other.
    pub continuous_access: Option<u32>,
    /// ID tokens.
    pub id_token: u32,
    /// Refresh tokens that nobody uses.
    pub refresh_token_inactive: u32,
    /// Refresh tokens however often they are used; none means no end.
    pub refresh_token_absolute: Option<u32>,
}

impl TokenLifetimes {
    /// No access or ID token lives longer, whatever is set: signing keys stay published for as long.
    pub const LONGEST_TOKEN: u32 = 24 * 60 * 60;
    const SHORTEST_TOKEN: u32 = 5 * 60;
    const SHORTEST_REFRESH: u32 = 10 * 60;
    const LONGEST_REFRESH: u32 = 365 * 24 * 60 * 60;

    fn check(&self) -> Result<(), OutOfRange> {
        let (token, refresh) =
            (Self::SHORTEST_TOKEN..=Self::LONGEST_TOKEN, Self::SHORTEST_REFRESH..=Self::LONGEST_REFRESH);
        let absolute = self.refresh_token_absolute.unwrap_or(Self::LONGEST_REFRESH);
        for (setting, range, value) in [
            ("tokens.accessToken", &token, self.access_token),
            ("tokens.continuousAccess", &token, self.continuous_access.unwrap_or(Self::LONGEST_TOKEN)),
            ("tokens.idToken", &token, self.id_token),
            ("tokens.refreshTokenInactive", &refresh, self.refresh_token_inactive),
            ("tokens.refreshTokenAbsolute", &refresh, absolute),
        ] {
            if !range.contains(&value) {
                let takes = format!("{} to {} seconds", range.start(), range.end());
                return Err(OutOfRange { setting, takes });
            }
        }
        Ok(())
    }
}

impl Default for TokenLifetimes {
    fn default() -> TokenLifetimes {
        TokenLifetimes {
            access_token: 3599,
            continuous_access: None,
            id_token: 3599,
            refresh_token_inactive: 90 * 24 * 60 * 60,
            refresh_token_absolute: Some(TokenLifetimes::LONGEST_REFRESH),
        }
    }
}

/// How people sign in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInSettings {
    /// Characters that a password must have at least.
    pub password_min_length: u32,
    /// Days after which a password must be changed; none means never.
    pub password_max_age_days: Option<u32>,
    /// Roles of the directory (template ids) that demand a second factor.
    pub second_factor_roles: Vec<Guid>,
    /// Roles of Cloud Apps ([`AdministratorRole::id`]) that demand a second factor, whatever they are limited to.
    pub second_factor_cloud_apps_roles: Vec<String>,
    /// Whether everybody needs a second factor.
    pub second_factor_for_all: bool,
    /// Days after which a second factor that is demanded must be shown again; none means never.
    pub second_factor_max_age_days: Option<u32>,
}

impl Default for SignInSettings {
    fn default() -> SignInSettings {
        SignInSettings {
            password_min_length: 8,
            password_max_age_days: None,
            second_factor_roles: Vec::new(),
            second_factor_cloud_apps_roles: Vec::new(),
            second_factor_for_all: false,
            second_factor_max_age_days: None,
        }
    }
}

impl SignInSettings {
    fn check(&self) -> Result<(), OutOfRange> {
        let known = |wanted: &Guid| ROLES.iter().any(|role| role.template == *wanted);
        if !self.second_factor_roles.iter().all(known) {
            let takes = "template ids of roles of the directory (casbah role list)".to_string();
            return Err(OutOfRange { setting: "signIn.secondFactorRoles", takes });
        }
        let known = |wanted: &String| ADMINISTRATOR_ROLES.iter().any(|role| role.id == wanted);
        if !self.second_factor_cloud_apps_roles.iter().all(known) {
            let ids: Vec<&str> = ADMINISTRATOR_ROLES.iter().map(|role| role.id).collect();
            let takes = format!("a list of {}", ids.join(", "));
            return Err(OutOfRange { setting: "signIn.secondFactorCloudAppsRoles", takes });
        }
        Ok(())
    }
}
