//! The time of a request in which requests to DynamoDB were under way.

use std::cell::Cell;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

/// The requests of one task.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    running: u32,
    /// Since when at least one has been running.
    since: Option<Instant>,
    before: Duration,
}

tokio::task_local! {
    static REQUESTS: Cell<Requests>;
}

/// The result of `future`, and the time that its task spent with DynamoDB.
pub async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let measured = async {
        let output = future.await;
        let Requests { since, before, .. } = REQUESTS.with(Cell::get);
        (output, before + since.map_or(Duration::ZERO, |since| since.elapsed()))
    };
    REQUESTS.scope(Cell::default(), measured).await
}

/// Measures the requests of a client, with their retries.
#[derive(Debug)]
pub struct RequestTimer;

impl Intercept for RequestTimer {
    fn name(&self) -> &'static str {
        "RequestTimer"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        change(|requests| Requests {
            running: requests.running + 1,
            since: requests.since.or_else(|| Some(Instant::now())),
            ..requests
        });
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        change(|Requests { running, since, before }| match running {
            0 | 1 => {
                let last = since.map_or(Duration::ZERO, |since| since.elapsed());
                Requests { running: 0, since: None, before: before + last }
            }
            _ => Requests { running: running - 1, since, before },
        });
        Ok(())
    }
}

/// Changes the requests of the task; a request of another task, such as the warm-up of a process, is of none.
fn change(change: impl FnOnce(Requests) -> Requests) {
    let _ = REQUESTS.try_with(|requests| requests.set(change(requests.get())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::dynamo_defaults;
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{Credentials, Region};

    #[tokio::test]
    async fn requests_that_run_at_once_count_once_and_failed_ones_count() {
        let config = dynamo_defaults().region(Region::new("local")).endpoint_url("http://127.0.0.1:1");
        let config = config.credentials_provider(Credentials::new("a", "b", None, None, "test"));
        let client = Client::from_conf(config.build());
        let began = Instant::now();
        let request = || client.list_tables().send();
        let (both, spent) = timed(async { tokio::join!(request(), request()) }).await;
        assert!(both.0.is_err() && both.1.is_err());
        assert!(spent > Duration::ZERO && spent <= began.elapsed(), "{spent:?}");
        let (_, none) = timed(async { tokio::time::sleep(Duration::from_millis(5)).await }).await;
        assert_eq!(none, Duration::ZERO);
        // Outside of a measured task nothing is counted, and nothing fails.
        assert!(request().await.is_err());
    }
}
