//! Scripts and lists that make an appliance refuse the apps a tenant has marked as unsanctioned.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::catalogue::{fixed_suffix, is_public_suffix};

/// What a script can be made for.
#[derive(Clone, Copy, Debug)]
pub struct BlockScriptFormat {
    /// The number of the API, which is the log type of the appliance; none for what only we make.
    pub id: Option<u16>,
    /// The name that can be given instead of the number.
    pub key: &'static str,
    /// As shown.
    pub name: &'static str,
    /// Writes the script of sorted domains, of which there is at least one.
    write: fn(&[String], &mut Script),
}

/// The text so far; writing to it cannot fail.
struct Script(String);

impl Script {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}");
    }
}

const fn appliance(
    id: u16,
    key: &'static str,
    name: &'static str,
    write: fn(&[String], &mut Script),
) -> BlockScriptFormat {
    BlockScriptFormat { id: Some(id), key, name, write }
}

const fn list(key: &'static str, name: &'static str, write: fn(&[String], &mut Script)) -> BlockScriptFormat {
    BlockScriptFormat { id: None, key, name, write }
}

/// All that scripts are made for.
pub const BLOCK_SCRIPT_FORMATS: &[BlockScriptFormat] = &[
    appliance(102, "bluecoat", "BlueCoat ProxySG", |domains, script| {
        each(domains, |domain| script.line(format_args!("url.domain={domain} deny")));
    }),
    appliance(104, "cisco-asa", "Cisco ASA", cisco_asa),
    appliance(108, "fortigate", "FortiGate", fortigate),
    appliance(112, "palo-alto", "Palo Alto", palo_alto),
    appliance(120, "zscaler", "Zscaler", |domains, script| {
        each(domains, |domain| script.line(format_args!(".{domain}")));
    }),
    appliance(129, "juniper-srx", "Juniper SRX", juniper_srx),
    appliance(135, "websense", "Websense", |domains, script| {
        each(domains, |domain| script.line(format_args!("dest_host={domain} action=deny")));
    }),
    list("domains", "DNS block list (pfBlockerNG, Pi-hole)", |domains, script| {
        each(domains, |domain| script.line(format_args!("{domain}")));
    }),
    list("unbound", "Unbound", |domains, script| {
        script.line(format_args!("server:"));
        each(domains, |domain| script.line(format_args!("    local-zone: \"{domain}.\" always_nxdomain")));
    }),
    list("squid", "Squid", squid),
    list("hosts", "hosts file", |domains, script| {
        each(domains, |domain| script.line(format_args!("0.0.0.0 {domain}")));
    }),
    list("defender", "Microsoft Defender indicators (CSV)", defender),
    list("cloudflare", "Cloudflare Gateway list (CSV)", |domains, script| {
        script.line(format_args!("value,description"));
        each(domains, |domain| script.line(format_args!("{domain},unsanctioned app")));
    }),
];

/// The script for the patterns of all unsanctioned apps; `format` is a number or a name. `None` for a format
/// that is not made. Nothing to block is an empty script.
pub fn block_script<P: AsRef<str>>(format: &str, patterns: impl IntoIterator<Item = P>) -> Option<String> {
    let is_wanted = |known: &&BlockScriptFormat| {
        known.key.eq_ignore_ascii_case(format) || known.id.is_some_and(|id| format == id.to_string())
    };
    let format = BLOCK_SCRIPT_FORMATS.iter().find(is_wanted)?;
    let domains: BTreeSet<String> = patterns.into_iter().filter_map(|p| blockable(p.as_ref())).collect();
    let domains: Vec<String> = domains.into_iter().collect();
    let mut script = Script(String::new());
    if !domains.is_empty() {
        (format.write)(&domains, &mut script);
    }
    Some(script.0)
}

fn each(domains: &[String], write: impl FnMut(&String)) {
    domains.iter().for_each(write);
}

