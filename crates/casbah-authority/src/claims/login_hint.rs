//! The `login_hint` claim: an opaque text by which a client names an account later, as `login_hint`
//! at the authorize endpoint or as `logout_hint`.
//!
//! It survives a change of the sign-in name. It carries a proof that we made it: otherwise anyone could
//! turn object ids into names by looking at what the sign-in page fills in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Guid, Secret, TenantId};

use crate::authority::Authority;
use crate::master_key::MasterKey;

/// What no sign-in name begins with.
const PREFIX: &str = "O.";
/// Bytes of an id, and of the proof, which is cut: every guess costs a request.
const LENGTH: usize = 16;

impl Authority {
    /// The account that a `login_hint` or `logout_hint` of ours names; none when it is not one of ours.
    pub fn account_of_hint(&self, hint: &str) -> Option<(TenantId, Guid)> {
        account(&self.master, hint)
    }
}

/// The hint for a user of a tenant.
pub(super) fn hint(master: &MasterKey, tenant: TenantId, user: Guid) -> String {
    let mut bytes = tenant.0.as_bytes().to_vec();
    bytes.extend_from_slice(user.as_bytes());
    bytes.extend_from_slice(&proof(master, tenant, user)[..LENGTH]);
    PREFIX.to_string() + &URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn account(master: &MasterKey, hint: &str) -> Option<(TenantId, Guid)> {
    let bytes = URL_SAFE_NO_PAD.decode(hint.strip_prefix(PREFIX)?).ok()?;
    let (ids, sent) = bytes.split_at_checked(2 * LENGTH).filter(|(_, proof)| proof.len() == LENGTH)?;
    let (tenant, user) = ids.split_at_checked(LENGTH)?;
    let id = |bytes: &[u8]| Some(Guid::from_u128(u128::from_be_bytes(bytes.try_into().ok()?)));
    let (tenant, user) = (TenantId(id(tenant)?), id(user)?);
    Secret::same_bytes(&proof(master, tenant, user)[..LENGTH], sent).then_some((tenant, user))
}

/// Whether a hint is meant to be one of ours and not a sign-in name.
pub(crate) fn is_opaque(hint: &str) -> bool {
    hint.starts_with(PREFIX) && !hint.contains('@')
}

fn proof(master: &MasterKey, tenant: TenantId, user: Guid) -> Vec<u8> {
    master.ticket(&[b"login hint", tenant.0.as_bytes(), user.as_bytes()])
}
