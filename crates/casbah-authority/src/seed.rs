//! The applications that every tenant has from the start.
//!
//! Only data: whoever makes a tenant inserts what [`built_in`] returns in the same transaction.

use casbah_model::{
    AppRole, Application, ApplicationDetails, ConsentType, DelegatedScope, Guid, MemberType, Permission,
    PermissionGrant, RedirectUri, RedirectUriKind, RequiredAccess, ServicePrincipal, ServicePrincipalDetails,
    Timestamp,
};

/// Application id of *Microsoft Cloud App Security*, the resource of the Cloud Apps API.
pub const CLOUD_APPS: Guid = Guid::from_u128(0x05a65629_4c1b_48c1_a78b_804c4abdd4af);

/// Application id of *Microsoft Graph*, the resource of the directory.
pub const DIRECTORY: Guid = Guid::from_u128(0x00000003_0000_0000_c000_000000000000);

/// Application id of *Casbah CLI*, the public client behind `casbah login`.
pub const CLI: Guid = Guid::from_u128(0x6c1d2f0a_3b7e_4c58_9a41_ca5bab000001);

/// Application id of *Casbah Portal*, the client that the portal signs people in as.
pub const PORTAL: Guid = Guid::from_u128(0x6c1d2f0a_3b7e_4c58_9a41_ca5bab000002);

/// Where the portal takes the answer of the authorize endpoint.
pub const PORTAL_SIGNED_IN: &str = "/portal/signed-in";
/// Where the browser comes back to after signing out.
pub const PORTAL_SIGNED_OUT: &str = "/portal/signed-out";

/// Public clients that tools come with, and that Entra knows in every tenant: application id, name, and
/// whether everybody's consent comes along, as for the first ones in Entra; the person's roles still decide.
pub const WELL_KNOWN_CLIENTS: &[(Guid, &str, bool)] = &[
    (Guid::from_u128(0x04b07795_8ddb_461a_bbee_02f9e1bf7b46), "Microsoft Azure CLI", true),
    (Guid::from_u128(0x1950a258_227b_4e31_a9cf_717495945fc2), "Microsoft Azure PowerShell", true),
    (Guid::from_u128(0x14d82eec_204b_4c2f_b7e8_296a70dab67e), "Microsoft Graph Command Line Tools", false),
    (Guid::from_u128(0xaebc6443_996d_45c2_90f0_388ff96faa56), "Visual Studio Code", false),
];

/// What a new tenant gets.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    /// *Microsoft Cloud App Security*, *Microsoft Graph*, *Casbah CLI*, the well-known clients, and *Casbah
    /// Portal*.
    pub applications: Vec<Application>,
    /// One for each application.
    pub service_principals: Vec<ServicePrincipal>,
    /// What everybody's consent to *Casbah CLI*, the Azure CLI and Azure PowerShell covers.
    pub permission_grants: Vec<PermissionGrant>,
}

