//! The stack that all tests share: started by the first that needs it, stopped when the last is done.

use std::sync::{Arc, Mutex, OnceLock};

use aws_sdk_dynamodb::Client;
use functions::accounts::Accounts;
use functions::accounts::signer::Signer;
use libtest_mimic::Trial;
use local::dynamo::faults::Faults;
use local::function_host::faults::HostFaults;
use local::handlers::Handlers;
use local::keys::Keys;
use local::stack::{Options, Stack};
use local::stream::StreamSwitch;
use shared::limits::ACCESS_TOKEN_SECS;
use shared::micros::Micros;
use shared::protocol::auth::User;
use shared::token::Role;
use tests::fleet;
use tests::openapi::check::Checker;
use tokio::runtime::Runtime;

use crate::shop::Shop;

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
    /// How every answer must look.
    pub(crate) checker: Arc<Checker>,
    keys: Keys,
    stack: Mutex<Option<Stack>>,
    runtime: Runtime,
}

static WORLD: OnceLock<World> = OnceLock::new();

fn world() -> &'static World {
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let stack = runtime.block_on(Stack::start(Options::default())).expect("the stack starts");
        World {
            edge_url: stack.edge_url().to_owned(),
            accounts: stack.accounts(),
            handlers: stack.handlers().clone(),
            host_faults: stack.host_faults().clone(),
            dynamo_faults: stack.faults().clone(),
            stream: stack.stream().clone(),
            dynamo: stack.client(),
            table: stack.table().to_owned(),
            checker: Arc::new(Checker::new().unwrap()),
            keys: Keys::load_or_make(stack.data()).unwrap(),
            stack: Mutex::new(Some(stack)),
            runtime,
        }
    })
}

impl World {
    /// An access token for a cashier of branch 1 of `client`, signed at `now` with this stack's key.
    pub(crate) fn token_at(&self, client: &str, now: Micros) -> String {
        let signer = Signer::new(self.keys.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        signer.sign(&cashier(client), None, now).unwrap()
    }

    /// A token that was ours and has just expired.
    pub(crate) fn expired_token(&self, client: &str) -> String {
        self.token_at(client, Micros(fleet::now().0 - (ACCESS_TOKEN_SECS + 1) * 1_000_000))
    }

    /// A token of somebody who calls his own key by our key's name.
    pub(crate) fn foreign_token(&self, client: &str) -> String {
        let folder = std::env::temp_dir().join(format!("tillsync-foreign-{}", fleet::batch_id()));
        std::fs::create_dir(&folder).unwrap();
        let foreign = Keys::load_or_make(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let signer = Signer::new(foreign.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        signer.sign(&cashier(client), None, fleet::now()).unwrap()
    }
}

fn cashier(client: &str) -> User {
    User {
        id: "u1".into(),
        username: "somebody".into(),
        role: Role::Cashier,
        client_id: client.parse().unwrap(),
        branch_id: Some("1".parse().unwrap()),
    }
}

/// A test: it gets a shop of its own, which is checked when it is done.
pub(crate) fn trial<F>(name: &str, test: impl FnOnce(&'static Shop) -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name, move || {
        let world = world();
        // Tests are few and the process is short: a shop that lives on spares every test a lifetime.
        let shop: &'static Shop = Box::leak(Box::new(Shop::new(world)));
        world.runtime.block_on(async {
            test(shop).await;
            shop.close().await;
        });
        Ok(())
    })
}

/// Stops the stack, if a test started it.
pub(crate) fn stop() {
    let Some(world) = WORLD.get() else { return };
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
