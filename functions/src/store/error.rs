//! What may go wrong at DynamoDB, sorted by what to do about it.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use sync::log::LogError;

use crate::http::HandlerError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first: read again, decide again.
    #[error("failed to commit: another commit came first")]
    Lost,
    /// DynamoDB does not answer, or is too busy to.
    #[error("failed to reach DynamoDB")]
    Unavailable(#[source] Cause),
    /// DynamoDB refused what we asked: a bug or a missing permission.
    #[error("failed to use DynamoDB")]
    Refused(#[source] Cause),
    /// An item is not what we write.
    #[error("failed to read an item: its {0:?} is missing or wrong")]
    Corrupt(&'static str),
    /// A log item could not be made or read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Error codes of DynamoDB that mean "later".
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
                // A proxy, or a server that is going down, answers without a code of DynamoDB's.
                let status = service.raw().status().as_u16();
                status >= 500
                    || status == 429
                    || service.err().code().is_some_and(|code| BUSY.contains(&code))
            }
            SdkError::ConstructionFailure(_) => false,
            // No connection, no answer in time, or an answer that is none.
            _ => true,
        };
        if busy { StoreError::Unavailable(error.into()) } else { StoreError::Refused(error.into()) }
    }
}

/// Reasons in a cancelled transaction that mean "somebody else was there".
const RACES: [&str; 3] = ["None", "ConditionalCheckFailed", "TransactionConflict"];
/// Reasons in a cancelled transaction that mean "later".
const THROTTLES: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

impl StoreError {
    /// Sorts the error of a transaction, whose reasons stand per action.
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
}

impl StoreError {
    /// A request that the SDK does not take: a bug.
    pub fn build(error: BuildError) -> StoreError {
        StoreError::Refused(error.into())
    }
}

impl From<StoreError> for HandlerError {
    fn from(error: StoreError) -> HandlerError {
        match error {
            StoreError::Unavailable(cause) => HandlerError::Unavailable(cause),
            other => HandlerError::fault(other),
        }
    }
}
