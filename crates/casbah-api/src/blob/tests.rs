//! The blob protocol, as uploaders of many makes speak it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::testing::{Reply, UPLOAD_LIMIT, World, request};

async fn address(world: &World) -> String {
    let answer = world.get("/api/v1/discovery/upload_url/?filename=../../etc/passwd&source=SQUID").await.ok();
    answer["url"].as_str().expect("url").to_string()
}

async fn put(world: &World, url: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
    let mut call = request("PUT", url, body.into());
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a name");
        call.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value"));
    }
    world.send(None, call).await
}

fn created(reply: &Reply) {
    assert_eq!(reply.status, 201, "{}", reply.text());
    for header in
        ["x-ms-request-id", "x-ms-version", "date", "last-modified", "content-md5", "x-ms-content-crc64"]
    {
        assert!(reply.headers.contains_key(header), "{header}");
    }
}

fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status.as_u16(), reply.headers["x-ms-error-code"].to_str().expect("text")),
        (status, code)
    );
    assert!(reply.text().starts_with("<?xml") && reply.text().contains(&format!("<Code>{code}</Code>")));
}

/// What the upload holds, read from the disk as the parser will.
async fn stored(world: &World) -> Vec<u8> {
    let tenant = world.home.tenant;
    let read = world.service.store().read(move |tx| {
        let mut all = Vec::new();
        for row in tx.rows("select id from uploads where tenant = ?1", &[tenant.into()])? {
            let id = row.read().take()?;
            all.extend(casbah_store::uploads::find(tx, tenant, &id)?);
        }
        Ok::<_, casbah_store::Error>(all)
    });
    let uploads = read.await.expect("read");
    let mut bytes = Vec::new();
    for part in uploads.iter().flat_map(|upload| &upload.parts) {
        bytes.extend(
            std::fs::read(world.uploads.path().join("uploads").join(&part.file)).expect("the file is there"),
        );
    }
    bytes
}

fn files(world: &World) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(world.uploads.path().join("uploads")) else { return Vec::new() };
    folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_blob_is_put_at_once() {
    let world = World::start().await;
    let url = address(&world).await;
    let body = b"one\ntwo\n";
    let md5 = STANDARD.encode(Md5::digest(body));
    let headers = [
        ("x-ms-blob-type", "BlockBlob"),
        ("content-md5", &md5),
        ("x-ms-version", "2021-08-06"),
        ("x-ms-client-request-id", "3f1c"),
    ];
    let reply = put(&world, &url, &headers, &body[..]).await;
    created(&reply);
    assert_eq!(reply.headers["content-md5"], md5.as_str());
    assert!(reply.headers.contains_key("x-ms-request-server-encrypted"));
    assert_eq!(reply.headers["x-ms-version"], "2021-08-06");
    assert_eq!(reply.headers["x-ms-client-request-id"], "3f1c");
    assert_eq!(stored(&world).await, body);
    // Without the type, with a label of its own, replacing what was there: real clients do all three.
    created(&put(&world, &url, &[("content-type", "text/plain")], "three").await);
    assert_eq!(stored(&world).await, b"three");
    assert_eq!(files(&world).len(), 1, "what was replaced is gone");
    assert!(files(&world).iter().all(|name| name.chars().all(|c| c.is_ascii_hexdigit() || c == '-')));
}

