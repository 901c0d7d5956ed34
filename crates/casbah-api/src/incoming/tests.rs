use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Incoming, LINGER_BYTES, PATIENCE, Patience, is_stalled};

/// So many bytes with a pause before each, then silence.
fn slow(bytes: usize, pause: u64) -> Body {
    let bytes = stream::iter(0..bytes).then(move |_| async move {
        sleep(Duration::from_millis(pause)).await;
        Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
    });
    Body::from_stream(bytes.chain(stream::pending()))
}

async fn check(body: Body, (silence, longest): (u64, u64), bytes: std::ops::RangeInclusive<usize>) {
    let patience =
        Patience { silence: Duration::from_millis(silence), longest: Duration::from_millis(longest) };
    let read = Incoming::new(body, patience).collect::<Vec<_>>();
    let mut read = timeout(Duration::from_secs(30), read).await.expect("it ends");
    let error = read.pop().expect("a last item").expect_err("it does not end well");
    assert!(is_stalled(&error));
    assert!(is_stalled(&std::io::Error::other(error)), "also inside of an I/O error");
    assert!(bytes.contains(&read.len()), "{} bytes", read.len());
}

#[tokio::test]
async fn silence_ends_a_body() {
    check(slow(3, 10), (1_000, 60_000), 3..=3).await;
    check(slow(0, 0), (50, 60_000), 0..=0).await;
    assert!(!is_stalled(&std::io::Error::other("gone")));
}

#[tokio::test]
async fn a_body_that_drips_ends_with_its_time() {
    check(slow(usize::MAX, 10), (10_000, 300), 1..=60).await;
}

/// A body that somebody reads or does not, and the other end of it.
fn pipe() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let chunks = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, Body::from_stream(chunks.map(Ok::<_, std::io::Error>)))
}

#[tokio::test]
async fn what_nobody_reads_is_thrown_away_within_bounds() {
    let (sender, body) = pipe();
    drop(Incoming::new(body, PATIENCE));
    let (chunk, mut taken) = (Bytes::from(vec![0; 1 << 20]), 0);
    while sender.send(chunk.clone()).await.is_ok() {
        taken += chunk.len() as u64;
    }
    assert!((LINGER_BYTES..=LINGER_BYTES + (4 << 20)).contains(&taken), "{taken}");
}
