//! Two web servers with the same page, so that it has two origins.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PAGE: &str = include_str!("page.html");

/// The origins of the page.
pub(crate) struct Pages {
    /// The edge allows it.
    pub(crate) allowed: String,
    /// The edge does not know it.
    pub(crate) foreign: String,
}

impl Pages {
    /// Serves the page for as long as the runtime lives.
    pub(crate) async fn serve() -> Pages {
        Pages { allowed: serve().await, foreign: serve().await }
    }
}

/// Serves the page on a free port; returns its origin.
async fn serve() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(respond(connection));
        }
    });
    format!("http://localhost:{port}")
}

/// Answers one request with the page, whatever it asks for.
async fn respond(mut connection: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    let length = PAGE.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(PAGE.as_bytes()).await
}
