use std::path::Path;

use super::{Language, SWEDISH};
use http::{HeaderMap, header};

/// The first string literal after each call of `name(` in Rust source, with its escapes undone.
fn literals(source: &str, name: &str, found: &mut Vec<String>, more: usize) {
    let call = format!("{name}(");
    for (at, _) in source.match_indices(&call) {
        let before = source[..at].chars().next_back().unwrap_or(' ');
        if before.is_alphanumeric() || before == '_' {
            continue;
        }
        let mut rest = source[at + call.len()..].trim_start();
        for _ in 0..more {
            let Some(text) = rest.strip_prefix('"') else { break };
            let mut out = String::new();
            let mut chars = text.char_indices();
            let mut end = None;
            while let Some((i, c)) = chars.next() {
                match c {
                    '"' => {
                        end = Some(i + 1);
                        break;
                    }
                    '\\' => match chars.next() {
                        Some((_, '\n')) => {
                            while chars.clone().next().is_some_and(|(_, c)| c == ' ') {
                                chars.next();
                            }
                        }
                        Some((_, 'n')) => out.push('\n'),
                        Some((_, c)) => out.push(c),
                        None => break,
                    },
                    c => out.push(c),
                }
            }
            let Some(end) = end else { break };
            found.push(out);
            rest = text[end..].trim_start().trim_start_matches(',').trim_start();
        }
    }
}

fn sources(folder: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            all.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Every sentence that the portal can say.
fn said() -> Vec<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal"), &mut files);
    let mut found = Vec::new();
    for source in &files {
        literals(source, "t", &mut found, 1);
        literals(source, "filled", &mut found, 1);
        literals(source, "counted", &mut found, 2);
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn every_sentence_has_its_swedish_and_none_is_left_over() {
    let said = said();
    let lacking: Vec<_> = said.iter().filter(|text| !SWEDISH.contains_key(*text)).collect();
    assert!(lacking.is_empty(), "text/sv.json lacks {lacking:#?}");
    let unused: Vec<_> = SWEDISH.keys().filter(|text| !said.contains(text)).collect();
    assert!(unused.is_empty(), "nobody says {unused:#?}");
}

#[test]
fn a_translation_has_the_same_blanks() {
    let blanks = |text: &str| {
        let mut names: Vec<_> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|p| p.0.to_string())
            .collect();
        names.sort();
        names
    };
    for (english, swedish) in SWEDISH.iter() {
        assert_eq!(blanks(english), blanks(swedish), "{english}");
    }
}

#[test]
fn the_browser_says_what_it_would_rather_read() {
    let check = |list: &str, expected: Language| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, list.parse().unwrap());
        assert_eq!(Language::of(&headers), expected, "{list}");
    };
    check("sv-SE,sv;q=0.9,en;q=0.8", Language::Swedish);
    check("en;q=0.8, SV;q=0.9", Language::Swedish);
    check("de, fr;q=0.5", Language::English);
    check("en-GB, sv;q=0.9", Language::English);
    check("sv;q=0", Language::English);
    check("", Language::English);
}
