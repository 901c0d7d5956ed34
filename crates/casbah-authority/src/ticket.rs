//! Proof that a page with a button was made by us, for this browser session and this request: without
//! it, another site could press the button in the user's name.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Secret, Timestamp};

use crate::master_key::MasterKey;

/// How long a page may stay open before its button is pressed.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// What a page is about: its kind, the session, and the request.
#[derive(Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) kind: &'a str,
    pub(crate) session: &'a [u8],
    pub(crate) request: &'a str,
}

impl Page<'_> {
    pub(crate) fn ticket(&self, master: &MasterKey, now: Timestamp) -> String {
        let until = now.plus(LIFE).0.to_string();
        let proof = URL_SAFE_NO_PAD.encode(self.proof(master, &until));
        format!("{until}.{proof}")
    }

    pub(crate) fn accepts(&self, master: &MasterKey, ticket: &str, now: Timestamp) -> bool {
        let Some((until, proof)) = ticket.split_once('.') else { return false };
        let Ok(proof) = URL_SAFE_NO_PAD.decode(proof) else { return false };
        let in_time = until.parse::<i64>().is_ok_and(|until| now.0 < until);
        Secret::same_bytes(&proof, &self.proof(master, until)) && in_time
    }

    fn proof(&self, master: &MasterKey, until: &str) -> Vec<u8> {
        let parts = [self.kind.as_bytes(), self.session, self.request.as_bytes(), until.as_bytes()];
        master.ticket(&parts)
    }
}
