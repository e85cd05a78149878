//! Which frames a socket gets, as its URL asks.

use protocol::error::{ApiError, ErrorCode};

use crate::query;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameOptions {
    /// Whether the changes of a commit come in one frame.
    pub(crate) batched: bool,
    /// Whether the device's own changes come too.
    pub(crate) own: bool,
}

impl FrameOptions {
    /// Reads the options in a query.
    pub(crate) fn parse(url_query: &str) -> Result<FrameOptions, ApiError> {
        Ok(FrameOptions {
            batched: is_set(url_query, "frames", "batch")?,
            own: is_set(url_query, "own", "1")?,
        })
    }

    /// The same options as pairs of a query.
    pub(super) fn pairs<'a>(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let frames = self.batched.then_some(("frames", "batch"));
        frames.into_iter().chain(self.own.then_some(("own", "1")))
    }
}

/// Whether the parameter `name` is there. It has only this value.
fn is_set(url_query: &str, name: &str, value: &str) -> Result<bool, ApiError> {
    match query::value(url_query, name) {
        None => Ok(false),
        Some(given) if given == value => Ok(true),
        Some(_) => {
            let message = format!("`{name}` may be `{value}`, or absent.");
            Err(ApiError::new(ErrorCode::BadRequest, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_other_devices_come_one_by_one_unless_the_socket_asks_for_more() {
        assert_eq!(FrameOptions::parse("device_id=d"), Ok(FrameOptions::default()));
        for (query, batched, own) in [
            ("frames=batch&device_id=d", true, false),
            ("own=1", false, true),
            ("frames=batch&own=1", true, true),
        ] {
            let options = FrameOptions { batched, own };
            assert_eq!(FrameOptions::parse(query), Ok(options), "{query}");
            assert_eq!(FrameOptions::parse(&query::write(options.pairs())), Ok(options), "{query}");
        }
        for bad in ["frames=", "frames=Batch", "frames=batch,", "frames=1", "own=", "own=0", "own=true"] {
            assert_eq!(FrameOptions::parse(bad).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