/// Permissions of the directory as app roles: id, value, what it allows.
const DIRECTORY_ROLES: &[(u128, &str, &str)] = &[
    (0x9a5d68dd_52b0_4cc2_bd40_abcf44ac3a30, "Application.Read.All", "Read all applications"),
    (0x1bfefb4e_e0b5_418b_a88f_73c46d2cc8e9, "Application.ReadWrite.All", "Read and write all applications"),
    (
        0x18a4783c_866b_4cc7_a460_3d5e5662c884,
        "Application.ReadWrite.OwnedBy",
        "Manage applications that it owns",
    ),
    (
        0x06b708a9_e830_4db3_a914_8e69da51d44f,
        "AppRoleAssignment.ReadWrite.All",
        "Manage app role assignments",
    ),
    (
        0x8e8e4742_1d95_4f68_9d56_6ee75648c72a,
        "DelegatedPermissionGrant.ReadWrite.All",
        "Manage delegated permission grants",
    ),
    (0x7ab1d382_f21e_4acd_a863_ba3e13f7da61, "Directory.Read.All", "Read directory data"),
    (0x19dbc75e_c2e2_444c_a770_ec69d8559fc7, "Directory.ReadWrite.All", "Read and write directory data"),
    (0xdf021288_bdef_4463_88db_98f22de89214, "User.Read.All", "Read all users' profiles"),
    (0x741f803b_c850_494e_b5df_cde7c675a1ca, "User.ReadWrite.All", "Read and write all users' profiles"),
    (0xb0afded3_3588_46d8_8b3d_9842eff778da, "AuditLog.Read.All", "Read the audit log"),
    (0x64a59178_dad3_4673_89db_84fdcd622fec, "CloudApp-Discovery.Read.All", "Read discovered apps"),
    (0x5b567255_7703_4780_807c_7be8301ae99b, "Group.Read.All", "Read all groups"),
    (0x62a82d76_70ea_41e2_9197_370581804d09, "Group.ReadWrite.All", "Read and write all groups"),
    (0x98830695_27a2_44f7_8c18_0c3ebc9698f6, "GroupMember.Read.All", "Read all group memberships"),
    (
        0xdbaae8cf_10b5_4b86_a4a1_f871c94c6695,
        "GroupMember.ReadWrite.All",
        "Read and write all group memberships",
    ),
    (0xe321f0bb_e7f7_481e_bb28_e3b0b32d4bd0, "IdentityProvider.Read.All", "Read identity providers"),
    (0x90db2b9a_d928_4d33_a4dd_8442ae3d41e4, "IdentityProvider.ReadWrite.All", "Manage identity providers"),
    (0x09850681_111b_4a89_9bed_3f2cae46d706, "User.Invite.All", "Invite guests"),
    (0x483bed4a_2ad3_4361_a73b_c83ccdbdc53c, "RoleManagement.Read.Directory", "Read directory roles"),
    (0x9e3f62cf_ca93_4989_b6ce_bf83c28f9fe8, "RoleManagement.ReadWrite.Directory", "Manage directory roles"),
];

/// Permissions of the directory as delegated scopes: id, value, what it allows, administrators only.
const DIRECTORY_SCOPES: &[(u128, &str, &str, bool)] = &[
    (0xe1fe6dd8_ba31_4d61_89e7_88639da4683d, "User.Read", "Sign you in and read your profile", false),
    (0xa154be20_db9c_4678_8ab7_66f6cc099a59, "User.Read.All", "Read all users' profiles", true),
    (
        0x204e0828_b5ca_4ad8_b9f3_f32a958e7cc4,
        "User.ReadWrite.All",
        "Read and write all users' profiles",
        true,
    ),
    (0x06da0dbc_49e2_44d2_8312_53f166ab848a, "Directory.Read.All", "Read directory data", true),
    (
        0xc5366453_9fb0_48a5_a156_24f0c49a4b84,
        "Directory.ReadWrite.All",
        "Read and write directory data",
        true,
    ),
    (0xc79f8feb_a9db_4090_85f9_90d820caa0eb, "Application.Read.All", "Read applications", true),
    (
        0xbdfbf15f_ee85_4955_8675_146e8e5296b5,
        "Application.ReadWrite.All",
        "Read and write applications",
        true,
    ),
    (
        0x84bccea3_f856_4a8a_967b_dbe0a3d53a64,
        "AppRoleAssignment.ReadWrite.All",
        "Manage app role assignments",
        true,
    ),
    (
        0x41ce6ca6_6826_4807_84f1_1c82854f7ee5,
        "DelegatedPermissionGrant.ReadWrite.All",
        "Manage delegated permission grants",
        true,
    ),
    (
        0xd01b97e9_cbc0_49fe_810a_750afd5527a3,
        "RoleManagement.ReadWrite.Directory",
        "Manage directory roles",
        true,
    ),
    (0xe4c9e354_4dc5_45b8_9e7c_e1393b0b1a20, "AuditLog.Read.All", "Read the audit log", true),
    (0xad46d60e_1027_4b75_af88_7c14ccf43a19, "CloudApp-Discovery.Read.All", "Read discovered apps", true),
    (0x5f8c59db_677d_491f_a6b8_5f174b11ec1d, "Group.Read.All", "Read all groups", true),
    (0x4e46008b_f24c_477d_8fff_7bb4ec7aafe0, "Group.ReadWrite.All", "Read and write all groups", true),
    (0xbc024368_1153_4739_b217_4326f2e966d0, "GroupMember.Read.All", "Read group memberships", true),
    (
        0xf81125ac_d3b7_4573_a3b2_7099cc39df9e,
        "GroupMember.ReadWrite.All",
        "Read and write group memberships",
        true,
    ),
    (0x741c54c3_0c1e_44a1_818b_3f97ab4e8c83, "RoleManagement.Read.Directory", "Read directory roles", true),
    (0x43781733_b5a7_4d1b_98f4_e8edff23e1a9, "IdentityProvider.Read.All", "Read identity providers", true),
    (
        0xf13ce604_1677_429f_90bd_8a10b9f01325,
        "IdentityProvider.ReadWrite.All",
        "Manage identity providers",
        true,
    ),
    (0x63dd7cd9_b489_4adf_a28c_ac38b9a0f962, "User.Invite.All", "Invite guests", true),
    (0x37f7f235_527c_4136_accd_4a02d197296e, "openid", "Sign you in", false),
    (0x64a6cdd6_aab1_4aaf_94b8_3cc8405e90d0, "email", "Read your address for mail", false),
    (0x14dad69e_099b_42c9_810b_d002981feec1, "profile", "Read your basic profile", false),
    (0x7427e0e9_2fdb_4417_809c_591378161370, "offline_access", "Keep the access you gave it", false),
];

