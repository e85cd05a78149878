//! Endpoints that need an access token and that a function answers.

use worker::Response;

use crate::context::RequestContext;
use crate::error::RequestError;
use crate::upstream::Credentials;

/// Forwards the request. The function checks branch and role itself.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let caller = context.caller().await?;
    let query = context.upstream_query()?;
    let body = context.body().await?;
    let response = context.forward(&query, body, Credentials::Token(&caller.token)).await?;
    Ok(response.into_response()?)
}
