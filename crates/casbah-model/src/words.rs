//! The words of a text, as free-text search knows them.

/// Longer words are cut, in characters; so are those that are searched for.
const LONGEST: usize = 64;

/// The words of `text` in their order: runs of letters and digits of any script, in lower case.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The Greek sigma has two small forms, which are one letter.
    let lower = text.to_lowercase().replace('ς', "σ");
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        found.push(word.chars().take(LONGEST).collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected, "{text}");
        check("Log on: Mira@Lagoon.example", &["log", "on", "mira", "lagoon", "example"]);
        check("ÄRGER\tΟΔΟΣ 東京_1 100%", &["ärger", "οδοσ", "東京", "1", "100"]);
        check(" '\"*-() ", &[]);
        check(&"x".repeat(100), &[&"x".repeat(64)]);
    }
}
