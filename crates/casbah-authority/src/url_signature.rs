//! Addresses that carry their own right: a link that only this installation can have made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::Secret;

use crate::authority::Authority;

impl Authority {
    /// The signature of an address, in characters that need no encoding in a query. One made for
    /// another purpose or text is worthless.
    pub fn sign_url(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.master.ticket(&[b"url", purpose.as_bytes(), text.as_bytes()]))
    }

    /// Whether [`Authority::sign_url`] made the signature for that purpose and text.
    pub fn check_url(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let expected = self.sign_url(purpose, text);
        Secret::same_bytes(expected.as_bytes(), signature.as_bytes())
    }
}