/// What *Casbah CLI* may do in the directory for whoever signs in with it; the person's roles still
/// decide.
const CLI_DIRECTORY_SCOPES: &[&str] = &[
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "AuditLog.Read.All",
    "CloudApp-Discovery.Read.All",
    "Directory.ReadWrite.All",
    "IdentityProvider.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User.Invite.All",
    "User.Read",
    "User.ReadWrite.All",
];

/// What a tenant made at `now` starts with, where the portal is at `public_url`. Draws ids: call it before
/// the transaction.
pub fn built_in(now: Timestamp, public_url: &str) -> BuiltIn {
    let mut applications = vec![cloud_apps(now), directory(now), cli(now)];
    applications.extend(WELL_KNOWN_CLIENTS.iter().map(|(app_id, name, _)| well_known(*app_id, name, now)));
    applications.push(portal(now, public_url));
    let principal = |application: &Application| ServicePrincipal {
        id: Guid::random(),
        app_id: application.app_id,
        display_name: application.display_name.clone(),
        enabled: true,
        created: now,
        details: ServicePrincipalDetails::default(),
    };
    let service_principals: Vec<ServicePrincipal> = applications.iter().map(principal).collect();
    let [resource, directory, client] = [0, 1, 2].map(|n: usize| service_principals[n].id);
    let grant = |client: Guid, resource: Guid, scopes: Vec<String>| PermissionGrant {
        id: Guid::random(),
        client,
        resource,
        consent_type: ConsentType::AllPrincipals,
        scopes,
        created: now,
        granted_by: None,
    };
    let all: Vec<String> = Permission::ALL.iter().map(|p| p.value().to_string()).collect();
    let in_directory: Vec<String> = CLI_DIRECTORY_SCOPES.iter().map(ToString::to_string).collect();
    let consented = WELL_KNOWN_CLIENTS.iter().zip(&service_principals[3..]).filter(|((_, _, yes), _)| *yes);
    let clients = std::iter::once(client).chain(consented.map(|(_, principal)| principal.id));
    let permission_grants = clients
        .flat_map(|client| {
            [grant(client, resource, all.clone()), grant(client, directory, in_directory.clone())]
        })
        .collect();
    BuiltIn { applications, service_principals, permission_grants }
}

