//! Reading a request body: memory grows with what arrives, and never with what a header declares.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::BODY_BYTES_MAX;
use protocol::wire::error_response::TooLargeDetails;
use worker::{ByteStream, Delay};

use crate::clock;
use crate::limits::BODY_HELD_SECS;
use crate::request::Request;

mod held_bodies;
mod pace;

pub(crate) use held_bodies::{BodyOwner, HeldBodies, HeldBody};
use pace::Pace;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadBodyError {
    /// It is too large or too slow, broke off, or found no room.
    #[error(transparent)]
    Caller(#[from] ApiError),
    /// The runtime failed.
    #[error("failed to read the body: {0}")]
    Runtime(#[from] worker::Error),
}

/// The whole body of `request`; empty if it has none. A declared length over the limit is refused before
/// reading.
pub(crate) async fn read(
    request: &Request,
    bodies: &HeldBodies,
    owner: BodyOwner,
) -> Result<HeldBody, ReadBodyError> {
    let bytes_max = owner.body_bytes_max();
    check_declared(request.header("content-length")?.as_deref(), bytes_max)?;
    let now = clock::now();
    let mut pace = Pace::new(now);
    let expires_at = pace.ends_at().plus_secs(BODY_HELD_SECS);
    let body = bodies.open(owner, now, expires_at).map_err(|_| no_room())?;
    let Some(stream) = request.body() else { return Ok(body) };
    let mut chunks = ByteStream::from(stream);
    let mut read = 0;
    let mut timer = window_timer(&pace)?;
    loop {
        match select(chunks.next(), &mut timer).await {
            Either::Left((Some(Ok(chunk)), _)) => {
                let now = clock::now();
                read += chunk.len();
                if read > bytes_max {
                    return Err(too_large(bytes_max, Some(read)).into());
                }
                pace.count(chunk.len(), now);
                body.add(&chunk, now, pace.ends_at().plus_secs(BODY_HELD_SECS)).map_err(|_| no_room())?;
            }
            Either::Left((None, _)) => return Ok(body),
            // The client or the network broke the connection.
            Either::Left((Some(Err(_)), _)) => return Err(incomplete().into()),
            // The window may have moved on since the timer was set.
            Either::Right(_) => timer = window_timer(&pace)?,
        }
    }
}

/// A timer for the end of the window.
fn window_timer(pace: &Pace) -> Result<Pin<Box<Delay>>, ApiError> {
    // The runtime's timers have milliseconds; one millisecond more, so that the window is over.
    let left = pace.left(clock::now()).ok_or_else(incomplete)?;
    Ok(Box::pin(Delay::from(left + Duration::from_millis(1))))
}

/// Refuses a declared length over `bytes_max`.
fn check_declared(content_length: Option<&str>, bytes_max: usize) -> Result<(), ApiError> {
    match content_length.map(str::parse::<usize>) {
        None => Ok(()),
        Some(Ok(declared)) if declared <= bytes_max => Ok(()),
        // Not a number, or too large for one.
        Some(declared) => Err(too_large(bytes_max, declared.ok())),
    }
}

fn too_large(bytes_max: usize, got: Option<usize>) -> ApiError {
    let message = if bytes_max == BODY_BYTES_MAX {
        format!("The body is over {} MiB; push fewer records at once.", bytes_max >> 20)
    } else {
        format!("The body is over {} KiB.", bytes_max >> 10)
    };
    ApiError::too_large(ErrorCode::BodyTooLarge, message, TooLargeDetails::bytes(bytes_max, got))
}

fn no_room() -> ApiError {
    let message = "Too many request bodies are on their way at once; send the same request again.";
    ApiError::new(ErrorCode::Busy, message)
}

/// The error for a body that did not arrive, or has expired since.
pub(crate) fn incomplete() -> ApiError {
    let message = "The body broke off or came too slowly; send the same request again.";
    ApiError::new(ErrorCode::BodyIncomplete, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_length_one_over_the_limit_is_refused() {
        let declared =
            |length: &str| check_declared(Some(length), BODY_BYTES_MAX).map_err(|error| error.code);
        assert_eq!(declared(&BODY_BYTES_MAX.to_string()), Ok(()));
        for length in [(BODY_BYTES_MAX + 1).to_string(), "9".repeat(40), "-1".into(), "many".into()] {
            assert_eq!(declared(&length), Err(ErrorCode::BodyTooLarge), "{length}");
        }
        assert_eq!(check_declared(None, 1), Ok(()));
    }

    #[test]
    fn the_limit_is_in_the_message_and_the_details() {
        assert!(too_large(BODY_BYTES_MAX, None).message.contains("4 MiB"));
        assert!(too_large(16 * 1024, None).message.contains("16 KiB"));
        let details = |length: &str| {
            let details = check_declared(Some(length), 16).unwrap_err().details;
            details.map(|details| details.as_str().to_owned()).unwrap_or_default()
        };
        assert_eq!(details("17"), r#"{"limit":16,"got":17,"unit":"bytes"}"#);
        assert_eq!(details("many"), r#"{"limit":16,"unit":"bytes"}"#);
    }
}
