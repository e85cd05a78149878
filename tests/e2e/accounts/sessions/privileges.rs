//! What a user may do has changed: which token says what.

use aws_sdk_dynamodb::types::AttributeValue;
use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::wire::auth::{MeResponse, SessionResponse};
use tests::api::Api;

use super::{assert_refused, refresh, sessions, sign_in_again, works};
use crate::shop::Shop;

pub(super) fn trials() -> Vec<Trial> {
    trials![
        another_role_is_another_session,
        whoever_signs_in_anew_is_who_the_token_says,
        a_refresh_that_is_retried_gives_no_more_than_the_first_time,
    ]
}

/// Changes a user behind its back.
pub(super) async fn set(shop: &Shop, session: &SessionResponse, name: &str, value: &str) {
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

async fn another_role_is_another_session(shop: &'static Shop) {
    let (before, session) = shop.session("till-1", "1", Some("till-1")).await;
    let old = sessions(&before).await.sessions[0].clone();
    assert!(works(&before).await);
    set(shop, &session, "role", "manager").await;
    let after: SessionResponse = refresh(&before, &session.refresh_token).await.ok().unwrap();
    assert_eq!(after.user.role, Role::Manager);
    // A retry of that refresh is of the new session as well.
    let again: SessionResponse = refresh(&before, &session.refresh_token).await.ok().unwrap();
    assert_refused(&before).await;
    for session in [after, again] {
        let api = shop.stranger().with_token(session.access_token);
        let seen = sessions(&api).await.sessions;
        assert_eq!((seen.len(), seen[0].current, &seen[0].created_at), (1, true, &old.created_at));
        assert_ne!(seen[0].id, old.id);
        // Nor does the cache go on with what the user was.
        assert_eq!(
            api.get("/api/auth/me").await.unwrap().ok::<MeResponse>().unwrap().user.role,
            Role::Manager
        );
    }
}

async fn whoever_signs_in_anew_is_who_the_token_says(shop: &'static Shop) {
    let (before, session) = shop.session("till-1", "1", None).await;
    let me = async |api: &Api| api.get("/api/auth/me").await.unwrap().ok::<MeResponse>().unwrap();
    let old = me(&before).await;
    assert_eq!(old.user.role, Role::Cashier);
    set(shop, &session, "role", "manager").await;
    let (after, _) = sign_in_again(shop, "till-1", None).await;
    // Each sees what its own token permits, and there is a copy of the user as it was.
    let new = me(&after).await;
    assert_eq!((new.user.role, me(&before).await.user.role), (Role::Manager, Role::Cashier));
    assert_eq!(new.user.username, old.user.username);
    assert!(new.permissions.len() > old.permissions.len());
}

async fn a_refresh_that_is_retried_gives_no_more_than_the_first_time(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let first: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    set(shop, &session, "role", "manager").await;
    // The answer was lost: it is given again, and is not more than it was.
    let again: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    assert_eq!((again.user.role, &again.refresh_token), (Role::Cashier, &first.refresh_token));
    let old = sessions(&api.with_token(again.access_token)).await.sessions[0].id.clone();
    let next: SessionResponse = refresh(&api, &again.refresh_token).await.ok().unwrap();
    assert_eq!(next.user.role, Role::Manager);
    assert_ne!(sessions(&api.with_token(next.access_token)).await.sessions[0].id, old);
}
