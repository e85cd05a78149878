//! A tenant per test: its users, tills and rooms.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use functions::accounts::users::NewUser;
use lambda_http::Body;
use lambda_http::http::{Request, request};
use local::dynamo::faults::Fault;
use protocol::endpoints::function::Function;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::{LoginRequest, SessionResponse, User};
use protocol::wire::push::{PushResponse, WriteResult};
use serde_json::{Value, json};
use sync::cursor::position_text;
use sync::tables::Tables;
use tests::api::{Api, Reply};
use tests::fleet;

use crate::invariants;
use crate::till::Till;
use crate::world::{World, cashier};

pub(crate) const PASSWORD: &str = "a long enough password";

/// More faults than all retries.
const FAULTS_UNTIL_CLEARED: u32 = 1000;

/// A tenant that no other test uses, with branch 1 unless a test asks for another branch.
pub(crate) struct Shop {
    pub(crate) world: &'static World,
    pub(crate) client: String,
    rooms: Mutex<Vec<Room>>,
    is_history_partial: AtomicBool,
}

impl Shop {
    pub(crate) fn new(world: &'static World) -> Shop {
        Shop {
            world,
            client: format!("t{}", fleet::batch_id()),
            rooms: Mutex::default(),
            is_history_partial: AtomicBool::default(),
        }
    }

    /// Another tenant of the same stack.
    pub(crate) fn other_tenant(&self) -> Shop {
        Shop::new(self.world)
    }

    /// A caller without a token, whose calls fail if a reply does not fit the OpenAPI document.
    pub(crate) fn anonymous(&self) -> Api {
        let api = Api::new(&self.world.edge_url).unwrap();
        api.held_to(self.world.checker.clone()).recording(self.world.secrets.clone())
    }

    /// A username that is unique to this tenant.
    pub(crate) fn username(&self, name: &str) -> String {
        format!("{name}@{}", self.client)
    }

    /// The login of a user, without a device.
    pub(crate) fn login(&self, name: &str) -> LoginRequest {
        LoginRequest {
            username: self.username(name),
            password: PASSWORD.into(),
            device_id: None,
            refresh_token: None,
        }
    }

    /// Creates a user. Returns its login.
    pub(crate) async fn user(&self, name: &str, role: Role, branch: Option<&str>) -> LoginRequest {
        let branch_id = branch.map(|branch| branch.parse().unwrap());
        let new = NewUser {
            username: self.username(name),
            password: PASSWORD.into(),
            role,
            client_id: self.client.parse().unwrap(),
            branch_id,
        };
        if let Some(branch) = branch {
            self.branch(branch).await;
            self.rooms.lock().unwrap().push(self.room(branch));
        }
        self.world.accounts.create(&self.world.branches, new).await.unwrap();
        self.login(name)
    }

    /// Creates a branch.
    pub(crate) async fn branch(&self, branch: &str) {
        self.world.branches.create(&self.room(branch), fleet::now()).await.unwrap();
    }

    /// Creates a user and signs it in, without a device.
    pub(crate) async fn signed_in(&self, name: &str, role: Role, branch: Option<&str>) -> Api {
        let login = self.user(name, role, branch).await;
        self.anonymous().login(&login).await.unwrap().0
    }

    /// Creates a cashier and signs it in.
    pub(crate) async fn session(
        &self,
        name: &str,
        branch: &str,
        device: Option<&str>,
    ) -> (Api, SessionResponse) {
        let login = self.user(name, Role::Cashier, Some(branch)).await;
        let login = LoginRequest { device_id: device.map(|device| device.parse().unwrap()), ..login };
        self.anonymous().login(&login).await.unwrap()
    }

    /// A cashier of branch 1, signed in at the device of the same name.
    pub(crate) async fn till(&self, name: &str) -> Till {
        self.till_of(name, "1").await
    }

    pub(crate) async fn till_of(&self, name: &str, branch: &str) -> Till {
        let (api, _) = self.session(name, branch, Some(name)).await;
        Till { api, device: name.to_owned() }
    }

    /// A manager of branch 1.
    pub(crate) async fn manager(&self) -> Api {
        self.signed_in("manager", Role::Manager, Some("1")).await
    }

    /// A manager of branch 1 that pushes as the device `office`.
    pub(crate) async fn office(&self) -> Till {
        Till { api: self.manager().await, device: "office".into() }
    }

    /// An admin of branch 1.
    pub(crate) async fn admin(&self) -> Api {
        self.signed_in("admin", Role::Admin, Some("1")).await
    }

    /// A super admin, who belongs to no branch.
    pub(crate) async fn head_office(&self) -> Api {
        self.signed_in("head-office", Role::SuperAdmin, None).await
    }

    pub(crate) fn room(&self, branch: &str) -> Room {
        format!("{}:{branch}", self.client).parse().unwrap()
    }

