//! The three sources, which wins, and what a mistake is told.

use super::*;

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casbah.toml");
    std::fs::write(&path, file).unwrap();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let flags = flags.iter().map(|(k, v)| (*k, v.to_string())).collect();
    Config::load(Some(&path), |name| environment.get(name).cloned(), &flags).map_err(|e| e.to_string())
}

#[test]
fn flags_beat_the_environment_and_that_beats_the_file() {
    let file = "listen = '127.0.0.1:1'\nupload_limit = 10\nshutdown_grace = 1";
    let environment = [("CASBAH_LISTEN", "127.0.0.1:2"), ("CASBAH_UPLOAD_LIMIT", "20")];
    let config = load(file, &environment, &[("listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.upload_limit, 20);
    assert_eq!(config.shutdown_grace, Duration::from_secs(1));
}

#[test]
fn a_mistake_is_named_where_it_was_made() {
    let check =
        |file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)], expected: &[&str]| {
            let error = load(file, environment, flags).unwrap_err();
            for part in expected {
                assert!(error.contains(part), "{error:?} does not say {part:?}");
            }
            assert!(!error.contains('\n'), "{error:?} is more than one line");
        };
    check("lisen = 'x'", &[], &[], &["lisen", "casbah.toml", "not a setting", "listen"]);
    check("listen = 'x'", &[], &[], &["listen in", "\"x\"", "127.0.0.1:8443"]);
    check("listen = ", &[], &[], &["not TOML"]);
    check("", &[("CASBAH_LISTEN", "8443")], &[], &["CASBAH_LISTEN", "\"8443\""]);
    check("", &[], &[("public_url", "http://casbah.example")], &["--public-url", "https origin"]);
    check("", &[], &[("public_url", "https://casbah.example/path")], &["--public-url", "without a path"]);
    check("", &[], &[("metrics_listen", "0.0.0.0:9464")], &["--metrics-listen", "loopback"]);
    check("", &[("CASBAH_CLOCK", "+90m")], &[], &["CASBAH_CLOCK", "--test-mode"]);
    check("", &[("CASBAH_CLOCK", "soon"), ("CASBAH_TEST_MODE", "1")], &[], &["CASBAH_CLOCK", "\"soon\""]);
    check("", &[], &[("tls_key", "k.pem")], &["tls_certificate", "both"]);
    check("throttle = 'sometimes'", &[], &[], &["throttle in", "microsoft, or off"]);
    check("throttle = '0'", &[], &[], &["throttle in", "from 1 on"]);
    check("outbound_allow = '10.0.0.0/33'", &[], &[], &["outbound_allow in", "address ranges"]);
    check("behind_proxy = 'perhaps'", &[], &[], &["behind_proxy", "true or false"]);
}

#[test]
fn private_places_are_listed_with_commas() {
    let config = load("outbound_allow = 'idp.corp.example, 10.1.0.0/16,::1'", &[], &[]).unwrap();
    assert_eq!(config.outbound_allow.len(), 3);
    assert!(load("", &[], &[]).unwrap().outbound_allow.is_empty());
}

#[test]
fn a_database_password_is_never_repeated() {
    let error = load("", &[("CASBAH_DATABASE_URL", "mysql://me:hunter2@host/db")], &[]).unwrap_err();
    assert!(error.contains("CASBAH_DATABASE_URL") && !error.contains("hunter2"), "{error}");
}

#[test]
fn test_mode_sets_the_clock() {
    let config =
        load("", &[("CASBAH_CLOCK", "2026-11-23T12:00:00Z"), ("CASBAH_TEST_MODE", "1")], &[]).unwrap();
    assert_eq!(config.clock.now().iso(), "2026-11-23T12:00:00.000Z");
    let config = load("", &[("CASBAH_CLOCK", "-1d2h"), ("CASBAH_TEST_MODE", "1")], &[]).unwrap();
    assert_eq!(config.clock.setting(), ClockSetting::Offset(-93_600_000));
}
