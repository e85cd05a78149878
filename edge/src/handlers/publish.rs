//! Publishing commits to a room and to the hub of its client: the fast path, beside the response to a write,
//! and the sure path, `POST /internal/publish`, by the function that follows the log.

use auth::signature::{InvalidSignature, SIGNATURE_HEADER, UnverifiedSignature};
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::wire::publication::PublishRequest;
use serde::Deserialize;
use serde_json::value::RawValue;
use worker::console_error;

use crate::body::{self, BodyOwner};
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::response::Response;
use crate::room::{self, WriteTurn};
use crate::upstream::CallError;

/// No publications.
pub(crate) const NONE: &str = "[]";

/// A commit beside a response, as the function wrote it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    room: Room,
    /// The publications, a JSON array.
    publications: String,
}

impl Commit {
    /// The commit of `publications`; `None` if there are none. Refuses publications of two rooms or of
    /// another client.
    pub(crate) fn of(client: &ClientId, publications: &[&RawValue]) -> Result<Option<Commit>, CallError> {
        /// The room of a publication; the edge reads nothing else of it.
        #[derive(Deserialize)]
        struct PublicationRoom {
            client_id: ClientId,
            branch_id: BranchId,
        }
        let mut of: Option<Room> = None;
        for publication in publications {
            let of_publication: PublicationRoom =
                serde_json::from_str(publication.get()).map_err(CallError::Unreadable)?;
            let room = Room { client: of_publication.client_id, branch: of_publication.branch_id };
            if room.client != *client || of.as_ref().is_some_and(|known| *known != room) {
                return Err(CallError::ForeignCommit);
            }
            of = Some(room);
        }
        let parts: Vec<&str> = publications.iter().map(|publication| publication.get()).collect();
        Ok(of.map(|room| Commit { room, publications: format!("[{}]", parts.join(",")) }))
    }

    /// The publications of a commit to `room`, a JSON array.
    pub(crate) fn publications_to(self, room: &Room) -> Result<String, CallError> {
        if self.room == *room { Ok(self.publications) } else { Err(CallError::ForeignCommit) }
    }
}

/// The fast path: publishes `commit` to its room after the response, and gives back the turn of its write.
pub(crate) fn after_response(context: &RequestContext, commit: Commit, turn: Option<WriteTurn>) {
    let (env, id) = (context.env.clone(), context.id.clone());
    let Commit { room, publications } = commit;
    relay_publications(context, &room.client, &publications);
    let body = publish_request(&publications);
    context.execution.wait_until(async move {
        if let Err(error) = room::publish(&env, &room, body.as_bytes(), turn).await {
            // The sure path brings the same commit a moment later.
            console_error!("{id} fast path to {room}: {error}");
        }
    });
}

/// A `PublishRequest` of `publications`, a JSON array.
fn publish_request(publications: &str) -> String {
    format!(r#"{{"publications":{publications}}}"#)
}

/// Publishes `publications`, a JSON array, to the hub of `client` after the response, if there are any.
pub(crate) fn relay_publications(context: &RequestContext, client: &ClientId, publications: &str) {
    if publications != NONE {
        relay_after_response(context, client, publish_request(publications).into_bytes());
    }
}

/// Publishes `body`, a `PublishRequest`, to the hub of `client`. A hub that fails or is slow costs its own
/// sockets a pull, and the room nothing.
fn relay_after_response(context: &RequestContext, client: &ClientId, body: Vec<u8>) {
    let (env, id, client) = (context.env.clone(), context.id.clone(), client.clone());
    context.execution.wait_until(async move {
        if let Err(error) = room::relay(&env, &client, &body).await {
            console_error!("{id} hub of {client}: {error}");
        }
    });
}

/// Gives back the turn of a write that has succeeded without publications: the room then knows that its head
/// may have changed.
pub(crate) fn nothing_after_response(context: &RequestContext, turn: WriteTurn) {
    let commit = Commit { room: turn.room().clone(), publications: NONE.to_owned() };
    after_response(context, commit, Some(turn));
}

/// The sure path: 204 once the room has accepted the commits; until then the stream keeps them. A caller
/// without a signature of about now sends no body.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let header = context.header(SIGNATURE_HEADER)?.unwrap_or_default();
    let signature = UnverifiedSignature::parse(&header, context.now).map_err(bad_signature)?;
    let body = body::read(&context.request, &context.state.bodies, BodyOwner::Function).await?;
    let secret = &context.state.config.publish_secret;
    let verified = body.with(|bytes| {
        signature.verify(secret, bytes).map_err(bad_signature)?;
        Ok::<_, ApiError>((room_of(bytes)?, bytes.to_vec()))
    });
    let (room, bytes) = verified.ok_or_else(body::incomplete)??;
    body.free();
    relay_after_response(context, &room.client, bytes.clone());
    room::publish(&context.env, &room, &bytes, None).await?;
    Ok(Response::empty(204))
}

fn bad_signature(_: InvalidSignature) -> ApiError {
    let message = "This address takes publications sealed by our functions only.";
    ApiError::new(ErrorCode::BadSignature, message)
}

/// The room that all commits of `body` belong to.
fn room_of(body: &[u8]) -> Result<Room, ApiError> {
    let publish: PublishRequest = serde_json::from_slice(body).map_err(|error| {
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
    fn a_commit_goes_to_its_room_unchanged() {
        let parts = [publication("1:2", 100), publication("1:2", 200)];
        let commit = commit_of("1", &parts).unwrap().unwrap();
        assert_eq!(commit.room.to_string(), "1:2");
        let publications = commit.publications_to(&"1:2".parse().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Publication>>(&publications).unwrap(), parts);
        let elsewhere = commit_of("1", &parts).unwrap().unwrap().publications_to(&"1:3".parse().unwrap());
        assert!(matches!(elsewhere, Err(CallError::ForeignCommit)));
        assert_eq!(commit_of("1", &[]).unwrap(), None);
    }

    #[test]
    fn a_commit_of_another_client_or_of_two_rooms_is_refused() {
        let foreign = commit_of("2", &[publication("1:2", 100)]);
        let mixed = commit_of("1", &[publication("1:2", 100), publication("1:3", 200)]);
        for refused in [foreign, mixed] {
            assert!(matches!(refused, Err(CallError::ForeignCommit)), "{refused:?}");
        }
    }

    fn body(rooms: &[&str]) -> String {
        let publications = rooms.iter().map(|room| publication(room, 100)).collect();
        serde_json::to_string(&PublishRequest { publications }).unwrap()
    }

    #[test]
    fn only_a_body_with_commits_of_one_room_is_accepted() {
        for rooms in [&["1:2"][..], &["1:2", "1:2"]] {
            assert_eq!(room_of(body(rooms).as_bytes()).unwrap().to_string(), "1:2");
        }
        let (mixed, clients) = (body(&["1:2", "1:3"]), body(&["1:2", "2:2"]));
        let forged = body(&["1:2"]).replace(r#""client_id":"1""#, r#""client_id":"1:2""#);
        for bad in ["", "{}", "[]", r#"{"publications":[]}"#, &mixed, &clients, &forged] {
            assert_eq!(room_of(bad.as_bytes()).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
