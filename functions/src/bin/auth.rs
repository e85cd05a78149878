//! The Lambda function `auth`: signing in and out.

use functions::app::AuthApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(AuthApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::auth::handle(app, request, start::now()).await)
    }))
    .await
}
