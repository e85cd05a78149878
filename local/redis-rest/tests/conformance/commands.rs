//! Commands and their replies.

use reqwest::Method;

use crate::world::{TOKEN, World, send};

pub(crate) async fn every_sort_of_reply(world: World) {
    for (command, expected) in [
        (r#"["PING"]"#, r#""PONG""#),
        (r#"["ECHO","a\"\\\n\u0001é😀"]"#, r#""a\"\\\n\u0001é😀""#),
        (r#"["GET","none"]"#, "null"),
        (r#"["LPOP","none","2"]"#, "null"),
        (r#"["SMEMBERS","none"]"#, "[]"),
        (r#"["RPUSH","l","a","","c"]"#, "3"),
        (r#"["LRANGE","l","0","-1"]"#, r#"["a","","c"]"#),
        (r#"["HSET","h","f","1"]"#, "1"),
        (r#"["HGETALL","h"]"#, r#"["f","1"]"#),
        (r#"["ZADD","z","1.5","m"]"#, "1"),
        (r#"["ZSCORE","z","m"]"#, r#""1.5""#),
        (r#"["SCAN","0","MATCH","l"]"#, r#"["0",["l"]]"#),
        (r#"["XADD","x","1-1","a","b"]"#, r#""1-1""#),
        (r#"["XREAD","STREAMS","x","0"]"#, r#"[["x",[["1-1",["a","b"]]]]]"#),
        (
            r#"["EVAL","return {1,{2,redis.error_reply('MY error')},false,{}}","0"]"#,
            r#"[1,[2,"MY error"],null,[]]"#,
        ),
    ] {
        assert_eq!(world.command(command).await, format!(r#"{{"result":{expected}}}"#), "{command}");
    }
    let wrong_type = world.command(r#"["INCR","l"]"#).await;
    assert_eq!(
        wrong_type,
        r#"{"error":"WRONGTYPE Operation against a key holding the wrong kind of value"}"#
    );
}

pub(crate) async fn big_integers_are_exact(world: World) {
    assert_eq!(world.command(r#"["SET","n",9007199254740993]"#).await, r#"{"result":"OK"}"#);
    assert_eq!(world.command(r#"["INCR","n"]"#).await, r#"{"result":9007199254740994}"#);
    assert_eq!(
        world.command(r#"["INCRBY","n","9214364837600034813"]"#).await,
        r#"{"result":9223372036854775807}"#
    );
    assert_eq!(world.command(r#"["SET","m","-9223372036854775807"]"#).await, r#"{"result":"OK"}"#);
    assert_eq!(world.command(r#"["DECR","m"]"#).await, r#"{"result":-9223372036854775808}"#);
}

pub(crate) async fn binary_values(world: World) {
    let every: Vec<u8> = (0..=255).collect();
    world.post("/set/bin", every.clone()).await;
    assert_eq!(world.get("/strlen/bin").await.text(), r#"{"result":256}"#);
    let text: serde_json::Value = serde_json::from_str(&world.get("/get/bin").await.text()).unwrap();
    let expected: String =
        every.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect();
    assert_eq!(text["result"], expected);
    assert_eq!(world.get("/set/%ff%00/v").await.status, 200);
    assert_eq!(world.get("/get/%ff%00").await.text(), r#"{"result":"v"}"#);
}

pub(crate) async fn thousands_in_a_pipeline(world: World) {
    const COMMANDS: usize = 10_000;
    let commands: Vec<String> = (0..COMMANDS).map(|n| format!(r#"["SET","k{n}",{n}]"#)).collect();
    let response = world.post("/pipeline", format!("[{}]", commands.join(","))).await;
    assert_eq!(response.text(), format!("[{}]", vec![r#"{"result":"OK"}"#; COMMANDS].join(",")));
    let commands: Vec<String> = (0..COMMANDS).map(|n| format!(r#"["GET","k{n}"]"#)).collect();
    let expected: Vec<String> = (0..COMMANDS).map(|n| format!(r#"{{"result":"{n}"}}"#)).collect();
    let response = world.post("/pipeline", format!("[{}]", commands.join(","))).await;
    assert_eq!(response.text(), format!("[{}]", expected.join(",")));
}

/// Requests and replies that are larger than all buffers in between.
pub(crate) async fn large_pipelines_do_not_deadlock(world: World) {
    let value = "x".repeat(100_000);
    let commands: Vec<String> = (0..15).map(|_| format!(r#"["ECHO","{value}"]"#)).collect();
    let response = world.post("/pipeline", format!("[{}]", commands.join(","))).await;
    assert_eq!(response.text().matches(&value).count(), 15);
    world.command(&format!(r#"["SET","v","{value}"]"#)).await;
    let commands = vec![r#"["GET","v"]"#; 200].join(",");
    assert_eq!(world.post("/pipeline", format!("[{commands}]")).await.text().matches(&value).count(), 200);
}

pub(crate) async fn refused_commands_are_not_forwarded(world: World) {
    world.command(r#"["SET","a","1"]"#).await;
    for command in [
        r#"["MULTI"]"#,
        r#"["SELECT","1"]"#,
        r#"["SUBSCRIBE","a"]"#,
        r#"["CLIENT","REPLY","OFF"]"#,
        r#"["CLIENT","SETNAME","a"]"#,
        r#"["SHUTDOWN","NOSAVE"]"#,
        r#"["DEBUG","SLEEP","5"]"#,
        r#"["REPLICAOF","127.0.0.1","1"]"#,
        r#"["CONFIG","RESETSTAT"]"#,
        r#"["BLPOP","none","0"]"#,
        r#"["XREAD","BLOCK","0","STREAMS","x","$"]"#,
        r#"["QUIT"]"#,
        r#"["AUTH","x"]"#,
        r#"["HELLO","3"]"#,
        r#"["RESET"]"#,
        r#"["MONITOR"]"#,
    ] {
        let response = world.post("/", command).await;
        assert_eq!(response.status, 400, "{command}");
        let text = response.text();
        assert!(text.contains("not allowed in REST") || text.contains("not available"), "{command}: {text}");
        assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"1"}"#, "after {command}");
    }
    assert_eq!(world.command(r#"["CLIENT","SETINFO","LIB-NAME","x"]"#).await, r#"{"result":"OK"}"#);
}

pub(crate) async fn unknown_commands(world: World) {
    let expected = r#"{"error":"ERR Command is not available: 'FOO'. See https://upstash.com/docs/redis/overall/rediscompatibility for details"}"#;
    assert_eq!(world.command(r#"["foo","a"]"#).await, expected);
    assert_eq!(world.post("/pipeline", r#"[["foo"]]"#).await.text(), format!("[{expected}]"));
}

pub(crate) async fn sync_token_changes(world: World) {
    let first = world.get("/ping").await.header("upstash-sync-token").unwrap().to_owned();
    let request = world.request(Method::GET, "/ping").bearer_auth(TOKEN);
    let second = send(request.header("upstash-sync-token", &first)).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.header("upstash-sync-token"), Some(first.as_str()));
}
