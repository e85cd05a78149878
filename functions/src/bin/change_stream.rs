//! The Lambda function `change-stream`: DynamoDB Streams → the rooms.

use aws_lambda_events::dynamodb::Event;
use functions::app::StreamApp;
use functions::{handle, start};
use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let app = &start::app(StreamApp::new)?;
    run(service_fn(async |event: LambdaEvent<Event>| {
        Ok::<_, Error>(handle::change_stream::handle(app, event.payload, start::now()).await)
    }))
    .await
}
