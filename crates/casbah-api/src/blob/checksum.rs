//! Checksums of bodies: MD5, and the CRC-64 of Azure Storage.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_64_NVME, Crc, Table};
use md5::{Digest, Md5};

use super::error::Refused;

/// Azure Storage uses the polynomial of NVM Express; its checksums travel with the lowest byte first.
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A CRC-64 over bytes that come bit by bit.
pub(super) struct Crc64(crc::Digest<'static, u64, Table<16>>);

impl Crc64 {
    pub(super) fn new() -> Crc64 {
        Crc64(CRC64.digest())
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn bytes(self) -> [u8; 8] {
        self.0.finalize().to_le_bytes()
    }
}

/// Both checksums of a body, as its answer repeats them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksums {
    md5: [u8; 16],
    crc64: [u8; 8],
}

impl Checksums {
    pub(super) fn of(bytes: &[u8]) -> Checksums {
        let mut running = Running::new();
        running.update(bytes);
        running.finish()
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let text = |bytes: &[u8]| HeaderValue::from_str(&STANDARD.encode(bytes)).ok();
        if let (Some(md5), Some(crc64)) = (text(&self.md5), text(&self.crc64)) {
            headers.insert("content-md5", md5);
            headers.insert("x-ms-content-crc64", crc64);
        }
    }
}

/// Checksums of what has come so far.
pub(super) struct Running {
    md5: Md5,
    crc64: Crc64,
}

impl Running {
    pub(super) fn new() -> Running {
        Running { md5: Md5::new(), crc64: Crc64::new() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.crc64.update(bytes);
    }

    pub(super) fn finish(self) -> Checksums {
        Checksums { md5: self.md5.finalize().into(), crc64: self.crc64.bytes() }
    }
}

/// What the sender says of its body.
pub(super) struct Said {
    md5: Option<[u8; 16]>,
    crc64: Option<[u8; 8]>,
}

impl Said {
    /// Of the body of a request. `x-ms-blob-content-md5` speaks of the blob, which is the body only where it is put at
    /// once.
    pub(super) fn of(headers: &HeaderMap, is_blob: bool) -> Result<Said, Refused> {
        let also = if is_blob { headers.get("x-ms-blob-content-md5") } else { None };
        let md5 = decoded(headers.get("content-md5").or(also)).map_err(|()| Refused::BAD_MD5)?;
        let crc64 = decoded(headers.get("x-ms-content-crc64")).map_err(|()| Refused::BAD_CRC64)?;
        if crc64.is_some() && headers.contains_key("content-md5") {
            return Err(Refused::bad_header("Content-MD5 and x-ms-content-crc64 exclude each other."));
        }
        Ok(Said { md5, crc64 })
    }

    pub(super) fn check(&self, computed: &Checksums) -> Result<(), Refused> {
        if self.md5.is_some_and(|said| said != computed.md5) {
            return Err(Refused::MD5);
        }
        if self.crc64.is_some_and(|said| said != computed.crc64) {
            return Err(Refused::CRC64);
        }
        Ok(())
    }
}

fn decoded<const N: usize>(value: Option<&HeaderValue>) -> Result<Option<[u8; N]>, ()> {
    let Some(value) = value else { return Ok(None) };
    let bytes = STANDARD.decode(value.as_bytes().trim_ascii()).map_err(|_| ())?;
    bytes.try_into().map(Some).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the catalogue of CRCs, which Microsoft's own extension for Python computes too.
    #[test]
    fn the_checksum_is_azures() {
        let Checksums { crc64, .. } = Checksums::of(b"123456789");
        assert_eq!(u64::from_le_bytes(crc64), 0xAE8B_1486_0A79_9888);
        assert_eq!(Checksums::of(b"").crc64, [0; 8]);
    }
}
