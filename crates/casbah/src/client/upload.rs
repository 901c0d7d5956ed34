//! Uploading a log: the address, the bytes, and the word that they are all there.

use std::io::Read;

use serde_json::{Value, json};

use super::directory::encode;
use super::failure::Failure;
use super::http::{Body, Http};
use super::{Audience, Session};

/// Up to this size one request carries the file; above it, blocks (as Microsoft's API asks for).
pub const SINGLE_PUT: u64 = 64 * 1024 * 1024;

/// Size of one block.
const BLOCK: usize = 8 * 1024 * 1024;

/// What is uploaded, and as what.
pub struct Upload<'a> {
    /// Name of the file.
    pub filename: &'a str,
    /// Log format.
    pub source: &'a str,
    /// Name of the stream, or of the new snapshot report.
    pub stream: &'a str,
    /// Whether it makes a snapshot report of its own.
    pub snapshot: bool,
}

impl Session {
    /// Uploads a log. `advance` hears of every byte sent; `size` is none for a pipe. Answers what
    /// `done_upload` answered.
    pub fn upload(
        &self,
        upload: &Upload<'_>,
        content: &mut dyn Read,
        size: Option<u64>,
        advance: &mut dyn FnMut(u64),
    ) -> Result<Value, Failure> {
        let address = self.upload_address(upload)?;
        send(&self.http, &address, content, size, advance)?;
        let body = json!({ "uploadUrl": address, "inputStreamName": upload.stream, "uploadAsSnapshot": upload.snapshot });
        self.api("POST", "/api/v1/discovery/done_upload/", Some(&body))
    }

    fn upload_address(&self, upload: &Upload<'_>) -> Result<String, Failure> {
        let path = format!(
            "/api/v1/discovery/upload_url/?filename={}&source={}",
            encode(upload.filename),
            encode(upload.source)
        );
        let answer = self.call(Audience::Api, "GET", &path, None)?.json()?;
        answer
            .get("url")
            .and_then(Value::as_str)
            .map(str::to_string)
            .ok_or_else(|| Failure::shape("upload address"))
    }
}

/// Sends the bytes; the address carries its own right, so no token goes with them.
pub fn send(
    http: &Http,
    address: &str,
    content: &mut dyn Read,
    size: Option<u64>,
    advance: &mut dyn FnMut(u64),
) -> Result<(), Failure> {
    match size {
        Some(size) if size <= SINGLE_PUT => put_whole(http, address, &mut Counted { content, advance }, size),
        _ => put_blocks(http, address, &mut Counted { content, advance }),
    }
}

fn put_whole(http: &Http, address: &str, content: &mut dyn Read, size: u64) -> Result<(), Failure> {
    let headers = [("x-ms-blob-type", "BlockBlob"), ("content-type", "application/octet-stream")];
    http.send("PUT", address, &headers, Body::Reader(content, size))?.checked().map(|_| ())
}

/// Blocks, then the list that makes them one file. Input that turns out to be a single block is sent whole.
fn put_blocks(http: &Http, address: &str, content: &mut dyn Read) -> Result<(), Failure> {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    let mut block = read_block(content)?;
    if block.len() < BLOCK {
        let size = block.len() as u64;
        return put_whole(http, address, &mut block.as_slice(), size);
    }
    for number in 0_u32.. {
        // All ids of one file have one length; eight hex digits are valid base64 as they stand.
        let id = format!("{number:08x}");
        let url = format!("{address}&comp=block&blockid={id}");
        http.send("PUT", &url, &[], Body::Bytes("application/octet-stream", &block))?.checked()?;
        list.push_str(&format!("<Latest>{id}</Latest>"));
        block = read_block(content)?;
        if block.is_empty() {
            break;
        }
    }
    list.push_str("</BlockList>");
    let url = format!("{address}&comp=blocklist");
    http.send("PUT", &url, &[], Body::Bytes("application/xml", list.as_bytes()))?.checked().map(|_| ())
}

fn read_block(content: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let mut block = Vec::with_capacity(BLOCK);
    content.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(block)
}

/// A reader that tells how far it has come.
struct Counted<'a> {
    content: &'a mut dyn Read,
    advance: &'a mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.content.read(buffer)?;
        (self.advance)(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
