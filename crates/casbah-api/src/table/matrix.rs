//! Who may call what: every role against every endpoint, as Microsoft's page *Configure admin access* has it.

use axum::body::Body;
use casbah_authority::{Caller, Principal};
use casbah_model::{
    ADMINISTRATOR_ROLES, Administrator, AdministratorRole, Bound, Entitlements, Guid, Reach, RecordId, Role,
};

use super::tests::path_of;
use super::{Access, EndpointInfo};
use crate::endpoints;
use crate::testing::{NOW, World, request};

/// The columns: roles of the directory, roles of Cloud Apps, the same to read only, and people who have
/// nothing to do with Cloud Apps.
const DIRECTORY: [&str; 8] = [
    "Global Administrator",
    "Security Administrator",
    "Cloud App Security Administrator",
    "Compliance Administrator",
    "Compliance Data Administrator",
    "Security Operator",
    "Security Reader",
    "Global Reader",
];
const OWN: [(&str, bool); 11] = [
    ("global", false),
    ("compliance", false),
    ("security-operator", false),
    ("security-reader", false),
    ("app", false),
    ("app", true),
    ("group", false),
    ("group", true),
    ("discovery", false),
    ("discovery-report", false),
    ("discovery-report", true),
];

#[rustfmt::skip]
const EXPECTED: &[(&str, &str)] = &[
    ("list_alerts fetch_alert mark_alert_read mark_alert_unread export_alerts", "++++++++ ++++ +++++++ --"),
    ("close_benign close_false_positive close_true_positive",          "++++++-- +++- +-+-+-- --"),
    ("dismiss_alerts resolve_alerts dismiss_alert reopen_alerts",      "++++++-- +++- +-+-+-- --"),
    ("list_activities fetch_activity give_feedback list_ip_tags export_activities", "++++++++ ++++ ++++--- --"),
    ("list_entities list_accounts fetch_entity fetch_entity_tree export_entities", "++++++++ ++++ ++++--- --"),
    ("list_files count_files fetch_file list_folders_above export_files", "++++++++ ++++ ++++--- --"),
    ("ingest_files",                                                   "+++----- +--- ------- --"),
    ("ingest_alerts",                                                  "++++++-- +++- ------- --"),
    ("ingest_entities",                                                "+++----- +--- ------- --"),
    ("ingest_activities",                                              "+++----- +--- ------- --"),
    ("request_upload_url finish_upload",                               "+++----- +--- ----++- --"),
    ("list_app_users list_app_ip_addresses list_app_days",             "++++++++ ++++ ----+++ --"),
    ("fetch_discovered_app summarise_discovery list_tag_counts",       "++++++++ ++++ ----+++ --"),
    ("list_streams list_discovered_apps list_categories export_discovered_apps", "++++++++ ++++ ----+++ --"),
    ("list_unmatched_domains",                                         "++++++++ ++++ ----+++ --"),
    ("create_app_tag delete_app_tag override_app",                     "+++----- +--- ----+-- --"),
    ("list_custom_apps list_app_overrides fetch_weights",              "+++++--+ ++-- ----+++ --"),
    ("create_custom_app change_custom_app delete_custom_app",          "+++----- +--- ----+-- --"),
    ("set_weights create_exclusion delete_exclusion",                  "+++----- +--- ----+-- --"),
    ("list_exclusions fetch_encryption_settings",                      "+++++--+ ++-- ----+++ --"),
    ("fetch_user_enrichment list_sources detect_source",               "+++++--+ ++-- ----+++ --"),
    ("list_custom_parsers try_custom_parser list_log_collectors",      "+++++--+ ++-- ----+++ --"),
    ("set_encryption_settings set_user_enrichment resolve_usernames",  "+++----- +--- ----+-- --"),
    ("create_custom_parser change_custom_parser delete_custom_parser", "+++----- +--- ----+-- --"),
    ("report_log_collector delete_log_collector",                      "+++----- +--- ----+-- --"),
    ("list_block_lists create_block_list delete_block_list",           "+++----- +--- ----+-- --"),
    ("list_catalogue fetch_catalogue_app",                             "++++++++ ++++ ----+++ --"),
    ("list_app_tags",                                                  "++++++++ ++++ ----+++ --"),
    ("add_app_tag remove_app_tag make_block_script",                   "+++----- +--- ----+-- --"),
    ("list_data_sources",                                              "+++++--+ ++-- ----+++ --"),
    ("create_data_source delete_data_source delete_snapshot_report",   "+++----- +--- ----+-- --"),
    ("list_governance fetch_governance list_destinations export_governance", "+++++--+ ++-- +++++++ --"),
    ("list_user_groups fetch_user_group fetch_group_members",          "++++++++ ++++ ++++--- --"),
    ("import_user_group remove_user_group",                            "+++----- +--- ------- --"),
    ("list_app_permissions fetch_app_permission list_app_permission_users", "++++++++ ++++ ++++--- --"),
    ("approve_app ban_app clear_app revoke_app",                       "+++----- +--- +-+---- --"),
    ("retry_governance",                                               "+++----- +--- +-+-+-- --"),
    ("fetch_settings",                                                 "++++++++ ++++ ------- --"),
    ("list_services list_activity_types",                              "++++++++ ++++ ++++--- --"),
    ("list_policies list_policy_templates fetch_policy fetch_typed_policy", "++++++++ ++++ +++++++ --"),
    // Policies look at everything; the limited roles change none, but that of all of discovery its own.
    ("create_policy change_policy update_policy",                      "+++----- +--- ----+-- --"),
    ("enable_policy disable_policy delete_policy",                     "+++----- +--- ----+-- --"),
    ("list_ip_ranges fetch_ip_range export_ip_ranges",               "+++++--+ ++-- ------- --"),
    ("create_ip_range update_ip_range delete_ip_range",                "+++----- +--- ------- --"),
    ("list_administrators",                                            "++++++++ ++++ ------- --"),
    ("add_administrator remove_administrator",                         "+++----- +--- ------- --"),
    // What is sent elsewhere is everything.
    ("list_webhooks list_siem_agents fetch_siem_agent",                "+++++--+ ++-- ------- --"),
    ("create_webhook delete_webhook",                                  "+++----- +--- ------- --"),
    ("create_siem_agent change_siem_agent delete_siem_agent",          "+++----- +--- ------- --"),
    // It says nothing of the tenant.
    ("fetch_version fetch_about fetch_server_url",                     "++++++++ ++++ +++++++ --"),
    ("list_filters",                                                   "++++++++ ++++ +++++++ --"),
    // Everybody with a role looks after tokens of their own.
    ("list_api_tokens create_api_token revoke_api_token",              "++++++++ ++++ +++++++ --"),
];

