//! The Lambda function `cache-invalidate`: DynamoDB Streams → the cache.

use aws_lambda_events::dynamodb::Event;
use functions::app::KeeperApp;
use functions::{handle, start};
use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(|lookup, _| KeeperApp::new(lookup))?;
    run(service_fn(async |event: LambdaEvent<Event>| {
        Ok::<_, Error>(handle::cache_invalidate::handle(app, event.payload).await)
    }))
    .await
}
