//! Sessions of a user whose role or branch changes.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use protocol::wire::pull::PullResponse;
use protocol::wire::push::PushRequest;
use serde_json::json;
use tests::api::CallError;
use tests::till::Till;
use tests::till::meter::Meter;

use super::{is_accepted, refresh, sessions, sign_in_again, wait_until_revoked};
use crate::accounts::me;
use crate::replies::assert_error;
use crate::shop::{Shop, record, with};

trials! {
    shared:
    a_refresh_after_a_role_change_starts_a_new_session,
    a_token_keeps_the_role_of_its_sign_in,
    a_retried_refresh_grants_no_new_role,
    the_queue_of_a_moved_user_is_not_written_into_its_new_branch,
    a_till_of_a_moved_user_keeps_its_queue,
}

/// Changes an attribute of the session's user in the table.
pub(crate) async fn set_user_attribute(shop: &Shop, session: &SessionResponse, name: &str, value: &str) {
    let update = shop.world.dynamo.update_item().table_name(&shop.world.accounts_table);
    update
        .key("pk", AttributeValue::S(format!("USER#{}", session.user.id)))
        .key("sk", AttributeValue::S("PROFILE".into()))
        .update_expression("SET #name = :value")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":value", AttributeValue::S(value.into()))
        .send()
        .await
        .unwrap();
}

async fn a_refresh_after_a_role_change_starts_a_new_session(shop: &'static Shop) {
    let (before, session) = shop.session("till-1", "1", Some("till-1")).await;
    let old = sessions(&before).await.sessions[0].clone();
    assert!(is_accepted(&before).await);
    set_user_attribute(shop, &session, "role", "manager").await;
    let after: SessionResponse = refresh(&before, &session.refresh_token).await.ok().unwrap();
    assert_eq!(after.user.role, Role::Manager);
    // A retry of that refresh returns the new session as well.
    let again: SessionResponse = refresh(&before, &session.refresh_token).await.ok().unwrap();
    wait_until_revoked(&before).await;
    for session in [after, again] {
        let api = shop.anonymous().with_token(session.access_token);
        let seen = sessions(&api).await.sessions;
        assert_eq!((seen.len(), seen[0].current, &seen[0].created_at), (1, true, &old.created_at));
        assert_ne!(seen[0].id, old.id);
        // The cached user does not hide the new role.
        assert_eq!(me(&api).await.user.role, Role::Manager);
    }
}

async fn a_token_keeps_the_role_of_its_sign_in(shop: &'static Shop) {
    let (before, session) = shop.session("till-1", "1", None).await;
    let old = me(&before).await;
    assert_eq!(old.user.role, Role::Cashier);
    set_user_attribute(shop, &session, "role", "manager").await;
    let (after, _) = sign_in_again(shop, "till-1", None).await;
    // Each token shows its own role, although the user with the old role is cached.
    let new = me(&after).await;
    assert_eq!((new.user.role, me(&before).await.user.role), (Role::Manager, Role::Cashier));
    assert_eq!(new.user.username, old.user.username);
    assert!(new.permissions.len() > old.permissions.len());
}

async fn a_retried_refresh_grants_no_new_role(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let first: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    set_user_attribute(shop, &session, "role", "manager").await;
    // The response was lost, and the retry returns the same session with the old role.
    let again: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    assert_eq!((again.user.role, &again.refresh_token), (Role::Cashier, &first.refresh_token));
    let old = sessions(&api.with_token(again.access_token)).await.sessions[0].id.clone();
    let next: SessionResponse = refresh(&api, &again.refresh_token).await.ok().unwrap();
    assert_eq!(next.user.role, Role::Manager);
    assert_ne!(sessions(&api.with_token(next.access_token)).await.sessions[0].id, old);
}

async fn the_queue_of_a_moved_user_is_not_written_into_its_new_branch(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let sale = record("invoices", "i1", &json!({ "total": "9.90" }));
    let queued = json!({ "device_id": "till-1", "batch_id": "b1", "branch_id": "1", "records": [sale] });
    set_user_attribute(shop, &session, "branch_id", "2").await;
    let moved: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    assert_eq!(moved.user.branch_id, Some("2".parse().unwrap()));
    let api = shop.anonymous().with_token(moved.access_token);
    let refused = api.post("/api/sync/batch-push", queued.to_string()).await.unwrap();
    assert_error(&refused, 403, "branch_forbidden");
    let pulled = |branch: &str| format!("/api/sync/pull-changes?branch_id={branch}");
    assert_error(&api.get(&pulled("1")).await.unwrap(), 403, "branch_forbidden");
    let page: PullResponse = api.get(&pulled("2")).await.unwrap().ok().unwrap();
    assert!(page.changes.is_empty());
    // A user of the old branch still finds room for the sale there, once.
    let till = shop.till("till-2").await;
    let taken = with(queued, "device_id", "till-2");
    assert_eq!(till.push_batch(&taken).await.synced_count, 1);
}

async fn a_till_of_a_moved_user_keeps_its_queue(shop: &'static Shop) {
    let login = shop.user("anna", Role::Cashier, Some("1")).await;
    let login = LoginRequest { device_id: Some("till-1".parse().unwrap()), ..login };
    let (_, session) = shop.anonymous().login(&login).await.unwrap();
    let mut till = Till::open(&shop.anonymous(), &login, Arc::new(Meter::default())).await.unwrap();
    let sale = record("invoices", "i1", &json!({ "total": "9.90" }));
    let batch = json!({ "device_id": "till-1", "batch_id": "b1", "records": [sale] });
    till.enqueue(serde_json::from_value::<PushRequest>(batch).unwrap());
    shop.branch("2").await;
    set_user_attribute(shop, &session, "branch_id", "2").await;
    till.sign_in_again(&login).await.unwrap();
    let refused = till.push_all().await.unwrap_err();
    let CallError::Status { status, body } = &refused else { panic!("{refused}") };
    assert!(status.as_u16() == 403 && body.contains("branch_forbidden"), "{refused}");
    assert_eq!(till.read(|state| state.queue.len()), 1);
    let moved = shop.till_of("till-2", "2").await;
    assert!(moved.pull_all(Stamp::ZERO, 10).await.is_empty());
    // Back in its branch, the till delivers what it kept.
    set_user_attribute(shop, &session, "branch_id", "1").await;
    till.sign_in_again(&login).await.unwrap();
    till.push_all().await.unwrap();
    assert_eq!(till.read(|state| state.queue.len()), 0);
    assert_eq!(shop.till("till-3").await.pull_all(Stamp::ZERO, 10).await.len(), 1);
}
