//! The Lambda function `cache-report`: how the cache does, and clearing it.

use functions::app::ReportApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(|lookup, _| ReportApp::new(lookup))?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::cache_report::handle(app, request, start::now()).await)
    }))
    .await
}
