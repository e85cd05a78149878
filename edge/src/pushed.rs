//! Requests that write: a function's answer, and the commit that comes beside it.

use protocol::wire::{COST_HEADER, PUSHED_CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;
use worker::Response;

use crate::answer;
use crate::error::RequestError;
use crate::functions::{CallError, Function};
use crate::publish::{self, Commit};
use crate::visit::Visit;

/// Answers the caller in the words of `function`, and tells the branch afterwards what was committed.
///
/// Whose branch it is, is for the function to say: a super admin names it in the body.
pub(crate) async fn handle(visit: &Visit, function: Function) -> Result<Response, RequestError> {
    let caller = visit.caller().await?;
    let answer = visit.ask(function, &caller).await?;
    if answer.header("content-type") != Some(PUSHED_CONTENT_TYPE) {
        return Ok(answer.pass_on()?);
    }
    // It may be committed. The retry finds its marker and is answered then.
    let pushed: PushedText<'_> = serde_json::from_slice(&answer.body).map_err(CallError::Unreadable)?;
    let mut response = answer::json(pushed.answer.get())?;
    if let Some(cost) = answer.header(COST_HEADER) {
        response.headers_mut().set(COST_HEADER, cost)?;
    }
    if let Some(commit) = Commit::of(&caller.claims.client_id, &pushed.publications)? {
        publish::after_answer(visit, commit);
    }
    Ok(response)
}

/// `protocol::wire::push::Pushed` with both halves left as they are: nothing in them concerns the edge,
/// and on the way to the answer every record that is not unpacked is time won.
#[derive(Deserialize)]
struct PushedText<'a> {
    #[serde(borrow)]
    answer: &'a RawValue,
    #[serde(borrow)]
    publications: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;
    use protocol::wire::push::Pushed;

    use super::*;

    #[test]
    fn the_answer_is_passed_on_to_the_letter() {
        let answer = JsonText::from_text(r#"{"success":true,"price":1.10}"#.into()).unwrap();
        let text = serde_json::to_string(&Pushed { answer, publications: Vec::new() }).unwrap();
        let read: PushedText<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.answer.get(), r#"{"success":true,"price":1.10}"#);
        assert!(read.publications.is_empty());
    }
}
