//! The stack that all tests share, and another one for those that take its Redis away: each started by the first test
//! that needs it, stopped when the last is done.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use auth::limits::ACCESS_TOKEN_SECS;
use aws_sdk_dynamodb::Client;
use functions::accounts::Accounts;
use functions::accounts::signer::Signer;
use functions::redis::Redis as FunctionRedis;
use libtest_mimic::Trial;
use local::dynamo::faults::Faults;
use local::function_host::faults::HostFaults;
use local::handlers::Handlers;
use local::keys::Keys;
use local::redis::Redis;
use local::stack::{Options, Stack};
use local::stream::StreamSwitch;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;
use serde_json::Value;
use tests::fleet;
use tests::function_redis::function_redis;
use tests::openapi::check::Checker;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::shop::Shop;

/// How long the functions may take Redis for down after it has come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at that.
const POLL: Duration = Duration::from_millis(20);

pub(crate) struct World {
    pub(crate) edge_url: String,
    pub(crate) accounts: Accounts,
    pub(crate) handlers: Arc<Handlers>,
    /// What goes wrong between edge and functions.
    pub(crate) host_faults: HostFaults,
    /// What goes wrong between functions and DynamoDB.
    pub(crate) dynamo_faults: Faults,
    /// Holds the stream back, for every test at once.
    pub(crate) stream: StreamSwitch,
    /// DynamoDB, with every permission.
    pub(crate) dynamo: Client,
    pub(crate) table: String,
    pub(crate) accounts_table: String,
    pub(crate) carts_table: String,
    /// How every answer must look.
    pub(crate) checker: Arc<Checker>,
    /// Redis, and what goes wrong on the way to it.
    pub(crate) redis: Arc<Redis>,
    keys: Keys,
    stack: Mutex<Option<Stack>>,
    runtime: Runtime,
}

static WORLD: OnceLock<World> = OnceLock::new();
/// Whose Redis tests take away, one at a time.
static FRAIL: OnceLock<World> = OnceLock::new();
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// As many sign-ins as the tests of one run need, which all come from one address. A user's are what one test needs.
const RATES: [(&str, &str); 3] = [
    ("RATE_LOGIN_NAME_PER_MINUTE", "30"),
    ("RATE_LOGIN_ADDRESS_PER_MINUTE", "100000"),
    ("RATE_ADDRESS_PER_MINUTE", "100000"),
];

/// Requests a minute that a user has where Redis is taken away: tests wait there for it to come back, and ask often.
pub(crate) const FRAIL_USER_PER_MINUTE: u32 = 600;

impl World {
    fn sound() -> World {
        World::start(None)
    }

    fn frail() -> World {
        World::start(Some(("RATE_USER_PER_MINUTE", FRAIL_USER_PER_MINUTE.to_string())))
    }

    fn start(rate: Option<(&'static str, String)>) -> World {
        let runtime = Runtime::new().unwrap();
        let rates = RATES.iter().map(|&(name, value)| (name, value.to_owned()));
        let edge_variables = rates.chain(rate).collect();
        let options = Options { edge_variables, ..Options::default() };
        let stack = runtime.block_on(Stack::start(options)).expect("the stack starts");
        World {
            edge_url: stack.edge_url().to_owned(),
            accounts: stack.accounts(),
            handlers: stack.handlers().clone(),
            host_faults: stack.host_faults().clone(),
            dynamo_faults: stack.faults().clone(),
            stream: stack.stream().clone(),
            dynamo: stack.client(),
            table: stack.table().to_owned(),
            accounts_table: stack.accounts_table().to_owned(),
            carts_table: stack.carts_table().to_owned(),
            checker: Arc::new(Checker::new().unwrap()),
            keys: Keys::load_or_make(stack.data()).unwrap(),
            redis: stack.redis().clone(),
            stack: Mutex::new(Some(stack)),
            runtime,
        }
    }
}

impl World {
    /// An access token for a cashier of branch 1 of `client`, signed at `now` with this stack's key.
    pub(crate) fn token_at(&self, client: &str, now: Timestamp) -> String {
        self.token_of(&cashier(client), now)
    }

