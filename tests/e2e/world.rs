//! The two local stacks of a test run. The first test that needs a stack starts it; it stops after the last
//! test.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use functions::accounts::Accounts;
use functions::redis::Redis as FunctionRedis;
use functions::sync::branches::Branches;
use lambda_http::Body;
use lambda_http::http::Request;
use libtest_mimic::Trial;
use local::dynamo::faults::Faults;
use local::function_host::faults::HostFaults;
use local::handlers::Handlers;
use local::keys::Keys;
use local::redis::Redis;
use local::stack::{Options, Stack};
use local::stream::StreamSwitch;
use local::telemetry::{self, Telemetry};
use protocol::endpoints::function::Function;
use protocol::limits::PRESENCE_LEAVE_SECS;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;
use redis_rest::counts::Counts;
use redis_rest::faults::{Fault as RedisFault, Faults as RedisFaults};
use serde_json::Value;
use tests::api::Reply;
use tests::fleet;
use tests::function_redis::function_redis;
use tests::leaks::Secrets;
use tests::openapi::check::Checker;
use tests::wait::poll;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::edge::browser::pages::Pages;
use crate::leaks;
use crate::redis_rest::RedisRest;
use crate::shop::Shop;
use crate::sync::broadcast::Listener;

mod tokens;

/// Longest wait for the stream or for the cache.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait where the functions may first have to notice that Redis is back.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) edge_url: String,
    pub(crate) accounts: Accounts,
    pub(crate) branches: Branches,
    pub(crate) handlers: Arc<Handlers>,
    /// Faults between the edge and the functions.
    pub(crate) host_faults: HostFaults,
    /// Faults between the functions and DynamoDB.
    pub(crate) dynamo_faults: Faults,
    /// Pauses the streams of all tests.
    pub(crate) stream: StreamSwitch,
    /// DynamoDB, with every permission.
    pub(crate) dynamo: Client,
    pub(crate) table: String,
    pub(crate) accounts_table: String,
    pub(crate) carts_table: String,
    /// Checks replies and frames against the OpenAPI document.
    pub(crate) checker: Arc<Checker>,
    pub(crate) redis: Arc<Redis>,
    /// The secrets of the tests so far, which no log or store may hold.
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) pages: Pages,
    /// What edge and functions tell of their requests.
    pub(crate) telemetry: Telemetry,
    /// The data directory of the stack.
    pub(crate) data: PathBuf,
    keys: Keys,
    stack: Mutex<Option<Stack>>,
    runtime: Runtime,
}

/// The stack of most tests, which run side by side.
static SHARED: OnceLock<World> = OnceLock::new();
/// The stack of tests that stop Redis or count its commands, which run one at a time.
static EXCLUSIVE: OnceLock<World> = OnceLock::new();
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Limits that let all tests of a run sign in from one address.
const RATES: [(&str, &str); 2] =
    [("RATE_LOGIN_ADDRESS_PER_MINUTE", "100000"), ("RATE_ADDRESS_PER_MINUTE", "100000")];

/// Requests per minute of a user of the exclusive stack, where tests poll until Redis is back.
pub(crate) const EXCLUSIVE_USER_PER_MINUTE: u32 = 600;

