//! The Lambda function `sync-stats`: `GET /api/sync/stats`.

use functions::app::ReadApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(ReadApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::sync_stats::handle(app, request, start::now()).await)
    }))
    .await
}
