//! `POST /api/sync/dead-letters/{id}/discard`: the letter is closed, and nothing is written.

use lambda_http::Request;
use protocol::ids::Room;
use sync::dead_letter_id::DeadLetterId;

use super::not_found;
use crate::app::SyncApp;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::write::Race;

pub(super) async fn discard(
    app: &SyncApp,
    request: &Request,
    room: &Room,
    id: &DeadLetterId,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let name = id.to_string();
    let mut race = Race::new(request, &name);
    loop {
        let open = app.store.letter(room, id, cost).await?.ok_or_else(not_found)?;
        match app.store.discard(room, &open, cost).await {
            Ok(()) => return Ok(Answer::no_content()),
            // Another letter of the same batch was dealt with at the same moment.
            Err(StoreError::Lost) => race.again().await?,
            Err(error) => return Err(error.into()),
        }
    }
}
