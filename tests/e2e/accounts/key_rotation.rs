//! The rotation of the key of access tokens, by the steps of `cargo xtask keys rotate`, while clients go on.
//!
//! A step is rolled out: the edge may have it before the functions, or after them. So each step is live in
//! three ways, and every token that has not expired must pass each of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::limits::ACCESS_TOKEN_SECS;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::Body;
use lambda_http::http::Request;
use local::edge::{Edge, EdgeVariables, pick_port};
use local::keys::Keys;
use local::keys::rotation::{Rotated, rotate};
use local::stack::{Options, Stack};
use local::telemetry::Telemetry;
use local::template::project_root;
use protocol::endpoints::function::Function;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::LoginRequest;
use serde_json::Value;
use tests::api::Api;
use tests::fleet;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::replies::assert_error;
use crate::shop::Shop;

trials! {
    shared:
    no_valid_token_is_refused_while_the_key_is_rotated,
}

/// What clients call: the first is answered by a function, the second by a function or the room.
const PATHS: [&str; 2] = ["/api/auth/me", "/api/sync/pull-changes?since=0"];
/// Rounds of all tokens at all edges, in each way in which a step is live.
const ROUNDS: usize = 5;

/// Clients that call all edges with all tokens, all the time.
#[derive(Clone, Default)]
struct Callers(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    edges: Vec<String>,
    tokens: Vec<String>,
    /// Rounds since edges or tokens changed.
    rounds: usize,
    refused: Vec<String>,
}

impl Callers {
    fn start(&self) -> JoinHandle<()> {
        let callers = self.clone();
        tokio::spawn(async move {
            loop {
                callers.round().await;
                sleep(Duration::from_millis(20)).await;
            }
        })
    }

    async fn round(&self) {
        let (edges, tokens) = {
            let calls = self.0.lock().unwrap();
            (calls.edges.clone(), calls.tokens.clone())
        };
        let mut have_answered = true;
        for edge in &edges {
            for token in &tokens {
                have_answered &= self.call_edge(edge, token).await;
            }
        }
        let mut calls = self.0.lock().unwrap();
        if have_answered && !edges.is_empty() && (&calls.edges, &calls.tokens) == (&edges, &tokens) {
            calls.rounds += 1;
        }
    }

    /// Returns whether the edge has answered every call.
    async fn call_edge(&self, edge: &str, token: &str) -> bool {
        let (mut answers, api) = (0, Api::new(edge).unwrap().with_token(token));
        for path in PATHS {
            // An edge that is being replaced is gone for a moment, and refuses nothing.
            let Ok(reply) = api.get(path).await else { continue };
            answers += 1;
            if reply.status != 200 {
                self.0.lock().unwrap().refused.push(format!("{edge}{path}: {} {}", reply.status, reply.body));
            }
        }
        answers == PATHS.len()
    }

    fn change(&self, change: impl FnOnce(&mut Calls)) {
        let mut calls = self.0.lock().unwrap();
        change(&mut calls);
        calls.rounds = 0;
    }

    /// Calls `edges` for some rounds, and no others from then on.
    async fn call(&self, edges: &[&str]) {
        self.change(|calls| calls.edges = edges.iter().map(|edge| (*edge).to_owned()).collect());
        while self.0.lock().unwrap().rounds < ROUNDS {
            sleep(Duration::from_millis(10)).await;
        }
        self.change(|calls| calls.edges.clear());
    }
}

fn key_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn start(data: &Path) -> Stack {
    let rates = ["RATE_USER_PER_MINUTE", "RATE_LOGIN_ADDRESS_PER_MINUTE"];
    let edge_variables = rates.map(|rate| (rate, "100000".to_owned())).into();
    Stack::start(Options { data: Some(data.to_owned()), edge_variables, ..Options::default() }).await.unwrap()
}

/// Another edge in front of the functions of `stack`, with other public keys.
async fn edge(stack: &Stack, access_jwks: &str, folder: &Path) -> Edge {
    let text = std::fs::read_to_string(stack.data().join("edge.env")).unwrap();
    let variable = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('\'').to_owned())
    };
    let mut variables: EdgeVariables = text.lines().map(variable).collect::<BTreeMap<_, _>>();
    assert!(variables.insert("ACCESS_JWKS".to_owned(), access_jwks.to_owned()).is_some());
    std::fs::create_dir_all(folder).unwrap();
    let port = pick_port(0).unwrap();
    Edge::start(&project_root(), folder, port, &variables, &[], Telemetry::default(), |_| {}).await.unwrap()
}

async fn sign_in(stack: &Stack, login: &LoginRequest, callers: &Callers) -> String {
    let (api, _) = Api::new(stack.edge_url()).unwrap().login(login).await.unwrap();
    let token = api.token().to_owned();
    assert_eq!(key_of(&token), Keys::load_or_make(stack.data()).unwrap().access_kid);
    callers.change(|calls| calls.tokens.push(token.clone()));
    token
}

async fn no_valid_token_is_refused_while_the_key_is_rotated(_: &'static Shop) {
    let folder: PathBuf = std::env::temp_dir().join(format!("tillsync-rotation-{}", fleet::batch_id()));
    let (data, other_edge) = (folder.join("data"), folder.join("edge"));
    let mut stack = start(&data).await;
    let (accounts, branches, room) = (stack.accounts(), stack.branches(), "1:1".parse().unwrap());
    let login = fleet::cashier(&accounts, &branches, &room, "till-1").await.unwrap();
    let callers = Callers::default();
    let calling = callers.start();
    let old = sign_in(&stack, &login, &callers).await;
    for step in ["announced", "switched", "finished"] {
        let before = Keys::load_or_make(&data).unwrap();
        callers.call(&[stack.edge_url()]).await;
        let mut now = fleet::now();
        if step == "finished" {
            // All tokens of the old key have expired by then.
            now = now.plus_secs(ACCESS_TOKEN_SECS + 120);
            callers.change(|calls| calls.tokens.retain(|token| key_of(token) == before.access_kid));
        }
        let rotated = rotate(&data, now).unwrap();
        let is_expected = match step {
            "announced" => matches!(rotated, Rotated::Announced(_)),
            "switched" => matches!(rotated, Rotated::Switched(_)),
            _ => matches!(rotated, Rotated::Finished(_)),
        };
        assert!(is_expected, "{step}: {rotated:?}");
        let after = Keys::load_or_make(&data).unwrap();
        // The edge is replaced first.
        let early = edge(&stack, &after.access_jwks, &other_edge).await;
        callers.call(&[stack.edge_url(), early.url()]).await;
        early.stop().await;
        stack.stop().await;
        stack = start(&data).await;
        // The functions are replaced first.
        let late = edge(&stack, &before.access_jwks, &other_edge).await;
        sign_in(&stack, &login, &callers).await;
        callers.call(&[stack.edge_url(), late.url()]).await;
        late.stop().await;
    }
    calling.abort();
    assert_eq!(callers.0.lock().unwrap().refused, Vec::<String>::new());
    assert_retired(&stack, &old).await;
    stack.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// Edge and functions refuse a token of a key that was removed, although it has not expired by their clocks.
async fn assert_retired(stack: &Stack, token: &str) {
    let api = Api::new(stack.edge_url()).unwrap().with_token(token);
    for path in PATHS {
        assert_error(&api.get(path).await.unwrap(), 401, "token_invalid");
    }
    let request = Request::get("/getCurrentUser").header(TOKEN_HEADER, token).body(Body::Empty).unwrap();
    let response = stack.handlers().call(Function::Auth, request, fleet::now()).await;
    assert_eq!(response.status(), 401);
}
