//! Directory roles, and what each lets a person do.

use crate::permission::Permission::{
    DiscoveryManage, DiscoveryRead, InvestigationManage, InvestigationRead, SettingsManage, SettingsRead,
};
use crate::{Guid, Permission, PermissionSet};

/// A built-in directory role of Entra ID.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// Its template id, the same in every tenant.
    pub template: Guid,
    /// Its name.
    pub name: &'static str,
    /// What people with the role may do through the Cloud Apps API.
    pub allows: &'static [Permission],
    /// Whether it administers the directory: users, applications, consent.
    pub administers_directory: bool,
}

impl Role {
    /// What people with the role may do through the Cloud Apps API.
    pub fn permissions(&self) -> PermissionSet {
        self.allows.iter().copied().collect()
    }

    /// Finds a role by template id or by name, without regard to case.
    pub fn find(name_or_template: &str) -> Option<&'static Role> {
        let template: Option<Guid> = name_or_template.parse().ok();
        ROLES.iter().find(|r| Some(r.template) == template || r.name.eq_ignore_ascii_case(name_or_template))
    }
}

const ALL: &[Permission] = &Permission::ALL;
const READ: &[Permission] = &[InvestigationRead, DiscoveryRead, SettingsRead];

/// The roles that matter to Cloud Apps, from Microsoft's *Configure admin access* page: the two
/// administrators have full access, the operator manages alerts, the readers read.
pub const ROLES: &[Role] = &[
    Role {
        template: Guid::from_u128(0x62e90394_69f5_4237_9190_012177145e10),
        name: "Global Administrator",
        allows: ALL,
        administers_directory: true,
    },
    Role {
        template: Guid::from_u128(0x194ae4cb_b126_40b2_bd5b_6091b380977d),
        name: "Security Administrator",
        allows: ALL,
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0x892c5842_a9a6_463a_8041_72aa08ca3cf6),
        name: "Cloud App Security Administrator",
        allows: &[InvestigationManage, DiscoveryManage, SettingsManage],
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0x5f2222b1_57c3_48ba_8ad5_d4759f1fde6f),
        name: "Security Operator",
        allows: &[InvestigationManage, DiscoveryRead, SettingsRead],
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0x5d6b6bb7_de71_4623_b4af_96380a352509),
        name: "Security Reader",
        allows: READ,
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0xf2ef992c_3afb_46b9_b7cf_a126ee74c451),
        name: "Global Reader",
        allows: READ,
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0x9b895d92_2cd3_44c7_9d02_a6ac2d5ea5c3),
        name: "Application Administrator",
        allows: &[],
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0x158c047a_c907_4556_b7ef_446551a6b5f7),
        name: "Cloud Application Administrator",
        allows: &[],
        administers_directory: false,
    },
    Role {
        template: Guid::from_u128(0xe8611ab8_c189_46e8_94e1_60213ab1f814),
        name: "Privileged Role Administrator",
        allows: &[],
        administers_directory: false,
    },
];
