//! I5: no tenant sees data of another tenant, and no branch data of another branch.

use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::dead_letters::DeadLettersResponse;
use serde_json::json;

use crate::replies::assert_error;
use crate::shop::{Shop, ago, hall, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    other_tenants_and_branches_see_nothing,
    head_office_needs_a_branch_to_push,
    a_token_is_bound_to_its_device,
    a_token_without_a_device_may_name_any_and_counts_as_none,
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
    let named = LoginRequest { device_id: Some("free:till-1".parse().unwrap()), ..shop.login("till-1") };
    let named = serde_json::to_string(&named).unwrap();
    assert_error(&shop.anonymous().post("/api/auth/login", named).await.unwrap(), 400, "bad_request");
}

async fn a_token_without_a_device_may_name_any_and_counts_as_none(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let named =
        |name: &str, secs: u64| with(hall("h1", &json!({ "name": name })), "local_updated_at", ago(secs));
    assert_eq!(till.push(&[named("own", 60)]).await.synced_count, 1);
    let mut listener = Listener::open(&till.api, &till.device).await;
    let (free, _) = shop.session("cashier", "1", None).await;
    let free = Till { api: free, device: till.device.clone() };
    // The device's own older write is applied; a stranger's in its name is a conflict.
    let response = free.push(&[named("older", 90)]).await;
    assert_eq!(response.conflicts[0].reason, "newer_on_server");
    listener.assert_no_frame().await;
    assert_eq!(till.push(&[named("own again", 90)]).await.synced_count, 1);
    // The device gets what others write in its name.
    let newer = free.push(&[named("newer", 30)]).await;
    assert_eq!(newer.synced_count, 1);
    assert_eq!(listener.next_sync().await.stamp, newer.stamp);
    let pulled = till.pull_all(Stamp::ZERO, 10).await;
    assert_eq!(pulled.last().unwrap().device_id, "free:till-1");
    // A rejected record too is not the device's own.
    free.push(&[json!("malformed")]).await;
    let letters: DeadLettersResponse =
        shop.manager().await.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(letters.dead_letters[0].device_id, "free:till-1");
}
