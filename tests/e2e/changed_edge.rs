//! A stack of its own, whose edge has another configuration or other rooms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use functions::accounts::signer::Signer;
use functions::accounts::users::NewUser;
use local::keys::Keys;
use local::stack::{Options, Stack};
use local::template::project_root;
use protocol::role::Role;
use protocol::wire::auth::{LoginRequest, User};
use serde::de::DeserializeOwned;
use tests::api::Api;
use tests::fleet;
use tests::leaks::Secrets;
use tests::openapi::check::Checker;

use crate::leaks;
use crate::redis_rest::RedisRest;
use crate::shop::PASSWORD;
use crate::till::Till;

/// The stack, and the folder of its edge's configuration if that is another one.
pub(crate) struct ChangedEdge {
    pub(crate) stack: Stack,
    folder: Option<PathBuf>,
    keys: Keys,
    /// The secrets of its test, which no log or store may hold.
    secrets: Arc<Secrets>,
}

impl ChangedEdge {
    /// Starts it with the configurations that `write` writes into a folder.
    pub(crate) async fn start(write: fn(&Path) -> Vec<PathBuf>) -> ChangedEdge {
        let folder = folder();
        let options = Options { edge_configs: write(&folder), ..Options::default() };
        ChangedEdge { folder: Some(folder), ..ChangedEdge::with(options).await }
    }

    /// Starts it with rooms that a test observes, and with other variables.
    pub(crate) async fn observed(edge_variables: BTreeMap<&'static str, String>) -> ChangedEdge {
        let folder = folder();
        let edge_configs = with_observed_rooms(&folder);
        let options = Options { edge_configs, edge_variables, ..Options::default() };
        ChangedEdge { folder: Some(folder), ..ChangedEdge::with(options).await }
    }

    /// Starts it with `options`, such as other variables.
    pub(crate) async fn with(options: Options) -> ChangedEdge {
        leaks::keep_logs();
        let stack = Stack::start(Options { say: leaks::keep_line, ..options }).await.unwrap();
        let (keys, secrets) = (Keys::load_or_make(stack.data()).unwrap(), Arc::new(Secrets::default()));
        leaks::add_known(&secrets, &keys);
        ChangedEdge { stack, folder: None, keys, secrets }
    }

