//! Reading a request's body, never more of it than is allowed.

use futures_util::StreamExt;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::BODY_BYTES_MAX;
use worker::{ByteStream, Request};

use crate::error::RequestError;

/// The whole body of `request`; empty if it has none.
pub(crate) async fn read(request: &Request) -> Result<Vec<u8>, RequestError> {
    let declared = request.headers().get("content-length")?;
    let mut body = Gathered::new(declared.as_deref())?;
    let Some(stream) = request.inner().body() else { return Ok(Vec::new()) };
    let mut chunks = ByteStream::from(stream);
    while let Some(chunk) = chunks.next().await {
        // The caller hung up, or the line did: there is nobody left to be told more than this.
        let chunk =
            chunk.map_err(|_| ApiError::new(ErrorCode::BadRequest, "The body broke off; send it again."))?;
        body.add(&chunk)?;
    }
    Ok(body.0)
}

/// What has arrived so far.
#[derive(Debug)]
struct Gathered(Vec<u8>);

impl Gathered {
    /// Refuses a body that says itself that it is too large before a byte of it is read.
    fn new(content_length: Option<&str>) -> Result<Gathered, ApiError> {
        let declared = content_length.map_or(Ok(0), str::parse);
        // A number that is none, or is larger than any, is no reason to read on.
        let declared: usize = declared.map_err(|_| too_large())?;
        if declared > BODY_BYTES_MAX { Err(too_large()) } else { Ok(Gathered(Vec::with_capacity(declared))) }
    }

    /// Takes the next part; without a declared length, this is what keeps the promise.
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
    fn a_declared_length_one_over_is_refused_unread() {
        let declared = |length: &str| Gathered::new(Some(length)).map(|_| ()).map_err(|refusal| refusal.code);
        assert_eq!(declared(&BODY_BYTES_MAX.to_string()), Ok(()));
        for length in [(BODY_BYTES_MAX + 1).to_string(), "9".repeat(40), "-1".into(), "many".into()] {
            assert_eq!(declared(&length), Err(ErrorCode::BodyTooLarge), "{length}");
        }
    }

    #[test]
    fn a_body_that_grows_one_over_is_refused_on_the_way() {
        let mut body = Gathered::new(None).unwrap();
        assert_eq!(body.add(&vec![b'x'; BODY_BYTES_MAX]), Ok(()));
        assert_eq!(body.add(b"x").unwrap_err().code, ErrorCode::BodyTooLarge);
        assert_eq!(body.0.len(), BODY_BYTES_MAX);
    }

    #[test]
    fn a_body_may_be_empty() {
        assert!(Gathered::new(None).unwrap().0.is_empty());
        assert!(Gathered::new(Some("0")).unwrap().0.is_empty());
    }
}
