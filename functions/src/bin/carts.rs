//! The Lambda function `carts`: gives and takes carts.

use functions::app::CartsApp;
use functions::{handle, start};
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(CartsApp::new)?;
    run(service_fn(async |request: Request| {
        Ok::<_, Error>(handle::carts::handle(app, request, start::now()).await)
    }))
    .await
}
