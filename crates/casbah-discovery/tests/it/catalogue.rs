//! Who a host belongs to, and how risky an app looks.

use casbah_discovery::catalogue::{BUILT_IN, Fault, FaultKind, check_catalogue, score};
use casbah_discovery::{App, Catalogue, CatalogueError, Claims};

fn name_of(catalogue: &Catalogue, id: Option<u32>) -> Option<&str> {
    id.and_then(|id| catalogue.app(id)).map(|app| app.name.as_str())
}

#[test]
fn the_catalogue_is_sound() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.apps().len(), 607);
    for app in catalogue.apps() {
        assert!((10_000..90_000).contains(&app.id), "{}", app.name);
        assert!(app.category.starts_with("SAASDB_"), "{}", app.name);
        assert!(app.score.is_some_and(|score| (1..=10).contains(&score)));
        let domains = app.domains.iter().filter(|domain| !domain.contains(['*', '/', '=']));
        for domain in domains {
            assert_eq!(catalogue.match_host(domain, None), Some(app.id), "{domain}");
        }
    }
}

#[test]
fn ids_once_given_stay() {
    let catalogue = Catalogue::built_in();
    let known = [
        (11_627, "Dropbox"),
        (10_489, "Box"),
        (20_892, "Microsoft SharePoint Online"),
        (40_000, "1fichier"),
        (40_001, "1Password"),
        (40_591, "Zuora"),
    ];
    for (id, name) in known {
        assert_eq!(name_of(catalogue, Some(id)), Some(name));
    }
}

#[test]
fn hosts_find_their_app() {
    let catalogue = Catalogue::built_in();
    let check = |host: &str, path: Option<&str>, expected: Option<&str>| {
        assert_eq!(name_of(catalogue, catalogue.match_host(host, path)), expected, "{host} {path:?}");
    };
    check("dropbox.com", None, Some("Dropbox"));
    check("www.dropbox.com", None, Some("Dropbox"));
    check("a.b.c.dropbox.com", Some("/x"), Some("Dropbox"));
    check("notdropbox.com", None, None);
    check("com", None, None);
    check("", None, None);
    check("contoso.sharepoint.com", None, Some("Microsoft SharePoint Online"));
    check("contoso-my.sharepoint.com", None, Some("Microsoft OneDrive for Business"));
    check("bucket.s3.amazonaws.com", None, Some("Amazon S3"));
    check("s3.eu-west-1.amazonaws.com", None, Some("Amazon S3"));
    check("x.y.amazonaws.com", None, Some("Amazon Web Services"));
    check("linkedin.com", Some("/learning/rust"), Some("LinkedIn Learning"));
    check("linkedin.com", Some("/learning"), Some("LinkedIn Learning"));
    check("linkedin.com", Some("/learningcurve"), Some("LinkedIn"));
    check("www.linkedin.com", None, Some("LinkedIn"));
    check("gist.github.com", None, Some("GitHub Gist"));
    check("someone.github.io", None, Some("GitHub"));
}

fn app(id: u32, domains: &[&str]) -> App {
    App {
        id,
        name: format!("app {id}"),
        vendor: String::new(),
        category: "SAASDB_CATEGORY_UNCLASSIFIED".to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ip_ranges: Vec::new(),
        firewall_names: Vec::new(),
        headquarters: None,
        founded: None,
        score: None,
        claims: Claims::default(),
    }
}

#[test]
fn the_deepest_and_most_exact_pattern_wins() {
    let catalogue = Catalogue::new(vec![
        app(1, &["example.com"]),
        app(2, &["=www.example.com"]),
        app(3, &["*-files.example.com"]),
        app(4, &["team-files.example.com"]),
        app(5, &["example.com/wiki", "example.com/wiki/special"]),
        app(6, &["api.*.example.com"]),
        app(7, &["example.com/wiki/special/one"]),
    ])
    .unwrap();
    let check = |host: &str, path: Option<&str>, expected: u32| {
        assert_eq!(catalogue.match_host(host, path), Some(expected), "{host} {path:?}");
    };
    check("www.example.com", None, 2);
    check("deep.www.example.com", None, 1);
    check("x-files.example.com", None, 3);
    check("a.x-files.example.com", None, 3);
    check("-files.example.com", None, 1);
    check("team-files.example.com", None, 4);
    check("api.eu.example.com", None, 6);
    check("api.a.b.example.com", None, 1);
    check("example.com", Some("/wiki/x"), 5);
    check("example.com", Some("/wiki/special/one/two"), 7);
    check("other.example.com", Some("/wiki"), 5);
    check("www.example.com", Some("/wiki"), 2);
}

