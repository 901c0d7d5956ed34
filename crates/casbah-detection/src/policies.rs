//! The policies that are there after install. To add one: a file here and a line in the list.

use crate::policy::Policy;

mod expiring_credential;
mod new_cloud_storage_app;
mod new_high_volume_app;
mod new_risky_app;
mod report_health;

/// All built-in policies, enabled.
///
/// The product's templates ask for more than 50 users and 50 MB a day, which suits a company of thousands;
/// with them the first upload of a small one would say nothing. Here any use of a new risky app or a new
/// storage app is worth a finding; the thresholds can be raised afterwards. Volume keeps the template's
/// 500 MB a day.
pub fn built_in() -> Vec<Policy> {
    let mut all = vec![
        new_risky_app::policy(),
        new_cloud_storage_app::policy(),
        new_high_volume_app::policy(),
        expiring_credential::policy(),
    ];
    all.extend(report_health::policies());
    all
}
