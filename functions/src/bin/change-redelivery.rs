//! The Lambda function `change-redelivery`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(functions::context::kind::FunctionKind::Redelivery)
}
