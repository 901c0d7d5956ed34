//! Firmware variants, relays and damage: what the samples of the shelf do not show.

use crate::formats::check;
use crate::support::read;

#[test]
fn fortinet() {
    let check = |text: &str, expected| check("FORTIGATE_SYSLOG", text, expected);
    let traffic = "type=\"traffic\" subtype=\"forward\" devid=\"FG1\" sessionid=7";
    check(
        &format!(
            "<189>date=2026-11-17 time=10:08:55 tz=\"+0100\" {traffic} srcip=10.0.0.1 dstip=192.0.2.1 action=\"close\" user=\"CONTOSO\\\\amal\" sentbyte=5 rcvdbyte=6"
        ),
        "10.0.0.1 CONTOSO\\amal 192.0.2.1 5/6/?",
    );
    // CSV, an IPv6 client, a refusal by the web filter.
    check(
        "date=2026-11-17,time=10:08:55,type=traffic,subtype=forward,srcip=2001:db8::5,dstip=2001:db8::9,action=accept,utmaction=block,sentbyte=5,rcvdbyte=6",
        "2001:db8::5 nobody 2001:db8::9 5/6/? blocked",
    );
    check(
        &format!(
            "<189>date=2026-11-17 time=10:08:55 {traffic} srcip=10.0.0.1 dstip=192.0.2.1 action=\"start\""
        ),
        "Ignored",
    );
    check(
        &format!(
            "<189>date=2026-11-17 time=10:08:55 {traffic} srcip=10.0.0.1 dstip=192.0.2.1 action=\"server-rst\" sentbyte=1 rcvdbyte=2"
        ),
        "10.0.0.1 nobody 192.0.2.1 1/2/?",
    );
    check(
        "<189>Nov 17 10:08:55 fgt CEF:0|Fortinet|Fortigate|v7.2.5|00013|traffic:forward close|3|deviceExternalId=FG1 FTNTFGTeventtime=1794910135000000000 FTNTFGTsubtype=forward cat=traffic:forward src=10.0.0.1 dst=192.0.2.1 suser=amal act=close out=5 in=6",
        "10.0.0.1 amal 192.0.2.1 5/6/?",
    );
    check(
        "<189>date=2026-11-17 time=10:08:55 type=event subtype=system user=\"admin\" action=login",
        "Ignored",
    );
    check(
        &format!("<189>date=2026-11-17 time=10:08:55 {traffic} srcip=10.0.0.1 dstip="),
        "Skipped(Destination)",
    );
}

#[test]
fn a_web_filter_record_lends_its_host() {
    let session = "date=2026-11-17 time=10:08:55 devid=FG1 sessionid=7 srcip=10.0.0.1 dstip=192.0.2.1";
    let web = format!(
        "{session} type=utm subtype=webfilter hostname=\"www.dropbox.com\" url=\"/home\" action=passthrough sentbyte=1 rcvdbyte=1\n"
    );
    let traffic = format!("{session} type=traffic subtype=forward action=close sentbyte=50 rcvdbyte=60\n");
    let figures = |log: String| {
        let report = read("FORTIGATE", log).unwrap();
        let row = &report.destinations[0];
        (report.summary.parsed, report.summary.ignored, row.dest.clone(), row.bytes_total)
    };
    assert_eq!(figures(web.clone() + &traffic), (1, 1, "www.dropbox.com".into(), 110));
    assert_eq!(figures(web), (1, 0, "www.dropbox.com".into(), 2));
}

