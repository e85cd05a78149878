//! Rate limits per user and per username.

use auth::limits::USER_PER_MINUTE;
use serde_json::{Value, json};
use tests::api::Reply;

use crate::shop::{PASSWORD, Shop};

trials! {
    shared:
    a_user_is_limited_per_minute,
    sync_requests_are_not_limited,
    sign_ins_are_limited_per_username,
}

/// Sign-ins per minute that the stack of the tests allows for one username.
const LOGINS_PER_MINUTE: u32 = 30;

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

async fn sign_ins_are_limited_per_username(shop: &'static Shop) {
    let login = shop.user("till-1", protocol::role::Role::Cashier, Some("1")).await;
    let attempt = async |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password }).to_string();
        shop.anonymous().post("/api/auth/login", body).await.unwrap()
    };
    let mut tries = 0;
    let refused = loop {
        let reply = attempt(&login.username, "a wrong guess").await;
        if reply.status == 429 {
            break reply;
        }
        assert_eq!(reply.code().as_deref(), Some("bad_credentials"));
        tries += 1;
        assert!(tries < LOGINS_PER_MINUTE * 10, "a username is not limited");
    };
    assert!(tries >= LOGINS_PER_MINUTE, "refused after {tries}");
    let body: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limited");
    assert!(number(&refused, "retry-after") >= 1);
    // The correct password is refused as well.
    assert_eq!(attempt(&login.username, PASSWORD).await.status, 429);
    let other = shop.user("till-2", protocol::role::Role::Cashier, Some("1")).await;
    assert_eq!(attempt(&other.username, PASSWORD).await.status, 200);
}
