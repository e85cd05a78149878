//! Requests to functions and to Redis by the runtime's fetch.

use std::time::Duration;

use js_sys::Uint8Array;
use worker::{AbortSignal, Headers, Method, Request, RequestInit, RequestRedirect};

/// A request that follows no redirect: neither service redirects, and the target must not receive a token.
pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(&'static str, String)],
    body: Option<&[u8]>,
) -> worker::Result<Request> {
    let mut init = RequestInit::new();
    init.with_method(Method::from(method.to_owned())).with_redirect(RequestRedirect::Manual);
    init.with_headers(headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Headers>());
    init.with_body(body.map(|body| Uint8Array::from(body).into()));
    Request::new_with_init(url, &init)
}

/// A signal that aborts a fetch after `deadline`.
pub(crate) fn abort_after(deadline: Duration) -> AbortSignal {
    AbortSignal::from(worker::web_sys::AbortSignal::timeout_with_u32(whole_millis(deadline)))
}

/// The deadline in milliseconds, at least 1: a timer of 0 would fire at once.
fn whole_millis(deadline: Duration) -> u32 {
    u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_at_least_a_millisecond() {
        assert_eq!(whole_millis(Duration::ZERO), 1);
        assert_eq!(whole_millis(Duration::from_micros(1999)), 1);
        assert_eq!(whole_millis(Duration::from_millis(400)), 400);
        assert_eq!(whole_millis(Duration::MAX), u32::MAX);
    }
}
