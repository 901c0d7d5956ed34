//! Names and addresses that strangers chose.

/// Longest name for people, as in Entra.
pub const LONGEST_NAME: usize = 256;

/// Zero-width characters, direction marks, embeddings, overrides, isolates, tags: what cannot be seen, or
/// turns the text around it.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A name without what cannot be seen, cut to the longest that there may be; none when nothing is left.
pub fn tidy_name(name: &str) -> Option<String> {
    let seen: String = name.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let name: String = seen.trim().chars().take(LONGEST_NAME).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_string())
}

/// Whether a text is a domain name with at least one dot, in lower case.
pub fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-')
    };
    // At least one dot: a bare word could be one of the reserved tenant names, such as `common`.
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

/// A mail address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailAddress {
    /// What stands before the @.
    pub local: String,
    /// The domain, in lower case.
    pub domain: String,
}

impl MailAddress {
    /// Reads an address as people have them: ASCII, without quotes, comments or an address literal.
    pub fn parse(text: &str) -> Option<MailAddress> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let usual = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let domain = domain.to_ascii_lowercase();
        let good = (1..=64).contains(&local.len()) && local.bytes().all(usual) && is_domain(&domain);
        good.then(|| MailAddress { local: local.to_string(), domain })
    }

    /// Whether it can be somebody's sign-in name: without characters that only mail knows, and without the mark of
    /// guests.
    pub fn is_sign_in_name(&self) -> bool {
        let usual = |c: char| c.is_ascii_alphanumeric() || "'.-_!^~".contains(c);
        self.local.chars().all(usual) && !self.local.ends_with('.')
    }

    /// The sign-in name of a guest with this address, as Entra makes them; `more` keeps two apart that would
    /// be the same.
    pub fn guest_name(&self, more: &str, domain_of_tenant: &str) -> String {
        let usual = |c: char| if c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c) { c } else { '_' };
        let local: String = self.local.chars().map(usual).collect();
        format!("{local}_{}{more}#EXT#@{domain_of_tenant}", self.domain)
    }
}

impl std::fmt::Display for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::{MailAddress, tidy_name};

    #[test]
    fn addresses_are_read_and_make_guest_names() {
        let address = MailAddress::parse(" Bob+x@Partner.Example ").expect("an address");
        assert_eq!(address.to_string(), "Bob+x@partner.example");
        assert_eq!(address.guest_name("", "contoso.example"), "Bob_x_partner.example#EXT#@contoso.example");
        assert!(!address.is_sign_in_name());
        let address = MailAddress::parse("o'neil@contoso.example").expect("an address");
        assert!(address.is_sign_in_name());
        for wrong in [
            "",
            "bob",
            "@x.example",
            "bob@",
            "bob@localhost",
            "a b@x.example",
            "a@b@x.example",
            "a@[127.0.0.1]",
            "\"a\"@x.example",
            "bób@x.example",
        ] {
            assert_eq!(MailAddress::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_lose_what_cannot_be_seen() {
        assert_eq!(tidy_name(" A\u{202E}da\n "), Some("Ada".to_string()));
        assert_eq!(tidy_name("\u{200B} "), None);
        assert_eq!(tidy_name(&"x".repeat(300)).map(|name| name.len()), Some(256));
    }
}
