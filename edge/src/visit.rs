//! One request, with everything its handler needs.

use std::cell::OnceCell;
use std::rc::Rc;

use auth::rate::decision::Decision;
use auth::token::bearer;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use worker::{Context, Env, Method, Request, console_error};

use crate::body;
use crate::door::Door;
use crate::ended;
use crate::error::RequestError;
use crate::functions::{self, Answer, Call, Function};
use crate::gate::Question;
use crate::origin::{CONNECTING_ADDRESS_HEADER, Origin};
use crate::query;
use crate::request_id::RequestId;
use crate::route::{self, Route};

/// Where single records are asked for; table and id are in the query.
const RECORD_PATH: &str = "/api/data";

/// A request at the door.
pub(crate) struct Visit {
    /// As it arrived.
    pub(crate) request: Request,
    /// The bindings.
    pub(crate) env: Env,
    /// For what goes on after the answer.
    pub(crate) context: Context,
    /// What the isolate keeps.
    pub(crate) door: Rc<Door>,
    /// The request's name.
    pub(crate) id: RequestId,
    /// When it arrived.
    pub(crate) now: Timestamp,
    /// What it is for.
    pub(crate) route: Route,
    /// What its limits said, once they were asked; the answer tells it, whatever else it says.
    pub(crate) decision: OnceCell<Decision>,
}

/// Who came, with the token that says so.
pub(crate) struct Caller {
    /// The verified token.
    pub(crate) token: String,
    /// What it says.
    pub(crate) claims: Claims,
}

impl Visit {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Result<Option<String>, RequestError> {
        Ok(self.request.headers().get(name)?)
    }

    /// The query as it was sent, without the question mark; empty if there is none.
    pub(crate) fn query(&self) -> String {
        query::of(&self.request.inner().url()).to_owned()
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> Result<Origin, RequestError> {
        let (address, agent) = (self.header(CONNECTING_ADDRESS_HEADER)?, self.header("user-agent")?);
        Ok(Origin::new(address.as_deref(), agent.as_deref()))
    }

    /// Who came, by the `Authorization` header, and may pass.
    pub(crate) async fn caller(&self) -> Result<Caller, RequestError> {
        let header = self.header("authorization")?;
        let caller = self.known(bearer(header.as_deref())?.to_owned())?;
        self.admit(&self.door.questions.of_caller(&caller.claims, self.route.guard())).await?;
        Ok(caller)
    }

    /// Lets the request pass, or says why not.
    pub(crate) async fn admit(&self, question: &Question) -> Result<(), RequestError> {
        let outcome = self.door.gate.ask(question, self.now).await;
        if let Some(error) = outcome.failure.filter(|error| !error.is_known()) {
            // Nobody is kept waiting or turned away for it.
            console_error!("{} let in without Redis, {} so far: {error}", self.id, self.door.gate.alone());
        }
        let refusal = outcome.decision.as_ref().and_then(Decision::refusal);
        if let Some(decision) = outcome.decision {
            // A request passes once; a second decision would find the first one's place taken.
            let _ = self.decision.set(decision);
        }
        if outcome.revoked {
            let message = "This session was ended; sign in again.";
            return Err(ApiError::new(ErrorCode::SessionRevoked, message).into());
        }
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// Who came, by `token`.
    pub(crate) fn known(&self, token: String) -> Result<Caller, ApiError> {
        let claims = self.door.authenticator.claims(&token, self.now)?;
        Ok(Caller { token, claims })
    }

    /// The whole body; GET and DELETE have none.
    pub(crate) async fn body(&self) -> Result<Option<Vec<u8>>, RequestError> {
        match self.request.method() {
            Method::Get | Method::Delete => Ok(None),
            _ => Ok(Some(body::read(&self.request).await?)),
        }
    }

    /// The request as it is, put to `function` on behalf of `caller`; the function's answer.
    pub(crate) async fn ask(&self, function: Function, caller: &Caller) -> Result<Answer, RequestError> {
        // Before the body: a refusal should not cost the caller an upload.
        let (path, query) = self.target()?;
        let call = Call {
            function,
            method: self.request.method(),
            path: &path,
            query: &query,
            body: self.body().await?,
            token: Some(&caller.token),
            origin: None,
            request_id: &self.id,
        };
        self.call(call).await
    }

    /// The request of somebody who comes from `origin` and has no token, with its `body`, put to the function that
    /// knows passwords and refresh tokens.
    pub(crate) async fn ask_auth(
        &self,
        origin: &Origin,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, RequestError> {
        let (path, query) = self.target()?;
        let call = Call {
            function: Function::Auth,
            method: self.request.method(),
            path: &path,
            query: &query,
            body,
            token: None,
            origin: Some(origin),
            request_id: &self.id,
        };
        self.call(call).await
    }

    async fn call(&self, call: Call<'_>) -> Result<Answer, RequestError> {
        let answer = functions::call(&self.door.config, call, self.now).await?;
        ended::after_answer(self, &answer);
        Ok(answer)
    }

    /// Path and query as a function is asked by them.
    fn target(&self) -> Result<(String, String), ApiError> {
        let (path, query) = (self.request.path(), query::canonical(&self.query())?);
        Ok(match route::record_of(&path) {
            Some((table, id)) => {
                (RECORD_PATH.to_owned(), query::with([("table", table), ("id", &id)], &query))
            }
            None => (path, query),
        })
    }
}
