use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use minicbor::Encoder;

use super::*;

fn site() -> Site {
    Site::of("https://casbah.example:8443").expect("a site")
}

fn client_data(kind: &str, origin: &str) -> Vec<u8> {
    serde_json::json!({ "type": kind, "challenge": "Y2hhbGxlbmdl", "origin": origin })
        .to_string()
        .into_bytes()
}

/// An authenticator with one key.
enum Key {
    P256(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    fn p256() -> Key {
        Key::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
    }

    fn cose(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = Encoder::new(&mut out);
        match self {
            Key::P256(pair) => {
                let point = pair.public_key().as_ref();
                e.map(5).unwrap().i64(1).unwrap().i64(2).unwrap().i64(3).unwrap().i64(-7).unwrap();
                e.i64(-1).unwrap().i64(1).unwrap().i64(-2).unwrap().bytes(&point[1..33]).unwrap();
                e.i64(-3).unwrap().bytes(&point[33..]).unwrap();
            }
            Key::Ed(pair) => {
                e.map(4).unwrap().i64(1).unwrap().i64(1).unwrap().i64(3).unwrap().i64(-8).unwrap();
                e.i64(-1)
                    .unwrap()
                    .i64(6)
                    .unwrap()
                    .i64(-2)
                    .unwrap()
                    .bytes(pair.public_key().as_ref())
                    .unwrap();
            }
        }
        out
    }

    fn sign(&self, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let signed = [data, digest(&SHA256, client_data).as_ref()].concat();
        match self {
            Key::P256(pair) => pair.sign(&SystemRandom::new(), &signed).expect("signs").as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(&signed).as_ref().to_vec(),
        }
    }
}

fn data(id: &str, flags: u8, counter: u32) -> Vec<u8> {
    let mut out = digest(&SHA256, id.as_bytes()).as_ref().to_vec();
    out.push(flags);
    out.extend(counter.to_be_bytes());
    out
}

fn attestation(flags: u8, credential: &[u8], cose: &[u8]) -> Vec<u8> {
    let mut data = data("casbah.example", flags, 1);
    data.extend([0; 16]);
    data.extend(u16::try_from(credential.len()).expect("short").to_be_bytes());
    data.extend(credential);
    data.extend(cose);
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    e.map(3).unwrap().str("fmt").unwrap().str("none").unwrap().str("attStmt").unwrap().map(0).unwrap();
    e.str("authData").unwrap().bytes(&data).unwrap();
    out
}

#[test]
fn a_registration_is_read_and_its_key_checks_assertions() {
    let ed = Key::Ed(Ed25519KeyPair::generate().expect("a key"));
    for key in [Key::p256(), ed] {
        let made = registration(&site(), &attestation(0x41, b"credential", &key.cose())).expect("reads");
        assert_eq!((made.id.as_slice(), made.counter), (b"credential".as_slice(), 1));
        let client_data = client_data("webauthn.get", "https://casbah.example:8443");
        let good = data("casbah.example", 0x05, 7);
        let check = |data: &[u8], client: &[u8], signature: &[u8], verify| {
            assertion(&site(), &made.public_key, data, client, signature, verify)
        };
        let signature = key.sign(&good, &client_data);
        assert_eq!(check(&good, &client_data, &signature, true), Ok(7));
        assert_eq!(check(&good, b"{}", &signature, false), Err(Flaw::Signature));
        assert_eq!(check(&good, &client_data, &signature[1..], false), Err(Flaw::Signature));
        let touched = data("casbah.example", 0x01, 7);
        let signature = key.sign(&touched, &client_data);
        assert_eq!(check(&touched, &client_data, &signature, false), Ok(7));
        assert_eq!(check(&touched, &client_data, &signature, true), Err(Flaw::NotVerified));
        let elsewhere = data("evil.example", 0x05, 7);
        let signature = key.sign(&elsewhere, &client_data);
        assert_eq!(check(&elsewhere, &client_data, &signature, false), Err(Flaw::Origin));
        let other = Key::p256().sign(&good, &client_data);
        assert_eq!(check(&good, &client_data, &other, false), Err(Flaw::Signature));
    }
}

#[test]
fn the_browsers_part_must_fit_site_and_ceremony() {
    let check = |ceremony, kind, origin| challenge(&site(), ceremony, &client_data(kind, origin));
    let ours = "https://casbah.example:8443";
    assert_eq!(check(Ceremony::Get, "webauthn.get", ours), Ok("Y2hhbGxlbmdl".to_string()));
    assert_eq!(check(Ceremony::Get, "webauthn.create", ours), Err(Flaw::Ceremony));
    assert_eq!(check(Ceremony::Create, "webauthn.get", ours), Err(Flaw::Ceremony));
    for origin in
        ["https://casbah.example", "http://casbah.example:8443", "https://casbah.example:8443.evil.example"]
    {
        assert_eq!(check(Ceremony::Get, "webauthn.get", origin), Err(Flaw::Origin));
    }
    let framed = br#"{"type":"webauthn.get","challenge":"x","origin":"https://casbah.example:8443","crossOrigin":true}"#;
    assert_eq!(challenge(&site(), Ceremony::Get, framed), Err(Flaw::Origin));
    assert_eq!(challenge(&site(), Ceremony::Get, b"[]"), Err(Flaw::Shape));
}

#[test]
fn broken_registrations_are_refused_wherever_they_are_cut() {
    let whole = attestation(0x41, b"credential", &Key::p256().cose());
    for end in 0..whole.len() {
        assert!(registration(&site(), &whole[..end]).is_err(), "cut at {end}");
    }
    let cose = Key::p256().cose();
    assert_eq!(registration(&site(), &attestation(0x40, b"c", &cose)).err(), Some(Flaw::NotVerified));
    assert_eq!(registration(&site(), &attestation(0x01, b"c", &cose)).err(), Some(Flaw::Shape));
    assert_eq!(registration(&site(), &attestation(0x41, b"", &cose)).err(), Some(Flaw::Shape));
    let mut strange = Vec::new();
    let mut e = Encoder::new(&mut strange);
    e.map(2).unwrap().i64(1).unwrap().i64(2).unwrap().i64(3).unwrap().i64(-47).unwrap();
    assert_eq!(registration(&site(), &attestation(0x41, b"c", &strange)).err(), Some(Flaw::Algorithm));
}

#[test]
fn counters_grow_or_are_not_there() {
    assert!(counter_is_plausible(0, 0) && counter_is_plausible(0, 1) && counter_is_plausible(4, 5));
    assert!(!counter_is_plausible(5, 5) && !counter_is_plausible(5, 4) && !counter_is_plausible(5, 0));
}

#[test]
fn addresses_without_a_name_have_no_site() {
    assert!(Site::of("https://127.0.0.1:8443").is_none());
    assert_eq!(Site::of("https://localhost").expect("a site").origin, "https://localhost");
}
