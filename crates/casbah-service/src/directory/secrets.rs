//! Client secrets: made here, shown once, kept as keyed digests.

use std::time::Duration;

use casbah_authority::{Caller, SecretKind};
use casbah_model::{ApplicationSecret, Guid, Secret, Timestamp, new_client_secret};
use casbah_store::{application_secrets, audit};
use serde_json::{Value as Json, json};

use super::applications::{ApplicationKey, find};
use super::{names, owners};
use crate::{Error, Service};

const DAY: Duration = Duration::from_secs(86_400);
const USUAL_LIFE: Duration = Duration::from_secs(180 * 86_400);
/// Two years with their leap day, and a day for clients whose clock or zone differs.
const LONGEST_LIFE: Duration = Duration::from_secs(732 * 86_400);
/// How long a secret lives that the operator keeps in a bootstrap file, and how long before its end
/// it is renewed when the file is applied.
pub(crate) const FIXED_LIFE: Duration = Duration::from_secs(730 * 86_400);
pub(crate) const RENEWAL: Duration = Duration::from_secs(90 * 86_400);
const MOST: usize = 50;

/// How long secrets stay listed after their end, when their application's secrets are rotated.
const KEPT_AFTER_END: Duration = Duration::from_secs(30 * 86_400);
/// The longest time that a replaced secret goes on working.
pub const LONGEST_GRACE: Duration = Duration::from_secs(7 * 86_400);

/// A rotation: one new secret, and the end of those before it.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    /// The secret to replace; none means every secret of the application.
    pub replaces: Option<Guid>,
    /// How long what is replaced goes on working; none at all ends it now. It never lives longer than it
    /// would have.
    pub grace: Duration,
    /// The new secret.
    pub new: NewSecret,
}

/// What a rotation did.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new secret.
    pub secret: ApplicationSecret,
    /// Its text, which is nowhere else.
    pub text: Secret,
    /// What it replaces, with its new end and its last use.
    pub replaced: Vec<ApplicationSecret>,
}

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
        let (secret, text) = self.draw(new, now)?;
        let template = caller.audit(now, "add secret", "application", "", json!({}));
        let caller = caller.clone();
        let added = self
            .store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                if application_secrets::list(tx, tenant, application.id)?.len() >= MOST {
                    return Err(too_many());
                }
                let secret = ApplicationSecret { application: application.id, ..secret.clone() };
                application_secrets::insert(tx, tenant, &secret)?;
                let record = template.changed(application.id, &Json::Null, &facts(&secret));
                audit::append(tx, tenant, &record)?;
                Ok(secret)
            })
            .await?;
        Ok((added, text))
    }

    /// Makes a new secret and ends the old ones after a time of grace, in one step: nobody is left without a
    /// secret, and none is forgotten.
    pub async fn rotate_secret(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        rotation: Rotation,
    ) -> Result<Rotated, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let Rotation { replaces, grace, new } = rotation;
        if grace > LONGEST_GRACE {
            return Err(Error::invalid("gracePeriod", "must not be longer than seven days."));
        }
        let unnamed = new.display_name.is_none();
        let (secret, text) = self.draw(new, now)?;
        let until = now.plus(grace);
        let template =
            caller.audit(now, "rotate secret", "application", "", json!({ "graceEnds": until.iso() }));
        let caller = caller.clone();
        let (secret, replaced) = self
            .store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let all = application_secrets::list(tx, tenant, application.id)?;
                let (ended, live): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.ends <= now);
                let wanted = |secret: &ApplicationSecret| replaces.is_none_or(|id| secret.key_id == id);
                let (mut replaced, kept): (Vec<_>, Vec<_>) = live.into_iter().partition(wanted);
                if let (Some(id), true) = (replaces, replaced.is_empty()) {
                    return Err(Error::invalid("keyId", format!("no secret in use has the keyId {id}.")));
                }
                for old in ended.iter().filter(|old| old.ends.plus(KEPT_AFTER_END) <= now) {
                    application_secrets::delete(tx, tenant, application.id, old.key_id)?;
                }
                if replaced.len() + kept.len() >= MOST {
                    return Err(too_many());
                }
                let before: Vec<_> = replaced.iter().map(facts).collect();
                for old in &mut replaced {
                    old.ends = old.ends.min(until);
                    application_secrets::set_end(tx, tenant, application.id, old.key_id, old.ends)?;
                }
                let mut secret = ApplicationSecret { application: application.id, ..secret.clone() };
                // The new one takes the place of the newest, and its name.
                if let (true, Some(newest)) = (unnamed, replaced.last()) {
                    secret.display_name.clone_from(&newest.display_name);
                }
                application_secrets::insert(tx, tenant, &secret)?;
                let after: Vec<_> = replaced.iter().chain([&secret]).map(facts).collect();
                let (before, after) = (json!({ "secrets": before }), json!({ "secrets": after }));
                audit::append(tx, tenant, &template.changed(application.id, &before, &after))?;
                Ok::<_, Error>((secret, replaced))
            })
            .await?;
        Ok(Rotated { secret, text, replaced })
    }

    /// A secret that stands in no database yet, and its text.
    fn draw(&self, new: NewSecret, now: Timestamp) -> Result<(ApplicationSecret, Secret), Error> {
        let display_name = match new.display_name.as_deref().map(str::trim) {
            None | Some("") => String::new(),
            Some(name) => names::display_name("displayName", name)?,
        };
        let (starts, ends) = life(now, new.starts, new.ends)?;
        let text = new.value.unwrap_or_else(new_client_secret);
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
        Ok((secret, text))
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
        let template = caller.audit(now, "remove secret", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let all = application_secrets::list(tx, tenant, application.id)?;
                let Some(old) = all.iter().find(|secret| secret.key_id == key_id) else {
                    return Err(Error::invalid("keyId", format!("no secret has the keyId {key_id}.")));
                };
                application_secrets::delete(tx, tenant, application.id, key_id)?;
                let record = template.changed(application.id, &facts(old), &Json::Null);
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

fn too_many() -> Error {
    Error::invalid(
        "passwordCredential",
        format!("an application has at most {MOST} secrets; remove one first."),
    )
}

/// What the audit trail says of a secret: how to tell it from others, never what it is.
fn facts(secret: &ApplicationSecret) -> Json {
    json!({
        "keyId": secret.key_id,
        "displayName": secret.display_name,
        "hint": secret.hint,
        "starts": secret.starts.iso(),
        "ends": secret.ends.iso(),
    })
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
