//! DynamoDB's HTTP endpoint on loopback, for the SDK and the AWS command line.
//!
//! dynoxide has a server of its own, which answers every origin. Any page in a browser on this machine could
//! then read and write all tables, so this one refuses browsers.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::in_process::{self, Tables, run};

/// DynamoDB accepts bodies up to 16 MB.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The content type of DynamoDB's responses.
const AMZ_JSON: &str = "application/x-amz-json-1.0";

#[derive(Clone)]
struct Endpoint {
    database: Database,
    address: SocketAddr,
}

/// Serves `database` until `stopping` is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    database: Database,
    stopping: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let endpoint = Endpoint { database, address: listener.local_addr()? };
    let app =
        Router::new().fallback(handle).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(endpoint);
    // The sender never sends: to drop it means "stop".
    let stopping = async { stopping.await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(stopping).await
}

async fn handle(
    State(endpoint): State<Endpoint>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_local_program(&headers, endpoint.address) {
        let refused = json!({
            "__type": "com.amazon.coral.service#AccessDeniedException",
            "Message": "This endpoint serves programs on this machine, not browsers.",
        });
        return respond(StatusCode::FORBIDDEN, refused.to_string());
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split_once('.'));
    match (method, target, std::str::from_utf8(&body)) {
        (Method::POST, Some((_, action)), Ok(body)) => {
            let in_process::Response { status, body } = execute(endpoint.database, action, body);
            respond(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body)
        }
        _ => {
            let unknown = json!({ "__type": "com.amazon.coral.service#UnknownOperationException" });
            respond(StatusCode::BAD_REQUEST, unknown.to_string())
        }
    }
}

/// Whether the request names this endpoint and no page sent it. A browser sets `Origin` or `Sec-Fetch-Site`
/// on its own, and a name that an attacker points at loopback (DNS rebinding) is in `Host`.
fn is_local_program(headers: &HeaderMap, address: SocketAddr) -> bool {
    let by_browser = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let localhost = format!("localhost:{}", address.port());
    !by_browser && host.is_some_and(|host| host == address.to_string() || host == localhost)
}

/// Executes an operation: those of the functions, and those that people and tests use to look into tables.
fn execute(database: Database, action: &str, body: &str) -> in_process::Response {
    let ran = match action {
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        _ => return Tables::of(database).execute(action, body),
    };
    in_process::Response::of(ran)
}

fn respond(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, AMZ_JSON)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_names_the_endpoint_is_served() {
        let address: SocketAddr = "127.0.0.1:8000".parse().unwrap();
        let is_served = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap()));
            is_local_program(&pairs.collect(), address)
        };
        for host in ["127.0.0.1:8000", "localhost:8000"] {
            assert!(is_served(&[("host", host)]));
            for (name, value) in
                [("origin", "https://example.com"), ("origin", "null"), ("sec-fetch-site", "none")]
            {
                assert!(!is_served(&[("host", host), (name, value)]), "{name} {value}");
            }
        }
        for host in
            ["example.com", "example.com:8000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.example.com:8000"]
        {
            assert!(!is_served(&[("host", host)]), "{host}");
        }
        assert!(!is_served(&[]));
    }
}