fn expected(endpoint: &EndpointInfo) -> &'static str {
    let named = EXPECTED.iter().find(|(names, _)| names.split(' ').any(|name| name == endpoint.operation));
    named.unwrap_or_else(|| panic!("say in the matrix who may call {}", endpoint.operation)).1
}

fn person(home: &Caller, entitlements: Entitlements) -> Caller {
    let (id, name) = (Guid::random(), "anna@t10000001.example".to_string());
    Caller {
        principal: Principal::User { id, name, client: None, administrator: false, roles: Vec::new() },
        permissions: entitlements.permissions(),
        entitlements,
        ..home.clone()
    }
}

fn own(id: &str, read_only: bool) -> Entitlements {
    let bounds = vec![
        Bound::App { app: 11_627, instance: None },
        Bound::Group(Guid::random()),
        Bound::Report(RecordId::new(NOW)),
    ];
    let role = AdministratorRole::find(id).expect("a role");
    let held =
        Administrator { id: RecordId::new(NOW), user: Guid::random(), role, read_only, bounds, created: NOW };
    [held.entitlement()].into_iter().collect()
}

#[tokio::test]
async fn every_role_may_call_what_the_matrix_says_and_nothing_else() {
    let world = World::start().await;
    let directory = |name: &str| -> Entitlements {
        let role = Role::find(name).expect("a role");
        [(role.rights, Reach::Everything)].into_iter().collect()
    };
    let mut columns: Vec<(String, Caller)> =
        DIRECTORY.iter().map(|name| (name.to_string(), person(&world.home, directory(name)))).collect();
    columns.extend(
        OWN.iter()
            .map(|(id, read_only)| (format!("{id} {read_only}"), person(&world.home, own(id, *read_only)))),
    );
    columns.push(("User Administrator".into(), person(&world.home, directory("User Administrator"))));
    columns.push(("nobody".into(), person(&world.home, Entitlements::default())));

    let mut seen = 0;
    for endpoint in endpoints().iter().filter(|endpoint| endpoint.access != Access::SignedUrl) {
        let signs: Vec<char> = expected(endpoint).chars().filter(|sign| *sign != ' ').collect();
        assert_eq!(signs.len(), columns.len(), "{}", endpoint.operation);
        for method in endpoint.methods {
            for ((name, caller), sign) in columns.iter().zip(&signs) {
                let path = path_of(endpoint.path);
                let reply = world.send(Some(caller), request(method, &path, Body::empty())).await;
                let what = format!("{name}: {method} {path}: {} {}", reply.status, reply.text());
                assert_eq!(reply.status != 403, *sign == '+', "{what}");
                if *sign == '-' {
                    assert!(reply.refused(403, "").contains("Forbidden"), "{what}");
                }
            }
        }
        seen += 1;
    }
    let rows: usize = EXPECTED.iter().map(|(names, _)| names.split(' ').count()).sum();
    assert_eq!(seen, rows, "the matrix names endpoints that do not exist");
    for role in ADMINISTRATOR_ROLES {
        assert!(OWN.iter().any(|(id, _)| *id == role.id), "{} has no column", role.id);
    }
}
