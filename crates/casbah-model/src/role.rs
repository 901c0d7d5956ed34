//! Directory roles, and what each lets a person do.

use crate::{Guid, Rights};

/// A built-in directory role of Entra ID.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// Its template id, the same in every tenant.
    pub template: Guid,
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// What people with the role may do in Cloud Apps.
    pub rights: Rights,
    /// Whether it administers the whole directory: users, applications, consent, roles.
    pub administers_directory: bool,
}

impl Role {
    /// Finds a role by template id or by name, without regard to case.
    pub fn find(name_or_template: &str) -> Option<&'static Role> {
        let template: Option<Guid> = name_or_template.parse().ok();
        ROLES.iter().find(|r| Some(r.template) == template || r.name.eq_ignore_ascii_case(name_or_template))
    }
}

const fn role(template: u128, name: &'static str, rights: Rights, description: &'static str) -> Role {
    let template = Guid::from_u128(template);
    Role { template, name, description, rights, administers_directory: false }
}

/// The roles. What they may do in Cloud Apps stands in [`Rights`]; in the directory itself, in
/// `casbah-service`, `directory/rights.rs`.
pub const ROLES: &[Role] = &[
    Role {
        administers_directory: true,
        ..role(
            0x62e90394_69f5_4237_9190_012177145e10,
            "Global Administrator",
            Rights::FULL,
            "Manages everything.",
        )
    },
    role(
        0x194ae4cb_b126_40b2_bd5b_6091b380977d,
        "Security Administrator",
        Rights::FULL,
        "Full access to Cloud Apps: alerts, policies, discovery, settings.",
    ),
    role(
        0x892c5842_a9a6_463a_8041_72aa08ca3cf6,
        "Cloud App Security Administrator",
        Rights::FULL,
        "Full access to Cloud Apps and to nothing else.",
    ),
    role(
        0x17315797_102d_40b4_93e0_432062caca18,
        "Compliance Administrator",
        Rights::COMPLIANCE,
        "Reads everything in Cloud Apps and manages alerts.",
    ),
    role(
        0xe6d1a23a_da11_4be4_9570_befc86d067a7,
        "Compliance Data Administrator",
        Rights::COMPLIANCE_DATA,
        "Reads everything in Cloud Apps and manages alerts.",
    ),
    role(
        0x5f2222b1_57c3_48ba_8ad5_d4759f1fde6f,
        "Security Operator",
        Rights::OPERATOR,
        "Reads alerts, activities and discovery reports, and manages alerts; no settings.",
    ),
    role(
        0x5d6b6bb7_de71_4623_b4af_96380a352509,
        "Security Reader",
        Rights::READER,
        "Reads alerts, activities and discovery reports; no settings.",
    ),
    role(
        0xf2ef992c_3afb_46b9_b7cf_a126ee74c451,
        "Global Reader",
        Rights::GLOBAL_READER,
        "Reads everything and changes nothing.",
    ),
    role(
        0xfe930be7_5e62_47db_91af_98c3a49a38b1,
        "User Administrator",
        Rights::NONE,
        "Manages people who hold no role, and groups.",
    ),
    role(
        0xc4e39bd9_1100_46d3_8c65_fb160da0071f,
        "Authentication Administrator",
        Rights::NONE,
        "Resets passwords and other factors of people who hold no role.",
    ),
    role(
        0x9b895d92_2cd3_44c7_9d02_a6ac2d5ea5c3,
        "Application Administrator",
        Rights::NONE,
        "Manages applications and consent, but no application permissions on the directory.",
    ),
    role(
        0x158c047a_c907_4556_b7ef_446551a6b5f7,
        "Cloud Application Administrator",
        Rights::NONE,
        "Manages applications and consent, but no application permissions on the directory.",
    ),
    role(
        0xe8611ab8_c189_46e8_94e1_60213ab1f814,
        "Privileged Role Administrator",
        Rights::NONE,
        "Gives and takes directory roles, and consents to every permission.",
    ),
];
