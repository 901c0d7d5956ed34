//! What a prefix and a word are.

use super::{successor, words};

#[test]
fn a_prefix_ends_before_its_successor() {
    assert_eq!(successor("an").as_deref(), Some("ao"));
    assert_eq!(successor("a\u{10FFFF}").as_deref(), Some("b"));
    assert_eq!(successor("\u{D7FF}").as_deref(), Some("\u{E000}"));
    assert_eq!(successor(""), None);
    assert!("anna" < successor("an").unwrap_or_default().as_str());
}

#[test]
fn names_are_cut_into_words() {
    assert_eq!(words("Ada O'Neil"), ["ada", "ada o'neil", "neil", "o", "o'neil"]);
    assert_eq!(words(" - "), ["-"]);
    assert!(words("").is_empty());
}
