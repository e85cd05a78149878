//! Tokens.

use redis_rest::server::{Server, ServerOptions};
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
    format!(
        r#"{{"error":"NOPERM this user has no permissions to run the '{name}' command or its subcommand"}}"#
    )
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
    world.command(r#"["SET","a","x"]"#).await;
    let read = "return redis.call('GET','a')";
    let hash = world.command(&format!(r#"["SCRIPT","LOAD","{read}"]"#)).await.replace(r#"{"result":"#, "");
    let code = "#!lua name=lib\\nredis.register_function{function_name='f', callback=function() return \
                redis.call('GET','a') end, flags={'no-writes'}}";
    world.command(&format!(r#"["FUNCTION","LOAD","{code}"]"#)).await;
    let commands = [
        format!(r#"["EVAL_RO","{read}","0"]"#),
        format!(r#"["EVALSHA_RO",{},"0"]"#, hash.trim_end_matches('}')),
        r#"["FCALL_RO","f","0"]"#.to_owned(),
    ];
    for command in &commands {
        assert_eq!(reads(&world, "/", command).await, (200, r#"{"result":"x"}"#.to_owned()), "{command}");
    }
    let all = commands.join(",");
    let expected = format!("[{}]", [r#"{"result":"x"}"#; 4].join(","));
    for path in ["/pipeline", "/multi-exec"] {
        let body = format!(r#"[{all},["GET","a"]]"#);
        assert_eq!(reads(&world, path, &body).await, (200, expected.clone()), "{path}");
    }
    // A restart of the engine forgets the token's user, and needs no restart of the server.
    world.engine.restart().await.unwrap();
    assert_eq!(reads(&world, "/", r#"["EVAL_RO","return 1","0"]"#).await, (200, r#"{"result":1}"#.into()));
}

/// What the token may not do directly, it may not do from a script or a function.
pub(crate) async fn scripts_are_no_way_around_the_read_only_token(world: World) {
    world.command(r#"["SET","a","x"]"#).await;
    let code = "#!lua name=lib\\nredis.register_function{function_name='f', callback=function(keys, args) \
                return redis.call(unpack(args)) end, flags={'no-writes'}}";
    world.command(&format!(r#"["FUNCTION","LOAD","{code}"]"#)).await;
    for (name, rest) in [
        ("keys", "'*'"),
        ("scan", "'0'"),
        ("publish", "'chat','x'"),
        ("set", "'a','2'"),
        ("flushall", "'ASYNC'"),
        ("config", "'GET','*'"),
    ] {
        // Not every engine names the command.
        let named = refused(name).trim_end_matches("\"}").to_owned();
        let refusals = [named.clone(), named.replace(&format!("the '{name}'"), "this")];
        let script = format!(r#"["EVAL_RO","return redis.call('{name}',{rest})","0"]"#);
        let function = format!(r#"["FCALL_RO","f","0","{name}",{}]"#, rest.replace('\'', "\""));
        for command in [script, function] {
            let (status, text) = reads(&world, "/", &command).await;
            assert!(status == 400, "{command}: {text}");
            let is_refused = refusals.iter().any(|refusal| text.starts_with(refusal));
            assert!(is_refused || text.contains("not allowed from script"), "{command}: {text}");
        }
    }
    assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"x"}"#);
    // The other token may.
    let keys = r#"["EVAL_RO","return redis.call('KEYS','*')","0"]"#;
    assert_eq!(world.command(keys).await, r#"{"result":["a"]}"#);
}

pub(crate) async fn equal_tokens_are_refused(world: World) {
    let options = ServerOptions {
        read_only_token: Some("t".to_owned()),
        ..ServerOptions::new(world.engine.url(), "t")
    };
    let error = Server::start(options).await.err().unwrap();
    assert!(error.to_string().contains("must differ"), "{error}");
}