#[test]
fn addresses_find_the_narrowest_range() {
    let mut wide = app(1, &["a.example"]);
    wide.ip_ranges = vec!["198.51.100.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let mut narrow = app(2, &["b.example"]);
    narrow.ip_ranges = vec!["198.51.100.16/28".parse().unwrap()];
    let catalogue = Catalogue::new(vec![wide, narrow]).unwrap();
    let check = |ip: &str, expected| assert_eq!(catalogue.match_ip(ip.parse().unwrap()), expected, "{ip}");
    check("198.51.100.17", Some(2));
    check("198.51.100.1", Some(1));
    check("2001:db8::9", Some(1));
    check("192.0.2.1", None);
}

#[test]
fn firewall_names_find_their_app() {
    let catalogue = Catalogue::built_in();
    let check = |name: &str, expected| {
        assert_eq!(name_of(catalogue, catalogue.match_application(name)), expected, "{name}");
    };
    check("dropbox", Some("Dropbox"));
    check("dropbox-uploading", Some("Dropbox"));
    check("facebook-base", Some("Facebook"));
    check("facebook-chat", Some("Facebook Messenger"));
    check("ssl", None);
    check("", None);
}

#[test]
fn patterns_that_take_too_much_are_refused() {
    let refused = |patterns: &[&str]| Catalogue::new(vec![app(1, patterns)]).err();
    for pattern in
        ["co.uk", "com", "*.co.uk", "*", "example.*", "a..b", "", "exa mple.com", "=*.example.com", "*.com"]
    {
        assert!(matches!(refused(&[pattern]), Some(CatalogueError::Pattern(..))), "{pattern}");
    }
    assert!(refused(&["github.io", "example.com", "=example.com", "example.com/a"]).is_none());
    let two = |a: &str, b: &str| Catalogue::new(vec![app(1, &[a]), app(2, &[b])]).err();
    for (a, b) in
        [("example.com", "Example.COM"), ("example.com/a", "example.com/a/"), ("*.x.com", "*.x.com")]
    {
        assert!(matches!(two(a, b), Some(CatalogueError::DuplicatePattern(_))), "{a} {b}");
    }
    let twice = Catalogue::new(vec![app(1, &["a.com"]), app(1, &["b.com"])]).err();
    assert!(matches!(twice, Some(CatalogueError::DuplicateId(1))));
}

#[test]
fn without_a_compliance_claim_an_app_is_risky() {
    let all_but_compliance = Claims { gdpr: true, mfa: true, saml: true, ..Claims::default() };
    assert_eq!(score(&all_but_compliance, Some(1990)), 4);
    assert_eq!(score(&Claims::default(), None), 1);
    assert_eq!(score(&Claims { soc2: true, iso27001: true, ..all_but_compliance }, Some(1990)), 10);
    assert_eq!(score(&Claims { soc2: true, ..all_but_compliance }, Some(1990)), 7);
    for app in Catalogue::built_in().apps() {
        let c = app.claims;
        let compliant = c.soc2 || c.iso27001 || c.hipaa || c.pci_dss || c.fedramp;
        assert!(compliant || app.score < Some(5), "{}: {:?}", app.name, app.score);
        assert!(!(c.soc2 && c.iso27001) || app.score >= Some(6), "{}: {:?}", app.name, app.score);
    }
}

#[test]
fn a_catalogue_of_json_lines_is_one_too() {
    let text =
        r#"{"id":11627,"name":"Dropbox","vendor":"Dropbox","cat":"SAASDB_CATEGORY_CLOUD_STORAGE","hq":"US",
"founded":2007}"#
            .replace('\n', "");
    let full = r#"{"id":40001,"name":"Files","cat":"SAASDB_CATEGORY_CLOUD_STORAGE","match":["files.example","=exact.example"],
"ip":["198.51.100.0/24","2001:db8::1"],"appid":["files-base"],"f":{"soc2":1,"iso27001":1,"mfa":1,"saml":0},"upd":"2026-11-01"}"#
        .replace('\n', "");
    let catalogue = Catalogue::parse(&format!("{text}\n\n{full}\n")).unwrap();
    assert_eq!(catalogue.apps().len(), 2);
    let app = catalogue.app(40_001).unwrap();
    assert!(app.claims.soc2 && app.claims.mfa && !app.claims.saml && !app.claims.gdpr);
    assert_eq!(catalogue.match_host("a.files.example", None), Some(40_001));
    assert_eq!(catalogue.match_host("a.exact.example", None), None);
    assert_eq!(catalogue.match_ip("2001:db8::1".parse().unwrap()), Some(40_001));
    assert_eq!(catalogue.match_application("files-base-upload"), Some(40_001));
    assert_eq!(catalogue.match_application("dropbox"), Some(11_627));
    for broken in ["", "{}", "{\"id\":1", "a,b\n1,2\n", "app_id,name,category,domains\n"] {
        assert!(matches!(Catalogue::parse(broken), Err(CatalogueError::Malformed(_))), "{broken}");
    }
}

