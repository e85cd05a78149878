//! The Lambda function `pull-changes`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::PullChanges)
}