    pub(crate) fn admin_token(&self) -> String {
        self.world.token_of(&User { role: Role::Admin, ..cashier(&self.client) }, fleet::now())
    }

    /// Calls a function as a cashier of branch 1, with a token of till-1, at the time `now`.
    pub(crate) async fn call_at(
        &self,
        function: Function,
        request: request::Builder,
        body: Body,
        now: Timestamp,
    ) -> Reply {
        let request = request
            .header(TOKEN_HEADER, self.world.bound_token(&cashier(&self.client), Some("till-1"), None, now));
        self.world.call(function, request.body(body).unwrap(), now).await
    }

    /// Pulls in branch 1 at the time `now`.
    pub(crate) async fn pull_at(&self, query: &str, now: Timestamp) -> Reply {
        let request = Request::get(format!("/pullChanges?{query}"));
        self.call_at(Function::PullChanges, request, Body::Empty, now).await
    }

    /// Pushes in branch 1 at the time `now`.
    pub(crate) async fn push_at(&self, records: &[Value], now: Timestamp) -> PushResponse {
        self.push_batch_at(&json!({ "device_id": "till-1", "records": records }), now).await
    }

    /// Pushes a batch of till-1 to branch 1 at the time `now`.
    pub(crate) async fn push_batch_at(&self, batch: &Value, now: Timestamp) -> PushResponse {
        let body = batch.to_string();
        let request = Request::post("/pushBatch");
        let reply = self.call_at(Function::BatchPush, request, Body::Text(body), now).await;
        serde_json::from_str(reply.ok::<WriteResult>().unwrap().answer.as_str()).unwrap()
    }

    /// The next `times` requests of `action` to this tenant's rooms fail with `fault`.
    pub(crate) fn inject_dynamo_fault(&self, action: &str, fault: Fault, times: u32) {
        self.world.dynamo_faults.inject(&self.dynamo_scope(), action, fault, times);
    }

    /// Awaits `calls` while every `action` on this tenant's rooms fails with `fault`.
    pub(crate) async fn with_dynamo_fault<T>(
        &self,
        action: &str,
        fault: Fault,
        calls: impl Future<Output = T>,
    ) -> T {
        self.inject_dynamo_fault(action, fault, FAULTS_UNTIL_CLEARED);
        let result = calls.await;
        self.world.dynamo_faults.clear(&self.dynamo_scope());
        result
    }

    /// The text that every DynamoDB request about this tenant's rooms contains.
    pub(crate) fn dynamo_scope(&self) -> String {
        format!("ROOM#{}#", self.client)
    }

    /// Says that the test deletes log items or tombstones: the log is no longer the whole history.
    pub(crate) fn mark_history_partial(&self) {
        self.is_history_partial.store(true, Ordering::Relaxed);
    }

    /// Checks ARCHITECTURE.md's invariants on what the test has written.
    pub(crate) async fn close(&self) {
        let rooms = std::mem::take(&mut *self.rooms.lock().unwrap());
        for room in rooms {
            invariants::check(self.world, &room, self.is_history_partial.load(Ordering::Relaxed)).await;
        }
    }
}

/// A write of a record, now.
pub(crate) fn record(table: &str, id: &str, data: &Value) -> Value {
    json!({ "table_name": table, "record_id": id, "data": data, "local_updated_at": fleet::now().to_string() })
}

/// A write of a product, now.
pub(crate) fn product(id: &str, data: &Value) -> Value {
    record("products", id, data)
}

/// A write of a hall, now: in this table the later write wins.
pub(crate) fn hall(id: &str, data: &Value) -> Value {
    record("halls", id, data)
}

/// A write to a table that a cashier may not read, now.
pub(crate) fn advance(id: &str) -> Value {
    record("employee_advances", id, &json!({ "amount": 5 }))
}

/// A deletion of a product at `base_version`, now.
pub(crate) fn deletion(id: &str, base_version: u64) -> Value {
    with(with(product(id, &Value::Null), "is_deleted", true), "base_version", base_version)
}

/// The cursor at `stamp` of a pull by `role`, of all its tables.
pub(crate) fn cursor_of(role: Role, stamp: Stamp) -> String {
    position_text(stamp.into(), Tables::built_in().unwrap().digest_of(role))
}

/// The time `secs` seconds ago.
pub(crate) fn before_now(secs: u64) -> Timestamp {
    Timestamp(fleet::now().0 - secs * 1_000_000)
}

/// The time `secs` seconds ago, in the wire's format.
pub(crate) fn ago(secs: u64) -> String {
    before_now(secs).to_string()
}

/// The record with the member `name` set.
pub(crate) fn with(mut record: Value, name: &str, value: impl Into<Value>) -> Value {
    record[name] = value.into();
    record
}
