//! Tokens.

use reqwest::Method;

use crate::world::{READ_ONLY, TOKEN, World, send};

const UNAUTHORIZED: &str = r#"{"error":"WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details."}"#;

pub(crate) async fn every_path_requires_a_token(world: World) {
    for path in [
        "/",
        "/ping",
        "/pipeline",
        "/multi-exec",
        "/subscribe/a",
        "/psubscribe/a",
        "/monitor",
        "/publish/a/b",
    ] {
        for method in [Method::POST, Method::GET] {
            let without = send(world.request(method.clone(), path).body(r#"[["SET","a","1"]]"#)).await;
            assert_eq!((without.status, without.text().as_str()), (401, UNAUTHORIZED), "{path}");
            let wrong = send(world.request(method, path).bearer_auth("full-tokem")).await;
            assert_eq!((wrong.status, wrong.text().as_str()), (401, UNAUTHORIZED), "{path}");
        }
    }
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn query_may_carry_the_token(world: World) {
    let path = format!("/set/foo/bar?_token={TOKEN}&EX=100");
    assert_eq!(send(world.request(Method::GET, &path)).await.text(), r#"{"result":"OK"}"#);
    let path = format!("/ttl/foo?_token={TOKEN}");
    assert_eq!(send(world.request(Method::GET, &path)).await.text(), r#"{"result":100}"#);
    let wrong = world.request(Method::GET, "/ping?_token=wrong").bearer_auth(TOKEN);
    assert_eq!(send(wrong).await.status, 401);
    let bare = world.request(Method::GET, "/ping").header("Authorization", TOKEN);
    assert_eq!(send(bare).await.text(), r#"{"result":"PONG"}"#);
}

async fn reads(world: &World, path: &str, body: &str) -> (u16, String) {
    let request = world.request(Method::POST, path).bearer_auth(READ_ONLY).body(body.to_owned());
    let response = send(request).await;
    (response.status, response.text())
}

fn refused(name: &str) -> String {
    format!(r#"{{"error":"NOPERM this user has no permissions to run the '{name}' command"}}"#)
}

pub(crate) async fn read_only_token_reads(world: World) {
    world.command(r#"["SET","a","1"]"#).await;
    for (body, expected) in [
        (r#"["GET","a"]"#, r#"{"result":"1"}"#),
        (r#"["PING"]"#, r#"{"result":"PONG"}"#),
        (r#"["OBJECT","ENCODING","a"]"#, r#"{"result":"int"}"#),
        (r#"["XRANGE","none","-","+"]"#, r#"{"result":[]}"#),
    ] {
        assert_eq!(reads(&world, "/", body).await, (200, expected.to_owned()), "{body}");
    }
    for command in
        ["set", "del", "incr", "scan", "keys", "flushall", "publish", "eval", "script", "getdel", "getex"]
    {
        let body = format!(r#"["{command}","a","1"]"#);
        assert_eq!(reads(&world, "/", &body).await, (400, refused(command)), "{command}");
    }
    let (status, body) = reads(&world, "/pipeline", r#"[["SET","a","2"],["GET","a"]]"#).await;
    assert_eq!((status, body), (200, format!(r#"[{},{{"result":"1"}}]"#, refused("set"))));
    let (status, body) = reads(&world, "/multi-exec", r#"[["GET","a"],["SET","a","2"]]"#).await;
    assert_eq!((status, body), (400, refused("set")));
    assert_eq!(reads(&world, "/monitor", "").await, (400, refused("monitor")));
    assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"1"}"#);
}

pub(crate) async fn read_only_token_may_run_read_only_scripts(world: World) {
    let read = r#"["EVAL_RO","return redis.call('GET','a')","0"]"#;
    let write = r#"["EVAL_RO","return redis.call('SET','a','1')","0"]"#;
    world.command(r#"["SET","a","x"]"#).await;
    if world.can().read_only_scripts {
        assert_eq!(reads(&world, "/", read).await, (200, r#"{"result":"x"}"#.to_owned()));
        let (status, text) = reads(&world, "/", write).await;
        assert!(status == 400 && text.contains("Write commands are not allowed"), "{text}");
    } else {
        assert_eq!(world.command(write).await, r#"{"result":"OK"}"#, "it now refuses to write");
        world.command(r#"["SET","a","x"]"#).await;
        assert_eq!(reads(&world, "/", read).await, (400, refused("eval_ro")));
    }
    assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"x"}"#);
}
