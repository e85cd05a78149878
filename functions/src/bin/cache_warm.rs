//! The Lambda function `cache-warm`: `POST /api/cache/warm`.

use functions::app::ReadApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(ReadApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::cache_warm::handle(app, request, start::now()).await)
    }))
    .await
}