#[test]
fn cisco_asa() {
    let check = |text: &str, expected| {
        for frame in [
            "<166>Nov 17 2026 08:15:10: ",
            "<166>:Nov 17 08:15:10 UTC: ",
            "<13>Nov 17 08:15:11 relay <166>2026-11-17T08:15:10Z fw : ",
        ] {
            check("CISCO_ASA_SYSLOG", &format!("{frame}{text}"), expected);
        }
    };
    check(
        "%ASA-6-302014: Teardown TCP connection 1 for outside:192.0.2.1/443(LOCAL\\x) to inside:10.0.0.1/51234(CONTOSO\\amal) duration 0:00:45 bytes 77 TCP FINs from inside",
        "10.0.0.1 CONTOSO\\amal 192.0.2.1 ?/?/77",
    );
    check(
        "%ASA-6-302016: Teardown UDP connection 1 for inside:10.0.0.1/51234 to outside:192.0.2.1/443 duration 0:00:45 bytes 77 (amal)",
        "10.0.0.1 amal 192.0.2.1 ?/?/77",
    );
    check(
        "%ASA-6-302014: Teardown TCP connection 1 for outside:2001:db8::9/443 to inside:fd00::5/51234 duration 0:00:45 bytes 0 SYN Timeout",
        "fd00::5 nobody 2001:db8::9 ?/?/0",
    );
    check(
        "%ASA-4-106023: Deny tcp src inside:10.0.0.1/5 dst outside:192.0.2.1/443 by access-group \"in\" [0x0, 0x0]",
        "10.0.0.1 nobody 192.0.2.1 ?/?/? blocked",
    );
    check(
        "%ASA-4-106023: Deny tcp src outside:192.0.2.1/5 dst inside:10.0.0.1/443 by access-group \"out\"",
        "Ignored",
    );
    check(
        "%ASA-6-106100: access-list in denied tcp inside/10.0.0.1(5123)(CONTOSO\\amal) -> outside/192.0.2.1(443) hit-cnt 1 first hit",
        "10.0.0.1 CONTOSO\\amal 192.0.2.1 ?/?/? blocked",
    );
    check(
        "%ASA-6-106100: access-list in permitted tcp inside/10.0.0.1(5) -> outside/192.0.2.1(443) hit-cnt 1",
        "Ignored",
    );
    check(
        "%ASA-6-106015: Deny TCP (no connection) from 10.0.0.1/5 to 192.0.2.1/443 flags RST on interface inside",
        "10.0.0.1 nobody 192.0.2.1 ?/?/? blocked",
    );
    check("%ASA-5-304001: 10.0.0.1 Accessed URL 192.0.2.1:http://a.example/", "Ignored");
    check("%ASA-6-302014: Teardown TCP connection 1 for outside:", "Skipped(FieldCount)");
}

#[test]
fn firepower() {
    check(
        "CISCO_FIREPOWER_V6_SYSLOG",
        "<113>2026-11-17T08:26:31Z ftd : %FTD-1-430002: AccessControlRuleAction: Block, SrcIP: 10.0.0.1, DstIP: 192.0.2.1, User: NOVAK, Jan, URL: https://a.example/x,y",
        "10.0.0.1 NOVAK, Jan a.example ?/?/? blocked",
    );
    check(
        "CISCO_FIREPOWER_V6_SYSLOG",
        "2026-11-17T08:26:31Z ftd %FTD-1-430001: Priority: 1, SrcIP: 10.0.0.1",
        "Ignored",
    );
    check(
        "CISCO_FIREPOWER_V6_SYSLOG",
        "%NGIPS-1-430003: FirstPacketSecond: 2026-11-17T08:23:57Z, AccessControlRuleAction: Allow, SrcIP: 10.0.0.1, DstIP: 192.0.2.1, InitiatorBytes: 5, ResponderBytes: 6",
        "10.0.0.1 nobody 192.0.2.1 5/6/?",
    );
}

#[test]
fn cisco_web_security() {
    for name in ["CISCO_IRONPORT_PROXY", "CISCO_IRONPORT_WSA_II", "CISCO_IRONPORT_WSA_III"] {
        check(
            name,
            "<38>Nov 17 07:50:34 wsa01 accesslogs: Info: 1794901834.712 7 10.0.0.1 TCP_DENIED/407 0 GET https://a.example/ - NONE/- - OTHER-NONE <-> -",
            "Ignored",
        );
        check(
            name,
            "1794901834.712 7 10.0.0.1 TCP_MISS/403 9 GET https://a.example/ \"CONTOSO\\amal@Realm\" NONE/- - BLOCK_WEBCAT_12-G <-> -",
            "10.0.0.1 CONTOSO\\amal@Realm a.example ?/9/? blocked",
        );
        check(
            name,
            "#Fields: c-ip timestamp x-resultcode-httpstatus cs-url cs-bytes sc-bytes\n10.0.0.1 1794901834.712 TCP_MISS/200 tunnel://a.example:443/ 5 6",
            "10.0.0.1 nobody a.example 5/6/?",
        );
    }
}

