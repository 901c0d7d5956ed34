//! What single formats promise.

use casbah_discovery::{
    FORMATS, Options, Outcome, Parser, Record, SOURCES, SourceError, format, format_by_id,
};

use crate::support::{NOW, plan, read, source};

/// One line as `client user destination up/down/total blocked`, or what became of it.
fn line(name: &str, text: &[u8]) -> String {
    let options = Options::at(NOW);
    let plan = plan(name);
    let mut parser = Parser::new(&plan, &options);
    let shown = text.split(|b| *b == b'\n').map(|line| show(parser.read(line))).last();
    shown.unwrap()
}

fn show(outcome: Outcome<'_>) -> String {
    let Outcome::Record(record) = outcome else { return format!("{outcome:?}") };
    let Record { client, user, destination, up, down, total, blocked, .. } = record;
    let destination = match destination {
        casbah_discovery::Destination::Host(host) => host.into_owned(),
        casbah_discovery::Destination::Ip(ip) => ip.to_string(),
    };
    let number = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let user = user.unwrap_or("nobody".into());
    let blocked = if blocked { " blocked" } else { "" };
    format!("{client} {user} {destination} {}/{}/{}{blocked}", number(up), number(down), number(total))
}

pub fn check(name: &str, text: &str, expected: &str) {
    assert_eq!(line(name, text.as_bytes()), expected, "{text}");
}

#[test]
fn every_source_name_is_known() {
    assert_eq!(SOURCES.iter().filter(|source| source.listed).count(), 71);
    for known in SOURCES {
        let found = format(known.name);
        assert_ne!(found.err(), Some(SourceError::Unknown), "{}", known.name);
        if let (Ok(found), Some(id)) = (found, known.log_type) {
            assert_eq!(found.log_type, id);
            assert_eq!(format_by_id(id).unwrap().id, known.name);
        }
    }
    assert_eq!(format("OTHER").err(), Some(SourceError::NotBuilt));
    assert_eq!(format("NETSCAPE").err(), Some(SourceError::Unknown));
    assert_eq!(format_by_id(1).err(), Some(SourceError::NotBuilt));
    assert_eq!(format_by_id(999).err(), Some(SourceError::Unknown));
    for format in FORMATS {
        assert!(
            SOURCES.iter().any(|source| source.name == format.id && source.log_type == Some(format.log_type))
        );
    }
}

#[test]
fn squid() {
    let start = "10.0.0.1 - amal%40contoso.com [17/Nov/2026:14:02:08 +0000]";
    check(
        "SQUID",
        &format!("{start} \"CONNECT a.example:443 HTTP/1.1\" 200 529 TCP_TUNNEL:HIER_DIRECT"),
        "10.0.0.1 amal@contoso.com a.example ?/529/?",
    );
    check(
        "SQUID",
        &format!(
            "{start} \"GET http://a.example/x y HTTP/1.1\" 200 - \"http://r/\" \"agent \"\"x\"\"\" TCP_DENIED:HIER_NONE"
        ),
        "10.0.0.1 amal@contoso.com a.example ?/?/? blocked",
    );
    check(
        "SQUID",
        &format!("{start} \"GET http://a.example/ HTTP/1.1\" 407 1 TCP_DENIED:HIER_NONE"),
        "Ignored",
    );
    check("SQUID", &format!("{start} \"GET http://a.example/"), "Skipped(FieldCount)");
    check(
        "SQUID",
        "<134>Nov 17 14:02:08 gw squid[7]: 2001:db8::1 - - [17/Nov/2026:14:02:08 +0000] \"GET https://[2001:db8::2]/ HTTP/1.1\" 200 5 TCP_MISS:HIER_DIRECT",
        "2001:db8::1 nobody 2001:db8::2 ?/5/?",
    );
}

