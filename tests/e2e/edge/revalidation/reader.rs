//! A reader of each endpoint, and what changes what it reads.

use protocol::endpoints::Endpoint;
use protocol::role::Role;
use protocol::wire::auth::SessionResponse;
use serde_json::json;
use tests::api::Api;
use tests::fleet;

use crate::accounts::sessions::set_user_attribute;
use crate::carts;
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

/// A tenant with one till and the admin who reads.
pub(super) struct Reader {
    shop: Shop,
    till: Till,
    pub(super) admin: Api,
    session: SessionResponse,
    /// Stays open until the end.
    listener: Option<Listener>,
}

impl Reader {
    pub(super) async fn new(shop: &Shop) -> Reader {
        let shop = shop.other_tenant();
        let login = shop.user("admin", Role::Admin, Some("1")).await;
        let (admin, session) = shop.anonymous().login(&login).await.unwrap();
        let till = shop.till("till-1").await;
        Reader { shop, till, admin, session, listener: None }
    }

    /// The path of `endpoint`, where there is something to read.
    pub(super) async fn path(&self, endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::PullChanges | Endpoint::GetRecord => {
                self.till.push(&[product("p1", &json!({ "n": 1 }))]).await;
            }
            Endpoint::GetCart => drop(carts::put_data(&self.admin, "c1", &json!({ "n": 1 })).await),
            _ => {}
        }
        let path = endpoint.spec().path.replace("{device_id}", "till-1").replace("{id}", "c1");
        path.replace("{table}", "products").replace("{record_id}", "p1")
    }

    /// Changes what `endpoint` says; false if only a release does.
    pub(super) async fn change(&mut self, endpoint: Endpoint) -> bool {
        let (till, shop) = (&self.till, &self.shop);
        match endpoint {
            Endpoint::GetOpenApiDocument => return false,
            Endpoint::GetCurrentUser | Endpoint::ListTables => {
                set_user_attribute(shop, &self.session, "role", "cashier").await;
                self.admin = shop.anonymous().login(&shop.login("admin")).await.unwrap().0;
            }
            Endpoint::ListSessions => drop(shop.anonymous().login(&shop.login("admin")).await.unwrap()),
            Endpoint::PullChanges | Endpoint::GetSyncStats | Endpoint::ListBranches | Endpoint::GetRecord => {
                till.push(&[product("p1", &json!({ "n": 2 }))]).await;
            }
            Endpoint::GetDevice => {
                till.push_batch(&with(till.batch(Some("b1"), &[]), "device_seq", 1)).await;
            }
            Endpoint::ListDeadLetters => {
                till.push(&[with(product("p2", &json!({})), "local_updated_at", "yesterday")]).await;
            }
            Endpoint::GetCart => drop(carts::put_data(&self.admin, "c1", &json!({ "n": 2 })).await),
            Endpoint::GetCacheReport | Endpoint::GetCacheStats => {
                let key = format!("tillsync:{}:cache-statistics:{}", shop.client, fleet::now().date());
                let counts = json!({ "product": { "requests": 2, "hits": 2 } }).to_string();
                shop.world.redis_command(&["HSET", &key, "another process", &counts]).await;
            }
            Endpoint::GetPresence => self.listener = Some(Listener::open(&till.api, "till-1").await),
            other => panic!("the test does not know how to change {other:?}"),
        }
        true
    }

    /// Checks what was written, and ends the socket.
    pub(super) async fn close(self) {
        let Reader { shop, listener, .. } = self;
        drop(listener);
        shop.close().await;
    }
}