#[test]
fn leef_of_every_kind() {
    let record = |d: &str| {
        [
            "devTime=17/11/2026 08:09:26",
            "devTimeFormat=dd/MM/yyyy HH:mm:ss",
            "src=10.0.0.1",
            "usrName=amal",
            "url=https://a.example/?x=1",
            "srcBytes=5",
            "dstBytes=6",
        ]
        .join(d)
    };
    for log in [
        format!("LEEF:1.0|V|P|1|7|{}", record("\t")),
        format!("<13>Nov 17 08:09:26 gw LEEF:1.0|V|P|1|7|{}", record("#011")),
        format!("LEEF:2.0|V|P|1|7|^|{}", record("^")),
        format!("271 <13>1 2026-11-17T08:09:26Z gw app - - - LEEF:2.0|V|P|1|7|0x7C|{}", record("|")),
    ] {
        check("GENERIC_LEEF", &log, "10.0.0.1 amal a.example 5/6/?");
        // What says itself what it is may come to any source.
        if !log.contains("#011") {
            check("SQUID", &log, "10.0.0.1 amal a.example 5/6/?");
        }
    }
    check(
        "WATCHGUARD_XTM_SYSLOG",
        "<13>Nov 17 08:09:26 xtm LEEF:1.0|WatchGuard|XTM|12|1AFF0024|disp=Deny#011src=10.0.0.1#011dst=192.0.2.1#011dstname=a.example#011sent_bytes=5#011rcvd_bytes=6",
        "10.0.0.1 nobody a.example 5/6/? blocked",
    );
    check(
        "WATCHGUARD_XTM_SYSLOG",
        "<13>Nov 17 08:09:26 xtm http-proxy[1859]: msg_id=\"1AFF-0024\" Allow 1-Trusted 0-External tcp 10.0.0.1 192.0.2.1 57525 80 msg=\"HTTP request\" dstname=\"a.example\" arg=\"/\" sent_bytes=\"5\" rcvd_bytes=\"6\" src_user=\"amal\"",
        "10.0.0.1 amal a.example 5/6/?",
    );
    check(
        "FORCEPOINT_LEEF_SYSLOG",
        "<13>Nov 17 08:09:26 gw LEEF:1.0|Forcepoint|Security|8.5|transaction:blocked|src=10.0.0.1\tloginID=-\tusrName=amal\tdst=192.0.2.1",
        "10.0.0.1 amal 192.0.2.1 ?/?/? blocked",
    );
    check(
        "PALO_ALTO_LEEF",
        "LEEF:1.0|Palo Alto Networks|PAN-OS|9|start|cat=TRAFFIC|Subtype=start|devTime=Nov 17 2026 08:09:26 GMT|src=10.0.0.1|dst=192.0.2.1",
        "10.0.0.1 nobody 192.0.2.1 ?/?/?",
    );
}

#[test]
fn zscaler() {
    check(
        "ZSCALER_CEF_SYSLOG",
        "Nov 17 09:06:32 nss CEF:0|Zscaler|NSSWeblog|5.0|Blocked|x|3|act=Blocked dhost=a.example src=198.51.100.7 sourceTranslatedAddress=10.0.0.1 in=6 out=5 rt=Nov 17 2026 09:06:32 suser=HQ spriv=HQ",
        "10.0.0.1 nobody a.example 5/6/? blocked",
    );
    check(
        "ZSCALER",
        "2026-11-17 08:13:38\treason=Not allowed\taction=Blocked\ttransactionsize=11\trequestsize=5\tresponsesize=6\tClientIP=10.0.0.1\tuser=amal\turl=a.example/x?y=z\thostname=a.example\tclientpublicIP=192.0.2.9",
        "10.0.0.1 amal a.example 5/6/11 blocked",
    );
    check(
        "ZSCALER_SYSLOG",
        r#"<134>Nov 17 09:06:32 nss {"sourcetype":"zscalernss-web","event":{"datetime":"2026-11-17 08:13:38","action":"Allowed","requestsize":"5","responsesize":"6","ClientIP":"10.0.0.1","user":"ren\u00e9","url":"https:\/\/a.example\/x"}}"#,
        "10.0.0.1 rené a.example 5/6/?",
    );
}

