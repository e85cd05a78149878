//! The Lambda function `dead-letters`: `/api/sync/dead-letters` and what becomes of one.

use functions::app::SyncApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(SyncApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::dead_letters::handle(app, request, start::now()).await)
    }))
    .await
}
