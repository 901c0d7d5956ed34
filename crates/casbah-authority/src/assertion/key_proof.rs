//! The proof that somebody who changes an application's keys holds one of them: a token that is signed as a
//! client assertion is, but for the directory (Microsoft Graph, *application: addKey*, property `proof`).

use casbah_model::{Application, ApplicationCertificate, Secret};

use super::Assertion;
use crate::authority::Authority;
use crate::certificate::Certificate;
use crate::seed;

/// The directory before Microsoft Graph, which Graph's documentation names as the audience.
const OLD_DIRECTORY: &str = "00000002-0000-0000-c000-000000000000";
/// A proof lives for ten minutes at most, in seconds.
const LONGEST_LIFE: u32 = 600;

impl Authority {
    /// Checks the proof against the application's certificates.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it.
    pub fn check_key_proof(
        &self,
        proof: &Secret,
        application: &Application,
        certificates: &[ApplicationCertificate],
    ) -> Result<(), String> {
        let now = self.clock.now();
        let proof = Assertion::parse(proof.expose()).map_err(|e| e.text)?;
        let valid = |c: &&ApplicationCertificate| c.starts <= now && now < c.ends;
        let signer = certificates.iter().filter(valid).find(|c| proof.names(c));
        let signer = signer.and_then(|c| Certificate::of_der(c.der.clone()));
        let signer = signer.ok_or("it is not signed by a registered certificate that is valid now.")?;
        proof.check_signature(&signer.key).map_err(|e| e.text)?;
        let issuer = proof.text("iss").unwrap_or_default();
        let ids = [application.id.to_string(), application.app_id.to_string()];
        if !ids.iter().any(|id| id.eq_ignore_ascii_case(issuer)) {
            return Err("its iss must be the id of the application.".to_string());
        }
        let directory = seed::DIRECTORY.to_string();
        if !proof.audiences().iter().any(|audience| *audience == OLD_DIRECTORY || *audience == directory) {
            return Err(format!("its aud must be {OLD_DIRECTORY}."));
        }
        proof.check_time(now, Some(LONGEST_LIFE)).map_err(|e| e.text)?;
        Ok(())
    }
}
