//! Client secrets: made here, shown once, kept as keyed digests.

use std::time::Duration;

use casbah_authority::{Caller, SecretKind};
use casbah_model::{ApplicationSecret, Guid, Secret, Timestamp};
use casbah_store::{application_secrets, audit};
use serde_json::json;

use super::applications::{ApplicationKey, check_not_built_in, find};
use super::names;
use crate::{Error, Service};

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The characters that a URL carries as they are, so that a secret survives every way to send it.
const UNRESERVED: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._~-";
/// Follows the hint, so that people and secret scanners recognise one of ours.
const MARK: &str = "8Cb~";

const DAY: Duration = Duration::from_secs(86_400);
const USUAL_LIFE: Duration = Duration::from_secs(180 * 86_400);
/// Two years with their leap day, and a day for clients whose clock or zone differs.
const LONGEST_LIFE: Duration = Duration::from_secs(732 * 86_400);
/// How long a secret lives that the operator keeps in a bootstrap file, and how long before its end
/// it is renewed when the file is applied.
pub(crate) const FIXED_LIFE: Duration = Duration::from_secs(730 * 86_400);
pub(crate) const RENEWAL: Duration = Duration::from_secs(90 * 86_400);
const MOST: usize = 50;

/// A client secret to be made.
#[derive(Clone, Debug, Default)]
pub struct NewSecret {
    /// Name for people.
    pub display_name: Option<String>,
    /// Valid from; none means at once.
    pub starts: Option<Timestamp>,
    /// Valid until; none means six months.
    pub ends: Option<Timestamp>,
    /// The secret itself, chosen by the operator in a bootstrap file; drawn when none is given.
    pub value: Option<Secret>,
}

impl Service {
    /// Adds a secret to an application; the text is in this answer and nowhere else.
    pub async fn add_secret(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        new: NewSecret,
    ) -> Result<(ApplicationSecret, Secret), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let display_name = match new.display_name.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(name) => names::display_name("displayName", name)?,
        };
        let (starts, ends) = life(now, new.starts, new.ends)?;
        let text = new.value.unwrap_or_else(draw);
        let secret = ApplicationSecret {
            key_id: Guid::random(),
            application: Guid::from_u128(0),
            display_name,
            hint: text.expose().chars().take(3).collect(),
            digest: self.authority.digest(SecretKind::ClientSecret, &text),
            starts,
            ends,
            last_used: None,
            last_address: None,
        };
        let details =
            json!({ "keyId": secret.key_id, "displayName": secret.display_name, "ends": ends.iso() });
        let template = caller.audit(now, "add secret", "application", "", details);
        let added = self
            .store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                if application_secrets::list(tx, tenant, application.id)?.len() >= MOST {
                    return Err(Error::invalid(
                        "passwordCredential",
                        format!("an application has at most {MOST} secrets; remove one first."),
                    ));
                }
                let secret = ApplicationSecret { application: application.id, ..secret.clone() };
                application_secrets::insert(tx, tenant, &secret)?;
                let mut record = template.clone();
                record.target = application.id.to_string();
                audit::append(tx, tenant, &record)?;
                Ok(secret)
            })
            .await?;
        Ok((added, text))
    }

    /// An application's secrets, without their text, the oldest first.
    pub async fn list_secrets(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<ApplicationSecret>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let application = find(tx, tenant, key)?;
                Ok(application_secrets::list(tx, tenant, application.id)?)
            })
            .await
    }

    /// Removes a secret; tokens issued for it end with it.
    pub async fn remove_secret(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        key_id: Guid,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove secret", "application", "", json!({ "keyId": key_id }));
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                if !application_secrets::delete(tx, tenant, application.id, key_id)? {
                    return Err(Error::invalid("keyId", format!("no secret has the keyId {key_id}.")));
                }
                let mut record = template.clone();
                record.target = application.id.to_string();
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// A fresh secret: three characters to tell it apart by, which are kept in clear and so count for
/// nothing, the mark, and 43 that carry 259 random bits.
fn draw() -> Secret {
    let hint = Secret::random(3, ALPHANUMERIC);
    let rest = Secret::random(43, UNRESERVED);
    Secret::new(format!("{}{MARK}{}", hint.expose(), rest.expose()))
}

/// From when until when a secret is valid.
pub(super) fn life(
    now: Timestamp,
    starts: Option<Timestamp>,
    ends: Option<Timestamp>,
) -> Result<(Timestamp, Timestamp), Error> {
    let starts = starts.unwrap_or(now);
    let ends = ends.unwrap_or(starts.max(now).plus(USUAL_LIFE));
    if ends <= starts || ends <= now {
        return Err(Error::invalid("endDateTime", "must lie in the future and after startDateTime."));
    }
    if ends > now.plus(LONGEST_LIFE) {
        return Err(Error::invalid("endDateTime", "must not be more than two years from now."));
    }
    if starts < now.minus(DAY * 366 * 2) {
        return Err(Error::invalid("startDateTime", "lies too far in the past."));
    }
    Ok((starts, ends))
}
