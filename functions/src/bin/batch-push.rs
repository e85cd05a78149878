//! The Lambda function `batch-push`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::BatchPush)
}
