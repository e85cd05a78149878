//! Tells a function's response from one of the platform.

use serde::Deserialize;

use super::CallError;

/// Whether a response is a function's own: it is 2xx, or its body has the shape of our errors. The platform
/// answers a wrong signature, a crash, a throttle and a timeout with neither.
pub(super) fn check(status: u16, body: &[u8]) -> Result<(), CallError> {
    if (200..300).contains(&status) || is_error_response(body) {
        return Ok(());
    }
    // The platform's statuses for a throttled or failed function.
    let transient = status >= 500 || status == 429;
    Err(if transient { CallError::Platform(status) } else { CallError::Foreign(status) })
}

/// Whether `body` is `{"error": {"code": …}}`.
fn is_error_response(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct ErrorResponse {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
    }
    serde_json::from_slice(body).is_ok_and(|ErrorResponse { error: Error { code } }| !code.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::error::{ApiError, ErrorCode};
    use protocol::wire::error_response::ErrorResponse;

    #[test]
    fn our_own_errors_are_recognised() {
        for &code in ErrorCode::ALL {
            let error = ApiError::new(code, "m").with_details(&serde_json::json!({ "a": 1 }));
            let body = ErrorResponse::new(&error, "id").to_json();
            assert!(check(code.status(), body.as_bytes()).is_ok(), "{body}");
        }
        assert!(check(200, b"").is_ok() && check(204, b"").is_ok());
    }

    #[test]
    fn responses_of_the_platform_are_recognised() {
        // Bodies of Lambda and its function URLs: crashed or timed out, throttled, not signed.
        for body in [
            "",
            "Internal Server Error",
            r#"{"message":"Internal Server Error"}"#,
            r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
            r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues"}"#,
            r#"{"error":"x"}"#,
            r#"{"error":{"code":""}}"#,
        ] {
            for status in [429, 500, 502, 503, 504] {
                assert!(matches!(check(status, body.as_bytes()), Err(CallError::Platform(_))), "{body}");
            }
            for status in [302, 400, 403, 404, 413] {
                assert!(matches!(check(status, body.as_bytes()), Err(CallError::Foreign(_))), "{body}");
            }
        }
    }
}
