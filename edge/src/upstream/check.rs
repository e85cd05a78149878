//! Tells a function's response from one of the platform.

use serde::Deserialize;

use super::CallError;

/// Whether a response is a function's own: a success is JSON or 204, and the body of an error has the shape
/// of our errors. The platform answers a wrong signature, a crash, a throttle and a timeout with neither.
pub(super) fn check(status: u16, content_type: Option<&str>, body: &[u8]) -> Result<(), CallError> {
    if (200..300).contains(&status) {
        let content_type = content_type.unwrap_or_default();
        let is_ours = status == 204 || is_json(content_type);
        return if is_ours { Ok(()) } else { Err(CallError::NoJson(content_type.to_owned())) };
    }
    if is_error_response(body) {
        return Ok(());
    }
    // The platform's statuses for a throttled or failed function.
    let transient = status >= 500 || status == 429;
    Err(if transient { CallError::Platform(status) } else { CallError::Foreign(status) })
}

/// Whether a content type is JSON, or one of our own that end with it (RFC 6839).
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
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
            assert!(check(code.status(), None, body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn a_success_is_json_or_has_no_body() {
        let ours =
            ["application/json", "application/json; charset=utf-8", "application/vnd.tillsync.pushed+json"];
        for content_type in ours {
            assert!(check(200, Some(content_type), b"{}").is_ok(), "{content_type}");
        }
        assert!(check(204, None, b"").is_ok());
        for content_type in [None, Some("text/html"), Some("application/jsonp"), Some("text/plain; +json")] {
            assert!(matches!(check(200, content_type, b"{}"), Err(CallError::NoJson(_))), "{content_type:?}");
        }
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
                assert!(
                    matches!(check(status, None, body.as_bytes()), Err(CallError::Platform(_))),
                    "{body}"
                );
            }
            for status in [302, 400, 403, 404, 413] {
                assert!(matches!(check(status, None, body.as_bytes()), Err(CallError::Foreign(_))), "{body}");
            }
        }
    }
}
