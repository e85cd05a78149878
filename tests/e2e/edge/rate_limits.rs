//! How often somebody may ask.

use auth::limits::USER_PER_MINUTE;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tests::api::Reply;

use crate::shop::{PASSWORD, Shop};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_user_asks_so_often_a_minute_and_no_more,
        syncing_is_not_counted,
        a_name_is_tried_so_often_a_minute,
    ]
}

/// Sign-ins as one name that the tests' stack allows a minute.
const LOGINS_PER_MINUTE: u32 = 30;

fn number(reply: &Reply, name: &str) -> u32 {
    reply.header(name).unwrap().parse().unwrap()
}

async fn a_user_asks_so_often_a_minute_and_no_more(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let (other, _) = shop.session("till-2", "1", None).await;
    let mut refused = None;
    // What is given back meanwhile is a request each 0.6 seconds: there is an end to it.
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
    let refused = refused.expect("a user asks as often as it likes");
    assert_eq!(refused.code().as_deref(), Some("rate_limited"));
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    assert!((1..=2).contains(&number(&refused, "retry-after")), "{:?}", refused.headers);
    // It is this user who asked too often, and not by syncing.
    assert_eq!(other.get("/api/auth/me").await.unwrap().status, 200);
    assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
}

async fn syncing_is_not_counted(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for _ in 0..USER_PER_MINUTE + 20 {
        let reply = till.pull_raw("limit=1").await;
        assert_eq!((reply.status.as_u16(), reply.header("ratelimit")), (200, None));
    }
}

async fn a_name_is_tried_so_often_a_minute(shop: &'static Shop) {
    let login = shop.user("till-1", protocol::role::Role::Cashier, Some("1")).await;
    let attempt = async |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password }).to_string();
        shop.stranger().post("/api/auth/login", body).await.unwrap()
    };
    let mut tries = 0;
    let refused = loop {
        let reply = attempt(&login.username, "a wrong guess").await;
        if reply.status == 429 {
            break reply;
        }
        assert_eq!(reply.code().as_deref(), Some("bad_credentials"));
        tries += 1;
        assert!(tries < LOGINS_PER_MINUTE * 10, "a name can be tried for ever");
    };
    assert!(tries >= LOGINS_PER_MINUTE, "refused after {tries}");
    let body: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limited");
    assert!(number(&refused, "retry-after") >= 1);
    // Whether the password was right is not told either.
    assert_eq!(attempt(&login.username, PASSWORD).await.status, 429);
    let other = shop.user("till-2", protocol::role::Role::Cashier, Some("1")).await;
    assert_eq!(attempt(&other.username, PASSWORD).await.status, 200);
}
