//! One test's own client: its users, its tills, its rooms.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use functions::accounts::users::NewUser;
use lambda_http::Body;
use lambda_http::http::{Request, request};
use protocol::endpoints::function::Function;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::{LoginRequest, SessionResponse, User};
use protocol::wire::pull::PulledChange;
use protocol::wire::push::{PushResponse, WriteResult};
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::fleet;

use crate::invariants;
use crate::world::{World, cashier};

pub(crate) const PASSWORD: &str = "a long enough password";

/// A client that nobody else has, with branch 1 unless a test asks for another.
pub(crate) struct Shop {
    pub(crate) world: &'static World,
    pub(crate) client: String,
    rooms: Mutex<Vec<Room>>,
    forgetful: AtomicBool,
}

impl Shop {
    pub(crate) fn new(world: &'static World) -> Shop {
        Shop {
            world,
            client: format!("t{}", fleet::batch_id()),
            rooms: Mutex::default(),
            forgetful: AtomicBool::default(),
        }
    }

    /// A caller that is not signed in, and fails over any answer that the served document does not describe.
    pub(crate) fn stranger(&self) -> Api {
        Api::new(&self.world.edge_url).unwrap().held_to(self.world.checker.clone())
    }

    /// A user's name that is unique to this shop.
    pub(crate) fn username(&self, name: &str) -> String {
        format!("{name}@{}", self.client)
    }

    pub(crate) async fn user(&self, name: &str, role: Role, branch: Option<&str>) -> LoginRequest {
        let branch_id = branch.map(|branch| branch.parse().unwrap());
        let new = NewUser {
            username: self.username(name),
            password: PASSWORD.into(),
            role,
            client_id: self.client.parse().unwrap(),
            branch_id,
        };
        self.world.accounts.create(new).await.unwrap();
        if let Some(branch) = branch {
            self.rooms.lock().unwrap().push(self.room(branch));
        }
        LoginRequest { username: self.username(name), password: PASSWORD.into(), device_id: None }
    }

    pub(crate) async fn session(
        &self,
        name: &str,
        branch: &str,
        device: Option<&str>,
    ) -> (Api, SessionResponse) {
        let login = self.user(name, Role::Cashier, Some(branch)).await;
        let login = LoginRequest { device_id: device.map(|device| device.parse().unwrap()), ..login };
        self.stranger().login(&login).await.unwrap()
    }

    /// A cashier of branch 1, signed in at the device of the same name.
    pub(crate) async fn till(&self, name: &str) -> Till {
        self.till_of(name, "1").await
    }

    pub(crate) async fn till_of(&self, name: &str, branch: &str) -> Till {
        let (api, _) = self.session(name, branch, Some(name)).await;
        Till { api, device: name.to_owned() }
    }

    /// Head office.
    pub(crate) async fn head_office(&self) -> Api {
        let login = self.user("boss", Role::SuperAdmin, None).await;
        self.stranger().login(&login).await.unwrap().0
    }

    pub(crate) fn room(&self, branch: &str) -> Room {
        format!("{}:{branch}", self.client).parse().unwrap()
    }

    /// An access token of an admin of branch 1.
    pub(crate) fn admin_token(&self) -> String {
        self.world.token_of(&User { role: Role::Admin, ..cashier(&self.client) }, fleet::now())
    }

    /// Calls a function as a cashier of branch 1 would at another time.
    async fn call_at(
        &self,
        function: Function,
        request: request::Builder,
        body: Body,
        now: Timestamp,
    ) -> (u16, String) {
        let request = request.header(TOKEN_HEADER, self.world.token_at(&self.client, now));
        let request = request.body(body).unwrap();
        let answer = self.world.handlers.call(function, request, now).await;
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    /// Pulls in branch 1 as if it were another time.
    pub(crate) async fn pull_at(&self, query: &str, now: Timestamp) -> (u16, Value) {
        let request = Request::get(format!("/pullChanges?{query}"));
        let (status, body) = self.call_at(Function::PullChanges, request, Body::Empty, now).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Pushes in branch 1 as if it were another time.
    pub(crate) async fn push_at(&self, records: &[Value], now: Timestamp) -> PushResponse {
        let body = json!({ "device_id": "till-1", "records": records }).to_string();
        let request = Request::post("/pushBatch");
        let (status, body) = self.call_at(Function::BatchPush, request, Body::Text(body), now).await;
        assert_eq!(status, 200, "{body}");
        let pushed: WriteResult = serde_json::from_str(&body).unwrap();
        serde_json::from_str(pushed.answer.as_str()).unwrap()
    }

    /// Says that a test lets log items or tombstones go, so that the log is no longer the whole story.
    pub(crate) fn forgets(&self) {
        self.forgetful.store(true, Ordering::Relaxed);
    }

    /// Checks what the test left behind.
    pub(crate) async fn close(&self) {
        let rooms = std::mem::take(&mut *self.rooms.lock().unwrap());
        for room in rooms {
            invariants::check(self.world, &room, self.forgetful.load(Ordering::Relaxed)).await;
        }
    }
}

/// A till that a test moves by hand.
pub(crate) struct Till {
    pub(crate) api: Api,
    pub(crate) device: String,
}

impl Till {
    pub(crate) async fn push_raw(&self, body: &Value) -> Reply {
        self.api.post("/api/sync/batch-push", body.to_string()).await.unwrap()
    }

    /// Pushes without a batch id.
    pub(crate) async fn push(&self, records: &[Value]) -> PushResponse {
        self.push_raw(&self.batch(None, records)).await.ok().unwrap()
    }

    pub(crate) fn batch(&self, batch_id: Option<&str>, records: &[Value]) -> Value {
        json!({ "device_id": self.device, "batch_id": batch_id, "records": records })
    }

    pub(crate) async fn pull_raw(&self, query: &str) -> Reply {
        self.api.get(&format!("/api/sync/pull-changes?{query}")).await.unwrap()
    }

    /// Everything after `position`, through as many pages as it takes.
    pub(crate) async fn pull_all(&self, mut position: Stamp, limit: usize) -> Vec<PulledChange> {
        let mut changes = Vec::new();
        loop {
            let (page, _) = self.api.pull(position, limit).await.unwrap();
            changes.extend(page.changes);
            position = page.stamp;
            if !page.has_more {
                return changes;
            }
        }
    }
}

/// A write of a product, now.
pub(crate) fn product(id: &str, data: &Value) -> Value {
    json!({ "table_name": "products", "record_id": id, "data": data, "local_updated_at": fleet::now().to_string() })
}

/// A write of a hall, now: a table in which the later write wins.
pub(crate) fn hall(id: &str, data: &Value) -> Value {
    with(product(id, data), "table_name", "halls")
}

/// A time so many seconds ago, as a till writes it.
pub(crate) fn ago(secs: u64) -> String {
    Timestamp(fleet::now().0 - secs * 1_000_000).to_string()
}

/// The same record with another member.
pub(crate) fn with(mut record: Value, name: &str, value: impl Into<Value>) -> Value {
    record[name] = value.into();
    record
}
