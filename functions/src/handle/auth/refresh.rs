//! `POST /api/auth/refresh`

use lambda_http::Request;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::auth::RefreshRequest;
use protocol::wire::session_end::EndedSessions;

use crate::accounts::origin::Origin;
use crate::accounts::session::{Refreshed, invalid};
use crate::app::AuthApp;
use crate::http::{Answer, HandlerError};

pub(super) async fn refresh(
    app: &AuthApp,
    request: &Request,
    now: Timestamp,
    ended: &mut EndedSessions,
) -> Result<Answer, HandlerError> {
    let RefreshRequest { refresh_token } = read_body(request.body())?;
    match app.accounts.refresh(&refresh_token, &Origin::of(request), now).await? {
        Refreshed::On(signed_in) => {
            let family = &signed_in.family;
            // Also when an answer is given again: the first time may have been cut off before this.
            if let Some(before) = &family.before {
                super::end(app, std::slice::from_ref(before), ended).await;
            }
            app.live.go_on(family).await;
            super::session(app, signed_in, now)
        }
        Refreshed::Reused(family) => {
            super::end(app, &family.all_ended(), ended).await;
            let message = "The refresh token was used before, so every token of this sign-in is revoked; sign in again.";
            Err(ApiError::new(ErrorCode::RefreshReused, message).into())
        }
        Refreshed::Dead(family) => {
            // Whoever ended it may have been cut off before the edge was told.
            if family.is_fresh_dead(now) {
                super::end(app, &family.all_ended(), ended).await;
            }
            Err(invalid().into())
        }
    }
}
