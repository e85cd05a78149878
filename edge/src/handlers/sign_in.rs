//! Endpoints without an access token: sign-in, refresh and sign-out.

use protocol::endpoints::spec::LimitScope;

use crate::body::BodyOwner;
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::response::Response;
use crate::upstream::Credentials;

/// Checks the rate limits and forwards the request with the client's address and user agent. An address over
/// its limit sends no body.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let (client_info, policy) = (context.client_info()?, &context.state.policy);
    let check = match context.spec().limit {
        LimitScope::SignIn => policy.for_sign_in(&client_info),
        _ => policy.for_address(&client_info),
    };
    context.admit(&check).await?;
    let body = context.body(BodyOwner::SignIn).await?;
    let query = context.upstream_query()?;
    let response = context.forward(&query, body.as_ref(), Credentials::ClientInfo(&client_info)).await?;
    Ok(response.into_response()?)
}