    /// The folder of its configuration.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap()
    }

    /// That many tills of one branch, signed in.
    pub(crate) async fn tills(&self, count: usize) -> Vec<Till> {
        let mut tills = Vec::new();
        for i in 0..count {
            tills.push(self.till("1:1", &format!("till-{i}")).await);
        }
        tills
    }

    /// A till of `room`, signed in.
    pub(crate) async fn till(&self, room: &str, device: &str) -> Till {
        let login = self.login(room, device).await;
        let (api, _) = self.api().login(&login).await.unwrap();
        Till { api, device: device.to_owned() }
    }

    /// A client that is not signed in.
    pub(crate) fn api(&self) -> Api {
        Api::new(self.stack.edge_url()).unwrap().recording(self.secrets.clone())
    }

    /// The login of a new cashier of `room`.
    pub(crate) async fn login(&self, room: &str, device: &str) -> LoginRequest {
        let (accounts, branches) = (self.stack.accounts(), self.stack.branches());
        fleet::cashier(&accounts, &branches, &room.parse().unwrap(), device).await.unwrap()
    }

    /// A caller with an access token for `user` that is bound to no device and no session.
    pub(crate) fn caller(&self, user: &User) -> Api {
        let signer = Signer::new(self.keys.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        let token = signer.sign(user, None, None, fleet::now()).unwrap();
        self.secrets.add_token("an access token", &token);
        self.api().with_token(token)
    }

    /// A super admin of client 1, whose replies and frames are checked.
    pub(crate) async fn head_office(&self) -> Api {
        let (username, password) = ("head-office".to_owned(), PASSWORD.to_owned());
        let new = NewUser {
            username: username.clone(),
            password: password.clone(),
            role: Role::SuperAdmin,
            client_id: "1".parse().unwrap(),
            branch_id: None,
        };
        self.stack.accounts().create(&self.stack.branches(), new).await.unwrap();
        let login = LoginRequest { username, password, device_id: None, refresh_token: None };
        let api = self.api().held_to(Arc::new(Checker::new().unwrap()));
        api.login(&login).await.unwrap().0
    }

    /// What [`OBSERVED_ROOMS`] answer to a request about `room`.
    pub(crate) async fn observe<T: DeserializeOwned>(&self, path: &str, room: &str) -> T {
        self.api().get(&format!("/test/{path}?room={room}")).await.unwrap().ok().unwrap()
    }

    /// Has `room` lose its memory and its sockets. The request is lost with them.
    pub(crate) async fn kill(&self, room: &str) {
        let reply = self.api().get(&format!("/test/kill?room={room}")).await;
        assert!(reply.is_ok_and(|reply| reply.status == 500), "the room was killed");
    }

    /// Stops it. Fails if a secret of the test is in a log or a store.
    pub(crate) async fn stop(self) {
        let redis = RedisRest::new(self.stack.redis(), &self.keys);
        leaks::assert_none(&self.secrets, self.stack.data(), &redis).await;
        self.stack.stop().await;
        if let Some(folder) = self.folder {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}

/// A new folder for the configurations of an edge.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tillsync-edge-{}", fleet::batch_id()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// The edge's configuration with another main module, and without the build: the shared stack has built it.
pub(crate) fn edge_config(main: &Path) -> String {
    let edge = std::fs::read_to_string(project_root().join("wrangler.toml")).unwrap();
    let main = format!("main = \"{}\"", main.display());
    let edge = replaced(&edge, "main = \"edge/build/index.js\"", &main);
    let (before, build) = edge.split_once("[build]").unwrap();
    let (_, after) = build.split_once("[[").unwrap();
    format!("{before}[[{after}")
}

/// The main module of the built edge.
pub(crate) fn built_edge() -> PathBuf {
    project_root().join("edge/build/index.js")
}

/// `text` with `to` instead of the first `from`, which must be there.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "wrangler.toml lacks {from}");
    text.replacen(from, to, 1)
}

/// The main module of an edge with observed rooms, in the folder of its configuration.
pub(crate) const EDGE_MODULE: &str = "edge.mjs";

/// A worker whose cache fails on request, and whose rooms lose their memory, or sockets too, fail, end
/// sessions, count their calls and how often they began, and show their sockets, the attachments of these,
/// how many tickets they keep and how many rows they have written.
const OBSERVED_ROOMS: &str = include_str!("changed_edge/observed_rooms.mjs");

/// Makes the runtime one that does not tell what waits in a socket.
const UNTOLD_BACKLOGS: &str =
    r#"Object.defineProperty(WebSocket.prototype, "bufferedAmount", { get: () => undefined });"#;

/// The edge's configuration, with rooms that a test observes.
pub(crate) fn with_observed_rooms(folder: &Path) -> Vec<PathBuf> {
    with_worker(folder, OBSERVED_ROOMS)
}

/// The same on a runtime that does not tell what waits in a socket.
pub(crate) fn with_untold_backlogs(folder: &Path) -> Vec<PathBuf> {
    with_worker(folder, &format!("{OBSERVED_ROOMS}{UNTOLD_BACKLOGS}\n"))
}

fn with_worker(folder: &Path, worker: &str) -> Vec<PathBuf> {
    let main = folder.join(EDGE_MODULE);
    let files = [(&main, module(worker, "first")), (&folder.join("edge.toml"), edge_config(&main))];
    for (file, text) in files {
        std::fs::write(file, text).unwrap();
    }
    vec![folder.join("edge.toml")]
}

/// The text of [`EDGE_MODULE`], which tells `version`.
pub(crate) fn observed_rooms(version: &str) -> String {
    module(OBSERVED_ROOMS, version)
}

fn module(worker: &str, version: &str) -> String {
    let edge = format!("\"{}\"", built_edge().display());
    worker.replace("\"EDGE\"", &edge).replace("VERSION", version)
}
