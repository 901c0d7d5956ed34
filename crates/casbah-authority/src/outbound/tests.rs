use std::net::IpAddr;

use super::addresses::may_be_called;
use super::{Allowed, Outbound, OutboundError, OutboundSettings, check_https_url};

/// Addresses that lead into this machine, its network, or nowhere; and some that do not.
#[test]
fn private_addresses_are_refused_in_every_form() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let parsed: IpAddr = address.parse().expect(address);
        assert!(!may_be_called(&[], "host", parsed), "{address}");
    }
    for address in [
        "1.1.1.1",
        "100.63.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "64:ff9b::101:101",
        "::ffff:1.1.1.1",
        "2002:101:101::",
    ] {
        let parsed: IpAddr = address.parse().expect(address);
        assert!(may_be_called(&[], "host", parsed), "{address}");
    }
}

#[test]
fn the_operator_can_list_private_places() {
    let list: Vec<Allowed> =
        ["idp.corp.example", "10.1.0.0/16", "::1", "localhost"].map(|t| t.parse().expect(t)).to_vec();
    let may = |host: &str, address: &str| may_be_called(&list, host, address.parse().expect(address));
    assert!(may("idp.corp.example", "10.9.9.9") && may("IDP.corp.example", "127.0.0.1"));
    assert!(may("other", "10.1.2.3") && may("other", "::ffff:10.1.2.3") && may("localhost", "127.0.0.1"));
    assert!(
        !may("other", "10.2.0.1") && !may("evil-idp.corp.example", "10.9.9.9") && !may("other", "127.0.0.1")
    );
    for wrong in
        ["", "a b", "*.example", "https://x.example", "10.0.0.0/33", "a..b", "127.1", "x:443", "2130706433"]
    {
        assert!(wrong.parse::<Allowed>().is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn nothing_but_https_to_public_places_is_called() {
    let outbound = Outbound::new(&OutboundSettings::default()).expect("opens");
    for address in [
        "http://issuer.example/",
        "ftp://issuer.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "https://user@issuer.example/",
        "https://user:pass@127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/latest/meta-data/",
        "https://169.254.169.254/",
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://10.0.0.1:6443/",
        "https://①②⑦.0.0.1/",
        "not a url",
        "",
    ] {
        let refused = outbound.get(address).await.expect_err(address);
        assert!(matches!(refused, OutboundError::Refused(_)), "{address}: {refused}");
        let refused = outbound.post_form(address, &[], None).await.expect_err(address);
        assert!(matches!(refused, OutboundError::Refused(_)), "{address}: {refused}");
    }
    assert!(
        Outbound::new(&OutboundSettings { authorities: b"nothing".to_vec(), ..Default::default() }).is_err()
    );
}

#[test]
fn an_issuer_is_an_https_url() {
    for fine in
        ["https://token.actions.githubusercontent.com", "https://localhost:8443/t/v2.0", "https://10.0.0.1"]
    {
        assert_eq!(check_https_url(fine), Ok(()), "{fine}");
    }
    for wrong in [
        "",
        "issuer",
        "http://x.example",
        "https://",
        "https://u@x.example",
        "https://x.example/?a=b",
        "https://x.example/#a",
        "javascript:alert(1)",
    ] {
        assert!(check_https_url(wrong).is_err(), "{wrong}");
    }
}
