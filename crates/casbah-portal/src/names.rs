//! Names that were chosen by strangers, on pages where people decide whom to trust.

use casbah_authority::seed;
use casbah_model::Guid;
use casbah_model::names::is_invisible;

/// Words that an application could borrow trust from.
const TRUSTED: &[&str] = &["microsoft", "casbah", "azure", "entra", "office365", "defender", "admin"];

/// A name with what cannot be seen, or turns the text around, made visible.
pub(crate) fn shown(name: &str) -> String {
    let visible = |c: char| if c.is_control() || is_invisible(c) { '\u{FFFD}' } else { c };
    name.chars().map(visible).collect()
}

/// What to tell people about an application's name, if it could mislead them.
pub(crate) fn warning(name: &str, application: Guid) -> Option<&'static str> {
    if [seed::CLOUD_APPS, seed::DIRECTORY, seed::CLI, seed::PORTAL].contains(&application) {
        return None;
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Some("The name contains characters that cannot be seen. It may pose as another application.");
    }
    if mixes_scripts(name) {
        return Some("The name mixes letters of different scripts. It may pose as another application.");
    }
    let name = folded(name);
    if TRUSTED.iter().any(|word| name.contains(&folded(word))) {
        return Some("The name resembles that of a well-known product. This application is not part of it.");
    }
    None
}

/// Latin next to Cyrillic, Greek, Cherokee, Armenian or styled letters within the name.
fn mixes_scripts(name: &str) -> bool {
    let latin = name.chars().any(|c| c.is_ascii_alphabetic());
    let look_alike = |c: char| {
        matches!(c,
            '\u{0370}'..='\u{052F}' | '\u{0531}'..='\u{058F}' | '\u{13A0}'..='\u{13FF}'
            | '\u{1D00}'..='\u{1DBF}' | '\u{1F00}'..='\u{1FFF}' | '\u{2100}'..='\u{214F}'
            | '\u{2C80}'..='\u{2DFF}' | '\u{A640}'..='\u{A69F}' | '\u{FF00}'..='\u{FFEF}'
            | '\u{1D400}'..='\u{1D7FF}')
    };
    name.chars().any(look_alike)
        && (latin || name.chars().filter(|c| c.is_alphabetic()).all(look_alike_alone))
}

/// Letters that are hardly ever a whole name's script but copy Latin ones: full width and styled.
fn look_alike_alone(c: char) -> bool {
    matches!(c, '\u{2100}'..='\u{214F}' | '\u{FF00}'..='\u{FFEF}' | '\u{1D400}'..='\u{1D7FF}' | '\u{1D00}'..='\u{1DBF}')
}

/// A name as a hasty reader takes it.
fn folded(name: &str) -> String {
    let letters: String = name.chars().filter(|c| !c.is_whitespace()).filter_map(fold).collect();
    letters.replace("rn", "m").replace("vv", "w")
}

/// A character as a hasty reader takes it.
fn fold(c: char) -> Option<char> {
    let lower = c.to_lowercase().next()?;
    Some(match lower {
        '0' => 'o',
        '1' | 'l' | '|' | '!' | 'ı' | 'í' | 'ì' | 'ï' | 'î' => 'i',
        '3' => 'e',
        '5' | '$' => 's',
        '@' | 'á' | 'à' | 'â' | 'ä' | 'å' | 'ã' => 'a',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'ç' | 'ć' | 'č' => 'c',
        // Hyphens and the like, and marks that stand over or under a letter.
        '-' | '_' | '.' | '\'' | '\u{0300}'..='\u{036F}' => return None,
        other => other,
    })
}
