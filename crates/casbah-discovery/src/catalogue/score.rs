//! How an app's score comes about.

use casbah_model::{Importance, SCORE_FACTORS, ScoreWeights};

use super::Claims;

/// The year of this catalogue, from which ages are counted: a score must not drift with the clock.
pub const CATALOGUE_YEAR: u16 = 2026;

/// The age in years from which a vendor counts as established.
const ESTABLISHED: f64 = 10.0;

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
    score_with(claims, founded, &ScoreWeights::default()).unwrap_or(1)
}

/// The same with weights of one's own; none when nothing is left that counts.
///
/// Groups and factors weigh as [`ScoreWeights`] says. With `exclude_unknown`, every factor of which nothing is
/// known is left out, not only those of industries.
pub fn score_with(claims: &Claims, founded: Option<u16>, weights: &ScoreWeights) -> Option<u8> {
    let groups = breakdown(claims, founded, weights);
    // In range by construction, so the cast loses nothing.
    mean(groups.iter().filter_map(|group| Some((group.worth?, group.weight.factor()))))
        .map(|mean| (mean + 0.5).floor().clamp(1.0, 10.0) as u8)
}

/// A group of the score, or a factor in one.
#[derive(Clone, PartialEq, Debug)]
pub struct ScorePart {
    /// Of [`SCORE_FACTORS`].
    pub name: &'static str,
    /// How much it weighs among its like.
    pub weight: Importance,
    /// 0 to 10; none when it is left out.
    pub worth: Option<f64>,
    /// The factors of a group; a factor has none.
    pub factors: Vec<ScorePart>,
}

/// What a score is made of, group by group.
pub fn breakdown(claims: &Claims, founded: Option<u16>, weights: &ScoreWeights) -> Vec<ScorePart> {
    let age = founded.map(|year| {
        let age = f64::from(CATALOGUE_YEAR.saturating_sub(year));
        (age / ESTABLISHED).min(1.0) * 10.0
    });
    let expected =
        |claimed: bool| if claimed { Some(10.0) } else { Some(0.0).filter(|_| !weights.exclude_unknown) };
    let of_industry = |claimed: bool| claimed.then_some(10.0);
    let worth = |factor: &str| match factor {
        "founded" => age,
        "mfa" => expected(claims.mfa),
        "saml" => expected(claims.saml),
        "soc2" => expected(claims.soc2),
        "iso27001" => expected(claims.iso27001),
        "hipaa" => of_industry(claims.hipaa),
        "pciDss" => of_industry(claims.pci_dss),
        "fedramp" => of_industry(claims.fedramp),
        "gdpr" => expected(claims.gdpr),
        _ => None,
    };
    let factor = |name: &&'static str| ScorePart {
        name,
        weight: weights.factor(name),
        worth: worth(name),
        factors: Vec::new(),
    };
    let groups = SCORE_FACTORS.iter().map(|(name, factors)| {
        let factors: Vec<ScorePart> = factors.iter().map(factor).collect();
        let worth = mean(factors.iter().filter_map(|one| Some((one.worth?, one.weight.factor()))));
        ScorePart { name, weight: weights.group(name), worth, factors }
    });
    groups.collect()
}

/// The weighted mean; none when all of it weighs nothing.
fn mean(parts: impl Iterator<Item = (f64, u32)>) -> Option<f64> {
    let (sum, weight) = parts
        .fold((0.0, 0), |(sum, weight), (part, times)| (part.mul_add(f64::from(times), sum), weight + times));
    (weight > 0).then(|| sum / f64::from(weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_move_the_score_and_nothing_known_gives_none() {
        let claims = Claims { soc2: true, iso27001: true, ..Claims::default() };
        // (10 + 0 + 4 x 10 + 0) / 7
        assert_eq!(score(&claims, Some(2000)), 7);
        let mut weights = ScoreWeights { exclude_unknown: true, ..ScoreWeights::default() };
        assert_eq!(score_with(&claims, None, &weights), Some(10));
        assert_eq!(score_with(&Claims::default(), None, &weights), None);
        weights.exclude_unknown = false;
        weights.groups.insert("compliance".into(), Importance::Ignored);
        assert_eq!(score_with(&claims, Some(2000), &weights), Some(3));
        weights.factors.insert("founded".into(), Importance::Ignored);
        assert_eq!(score_with(&claims, Some(2000), &weights), Some(1));
        for group in ["security", "legal"] {
            weights.groups.insert(group.into(), Importance::Ignored);
        }
        assert_eq!(score_with(&claims, Some(2000), &weights), None);
    }
}
