//! `POST /api/sync/batch-push`: the function's answer, and the commit that comes beside it.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::protocol::{COST_HEADER, PUSHED_CONTENT_TYPE};
use worker::Response;

use crate::answer;
use crate::error::RequestError;
use crate::functions::{CallError, Function};
use crate::publish;
use crate::visit::Visit;

/// Answers the till, and tells its branch afterwards.
pub(crate) async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    let caller = visit.caller()?;
    let room = caller.claims.room()?;
    let answer = visit.ask(Function::BatchPush, Some(&caller)).await?;
    if answer.header("content-type") != Some(PUSHED_CONTENT_TYPE) {
        return Ok(answer.pass_on()?);
    }
    // The batch may be committed. The retry finds its marker and is answered then.
    let pushed: PushedText<'_> = serde_json::from_slice(&answer.body).map_err(CallError::Unreadable)?;
    let mut response = answer::json(pushed.answer.get())?;
    if let Some(cost) = answer.header(COST_HEADER) {
        response.headers_mut().set(COST_HEADER, cost)?;
    }
    if let Some(body) = pushed.publish() {
        publish::after_answer(visit, room, body);
    }
    Ok(response)
}

/// `shared::protocol::push::Pushed` with both halves left as they are: nothing in them concerns the edge,
/// and on the way to the answer every record that is not unpacked is time won.
#[derive(Deserialize)]
struct PushedText<'a> {
    #[serde(borrow)]
    answer: &'a RawValue,
    #[serde(borrow)]
    publications: Vec<&'a RawValue>,
}

impl PushedText<'_> {
    /// The body of a `shared::protocol::publication::Publish` with the commit, if there is one.
    fn publish(&self) -> Option<String> {
        if self.publications.is_empty() {
            return None;
        }
        let parts: Vec<&str> = self.publications.iter().map(|publication| publication.get()).collect();
        Some(format!(r#"{{"publications":[{}]}}"#, parts.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use shared::json::JsonText;
    use shared::protocol::publication::{Publication, Publish, PublishedChange};
    use shared::protocol::push::Pushed;
    use shared::record::Operation;
    use shared::stamp::Stamp;

    use super::*;

    fn pushed(publications: Vec<Publication>) -> String {
        let answer = JsonText::from_text(r#"{"success":true,"price":1.10}"#.into()).unwrap();
        serde_json::to_string(&Pushed { answer, publications }).unwrap()
    }

    fn publication(first: u64) -> Publication {
        Publication {
            client_id: "1".parse().unwrap(),
            branch_id: "2".parse().unwrap(),
            device_id: "till-1".parse().unwrap(),
            prev: Stamp(7),
            first: Stamp(first),
            changes: vec![PublishedChange {
                table_name: "products".into(),
                record_id: "p1".into(),
                operation: Operation::Create,
                data: JsonText::from_text(r#"{"name":"Ä\u00e4","price":1.10}"#.into()).unwrap(),
                version: 1,
                read: shared::token::Role::Cashier,
            }],
        }
    }

    #[test]
    fn the_answer_is_passed_on_to_the_letter_and_the_commit_is_what_the_room_reads() {
        let commit = vec![publication(100), publication(200)];
        let text = pushed(commit.clone());
        let read: PushedText<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.answer.get(), r#"{"success":true,"price":1.10}"#);
        let publish: Publish = serde_json::from_str(&read.publish().unwrap()).unwrap();
        assert_eq!(publish.publications, commit);
    }

    #[test]
    fn a_push_that_wrote_nothing_publishes_nothing() {
        let text = pushed(Vec::new());
        assert_eq!(serde_json::from_str::<PushedText<'_>>(&text).unwrap().publish(), None);
    }
}
