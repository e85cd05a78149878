//! Who sends a request, and whether it is admitted.

use auth::rate::decision::RateDecision;
use auth::token::bearer;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::USER_ID_BYTES_MAX;
use worker::console_error;

use super::{Caller, RequestContext};
use crate::admission::{AdmissionCheck, SessionSource, fuse};
use crate::error::{RequestError, session_revoked};
use crate::telemetry::Part;

impl RequestContext {
    /// Authenticates the caller by the `Authorization` header and admits the request.
    pub(crate) async fn caller(&self) -> Result<Caller, RequestError> {
        let header = self.header("authorization")?;
        let caller = self.authenticate(bearer(header.as_deref())?.to_owned())?;
        self.admit(&self.state.policy.for_caller(&caller.claims, self.spec().limit)).await?;
        Ok(caller)
    }

    pub(crate) fn authenticate(&self, token: String) -> Result<Caller, ApiError> {
        let claims = self.state.authenticator.claims(&token, self.now)?;
        self.observation.of_client(&claims.client_id);
        Ok(Caller { token, claims })
    }

    /// Checks session and rate limits.
    pub(crate) async fn admit(&self, check: &AdmissionCheck) -> Result<(), RequestError> {
        let asked = self.state.admission.commands(check, self.now);
        // The function's commands too, unless the caller is refused at once.
        match asked.map_or(0, |asked| asked + self.spec().redis_commands) {
            // The clock stands still meanwhile, and asking for it is a call of the runtime.
            0 => self.pass_gate(check, 0).await,
            commands => self.observation.timed(Part::Gate, self.pass_gate(check, commands)).await,
        }
    }

    /// Checks session and rate limits of a request that takes `commands` of Redis in all.
    async fn pass_gate(&self, check: &AdmissionCheck, commands: usize) -> Result<(), RequestError> {
        self.count_at_fuse(commands).await?;
        let result = self.state.admission.run(check, self.now).await;
        if let Some(error) = result.failure.as_ref().filter(|error| !error.is_repeated()) {
            let count = self.state.admission.local_decisions();
            console_error!("{} admitted without Redis, {count} so far: {error}", self.id);
        }
        let error = result.decision.as_ref().and_then(RateDecision::error);
        if let Some(decision) = result.decision {
            // A request is admitted once, so the cell is empty.
            let _ = self.decision.set(decision);
        }
        if result.revoked {
            return Err(session_revoked().into());
        }
        error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Admits a caller who asks for a ticket: without the cache of sessions, since a socket lasts.
    pub(crate) async fn admit_to_ticket(&self, claims: &Claims) -> Result<(), RequestError> {
        self.admit(&self.socket_check(claims, SessionSource::Redis)?).await
    }

    /// Admits a caller who opens a socket. Its room asks Redis for the session.
    pub(crate) async fn admit_to_socket(&self, claims: &Claims) -> Result<(), RequestError> {
        let check = self.socket_check(claims, SessionSource::Room)?;
        self.count_at_fuse(1).await?;
        self.admit(&check).await
    }

    fn socket_check(&self, claims: &Claims, asked: SessionSource) -> Result<AdmissionCheck, ApiError> {
        if claims.sub.len() > USER_ID_BYTES_MAX {
            let message = "The id of this user is too long to be ours.";
            return Err(ApiError::new(ErrorCode::TokenInvalid, message));
        }
        Ok(self.state.policy.for_caller(claims, self.spec().limit).asking(asked))
    }

    /// Refuses a caller whose address may not send `commands` to Redis. Admits it if the fuse does not
    /// respond.
    pub(crate) async fn count_at_fuse(&self, commands: usize) -> Result<(), RequestError> {
        if commands == 0 {
            return Ok(());
        }
        let client_info = self.client_info()?;
        let is_below = fuse::allows(&self.env, &client_info, commands).await.unwrap_or_else(|error| {
            console_error!("{} admitted without the fuse: {error}", self.id);
            true
        });
        if is_below { Ok(()) } else { Err(fuse::refusal().into()) }
    }
}
