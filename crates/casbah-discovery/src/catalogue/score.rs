//! How an app's score comes about.

use super::Claims;

/// The year of this catalogue, from which ages are counted: a score must not drift with the clock.
pub const CATALOGUE_YEAR: u16 = 2026;

/// The age in years from which a vendor counts as established.
const ESTABLISHED: f64 = 10.0;
/// Compliance weighs as "High" (times 4), the other groups as "Low" (times 1).
const COMPLIANCE_WEIGHT: f64 = 4.0;

/// The score of an app somebody has looked at: 1 (most risk) to 10 (least).
///
/// Four groups of factors, each the mean of factors worth 0 to 10; the score is the weighted mean of the
/// groups, rounded half up and kept within 1 and 10.
///
/// | group | weight | factors |
/// |---|---|---|
/// | General | 1 | `founded`: 10 from ten years of age, less in proportion; left out when unknown |
/// | Security | 1 | `mfa`, `saml` |
/// | Compliance | 4 | `soc2`, `iso27001`; `hipaa`, `pci_dss`, `fedramp` only where claimed |
/// | Legal | 1 | `gdpr` |
///
/// Our facts are either "the vendor claims it" (10) or unknown, never "no". Leaving unknown factors out, as
/// the product does by default, would give every app with a single claim a 10, and an app that claims nothing
/// no score at all, though it is the very one to worry about. So the claims every serious vendor makes (multi-
/// factor sign-in, SAML, SOC 2, ISO 27001, GDPR) count as 0 when nobody can find them, which is the product's
/// "include N/A" setting. The claims of single industries (health, cards, government) are left out when absent:
/// nobody expects them of a drawing tool.
///
/// With Compliance at four times the weight, an app without any compliance claim gets at most 4, so "score
/// below 6" singles these out, whatever else they claim.
pub fn score(claims: &Claims, founded: Option<u16>) -> u8 {
    let worth = |claimed: bool| if claimed { 10.0 } else { 0.0 };
    let general = founded.map(|year| {
        let age = f64::from(CATALOGUE_YEAR.saturating_sub(year));
        (age / ESTABLISHED).min(1.0) * 10.0
    });
    let security = (worth(claims.mfa) + worth(claims.saml)) / 2.0;
    let of_industry =
        [claims.hipaa, claims.pci_dss, claims.fedramp].iter().filter(|claimed| **claimed).count() as f64;
    let compliance = (worth(claims.soc2) + worth(claims.iso27001) + 10.0 * of_industry) / (2.0 + of_industry);
    let legal = worth(claims.gdpr);
    let sum = general.unwrap_or(0.0) + security + COMPLIANCE_WEIGHT * compliance + legal;
    let weight = f64::from(u8::from(general.is_some())) + 1.0 + COMPLIANCE_WEIGHT + 1.0;
    // In range by construction, so the cast loses nothing.
    (sum / weight + 0.5).floor().clamp(1.0, 10.0) as u8
}
