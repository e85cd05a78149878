//! `/api/openapi.json`: the document that the replies of all other tests are checked against.

use reqwest::Method;
use tests::openapi::check::Checker;

use crate::shop::Shop;

const PATH: &str = "/api/openapi.json";

trials! {
    shared:
    the_document_is_public_and_cacheable,
    an_undescribed_reply_fails_the_call,
}

async fn the_document_is_public_and_cacheable(shop: &'static Shop) {
    let api = shop.anonymous();
    let reply = api.get(PATH).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.body, tests::openapi::text().unwrap());
    assert_eq!(reply.header("cache-control"), Some("public, max-age=3600"));
    let etag = reply.header("etag").unwrap();
    for (known, status) in [(etag.to_owned(), 304), (format!("\"x\", W/{etag}"), 304), ("\"x\"".into(), 200)]
    {
        let request = api.request(Method::GET, PATH).header("if-none-match", known);
        let again = api.send(request).await.unwrap();
        assert_eq!((again.status.as_u16(), again.header("etag")), (status, Some(etag)));
    }
    let elsewhere = api.get("/healthz").await.unwrap();
    assert_eq!(elsewhere.header("cache-control"), Some("no-store"));
}

async fn an_undescribed_reply_fails_the_call(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let reply = till.api.get("/api/auth/me").await.unwrap();
    let checker = Checker::new().unwrap();
    assert!(checker.check("GET", "/api/auth/me", &reply).is_ok());
    // The reply does not fit another operation.
    assert!(checker.check("GET", "/api/sync/pull-changes", &reply).is_err());
}
