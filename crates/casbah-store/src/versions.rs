//! Which changes make a cached answer stale.

/// Tables that grow with use. Nobody keeps an answer that stands on them, so their changes are not counted;
/// those of every other table are.
const QUIET: &[&str] = &[
    "activities",
    "activity_feedback",
    "activity_matches",
    "activity_terms",
    "activity_words",
    "alert_entities",
    "alert_stories",
    "alert_words",
    "alerts",
    "arrived_activities",
    "arrived_files",
    "audit_records",
    "authorization_codes",
    "browser_sessions",
    "credential_warnings",
    "device_codes",
    "discovery_destinations",
    "discovery_tasks",
    "discovery_unmatched",
    "entities",
    "entity_scores",
    "familiar_places",
    "file_matches",
    "file_policy_rounds",
    "file_terms",
    "file_words",
    "files",
    "forwarder_queue",
    "forwarders",
    "log_collectors",
    "pending_sign_ins",
    "permission_use",
    "policy_matches",
    "pushed_requests",
    "refresh_tokens",
    "revoked_tokens",
    "session_applications",
    "sign_in_attempts",
    "stream_digests",
    "upload_blocks",
    "uploads",
    "upstream_sign_ins",
    "usage_rows",
    "used_assertions",
    "used_challenges",
    "used_proofs",
];

/// Whether a statement changes bulk records only.
pub(crate) fn is_quiet(sql: &str) -> bool {
    let mut words = sql.split_ascii_whitespace();
    let table = match words.next() {
        Some("insert") | Some("delete") => words.nth(1),
        Some("update") => words.next(),
        _ => None,
    };
    table.is_some_and(|table| QUIET.contains(&table))
}

#[cfg(test)]
mod tests {
    use super::is_quiet;

    #[test]
    fn what_is_not_known_to_be_bulk_counts() {
        assert!(is_quiet("insert into refresh_tokens (tenant, digest) values (?1, ?2)"));
        assert!(is_quiet("update uploads set state = ?3 where tenant = ?1 and id = ?2"));
        assert!(is_quiet("delete from alerts where tenant = ?1"));
        for loud in [
            "insert into users (tenant) values (?1)",
            "update service_principals set enabled = ?3 where tenant = ?1",
            "delete from app_role_assignments where tenant = ?1",
            "update refresh_tokens_of_others set x = 1 where tenant = ?1",
            "with x as (select 1) insert into uploads select * from x where tenant = ?1",
            "",
        ] {
            assert!(!is_quiet(loud), "{loud}");
        }
    }
}
