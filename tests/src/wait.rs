//! Waiting for work that goes on in the background: the stream, the cache, a reconnecting socket.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Time between the first two attempts. It doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Longest time between two attempts: a user has requests for 75 of them in 30 seconds.
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Calls `attempt` until it succeeds. Returns its last error once `within` has passed.
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

/// Calls `read` until `is_done` holds for its result. A test unwraps the returned result, so that the panic
/// names the test's line and shows what was read last.
///
/// # Errors
///
/// What was read last.
pub async fn poll<T>(
    within: Duration,
    mut read: impl AsyncFnMut() -> T,
    is_done: impl Fn(&T) -> bool,
) -> Result<T, T> {
    let attempt = async || {
        let state = read().await;
        if is_done(&state) { Ok(state) } else { Err(state) }
    };
    until(within, attempt).await
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
