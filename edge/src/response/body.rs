//! The body of a response, and how a response is handed to the runtime.

use std::borrow::Cow;
use std::collections::BTreeMap;

use js_sys::{ArrayBuffer, JSON, Uint8Array};
use serde::Serialize;
use worker::wasm_bindgen::JsCast;
use worker::{ResponseBody, web_sys};

/// The body of a response.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Bytes(Vec<u8>),
    /// In the memory of the runtime, where it came from.
    Buffer(ArrayBuffer),
    /// A stream or a WebSocket.
    Runtime(worker::Response),
}

impl Body {
    /// A copy of the bytes; none of a stream.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        match self {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Buffer(buffer) => Uint8Array::new(buffer).to_vec(),
            Body::Empty | Body::Runtime(_) => Vec::new(),
        }
    }

    /// The response for the runtime. A single text with status and headers costs it less than a call for each
    /// header.
    pub(super) fn into_runtime(
        self,
        status: u16,
        headers: &[(&'static str, Cow<'static, str>)],
    ) -> worker::Result<web_sys::Response> {
        if let Body::Runtime(mut response) = self {
            for (name, value) in headers {
                response.headers_mut().set(name, value)?;
            }
            return Ok(response.into());
        }
        let init = JSON::parse(&init(status, headers))?.unchecked_into();
        Ok(match self {
            Body::Bytes(bytes) => {
                let bytes = Uint8Array::from(bytes.as_slice());
                web_sys::Response::new_with_opt_buffer_source_and_init(Some(&bytes), &init)?
            }
            Body::Buffer(buffer) => {
                web_sys::Response::new_with_opt_buffer_source_and_init(Some(&buffer), &init)?
            }
            Body::Empty | Body::Runtime(_) => web_sys::Response::new_with_opt_str_and_init(None, &init)?,
        })
    }
}

/// A `ResponseInit` as JSON.
fn init(status: u16, headers: &[(&'static str, Cow<'static, str>)]) -> String {
    #[derive(Serialize)]
    struct Init<'a> {
        status: u16,
        headers: BTreeMap<&'a str, &'a str>,
    }
    let headers = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    // Texts always serialise.
    serde_json::to_string(&Init { status, headers }).unwrap_or_default()
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes)
    }
}

impl From<worker::Response> for super::Response {
    /// A stream or a WebSocket, with the headers that it has.
    fn from(response: worker::Response) -> super::Response {
        debug_assert!(!matches!(response.body(), ResponseBody::Body(_)), "bytes are handed over at once");
        super::Response::new(response.status_code(), Body::Runtime(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_headers_are_one_text() {
        let headers = [("etag", "\"a\"".into()), ("allow", "GET, POST".into())];
        let expected = r#"{"status":405,"headers":{"allow":"GET, POST","etag":"\"a\""}}"#;
        assert_eq!(init(405, &headers), expected);
    }
}
