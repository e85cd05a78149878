//! A caller that was refused stays refused, whatever happens to Redis meanwhile.

use std::time::{Duration, Instant};

use auth::limits::SESSION_STATUS_SECS;
use protocol::wire::sessions::EndSessionsResponse;
use serde_json::json;
use tests::api::Api;
use tests::wait::poll;
use tokio::time::sleep;

use crate::accounts::sessions::{end, is_revoked, sessions};
use crate::shop::Shop;
use crate::world::{EXCLUSIVE_USER_PER_MINUTE, PATIENCE};

trials! {
    exclusive:
    an_ended_session_stays_refused_after_redis_has_died,
    a_session_whose_end_redis_reported_stays_refused_after_redis_has_died,
    an_ended_session_stays_refused_in_a_flood,
    a_user_over_its_limit_is_refused_without_asking_redis,
}

/// Longer than the edge caches that a session is active.
const STATUS_EXPIRED: Duration = Duration::from_secs(SESSION_STATUS_SECS + 1);
/// Connections of the flood.
const CONNECTIONS: usize = 100;

/// Two sign-ins of one user; the second one has just been ended by the first.
async fn ended_session(shop: &Shop) -> Api {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let (lost, _) = shop.anonymous().login(&shop.login("till-1")).await.unwrap();
    // The edge caches that the session is active.
    assert!(!is_revoked(&lost).await);
    assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 1);
    lost
}

async fn an_ended_session_stays_refused_after_redis_has_died(shop: &'static Shop) {
    let lost = ended_session(shop).await;
    shop.world.redis.engine().kill().await;
    // The edge saw the function end the session, so it need not ask Redis.
    assert!(is_revoked(&lost).await);
    sleep(STATUS_EXPIRED).await;
    assert!(is_revoked(&lost).await);
    assert_eq!(lost.get("/api/sync/pull-changes").await.unwrap().code().as_deref(), Some("session_revoked"));
}

async fn a_session_whose_end_redis_reported_stays_refused_after_redis_has_died(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let id = sessions(&api).await.sessions[0].id.clone();
    // As when another part of the edge forwarded the request that ended the session.
    let key = format!("tillsync:{}:session:{id}", shop.client);
    shop.world.redis_command(&["SET", &key, "revoked", "EX", "900"]).await;
    poll(PATIENCE, async || is_revoked(&api).await, |revoked| *revoked).await.unwrap();
    shop.world.redis.engine().kill().await;
    sleep(STATUS_EXPIRED).await;
    assert!(is_revoked(&api).await);
}

async fn an_ended_session_stays_refused_in_a_flood(shop: &'static Shop) {
    let lost = ended_session(shop).await;
    let flood = async |_| {
        let body = json!({ "refreshToken": "r" }).to_string();
        let started = Instant::now();
        while started.elapsed() < 2 * STATUS_EXPIRED {
            // The flood itself may fail.
            let _ = shop.anonymous().unchecked().post("/api/auth/refresh", body.clone()).await;
        }
    };
    let watch = async {
        let (started, mut asked) = (Instant::now(), 0);
        while started.elapsed() < 2 * STATUS_EXPIRED {
            assert!(is_revoked(&lost).await, "an ended session is let in after {:?}", started.elapsed());
            asked += 1;
        }
        asked
    };
    let (asked, _) = tokio::join!(watch, futures_util::future::join_all((0..CONNECTIONS).map(flood)));
    println!("refused {asked} times during the flood");
}

async fn a_user_over_its_limit_is_refused_without_asking_redis(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let is_served = async || match api.get("/api/auth/me").await.unwrap() {
        reply if reply.status == 200 => true,
        reply => {
            assert_eq!(reply.code().as_deref(), Some("rate_limited"), "{}", reply.body);
            assert_eq!(reply.header("ratelimit-remaining"), Some("0"));
            false
        }
    };
    let mut served = 0;
    while is_served().await {
        served += 1;
        assert!(served < 10 * EXCLUSIVE_USER_PER_MINUTE, "the user is not limited");
    }
    let before = shop.world.redis_counts();
    let (mut served, mut refused) = (0, 0);
    for _ in 0..200 {
        if is_served().await { served += 1 } else { refused += 1 }
    }
    let asked = (shop.world.redis_counts() - before).requests;
    println!("{refused} refused and {served} served with {asked} requests to Redis");
    // A request that comes back costs the edge two checks, and the function a read and its statistics.
    assert!(asked <= 5 * served + 5 && refused > 2 * asked, "{asked} requests to Redis");
}
