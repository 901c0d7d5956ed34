//! Scripts that make an appliance refuse the apps a tenant has marked as unsanctioned.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::catalogue::{fixed_suffix, is_public_suffix};

/// An appliance a script can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockScriptFormat {
    /// The number of the API, which is the log type of the appliance.
    pub id: u16,
    /// As shown.
    pub name: &'static str,
    before: &'static str,
    after: &'static str,
}

/// All appliances scripts are made for.
pub const BLOCK_SCRIPT_FORMATS: &[BlockScriptFormat] = &[
    BlockScriptFormat { id: 102, name: "BlueCoat ProxySG", before: "url.domain=", after: " deny" },
    BlockScriptFormat { id: 120, name: "Zscaler", before: ".", after: "" },
    BlockScriptFormat { id: 135, name: "Websense", before: "dest_host=", after: " action=deny" },
];

/// The script for the patterns of all unsanctioned apps; `None` for a format that is not made. Nothing to
/// block is an empty script.
pub fn block_script<P: AsRef<str>>(format: u16, patterns: impl IntoIterator<Item = P>) -> Option<String> {
    let format = BLOCK_SCRIPT_FORMATS.iter().find(|known| known.id == format)?;
    let domains: BTreeSet<String> = patterns.into_iter().filter_map(|p| blockable(p.as_ref())).collect();
    let mut script = String::new();
    for domain in domains {
        // Writing to a string cannot fail.
        let _ = writeln!(script, "{}{domain}{}", format.before, format.after);
    }
    Some(script)
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
    if !host.contains('*') {
        return Some(host);
    }
    // `*-files.example.com` becomes `example.com`, but never a suffix that many share.
    fixed_suffix(&host).filter(|suffix| !is_public_suffix(suffix)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::block_script;

    fn check(format: u16, patterns: &[&str], expected: Option<&str>) {
        assert_eq!(block_script(format, patterns).as_deref(), expected);
    }

    #[test]
    fn one_line_a_domain() {
        let apps = ["files.example.net", "Example.com", "example.com"];
        check(102, &apps, Some("url.domain=example.com deny\nurl.domain=files.example.net deny\n"));
        check(120, &apps, Some(".example.com\n.files.example.net\n"));
        check(
            135,
            &apps,
            Some("dest_host=example.com action=deny\ndest_host=files.example.net action=deny\n"),
        );
        check(999, &apps, None);
    }

    #[test]
    fn what_cannot_be_said_is_left_out() {
        check(120, &[], Some(""));
        check(120, &["linkedin.com/learning", "10.0.0.0/8", "2001:db8::/32"], Some(""));
        check(102, &["a.example deny\nurl.domain=b.example allow"], Some(""));
        check(
            120,
            &["*-my.sharepoint.com", "s3.*.example.org", "=only.example.net"],
            Some(".example.org\n.only.example.net\n.sharepoint.com\n"),
        );
        check(120, &["*.s3.amazonaws.com", "*.co.uk", "*"], Some(""));
    }
}