#[tokio::test]
async fn an_etag_is_asked_for() {
    let world = World::start().await;
    let url = address(&world).await;
    let tag = |reply: &Reply| reply.headers["etag"].to_str().expect("text").to_string();
    refused(&put(&world, &url, &[("if-match", "*")], "one").await, 412, "ConditionNotMet");
    let first = put(&world, &url, &[("if-none-match", "*")], "one").await;
    created(&first);
    let first = tag(&first);
    assert!(first.starts_with("\"0x") && first.ends_with('"'), "{first}");
    refused(&put(&world, &url, &[("if-none-match", "*")], "two").await, 409, "BlobAlreadyExists");
    refused(&put(&world, &url, &[("if-none-match", &first)], "two").await, 412, "ConditionNotMet");
    assert_eq!(stored(&world).await, b"one");
    assert_eq!(files(&world).len(), 1);
    let second = put(&world, &url, &[("if-match", &first)], "two").await;
    created(&second);
    assert_ne!(tag(&second), first, "each write makes a new version");
    refused(&put(&world, &url, &[("if-match", &first)], "three").await, 412, "ConditionNotMet");
    let block = put(&world, &format!("{url}&comp=block&blockid=QUE%3D"), &[], "four").await;
    created(&block);
    assert!(!block.headers.contains_key("etag"), "a block is not content yet");
    let (list, xml) = (format!("{url}&comp=blocklist"), "<BlockList><Latest>QUE=</Latest></BlockList>");
    refused(&put(&world, &list, &[("if-match", &first)], xml).await, 412, "ConditionNotMet");
    let listed = put(&world, &list, &[("if-match", &tag(&second))], xml).await;
    created(&listed);
    assert_eq!(stored(&world).await, b"four");
    // Conditions and requests that are not there are refused, not passed over.
    for header in ["if-unmodified-since", "x-ms-lease-id", "x-ms-copy-source", "x-ms-encryption-key"] {
        refused(&put(&world, &url, &[(header, "x")], "five").await, 400, "UnsupportedHeader");
    }
    assert_eq!(stored(&world).await, b"four");
}

#[tokio::test]
async fn checksums_of_both_kinds_are_compared() {
    let world = World::start().await;
    let url = address(&world).await;
    let (right, other) = ("iJh5CoYUi64=", "AAAAAAAAAAA=");
    let reply = put(&world, &url, &[("x-ms-content-crc64", right)], "123456789").await;
    created(&reply);
    assert_eq!(reply.headers["x-ms-content-crc64"], right);
    let block = format!("{url}&comp=block&blockid=QUE%3D");
    created(&put(&world, &block, &[("x-ms-content-crc64", right)], "123456789").await);
    for target in [&url, &block] {
        refused(
            &put(&world, target, &[("x-ms-content-crc64", other)], "123456789").await,
            400,
            "Crc64Mismatch",
        );
        refused(&put(&world, target, &[("x-ms-content-crc64", "x")], "one").await, 400, "InvalidHeaderValue");
        let md5 = STANDARD.encode(Md5::digest("123456789"));
        let both = [("x-ms-content-crc64", right), ("content-md5", md5.as_str())];
        refused(&put(&world, target, &both, "123456789").await, 400, "InvalidHeaderValue");
    }
    // Of a list, they are those of its text; what is said of the blob it makes is not compared.
    let (list, xml) = (format!("{url}&comp=blocklist"), "<BlockList><Latest>QUE=</Latest></BlockList>");
    let wrong = STANDARD.encode(Md5::digest("other"));
    refused(&put(&world, &list, &[("content-md5", &wrong)], xml).await, 400, "Md5Mismatch");
    refused(&put(&world, &list, &[("x-ms-content-crc64", other)], xml).await, 400, "Crc64Mismatch");
    let right = STANDARD.encode(Md5::digest(xml));
    created(&put(&world, &list, &[("content-md5", &right), ("x-ms-blob-content-md5", &wrong)], xml).await);
    assert_eq!(stored(&world).await, b"123456789");
    assert_eq!(files(&world).len(), 1, "nothing is left of what was refused");
}

