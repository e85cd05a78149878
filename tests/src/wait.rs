//! Waiting for work that goes on in the background: the stream, the cache, a reconnecting socket.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Time between the first two attempts. It doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Longest time between two attempts: a user has requests for 75 of them in 30 seconds.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Calls `attempt` until it succeeds. Returns its last error once `within` has passed.
///
/// A test unwraps the result, so that the panic names the test's line and the last error:
///
/// ```ignore
/// until(PATIENCE, async || {
///     let reply = api.get(path).await.unwrap();
///     done_if(reply.status == 200, reply)
/// })
/// .await
/// .unwrap();
/// ```
///
/// # Errors
///
/// The error of the last attempt.
pub async fn until<T, E>(within: Duration, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let (deadline, mut pause) = (Instant::now() + within, PAUSE_MIN);
    loop {
        match attempt().await {
            Err(_) if Instant::now() < deadline => sleep(pause).await,
            last => return last,
        }
        pause = PAUSE_MAX.min(pause * 2);
    }
}

/// The result of an attempt of [`until`] that looked at `state`: `Ok` if that is what it waits for.
///
/// # Errors
///
/// The state, which the test then shows.
pub fn done_if<T>(is_done: bool, state: T) -> Result<T, T> {
    if is_done { Ok(state) } else { Err(state) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn returns_the_first_success_or_the_last_error() {
        let mut attempts = 0;
        let third = until(Duration::from_secs(1), async || {
            attempts += 1;
            if attempts == 3 { Ok("third") } else { Err("not yet") }
        });
        assert_eq!(third.await, Ok("third"));
        let mut attempts = 0;
        let never = until(Duration::from_secs(30), async || {
            attempts += 1;
            Err::<(), _>(attempts)
        });
        assert_eq!(never.await, Err(80));
    }
}
