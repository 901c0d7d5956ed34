//! The XML of a block list.

use casbah_service::uploads::{ListedBlock, Place};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Reads `<BlockList><Latest>id</Latest>…</BlockList>`; none when it is anything else. There are no
/// entities in such a list, so none are followed.
pub(super) fn parse(xml: &[u8]) -> Option<Vec<ListedBlock>> {
    let text = std::str::from_utf8(xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml)).ok()?;
    let mut reader = Reader::from_str(text);
    let mut list = Vec::new();
    let mut depth = 0;
    let mut open: Option<(Place, String)> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                depth += 1;
                match (depth, start.local_name().as_ref()) {
                    (1, "BlockList") => {}
                    (2, name) => open = Some((place(name)?, String::new())),
                    _ => return None,
                }
            }
            Event::Text(piece) => {
                let piece: &str = &piece;
                match &mut open {
                    Some((_, id)) => id.push_str(piece),
                    None if piece.trim().is_empty() => {}
                    None => return None,
                }
            }
            Event::End(_) => {
                depth -= 1;
                if let Some((place, id)) = open.take() {
                    list.push(ListedBlock { place, id: id.trim().to_string() });
                }
                if depth == 0 {
                    return Some(list);
                }
            }
            // An empty list makes an empty blob.
            Event::Empty(empty) if depth == 0 && empty.local_name().as_ref() == "BlockList" => {
                return Some(list);
            }
            Event::Decl(_) | Event::Comment(_) => {}
            _ => return None,
        }
    }
}

fn place(name: &str) -> Option<Place> {
    match name {
        "Latest" => Some(Place::Latest),
        "Committed" => Some(Place::Committed),
        "Uncommitted" => Some(Place::Uncommitted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(xml: &str, expected: Option<&str>) {
        let read = parse(xml.as_bytes()).map(|list| {
            let entries: Vec<String> = list.iter().map(|e| format!("{:?}:{}", e.place, e.id)).collect();
            entries.join(" ")
        });
        assert_eq!(read.as_deref(), expected, "{xml}");
    }

    #[test]
    fn lists_are_read_in_order() {
        let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n <Latest>QQ==</Latest>\
            <Committed>Qg==</Committed><Uncommitted>Qw==</Uncommitted></BlockList>";
        check(xml, Some("Latest:QQ== Committed:Qg== Uncommitted:Qw=="));
        check("<BlockList></BlockList>", Some(""));
        check("<BlockList/>", Some(""));
    }

    #[test]
    fn anything_else_is_not_a_list() {
        for xml in [
            "",
            "<BlockList>",
            "<BlockList><Latest>QQ==</BlockList>",
            "<Other><Latest>QQ==</Latest></Other>",
            "<BlockList><Oldest>QQ==</Oldest></BlockList>",
            "<BlockList>text</BlockList>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><BlockList><Latest>&a;</Latest></BlockList>",
            "<BlockList><Latest>&a;</Latest></BlockList>",
            "{\"a\":1}",
        ] {
            check(xml, None);
        }
    }
}
