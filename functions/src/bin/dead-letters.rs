//! The Lambda function `dead-letters`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::DeadLetters)
}
