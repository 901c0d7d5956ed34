//! Any bytes as a certificate: DER, PEM or base64. What is read can be written and read again.
#![no_main]

use casbah_authority::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(certificate) = Certificate::read(input) {
        let again = Certificate::read(certificate.pem().as_bytes()).expect("its own PEM");
        assert_eq!(again.thumbprint_sha256, certificate.thumbprint_sha256);
    }
});
