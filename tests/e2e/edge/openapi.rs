//! `/api/openapi.json`: the description that every other test's answers are held against.

use libtest_mimic::Trial;
use reqwest::Method;
use tests::openapi::check::Checker;

use crate::shop::Shop;

const PATH: &str = "/api/openapi.json";

pub(crate) fn trials() -> Vec<Trial> {
    trials![anybody_gets_the_document_and_may_keep_it, an_answer_that_is_not_described_fails_the_call,]
}

async fn anybody_gets_the_document_and_may_keep_it(shop: &'static Shop) {
    let api = shop.stranger();
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

async fn an_answer_that_is_not_described_fails_the_call(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let reply = till.api.get("/api/auth/me").await.unwrap();
    let checker = Checker::new().unwrap();
    assert!(checker.check("GET", "/api/auth/me", &reply).is_ok());
    // The same answer is none to another question.
    assert!(checker.check("GET", "/api/sync/pull-changes", &reply).is_err());
}
