//! The Lambda function `cache-maintenance`: called by a schedule.

use functions::app::KeeperApp;
use functions::{handle, start};
use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(|lookup, _| KeeperApp::new(lookup))?;
    run(service_fn(async |_: LambdaEvent<IgnoredAny>| {
        handle::cache_maintenance::handle(app).await.map(|done| format!("{done:?}")).map_err(Error::from)
    }))
    .await
}
