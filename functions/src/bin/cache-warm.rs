//! The Lambda function `cache-warm`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::CacheWarm)
}
