use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_profile_survives_writing_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casbah/profiles/default.json");
    let token = AccessToken { token: Secret::new("eyJ"), expires: 1_000_000 };
    let profile = Profile {
        url: "https://localhost:8443".into(),
        ca: Some("/tmp/ca.pem".into()),
        tenant: "contoso.example".into(),
        client_id: "c".into(),
        user: "a@contoso.example".into(),
        refresh_token: Some(Secret::new("r")),
        access_tokens: BTreeMap::from([("api".to_string(), token)]),
    };
    profile.save_to(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let read = load_from(&path).unwrap().unwrap();
    assert_eq!(read.refresh_token.as_ref().map(Secret::expose), Some("r"));
    assert_eq!(read.access_tokens["api"].token.expose(), "eyJ");
    assert!(read.access_tokens["api"].usable(Timestamp(900_000)));
    assert!(!read.access_tokens["api"].usable(Timestamp(950_000)));
    assert!(!format!("{read:?}").contains("eyJ"));
}

#[test]
fn an_absent_profile_is_none_and_a_broken_one_shows_nothing_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    assert!(load_from(&path).unwrap().is_none());
    std::fs::write(&path, r#"{"refresh_token": secret-text"#).unwrap();
    assert!(!load_from(&path).unwrap_err().message.contains("secret-text"));
}

#[test]
fn a_profile_name_cannot_leave_its_folder() {
    assert!(path("../../x").is_err());
    assert!(path("").is_err());
}
