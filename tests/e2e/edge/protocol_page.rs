//! Sends every example of PROTOCOL.md to the stack, in order, and compares the responses.

use std::time::Duration;

use functions::accounts::users::NewUser;
use protocol::role::Role;
use protocol::wire::auth::LoginRequest;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use sync::limits::LOG_SETTLE_SECS;
use tests::api::Api;
use tests::fleet;
use tests::protocol_page::example::Placeholders;
use tests::protocol_page::steps::{Action, Request, Response, steps};
use tokio::time::sleep;

use crate::invariants;
use crate::shop::Shop;
use crate::sync::broadcast::Listener;

const PAGE: &str = include_str!("../../../PROTOCOL.md");

/// The users of the page's examples: name, role, branch, device.
const USERS: [(&str, Role, Option<&str>, Option<&str>); 4] = [
    ("anna", Role::Cashier, Some("2"), Some("laptop-123")),
    ("ben", Role::Cashier, Some("2"), Some("laptop-9")),
    ("mara", Role::Manager, Some("2"), None),
    ("hanna", Role::SuperAdmin, None, None),
];
const PASSWORD: &str = "correct horse battery";

trials! {
    shared:
    every_example_of_the_page_holds,
}

async fn every_example_of_the_page_holds(shop: &'static Shop) {
    let mut runner = Runner { shop, api: shop.anonymous(), examples: Placeholders::default(), socket: None };
    runner.open().await;
    let steps = steps(PAGE).unwrap();
    assert!(steps.len() > 20, "the page has too few examples");
    for step in steps {
        if let Err(why) = runner.act(step.action).await {
            panic!("the example in line {} of PROTOCOL.md: {why}", step.line);
        }
    }
    invariants::check(shop.world, &"1:2".parse().unwrap(), false).await;
}

/// Runs the examples one after the other.
struct Runner {
    shop: &'static Shop,
    api: Api,
    examples: Placeholders,
    socket: Option<Listener>,
}

impl Runner {
    /// Creates the page's users and signs in all but anna: `Bearer eyJ.ben` stands for ben's token.
    async fn open(&mut self) {
        for (name, role, branch, device) in USERS {
            let new = NewUser {
                username: name.into(),
                password: PASSWORD.into(),
                role,
                client_id: "1".parse().unwrap(),
                branch_id: branch.map(|branch| branch.parse().unwrap()),
            };
            let world = self.shop.world;
            if let Some(branch) = branch {
                let room = format!("1:{branch}").parse().unwrap();
                world.branches.create(&room, fleet::now()).await.unwrap();
            }
            world.accounts.create(&world.branches, new).await.unwrap();
            if name != "anna" {
                let device_id = device.map(|device| device.parse().unwrap());
                let (username, password) = (name.into(), PASSWORD.into());
                let login = LoginRequest { username, password, device_id, refresh_token: None };
                let (_, session) = self.api.login(&login).await.unwrap();
                self.examples.learn(&format!("eyJhbGciOi.{name}"), &session.access_token).unwrap();
            }
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Call(request, response) => self.request(&request, &response).await,
            Action::Open(target) => {
                let edge = self.api.edge_url.replacen("http", "ws", 1);
                let url = format!("{edge}{}", self.examples.real(&target));
                self.socket = Some(Listener::at(&url, &self.api).await);
                Ok(())
            }
            Action::Send(frame) => {
                let frame: Value = serde_json::from_str(&frame).map_err(|error| error.to_string())?;
                self.socket.as_mut().ok_or("no socket is open")?.send(&frame).await;
                Ok(())
            }
            Action::Receive(frame) => {
                let real = self.socket.as_mut().ok_or("no socket is open")?.next().await;
                self.examples.compare(&frame, &real).map_err(|why| format!("{why}\nin {real}"))
            }
        }
    }

    async fn request(&mut self, shown: &Request, response: &Response) -> Result<(), String> {
        let method = Method::from_bytes(shown.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.api.request(method, &self.examples.real(&shown.target));
        for (name, value) in &shown.headers {
            request = request.header(name, self.examples.real(value));
        }
        if !shown.body.is_empty() {
            let path = shown.target.split('?').next().unwrap_or_default();
            let fits = self.shop.world.checker.check_request(&shown.method, path, &shown.body);
            fits.map_err(|error| error.to_string())?;
            request = request.header(CONTENT_TYPE, "application/json").body(self.examples.real(&shown.body));
        }
        if response.body.as_ref().is_some_and(|body| body["mode"] == "snapshot") {
            // On the page a day has passed since the last push. A snapshot covers only commits that have
            // settled.
            sleep(Duration::from_secs(LOG_SETTLE_SECS + 1)).await;
        }
        if response.body.as_ref().is_some_and(|body| body.get("sessions").is_some()) {
            // On the page time passes between sign-in and this activity, and the list shows both times.
            sleep(Duration::from_secs(1)).await;
        }
        let reply = self.api.send(request).await.map_err(|error| error.to_string())?;
        if reply.status.as_u16() != response.status {
            let (shown, status, body) = (response.status, reply.status, reply.body);
            return Err(format!("the page has {shown}, the server {status} {body}"));
        }
        let Some(expected) = &response.body else {
            let body = reply.body;
            return if body.is_empty() { Ok(()) } else { Err(format!("there is a body {body}")) };
        };
        let real: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
        self.examples.compare(expected, &real).map_err(|why| format!("{why}\nin {}", reply.body))
    }
}
