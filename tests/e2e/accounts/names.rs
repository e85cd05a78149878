//! Names and passwords in more than one spelling.

use aws_sdk_dynamodb::types::AttributeValue;
use functions::accounts::users::{CreateUserError, NewUser};
use protocol::role::Role;
use protocol::wire::auth::SessionResponse;
use serde_json::json;
use tests::api::Reply;

use crate::shop::{PASSWORD, Shop};

trials! {
    shared:
    two_names_that_look_the_same_cannot_be_made,
    a_user_signs_in_with_any_spelling,
    a_name_from_before_spellings_keeps_working,
}

const COMPOSED: &str = "Jos\u{e9}";
const DECOMPOSED: &str = "Jose\u{301}";

async fn create(shop: &Shop, name: &str) -> Result<String, CreateUserError> {
    let new = NewUser {
        username: shop.username(name),
        password: PASSWORD.into(),
        role: Role::Cashier,
        client_id: shop.client.parse().unwrap(),
        branch_id: Some("1".parse().unwrap()),
    };
    shop.branch("1").await;
    shop.world.accounts.create(&shop.world.branches, new).await.map(|user| user.id)
}

async fn login(shop: &Shop, name: &str, password: &str) -> Reply {
    let body = json!({ "username": shop.username(name), "password": password });
    shop.anonymous().post("/api/auth/login", body.to_string()).await.unwrap()
}

async fn two_names_that_look_the_same_cannot_be_made(shop: &'static Shop) {
    create(shop, DECOMPOSED).await.unwrap();
    for same in [COMPOSED, DECOMPOSED, "\u{ff2a}os\u{e9}"] {
        assert!(matches!(create(shop, same).await, Err(CreateUserError::Taken)), "{same:?}");
    }
    for invisible in ["Jos\u{e9}\u{200b}", "Jo\u{ad}s\u{e9}", " Jos\u{e9}", "Jos\u{e9}\u{2060}"] {
        assert!(matches!(create(shop, invisible).await, Err(CreateUserError::Bad(_))), "{invisible:?}");
    }
    // Names are case-sensitive.
    create(shop, "jos\u{e9}").await.unwrap();
}

async fn a_user_signs_in_with_any_spelling(shop: &'static Shop) {
    let id = create(shop, COMPOSED).await.unwrap();
    for name in [COMPOSED, DECOMPOSED] {
        let session: SessionResponse = login(shop, name, PASSWORD).await.ok().unwrap();
        assert_eq!((session.user.id, session.user.username), (id.clone(), shop.username(COMPOSED)));
    }
    assert_eq!(login(shop, "Jose", PASSWORD).await.status, 401);
}

async fn a_name_from_before_spellings_keeps_working(shop: &'static Shop) {
    let id = create(shop, "older").await.unwrap();
    let old_name = format!("NAME#{}", shop.username(DECOMPOSED));
    let put = shop.world.dynamo.put_item().table_name(&shop.world.accounts_table);
    put.item("pk", AttributeValue::S(old_name))
        .item("sk", AttributeValue::S("NAME".into()))
        .item("user", AttributeValue::S(id.clone()))
        .send()
        .await
        .unwrap();
    for name in [COMPOSED, DECOMPOSED] {
        let session: SessionResponse = login(shop, name, PASSWORD).await.ok().unwrap();
        assert_eq!(session.user.id, id);
    }
    // No new user takes its name in another spelling.
    assert!(matches!(create(shop, COMPOSED).await, Err(CreateUserError::Taken)));
}
