//! The Lambda function `change-stream`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(functions::context::kind::StreamFunction::ChangeStream)
}
