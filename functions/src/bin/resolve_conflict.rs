//! The Lambda function `resolve-conflict`: `POST /api/sync/resolve-conflict`.

use functions::app::ResolveApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(ResolveApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::resolve_conflict::handle(app, request, start::now()).await)
    }))
    .await
}