fn faults(rows: &str) -> Vec<Fault> {
    check_catalogue(&format!("app_id,name,vendor,category,domains,headquarters,founded,soc2\n{rows}"))
}

#[test]
fn a_check_finds_everything_at_once() {
    let found = faults(
        "40001,One,V,SAASDB_CATEGORY_CRM,one.example|www.one.example,US,2001,yes\n\
         40002,Two,V,SAASDB_CATEGORY_CRM,ONE.example|co.uk|two.example/a|two.example,US,2001,\n\
         40001,Three,V,SAASDB_CATEGORY_CRM,three.example,US,2001,\n\
         40004,Four,,SAASDB_CATEGORY_SOUP,four.example,USA,1066,perhaps\n\
         40005,,V,SAASDB_CATEGORY_CRM,five.example,,,\n\
         7,Seven,V,SAASDB_CATEGORY_CRM,seven.example,US,2001,\n\
         40008,one,V,SAASDB_CATEGORY_CRM,198.51.100.0/24,US,2001,\n\
         40009,Nine,V,SAASDB_CATEGORY_CRM,198.51.100.9/24,US,2001,\n",
    );
    let told: Vec<(u64, bool, FaultKind)> = found.iter().map(|f| (f.line, f.error, f.kind)).collect();
    use FaultKind::{Clash, DeadPattern, Malformed, MissingField, OddField, Pattern};
    for wanted in [
        (2, false, DeadPattern),
        (3, true, Clash),
        (3, true, Pattern),
        (3, false, DeadPattern),
        (4, true, Clash),
        (5, false, MissingField),
        (5, false, OddField),
        (6, true, Malformed),
        (7, false, OddField),
        (8, false, Clash),
        (9, true, Clash),
    ] {
        assert!(told.contains(&wanted), "{wanted:?} in {found:#?}");
    }
    assert!(told.is_sorted_by_key(|fault| fault.0));
    assert_eq!(
        told.iter().filter(|(line, _, kind)| *line == 5 && *kind == OddField).count(),
        4,
        "{found:#?}"
    );
    let dead: Vec<&str> = found.iter().filter(|f| f.kind == DeadPattern).map(|f| f.text.as_str()).collect();
    assert!(dead[0].starts_with("www.one.example decides nothing"), "{dead:?}");
    assert!(dead[1].starts_with("two.example/a decides nothing"), "{dead:?}");
    assert!(check_catalogue("")[0].error);
}

#[test]
fn a_pattern_that_wins_back_hosts_is_not_dead() {
    let found = faults(
        "40001,One,V,SAASDB_CATEGORY_CRM,one.example|deep.api.one.example,US,2001,\n\
         40002,Two,V,SAASDB_CATEGORY_CRM,api.one.example,US,2001,\n",
    );
    assert_eq!(found, []);
}

#[test]
fn our_own_catalogue_has_no_error() {
    let found = check_catalogue(BUILT_IN);
    // Hosts that an app has twice are kept: people look for them in the list of its domains.
    let harmless = [FaultKind::MissingField, FaultKind::DeadPattern];
    let wrong: Vec<&Fault> = found.iter().filter(|fault| !harmless.contains(&fault.kind)).collect();
    assert_eq!(wrong, Vec::<&Fault>::new());
}
