//! The Lambda function `sync-stats`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::SyncStats)
}
