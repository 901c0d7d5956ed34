use std::os::unix::fs::PermissionsExt;

use super::*;

fn sample() -> Environment {
    let mut environment = Environment::default();
    environment.set("CASBAH_URL", "https://localhost:8443");
    environment.set("CASBAH_PASSWORD", "it's $HOME; a \"test\"");
    environment.set("CASBAH_CA", "/tmp/with blank/ca.pem");
    environment.set("PATH", "/evil");
    environment
}

#[test]
fn what_is_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = sample().write(directory.path()).unwrap();
    let read = Environment::read(&path).unwrap();
    assert_eq!(read.iter().collect::<Vec<_>>(), sample().iter().collect::<Vec<_>>());
    assert_eq!(read.value("PATH"), None);
}

#[test]
fn only_its_owner_can_read_it_and_nothing_else_is_left() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(FILE), "old").unwrap();
    std::fs::set_permissions(directory.path().join(FILE), std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = sample().write(directory.path()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_shell_reads_the_same_values_and_exports_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = sample().write(directory.path()).unwrap();
    let script = format!(". {} && sh -c 'printf %s \"$CASBAH_PASSWORD|$CASBAH_CA\"'", path.display());
    let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $HOME; a \"test\"|/tmp/with blank/ca.pem");
}

#[test]
fn nothing_of_it_can_be_printed_by_accident() {
    assert!(!format!("{:?}", sample()).contains("localhost"));
}
