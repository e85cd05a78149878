//! Errors of DynamoDB, classified by how to react.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use sync::log::LogError;

use crate::http::error::HandlerError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another commit came first: load and decide again.
    #[error("failed to commit: another commit came first")]
    Lost,
    /// DynamoDB does not respond or is overloaded.
    #[error("failed to reach DynamoDB")]
    Unavailable(#[source] Cause),
    /// DynamoDB refused the request: a bug or a missing permission.
    #[error("failed to use DynamoDB")]
    Refused(#[source] Cause),
    /// An attribute of an item is missing or wrong.
    #[error("failed to read an item: its {0:?} is missing or wrong")]
    Corrupt(&'static str),
    /// A newer release wrote the item. A retry meets a function of that release.
    #[error("failed to read a {kind}: its format {format} is newer than this release")]
    Newer {
        /// The kind of item.
        kind: &'static str,
        /// The number of its format.
        format: u64,
    },
    /// The room's HEAD is damaged. A person must repair it; until then nothing is committed or read, and
    /// devices keep what they have.
    #[error("failed to read the room: its HEAD is damaged")]
    NoHead,
    /// A log item could not be written or read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Error codes of DynamoDB that a later retry may resolve.
const BUSY: [&str; 8] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> StoreError {
        let busy = match &error {
            SdkError::ServiceError(service) => {
                // A proxy or a server that shuts down responds without an error code of DynamoDB.
                let status = service.raw().status().as_u16();
                status >= 500
                    || status == 429
                    || service.err().code().is_some_and(|code| BUSY.contains(&code))
            }
            SdkError::ConstructionFailure(_) => false,
            // No connection, a timeout, or an unreadable response.
            _ => true,
        };
        if busy { StoreError::Unavailable(error.into()) } else { StoreError::Refused(error.into()) }
    }
}

/// Cancellation reasons of a transaction that another writer caused.
const RACES: [&str; 3] = ["None", "ConditionalCheckFailed", "TransactionConflict"];
/// Cancellation reasons of a transaction that a later retry may resolve.
const THROTTLES: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

impl StoreError {
    /// Classifies the error of a transaction by the cancellation reasons of its actions.
    pub fn of_transaction(error: SdkError<TransactWriteItemsError>) -> StoreError {
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let codes: Vec<&str> =
                cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
            if codes.iter().all(|code| RACES.contains(code)) {
                return StoreError::Lost;
            }
            if codes.iter().any(|code| THROTTLES.contains(code)) {
                return StoreError::Unavailable(error.into());
            }
        }
        StoreError::from(error)
    }

    /// Whether the item that was read is damaged. Then a retry reads the same.
    pub fn is_damage(&self) -> bool {
        matches!(self, StoreError::Corrupt(_) | StoreError::Log(_))
    }

    /// A request that the SDK refuses to build: a bug.
    pub fn build(error: BuildError) -> StoreError {
        StoreError::Refused(error.into())
    }
}

impl From<StoreError> for HandlerError {
    fn from(error: StoreError) -> HandlerError {
        match error {
            StoreError::Unavailable(cause) => HandlerError::Unavailable(cause),
            later @ (StoreError::Newer { .. } | StoreError::NoHead) => {
                HandlerError::Unavailable(Box::new(later))
            }
            other => HandlerError::fault(other),
        }
    }
}
