//! IP address ranges: which addresses are a tenant's own, which are risky, and the tags that say more.
//!
//! All addresses are held on 128 bits; an IPv4 address is its IPv4-mapped IPv6 form (RFC 4291, 2.5.5.2),
//! so that one comparison serves both families.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{RecordId, Timestamp};

/// A named set of subnets, and what a tenant knows about them.
#[derive(Clone, Debug, PartialEq)]
pub struct IpRange {
    /// Its id.
    pub id: RecordId,
    /// Its name; unique within the tenant, without regard to case.
    pub name: String,
    /// What kind of addresses they are.
    pub category: IpCategory,
    /// The addresses, as they were given.
    pub subnets: Vec<Subnet>,
    /// Whose addresses they are, in place of what is known of them otherwise.
    pub organization: Option<String>,
    /// Where they are, in place of what is known of them otherwise.
    pub location: Option<IpLocation>,
    /// What else is said about them.
    pub tags: Vec<IpTag>,
    /// When it was made or last changed.
    pub modified: Timestamp,
}

impl IpRange {
    /// Its subnets without those that lie in another one of them: together the same addresses, each once.
    pub fn disjoint_subnets(&self) -> Vec<&Subnet> {
        let mut sorted: Vec<&Subnet> = self.subnets.iter().collect();
        sorted.sort_by_key(|s| (s.lowest(), s.mask()));
        // Two subnets never overlap in part: either one contains the other, or they are apart.
        sorted.dedup_by(|next, kept| kept.overlaps(next));
        sorted
    }
}

/// What kind of addresses a range holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpCategory {
    /// The organisation's own.
    Corporate,
    /// Of administrators.
    Administrative,
    /// Known for bad things.
    Risky,
    /// Of a VPN.
    Vpn,
    /// Of a cloud provider.
    CloudProvider,
    /// Anything else.
    Other,
}

impl IpCategory {
    /// All of them, in the order of their numbers.
    pub const ALL: [IpCategory; 6] = [
        IpCategory::Corporate,
        IpCategory::Administrative,
        IpCategory::Risky,
        IpCategory::Vpn,
        IpCategory::CloudProvider,
        IpCategory::Other,
    ];

    /// Its number, 1 to 6.
    pub fn number(self) -> i64 {
        self as i64 + 1
    }

    /// The category with that number.
    pub fn from_number(number: i64) -> Option<IpCategory> {
        IpCategory::ALL.into_iter().find(|c| c.number() == number)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            IpCategory::Corporate => "Corporate",
            IpCategory::Administrative => "Administrative",
            IpCategory::Risky => "Risky",
            IpCategory::Vpn => "VPN",
            IpCategory::CloudProvider => "Cloud provider",
            IpCategory::Other => "Other",
        }
    }

    /// The category with that name, in any case.
    pub fn find(name: &str) -> Option<IpCategory> {
        IpCategory::ALL.into_iter().find(|c| c.name().eq_ignore_ascii_case(name))
    }
}

/// What a database of addresses says of one.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Place {
    /// Where it is.
    pub location: Option<IpLocation>,
    /// Whose it is.
    pub organization: Option<String>,
}

/// Where addresses are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IpLocation {
    /// The place, for people.
    pub name: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Country, two letters.
    pub country_code: Option<String>,
    /// Country, for people.
    pub country_name: Option<String>,
}

/// A tag that a range can bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpTag {
    /// Its id.
    pub id: RecordId,
    /// Its name; unique within the tenant, without regard to case.
    pub name: String,
    /// What it says about an address; empty for a tenant's own tags.
    pub description: String,
    /// Whether it came with the product.
    pub built_in: bool,
}

/// Addresses that share their first bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    lowest: Ipv6Addr,
    mask: u8,
    original: String,
}

impl Subnet {
    /// Its first address: all host bits are zero.
    pub fn lowest(&self) -> Ipv6Addr {
        self.lowest
    }

    /// Its last address: all host bits are one.
    pub fn highest(&self) -> Ipv6Addr {
        let hosts = u128::MAX.checked_shr(u32::from(self.mask)).unwrap_or(0);
        Ipv6Addr::from_bits(self.lowest.to_bits() | hosts)
    }

    /// How many of the 128 bits are fixed; 96 more than the mask of an IPv4 subnet.
    pub fn mask(&self) -> u8 {
        self.mask
    }

    /// What was typed.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Whether they have an address in common.
    pub fn overlaps(&self, other: &Subnet) -> bool {
        self.lowest <= other.highest() && other.lowest <= self.highest()
    }
}

/// A text that should have been an address or a subnet and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSubnet;

impl fmt::Display for InvalidSubnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an IPv4 or IPv6 address, with or without a mask")
    }
}

