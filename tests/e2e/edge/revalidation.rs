//! `ETag` and `If-None-Match`, for every endpoint that is read: a caller that has the content gets 304.

use futures_util::future::join_all;
use protocol::endpoints::{ENDPOINTS, Endpoint};
use protocol::role::Role;
use protocol::wire::auth::SessionResponse;
use reqwest::Method;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::fleet;
use tests::wait::poll;

use crate::accounts::sessions::set_user_attribute;
use crate::carts;
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;
use crate::world::PATIENCE;

trials! {
    shared:
    every_read_has_a_tag_that_changes_with_its_content,
    a_missing_record_is_no_match,
}

/// What has no tag: streams, and the health of a moment, with times.
const UNTAGGED: [Endpoint; 4] =
    [Endpoint::OpenSocket, Endpoint::StreamEvents, Endpoint::GetHealth, Endpoint::GetReadiness];

/// A tenant with one till and the admin who reads.
struct Reader {
    shop: Shop,
    till: Till,
    admin: Api,
    session: SessionResponse,
    /// Stays open until the end.
    listener: Option<Listener>,
}

impl Reader {
    async fn new(shop: &Shop) -> Reader {
        let shop = shop.other_tenant();
        let login = shop.user("admin", Role::Admin, Some("1")).await;
        let (admin, session) = shop.anonymous().login(&login).await.unwrap();
        let till = shop.till("till-1").await;
        Reader { shop, till, admin, session, listener: None }
    }

    /// The path of `endpoint`, where there is something to read.
    async fn path(&self, endpoint: Endpoint) -> String {
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
    async fn change(&mut self, endpoint: Endpoint) -> bool {
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
}

async fn get_if_changed(api: &Api, path: &str, tags: &str) -> Reply {
    api.send(api.request(Method::GET, path).header("if-none-match", tags)).await.unwrap()
}

async fn every_read_has_a_tag_that_changes_with_its_content(shop: &'static Shop) {
    let reads = ENDPOINTS.iter().filter(|spec| spec.method == "GET").map(|spec| spec.endpoint);
    join_all(reads.map(|endpoint| check(shop, endpoint))).await;
}

async fn check(shop: &Shop, endpoint: Endpoint) {
    if UNTAGGED.contains(&endpoint) {
        return;
    }
    let mut reader = Reader::new(shop).await;
    let path = reader.path(endpoint).await;
    let first = reader.admin.get(&path).await.unwrap();
    assert_eq!(first.status, 200, "{path}: {}", first.body);
    let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag")).to_owned();
    let strong = tag.strip_prefix("W/").unwrap_or(&tag);
    for tags in [tag.clone(), format!("\"other\", {strong}"), format!("W/{strong}"), "*".to_owned()] {
        let known = get_if_changed(&reader.admin, &path, &tags).await;
        assert_eq!((known.status.as_u16(), known.body.as_str()), (304, ""), "{path} with {tags}");
        assert_eq!((known.header("etag"), known.header("content-type")), (Some(&*tag), None), "{path}");
    }
    let other = get_if_changed(&reader.admin, &path, "\"other\", W/\"another\"").await;
    assert_eq!((other.status.as_u16(), other.header("etag")), (200, Some(&*tag)), "{path}");
    if reader.change(endpoint).await {
        let read = async || get_if_changed(&reader.admin, &path, &tag).await;
        let changed = poll(PATIENCE, read, |reply| reply.status == 200).await;
        let changed = changed.unwrap_or_else(|_| panic!("{path} keeps its tag {tag}"));
        assert!(changed.header("etag") != Some(&*tag) && changed.body != first.body, "{path}");
    }
    drop(reader.listener.take());
    reader.shop.close().await;
}

async fn a_missing_record_is_no_match(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_eq!(get_if_changed(&till.api, "/api/data/products/none", "*").await.status, 404);
    assert_eq!(get_if_changed(&till.api.with_token("x"), "/api/sync/stats", "*").await.status, 401);
}
