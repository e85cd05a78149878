//! The Lambda function `data`: single records, by way of the cache.

use functions::app::ReadApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(ReadApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::data::handle(app, request, start::now()).await)
    }))
    .await
}
