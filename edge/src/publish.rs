//! Commits on their way to a room: the fast path, from the answer to a write, and the sure path,
//! `POST /internal/publish`, from the function that follows the log.

use auth::signature::{self, SEAL_HEADER};
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::wire::publication::Publish;
use serde::Deserialize;
use serde_json::value::RawValue;
use worker::{Response, ResponseBuilder, console_error};

use crate::body;
use crate::error::RequestError;
use crate::functions::CallError;
use crate::room;
use crate::visit::Visit;

/// A commit beside an answer, as the function wrote it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    room: Room,
    /// A [`Publish`].
    body: String,
}

impl Commit {
    /// The commit in `publications`, if there is one: of one room, which is one of `client`'s.
    pub(crate) fn of(client: &ClientId, publications: &[&RawValue]) -> Result<Option<Commit>, CallError> {
        /// Where a publication belongs; nothing else in it concerns the edge.
        #[derive(Deserialize)]
        struct Place {
            client_id: ClientId,
            branch_id: BranchId,
        }
        let mut of: Option<Room> = None;
        for publication in publications {
            let place: Place = serde_json::from_str(publication.get()).map_err(CallError::Unreadable)?;
            let room = Room { client: place.client_id, branch: place.branch_id };
            if room.client != *client || of.as_ref().is_some_and(|known| *known != room) {
                return Err(CallError::ForeignCommit);
            }
            of = Some(room);
        }
        let parts: Vec<&str> = publications.iter().map(|publication| publication.get()).collect();
        Ok(of.map(|room| Commit { room, body: format!(r#"{{"publications":[{}]}}"#, parts.join(",")) }))
    }
}

/// The fast path: gives `commit` to its room once the caller has the answer.
pub(crate) fn after_answer(visit: &Visit, commit: Commit) {
    let (env, id) = (visit.env.clone(), visit.id.clone());
    visit.context.wait_until(async move {
        let Commit { room, body } = commit;
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
    signature::verify(&visit.door.config.publish_secret, visit.now, &header, &body).map_err(|_| {
        ApiError::new(
            ErrorCode::BadSignature,
            "This address takes publications sealed by our functions only.",
        )
    })?;
    room::publish(&visit.env, &room_of(&body)?, &body).await?;
    Ok(ResponseBuilder::new().with_status(204).empty())
}

/// The one room that all commits of `body` belong to.
fn room_of(body: &[u8]) -> Result<Room, ApiError> {
    let publish: Publish = serde_json::from_slice(body).map_err(|error| {
        ApiError::new(ErrorCode::BadRequest, format!("The body is no list of publications: {error}."))
    })?;
    let mut rooms = publish.publications.iter().map(protocol::wire::publication::Publication::room);
    let mixed =
        || ApiError::new(ErrorCode::BadRequest, "Send at least one publication, all of the same room.");
    let room = rooms.next().ok_or_else(mixed)?;
    if rooms.all(|other| other == room) { Ok(room) } else { Err(mixed()) }
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;
    use protocol::record::Operation;
    use protocol::stamp::Stamp;
    use protocol::wire::publication::{Publication, PublishedChange};

    use super::*;

    fn publication(room: &str, first: u64) -> Publication {
        let Room { client, branch } = room.parse().unwrap();
        Publication {
            client_id: client,
            branch_id: branch,
            device_id: "till-1".parse().unwrap(),
            prev: Stamp(7),
            first: Stamp(first),
            changes: vec![PublishedChange {
                table_name: "products".into(),
                record_id: "p1".into(),
                operation: Operation::Create,
                data: JsonText::from_text(r#"{"name":"Ä\u00e4","price":1.10}"#.into()).unwrap(),
                version: 1,
                read: protocol::role::Role::Manager,
            }],
        }
    }

    fn commit_of(client: &str, publications: &[Publication]) -> Result<Option<Commit>, CallError> {
        let texts: Vec<String> =
            publications.iter().map(|publication| serde_json::to_string(publication).unwrap()).collect();
        let raw: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        Commit::of(&client.parse().unwrap(), &raw)
    }

    #[test]
    fn a_commit_goes_to_the_room_it_names_as_it_is() {
        let parts = [publication("1:2", 100), publication("1:2", 200)];
        let commit = commit_of("1", &parts).unwrap().unwrap();
        assert_eq!(commit.room.to_string(), "1:2");
        let publish: Publish = serde_json::from_str(&commit.body).unwrap();
        assert_eq!(publish.publications, parts);
        assert_eq!(commit_of("1", &[]).unwrap(), None);
    }

    #[test]
    fn a_commit_of_another_client_or_of_two_rooms_goes_nowhere() {
        let foreign = commit_of("2", &[publication("1:2", 100)]);
        let mixed = commit_of("1", &[publication("1:2", 100), publication("1:3", 200)]);
        for refused in [foreign, mixed] {
            assert!(matches!(refused, Err(CallError::ForeignCommit)), "{refused:?}");
        }
    }

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
            assert_eq!(room_of(bad.as_bytes()).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
