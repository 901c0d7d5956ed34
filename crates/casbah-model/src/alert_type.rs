//! Types of alerts: their numbers (`idValue`) and names.

/// Numbers and names. Microsoft's pages print the names and three of the numbers (15728642, 15795464, 15859716); the
/// other numbers are Casbah's own, and stay.
const ALERT_TYPES: &[(i64, &str)] = &[
    (15_728_641, "ALERT_CABINET_EVENT_MATCH_AUDIT"),
    (15_728_642, "ALERT_CABINET_EVENT_MATCH_FILE"),
    (15_728_643, "ALERT_CABINET_EVENT_MATCH_OBJECT"),
    (15_728_644, "ALERT_CABINET_INLINE_EVENT_MATCH"),
    (15_728_645, "ALERT_CABINET_DISCOVERY_NEW_SERVICE"),
    (15_728_647, "ALERT_CABINET_APP_PERMISSION"),
    (15_859_716, "ALERT_ANUBIS_DETECTION_VELOCITY"),
    (15_859_717, "ALERT_ANUBIS_DETECTION_RISKY_IP_ANONYMOUS"),
    (15_859_719, "ALERT_ADMIN_USER"),
    (15_859_721, "ALERT_ANUBIS_DETECTION_REPEATED_ACTIVITY_FAILED_LOGIN"),
    (15_990_001, "ALERT_CABINET_APP_PERMISSION_ANOMALY_MALICIOUS_OAUTH_APP_CONSENT"),
    (15_990_002, "ALERT_CABINET_APP_PERMISSION_ANOMALY_MISLEADING_APP_NAME"),
    (15_990_003, "ALERT_CABINET_APP_PERMISSION_ANOMALY_MISLEADING_PUBLISHER_NAME"),
    (15_990_004, "ALERT_CABINET_APP_PERMISSION_ANOMALY_NON_SECURE_REDIRECT_URL"),
    (15_990_005, "ALERT_CABINET_APP_PERMISSION_ANOMALY_SUSPICIOUS_APP_NAME"),
    (15_990_006, "ALERT_COMPROMISED_ACCOUNT"),
    (15_990_007, "ALERT_ZOMBIE_USER"),
    (15_990_008, "ALERT_GEOLOCATION_NEW_COUNTRY"),
    (15_990_009, "ALERT_NEW_ADMIN_LOCATION"),
    (15_990_010, "ALERT_PERSONAL_USER_SAGE"),
    (15_990_011, "ALERT_SUSPICIOUS_ACTIVITY"),
    (15_990_012, "ALERT_DISCOVERY_ANOMALY_DETECTION"),
    (15_990_013, "ALERT_EXFILTRATION_DISCOVERY_ANOMALY_DETECTION"),
    (15_990_014, "ALERT_DISCOVERY_TRAFFIC_LOG_EXCEEDED_LIMIT"),
    (15_990_015, "ALERT_UEBA_INVESTIGATION_PRIORITY_INCREASE"),
    (15_990_016, "ALERT_ANUBIS_DETECTION_NEW_COUNTRY"),
    (15_990_017, "ALERT_ANUBIS_DETECTION_RANSOMWARE"),
    (15_990_018, "ALERT_ANUBIS_DETECTION_UNCOMMON_CLOUD_REGION"),
    (15_990_019, "ALERT_MANAGEMENT_DISCONNECTED_API"),
    (15_990_020, "ALERT_MANAGEMENT_LOG_COLLECTOR_LOW_RATE"),
    (15_990_021, "ALERT_MANAGEMENT_LOG_COLLECTOR_CONSTANTLY_FAILED_PARSING"),
    (15_990_022, "ALERT_MANAGEMENT_DLP_CONNECTOR_ERROR"),
    (15_990_023, "ALERT_MANAGEMENT_DISCONNECTED_SIEM"),
    (15_990_024, "ALERT_MANAGEMENT_NOTIFICATIONS_SIEM"),
    (15_990_025, "ALERT_MANAGEMENT_DISCOVERY_BREACHED_APP"),
];

/// Types of the alerts of policies, by the type of the policy.
const OF_POLICIES: &[(&str, i64)] = &[
    ("AUDIT", 15_728_641),
    ("FILE", 15_728_642),
    ("INLINE", 15_728_644),
    ("SESSION", 15_728_644),
    ("ACCESS", 15_728_644),
    ("NEW_SERVICE", 15_728_645),
    ("APP_PERMISSION", 15_728_647),
    ("ANOMALY_DISCOVERY", 15_990_012),
];

/// What names carry in the graph of security.
const PREFIX: &str = "MCAS_";

/// The number of a type by its name, in any case, with or without the prefix that it has in the graph of security.
pub fn number_of(name: &str) -> Option<i64> {
    let name = name.trim().to_ascii_uppercase();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    ALERT_TYPES.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}

/// The name of a type by its number, for those that have one.
pub fn name_of(number: i64) -> Option<&'static str> {
    ALERT_TYPES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The type of what a policy of that type raises.
pub fn of_policy(policy_type: &str) -> Option<i64> {
    OF_POLICIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(policy_type)).map(|(_, number)| *number)
}

/// Whether alerts of a type are about the product itself.
pub fn is_system(number: i64) -> bool {
    name_of(number).is_some_and(|name| name.starts_with("ALERT_MANAGEMENT_"))
}

#[cfg(test)]
mod tests {
    use super::{ALERT_TYPES, OF_POLICIES, is_system, name_of, number_of, of_policy};

    #[test]
    fn every_type_is_found_by_number_and_by_name() {
        for (number, name) in ALERT_TYPES {
            assert_eq!(
                (name_of(*number), number_of(name)),
                (Some(*name), Some(*number)),
                "{name} is told twice"
            );
        }
        assert_eq!(number_of(" mcas_alert_anubis_detection_velocity "), Some(15_859_716));
        assert!(OF_POLICIES.iter().all(|(_, number)| name_of(*number).is_some()));
        assert_eq!((of_policy("file"), of_policy("MALWARE")), (Some(15_728_642), None));
        assert!(is_system(15_990_023) && !is_system(15_728_641) && name_of(1).is_none());
    }
}
