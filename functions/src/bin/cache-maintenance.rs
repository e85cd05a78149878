//! The Lambda function `cache-maintenance`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(functions::context::kind::FunctionKind::CacheMaintenance)
}
