//! Ends scripts that run too long. Redis has no such limit: until a script ends it executes nothing else.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Context;
use crate::connection::{ExchangeError, Pool};
use crate::request::Arguments;
use crate::resp::Reply;

/// The pause between two attempts to end a script.
const KILL_PAUSE: Duration = Duration::from_millis(100);

/// Sends commands of which some are scripts. After the deadline it ends what the engine executes: this
/// script, or the one that it waits for.
pub(super) async fn exchange(
    context: &Context,
    pool: &Pool,
    commands: &[Arguments],
) -> Result<Vec<Reply>, ExchangeError> {
    let deadline = context.options.script_deadline;
    let exchange = pool.exchange(commands);
    tokio::pin!(exchange);
    if let Ok(replies) = timeout(deadline, &mut exchange).await {
        return replies;
    }
    let mut is_ended_with_redis = false;
    loop {
        let attempt = async {
            // An error means that the engine does not listen yet.
            let is_unkillable = context.pool.kill_script().await.unwrap_or(false);
            match &context.options.unkillable_script {
                Some(unkillable) if is_unkillable => {
                    unkillable.notify_one();
                    is_ended_with_redis = true;
                }
                _ => {}
            }
            sleep(KILL_PAUSE).await;
        };
        let ended = tokio::select! {
            replies = &mut exchange => Some(replies),
            () = attempt => None,
        };
        match ended {
            Some(Err(ExchangeError::Io(_))) if is_ended_with_redis => {
                return Err(ExchangeError::Script(deadline));
            }
            Some(replies) => return replies,
            None => {}
        }
    }
}
