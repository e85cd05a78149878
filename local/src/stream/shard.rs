//! Reads the stream of one table. dynoxide gives it a single shard.

use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::{Database, DynoxideError};

use super::StreamError;

/// Maximum number of records in one read. A push of 50 writes more than 50 and delivers one.
const RECORDS_MAX: usize = 250;

/// The shard of a table's stream.
#[derive(Clone)]
pub(super) struct Shard {
    database: Database,
    pub(super) arn: String,
    id: String,
}

impl Shard {
    pub(super) fn of(database: Database, table: &str) -> Result<Shard, StreamError> {
        let none = || StreamError::None(table.to_owned());
        let request = ListStreamsRequest { table_name: Some(table.to_owned()), ..Default::default() };
        let stream = database.list_streams(request)?.streams.into_iter().next().ok_or_else(none)?;
        let arn = stream.stream_arn;
        let request = DescribeStreamRequest { stream_arn: arn.clone(), ..Default::default() };
        let shards = database.describe_stream(request)?.stream_description.shards;
        let id = shards.into_iter().next().ok_or_else(none)?.shard_id;
        Ok(Shard { database, arn, id })
    }

    /// The records after the sequence number `after`, or from the oldest one.
    pub(super) async fn read(&self, after: Option<String>) -> Result<Vec<Record>, DynoxideError> {
        let shard = self.clone();
        // SQLite blocks the thread and waits for writes in progress.
        let read = tokio::task::spawn_blocking(move || shard.read_blocking(after)).await;
        read.unwrap_or_else(|error| Err(DynoxideError::InternalServerError(error.to_string())))
    }

    fn read_blocking(&self, after: Option<String>) -> Result<Vec<Record>, DynoxideError> {
        let start = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let iterator = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: self.arn.clone(),
            shard_id: self.id.clone(),
            shard_iterator_type: start.to_owned(),
            sequence_number: after,
        })?;
        let shard_iterator = iterator.shard_iterator.unwrap_or_default();
        let request = GetRecordsRequest { shard_iterator, limit: Some(RECORDS_MAX) };
        Ok(self.database.get_records(request)?.records)
    }
}
