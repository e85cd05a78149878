//! The Lambda function `cache-invalidate`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(functions::context::kind::StreamFunction::CacheInvalidate)
}
