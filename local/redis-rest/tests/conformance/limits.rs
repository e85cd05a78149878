//! Limits of requests and replies.

use crate::world::{REQUEST_BYTES_MAX, World};

pub(crate) async fn large_requests_are_refused(world: World) {
    let largest = vec![b'x'; REQUEST_BYTES_MAX];
    assert_eq!(world.post("/set/a", largest.clone()).await.text(), r#"{"result":"OK"}"#);
    for path in ["/set/b", "/", "/pipeline"] {
        let body = [largest.as_slice(), b"y"].concat();
        let response = world.post(path, body).await;
        let expected = format!(
            "{{\"error\":\"ERR max request size exceeded. Limit: {REQUEST_BYTES_MAX} bytes, Actual: {} bytes. \
             See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details\"}}",
            REQUEST_BYTES_MAX + 1
        );
        assert_eq!((response.status, response.text()), (400, expected), "{path}");
    }
    assert_eq!(world.command(r#"["EXISTS","a","b"]"#).await, r#"{"result":1}"#);
}

pub(crate) async fn large_replies_are_refused(world: World) {
    let half = vec![b'x'; REQUEST_BYTES_MAX / 2];
    world.post("/set/a", half.clone()).await;
    world.post("/set/b", half).await;
    assert_eq!(world.get("/mget/a/b").await.status, 200);
    world.post("/append/b", "y").await;
    let response = world.get("/mget/a/b").await;
    assert!(
        response.status == 400 && response.text().contains("ERR max request size exceeded"),
        "{response:?}"
    );
    let pipeline = world.post("/pipeline", r#"[["MGET","a","b"],["STRLEN","a"]]"#).await.text();
    assert!(pipeline.starts_with(r#"[{"error":"ERR max request size exceeded"#), "{pipeline}");
    assert!(pipeline.ends_with(&format!(r#"{{"result":{}}}]"#, REQUEST_BYTES_MAX / 2)), "{pipeline}");
}
