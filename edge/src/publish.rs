//! Commits on their way to a room: the fast path, from the answer to a push, and the sure path,
//! `POST /internal/publish`, from the function that follows the log.

use shared::error::{Code, Refusal};
use shared::protocol::publication::Publish;
use shared::seal::{self, SEAL_HEADER};
use shared::tenant::Room;
use worker::{Response, ResponseBuilder, console_error};

use crate::body;
use crate::error::RequestError;
use crate::room;
use crate::visit::Visit;

/// The fast path: gives `body`, a [`Publish`], to the room once the till has its answer.
pub(crate) fn after_answer(visit: &Visit, room: Room, body: String) {
    let (env, id) = (visit.env.clone(), visit.id.clone());
    visit.context.wait_until(async move {
        if let Err(error) = room::publish(&env, &room, body.as_bytes()).await {
            // No harm but a moment's delay: the sure path brings the same commit.
            console_error!("{id} fast path to {room}: {error}");
        }
    });
}

/// The sure path: answers 204 only when the room has taken the commits, so that the stream keeps them
/// until then.
pub(crate) async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    let body = body::read(&visit.request).await?;
    let header = visit.header(SEAL_HEADER)?.unwrap_or_default();
    seal::verify(&visit.door.config.publish_secret, visit.now, &header, &body).map_err(|_| {
        Refusal::new(Code::BadSignature, "This address takes publications sealed by our functions only.")
    })?;
    room::publish(&visit.env, &room_of(&body)?, &body).await?;
    Ok(ResponseBuilder::new().with_status(204).empty())
}

/// The one room that all commits of `body` belong to.
fn room_of(body: &[u8]) -> Result<Room, Refusal> {
    let publish: Publish = serde_json::from_slice(body).map_err(|error| {
        Refusal::new(Code::BadRequest, format!("The body is no list of publications: {error}."))
    })?;
    let mut rooms = publish.publications.iter().map(shared::protocol::publication::Publication::room);
    let mixed = || Refusal::new(Code::BadRequest, "Send at least one publication, all of the same room.");
    let room = rooms.next().ok_or_else(mixed)?;
    if rooms.all(|other| other == room) { Ok(room) } else { Err(mixed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(rooms: &[(&str, &str)]) -> String {
        let publication = |(client, branch): &(&str, &str)| {
            format!(
                r#"{{"client_id":"{client}","branch_id":"{branch}","device_id":"d","prev":0,"first":1,"changes":[]}}"#
            )
        };
        format!(r#"{{"publications":[{}]}}"#, rooms.iter().map(publication).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn commits_of_one_room_are_taken() {
        for rooms in [&[("1", "2")][..], &[("1", "2"), ("1", "2")]] {
            assert_eq!(room_of(body(rooms).as_bytes()).unwrap().to_string(), "1:2");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let mixed = body(&[("1", "2"), ("1", "3")]);
        let clients = body(&[("1", "2"), ("2", "2")]);
        let forged = body(&[("1:2", "2")]);
        for bad in ["", "{}", "[]", r#"{"publications":[]}"#, &mixed, &clients, &forged] {
            assert_eq!(room_of(bad.as_bytes()).unwrap_err().code, Code::BadRequest, "{bad}");
        }
    }
}
