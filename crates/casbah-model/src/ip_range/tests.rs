//! Addresses in every form, and what they cover.

use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::{IpCategory, IpRange, IpTag, Subnet, full_address};
use crate::{RecordId, Timestamp};

#[test]
fn every_form_of_address_has_one_record() {
    let check = |text: &str, address: &str, mask: u8, last: &str| {
        let subnet: Subnet = text.parse().expect(text);
        assert_eq!((full_address(subnet.lowest()).as_str(), subnet.mask()), (address, mask), "{text}");
        assert_eq!(full_address(subnet.highest()), last, "{text}");
        assert_eq!(subnet.original(), text.trim());
    };
    let mapped = |last: &str| format!("0000:0000:0000:0000:0000:ffff:{last}");
    check("198.51.100.0/24", &mapped("c633:6400"), 120, &mapped("c633:64ff"));
    check("198.51.100.77/24", &mapped("c633:6400"), 120, &mapped("c633:64ff"));
    check("198.51.100.77", &mapped("c633:644d"), 128, &mapped("c633:644d"));
    check(" 198.51.100.77/32 ", &mapped("c633:644d"), 128, &mapped("c633:644d"));
    check("0.0.0.0/0", &mapped("0000:0000"), 96, &mapped("ffff:ffff"));
    check("::ffff:198.51.100.0/120", &mapped("c633:6400"), 120, &mapped("c633:64ff"));
    let db8 = "2001:0db8:0000:0000:0000:0000:0000:0000";
    check("2001:db8::/32", db8, 32, "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff");
    check("2001:DB8:1::5/32", db8, 32, "2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff");
    let one = "0000:0000:0000:0000:0000:0000:0000:0001";
    check("::1", one, 128, one);
    check("::/0", "0000:0000:0000:0000:0000:0000:0000:0000", 0, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

#[test]
fn what_is_no_subnet_is_refused() {
    for text in [
        "",
        " ",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.256",
        "::/129",
        "fe80::1%eth0",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1-10.0.0.9",
        "[::1]",
        "localhost",
        "10.0.0.0 /8",
    ] {
        assert!(text.parse::<Subnet>().is_err(), "{text:?}");
    }
}

#[test]
fn categories_and_built_in_tags_are_told_apart() {
    for (at, category) in IpCategory::ALL.into_iter().enumerate() {
        assert_eq!(category.number(), at as i64 + 1);
        assert_eq!(IpCategory::from_number(category.number()), Some(category));
        assert_eq!(IpCategory::find(&category.name().to_uppercase()), Some(category));
    }
    assert_eq!((IpCategory::from_number(0), IpCategory::from_number(7)), (None, None));
    let tags = IpTag::built_in();
    assert_eq!(tags.len(), super::BUILT_IN.len(), "every id is one");
    let azure = tags.iter().find(|t| t.name == "Microsoft Azure").expect("there");
    assert_eq!(azure.id.as_str(), "0000002a0000000000000000");
    for (at, tag) in tags.iter().enumerate() {
        assert!(tags[..at].iter().all(|other| other.id != tag.id && other.name != tag.name), "{tag:?}");
    }
}

fn subnet() -> impl Strategy<Value = Subnet> {
    let v4 = (0_u32..64, 26_u8..=32).prop_map(|(host, mask)| format!("198.51.100.{host}/{mask}"));
    let v6 = (0_u32..64, 120_u8..=128).prop_map(|(host, mask)| format!("2001:db8::{host:x}/{mask}"));
    prop_oneof![v4, v6].prop_map(|text| text.parse().expect("a subnet"))
}

fn contains(subnet: &Subnet, address: Ipv6Addr) -> bool {
    subnet.lowest() <= address && address <= subnet.highest()
}

proptest! {
    #[test]
    fn subnets_overlap_when_an_address_is_in_both(a in subnet(), b in subnet()) {
        let common = contains(&a, b.lowest()) || contains(&b, a.lowest());
        prop_assert_eq!(a.overlaps(&b), common);
        prop_assert_eq!(b.overlaps(&a), common);
    }

    #[test]
    fn without_what_is_covered_the_same_addresses_remain(subnets in prop::collection::vec(subnet(), 1..8)) {
        let range = IpRange {
            id: RecordId::new(Timestamp(0)),
            name: "x".into(),
            category: IpCategory::Other,
            subnets,
            organization: None,
            location: None,
            tags: Vec::new(),
            modified: Timestamp(0),
        };
        let kept = range.disjoint_subnets();
        for (at, one) in kept.iter().enumerate() {
            prop_assert!(kept[..at].iter().all(|other| !other.overlaps(one)));
        }
        for given in &range.subnets {
            prop_assert!(kept.iter().any(|k| contains(k, given.lowest()) && contains(k, given.highest())));
        }
    }

    #[test]
    fn no_text_brings_it_down(text in "\\PC{0,60}") {
        let _ = text.parse::<Subnet>();
    }
}
