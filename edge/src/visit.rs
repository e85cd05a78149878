//! One request, with everything its handler needs.

use std::rc::Rc;

use shared::error::Refusal;
use shared::micros::Micros;
use shared::token::{Claims, bearer};
use worker::{Context, Env, Method, Request};

use crate::body;
use crate::door::Door;
use crate::error::RequestError;
use crate::functions::{self, Answer, Call, Function};
use crate::query;
use crate::request_id::RequestId;

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
    pub(crate) now: Micros,
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

    /// Who came, by the `Authorization` header.
    pub(crate) fn caller(&self) -> Result<Caller, RequestError> {
        let header = self.header("authorization")?;
        let token = bearer(header.as_deref())?.to_owned();
        Ok(self.known(token)?)
    }

    /// Who came, by `token`.
    pub(crate) fn known(&self, token: String) -> Result<Caller, Refusal> {
        let claims = self.door.authenticator.claims(&token, self.now)?;
        Ok(Caller { token, claims })
    }

    /// The request as it is, put to `function` on behalf of `caller`; the function's answer.
    pub(crate) async fn ask(
        &self,
        function: Function,
        caller: Option<&Caller>,
    ) -> Result<Answer, RequestError> {
        let method = self.request.method();
        // Before the body: a refusal should not cost the caller an upload.
        let query = query::canonical(&self.query())?;
        let body = if method == Method::Get { None } else { Some(body::read(&self.request).await?) };
        let call = Call {
            function,
            method,
            path: &self.request.path(),
            query: &query,
            body,
            token: caller.map(|caller| caller.token.as_str()),
            request_id: &self.id,
        };
        Ok(functions::call(&self.door.config, call, self.now).await?)
    }
}
