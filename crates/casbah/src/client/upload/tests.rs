use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use super::*;

/// A blob endpoint that takes everything; answers the request lines and the sizes of the bodies.
fn take(requests: usize) -> (String, std::thread::JoinHandle<Vec<(String, usize)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/upload/t/u?sig=s", listener.local_addr().unwrap());
    let taken = std::thread::spawn(move || {
        let mut taken = Vec::new();
        while taken.len() < requests {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_ascii_lowercase());
            }
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let line = head[0].replace(" http/1.1", "").replace("/upload/t/u?sig=s", "");
            assert!(
                !head.iter().any(|line| line.starts_with("authorization")),
                "the address carries its own right"
            );
            taken.push((line, body.len()));
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        }
        taken
    });
    (address, taken)
}

fn check(content: &[u8], size: Option<u64>, expected: &[(&str, usize)]) {
    let (address, taken) = take(expected.len());
    let http = Http::new(None).unwrap();
    let mut sent = 0;
    send(&http, &address, &mut &content[..], size, &mut |bytes| sent += bytes).unwrap();
    assert_eq!(sent, content.len() as u64);
    let taken = taken.join().unwrap();
    assert_eq!(taken.iter().map(|(line, size)| (line.as_str(), *size)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_small_file_goes_in_one_request() {
    check(b"one line\n", Some(9), &[("put ", 9)]);
    check(b"", Some(0), &[("put ", 0)]);
}

#[test]
fn a_short_pipe_goes_in_one_request() {
    check(b"one line\n", None, &[("put ", 9)]);
}

#[test]
fn a_long_pipe_goes_in_blocks() {
    let list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList></BlockList>".len()
        + 3 * "<Latest>00000000</Latest>".len();
    check(
        &vec![b'x'; 2 * BLOCK + 5],
        None,
        &[
            ("put &comp=block&blockid=00000000", BLOCK),
            ("put &comp=block&blockid=00000001", BLOCK),
            ("put &comp=block&blockid=00000002", 5),
            ("put &comp=blocklist", list),
        ],
    );
}
