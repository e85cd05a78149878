//! Tables in memory, and the operations on them that the functions use.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dynamo::StartDynamoError;
use crate::template::table::Table;

/// Tables that live as long as this value. Clones share them.
#[derive(Clone)]
pub struct Tables(Database);

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

/// A response as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The JSON.
    pub body: String,
}

impl Response {
    pub(in crate::dynamo) fn of(ran: Result<String, DynoxideError>) -> Response {
        match ran {
            Ok(body) => Response { status: 200, body },
            Err(error) => Response { status: error.status_code(), body: error.to_json() },
        }
    }

    /// Whether the operation was executed.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }
}

impl Tables {
    /// Creates empty `tables` without streams and without expiry: the transport sees every write and decides
    /// when items expire.
    pub fn create<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Result<Tables, StartDynamoError> {
        let database = Database::memory()?;
        for table in tables {
            let mut request = table.create()?;
            request.stream_specification = None;
            database.create_table(request)?;
        }
        Ok(Tables(database))
    }

    /// The tables of `database`.
    pub(in crate::dynamo) fn of(database: Database) -> Tables {
        Tables(database)
    }

    /// Executes `action` with the JSON `body`, as DynamoDB would.
    pub fn execute(&self, action: &str, body: &str) -> Response {
        Response::of(self.dispatch(action, body))
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

pub(in crate::dynamo) fn run<Q: DeserializeOwned, R: Serialize>(
    body: &str,
    operation: impl FnOnce(Q) -> Result<R, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    let response = operation(request)?;
    serde_json::to_string(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
