//! PROTOCOL.md, run: every example of it is sent to the real stack, in order, and its answer compared.

use std::time::Duration;

use functions::accounts::users::NewUser;
use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::wire::auth::LoginRequest;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use sync::limits::LOG_SETTLE_SECS;
use tests::api::Api;
use tests::protocol_page::example::Placeholders;
use tests::protocol_page::steps::{Action, Request, Response, steps};
use tokio::time::sleep;

use crate::invariants;
use crate::shop::Shop;
use crate::sync::broadcast::Listener;

const PAGE: &str = include_str!("../../../PROTOCOL.md");

/// Who the page is about, as it says: name, role, branch, device.
const PEOPLE: [(&str, Role, Option<&str>, Option<&str>); 4] = [
    ("anna", Role::Cashier, Some("2"), Some("laptop-123")),
    ("ben", Role::Cashier, Some("2"), Some("laptop-9")),
    ("mara", Role::Manager, Some("2"), None),
    ("hanna", Role::SuperAdmin, None, None),
];
const PASSWORD: &str = "correct horse battery";

pub(crate) fn trials() -> Vec<Trial> {
    trials![every_example_of_the_page_is_true,]
}

async fn every_example_of_the_page_is_true(shop: &'static Shop) {
    let mut run = Run { shop, api: shop.stranger(), examples: Placeholders::default(), socket: None };
    run.open().await;
    let steps = steps(PAGE).unwrap();
    assert!(steps.len() > 20, "the page has lost its examples");
    for step in steps {
        if let Err(why) = run.act(step.action).await {
            panic!("the example in line {} of PROTOCOL.md: {why}", step.line);
        }
    }
    invariants::check(shop.world, &"1:2".parse().unwrap(), false).await;
}

/// The page, as far as it was run.
struct Run {
    shop: &'static Shop,
    api: Api,
    examples: Placeholders,
    socket: Option<Listener>,
}

impl Run {
    /// The page's people, all but anna signed in: `Bearer eyJ.ben` is ben's token.
    async fn open(&mut self) {
        for (name, role, branch, device) in PEOPLE {
            let new = NewUser {
                username: name.into(),
                password: PASSWORD.into(),
                role,
                client_id: "1".parse().unwrap(),
                branch_id: branch.map(|branch| branch.parse().unwrap()),
            };
            self.shop.world.accounts.create(new).await.unwrap();
            if name != "anna" {
                let device_id = device.map(|device| device.parse().unwrap());
                let login = LoginRequest { username: name.into(), password: PASSWORD.into(), device_id };
                let (_, session) = self.api.login(&login).await.unwrap();
                self.examples.learn(&format!("eyJhbGciOi.{name}"), &session.access_token).unwrap();
            }
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Call(request, answer) => self.ask(&request, &answer).await,
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
                let heard = self.socket.as_mut().ok_or("no socket is open")?.next().await;
                self.examples.compare(&frame, &heard).map_err(|why| format!("{why}\nin {heard}"))
            }
        }
    }

    async fn ask(&mut self, asked: &Request, answer: &Response) -> Result<(), String> {
        let method = Method::from_bytes(asked.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = self.api.request(method, &self.examples.real(&asked.target));
        for (name, value) in &asked.headers {
            request = request.header(name, self.examples.real(value));
        }
        if !asked.body.is_empty() {
            let path = asked.target.split('?').next().unwrap_or_default();
            let fits = self.shop.world.checker.check_request(&asked.method, path, &asked.body);
            fits.map_err(|error| error.to_string())?;
            request = request.header(CONTENT_TYPE, "application/json").body(self.examples.real(&asked.body));
        }
        if answer.body.as_ref().is_some_and(|body| body["mode"] == "snapshot") {
            // The page has a day between the last push and this; a walk notes what was committed some time ago.
            sleep(Duration::from_secs(LOG_SETTLE_SECS + 1)).await;
        }
        if answer.body.as_ref().is_some_and(|body| body.get("sessions").is_some()) {
            // The page has time between signing in and being active.
            sleep(Duration::from_secs(1)).await;
        }
        let reply = self.api.send(request).await.map_err(|error| error.to_string())?;
        if reply.status.as_u16() != answer.status {
            return Err(format!(
                "the page has {}, the server {} {}",
                answer.status, reply.status, reply.body
            ));
        }
        let Some(shown) = &answer.body else {
            return if reply.body.is_empty() {
                Ok(())
            } else {
                Err(format!("there is a body {}", reply.body))
            };
        };
        let real: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
        self.examples.compare(shown, &real).map_err(|why| format!("{why}\nin {}", reply.body))
    }
}