#[tokio::test]
async fn a_framed_body_is_stored_without_its_frame() {
    let world = World::start().await;
    let url = address(&world).await;
    let content = b"one\ntwo\nthree\n";
    let framed = super::structured::encode(content, 5);
    let headers =
        [("x-ms-structured-body", "XSM/1.0; properties=crc64"), ("x-ms-structured-content-length", "14")];
    for target in [url.clone(), format!("{url}&comp=block&blockid=QUE%3D")] {
        let reply = put(&world, &target, &headers, framed.clone()).await;
        created(&reply);
        assert_eq!(reply.headers["x-ms-structured-body"], "XSM/1.0; properties=crc64");
        assert_eq!(reply.headers["content-md5"], STANDARD.encode(Md5::digest(content)).as_str());
        assert_eq!(stored(&world).await, content);
        let mut changed = framed.clone();
        changed[25] ^= 1;
        refused(&put(&world, &target, &headers, changed).await, 400, "Crc64Mismatch");
        let cut = framed[..framed.len() - 1].to_vec();
        for broken in [cut, b"no frame at all".to_vec()] {
            refused(&put(&world, &target, &headers, broken).await, 400, "InvalidInput");
        }
        let other = [headers[0], ("x-ms-structured-content-length", "15")];
        refused(&put(&world, &target, &other, framed.clone()).await, 400, "InvalidInput");
        refused(&put(&world, &target, &headers[..1], framed.clone()).await, 400, "InvalidHeaderValue");
        let other = [("x-ms-structured-body", "XSM/2.0"), headers[1]];
        refused(&put(&world, &target, &other, framed.clone()).await, 400, "InvalidHeaderValue");
    }
    assert_eq!(files(&world).len(), 2, "the blob and the block");
}

#[tokio::test]
async fn blocks_are_put_together_in_the_order_of_the_list() {
    let world = World::start().await;
    let url = address(&world).await;
    let block = |id: &'static str, body: &'static str| {
        let url = format!("{url}&comp=block&blockid={id}");
        let world = &world;
        async move { put(world, &url, &[], body).await }
    };
    let list = |xml: &'static str| {
        let url = format!("{url}&comp=blocklist");
        let world = &world;
        async move { put(world, &url, &[("x-ms-blob-content-type", "text/plain")], xml).await }
    };
    created(&block("QUE%3D", "first ").await);
    created(&block("QkI=", "wrong ").await);
    created(&block("QkI%3D", "second ").await);
    created(&block("Q0M%3D", "dropped ").await);
    assert_eq!(stored(&world).await, b"", "blocks are not the blob");
    refused(&block("WlpaWg%3D%3D", "longer id").await, 400, "InvalidBlobOrBlock");
    refused(&block("***", "no base64").await, 400, "InvalidBlobOrBlock");
    refused(&put(&world, &format!("{url}&comp=block"), &[], "x").await, 400, "InvalidQueryParameterValue");
    refused(&list("<BlockList><Latest>RUU=</Latest></BlockList>").await, 400, "InvalidBlockList");
    refused(&list("<BlockList><Latest>").await, 400, "InvalidXmlDocument");
    created(&list("<BlockList><Latest>QkI=</Latest><Uncommitted>QUE=</Uncommitted></BlockList>").await);
    assert_eq!(stored(&world).await, b"second first ");
    assert_eq!(files(&world).len(), 2, "what no list names is gone");
    // A second list may take from the blob as it is.
    created(&block("RUU%3D", "third").await);
    refused(&list("<BlockList><Uncommitted>QUE=</Uncommitted></BlockList>").await, 400, "InvalidBlockList");
    created(
        &list("<BlockList><Committed>QUE=</Committed><Latest>QkI=</Latest><Latest>RUU=</Latest></BlockList>")
            .await,
    );
    assert_eq!(stored(&world).await, b"first second third");
}

#[tokio::test]
async fn damage_is_noticed() {
    let world = World::start().await;
    let url = address(&world).await;
    let other = STANDARD.encode(Md5::digest(b"other"));
    refused(&put(&world, &url, &[("content-md5", &other)], "one").await, 400, "Md5Mismatch");
    refused(&put(&world, &url, &[("content-md5", "x")], "one").await, 400, "InvalidMd5");
    refused(&put(&world, &url, &[("x-ms-blob-type", "PageBlob")], "one").await, 400, "InvalidHeaderValue");
    let broken = futures_util::stream::iter([Ok(Bytes::from("half")), Err(std::io::Error::other("gone"))]);
    refused(&put(&world, &url, &[], Body::from_stream(broken)).await, 400, "IncompleteBody");
    assert_eq!(stored(&world).await, b"");
    assert!(files(&world).is_empty(), "nothing is left of what was refused: {:?}", files(&world));
}

