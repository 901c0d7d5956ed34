//! What a name may look like.

use casbah_model::names::{LONGEST_NAME, is_domain, is_invisible};

use crate::Error;

/// A name shown to people: trimmed, not empty, and free of characters that change what the reader
/// sees (a name that turns the direction of the text can pose as another on a consent page).
pub(crate) fn display_name(field: &str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(field, "must not be empty."));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Error::invalid(field, format!("must not be longer than {LONGEST_NAME} characters.")));
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(Error::invalid(
            field,
            "must not contain control characters, invisible characters or marks that turn the direction of the text.",
        ));
    }
    Ok(name.to_string())
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
    if !is_domain(&name) {
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
