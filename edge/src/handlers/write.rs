//! Endpoints that write: the function's response, and the commit beside it.

use protocol::wire::{COST_HEADER, WRITE_RESULT_CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;
use worker::Response;

use crate::context::RequestContext;
use crate::error::RequestError;
use crate::handlers::publish::{self, Commit};
use crate::response;
use crate::upstream::CallError;

/// Forwards the request, and publishes the commit to its room after the response. The function decides which
/// branch the commit belongs to, since a super admin names it in the body.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let (caller, upstream) = context.forward_with_token().await?;
    if upstream.header("content-type") != Some(WRITE_RESULT_CONTENT_TYPE) {
        return Ok(upstream.into_response()?);
    }
    // The batch may be committed; a retry finds its marker and gets the response.
    let result: WriteResultText<'_> =
        serde_json::from_slice(&upstream.body).map_err(CallError::Unreadable)?;
    let mut response = response::json(result.answer.get())?;
    if let Some(cost) = upstream.header(COST_HEADER) {
        response.headers_mut().set(COST_HEADER, cost)?;
    }
    if let Some(commit) = Commit::of(&caller.claims.client_id, &result.publications)? {
        publish::after_response(context, commit);
    }
    Ok(response)
}

/// `protocol::wire::push::WriteResult` with both halves as text: the edge passes them on, and parsing every
/// record would only delay the response.
#[derive(Deserialize)]
struct WriteResultText<'a> {
    #[serde(borrow)]
    answer: &'a RawValue,
    #[serde(borrow)]
    publications: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;
    use protocol::wire::push::WriteResult;

    use super::*;

    #[test]
    fn the_response_passes_unchanged() {
        let answer = JsonText::from_text(r#"{"success":true,"price":1.10}"#.into()).unwrap();
        let text = serde_json::to_string(&WriteResult { answer, publications: Vec::new() }).unwrap();
        let read: WriteResultText<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.answer.get(), r#"{"success":true,"price":1.10}"#);
        assert!(read.publications.is_empty());
    }
}
