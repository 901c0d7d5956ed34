//! Second factors of people, as administrators see and reset them.

use casbah_authority::{Caller, Factor};
use casbah_model::Guid;
use casbah_store::{audit, browser_sessions, pending_sign_ins, recovery_codes, second_factors};
use serde_json::{Value as Json, json};

use super::rights::{Right, check};
use super::users::find_user;
use crate::{Error, Service};

impl Service {
    /// The second factors of a person, the oldest first.
    pub async fn list_factors(&self, caller: &Caller, id_or_name: &str) -> Result<Vec<Factor>, Error> {
        let (tenant, key) = (caller.tenant, id_or_name.to_string());
        self.store
            .read(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                Ok(second_factors::of_user(tx, tenant, user.id)?.iter().map(Factor::from).collect())
            })
            .await
    }

    /// Takes a second factor of a person away; with the last one go the recovery codes. The person's
    /// browsers are signed out, because whoever had the factor may sit in front of one.
    pub async fn remove_factor(&self, caller: &Caller, id_or_name: &str, id: Guid) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), id_or_name.to_string());
        let (caller, template) =
            (caller.clone(), caller.audit(now, "remove second factor", "user", "", json!({})));
        self.store
            .write(move |tx| {
                let user = find_user(tx, tenant, &key)?;
                check(tx, &caller, Right::ChangeSignIn, Some(user.id))?;
                let held = second_factors::of_user(tx, tenant, user.id)?;
                let old = held.iter().find(|factor| factor.id == id).ok_or(Error::NotFound)?;
                second_factors::remove(tx, tenant, user.id, id)?;
                if !second_factors::has_any(tx, tenant, user.id)? {
                    recovery_codes::remove_of_user(tx, tenant, user.id)?;
                }
                browser_sessions::revoke_of_user(tx, tenant, user.id, &[], now)?;
                pending_sign_ins::end_of_user(tx, tenant, user.id, now)?;
                let (kind, name) = (Factor::from(old).kind, &old.name);
                let before = json!({ "factor": id, "kind": kind, "name": name });
                Ok(audit::append(tx, tenant, &template.changed(user.id, &before, &Json::Null))?)
            })
            .await
    }
}