impl std::error::Error for InvalidSubnet {}

impl FromStr for Subnet {
    type Err = InvalidSubnet;

    /// Reads `198.51.100.0/24`, `2001:db8::/32`, or an address alone; host bits are cleared.
    fn from_str(text: &str) -> Result<Subnet, InvalidSubnet> {
        let original = text.trim();
        let net: IpNet = match original.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => original.parse().map_err(|_| InvalidSubnet)?,
        };
        let (lowest, mask) = match net.trunc() {
            IpNet::V4(net) => (net.network().to_ipv6_mapped(), net.prefix_len() + 96),
            IpNet::V6(net) => (net.network(), net.prefix_len()),
        };
        Ok(Subnet { lowest, mask, original: original.to_string() })
    }
}

/// `0000:0000:0000:0000:0000:ffff:c633:6400`: all 32 digits, so that texts compare as addresses do.
pub fn full_address(address: Ipv6Addr) -> String {
    let [a, b, c, d, e, f, g, h] = address.segments();
    format!("{a:04x}:{b:04x}:{c:04x}:{d:04x}:{e:04x}:{f:04x}:{g:04x}:{h:04x}")
}

/// The tags that every tenant has: first digits of the id, name, meaning. The ids are the same everywhere.
const BUILT_IN: &[(&str, &str, &str)] = &[
    ("00000003", "Anonymous proxy", "Proxies that hide where a connection comes from"),
    ("00000004", "Satellite provider", "Internet access by satellite, so the place is uncertain"),
    ("00000005", "Cloud App Security network", "Proxies of the cloud access security broker itself"),
    ("0000000c", "Botnet", "Machines that are remotely controlled by criminals"),
    ("0000000d", "Malware C&C server", "Servers that direct malware"),
    ("0000000e", "Exchange Online", "Servers of Exchange Online"),
    ("0000000f", "SharePoint Online", "Servers of SharePoint Online"),
    ("00000010", "Microsoft authentication and identity", "Sign-in servers of Microsoft"),
    ("00000012", "Office 365 ProPlus", "Servers of Office 365 ProPlus"),
    ("00000013", "OneNote", "Servers of OneNote"),
    ("00000014", "Office Online", "Servers of Office Online"),
    ("00000015", "Exchange Online Protection", "Mail filters of Exchange Online"),
    ("00000016", "Zscaler", "Web gateways of Zscaler"),
    ("00000017", "Office 365", "Servers of Office 365"),
    ("00000018", "Skype for Business Online", "Servers of Skype for Business Online"),
    ("00000019", "Office 365 Planner", "Servers of Planner"),
    ("0000001a", "Office Web Access Companion", "Servers of the Office Web Access Companion"),
    ("0000001b", "Yammer", "Servers of Yammer"),
    ("0000001c", "Remote Connectivity Analyzer", "Servers that test connections to Microsoft services"),
    ("0000001d", "Office Sway", "Servers of Sway"),
    ("0000001e", "Microsoft Cloud", "Servers of Microsoft's cloud services"),
    ("0000001f", "Darknet scanning IP", "Machines that scan unused address space"),
    ("00000027", "Cisco CWS", "Web gateways of Cisco Cloud Web Security"),
    ("00000028", "Google Cloud Platform", "Data centres of Google Cloud Platform"),
    ("00000029", "Amazon Web Services", "Data centres of Amazon Web Services"),
    ("0000002a", "Microsoft Azure", "Data centres of Microsoft Azure"),
    ("0000002c", "McAfee Web Gateway", "Web gateways of McAfee"),
    ("0000002d", "Akamai Technologies", "Delivery network of Akamai"),
    ("0000002e", "Masergy Communications", "Networks of Masergy"),
    ("0000002f", "Ascenty Data Centers", "Data centres of Ascenty"),
    ("00000030", "ScanSafe", "Web gateways of ScanSafe"),
    ("00000031", "Internal network IP", "Private addresses of an internal network"),
    ("00000033", "Symantec Cloud", "Web gateways of Symantec"),
    ("00000038", "Brute force attacker", "Machines that try out passwords"),
    ("00000039", "Salesforce Cloud", "Servers of Salesforce"),
    ("0000003a", "Microsoft Hosting", "Servers that Microsoft rents out"),
    ("2dfa95cd7922d979d66fcff5", "Tor", "Exits of the Tor network"),
];

impl IpTag {
    /// The tags that every tenant has.
    pub fn built_in() -> Vec<IpTag> {
        let tag = |(id, name, description): &(&str, &str, &str)| {
            let id = format!("{id:0<24}").parse().ok()?;
            Some(IpTag { id, name: (*name).into(), description: (*description).into(), built_in: true })
        };
        BUILT_IN.iter().filter_map(tag).collect()
    }
}
