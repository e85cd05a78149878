//! Redis fails and comes back: requests still succeed, no write is lost, and no stale data stays. Most of
//! these tests run one at a time on a stack of their own.

mod commands;
mod counts;
mod full;
pub(crate) mod gone;
mod load;
mod stale;
mod through;

use tests::wait::poll;
use tokio::time::sleep;

use crate::shop::Shop;
use crate::world::PATIENCE;

trials! {
    modules: commands, counts, gone, full, stale, through, load,
}

/// Pauses the streams for the rest of an exclusive test, and waits until Redis receives no more commands of
/// work in progress.
async fn pause_streams(shop: &Shop) {
    /// Time without commands after which Redis counts as idle.
    const IDLE: std::time::Duration = std::time::Duration::from_millis(200);
    shop.world.stream.pause();
    let counts = async || {
        let before = shop.world.redis_counts();
        sleep(IDLE).await;
        (before, shop.world.redis_counts())
    };
    poll(PATIENCE, counts, |(before, after)| before == after).await.unwrap();
}
