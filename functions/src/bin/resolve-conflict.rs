//! The Lambda function `resolve-conflict`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::ResolveConflict)
}
