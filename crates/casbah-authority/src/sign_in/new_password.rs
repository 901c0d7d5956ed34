//! Choosing a new password, and what that ends.

use casbah_model::{Secret, TenantId, Timestamp, User};
use casbah_store::{Tx, audit, browser_sessions, pending_sign_ins, tenant_settings, token_families, users};
use serde_json::json;

use super::password_policy::check_new_password;
use super::pending::{self, Missing};
use super::{Desk, SignInStep};
use crate::authority::Authority;
use crate::caller::{Caller, Principal};
use crate::codes;
use crate::error::OAuthError;
use crate::password::{hash_password, verify_password};
use crate::session;
use crate::visitor::Visitor;

impl Authority {
    /// Takes the new password that a sign-in under way lacks.
    ///
    /// # Errors
    /// 50056 with a sentence when the password will not do; 50089 start again.
    pub async fn change_pending_password(
        &self,
        cookie: &Secret,
        new: Secret,
        visitor: &Visitor,
    ) -> Result<SignInStep, OAuthError> {
        let (desk, from_browser) = (self.desk(visitor), cookie.clone());
        let (tenant, user) = self
            .store
            .read(move |tx| -> Result<_, OAuthError> {
                let found = pending::find(tx, &desk.master, &from_browser, desk.now)?;
                match found.missing {
                    Some(Missing::Password(_)) => Ok((found.tenant.id, found.user)),
                    _ => Err(OAuthError::plain(codes::STEP_EXPIRED)),
                }
            })
            .await?;
        let old = user.password_hash.clone();
        let hash = self.hash_of_new_password(tenant, &user, new).await?;
        let (desk, cookie) = (self.desk(visitor), cookie.clone());
        self.store
            .write(move |tx| {
                let mut found = pending::find(tx, &desk.master, &cookie, desk.now)?;
                if !matches!(found.missing, Some(Missing::Password(_))) || found.user.password_hash != old {
                    return Err(OAuthError::plain(codes::STEP_EXPIRED));
                }
                desk.apply_password(tx, found.tenant.id, &mut found.user, &hash, &[])?;
                desk.advance(tx, found.tenant.id, &found.user, &found.details, Some(&found.digest))
            })
            .await
    }

    /// Changes the password of whoever is signed in with a session.
    ///
    /// # Errors
    /// 50126 when the present password is wrong, 50053 too many wrong ones, 50056 with a sentence when
    /// the new one will not do, 50058 when nobody is signed in.
    pub async fn change_password(
        &self,
        session: &Secret,
        present: Secret,
        new: Secret,
        visitor: &Visitor,
    ) -> Result<(), OAuthError> {
        let (desk, cookie) = (self.desk(visitor), session.clone());
        let found = self.store.read(move |tx| session::find(tx, &desk.master, &cookie, desk.now)).await?;
        let found = found.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
        self.change_own_password(found.tenant.id, &found.user, present, new, visitor, &found.digest).await
    }

    /// Changes the password of a user who calls with a token (`POST /me/changePassword`).
    ///
    /// # Errors
    /// As [`Authority::change_password`]; 50058 when the caller is no user.
    pub async fn change_password_of_caller(
        &self,
        caller: &Caller,
        present: Secret,
        new: Secret,
        visitor: &Visitor,
    ) -> Result<(), OAuthError> {
        let Principal::User { id, .. } = caller.principal else {
            return Err(OAuthError::plain(codes::NOT_SIGNED_IN));
        };
        let tenant = caller.tenant;
        let user = self.store.read(move |tx| users::find(tx, tenant, id)).await?;
        let user = user.ok_or_else(|| OAuthError::plain(codes::NOT_SIGNED_IN))?;
        self.change_own_password(tenant, &user, present, new, visitor, &[]).await
    }

    async fn change_own_password(
        &self,
        tenant: TenantId,
        user: &User,
        present: Secret,
        new: Secret,
        visitor: &Visitor,
        spared: &[u8],
    ) -> Result<(), OAuthError> {
        let name = user.user_principal_name.clone();
        let checked = self.check_password(tenant, name, present, visitor, None).await;
        // Guessing here is guessing a password.
        let user = checked.inspect_err(|error| self.note_failure(tenant, error))?;
        let hash = self.hash_of_new_password(tenant, &user, new).await?;
        let (desk, spared) = (self.desk(visitor), spared.to_vec());
        self.store
            .write(move |tx| {
                let found = users::find(tx, tenant, user.id)?;
                let found = found.filter(|found| found.password_hash == user.password_hash);
                let mut user = found.ok_or_else(|| OAuthError::plain(codes::STEP_EXPIRED))?;
                desk.apply_password(tx, tenant, &mut user, &hash, &spared)
            })
            .await
    }

    /// Checks a new password against the tenant's rules and the old one, and hashes it.
    async fn hash_of_new_password(
        &self,
        tenant: TenantId,
        user: &User,
        new: Secret,
    ) -> Result<String, OAuthError> {
        let settings = self.store.read(move |tx| tenant_settings::find(tx, tenant)).await?.sign_in;
        let names = [user.user_principal_name.as_str(), &user.display_name];
        let refused = |why: &str| OAuthError::new(codes::PASSWORD_REFUSED, format!("The new password {why}"));
        check_new_password(&settings, &names, &new).map_err(|why| refused(&why))?;
        if user.password_hash.is_some() && verify_password(new.clone(), user.password_hash.clone()).await? {
            return Err(refused("is the present one. Choose another."));
        }
        Ok(hash_password(new).await?)
    }
}

impl Desk {
    /// Writes the new password. What the old one opened is closed: other browsers, and the tokens of
    /// public clients. A confidential client's tokens live on: it has a credential of its own (identity
    /// sheet, 3.8). The session with the digest `spared` is the one that the user sits in front of.
    fn apply_password(
        &self,
        tx: &mut Tx<'_>,
        tenant: TenantId,
        user: &mut User,
        hash: &str,
        spared: &[u8],
    ) -> Result<(), OAuthError> {
        user.password_hash = Some(hash.to_string());
        note_new_password(user, self.now);
        users::save(tx, tenant, user)?;
        let sessions = browser_sessions::revoke_of_user(tx, tenant, user.id, spared, self.now)?;
        let families = token_families::revoke_password_based(tx, tenant, user.id, self.now)?;
        if !spared.is_empty() {
            pending_sign_ins::end_of_user(tx, tenant, user.id, self.now)?;
        }
        let facts = json!({ "endedSessions": sessions, "revokedSignIns": families });
        let record = self.record(1, user.id, "change password", facts);
        audit::append(tx, tenant, &record.changed(user.id, &json!({}), &json!({ "password": "set" })))?;
        Ok(())
    }
}

/// What a password that its owner chose says about the person.
fn note_new_password(user: &mut User, now: Timestamp) {
    user.details.must_change_password = false;
    user.details.password_changed = Some(now);
}