#[test]
fn juniper() {
    let srx = |text: &str, expected| check("JUNIPER_SRX_SYSLOG", text, expected);
    srx(
        "<14>Nov 17 10:16:30 srx RT_FLOW: RT_FLOW_SESSION_CLOSE_LS: session closed idle Timeout: 10.0.0.1/61->192.0.2.1/443 0x0 junos-https 192.0.2.9/61->192.0.2.1/443 0x0 N/A N/A N/A N/A 6 Allow trust untrust 29 17(5) 13(6) 130 SSL BOX amal(staff) reth0.10 UNKNOWN",
        "10.0.0.1 amal 192.0.2.1 5/6/?",
    );
    srx(
        "<14>1 2026-11-17T10:16:30Z srx RT_FLOW - APPTRACK_SESSION_CLOSE [junos@2636.1.1.1.2.142 source-address=\"10.0.0.1\" source-port=\"61\" destination-address=\"192.0.2.1\" bytes-from-client=\"5\" bytes-from-server=\"6\" username=\"N/A\"]",
        "10.0.0.1 nobody 192.0.2.1 5/6/?",
    );
    srx(
        "<14>Nov 17 10:16:30 srx RT_UTM: WEBFILTER_URL_BLOCKED: WebFilter: ACTION=\"URL Blocked\" 10.0.0.1(61)->192.0.2.1(80) CATEGORY=\"x\" REASON=\"y\" PROFILE=\"p\" URL=a.example OBJ=/path username amal roles r",
        "10.0.0.1 amal a.example ?/?/? blocked",
    );
    check(
        "JUNIPER_SSG_SYSLOG",
        "<134>Nov 17 17:32:26 ssg NetScreen device_id=x  [Root]system-notification-00257(traffic): start_time=\"2026-11-17 17:32:26\" duration=0 policy_id=1 service=msrpc Endpoint Mapper(tcp) proto=6 src zone=Trust dst zone=Untrust action=Deny sent=5 rcvd=6 src=10.0.0.1 dst=192.0.2.1 src-xlated ip=192.0.2.9 port=5",
        "10.0.0.1 nobody 192.0.2.1 5/6/? blocked",
    );
}

#[test]
fn sonicwall() {
    let line = |m: u32, bytes: &str| {
        format!(
            "<134>id=firewall sn=C0 time=\"2026-11-17 11:25:40 UTC\" m={m} msg=\"x\" n=1 usr=\"amal\" src=10.0.0.1:57319:X0:pc1 dst=192.0.2.1:443:X1 proto=tcp/https {bytes}"
        )
    };
    check(
        "SONICWALL_SYSLOG",
        &line(97, "dstname=a.example arg=/ sent=5 rcvd=6"),
        "10.0.0.1 amal a.example 5/6/?",
    );
    check("SONICWALL_SYSLOG", &line(14, "dstname=a.example"), "10.0.0.1 amal a.example ?/?/? blocked");
    check("SONICWALL_SYSLOG", &line(98, ""), "Ignored");
    check(
        "SONICWALL_SYSLOG",
        "<134>id=firewall sn=C0 time=\"2026-11-17 11:25:40\" m=97 n=1 srcV6=2001:db8::5 dstV6=2001:db8::9 sent=5 rcvd=6",
        "2001:db8::5 nobody 2001:db8::9 5/6/?",
    );
    let host = |n: u32| line(n, "dstname=www.dropbox.com sent=5 rcvd=6") + "\n";
    for log in [host(97) + &host(97) + &host(537), host(537) + &host(97) + &host(97)] {
        let summary = read("SONICWALL_SYSLOG", log).unwrap().summary;
        assert_eq!((summary.parsed, summary.ignored, summary.bytes_total), (2, 1, 22));
    }
    assert_eq!(read("SONICWALL_SYSLOG", host(537)).unwrap().summary.parsed, 1);
}

