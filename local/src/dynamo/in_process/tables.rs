//! Tables in memory, and the operations on them that the functions use.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dynamo::refusal::CONTENT_TYPE;
use crate::dynamo::server::StartDynamoError;
use crate::template::table::Table;

/// Tables that live as long as this does. Clones share them.
#[derive(Clone)]
pub struct Tables(Database);

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

/// An answer as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON.
    pub body: String,
}

impl Answer {
    /// Whether the operation was executed.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    pub(super) fn into_response(self) -> Result<HttpResponse, ConnectorError> {
        let status =
            StatusCode::try_from(self.status).map_err(|error| ConnectorError::other(error.into(), None))?;
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        response.headers_mut().insert("content-type", CONTENT_TYPE);
        Ok(response)
    }
}

impl Tables {
    /// Creates `tables`, empty, without their streams and without anything that expires by itself: who holds the
    /// line sees every write, and decides what is swept when.
    pub fn create<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Result<Tables, StartDynamoError> {
        let database = Database::memory()?;
        for table in tables {
            let mut request = table.create()?;
            request.stream_specification = None;
            database.create_table(request)?;
        }
        Ok(Tables(database))
    }

    /// Executes `action` with the JSON `body`, as DynamoDB would.
    pub fn execute(&self, action: &str, body: &str) -> Answer {
        match self.dispatch(action, body) {
            Ok(body) => Answer { status: 200, body },
            Err(error) => Answer { status: error.status_code(), body: error.to_json() },
        }
    }

    fn dispatch(&self, action: &str, body: &str) -> Result<String, DynoxideError> {
        let database = &self.0;
        match action {
            "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
            "DeleteItem" => run(body, |request| database.delete_item(request)),
            "GetItem" => run(body, |request| database.get_item(request)),
            "PutItem" => run(body, |request| database.put_item(request)),
            "Query" => run(body, |request| database.query(request)),
            "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
            "UpdateItem" => run(body, |request| database.update_item(request)),
            other => Err(DynoxideError::ValidationException(format!("{other} is not known here"))),
        }
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    let answer = operation(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