    /// An access token for `user`, signed at `now` with this stack's key.
    pub(crate) fn token_of(&self, user: &User, now: Timestamp) -> String {
        let signer = Signer::new(self.keys.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        signer.sign(user, None, None, now).unwrap()
    }

    /// Redis as a function has it, on a connection of its own.
    pub(crate) fn function_redis(&self) -> FunctionRedis {
        function_redis(self.redis.url(), &self.keys).unwrap()
    }

    /// What Redis answers to a command that somebody else sends, by way of the front.
    pub(crate) async fn redis_says(&self, command: &[&str]) -> Value {
        let request =
            reqwest::Client::new().post(self.redis.url()).bearer_auth(self.keys.redis_token.expose());
        let answer = request.body(serde_json::to_vec(command).unwrap()).send().await.unwrap();
        serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["result"].clone()
    }

    /// A token that was ours and has just expired.
    pub(crate) fn expired_token(&self, client: &str) -> String {
        self.token_at(client, Timestamp(fleet::now().0 - (ACCESS_TOKEN_SECS + 1) * 1_000_000))
    }

    /// A token of somebody who calls his own key by our key's name.
    pub(crate) fn foreign_token(&self, client: &str) -> String {
        let folder = std::env::temp_dir().join(format!("tillsync-foreign-{}", fleet::batch_id()));
        std::fs::create_dir(&folder).unwrap();
        let foreign = Keys::load_or_make(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let signer = Signer::new(foreign.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        signer.sign(&cashier(client), None, None, fleet::now()).unwrap()
    }
}

pub(crate) fn cashier(client: &str) -> User {
    User {
        id: "u1".into(),
        username: "somebody".into(),
        role: Role::Cashier,
        client_id: client.parse().unwrap(),
        branch_id: Some("1".parse().unwrap()),
    }
}

/// A test: it gets a shop of its own, which is checked when it is done.
pub(crate) fn trial<F>(path: &str, test: impl FnOnce(&'static Shop) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name(path), move || {
        run(WORLD.get_or_init(World::sound), test);
        Ok(())
    })
}

/// A test that has the other stack to itself: it may take its Redis away, and count what that is asked.
pub(crate) fn frail<F>(path: &str, test: impl FnOnce(&'static Shop) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name(path), move || {
        // One that failed leaves no more behind than one that did not: each begins with a Redis that is well.
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let world = FRAIL.get_or_init(World::frail);
        world.runtime.block_on(async {
            world.redis.front().faults().lift();
            world.stream.resume();
            world.redis.engine().restart().await.unwrap();
            let until = Instant::now() + PATIENCE;
            while world.handlers.is_redis_given_up() {
                assert!(Instant::now() < until, "a function never asks Redis again");
                sleep(POLL).await;
            }
        });
        run(world, test);
        Ok(())
    })
}

/// The name of a test: its path without the name of this program.
fn name(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, name)| name)
}

fn run<F: Future<Output = ()>>(world: &'static World, test: impl FnOnce(&'static Shop) -> F) {
    // Tests are few and the process is short: a shop that lives on spares every test a lifetime.
    let shop: &'static Shop = Box::leak(Box::new(Shop::new(world)));
    world.runtime.block_on(async {
        test(shop).await;
        shop.close().await;
    });
}

/// Stops the stacks that tests have started.
pub(crate) fn stop() {
    [&WORLD, &FRAIL].into_iter().filter_map(OnceLock::get).for_each(close);
}

fn close(world: &'static World) {
    let stack = world.stack.lock().unwrap().take();
    world.runtime.block_on(async {
        if let Some(stack) = stack {
            stack.stop().await;
        }
    });
    let denied = world.dynamo_faults.denied();
    assert!(denied.is_empty(), "functions did what their roles do not allow: {denied:?}");
    // I9, over everything that the tests of this run did.
    assert_eq!(world.dynamo_faults.sent("Scan"), 0, "somebody sent a Scan");
}
