//! `tillsync-local dev`: runs the stack until a signal arrives or a part of it fails.

use std::collections::BTreeMap;

use functions::accounts::users::CreateUserError;
use functions::dynamo::error::StoreError;
use functions::start::now;
use protocol::ids::{BadId, Room};

mod announcement;
pub mod signals;
mod status_line;

use crate::command_line::Dev;
use crate::dev_file::DevFile;
use crate::edge::EdgeDeath;
use crate::known_user::{self, KnownUser};
use crate::private_file::PrivateFileError;
use crate::report;
use crate::stack::{Options, Stack, StartError};
use crate::telemetry;
use signals::Signals;

/// Why the stack did not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// A part did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Signals cannot be received.
    #[error("failed to watch for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// A demo user cannot be created.
    #[error("failed to make the demo users: {0}")]
    Users(#[from] CreateUserError),
    /// A demo branch cannot be created.
    #[error("failed to make the demo branches")]
    Branches(#[from] StoreError),
    /// A demo user has an invalid id.
    #[error("failed to make the demo users: {0}")]
    BadUser(#[from] BadId),
    /// A file of the data directory cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The edge has ended by itself.
    #[error("failed to keep the edge running: {0}")]
    EdgeDied(EdgeDeath),
}

/// Runs the stack until a signal arrives (`Ok`) or a part of it fails.
pub async fn run(dev: &Dev) -> Result<(), DevError> {
    let mut signals = Signals::watch().map_err(DevError::Signals)?;
    let options = Options {
        data: Some(dev.data.clone()),
        edge_port: dev.edge_port,
        fresh: dev.fresh,
        tables: dev.tables.clone(),
        edge_variables: BTreeMap::from([("ALLOWED_ORIGINS", dev.origins.join(",")), telemetry::shown()]),
        say: |text| report::say("dev", text),
        ..Options::default()
    };
    let mut stack = tokio::select! {
        started = Stack::start(options) => started?,
        // Dropping what was started stops it.
        () = signals.next() => {
            report::say("dev", "stopped");
            return Ok(());
        }
    };
    let ended = tokio::select! {
        ended = announce_and_watch(&mut stack) => ended,
        () = signals.next() => Ok(()),
    };
    report::say("dev", "stopping");
    DevFile::remove(stack.data());
    stack.stop().await;
    report::say("dev", "stopped");
    ended
}

/// Returns only when something fails.
async fn announce_and_watch(stack: &mut Stack) -> Result<(), DevError> {
    let users = users(stack).await?;
    let file = DevFile::of(stack, users);
    file.write(stack.data())?;
    report::say("dev", "ready");
    let ready = announcement::readiness(&file.edge_url).await;
    report::result(&announcement::text(&file, stack.data(), ready.as_ref()));
    let telemetry = stack.telemetry().clone();
    tokio::select! {
        death = stack.death() => Err(DevError::EdgeDied(death)),
        never = status_line::show(&telemetry) => match never {},
    }
}

/// The users of earlier runs and the demo users, who are created with their branches if they are missing.
async fn users(stack: &Stack) -> Result<Vec<KnownUser>, DevError> {
    let mut users = known_user::load(stack.data())?;
    for demo in known_user::demo()? {
        if let Some(branch) = demo.branch_id.clone() {
            let room = Room { client: demo.client_id.clone(), branch };
            stack.branches().create(&room, now()).await?;
        }
        if users.iter().any(|user| user.username == demo.username) {
            continue;
        }
        match stack.accounts().create(&stack.branches(), demo.clone().into()).await {
            // Taken: an earlier run ended before it could store the user.
            Ok(_) | Err(CreateUserError::Taken) => users.push(demo),
            Err(error) => return Err(error.into()),
        }
    }
    known_user::save(stack.data(), &users)?;
    Ok(users)
}
