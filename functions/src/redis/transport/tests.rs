//! The transport over real sockets: refused, cut off, slow and healthy connections.

use std::net::SocketAddr;

use config::Secret;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::command::{get, incr_by};
use redis_client::error::RedisError;
use redis_client::keys::{Key, Keys};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::random;

fn key() -> Key {
    Keys::new("t").unwrap().cart(&"1:2".parse().unwrap(), "a")
}

fn client(address: SocketAddr) -> Client<RedisHttp> {
    let transport = RedisHttp::new(format!("http://{address}").parse().unwrap()).unwrap();
    Client::new(transport, Secret::new("s3cret-token".into()), |bytes| {
        let random: [u8; 8] = random::bytes();
        bytes.copy_from_slice(&random);
    })
}

/// Reads a request to the end of its body.
async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return text.into_owned();
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request broke off");
    }
}

/// A server that sends `responses` to the requests of one connection and then closes it; the handle returns
/// the requests.
async fn server(responses: Vec<String>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut requests = Vec::new();
        for response in responses {
            requests.push(request(&mut stream).await);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        requests
    });
    (address, serving)
}

fn response(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn one_connection_carries_token_command_and_sync_token() {
    let first = response("200 OK\r\nupstash-sync-token: abc", r#"{"result":"eA=="}"#);
    let second = response("400 Bad Request", r#"{"error":"ERR no"}"#);
    let (address, serving) = server(vec![first, second]).await;
    let client = client(address);
    assert_eq!(client.run(&get(&key())).await.unwrap().unwrap(), b"x");
    assert!(matches!(client.run(&incr_by(&key(), 1)).await, Err(RedisError::Refused(_))));
    // The server accepts one connection, so both requests used it.
    let requests = serving.await.unwrap();
    assert!(requests[0].starts_with("POST / HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("authorization: Bearer s3cret-token\r\n"), "{}", requests[0]);
    assert!(requests[0].ends_with(r#"["GET","t:1:cart:2:a"]"#), "{}", requests[0]);
    assert!(
        !requests[0].contains("upstash-sync-token") && requests[1].contains("upstash-sync-token: abc\r\n")
    );
}

#[tokio::test]
async fn a_refused_connection_never_arrived() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap());
    drop(listener);
    let error = client.run(&incr_by(&key(), 1)).await.unwrap_err();
    assert!(matches!(error, RedisError::Transport(TransportError::NeverArrived(_))), "{error:?}");
    // So even a command that is not idempotent was retried, and the circuit is open now.
    assert_eq!(client.health().counts.requests, 5);
    assert!(matches!(client.run(&get(&key())).await, Err(RedisError::Open)));
}

#[tokio::test]
async fn a_response_that_breaks_off_is_not_retried() {
    for cut in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"result\":1}"] {
        let (address, serving) = server(vec![cut.to_owned()]).await;
        let client = client(address);
        let error = client.run(&incr_by(&key(), 1)).await.unwrap_err();
        assert!(matches!(error, RedisError::Transport(TransportError::BrokeOff(_))), "{error:?}");
        assert_eq!((serving.await.unwrap().len(), client.health().counts.requests), (1, 1));
    }
}

#[tokio::test]
async fn a_late_response_is_not_retried() {
    // The listener never accepts the connection.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap());
    let error = client.run(&incr_by(&key(), 1)).await.unwrap_err();
    assert!(matches!(error, RedisError::Transport(TransportError::Late)), "{error:?}");
    assert_eq!(client.health().counts.requests, 1);
}

#[tokio::test]
async fn redirects_are_refused_and_responses_have_a_maximum() {
    let (address, _serving) =
        server(vec![response("307 See there\r\nlocation: http://127.0.0.1:1/", "")]).await;
    let error = client(address).run(&incr_by(&key(), 1)).await.unwrap_err();
    assert!(matches!(error, RedisError::Status(307)), "{error:?}");

    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(REDIS_ANSWER_BYTES_MAX + 1));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(listener.local_addr().unwrap());
    let _serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        // The client closes the connection before the end.
        let _ = stream.write_all(endless.as_bytes()).await;
    });
    // The length must end the request, not the time.
    let time = Duration::from_secs(30);
    let patient = client.within(Budget { per_try: time, total: time });
    let error = patient.run(&incr_by(&key(), 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to read Redis's answer: it is too long");
    assert!(!format!("{error:?} {client:?}").contains("s3cret"));
}
