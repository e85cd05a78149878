//! The formats of requests and responses.

use reqwest::Method;

use crate::world::{TOKEN, World, send};

pub(crate) async fn body_is_a_command(world: World) {
    let response = world.post("/", r#"["SET", "foo", "bär", "EX", 100]"#).await;
    assert_eq!((response.status, response.text().as_str()), (200, r#"{"result":"OK"}"#));
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(world.command(r#"["get","foo"]"#).await, r#"{"result":"bär"}"#);
    assert_eq!(world.command(r#"["TTL","foo"]"#).await, r#"{"result":100}"#);
    assert_eq!(world.command(r#"["SET","n",true]"#).await, r#"{"result":"OK"}"#);
    assert_eq!(world.command(r#"["GET","n"]"#).await, r#"{"result":"true"}"#);
    let put = send(world.request(Method::PUT, "/").bearer_auth(TOKEN).body(r#"["GET","n"]"#)).await;
    assert_eq!(put.text(), r#"{"result":"true"}"#);
}

pub(crate) async fn path_is_a_command(world: World) {
    assert_eq!(world.get("/set/a%20b%2Fc/x%2By").await.text(), r#"{"result":"OK"}"#);
    assert_eq!(world.get("/get/a%20b%2Fc").await.text(), r#"{"result":"x+y"}"#);
    assert_eq!(world.get("/set/foo/bar?EX=50&NX").await.text(), r#"{"result":"OK"}"#);
    assert_eq!(world.get("/ttl/foo").await.text(), r#"{"result":50}"#);
    assert_eq!(world.get("/set/foo/bar?NX").await.text(), r#"{"result":null}"#);
    let error = world.get("/get/a/b").await;
    let expected = r#"{"error":"ERR wrong number of arguments for 'get' command"}"#;
    assert_eq!((error.status, error.text().as_str()), (400, expected));
}

pub(crate) async fn body_is_the_last_argument(world: World) {
    let binary = vec![0, 255, 13, 10, 0x22];
    for method in [Method::POST, Method::PUT] {
        let request = world.request(method, "/set/bin?EX=100").bearer_auth(TOKEN).body(binary.clone());
        assert_eq!(send(request).await.text(), r#"{"result":"OK"}"#);
        assert_eq!(world.get("/strlen/bin").await.text(), r#"{"result":5}"#);
        assert_eq!(world.get("/getdel/bin?_token=full-token").await.status, 200);
    }
    assert_eq!(world.post("/set/json", r#"{"a":[1]}"#).await.status, 200);
    assert_eq!(world.get("/get/json").await.text(), r#"{"result":"{\"a\":[1]}"}"#);
}

pub(crate) async fn head_has_no_body(world: World) {
    let head = send(world.request(Method::HEAD, "/set/foo/bar").bearer_auth(TOKEN)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(world.get("/get/foo").await.text(), r#"{"result":"bar"}"#);
    for method in [Method::DELETE, Method::PATCH] {
        let response = send(world.request(method, "/get/foo").bearer_auth(TOKEN)).await;
        assert_eq!((response.status, response.body.len()), (405, 0));
    }
}

pub(crate) async fn pipeline_responds_to_each_command(world: World) {
    let commands =
        r#"[["SET","a","x"],["SETEX","b",13,"z"],["INCR","a"],["ZADD","s",11,"m",22,"n"],["BLPOP","l",0]]"#;
    let response = world.post("/pipeline", commands).await;
    let expected = "[{\"result\":\"OK\"},{\"result\":\"OK\"},\
                    {\"error\":\"ERR value is not an int or out of range\"},{\"result\":2},\
                    {\"error\":\"ERR Command \\\"BLPOP\\\" is not allowed in REST or it has a special context path\"}]";
    assert_eq!((response.status, response.text().as_str()), (200, expected));
}

pub(crate) async fn base64_is_exact(world: World) {
    let base64 = |path: &str, body: Vec<u8>| {
        let request = world.request(Method::POST, path).bearer_auth(TOKEN).body(body);
        send(request.header("Upstash-Encoding", "base64"))
    };
    assert_eq!(base64("/set/foo", vec![255, 0]).await.text(), r#"{"result":"OK"}"#);
    assert_eq!(base64("/get/foo", vec![]).await.text(), r#"{"result":"/wA="}"#);
    assert_eq!(base64("/mget/foo/none", vec![]).await.text(), r#"{"result":["/wA=",null]}"#);
    assert_eq!(base64("/ping", vec![]).await.text(), r#"{"result":"UE9ORw=="}"#);
    let pipeline = br#"[["SET","a","OK"],["GET","a"],["STRLEN","a"],["GET"]]"#.to_vec();
    let error = r#"{"error":"ERR wrong number of arguments for 'get' command"}"#;
    let expected = format!(r#"[{{"result":"OK"}},{{"result":"T0s="}},{{"result":2}},{error}]"#);
    assert_eq!(base64("/pipeline", pipeline).await.text(), expected);
    let transaction = br#"[["GET","a"]]"#.to_vec();
    assert_eq!(base64("/multi-exec", transaction).await.text(), r#"[{"result":"T0s="}]"#);
    assert_eq!(world.get("/get/foo").await.text(), "{\"result\":\"\u{fffd}\\u0000\"}");
}

pub(crate) async fn resp2_is_raw(world: World) {
    let raw = |path: &str, body: &'static str| {
        let request = world.request(Method::POST, path).bearer_auth(TOKEN).body(body);
        send(request.header("Upstash-Response-Format", "resp2"))
    };
    let response = raw("/", r#"["SET","foo","bar"]"#).await;
    assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    assert_eq!(response.text(), "+OK\r\n");
    assert_eq!(raw("/mget/foo/none", "").await.text(), "*2\r\n$3\r\nbar\r\n$-1\r\n");
    let error = raw("/get", "").await;
    let expected = "-ERR wrong number of arguments for 'get' command\r\n";
    assert_eq!((error.status, error.text().as_str()), (400, expected));
    assert_eq!(raw("/pipeline", r#"[["GET","foo"],["STRLEN","foo"]]"#).await.text(), "$3\r\nbar\r\n:3\r\n");
    assert_eq!(raw("/multi-exec", r#"[["GET","foo"]]"#).await.text(), r#"[{"result":"bar"}]"#);
}

pub(crate) async fn wrong_formats_are_refused(world: World) {
    let status = async |headers: &[(&str, &str)]| {
        let mut request = world.request(Method::GET, "/ping").bearer_auth(TOKEN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await.status
    };
    assert_eq!(status(&[("Upstash-Response-Format", "json")]).await, 200);
    assert_eq!(status(&[("Upstash-Response-Format", "resp3")]).await, 400);
    assert_eq!(status(&[("Upstash-Encoding", "hex")]).await, 400);
    let both = [("Upstash-Response-Format", "resp2"), ("Upstash-Encoding", "base64")];
    assert_eq!(status(&both).await, 400);
}

pub(crate) async fn wrong_bodies_are_refused(world: World) {
    for (path, body, expected) in [
        ("/", "", r#"{"error":"EOF"}"#),
        ("/pipeline", "", r#"{"error":"EOF"}"#),
        ("/", "{}", r#"{"error":"expected JSON array"}"#),
        ("/pipeline", r#"["GET","a"]"#, r#"{"error":"expected JSON array"}"#),
        ("/", "[]", r#"{"error":"ERR empty command"}"#),
        ("/", r#"["SET","a",null]"#, r#"{"error":"ERR null args are not supported"}"#),
        ("/", r#"[["GET","a"]]"#, r#"{"error":"ERR unsupported arg type: \"[\": json.Delim"}"#),
        ("/multi-exec", r#"[["SET","a",{}]]"#, r#"{"error":"ERR unsupported arg type: \"{\": json.Delim"}"#),
    ] {
        let response = world.post(path, body).await;
        assert_eq!((response.status, response.text().as_str()), (400, expected), "{path} {body}");
    }
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn browsers_may_read_responses(world: World) {
    let origin = "https://shop.example";
    let preflight = world.request(Method::OPTIONS, "/").header("Origin", origin);
    let response = send(preflight.header("Access-Control-Request-Headers", "authorization")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    assert_eq!(response.header("access-control-allow-headers"), Some("authorization"));
    let response =
        send(world.request(Method::GET, "/ping").bearer_auth(TOKEN).header("Origin", origin)).await;
    assert_eq!(response.header("access-control-allow-origin"), Some(origin));
}