/// Objects by full name, which also refuse what is encrypted.
fn cisco_asa(domains: &[String], script: &mut Script) {
    for (number, domain) in (1..).zip(domains) {
        script.line(format_args!("object network casbah_block_{number}"));
        script.line(format_args!(" fqdn v4 {domain}"));
    }
    script.line(format_args!("object-group network casbah_block"));
    for number in 1..=domains.len() {
        script.line(format_args!(" network-object object casbah_block_{number}"));
    }
    script.line(format_args!("access-list casbah_block_acl extended deny ip any object-group casbah_block"));
}

fn fortigate(domains: &[String], script: &mut Script) {
    script
        .line(format_args!("config webfilter urlfilter\nedit 1\nset name \"casbah_block\"\nconfig entries"));
    // A wildcard in front of the dot leaves out the domain itself.
    let entries = domains.iter().flat_map(|domain| [("*.", domain, "wildcard"), ("", domain, "simple")]);
    for (number, (start, domain, kind)) in (1..).zip(entries) {
        script.line(format_args!(
            "edit {number}\nset url \"{start}{domain}\"\nset type {kind}\nset action block\nset status enable\nnext"
        ));
    }
    script.line(format_args!("end\nnext\nend"));
}

/// The final slash ends the host: without it `example.com` would be taken for the start of one.
fn palo_alto(domains: &[String], script: &mut Script) {
    let both: Vec<String> = domains.iter().map(|domain| format!("{domain}/ *.{domain}/")).collect();
    script.line(format_args!("set profiles custom-url-category casbah_block type \"URL List\""));
    script.line(format_args!("set profiles custom-url-category casbah_block list [ {} ]", both.join(" ")));
}

fn juniper_srx(domains: &[String], script: &mut Script) {
    let custom = "set security utm custom-objects";
    for domain in domains {
        for start in ["*.", ""] {
            script.line(format_args!("{custom} url-pattern casbah_block_urls value http://{start}{domain}"));
        }
    }
    script.line(format_args!("{custom} custom-url-category casbah_block value casbah_block_urls"));
    script.line(format_args!("set security utm feature-profile web-filtering url-blacklist casbah_block"));
}

/// Squid warns of a list that names a domain and one below it, and ignores one of them.
fn squid(domains: &[String], script: &mut Script) {
    let known: BTreeSet<&str> = domains.iter().map(String::as_str).collect();
    let covered = |domain: &str| {
        let above = domain.match_indices('.').map(|(dot, _)| &domain[dot + 1..]);
        above.into_iter().any(|parent| known.contains(parent))
    };
    for domain in domains.iter().filter(|domain| !covered(domain)) {
        script.line(format_args!("acl casbah_block dstdomain .{domain}"));
    }
    script.line(format_args!("http_access deny casbah_block"));
}

/// The columns that the portal of Microsoft Defender imports.
fn defender(domains: &[String], script: &mut Script) {
    script.line(format_args!(
        "IndicatorType,IndicatorValue,ExpirationTime,Action,Severity,Title,Description,RecommendedActions,\
         RbacGroups,Category,MitreTechniques,GenerateAlert"
    ));
    for domain in domains {
        script.line(format_args!(
            "DomainName,{domain},,Block,Informational,Unsanctioned app,Unsanctioned in Casbah,,,,,FALSE"
        ));
    }
}

