//! The response format that a client asks for: `Upstash-Encoding` and `Upstash-Response-Format`.

use axum::http::HeaderMap;
use thiserror::Error;

const ENCODING: &str = "upstash-encoding";
const FORMAT: &str = "upstash-response-format";

/// The format of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON with plain strings; invalid UTF-8 is replaced.
    Json,
    /// JSON with strings in base64.
    Base64,
    /// Redis's own protocol.
    Resp2,
}

/// Why a format is refused. The service documents the status 400, but not the texts.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum FormatError {
    #[error("ERR unsupported {ENCODING}: {0}")]
    Encoding(String),
    #[error("ERR unsupported {FORMAT}: {0}")]
    Format(String),
    #[error("ERR {ENCODING}: base64 is not permitted with {FORMAT}: resp2")]
    Both,
}

/// Reads both headers; an absent or empty one selects the default.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Format, FormatError> {
    let value = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let base64 = match value(ENCODING).unwrap_or_default() {
        encoding if encoding.is_empty() => false,
        encoding if encoding.eq_ignore_ascii_case("base64") => true,
        encoding => return Err(FormatError::Encoding(encoding)),
    };
    match value(FORMAT).unwrap_or_default() {
        format if format.is_empty() || format.eq_ignore_ascii_case("json") => {
            Ok(if base64 { Format::Base64 } else { Format::Json })
        }
        format if format.eq_ignore_ascii_case("resp2") && base64 => Err(FormatError::Both),
        format if format.eq_ignore_ascii_case("resp2") => Ok(Format::Resp2),
        format => Err(FormatError::Format(format)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(encoding: &'static str, format: &'static str) -> Result<Format, FormatError> {
        let mut headers = HeaderMap::new();
        headers.insert(ENCODING, HeaderValue::from_static(encoding));
        headers.insert(FORMAT, HeaderValue::from_static(format));
        parse(&headers)
    }

    #[test]
    fn headers_select_the_format() {
        assert_eq!(parse(&HeaderMap::new()), Ok(Format::Json));
        assert_eq!(read("", "json"), Ok(Format::Json));
        assert_eq!(read("base64", ""), Ok(Format::Base64));
        assert_eq!(read("", "resp2"), Ok(Format::Resp2));
    }

    #[test]
    fn other_formats_are_refused() {
        assert_eq!(read("hex", ""), Err(FormatError::Encoding("hex".into())));
        assert_eq!(read("", "resp3"), Err(FormatError::Format("resp3".into())));
        assert_eq!(read("base64", "resp2"), Err(FormatError::Both));
    }
}
