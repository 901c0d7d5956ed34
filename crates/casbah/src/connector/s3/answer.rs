//! The XML of S3 as a tree: names without prefixes, texts, no attributes.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Deeper answers are none of S3's.
const DEEPEST: usize = 16;

/// An element.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

impl Node {
    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name.
    pub(super) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the child of that name; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }
}

/// The root element; none when that is no XML.
pub(super) fn tree(xml: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(xml).ok()?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let add = |open: &mut Vec<Node>, text: &str| {
        if let Some(node) = open.last_mut() {
            node.text.push_str(text);
        }
    };
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(Node { name: start.local_name().as_ref().to_string(), ..Node::default() });
                if open.len() > DEEPEST {
                    return None;
                }
            }
            Event::Empty(empty) => {
                let node = Node { name: empty.local_name().as_ref().to_string(), ..Node::default() };
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Some(node),
                }
            }
            Event::Text(text) => add(&mut open, &text),
            Event::CData(text) => add(&mut open, &text),
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(letter) => add(&mut open, letter.encode_utf8(&mut [0; 4])),
                None => add(&mut open, quick_xml::escape::resolve_predefined_entity(&name)?),
            },
            Event::End(_) => {
                let mut node = open.pop()?;
                if !node.children.is_empty() {
                    node.text.clear();
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Some(node),
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_is_read() {
        let xml = b"<?xml version=\"1.0\"?><List xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n<IsTruncated>true</IsTruncated>\
            <Contents><Key>a&amp;b&#x20;c</Key><ETag>&quot;x&quot;</ETag></Contents><Contents><Key><![CDATA[d]]></Key><Owner/></Contents></List>";
        let list = tree(xml).unwrap();
        assert_eq!(list.text("IsTruncated"), "true");
        let keys: Vec<&str> = list.all("Contents").map(|one| one.text("Key")).collect();
        assert_eq!(keys, ["a&b c", "d"]);
        assert_eq!(list.child("Contents").unwrap().text("ETag"), "\"x\"");
        for broken in [&b""[..], b"<a>", b"<a></b>", b"{}", b"<a>&unknown;</a>"] {
            assert_eq!(tree(broken), None, "{}", String::from_utf8_lossy(broken));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(xml in "[<>/a-c &;\"=\\[\\]!?#x0-9-]{0,60}") {
            let _ = tree(xml.as_bytes());
        }
    }
}
