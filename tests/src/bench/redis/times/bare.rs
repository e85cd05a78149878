//! The bare round trip: one request to the front by the HTTP client that the functions use, and its answer's bytes.

use config::Secret;
use local::keys::Keys;
use local::stack::Stack;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use std::error::Error;

/// One command, ready to be sent.
pub(super) struct Bare {
    client: Client,
    url: String,
    token: Secret,
    body: Vec<u8>,
}

impl Bare {
    /// The way of `command` to the stack's Redis, on connections of its own, like those of the functions.
    pub(super) fn new(stack: &Stack, command: &[&str]) -> Result<Bare, Box<dyn Error>> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let token = Keys::load_or_make(stack.data())?.redis_token;
        Ok(Bare { client, url: stack.redis().url().to_owned(), token, body: serde_json::to_vec(command)? })
    }

    /// Sends it and reads the answer.
    pub(super) async fn exchange(&self) -> Result<(), Box<dyn Error>> {
        let post = self.client.post(&self.url).bearer_auth(self.token.expose());
        let post = post.header(CONTENT_TYPE, "application/json").header("upstash-encoding", "base64");
        let answer = post.body(self.body.clone()).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if status == StatusCode::OK { Ok(()) } else { Err(format!("{status}: {}", body.len()).into()) }
    }
}