/// The domain an appliance without wildcards and paths can refuse in place of a pattern.
fn blockable(pattern: &str) -> Option<String> {
    let host = pattern.trim().trim_start_matches('=').to_lowercase();
    // An app that is one path of a host cannot be told apart without seeing paths, and refusing the host
    // would refuse other apps. Anything else that is no host, such as a line end in a domain somebody typed,
    // would become a command of its own on the appliance.
    let is_host = host.chars().all(|c| c.is_alphanumeric() || "-_.*".contains(c));
    if host.is_empty() || !is_host {
        return None;
    }
    if host.contains('*') {
        // `*-files.example.com` becomes `example.com`, but never a suffix that many share.
        return fixed_suffix(&host).filter(|suffix| !is_public_suffix(suffix)).map(str::to_owned);
    }
    match host.is_ascii() {
        true => Some(host),
        false => url::Host::parse(&host).ok().map(|host| host.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, patterns: &[&str], expected: Option<&str>) {
        assert_eq!(block_script(format, patterns).as_deref(), expected);
    }

    #[test]
    fn one_line_a_domain() {
        let apps = ["files.example.net", "Example.com", "example.com"];
        check("102", &apps, Some("url.domain=example.com deny\nurl.domain=files.example.net deny\n"));
        check("120", &apps, Some(".example.com\n.files.example.net\n"));
        check("Zscaler", &apps, Some(".example.com\n.files.example.net\n"));
        check(
            "135",
            &apps,
            Some("dest_host=example.com action=deny\ndest_host=files.example.net action=deny\n"),
        );
        check("domains", &apps, Some("example.com\nfiles.example.net\n"));
        check("hosts", &apps, Some("0.0.0.0 example.com\n0.0.0.0 files.example.net\n"));
        check(
            "cloudflare",
            &apps,
            Some("value,description\nexample.com,unsanctioned app\nfiles.example.net,unsanctioned app\n"),
        );
        check("999", &apps, None);
        check("", &apps, None);
    }

    #[test]
    fn appliances_have_their_commands() {
        let apps = ["example.com", "files.example.net"];
        check(
            "104",
            &apps,
            Some(
                "object network casbah_block_1\n fqdn v4 example.com\nobject network casbah_block_2\n \
                 fqdn v4 files.example.net\nobject-group network casbah_block\n network-object object \
                 casbah_block_1\n network-object object casbah_block_2\naccess-list casbah_block_acl extended \
                 deny ip any object-group casbah_block\n",
            ),
        );
        check(
            "112",
            &apps,
            Some(
                "set profiles custom-url-category casbah_block type \"URL List\"\nset profiles \
                 custom-url-category casbah_block list [ example.com/ *.example.com/ files.example.net/ \
                 *.files.example.net/ ]\n",
            ),
        );
        let fortigate = block_script("108", apps).unwrap();
        assert!(fortigate.starts_with(
            "config webfilter urlfilter\nedit 1\nset name \"casbah_block\"\nconfig entries\nedit 1\nset url \
             \"*.example.com\"\nset type wildcard\nset action block\nset status enable\nnext\nedit 2\nset url \
             \"example.com\"\nset type simple\n"
        ));
        assert!(fortigate.ends_with("next\nend\nnext\nend\n"));
        let juniper = block_script("129", apps).unwrap();
        let start = "set security utm custom-objects url-pattern casbah_block_urls value http://";
        assert!(juniper.contains(&format!("{start}*.files.example.net\n{start}files.example.net\n")));
        assert!(
            juniper.ends_with("set security utm feature-profile web-filtering url-blacklist casbah_block\n")
        );
        let defender = block_script("defender", apps).unwrap();
        let mut rows = csv::Reader::from_reader(defender.as_bytes());
        assert_eq!(rows.headers().unwrap().len(), 12);
        let values: Vec<String> = rows.records().map(|row| row.unwrap()[1].to_owned()).collect();
        assert_eq!(values, apps);
    }

    #[test]
    fn what_cannot_be_said_is_left_out() {
        for format in BLOCK_SCRIPT_FORMATS {
            check(format.key, &[], Some(""));
            check(format.key, &["linkedin.com/learning", "10.0.0.0/8", "2001:db8::/32"], Some(""));
        }
        check("102", &["a.example deny\nurl.domain=b.example allow"], Some(""));
        check(
            "120",
            &["*-my.sharepoint.com", "s3.*.example.org", "=only.example.net"],
            Some(".example.org\n.only.example.net\n.sharepoint.com\n"),
        );
        check("120", &["*.s3.amazonaws.com", "*.co.uk", "*"], Some(""));
        check("120", &["bücher.example"], Some(".xn--bcher-kva.example\n"));
        check(
            "squid",
            &["example.com", "files.example.com", "badexample.com"],
            Some(
                "acl casbah_block dstdomain .badexample.com\nacl casbah_block dstdomain .example.com\nhttp_access deny casbah_block\n",
            ),
        );
    }
}
