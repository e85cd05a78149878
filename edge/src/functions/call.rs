//! What a function is asked.

use protocol::wire::{REQUEST_ID_HEADER, TOKEN_HEADER};
use worker::Method;

use super::Function;
use crate::origin::Origin;
use crate::request_id::RequestId;

/// One call of a function.
pub(crate) struct Call<'a> {
    /// Which function.
    pub(crate) function: Function,
    /// The method of the request, and of the call.
    pub(crate) method: Method,
    /// The path that follows the function's URL: the request's own, but for records.
    pub(crate) path: &'a str,
    /// The query in its canonical form, without the question mark.
    pub(crate) query: &'a str,
    /// The body; GET and DELETE have none.
    pub(crate) body: Option<Vec<u8>>,
    /// The caller's access token, verified here, for the function to verify again.
    pub(crate) token: Option<&'a str>,
    /// Where a sign-in or a refresh comes from, which its session remembers.
    pub(crate) origin: Option<&'a Origin>,
    /// Names the request in the function's log.
    pub(crate) request_id: &'a RequestId,
}

impl Call<'_> {
    /// Where the call goes; `base` is the function's own URL.
    pub(super) fn url(&self, base: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{base}{}{mark}{}", self.path, self.query)
    }

    /// The headers before signing. Of the caller's own, nothing but the `User-Agent` is in them; all are signed.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![(REQUEST_ID_HEADER, self.request_id.to_string())];
        if self.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.extend(self.token.map(|token| (TOKEN_HEADER, token.to_owned())));
        headers.extend(self.origin.into_iter().flat_map(Origin::headers));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(id: &'a RequestId, query: &'a str, token: Option<&'a str>) -> Call<'a> {
        Call {
            function: Function::BatchPush,
            method: Method::Post,
            path: "/api/sync/batch-push",
            query,
            body: Some(b"{}".to_vec()),
            token,
            origin: None,
            request_id: id,
        }
    }

    #[test]
    fn path_and_query_follow_the_functions_url() {
        let id = RequestId::new();
        let base = "http://127.0.0.1:9000/batch-push";
        assert_eq!(
            call(&id, "a=1", None).url(base),
            "http://127.0.0.1:9000/batch-push/api/sync/batch-push?a=1"
        );
        assert_eq!(call(&id, "", None).url(base), "http://127.0.0.1:9000/batch-push/api/sync/batch-push");
    }

    #[test]
    fn a_function_is_told_the_request_and_the_verified_token_and_nothing_else() {
        let id = RequestId::new();
        let names = |call: Call<'_>| call.headers().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(call(&id, "", Some("a.b.c"))), ["x-request-id", "content-type", "x-tillsync-token"]);
        assert_eq!(names(call(&id, "", None)), ["x-request-id", "content-type"]);
        assert_eq!(names(Call { body: None, ..call(&id, "", None) }), ["x-request-id"]);
        let origin = Origin::new(Some("203.0.113.7"), Some("a"));
        let sign_in = Call { origin: Some(&origin), ..call(&id, "", None) };
        let told = ["x-request-id", "content-type", "x-tillsync-address", "x-tillsync-agent"];
        assert_eq!(names(sign_in), told);
    }
}
