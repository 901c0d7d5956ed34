//! The permissions of the Cloud Apps API, by Microsoft's names.

use std::fmt;

use crate::Guid;

/// A permission on the resource *Microsoft Cloud App Security*; the same six exist as app roles
/// (application context) and as delegated scopes (user context).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Read activities, alerts, entities, files and IP ranges.
    InvestigationRead,
    /// The above, close alerts and change IP ranges.
    InvestigationManage,
    /// Read alerts and discovery reports.
    DiscoveryRead,
    /// The above, close alerts, upload logs, make block scripts.
    DiscoveryManage,
    /// Read IP ranges and settings.
    SettingsRead,
    /// The above, and change them.
    SettingsManage,
}

use Permission::{
    DiscoveryManage, DiscoveryRead, InvestigationManage, InvestigationRead, SettingsManage, SettingsRead,
};

impl Permission {
    /// All six, in the order in which they are shown.
    pub const ALL: [Permission; 6] = [
        InvestigationRead,
        InvestigationManage,
        DiscoveryRead,
        DiscoveryManage,
        SettingsRead,
        SettingsManage,
    ];

    /// The directory's spelling, which tokens carry: `investigation.read`.
    pub fn value(self) -> &'static str {
        match self {
            InvestigationRead => "investigation.read",
            InvestigationManage => "investigation.manage",
            DiscoveryRead => "discovery.read",
            DiscoveryManage => "discovery.manage",
            SettingsRead => "settings.read",
            SettingsManage => "settings.manage",
        }
    }

    /// The documentation's spelling: `Investigation.read`.
    pub fn title(self) -> &'static str {
        match self {
            InvestigationRead => "Investigation.read",
            InvestigationManage => "Investigation.manage",
            DiscoveryRead => "Discovery.read",
            DiscoveryManage => "Discovery.manage",
            SettingsRead => "Settings.read",
            SettingsManage => "Settings.manage",
        }
    }

    /// The id that Microsoft's directory gives to the app role and to the scope alike.
    pub fn id(self) -> Guid {
        Guid::from_u128(match self {
            InvestigationRead => 0x83bc8d83_2679_44ef_b813_d5f556fc4474,
            InvestigationManage => 0xa832eaa3_0cfc_4a2b_9af1_27c5b092dd40,
            DiscoveryRead => 0xe9aa7b67_ea0d_435b_ab36_592cd9b23d61,
            DiscoveryManage => 0xf6e78c1a_b9c7_42d3_b067_220689a7a2e9,
            SettingsRead => 0x8e41f311_31d5_43aa_bb79_8fd4e14a8745,
            SettingsManage => 0xcb792285_1541_416c_a581_d8ede4ebc219,
        })
    }

    /// What it allows, in a sentence for the consent page.
    pub fn description(self) -> &'static str {
        match self {
            InvestigationRead => "Read alerts, activities, entities and IP ranges",
            InvestigationManage => "Read and manage alerts, activities, entities and IP ranges",
            DiscoveryRead => "Read alerts and cloud discovery reports",
            DiscoveryManage => {
                "Read and manage cloud discovery: upload logs, close alerts, make block scripts"
            }
            SettingsRead => "Read IP ranges and settings",
            SettingsManage => "Read and change IP ranges and settings",
        }
    }

    /// Finds a permission by either spelling, in any case.
    pub fn find(name: &str) -> Option<Permission> {
        Permission::ALL.into_iter().find(|p| p.value().eq_ignore_ascii_case(name))
    }

    /// What else comes with it: each `.manage` includes its `.read`.
    pub fn implied(self) -> Option<Permission> {
        match self {
            InvestigationManage => Some(InvestigationRead),
            DiscoveryManage => Some(DiscoveryRead),
            SettingsManage => Some(SettingsRead),
            _ => None,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A set of permissions, closed under [`Permission::implied`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u8);

impl PermissionSet {
    /// No permission.
    pub const NONE: PermissionSet = PermissionSet(0);

    /// Every permission.
    pub const ALL: PermissionSet = PermissionSet(0b11_1111);

    /// Whether `permission` is in it.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether at least one of `any` is in it.
    pub fn contains_any(self, any: &[Permission]) -> bool {
        any.iter().any(|p| self.contains(*p))
    }

    /// What is in both: what a user may do through an application.
    pub fn intersection(self, other: PermissionSet) -> PermissionSet {
        PermissionSet(self.0 & other.0)
    }

    /// Its members, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> PermissionSet {
        let mut bits = 0;
        for permission in permissions {
            bits |= bit(permission) | permission.implied().map_or(0, bit);
        }
        PermissionSet(bits)
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

fn bit(permission: Permission) -> u8 {
    1 << permission as u8
}
