//! The Lambda function `auth`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::Auth)
}
