//! The log: to standard error, for people or as one JSON object a line.

use tracing_subscriber::EnvFilter;

use super::StartError;
use crate::config::LogFormat;

/// Starts logging for this process; later calls in the same process change nothing.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<(), StartError> {
    let filter = EnvFilter::builder().parse(filter).map_err(|e| {
        StartError(format!("log: {filter:?} is not a filter such as info or casbah=debug: {e}"))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.compact().with_ansi(false).try_init(),
    };
    Ok(())
}
