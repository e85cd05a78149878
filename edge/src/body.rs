//! Reading a request body up to its limit.

use futures_util::StreamExt;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::BODY_BYTES_MAX;
use worker::{ByteStream, Request};

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadBodyError {
    /// It is too large or broke off.
    #[error(transparent)]
    Caller(#[from] ApiError),
    /// The runtime failed.
    #[error("failed to read the body: {0}")]
    Runtime(#[from] worker::Error),
}

/// The whole body of `request`; empty if it has none.
pub(crate) async fn read(request: &Request) -> Result<Vec<u8>, ReadBodyError> {
    let declared = request.headers().get("content-length")?;
    let mut body = BodyBuffer::new(declared.as_deref())?;
    let Some(stream) = request.inner().body() else { return Ok(Vec::new()) };
    let mut chunks = ByteStream::from(stream);
    while let Some(chunk) = chunks.next().await {
        // The client or the network broke the connection.
        let chunk =
            chunk.map_err(|_| ApiError::new(ErrorCode::BadRequest, "The body broke off; send it again."))?;
        body.add(&chunk)?;
    }
    Ok(body.0)
}

#[derive(Debug)]
struct BodyBuffer(Vec<u8>);

impl BodyBuffer {
    /// Refuses a body whose declared length is over the limit, before reading it.
    fn new(content_length: Option<&str>) -> Result<BodyBuffer, ApiError> {
        let declared = content_length.map_or(Ok(0), str::parse);
        // Not a number, or too large for one.
        let declared: usize = declared.map_err(|_| too_large())?;
        if declared > BODY_BYTES_MAX {
            Err(too_large())
        } else {
            Ok(BodyBuffer(Vec::with_capacity(declared)))
        }
    }

    /// Appends a chunk; refuses a body that grows over the limit.
    fn add(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        if self.0.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        self.0.extend_from_slice(chunk);
        Ok(())
    }
}

fn too_large() -> ApiError {
    let message = format!("The body is over {} MiB; push fewer records at once.", BODY_BYTES_MAX >> 20);
    ApiError::new(ErrorCode::BodyTooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_length_one_over_the_limit_is_refused() {
        let declared = |length: &str| BodyBuffer::new(Some(length)).map(|_| ()).map_err(|error| error.code);
        assert_eq!(declared(&BODY_BYTES_MAX.to_string()), Ok(()));
        for length in [(BODY_BYTES_MAX + 1).to_string(), "9".repeat(40), "-1".into(), "many".into()] {
            assert_eq!(declared(&length), Err(ErrorCode::BodyTooLarge), "{length}");
        }
    }

    #[test]
    fn a_body_that_grows_one_over_the_limit_is_refused() {
        let mut body = BodyBuffer::new(None).unwrap();
        assert_eq!(body.add(&vec![b'x'; BODY_BYTES_MAX]), Ok(()));
        assert_eq!(body.add(b"x").unwrap_err().code, ErrorCode::BodyTooLarge);
        assert_eq!(body.0.len(), BODY_BYTES_MAX);
    }

    #[test]
    fn a_body_may_be_empty() {
        assert!(BodyBuffer::new(None).unwrap().0.is_empty());
        assert!(BodyBuffer::new(Some("0")).unwrap().0.is_empty());
    }
}
