//! The body of a request on its way in: a sender that falls silent does not hold a connection for ever,
//! and one that is refused gets to read why.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// A whole body may take as long as an upload address lives, and no pause in it a minute.
const PATIENCE: Patience =
    Patience { silence: Duration::from_secs(60), longest: Duration::from_secs(4 * 60 * 60) };
/// What nobody wants to read is taken in for so long, and so much of it, after the answer.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

/// The sender fell silent, or took too long.
#[derive(Debug)]
pub(crate) struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body did not arrive in time")
    }
}

impl Error for Stalled {}

/// Whether the reason behind an error is that the sender fell silent.
pub(crate) fn is_stalled(error: &(dyn Error + 'static)) -> bool {
    let mut reason = Some(error);
    while let Some(e) = reason {
        if e.is::<Stalled>() {
            return true;
        }
        // An I/O error hides the one that it was made of, and shows that one's reason.
        let inside = e.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inside.is_some_and(|inside| is_stalled(inside)) {
            return true;
        }
        reason = e.source();
    }
    false
}

/// The request with its body under watch: a sender that falls silent is given up after a minute, and
/// what nobody reads is taken in for a while, so that a refused sender gets to read why.
pub fn watched(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::from_stream(Incoming::new(body, PATIENCE)))
}

#[derive(Clone, Copy)]
struct Patience {
    silence: Duration,
    longest: Duration,
}

struct Incoming {
    /// None once it ended or broke off.
    body: Option<BodyDataStream>,
    silence: Duration,
    end: Instant,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs: it is only set when there is something to wait for.
    waiting: bool,
}

impl Incoming {
    fn new(body: Body, patience: Patience) -> Incoming {
        let end = Instant::now() + patience.longest;
        Incoming {
            body: Some(body.into_data_stream()),
            silence: patience.silence,
            end,
            timer: Box::pin(sleep_until(end)),
            waiting: false,
        }
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(next) = body.poll_next_unpin(cx) {
            this.waiting = false;
            if !matches!(next, Some(Ok(_))) {
                this.body = None;
            }
            return Poll::Ready(next);
        }
        if !this.waiting {
            this.waiting = true;
            this.timer.as_mut().reset(this.end.min(Instant::now() + this.silence));
        }
        ready!(this.timer.as_mut().poll(cx));
        this.body = None;
        Poll::Ready(Some(Err(axum::Error::new(Stalled))))
    }
}

impl Drop for Incoming {
    /// Most clients send all of a body before they read the answer. If we closed the connection on them
    /// they would see that it broke, not the refusal, and try again; so the rest is read and thrown away.
    /// Clients of HTTP/2 take a reset stream for a fault as well, though the answer came before it.
    fn drop(&mut self) {
        let Some(body) = self.body.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(timeout(LINGER, throw_away(body)));
        }
    }
}

async fn throw_away(mut body: BodyDataStream) {
    let mut bytes = 0;
    while let Some(Ok(chunk)) = body.next().await {
        bytes += chunk.len() as u64;
        if bytes > LINGER_BYTES {
            return;
        }
    }
}
