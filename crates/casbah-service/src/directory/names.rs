//! What a name may look like.

use crate::Error;

/// Longest name for people, as in Entra.
const LONGEST: usize = 256;

/// A name shown to people: trimmed, not empty, and free of characters that change what the reader
/// sees (a name that turns the direction of the text can pose as another on a consent page).
pub(crate) fn display_name(field: &str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(field, "must not be empty."));
    }
    if name.chars().count() > LONGEST {
        return Err(Error::invalid(field, format!("must not be longer than {LONGEST} characters.")));
    }
    if name.chars().any(|c| c.is_control() || invisible(c)) {
        return Err(Error::invalid(
            field,
            "must not contain control characters, invisible characters or marks that turn the direction of the text.",
        ));
    }
    Ok(name.to_string())
}

/// Zero-width characters, direction marks, embeddings, overrides, isolates, tags.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A sign-in name `local@domain` in one of the tenant's domains.
pub(super) fn user_principal_name(name: &str, domains: &[String]) -> Result<String, Error> {
    const FIELD: &str = "userPrincipalName";
    let name = name.trim();
    let Some((local, domain)) = name.split_once('@') else {
        return Err(Error::invalid(FIELD, "must have the form name@domain."));
    };
    let usual = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    if local.is_empty() || local.len() > 64 || local.ends_with('.') || !local.chars().all(usual) {
        return Err(Error::invalid(
            FIELD,
            "the part before the @ holds 1 to 64 of the characters A-Z a-z 0-9 ' . - _ ! # ^ ~ and does not end in a dot.",
        ));
    }
    if !domains.iter().any(|d| d.eq_ignore_ascii_case(domain)) {
        return Err(Error::invalid(
            FIELD,
            format!("the domain must be one of this tenant's: {}.", domains.join(", ")),
        ));
    }
    Ok(name.to_string())
}

/// A domain of a tenant, in lower case.
pub(super) fn domain(name: &str) -> Result<String, Error> {
    let name = name.trim().to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    // At least one dot: a bare word could be one of the reserved tenant names, such as `common`.
    if name.len() > 253 || !name.contains('.') || !name.split('.').all(label) {
        return Err(Error::invalid(
            "domains",
            format!("{name:?} is not a domain name such as contoso.example."),
        ));
    }
    Ok(name)
}

/// `mailNickname`: 1 to 64 characters of ASCII without what separates addresses, as in Graph.
pub(super) fn mail_nickname(name: &str) -> Result<String, Error> {
    let usual = |c: char| c.is_ascii_graphic() && !"@()\\[]\";:<>,".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(usual) {
        return Ok(name.to_string());
    }
    Err(Error::invalid(
        "mailNickname",
        "must have 1 to 64 characters of ASCII without spaces and @()\\[]\";:<>,.",
    ))
}