#[test]
fn squid_native() {
    let check = |rest: &str, expected| check("SQUID_NATIVE", rest, expected);
    check("1794902817.030   3371 10.0.0.1 TCP_DENIED/407 9 CONNECT a.example:443 - HIER_NONE/- -", "Ignored");
    check(
        "1794902817.030 1 10.0.0.1 TCP_DENIED_REPLY/403 9 GET http://a.example/ - HIER_NONE/- -",
        "10.0.0.1 nobody a.example ?/9/? blocked",
    );
    check(
        "1794902817.030 1 10.0.0.1 NONE/403 9 GET http://a.example/ - HIER_NONE/- -",
        "10.0.0.1 nobody a.example ?/9/? blocked",
    );
    check("1794902817.030 1 10.0.0.1 NONE/400 9 GET error:invalid-request - HIER_NONE/- -", "Ignored");
    check(
        "1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET http://a.example/ CONTOSO%5Camal DIRECT/192.0.2.1 text/html \"-\" \"agent\"",
        "10.0.0.1 CONTOSO\\amal a.example ?/9/?",
    );
    check(
        "1794902817.030 1 client.example TCP_MISS/200 9 GET http://a.example/ - HIER_NONE/- -",
        "Skipped(SourceIp)",
    );
    check("1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET /nowhere - HIER_NONE/- -", "Skipped(Destination)");
    check("1695902817.030 1 10.0.0.1 TCP_MISS/200 9 GET http://a.example/ - HIER_NONE/- -", "TooOld");
    check(
        "1796902817.030 1 10.0.0.1 TCP_MISS/200 9 GET http://a.example/ - HIER_NONE/- -",
        "Skipped(Future)",
    );
    check(
        "17949028x7.030 1 10.0.0.1 TCP_MISS/200 9 GET http://a.example/ - HIER_NONE/- -",
        "Skipped(Timestamp)",
    );
    check(
        "1 2026-11-18T09:00:00Z p squid 7 - - 1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET a.example:443 - HIER_NONE/- -",
        "10.0.0.1 nobody a.example ?/9/?",
    );
    check(
        "<134>1 2026-11-18T09:00:00Z p squid 7 - - 1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET a.example:443 - HIER_NONE/- -",
        "10.0.0.1 nobody a.example ?/9/?",
    );
    assert_eq!(
        line(
            "SQUID_NATIVE",
            b"1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET a.example:443 ren\xE9 HIER_NONE/- -"
        ),
        "10.0.0.1 rené a.example ?/9/?"
    );
    assert_eq!(
        line(
            "SQUID_NATIVE",
            b"1794902817.030 1 10.0.0.1 TCP_MISS/200 9 GET a.example:443 a\x81b HIER_NONE/- -"
        ),
        "Skipped(Encoding)"
    );
}

fn palo_alto(kind: &str, subkind: &str, session: &str, rest: &str) -> String {
    format!(
        "1,2026/11/17 08:21:19,0119,{kind},{subkind},2817,2026/11/17 08:21:19,10.0.0.1,192.0.2.9,,,\"r, \"\"x\"\"\",\
         contoso\\amal,,dropbox-base,vsys1,t,u,e,e,l,2026/11/17 08:21:19,{session},1,1,443,1,443,0x0,tcp,{rest}\n"
    )
}

#[test]
fn palo_alto_kinds() {
    let check = |kind, subkind, rest: &str, expected| {
        check("PALO_ALTO", palo_alto(kind, subkind, "7", rest).trim_end(), expected);
    };
    check("TRAFFIC", "end", "allow,30,10,20,5,more", "10.0.0.1 contoso\\amal 192.0.2.9 10/20/30");
    check("TRAFFIC", "drop", "drop,30,10,20,5", "10.0.0.1 contoso\\amal 192.0.2.9 10/20/30 blocked");
    check("TRAFFIC", "end", "reset-both,30,10,20,5", "10.0.0.1 contoso\\amal 192.0.2.9 10/20/30 blocked");
    check("THREAT", "url", "alert,\"a.example/x\",(9999),cat,info", "10.0.0.1 contoso\\amal a.example ?/?/?");
    check("THREAT", "virus", "alert,\"a.exe\",(9999),cat,info", "Ignored");
    check("CONFIG", "0", "x", "Ignored");
    check("TRAFFIC", "end", "allow,30", "Skipped(FieldCount)");
}

