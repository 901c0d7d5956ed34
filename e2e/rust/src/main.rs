//! Unmodified Rust clients against a running Casbah.

mod azure;
mod checks;
mod oauth;
mod openid;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    azure::run().await;
    oauth::run().await;
    openid::run().await;
}
