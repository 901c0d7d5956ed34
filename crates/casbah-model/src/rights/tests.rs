use super::*;
use crate::{ADMINISTRATOR_ROLES, Limit, ROLES};

#[test]
fn a_limited_role_changes_only_what_can_be_limited() {
    for role in ADMINISTRATOR_ROLES.iter().filter(|role| role.limit != Limit::Nothing) {
        for part in [Part::IpRanges, Part::Administrators, Part::Integrations] {
            assert_eq!(role.rights.access(part), Access::None, "{}", role.name);
        }
    }
    // Block scripts, tags and data sources are about all reports, so no single report gives them.
    for part in [Part::Discovery, Part::DiscoverySettings, Part::AppTags] {
        assert!(Rights::DISCOVERY_REPORT.access(part) < Access::Change);
    }
}

#[test]
fn roles_come_to_the_permissions_that_open_what_they_are_for() {
    let of = |name: &str| {
        let role = ROLES.iter().find(|role| role.name == name).expect("a role");
        role.rights.permissions().iter().collect::<Vec<_>>()
    };
    assert_eq!(of("Global Administrator"), Permission::ALL);
    assert_eq!(
        of("Security Operator"),
        [InvestigationRead, InvestigationManage, DiscoveryRead, SettingsRead]
    );
    assert_eq!(of("Global Reader"), [InvestigationRead, DiscoveryRead, SettingsRead]);
    assert_eq!(of("User Administrator"), []);
}

#[test]
fn what_roles_reach_adds_up_access_by_access() {
    let app = Reach::Within(vec![Bound::App { app: 11_627, instance: None }]);
    let both: Entitlements =
        [(Rights::READER, Reach::Everything), (Rights::APP, app.clone())].into_iter().collect();
    assert_eq!(both.reach(Part::Alerts, Access::Read), Reach::Everything);
    assert_eq!(both.reach(Part::Alerts, Access::Change), app);
    assert_eq!(both.reach(Part::IpRanges, Access::Read), Reach::Within(Vec::new()));
    assert_eq!(both.access(Part::Alerts), Access::Change);
    let read_only: Entitlements = [(Rights::APP.read_only(), app)].into_iter().collect();
    assert_eq!(read_only.access(Part::Alerts), Access::Read);
    assert_eq!(Entitlements::default().access(Part::Alerts), Access::None);
}
