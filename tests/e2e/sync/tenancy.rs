//! I5: no tenant sees data of another tenant, and no branch data of another branch.

use protocol::role::Role;
use protocol::stamp::Stamp;
use serde_json::json;

use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;

trials! {
    shared:
    other_tenants_and_branches_see_nothing,
    head_office_needs_a_branch_to_push,
    a_token_is_bound_to_its_device,
}

async fn other_tenants_and_branches_see_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let next_branch = shop.till_of("till-2", "2").await;
    let other_tenant = shop.other_tenant();
    let other_till = other_tenant.till("till-1").await;
    let mut listeners = Vec::new();
    for other in [&next_branch, &other_till] {
        listeners.push(Listener::open(&other.api, &other.device).await);
    }
    till.push(&[product("p1", &json!({"secret": true}))]).await;
    for (other, listener) in [&next_branch, &other_till].into_iter().zip(&mut listeners) {
        assert!(other.pull_all(Stamp::ZERO, 100).await.is_empty());
        // The same record id names another record there.
        assert_eq!(other.push(&[product("p1", &json!({"mine": true}))]).await.applied[0].version, 1);
        listener.assert_no_frame().await;
    }
    other_tenant.close().await;
}

async fn head_office_needs_a_branch_to_push(shop: &'static Shop) {
    let login = shop.user("head-office", Role::SuperAdmin, None).await;
    let (api, session) = shop.anonymous().login(&login).await.unwrap();
    assert_eq!(session.user.branch_id, None);
    assert_eq!(api.get("/api/auth/me").await.unwrap().status.as_u16(), 200);
    let reply =
        api.post("/api/sync/batch-push", json!({"device_id": "d", "records": []}).to_string()).await.unwrap();
    assert_error(&reply, 403, "branch_required");
}

async fn a_token_is_bound_to_its_device(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let body = json!({"device_id": "till-2", "records": [product("p1", &json!({}))]});
    let reply = till.push_raw(&body).await;
    assert_error(&reply, 403, "device_mismatch");
    assert!(till.pull_all(Stamp::ZERO, 100).await.is_empty());
    // A token without a device may name any device.
    let (api, _) = shop.anonymous().login(&shop.login("till-1")).await.unwrap();
    assert_eq!(api.post("/api/sync/batch-push", body.to_string()).await.unwrap().status.as_u16(), 200);
}
