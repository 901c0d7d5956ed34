use super::*;

fn key(text: &str) -> MasterKey {
    MasterKey::derive(&Secret::new(text)).expect("long enough")
}

#[test]
fn digests_depend_on_key_kind_and_secret() {
    let (one, two) = (key(&"a".repeat(43)), key(&"b".repeat(43)));
    let secret = Secret::new("s");
    let digest = one.digest(SecretKind::RefreshToken, &secret);
    assert_eq!(digest, one.digest(SecretKind::RefreshToken, &secret));
    assert_ne!(digest, one.digest(SecretKind::AuthorizationCode, &secret));
    assert_ne!(digest, two.digest(SecretKind::RefreshToken, &secret));
    assert_ne!(digest, one.digest(SecretKind::RefreshToken, &Secret::new("t")));
    assert_ne!(one.pairwise(&[b"ab", b"c"]), one.pairwise(&[b"a", b"bc"]));
    assert_ne!(one.pairwise(&[b"a"]), one.ticket(&[b"a"]));
}

#[test]
fn sealed_values_open_only_in_their_place_and_unchanged() {
    let key_one = key(&"a".repeat(43));
    let sealed = key_one.seal("row 1", b"private").expect("seals");
    assert_eq!(&key_one.open("row 1", &sealed).expect("opens")[..], b"private");
    assert!(key_one.open("row 2", &sealed).is_err());
    assert!(key(&"b".repeat(43)).open("row 1", &sealed).is_err());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(key_one.open("row 1", &changed).is_err());
    }
    assert!(key_one.open("row 1", &sealed[..5]).is_err());
}

#[test]
fn a_short_master_key_is_refused() {
    assert!(MasterKey::derive(&Secret::new("short")).is_none());
}
