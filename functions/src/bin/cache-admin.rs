//! The Lambda function `cache-admin`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(protocol::endpoints::function::Function::CacheAdmin)
}
