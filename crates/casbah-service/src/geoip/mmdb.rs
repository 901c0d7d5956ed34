//! Makes small databases of addresses for tests, here and of the built binary.

use serde_json::{Value, json};

/// A file in MaxMind's format (version 2.0 of its specification) with a record for each network of IPv4.
pub(crate) fn database(kind: &str, networks: &[([u8; 4], usize, Value)]) -> Vec<u8> {
    // The tree: each node has two records, numbers of nodes or of data; IPv4 stands below 96 zeros.
    const EMPTY: usize = usize::MAX;
    const DATA: usize = usize::MAX / 2;
    let mut nodes = vec![[EMPTY; 2]];
    let mut data = Vec::new();
    for (address, bits, record) in networks {
        let offset = data.len();
        encode("", record, &mut data);
        let mut node = 0;
        let path: Vec<usize> = std::iter::repeat_n(0, 96)
            .chain((0..*bits).map(|bit| usize::from(address[bit / 8] >> (7 - bit % 8) & 1)))
            .collect();
        for (at, side) in path.iter().enumerate() {
            if at + 1 == path.len() {
                nodes[node][*side] = DATA + offset;
            } else {
                if nodes[node][*side] == EMPTY {
                    nodes.push([EMPTY; 2]);
                    nodes[node][*side] = nodes.len() - 1;
                }
                node = nodes[node][*side];
            }
        }
    }
    let count = nodes.len();
    let mut file = Vec::new();
    for node in &nodes {
        for record in node {
            let number = match *record {
                EMPTY => count,
                data if data >= DATA => count + 16 + (data - DATA),
                node => node,
            };
            file.extend((number as u32).to_be_bytes());
        }
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let about = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_795_435_200,
        "database_type": kind, "description": { "en": "made for a test" }, "ip_version": 6,
        "languages": ["en"], "node_count": count, "record_size": 32,
    });
    encode("", &about, &mut file);
    file
}

/// Numbers have the kind that readers expect under their key.
fn encode(key: &str, value: &Value, out: &mut Vec<u8>) {
    let head = |kind: u8, size: usize, out: &mut Vec<u8>| {
        assert!(size < 285);
        let (short, more) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
        // Kinds above 7 stand in a byte of their own.
        if kind < 8 {
            out.push(kind << 5 | short)
        } else {
            out.extend([short, kind - 7])
        }
        out.extend(more);
    };
    match value {
        Value::String(text) => {
            head(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) => match number.as_u64() {
            Some(whole) => {
                let kind = match key {
                    "build_epoch" => 9,
                    "node_count" | "autonomous_system_number" => 6,
                    _ => 5,
                };
                let bytes: Vec<u8> = whole.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
                head(kind, bytes.len(), out);
                out.extend(bytes);
            }
            None => {
                head(3, 8, out);
                out.extend(number.as_f64().expect("a number").to_be_bytes());
            }
        },
        Value::Array(all) => {
            head(11, all.len(), out);
            all.iter().for_each(|one| encode(key, one, out));
        }
        Value::Object(all) => {
            head(7, all.len(), out);
            for (key, one) in all {
                encode("", &json!(key), out);
                encode(key, one, out);
            }
        }
        other => panic!("{other}"),
    }
}
