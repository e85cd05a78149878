//! `ETag` and `If-None-Match`, for every endpoint that is read: a caller that has the content gets 304.

use futures_util::future::join_all;
use protocol::endpoints::{ENDPOINTS, Endpoint};
use reader::Reader;
use reqwest::Method;
use tests::api::{Api, Reply};
use tests::wait::poll;

use crate::shop::Shop;
use crate::world::PATIENCE;

mod reader;

trials! {
    shared:
    every_read_has_a_tag_that_changes_with_its_content,
    a_missing_record_is_no_match,
}

/// What has no tag: streams, and the health of a moment, with times.
const UNTAGGED: [Endpoint; 4] =
    [Endpoint::OpenSocket, Endpoint::StreamEvents, Endpoint::GetHealth, Endpoint::GetReadiness];

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
    reader.close().await;
}

async fn a_missing_record_is_no_match(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_eq!(get_if_changed(&till.api, "/api/data/products/none", "*").await.status, 404);
    assert_eq!(get_if_changed(&till.api.with_token("x"), "/api/sync/stats", "*").await.status, 401);
}