fn application(app_id: Guid, name: &str, now: Timestamp) -> Application {
    Application {
        id: Guid::random(),
        app_id,
        display_name: name.to_string(),
        public_client: false,
        identifier_uris: Vec::new(),
        redirect_uris: Vec::new(),
        app_roles: Vec::new(),
        scopes: Vec::new(),
        required_access: Vec::new(),
        token_version: 1,
        created: now,
        details: ApplicationDetails::default(),
    }
}

fn cloud_apps(now: Timestamp) -> Application {
    Application {
        identifier_uris: vec![format!("api://{CLOUD_APPS}")],
        app_roles: Permission::ALL.map(app_role).to_vec(),
        scopes: Permission::ALL.map(scope).to_vec(),
        ..application(CLOUD_APPS, "Microsoft Cloud App Security", now)
    }
}

fn app_role(permission: Permission) -> AppRole {
    AppRole {
        id: permission.id(),
        value: permission.value().to_string(),
        display_name: permission.description().to_string(),
        description: permission.description().to_string(),
        allowed_member_types: vec![MemberType::Application],
        enabled: true,
    }
}

fn scope(permission: Permission) -> DelegatedScope {
    DelegatedScope {
        id: permission.id(),
        value: permission.value().to_string(),
        display_name: permission.description().to_string(),
        description: permission.description().to_string(),
        admin_only: true,
        user_consent_display_name: None,
        user_consent_description: None,
        enabled: true,
    }
}

fn directory(now: Timestamp) -> Application {
    let role = |(id, value, text): &(u128, &str, &str)| AppRole {
        id: Guid::from_u128(*id),
        value: (*value).to_string(),
        display_name: (*text).to_string(),
        description: (*text).to_string(),
        allowed_member_types: vec![MemberType::Application],
        enabled: true,
    };
    let scope = |(id, value, text, admin_only): &(u128, &str, &str, bool)| DelegatedScope {
        id: Guid::from_u128(*id),
        value: (*value).to_string(),
        display_name: (*text).to_string(),
        description: (*text).to_string(),
        admin_only: *admin_only,
        user_consent_display_name: None,
        user_consent_description: None,
        enabled: true,
    };
    Application {
        identifier_uris: vec!["https://graph.microsoft.com".to_string()],
        app_roles: DIRECTORY_ROLES.iter().map(role).collect(),
        scopes: DIRECTORY_SCOPES.iter().map(scope).collect(),
        ..application(DIRECTORY, "Microsoft Graph", now)
    }
}

fn well_known(app_id: Guid, name: &str, now: Timestamp) -> Application {
    let loopback = RedirectUri { uri: "http://localhost".to_string(), kind: RedirectUriKind::PublicClient };
    Application { public_client: true, redirect_uris: vec![loopback], ..application(app_id, name, now) }
}

/// A client without a secret: the code that it gets is worth nothing without the verifier, which only this
/// installation can make.
fn portal(now: Timestamp, public_url: &str) -> Application {
    let uri = |path: &str| RedirectUri { uri: format!("{public_url}{path}"), kind: RedirectUriKind::Web };
    Application {
        public_client: true,
        redirect_uris: vec![uri(PORTAL_SIGNED_IN), uri(PORTAL_SIGNED_OUT)],
        ..application(PORTAL, "Casbah Portal", now)
    }
}

fn cli(now: Timestamp) -> Application {
    let resource = cloud_apps(now);
    let directory = directory(now);
    let wants = |resource_app_id: Guid, id: Guid| RequiredAccess { resource_app_id, id, is_role: false };
    let mut required_access: Vec<_> = resource.scopes.iter().map(|s| wants(CLOUD_APPS, s.id)).collect();
    let in_directory = directory.scopes.iter().filter(|s| CLI_DIRECTORY_SCOPES.contains(&s.value.as_str()));
    required_access.extend(in_directory.map(|s| wants(DIRECTORY, s.id)));
    Application {
        public_client: true,
        redirect_uris: vec![RedirectUri {
            uri: "http://localhost".to_string(),
            kind: RedirectUriKind::PublicClient,
        }],
        required_access,
        ..application(CLI, "Casbah CLI", now)
    }
}
