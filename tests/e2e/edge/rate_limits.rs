//! Rate limits per user. Wrong passwords have delays of their own: see `accounts/guessing.rs`.

use auth::limits::USER_PER_MINUTE;
use tests::api::Reply;

use crate::shop::Shop;

trials! {
    shared:
    a_user_is_limited_per_minute,
    sync_requests_are_not_limited,
}

fn number(reply: &Reply, name: &str) -> u32 {
    reply.header(name).unwrap().parse().unwrap()
}

async fn a_user_is_limited_per_minute(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let (other, _) = shop.session("till-2", "1", None).await;
    let mut refused = None;
    // The limit allows another request every 0.6 seconds meanwhile, so this loop ends.
    for asked in 0..USER_PER_MINUTE * 10 {
        let reply = api.get("/api/auth/me").await.unwrap();
        assert_eq!(number(&reply, "ratelimit-limit"), USER_PER_MINUTE);
        assert!(reply.header("ratelimit-policy").unwrap().contains("q=100;w=60"));
        if reply.status == 429 {
            assert!(asked >= USER_PER_MINUTE, "refused after {asked}");
            refused = Some(reply);
            break;
        }
        let remaining = number(&reply, "ratelimit-remaining");
        assert!(remaining >= USER_PER_MINUTE.saturating_sub(asked + 1) && remaining < USER_PER_MINUTE);
    }
    let refused = refused.expect("a user is not limited");
    assert_eq!(refused.code().as_deref(), Some("rate_limited"));
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    assert!((1..=2).contains(&number(&refused, "retry-after")), "{:?}", refused.headers);
    // Other users and sync requests are not limited.
    assert_eq!(other.get("/api/auth/me").await.unwrap().status, 200);
    assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
}

async fn sync_requests_are_not_limited(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for _ in 0..USER_PER_MINUTE + 20 {
        let reply = till.pull_raw("limit=1").await;
        assert_eq!((reply.status.as_u16(), reply.header("ratelimit")), (200, None));
    }
}
