//! I5: a tenant never sees another, nor a branch the next.

use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::LoginRequest;
use serde_json::json;

use crate::shop::{PASSWORD, Shop, product};
use crate::sync::broadcast::Listener;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        another_client_and_another_branch_see_nothing,
        head_office_needs_a_branch_to_push,
        a_token_of_one_device_is_no_other_device,
    ]
}

async fn another_client_and_another_branch_see_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let next_branch = shop.till_of("till-2", "2").await;
    let stranger_shop = Shop::new(shop.world);
    let stranger = stranger_shop.till("till-1").await;
    let mut ears = Vec::new();
    for other in [&next_branch, &stranger] {
        ears.push(Listener::open(&other.api, &other.device).await);
    }
    till.push(&[product("p1", &json!({"secret": true}))]).await;
    for (other, ear) in [&next_branch, &stranger].into_iter().zip(&mut ears) {
        assert!(other.pull_all(Stamp::ZERO, 100).await.is_empty());
        // The same record id is another record there.
        assert_eq!(other.push(&[product("p1", &json!({"mine": true}))]).await.applied[0].version, 1);
        ear.hears_nothing_but_pong().await;
    }
    stranger_shop.close().await;
}

async fn head_office_needs_a_branch_to_push(shop: &'static Shop) {
    let login = shop.user("boss", Role::SuperAdmin, None).await;
    let (api, session) = shop.stranger().login(&login).await.unwrap();
    assert_eq!(session.user.branch_id, None);
    assert_eq!(api.get("/api/auth/me").await.unwrap().status.as_u16(), 200);
    let reply =
        api.post("/api/sync/batch-push", json!({"device_id": "d", "records": []}).to_string()).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (403, Some("branch_required")));
}

async fn a_token_of_one_device_is_no_other_device(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let body = json!({"device_id": "till-2", "records": [product("p1", &json!({}))]});
    let reply = till.push_raw(&body).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (403, Some("device_mismatch")));
    assert!(till.pull_all(Stamp::ZERO, 100).await.is_empty());
    // A token without a device may name any.
    let login =
        LoginRequest { username: shop.username("till-1"), password: PASSWORD.into(), device_id: None };
    let (api, _) = shop.stranger().login(&login).await.unwrap();
    assert_eq!(api.post("/api/sync/batch-push", body.to_string()).await.unwrap().status.as_u16(), 200);
}