#[tokio::test]
async fn the_limit_is_kept_over_all_blocks() {
    let world = World::start().await;
    let url = address(&world).await;
    let most = usize::try_from(UPLOAD_LIMIT).expect("small");
    refused(&put(&world, &url, &[], vec![b'x'; most + 1]).await, 413, "RequestBodyTooLarge");
    assert!(files(&world).is_empty());
    created(&put(&world, &url, &[], vec![b'x'; most]).await);
    let half = || vec![b'x'; most / 2 + 1];
    created(&put(&world, &format!("{url}&comp=block&blockid=QUE%3D"), &[], half()).await);
    created(&put(&world, &format!("{url}&comp=block&blockid=QUE%3D"), &[], half()).await);
    let over = put(&world, &format!("{url}&comp=block&blockid=QkI%3D"), &[], half()).await;
    refused(&over, 413, "RequestBodyTooLarge");
    let twice = "<BlockList><Latest>QUE=</Latest><Latest>QUE=</Latest></BlockList>";
    refused(&put(&world, &format!("{url}&comp=blocklist"), &[], twice).await, 413, "RequestBodyTooLarge");
}

#[tokio::test]
async fn only_the_address_that_was_given_works() {
    let world = World::start().await;
    let (url, second) = (address(&world).await, address(&world).await);
    let blob = |url: &str| url.split(['/', '?']).nth(5).expect("the blob").to_string();
    for wrong in [
        url.replace(&blob(&url), &blob(&second)),
        url.replace("se=2026", "se=2036"),
        url.replace("sig=", "sig=x"),
        url.split('?').next().expect("the path").to_string(),
        url.replace(&world.home.tenant.to_string(), &world.abroad.tenant.to_string()),
    ] {
        refused(&put(&world, &wrong, &[], "x").await, 403, "AuthenticationFailed");
    }
    refused(
        &world.send(None, request("GET", &url, Body::empty())).await,
        403,
        "AuthorizationPermissionMismatch",
    );
    let head = world.send(None, request("HEAD", &url, Body::empty())).await;
    assert_eq!(
        (head.status.as_u16(), &head.headers["x-ms-error-code"]),
        (403, &HeaderValue::from_static("AuthorizationPermissionMismatch"))
    );
    // Clients encode the query again in their own way, and add to it at either end.
    let (path, query) = url.split_once('?').expect("a query");
    let again = query.replace("%3A", ":");
    created(&put(&world, &format!("{path}?{again}&timeout=90"), &[], "x").await);
    created(&put(&world, &format!("{path}?timeout=90&{query}"), &[], "x").await);
}

#[tokio::test]
async fn a_form_gives_its_file() {
    let world = World::start().await;
    let url = address(&world).await;
    let form = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.log\"\r\n\
        Content-Type: text/plain\r\n\r\nthe log\n\r\n--XX--\r\n";
    created(&put(&world, &url, &[("content-type", "multipart/form-data; boundary=XX")], form).await);
    assert_eq!(stored(&world).await, b"the log\n");
    created(&put(&world, &url, &[("content-type", "multipart/form-data")], "as it is").await);
    assert_eq!(stored(&world).await, b"as it is");
    let large = format!("{}{}{}", &form[..form.len() - 11], "y".repeat(3_000_000), "\r\n--XX--\r\n");
    created(&put(&world, &url, &[("content-type", "multipart/form-data; boundary=XX")], large).await);
    assert!(stored(&world).await.len() > 3_000_000, "the form reader's own limit does not count");
    refused(
        &put(&world, &url, &[("content-type", "multipart/form-data; boundary=XX")], "--YY").await,
        400,
        "InvalidInput",
    );
}
