//! What a new password must be like. Pure.
//!
//! Length and commonness are what protects (NIST SP 800-63B, section 3.1.1.2); no rule asks for certain
//! kinds of character.

use casbah_model::{Secret, SignInSettings};

/// Longer ones are refused, so that nobody sends books to be hashed.
const LONGEST: usize = 256;
/// No setting makes passwords shorter than this acceptable.
const SHORTEST: u32 = 8;
/// Parts of a name that are too short to say anything.
const SHORT_PART: usize = 4;

/// The commonest passwords and the words that people make theirs from, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Checks a new password for a person with these names (sign-in name, full name, ...).
///
/// # Errors
/// One sentence for the person.
pub fn check_new_password(
    settings: &SignInSettings,
    names: &[&str],
    password: &Secret,
) -> Result<(), String> {
    let text = password.expose();
    let least = settings.password_min_length.clamp(SHORTEST, LONGEST as u32);
    let length = text.chars().count();
    if length < least as usize || length > LONGEST {
        return Err(format!("must have {least} to {LONGEST} characters."));
    }
    let folded = fold(text);
    let core = folded.trim_matches(|c: char| !c.is_alphabetic());
    let lower = text.to_lowercase();
    let is_common = |word: &str| COMMON.lines().any(|line| line == word);
    if is_common(&lower) || is_common(&folded) || is_common(core) || repeats(&lower) {
        return Err("is one of the commonest, which are guessed first. Take several unusual words.".into());
    }
    for name in names {
        let parts = name.split(|c: char| !c.is_alphanumeric()).chain([*name]);
        for part in parts.map(str::to_lowercase).filter(|part| part.chars().count() >= SHORT_PART) {
            // A long sentence may mention its author.
            if lower.contains(&part) && length < part.chars().count() + SHORTEST as usize {
                return Err("must not be made from your name.".into());
            }
        }
    }
    Ok(())
}

/// Lower case, with digits and signs that stand for letters put back.
fn fold(text: &str) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    // What follows the word stays as it is: 1 and ! there are no letters.
    let word = text.trim_end_matches(|c: char| !c.is_alphabetic());
    let rest = &text[word.len()..];
    word.to_lowercase().chars().map(letter).collect::<String>() + rest
}

/// One character, or a short piece, over and over.
fn repeats(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    (1..=characters.len() / 2)
        .take_while(|size| *size <= 4)
        .any(|size| characters.chunks(size).all(|chunk| characters.starts_with(chunk)))
}

#[cfg(test)]
mod tests;
