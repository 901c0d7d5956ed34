//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// An entry of the list of private places that may be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Allowed {
    /// A host by its name, in lower case: wherever it resolves to.
    Host(String),
    /// A range of addresses.
    Range(IpNet),
}

/// A text that is neither a host nor a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidAllowed;

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    fn from_str(text: &str) -> Result<Allowed, InvalidAllowed> {
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Allowed::Range(range));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Allowed::Range(address.into()));
        }
        let usual = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // A last label of digits would be an address written in an unusual way.
        let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if numeric || !text.split('.').all(usual) {
            return Err(InvalidAllowed);
        }
        Ok(Allowed::Host(text.to_ascii_lowercase()))
    }
}

/// Whether a host may be called at an address that it resolves to.
pub(super) fn may_be_called(allowed: &[Allowed], host: &str, address: IpAddr) -> bool {
    // An IPv4 address is the same place in its IPv6 form.
    let address = address.to_canonical();
    is_public(address)
        || allowed.iter().any(|entry| match entry {
            Allowed::Host(name) => name.eq_ignore_ascii_case(host),
            Allowed::Range(range) => range.contains(&address),
        })
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The special-purpose registry of IPv4 (RFC 6890), and what clouds put their metadata at.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18)
        // Azure's platform address, which is public by its number and private by its use.
        || (a, b, c, d) == (168, 63, 129, 16))
}

/// Global unicast without the ranges that stand for something else (RFC 6890); an address that carries an
/// IPv4 address is as public as that is.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match s {
        // NAT64 with the well-known prefix.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, ORCHID, benchmarking and the rest of 2001::/23; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