#[test]
fn sophos() {
    check(
        "SOPHOS_XG_SYSLOG",
        "<30>device=\"SFW\" date=2026-11-17 time=09:44:58 timezone=\"IST\" log_type=\"Content Filtering\" log_component=\"HTTP\" log_subtype=\"Denied\" user_name=\"\" url=\"https://a.example/\" src_ip=10.0.0.1 ether_type=IPv4 (0x0800) dst_ip=192.0.2.1 sent_bytes=5 recv_bytes=6",
        "10.0.0.1 nobody a.example 5/6/? blocked",
    );
    check(
        "SOPHOS_XG_SYSLOG",
        "<30>device_name=\"SFW\" timestamp=\"2026-11-17T09:44:58+0200\" log_type=\"Event\" log_component=\"GUI\" src_ip=10.0.0.1",
        "Ignored",
    );
    check(
        "SOPHOS_SG",
        "2026:11:17-08:04:59 utm ulogd[4]: id=\"2002\" sys=\"SecureNet\" sub=\"packetfilter\" action=\"accept\" srcip=\"10.0.0.1\" dstip=\"192.0.2.1\" length=\"60\"",
        "Ignored",
    );
    check(
        "SOPHOS_SG_SYSLOG",
        "<30>Nov 17 08:05:00 relay 2026:11:17-08:04:59 utm httpproxy[4]: id=\"0061\" sub=\"http\" action=\"warn\" srcip=\"10.0.0.1\" dstip=\"\" user=\"\" size=\"6\" url=\"http://a.example/\"",
        "10.0.0.1 nobody a.example ?/6/? blocked",
    );
}

#[test]
fn meraki() {
    let check = |text: &str, expected| check("MACHINE_ZONE_MERAKI_SYSLOG", text, expected);
    check(
        "<134>1 1794931868.241834663 MX84 urls src=2001:db8::5:63657 dst=[2001:db8::9]:443 mac=AA request: GET https://a.example/...",
        "2001:db8::5 nobody a.example ?/?/?",
    );
    check(
        "<134>1 1794931868.241 MX84 flows src=10.0.0.1 dst=192.0.2.1 mac=AA protocol=tcp sport=1 dport=443 pattern: 1 all",
        "10.0.0.1 nobody 192.0.2.1 ?/?/? blocked",
    );
    check("<134>1 1794931868.241 MX84 flows allow src=10.0.0.1 dst=192.0.2.1", "Ignored");
    check("<134>1 1794931868.241 MX84 urls src=10.0.0.1:1 dst=", "Skipped(Destination)");
}