#[test]
fn palo_alto_sessions_count_once() {
    let end = |session| palo_alto("TRAFFIC", "end", session, "allow,30,10,20,5");
    let start = |session| palo_alto("TRAFFIC", "start", session, "allow,0,0,0,0");
    let url = |session| palo_alto("THREAT", "url", session, "alert,\"www.slack.com/x\",(9999),cat,info");
    let check = |log: String, expected: (u64, u64), destinations: &[&str]| {
        let report = read("PALO_ALTO", log).unwrap();
        assert_eq!((report.summary.parsed, report.summary.ignored), expected);
        let found: Vec<&str> = report.destinations.iter().map(|row| row.dest.as_str()).collect();
        assert_eq!(found, destinations);
    };
    check(start("7") + &start("8"), (2, 0), &["192.0.2.9"]);
    check(start("7") + &end("7") + &start("8"), (1, 2), &["192.0.2.9"]);
    check(url("7") + &url("7") + &end("7"), (1, 2), &["www.slack.com"]);
    check(url("7") + &end("7") + &url("7"), (1, 2), &["www.slack.com"]);
    check(url("7") + &url("8") + &end("7"), (2, 1), &["www.slack.com"]);
    check(url("7") + &url("7"), (2, 0), &["www.slack.com"]);
}

#[test]
fn zscaler() {
    let header =
        "\"time\",\"cip\",\"user\",\"location\",\"action\",\"url\",\"requestsize\",\"responsesize\"\n";
    let row = "\"Tue Nov 17 16:53:42 2026\",\"10.0.0.1\",\"a, \"\"b\"\"\",\"HQ\",\"Blocked\",\"A.example/x\",\"5\",\"6\"";
    check("ZSCALER", &format!("{header}{row}"), "10.0.0.1 a, \"b\" a.example 5/6/? blocked");
    check("ZSCALER", row, "Skipped(FieldCount)");
    check("ZSCALER", header.trim_end(), "Blank");
    let sample = std::str::from_utf8(&source("ZSCALER").sample[..400]).unwrap().lines().next().unwrap();
    let cautioned =
        sample.replace("\"Allowed\"", "\"Cautioned\"").replace("bilal.haddad@contoso.com", "None");
    check("ZSCALER", &cautioned, "10.20.26.67 nobody app.box.com 1331/5730/?");
}

#[test]
fn cef() {
    let check = |extension: &str, expected| {
        check("GENERIC_CEF", &format!("CEF: 0|a|b|1|2|3|4|{extension}"), expected)
    };
    check(
        "rt=1794907842477 src=10.0.0.1 dhost=A.example. in=5 out=6 act=Denied",
        "10.0.0.1 nobody a.example 6/5/? blocked",
    );
    check(
        "rt=Nov 17 2026 09:30:42 GMT src=2001:db8::1 dst=192.0.2.1 suser=CONTOSO\\\\amal act=allowed",
        "2001:db8::1 CONTOSO\\amal 192.0.2.1 ?/?/?",
    );
    check(
        "src=10.0.0.1 request=http://b.example/?a=1&b=2 c=3 dhost=a.example rt=1794907842477 outcome=blocked",
        "10.0.0.1 nobody b.example ?/?/? blocked",
    );
    check("rt=1794907842477 src=10.0.0.1 dst=", "Skipped(Destination)");
    check("rt=later src=10.0.0.1 dst=192.0.2.1", "Skipped(Timestamp)");
}

#[test]
fn w3c() {
    let check = |text: &str, expected| check("GENERIC_W3C", text, expected);
    check("2026-11-17 08:13:38 10.0.0.1 a.example", "Skipped(FieldCount)");
    let header = "#Fields: date time c-ip cs-host sc-bytes cs-bytes s-action\n";
    check(
        &format!("{header}2026-11-17 08:13:38 10.0.0.1 a.example 5 6 TCP_DENIED extra cells"),
        "10.0.0.1 nobody a.example 6/5/? blocked",
    );
    check(
        &format!(
            "{header}#Fields: c-ip cs-username date time cs-uri s-ip r-ip\n10.0.0.1 \"a \"\"b\"\" c\" 2026-11-17 08:13:38 - 10.9.9.9 192.0.2.1"
        ),
        "10.0.0.1 a \"b\" c 192.0.2.1 ?/?/?",
    );
    check(
        "#Fields: date\ttime\tc-ip\tcs-username\tcs-uri\n2026-11-17\t08:13:38\t10.0.0.1\t\thttps://a.example/b c",
        "10.0.0.1 nobody a.example ?/?/?",
    );
    check("#Fields: date time\n2026-11-17 08:13:38", "Skipped(FieldCount)");
}

