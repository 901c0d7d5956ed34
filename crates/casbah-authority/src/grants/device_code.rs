//! A sign-in that was confirmed on another device (RFC 8628). The answer to an impatient client is
//! always `authorization_pending`: two client libraries take `slow_down` for the end.

use casbah_model::Secret;
use casbah_store::device_codes::{self, DeviceCodeState};
use casbah_store::{Tx, users};

use crate::client::Client;
use crate::codes;
use crate::device::DeviceDetails;
use crate::error::OAuthError;
use crate::form::Form;
use crate::grants::Grant;
use crate::master_key::SecretKind;
use crate::token::{Attempt, Proof, ProvenUser, SignIn, UsedUp};
use crate::wanted::Wanted;

pub(crate) struct DeviceCode;

/// `device_code` where the client sends it, otherwise `code`, as the oldest library has it.
fn sent(form: &Form) -> Option<Secret> {
    form.secret("device_code").or_else(|| form.secret("code"))
}

impl Grant for DeviceCode {
    fn grant_types(&self) -> &'static [&'static str] {
        &["urn:ietf:params:oauth:grant-type:device_code", "device_code"]
    }

    fn check_request(&self, attempt: &Attempt) -> Result<(), OAuthError> {
        sent(&attempt.form).map(drop).ok_or_else(|| OAuthError::missing("device_code"))
    }

    fn carrier(&self, form: &Form) -> Option<String> {
        sent(form).map(|secret| secret.expose().to_string())
    }

    fn prove(&self, tx: &mut Tx<'_>, client: &Client, attempt: &Attempt) -> Result<Proof, OAuthError> {
        let tenant = client.tenant.id;
        client.check_installed_or_authenticated()?;
        let unknown = || OAuthError::plain(codes::DEVICE_UNKNOWN);
        let secret = sent(&attempt.form).ok_or_else(unknown)?;
        let digest = attempt.digest(SecretKind::DeviceCode, &secret);
        let code = device_codes::find(tx, tenant, &digest)?;
        let code = code.filter(|code| code.application == client.application.app_id).ok_or_else(unknown)?;
        let user = match code.state {
            DeviceCodeState::Declined => {
                return Err(OAuthError::plain(codes::CONSENT_DECLINED).said_as("authorization_declined"));
            }
            DeviceCodeState::Redeemed => return Err(unknown()),
            DeviceCodeState::Pending | DeviceCodeState::Approved { .. } if code.expires <= attempt.now => {
                return Err(OAuthError::plain(codes::DEVICE_EXPIRED));
            }
            DeviceCodeState::Pending => return Err(OAuthError::plain(codes::DEVICE_PENDING)),
            DeviceCodeState::Approved { user } => user,
        };
        let user = users::find(tx, tenant, user)?.ok_or_else(unknown)?;
        let details: DeviceDetails = serde_json::from_value(code.details).map_err(OAuthError::internal)?;
        let asked = Wanted::of_request(attempt.endpoint, &attempt.form)?;
        let first_resource_only = asked.as_ref().is_none_or(|wanted| wanted.entries.is_empty());
        Ok(Proof::User(Box::new(ProvenUser {
            user,
            family: None,
            new_family: None,
            parent: None,
            // One client's polls carry no scope: what was asked at the start counts.
            wanted: Wanted::after(asked, &details.wanted),
            first_resource_only,
            sign_in: details.sign_in.unwrap_or_else(|| SignIn::from_here(attempt.now)),
            nonce: None,
            used_up: UsedUp::DeviceCode(digest),
            always_refreshable: false,
        })))
    }
}
