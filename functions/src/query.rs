//! The query of a function's request.

use std::borrow::Cow;

use lambda_http::Request;
use protocol::error::ApiError;
use protocol::ids::BranchId;
use protocol::stamp::Stamp;
use sync::min;

/// Names and values in the order they were sent.
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// The query of `request`.
    pub fn of(request: &'a Request) -> Query<'a> {
        let text = request.uri().query().unwrap_or_default();
        Query(form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// The first value of `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The position that the caller has seen, if it says so; 0 otherwise.
    pub fn min(&self) -> Result<Stamp, ApiError> {
        self.value("min").map_or(Ok(Stamp::ZERO), min::parse)
    }

    /// The branch that is named, if one is.
    pub fn branch(&self) -> Result<Option<BranchId>, ApiError> {
        self.value("branch_id").map(str::parse).transpose().map_err(ApiError::from)
    }
}
