//! A stream of Server-Sent Events that a test reads one by one.

use std::time::Duration;

use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};
use serde_json::Value;
use tests::api::Api;
use tokio::time::timeout;

use crate::world::PATIENCE;

/// Longest time for which a test keeps a stream open.
const OPEN_MAX: Duration = Duration::from_secs(300);

/// An event as a browser would hand it to a page.
#[derive(Debug, Default)]
struct Event {
    name: String,
    data: String,
}

pub(crate) struct EventStream {
    response: Response,
    /// What has arrived and was not read.
    text: String,
    /// The id of the last event, which a browser sends when it comes back.
    pub(crate) last_id: Option<String>,
    pub(crate) comments: usize,
}

impl EventStream {
    /// Opens the stream of `device`, after the event with the id `last_id`.
    pub(crate) async fn open(api: &Api, device: &str, query: &str, last_id: Option<String>) -> EventStream {
        let response = request(api, device, query, last_id.as_deref()).await;
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        EventStream { response, text: String::new(), last_id, comments: 0 }
    }

    /// The next event; `None` at the end of the stream.
    async fn next_or_end(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("an event comes in time");
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let mut event = Event::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("id", id)) => self.last_id = Some(id.to_owned()),
                Some(("data", data)) => event.data.push_str(data),
                Some(("retry", millis)) => assert_eq!(millis, "3000"),
                None if line == ":" => self.comments += 1,
                _ => panic!("{block}"),
            }
        }
        (!event.data.is_empty()).then_some(event)
    }

    /// The page of the next event, whose cursor is the id of the event.
    pub(crate) async fn next(&mut self) -> PullResponse {
        let event = self.next_or_end().await.expect("the stream goes on");
        assert_eq!(event.name, "changes", "{}", event.data);
        let page: PullResponse = serde_json::from_str(&event.data).unwrap();
        assert_eq!(self.last_id.as_deref(), Some(page.next_cursor.as_str()));
        page
    }

    /// Reads to the end; returns the stamps of all changes, and what the last event says.
    pub(crate) async fn pages_until_close(&mut self) -> (Vec<Stamp>, Value) {
        let mut stamps = Vec::new();
        loop {
            let event = self.next_or_end().await.expect("the last event says why");
            if event.name == "close" {
                assert!(self.next_or_end().await.is_none(), "the stream goes on");
                return (stamps, serde_json::from_str(&event.data).unwrap());
            }
            let page: PullResponse = serde_json::from_str(&event.data).unwrap();
            stamps.extend(page.changes.iter().map(|change| change.stamp));
        }
    }

    /// Reads to the end; returns what the last event says.
    pub(crate) async fn close(&mut self) -> Value {
        self.pages_until_close().await.1
    }
}

/// The response to a request for a stream.
pub(crate) async fn request(api: &Api, device: &str, query: &str, last_id: Option<&str>) -> Response {
    let request = api.request(Method::GET, &format!("/api/sync/events?device_id={device}{query}"));
    let request = last_id.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    request.timeout(OPEN_MAX).send().await.unwrap()
}
