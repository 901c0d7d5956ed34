use super::{CLIENT_SECRET_LENGTH, ClientSecretForm, checksum, find_client_secrets, new_client_secret};

#[test]
fn a_fresh_secret_is_recognised_wherever_it_stands() {
    for _ in 0..200 {
        let secret = new_client_secret();
        let text = secret.expose();
        assert_eq!(text.len(), CLIENT_SECRET_LENGTH);
        assert!((40..=64).contains(&text.len()), "what Graph allows");
        assert!(text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()));
        assert!(text.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric()));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b)));
        for (before, after) in
            [("", ""), ("AZURE_CLIENT_SECRET=", "\n"), ("\"", "\","), ("ü ", " ü"), ("/?s=", "&x=1")]
        {
            let line = format!("{before}{text}{after}");
            let found = find_client_secrets(&line);
            assert_eq!(found, [(before.len(), CLIENT_SECRET_LENGTH, ClientSecretForm::Whole)], "{line}");
        }
    }
}

#[test]
fn one_wrong_character_is_noticed() {
    let secret = new_client_secret();
    let text = secret.expose();
    for place in (0..text.len()).filter(|place| !(3..7).contains(place)) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(bytes).unwrap();
        let found = find_client_secrets(&changed);
        assert_eq!(found.first().map(|f| f.2), Some(ClientSecretForm::Damaged), "{place}");
    }
    // Two neighbours exchanged.
    let (a, b) = (text.as_bytes()[20], text.as_bytes()[21]);
    let mut bytes = text.as_bytes().to_vec();
    (bytes[20], bytes[21]) = (b, a);
    let form = find_client_secrets(&String::from_utf8(bytes).unwrap())[0].2;
    assert_eq!(form == ClientSecretForm::Whole, a == b);
}

#[test]
fn what_is_no_secret_is_none() {
    let older = "abc8Cb~0123456789012345678901234567890123456789012";
    assert_eq!(find_client_secrets(older), [(0, 50, ClientSecretForm::Unchecked)]);
    for text in [
        "",
        "8Cb~",
        "~~~8Cb~x",
        "abc8Cb~short",
        "-ab8Cb~0123456789012345678901234567890123456789012",
        "ü8Cb~",
    ] {
        assert_eq!(find_client_secrets(text), [], "{text}");
    }
}

/// The documented example, so that other implementations can check theirs.
#[test]
fn the_checksum_is_as_documented() {
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    let digits = checksum("123456789");
    let value = digits.bytes().fold(0_u64, |value, digit| {
        let place = super::ALPHANUMERIC.iter().position(|d| *d == digit).unwrap();
        value * 62 + place as u64
    });
    assert_eq!(value, 0xcbf4_3926);
}
