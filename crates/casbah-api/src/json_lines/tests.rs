//! Lines come out the same however they arrive, and what is wrong with a body is said.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;

use super::{LONGEST_LINE, Lines, Stored, take_in};
use crate::problem::Problem;

const LIMIT: u64 = 2 * 1024 * 1024;

fn in_pieces(bytes: &[u8], size: usize) -> Body {
    let pieces: Vec<io::Result<Bytes>> =
        bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body::from_stream(stream::iter(pieces))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// The lines with their numbers; a refused one as its reason.
async fn lines(body: Body) -> Vec<(u64, String)> {
    let mut lines = Lines::new(&HeaderMap::new(), body, LIMIT).expect("a body of a kind that is read");
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next().await.expect("a whole body") {
        let text = match line {
            Ok(line) => String::from_utf8_lossy(line).into_owned(),
            Err(refusal) => refusal.why,
        };
        found.push((number, text));
    }
    found
}

#[tokio::test]
async fn lines_do_not_depend_on_how_they_arrive() {
    let long = "x".repeat(LONGEST_LINE + 1);
    let text = format!("\u{feff}{{\"a\":1}}\r\n\n  \n{{\"b\":2}}\n{long}\n{{\"c\":3}}");
    let too_long = format!("The line is longer than {LONGEST_LINE} bytes.");
    let expected = [(1, "{\"a\":1}"), (4, "{\"b\":2}"), (5, too_long.as_str()), (6, "{\"c\":3}")]
        .map(|(n, t)| (n, t.to_string()));
    let plain = text.as_bytes();
    let (first, second) = plain.split_at(9);
    let members = [gzip(first), gzip(second)].concat();
    for bytes in [plain, &gzip(plain), &members] {
        for size in [1, 3, 1000, 1 << 20, usize::MAX] {
            if bytes.len() / size > 100_000 {
                continue;
            }
            assert_eq!(lines(in_pieces(bytes, size)).await, expected, "{} in {size}", bytes.len());
        }
    }
    assert_eq!(lines(Body::empty()).await, []);
    // The last line may be the long one.
    assert_eq!(lines(in_pieces(long.as_bytes(), 4096)).await, [(1, too_long)]);
}

/// The text of a refusal, and its status.
async fn refusal(headers: &HeaderMap, body: Body) -> (u16, String) {
    let read = |_: &[u8], _: &_| Ok(());
    let store = async |batch: Vec<()>| Ok(Stored { stored: batch.len(), unchanged: 0 });
    let problem: Problem = take_in(headers, body, LIMIT, read, store).await.expect_err("a refusal");
    let response = axum::response::IntoResponse::into_response(problem);
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    (status, body["errors"][0]["error"].as_str().expect("a text").to_string())
}

#[tokio::test]
async fn a_body_that_breaks_off_says_what_was_kept() {
    let lines = "{}\n".repeat(600);
    // The first member is whole, the second lacks its end.
    let packed = [gzip(lines.as_bytes()), gzip(b"{}")].concat();
    let (status, text) = refusal(&HeaderMap::new(), in_pieces(&packed[..packed.len() - 4], 64)).await;
    assert_eq!(status, 400);
    assert!(text.contains("gzip stream is damaged or cut off"), "{text}");
    assert!(text.contains("600 records were stored"), "{text}");
    let pieces = vec![Ok(Bytes::from(lines)), Err(io::Error::other("gone"))];
    let (status, text) = refusal(&HeaderMap::new(), Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(status, 400);
    assert!(text.starts_with("The body broke off.") && text.contains("600 records were stored"), "{text}");
}

#[tokio::test]
async fn bodies_that_are_too_large_or_of_another_kind_are_refused() {
    let with = |name: header::HeaderName, value: &'static str| {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    };
    // Before a byte is read ...
    let announced = with(header::CONTENT_LENGTH, "999999999");
    assert_eq!(refusal(&announced, Body::from("{}")).await.0, 413);
    // ... while reading ...
    assert_eq!(refusal(&HeaderMap::new(), in_pieces(&vec![b' '; 3 << 20], 1 << 20)).await.0, 413);
    // ... and when a small body unfolds to a huge one.
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(refusal(&HeaderMap::new(), in_pieces(&bomb, 1 << 16)).await.0, 413);
    assert_eq!(
        refusal(&with(header::CONTENT_TYPE, "multipart/form-data; boundary=x"), Body::empty()).await.0,
        415
    );
    assert_eq!(refusal(&with(header::CONTENT_ENCODING, "br"), Body::empty()).await.0, 415);
}
