//! Requests of those who have no access token yet, or no longer: signing in, refreshing, signing out.

use protocol::body::read_body;
use protocol::wire::auth::Login;
use worker::Response;

use crate::error::RequestError;
use crate::route::Guard;
use crate::visit::Visit;

/// Answers in the function's words, if the caller has not come too often.
pub(crate) async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    let (origin, body) = (visit.origin()?, visit.body().await?);
    let questions = &visit.door.questions;
    let question = match visit.route.guard() {
        Guard::SignIn => {
            questions.of_sign_in(username(body.as_deref().unwrap_or_default()).as_deref(), &origin)
        }
        _ => questions.of_address(&origin),
    };
    visit.admit(&question).await?;
    Ok(visit.ask_auth(&origin, body).await?.pass_on()?)
}

/// The name that somebody wants to sign in with. Read as the function reads it: a body out of which it gets a name, and
/// this does not, would be a way around the limit. What neither can read, the function refuses.
fn username(body: &[u8]) -> Option<String> {
    read_body::<Login>(body).ok().map(|login| login.username)
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
