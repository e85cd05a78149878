//! The Lambda function `cart-compact`.

fn main() -> Result<(), lambda_http::Error> {
    functions::start::run(functions::context::kind::StreamFunction::CartCompact)
}
