//! The Lambda function `cart-fold`: DynamoDB Streams → the carts.

use aws_lambda_events::dynamodb::Event;
use functions::app::FoldApp;
use functions::{handle, start};
use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(FoldApp::new)?;
    run(service_fn(async |event: LambdaEvent<Event>| {
        Ok::<_, Error>(handle::cart_fold::handle(app, event.payload, start::now()).await)
    }))
    .await
}
