//! Endpoints without an access token: sign-in, refresh and sign-out.

use protocol::body::read_body;
use protocol::endpoints::spec::LimitScope;
use protocol::wire::auth::LoginRequest;
use worker::Response;

use crate::context::RequestContext;
use crate::error::RequestError;
use crate::upstream::Credentials;

/// Checks the rate limits and forwards the request with the client's address and user agent.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let (client_info, body) = (context.client_info()?, context.body().await?);
    let policy = &context.state.policy;
    let check = match context.spec().limit {
        LimitScope::SignIn => {
            policy.for_sign_in(username(body.as_deref().unwrap_or_default()).as_deref(), &client_info)
        }
        _ => policy.for_address(&client_info),
    };
    context.admit(&check).await?;
    let query = context.upstream_query()?;
    let response = context.forward(&query, body, Credentials::ClientInfo(&client_info)).await?;
    Ok(response.into_response()?)
}

/// The name to sign in with. The function reads the body with the same code, so both see the same name.
fn username(body: &[u8]) -> Option<String> {
    read_body::<LoginRequest>(body).ok().map(|login| login.username)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_that_the_function_reads() {
        let name = |body: &str| username(body.as_bytes());
        assert_eq!(name(r#"{"password":"p","username":"till-1","more":[]}"#).unwrap(), "till-1");
        assert_eq!(name(r#"{"password":"p","us\u0065rname":"t\u0069ll-1"}"#).unwrap(), "till-1");
        for body in ["", "[]", "{", r#"["till-1","p",null]"#, r#"{"username":"a"}"#] {
            assert_eq!(name(body), None, "{body}");
        }
        let twice = r#"{"username":"a","username":"b","password":"p"}"#;
        assert_eq!(name(twice), None);
        assert_eq!(username(b"\xff"), None);
    }
}
