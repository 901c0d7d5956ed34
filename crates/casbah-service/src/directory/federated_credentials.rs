//! Federated identity credentials: whose tokens prove an application.

use casbah_authority::{Caller, check_https_url};
use casbah_model::{FederatedCredential, Guid};
use casbah_store::{audit, federated_credentials};
use serde_json::{Value as Json, json};

use super::applications::{ApplicationKey, find};
use super::owners;
use crate::{Error, Service};

/// Most credentials of an application, as in Entra.
const MOST: usize = 20;
/// Longest text of a field, in characters.
const LONGEST: usize = 600;
const LONGEST_NAME: usize = 120;

/// A credential to be made.
#[derive(Clone, Debug)]
pub struct NewFederatedCredential {
    /// Its name within the application.
    pub name: String,
    /// The `iss` claim.
    pub issuer: String,
    /// The `sub` claim.
    pub subject: String,
    /// The `aud` claim; exactly one.
    pub audiences: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// What to change about a credential; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct FederatedCredentialChange {
    /// Its name, which cannot change: only the same one is accepted.
    pub name: Option<String>,
    /// The `iss` claim.
    pub issuer: Option<String>,
    /// The `sub` claim.
    pub subject: Option<String>,
    /// The `aud` claim; exactly one.
    pub audiences: Option<Vec<String>>,
    /// What it is for; an inner none removes it.
    pub description: Option<Option<String>>,
}

impl Service {
    /// An application's federated credentials, by name.
    pub async fn list_federated_credentials(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<FederatedCredential>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let application = find(tx, tenant, key)?;
                Ok(federated_credentials::list(tx, tenant, application.id)?)
            })
            .await
    }

    /// One of them, by id or name.
    pub async fn fetch_federated_credential(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        named: &str,
    ) -> Result<FederatedCredential, Error> {
        let all = self.list_federated_credentials(caller, key).await?;
        all.into_iter().find(|c| is_named(c, named)).ok_or(Error::NotFound)
    }

    /// Makes a credential.
    pub async fn add_federated_credential(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        new: NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let credential = FederatedCredential {
            id: Guid::random(),
            application: Guid::from_u128(0),
            name: checked_name(new.name)?,
            issuer: new.issuer,
            subject: new.subject,
            audience: only(new.audiences)?,
            description: new.description,
            created: now,
            last_used: None,
            last_address: None,
        };
        check(&credential)?;
        let template = caller.audit(now, "add federated credential", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let others = federated_credentials::list(tx, tenant, application.id)?;
                if others.len() >= MOST {
                    let why = format!("an application has at most {MOST}; remove one first.");
                    return Err(Error::invalid("federatedIdentityCredentials", why));
                }
                let credential = FederatedCredential { application: application.id, ..credential.clone() };
                check_unique(&credential, &others)?;
                federated_credentials::insert(tx, tenant, &credential)?;
                let record = template.changed(application.id, &Json::Null, &facts(&credential));
                audit::append(tx, tenant, &record)?;
                Ok(credential)
            })
            .await
    }

    /// Changes a credential, named by id or name.
    pub async fn change_federated_credential(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        named: String,
        change: FederatedCredentialChange,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let audience = change.audiences.clone().map(only).transpose()?;
        let template = caller.audit(now, "change federated credential", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let mut others = federated_credentials::list(tx, tenant, application.id)?;
                let place = others.iter().position(|c| is_named(c, &named)).ok_or(Error::NotFound)?;
                let old = others.remove(place);
                if change.name.as_ref().is_some_and(|name| *name != old.name) {
                    return Err(Error::invalid("name", "cannot be changed; make another credential."));
                }
                let new = FederatedCredential {
                    issuer: change.issuer.clone().unwrap_or_else(|| old.issuer.clone()),
                    subject: change.subject.clone().unwrap_or_else(|| old.subject.clone()),
                    audience: audience.clone().unwrap_or_else(|| old.audience.clone()),
                    description: change.description.clone().unwrap_or_else(|| old.description.clone()),
                    ..old.clone()
                };
                check(&new)?;
                check_unique(&new, &others)?;
                federated_credentials::save(tx, tenant, &new)?;
                let record = template.changed(application.id, &facts(&old), &facts(&new));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }

    /// Removes a credential, named by id or name; it stops working at once.
    pub async fn remove_federated_credential(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        named: String,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove federated credential", "application", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                owners::check_may_change(tx, &caller, &application)?;
                let all = federated_credentials::list(tx, tenant, application.id)?;
                let old = all.iter().find(|c| is_named(c, &named)).ok_or(Error::NotFound)?;
                federated_credentials::delete(tx, tenant, application.id, old.id)?;
                let record = template.changed(application.id, &facts(old), &Json::Null);
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

fn is_named(credential: &FederatedCredential, named: &str) -> bool {
    credential.name == named || named.parse().is_ok_and(|id: Guid| id == credential.id)
}

/// A name stands in URLs as it is.
fn checked_name(name: String) -> Result<String, Error> {
    let usual = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if name.len() < 3 || name.len() > LONGEST_NAME || !begins || !name.bytes().all(usual) {
        let why = format!(
            "must have 3 to {LONGEST_NAME} of the characters A-Z a-z 0-9 - _ and begin with a letter or digit."
        );
        return Err(Error::invalid("name", why));
    }
    Ok(name)
}

fn only(audiences: Vec<String>) -> Result<String, Error> {
    match <[String; 1]>::try_from(audiences) {
        Ok([audience]) => Ok(audience),
        Err(_) => Err(Error::invalid("audiences", "must hold exactly one audience.")),
    }
}

fn check(credential: &FederatedCredential) -> Result<(), Error> {
    let description = credential.description.as_deref().unwrap_or("-");
    for (field, text) in [
        ("issuer", credential.issuer.as_str()),
        ("subject", &credential.subject),
        ("audiences", &credential.audience),
        ("description", description),
    ] {
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            let why = format!("must have 1 to {LONGEST} characters and no control characters.");
            return Err(Error::invalid(field, why));
        }
    }
    check_https_url(&credential.issuer).map_err(|why| Error::invalid("issuer", why))
}

fn check_unique(credential: &FederatedCredential, others: &[FederatedCredential]) -> Result<(), Error> {
    if others.iter().any(|other| other.name == credential.name) {
        let why = format!("the application has a federated credential {} already.", credential.name);
        return Err(Error::Conflict(why));
    }
    let same = |other: &&FederatedCredential| {
        other.issuer == credential.issuer && other.subject == credential.subject
    };
    match others.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Error::Conflict(format!(
            "the federated credential {} of the application has this issuer and subject already.",
            other.name
        ))),
    }
}

/// What the audit trail says of a credential.
fn facts(credential: &FederatedCredential) -> Json {
    json!({
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": [credential.audience],
        "description": credential.description,
    })
}