#[test]
fn what_a_source_knows_is_told() {
    let kinds = |name: &str| {
        let report = read(name, source(name).sample).unwrap();
        let traffic: Vec<u8> = report.traffic_kinds.iter().map(|kind| kind.number()).collect();
        (report.entity_kinds(), traffic)
    };
    assert_eq!(kinds("SQUID"), (vec![1, 2], vec![1, 2]));
    assert_eq!(kinds("PALO_ALTO"), (vec![1, 2], vec![1, 2, 3]));
    let nobody = "1794902817.030 1 10.0.0.1 TCP_MISS/200 - GET https://www.dropbox.com/ - HIER_NONE/- -";
    let report = read("SQUID_NATIVE", nobody).unwrap();
    assert_eq!((report.entity_kinds(), report.traffic_kinds), (vec![2], vec![]));
}

#[test]
fn usage_is_by_day_app_user_and_address() {
    let line = |time: u32, client: &str, user: &str, url: &str| {
        format!("{time}.000 1 {client} TCP_MISS/200 10 GET {url} {user} HIER_NONE/- -\n")
    };
    let log = line(1_794_902_817, "10.0.0.1", "Amal", "https://www.dropbox.com/")
        + &line(1_794_902_000, "10.0.0.1", "amal", "https://dropbox.com/x")
        + &line(1_794_902_817 + 86_400, "10.0.0.1", "amal", "https://www.dropbox.com/")
        + &line(1_794_902_817, "10.0.0.2", "-", "https://www.linkedin.com/learning/x")
        + &line(1_794_902_817, "10.0.0.2", "-", "https://www.linkedin.com/feed")
        + &line(1_794_902_817, "10.0.0.2", "-", "https://a.b.shop.example.co.uk/")
        + &line(1_794_902_817, "10.0.0.2", "-", "https://192.0.2.1/");
    let report = read("SQUID_NATIVE", log).unwrap();
    let rows: Vec<String> = report
        .usage
        .iter()
        .map(|row| {
            let app = &casbah_discovery::Catalogue::built_in().app(row.app).unwrap().name;
            let user = row.user.as_deref().unwrap_or("nobody");
            format!("{} {app} {user} {} {} {}", row.day, row.client_ip, row.events, row.total)
        })
        .collect();
    let mut sorted = rows.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "20774 Dropbox Amal 10.0.0.1 2 20",
            "20774 LinkedIn Learning nobody 10.0.0.2 1 10",
            "20774 LinkedIn nobody 10.0.0.2 1 10",
            "20775 Dropbox Amal 10.0.0.1 1 10",
        ]
    );
    assert_eq!((report.usage[0].first_ms, report.usage[0].last_ms), (1_794_902_000_000, 1_794_902_817_000));
    let unmatched: Vec<(&str, u64)> =
        report.unmatched.iter().map(|row| (row.domain.as_str(), row.events)).collect();
    assert_eq!(unmatched, [("192.0.2.1", 1), ("example.co.uk", 1)]);
    assert_eq!(report.summary.users, 1);
}

#[test]
fn users_are_one_whatever_their_case() {
    let seconds = NOW / 1000 - 60;
    let line = |user: &str| {
        format!(
            "{seconds}.000 1 10.0.0.7 TCP_MISS/200 9 GET https://slack.com/ {user} HIER_DIRECT/192.0.2.1 -\n"
        )
    };
    // The final sigma is the letter whose small form depends on its place.
    for spellings in [["Ann", "aNN"], ["ΟΔΟΣ", "οδος"], ["ÄNNE", "änne"]] {
        let report = read("SQUID_NATIVE", spellings.map(line).concat()).unwrap();
        assert_eq!((report.summary.users, report.usage.len()), (1, 1), "{spellings:?}");
        assert_eq!(report.usage[0].user.as_deref(), Some(spellings[0]));
    }
}