#[test]
fn web_gateways() {
    let swg = |text: &str, expected| check("MCAFEE_SWG_SYSLOG", text, expected);
    swg(
        "<30>Nov 17 09:40:52 mwg mwg: [17/Nov/2026:09:40:52 +0000] \"\" 10.0.0.1 407 \"GET http://a.example/ HTTP/1.1\" \"\" \"\" \"\" 6 \"\" \"\" \"81\"",
        "Ignored",
    );
    swg(
        "<30>Nov 17 09:40:52 mwg mwg: [17/Nov/2026:09:40:52 +0000] \"A\" 10.0.0.1 403 \"GET http://a.example/ HTTP/1.1\" \"\" \"\" \"\" 6 \"agent \"\"x\"\"\" \"\" \"10\"",
        "10.0.0.1 A a.example ?/6/? blocked",
    );
    swg(
        "<30>Nov 17 09:40:52 mwg mwg: srcip=\"10.0.0.1\" dhost=\"a.example\" bytes=\"5/7/8/6\" status=\"403/10\" url=\"http://a.example/\" user=\"amal\"",
        "10.0.0.1 amal a.example 5/6/? blocked",
    );
    swg(
        "<30>Nov 17 09:40:52 mwg mwg: McAfeeWG|time_stamp=[17/Nov/2026:09:40:52 +0000]|auth_user=amal|src_ip=10.0.0.1|host=a.example|bytes_from_client=5|bytes_to_client=6",
        "10.0.0.1 amal a.example 5/6/?",
    );
    check(
        "BLUECOAT_SYSLOG",
        "<13>Nov 17 07:07:12 relay c-ip=10.0.0.1 date=2026-11-17 time=07:07:12 cs-host=a.example sc-bytes=6 cs-bytes=5 sc-filter-result=DENIED",
        "10.0.0.1 nobody a.example 5/6/? blocked",
    );
    check(
        "MICROSOFT_ISA_W3C",
        "#Fields: c-ip\tcs-username\tdate\ttime\tr-host\tcs-uri\tsc-bytes\tcs-bytes\taction\n10.0.0.1\tCONTOSO\\amal?\t2026-11-17\t08:13:38\t-\thttp://a.example/b\t6\t5\tDenied",
        "10.0.0.1 CONTOSO\\amal a.example 5/6/? blocked",
    );
    check(
        "MICROSOFT_ISA_W3C_SYSLOG",
        "#Fields: c-ip\tdate\ttime\tcs-uri\n<13>Nov 17 08:13:40 tmg 10.0.0.1#0112026-11-17#01108:13:38#011http://a.example/b",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    check(
        "I_FILTER_SYSLOG",
        "<13>Nov 17 10:35:29 relay if_proxy: Nov 17 10:35:29 48 1000/01/ - 192.0.2.1:443 10.0.0.9 10.0.0.1 - am%20al [17/Nov/2026:19:35:29 +0900] 200 5 6 block 63 87 87/1 -1 0 1 0 g - 0 - \"GET https://a.example/ HTTP/1.1\" - x y A",
        "10.0.0.1 am al a.example 5/6/? blocked",
    );
    check(
        "IBOSS",
        "<134>Nov 17 08:37:13 swg CEF:0|iboss|x|1|2|IPS|3|src=10.0.0.1 dst=192.0.2.1 flexString2=IPS",
        "Ignored",
    );
    check(
        "BARRACUDA_NEXT_GEN_FW",
        "<14>Nov 17 10:28:47 box box/fw: Remove: FWD|TCP|p1|10.0.0.1|5|aa|192.0.2.1|443|https|p4|Rule|0|192.0.2.9|192.0.2.1|87|1|6|5|1|1|amal|HTTPS|x|||",
        "10.0.0.1 amal 192.0.2.1 5/6/?",
    );
    check(
        "BARRACUDA_NEXT_GEN_FW_WEBLOG",
        "<14>Nov 17 07:21:23 box NG_Firewall[]: 1794900083 1 10.0.0.1 192.0.2.1 text/html; charset=utf-8 10.0.0.1 a.example/x 6 BYF ALLOWED CLEAN 2 1 0 1 0 (-) 1 Web Mail 0 - 0 a.example Web Mail [am al] a.example - - 0",
        "10.0.0.1 am al a.example ?/6/? blocked",
    );
}

#[test]
fn welf_and_kin() {
    check(
        "STORMSHIELD_SYSLOG",
        "<133>Nov 17 11:46:23 sns id=firewall time=\"2026-11-17 11:46:23\" tz=+0100 src=10.0.0.1 dst=192.0.2.1 dstname=a.example user=\"\" domain=\"contoso.com\" sent=5 rcvd=6 action=block logtype=\"filter\"",
        "10.0.0.1 nobody a.example 5/6/? blocked",
    );
    check(
        "STORMSHIELD_SYSLOG",
        "<133>Nov 17 11:46:23 sns id=firewall time=\"2026-11-17 11:46:23\" src=10.0.0.1 dst=192.0.2.1 sent=0 rcvd=0 action=pass logtype=\"filter\"",
        "Ignored",
    );
    check(
        "CLAVISTER_SYSLOG",
        "<134>[2026-11-17 07:49:09] FW: DROP: prio=1 id=06000051 event=ruleset_drop_packet action=drop srcip=10.0.0.1 destip=192.0.2.1",
        "10.0.0.1 nobody 192.0.2.1 ?/?/? blocked",
    );
    check(
        "CLAVISTER_SYSLOG",
        "<134>[2026-11-17 07:49:09] FW: CONN: prio=1 id=00600004 event=conn_open action=open connsrcip=10.0.0.1 conndestip=192.0.2.1",
        "Ignored",
    );
    check(
        "CHECKPOINT",
        "time=1794902817|hostname=gw|action=Drop|src=10.0.0.1|dst=192.0.2.1|product=URL Filtering|user=NOVAK, Jan (7)",
        "10.0.0.1 NOVAK, Jan (7) 192.0.2.1 ?/?/? blocked",
    );
    check(
        "CHECKPOINT",
        "Timestamp,Orig,Type,Action,alert,Service,s_port,src,dst\n17Nov2026 9:43:56,gw,Log,Drop,,https,5,10.0.0.1,192.0.2.1",
        "10.0.0.1 nobody 192.0.2.1 ?/?/? blocked",
    );
    check(
        "CHECKPOINT_XML",
        "<log><date>17Nov2026</date><time> 9:43:56</time><src>10.0.0.1</src><dst>192.0.2.1</dst><action>accept</action></log>",
        "10.0.0.1 nobody 192.0.2.1 ?/?/?",
    );
    check(
        "WEBSENSE_V7_5",
        "\"Action\",\"Source IP\",\"Time\",\"Date\",\"URL\"\n\"Category blocked\",\"10.0.0.1\",\"01:02:03 PM\",\"11/17/2026\",\"https://a.example/\"",
        "10.0.0.1 nobody a.example ?/?/? blocked",
    );
    check(
        "FORCEPOINT",
        "[1794902817,1,\"amal\",167772161,1,5,6,\"Blocked\",[7],\"https\",443,3221225985,\"https://a.example/\",0]",
        "10.0.0.1 amal a.example 5/6/? blocked",
    );
}

#[test]
fn unverified_sources_take_what_is_shared() {
    for name in ["CONTENTKEEPER_SYSLOG", "WANDERA_SYSLOG", "BARRACUDA"] {
        check(
            name,
            "<13>Nov 17 08:13:38 gw src=10.0.0.1 user=amal host=a.example sent=5 rcvd=6 action=deny",
            "10.0.0.1 amal a.example 5/6/? blocked",
        );
        check(
            name,
            "time;src_ip;user;url;action\n2026-11-17 08:13:38;10.0.0.1;amal;https://a.example/;allowed",
            "10.0.0.1 amal a.example ?/?/?",
        );
        check(
            name,
            "#Fields: date time c-ip cs-host\n2026-11-17 08:13:38 10.0.0.1 a.example",
            "10.0.0.1 nobody a.example ?/?/?",
        );
        check(
            name,
            "{\"ts\":1794902817,\"client_ip\":\"10.0.0.1\",\"url\":\"https://a.example/\"}",
            "10.0.0.1 nobody a.example ?/?/?",
        );
        check(name, "something else entirely", "Skipped(FieldCount)");
    }
}

#[test]
fn name_servers() {
    check(
        "DNSMASQ",
        "Nov 17 09:38:09 gw dnsmasq[4]: 12 10.0.0.1/53124 query[HTTPS] A.example from 10.0.0.1",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    check("DNSMASQ", "Nov 17 09:38:09 dnsmasq[4]: reply a.example is 192.0.2.1", "Ignored");
    check(
        "UNBOUND",
        "Nov 17 09:38:09 gw unbound[7]: [7:0] info: 10.0.0.1 a.example. A IN",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    check(
        "BIND",
        "Nov 17 09:38:09 ns1 named[7]: client 10.0.0.1#5312 (a.example): view v: query: a.example IN A + (192.0.2.1)",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    check(
        "ZEEK_DNS",
        "{\"ts\":1794902817.5,\"id.orig_h\":\"10.0.0.1\",\"query\":\"a.example\"}",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    let log = |host: &str| format!("[1794902817] unbound[7:0] info: 10.0.0.1 {host}. A IN\n");
    let reply =
        |host: &str| format!("[1794902817] unbound[7:0] info: 10.0.0.1 {host}. A IN NOERROR 0.01 0 60\n");
    let parsed = |text: String| read("UNBOUND", text).unwrap().summary.parsed;
    assert_eq!(parsed(log("www.dropbox.com") + &reply("www.dropbox.com")), 1);
    assert_eq!(parsed(log("www.dropbox.com") + &log("github.com")), 2);
}