impl World {
    fn shared() -> &'static World {
        SHARED.get_or_init(|| World::start(None))
    }

    fn exclusive() -> &'static World {
        let rate = ("RATE_USER_PER_MINUTE", EXCLUSIVE_USER_PER_MINUTE.to_string());
        EXCLUSIVE.get_or_init(|| World::start(Some(rate)))
    }

    fn start(rate: Option<(&'static str, String)>) -> World {
        let runtime = Runtime::new().unwrap();
        let pages = runtime.block_on(Pages::serve());
        let rates = RATES.iter().map(|&(name, value)| (name, value.to_owned())).chain(rate);
        let others = [("ALLOWED_ORIGINS", pages.allowed.clone()), telemetry::shown()];
        let edge_variables = rates.chain(others).collect();
        leaks::keep_logs();
        let options = Options { edge_variables, say: leaks::keep_line, ..Options::default() };
        let stack = runtime.block_on(Stack::start(options)).expect("the stack starts");
        let keys = Keys::load_or_make(stack.data()).unwrap();
        let secrets = Arc::new(Secrets::default());
        leaks::add_known(&secrets, &keys);
        World {
            edge_url: stack.edge_url().to_owned(),
            accounts: stack.accounts(),
            branches: stack.branches(),
            handlers: stack.handlers().clone(),
            host_faults: stack.host_faults().clone(),
            dynamo_faults: stack.faults().clone(),
            stream: stack.stream().clone(),
            dynamo: stack.client(),
            table: stack.table().to_owned(),
            accounts_table: stack.accounts_table().to_owned(),
            carts_table: stack.carts_table().to_owned(),
            checker: Arc::new(Checker::new().unwrap()),
            keys,
            secrets,
            pages,
            telemetry: stack.telemetry().clone(),
            data: stack.data().to_owned(),
            redis: stack.redis().clone(),
            stack: Mutex::new(Some(stack)),
            runtime,
        }
    }

    /// Removes what a failed test may have left: a fault, a paused stream, a stopped Redis.
    async fn restore(&self) {
        self.redis_faults().lift();
        self.stream.resume();
        self.redis.engine().restart().await.unwrap();
        if Listener::any_ended() {
            // Then rooms have noted in Redis when the devices were seen last. Tests count its commands.
            sleep(Duration::from_secs(PRESENCE_LEAVE_SECS + 2)).await;
        }
        let is_given_up = async || self.handlers.is_redis_given_up();
        poll(LONG_PATIENCE, is_given_up, |given_up| !given_up).await.expect("the functions use Redis again");
    }

    /// Calls a function directly, without the edge, at the time `now`.
    pub(crate) async fn call(&self, function: Function, request: Request<Body>, now: Timestamp) -> Reply {
        self.secrets.add_request(request.body().as_ref());
        let response = self.handlers.call(function, request, now).await;
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.secrets.add_reply(&body);
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// The functions of another deployment, whose synced tables are `tables`.
    pub(crate) fn other_deployment(&self, tables: &str) -> Handlers {
        let file = std::env::temp_dir().join(format!("tillsync-tables-{}.toml", fleet::batch_id()));
        std::fs::write(&file, tables).unwrap();
        let handlers = self.stack.lock().unwrap().as_ref().unwrap().other_handlers(&file);
        std::fs::remove_file(&file).unwrap();
        handlers.unwrap()
    }

    /// The signature of a publication, as a function makes it.
    pub(crate) fn sign_publication(&self, body: &[u8]) -> String {
        auth::signature::sign(&self.keys.publish_secret, fleet::now(), body)
    }

    /// A Redis client as a function has it, with its own connection.
    pub(crate) fn function_redis(&self) -> FunctionRedis {
        function_redis(self.redis.url(), &self.keys).unwrap()
    }

    /// Fails if a log or a store of the stack holds a secret of its tests.
    pub(crate) async fn assert_no_leaks(&self) {
        leaks::assert_none(&self.secrets, &self.data, &self.redis_rest()).await;
    }

    /// Sends a command to Redis, past the functions. Returns its result.
    pub(crate) async fn redis_command(&self, command: &[&str]) -> Value {
        self.redis_rest().command(command).await
    }

    fn redis_rest(&self) -> RedisRest {
        RedisRest::new(&self.redis, &self.keys)
    }

    /// Every request to Redis fails with `fault` until the faults are lifted.
    pub(crate) fn begin_redis_fault(&self, fault: RedisFault) {
        self.redis_faults().begin(fault);
    }

    /// Faults between the functions and Redis.
    pub(crate) fn redis_faults(&self) -> &RedisFaults {
        self.redis.front().faults()
    }

    /// Requests and commands that Redis has received.
    pub(crate) fn redis_counts(&self) -> Counts {
        self.redis.front().counts()
    }

    fn run<F: Future<Output = ()>>(&'static self, test: impl FnOnce(&'static Shop) -> F) {
        // Leaked, so that tests need no lifetimes: there are few tests and the process is short.
        let shop: &'static Shop = Box::leak(Box::new(Shop::new(self)));
        self.runtime.block_on(async {
            test(shop).await;
            shop.close().await;
        });
    }

    fn stop(&'static self) {
        // Checked as a task of its own: a panic must not leave the stack running.
        let check = self.runtime.spawn(async {
            self.redis.engine().restart().await.unwrap();
            self.assert_no_leaks().await;
        });
        let no_leaks = self.runtime.block_on(check);
        let stack = self.stack.lock().unwrap().take();
        self.runtime.block_on(async {
            if let Some(stack) = stack {
                stack.stop().await;
            }
        });
        no_leaks.expect("no secret leaks");
        let denied = self.dynamo_faults.denied();
        assert!(denied.is_empty(), "functions made calls that their roles do not allow: {denied:?}");
        // I9, over all tests of this run.
        assert_eq!(self.dynamo_faults.sent("Scan"), 0, "a function sent a Scan");
    }
}

pub(crate) fn cashier(client: &str) -> User {
    User {
        id: "u1".into(),
        username: "cashier".into(),
        role: Role::Cashier,
        client_id: client.parse().unwrap(),
        branch_id: Some("1".parse().unwrap()),
    }
}

/// A test on the shared stack. The invariants of its tenant are checked after it.
pub(crate) fn shared<F>(path: &str, test: impl FnOnce(&'static Shop) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name(path), move || {
        World::shared().run(test);
        Ok(())
    })
}

/// A test that has a stack to itself while it runs: it may stop Redis and count what Redis receives.
pub(crate) fn exclusive<F>(path: &str, test: impl FnOnce(&'static Shop) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name(path), move || {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let world = World::exclusive();
        world.runtime.block_on(world.restore());
        world.run(test);
        world.stream.resume();
        Ok(())
    })
}

/// The name of a test: its path without the name of this program.
fn name(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// Stops the stacks that tests have started.
pub(crate) fn stop() {
    [&SHARED, &EXCLUSIVE].into_iter().filter_map(OnceLock::get).for_each(World::stop);
}
