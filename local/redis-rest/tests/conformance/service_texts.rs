//! Error texts that are the service's and not the engine's, and commands that only one of them has.

use crate::world::{READ_ONLY, World, send};

pub(crate) async fn numbers_have_the_services_text(world: World) {
    // Upstash, REST API, "Pipelining" and "Transactions".
    let commands = r#"[["SET","a","x"],["INCR","a"],["GET","a"]]"#;
    let error = r#"{"error":"ERR value is not an int or out of range"}"#;
    for path in ["/pipeline", "/multi-exec"] {
        let expected = format!(r#"[{{"result":"OK"}},{error},{{"result":"x"}}]"#);
        assert_eq!(world.post(path, commands).await.text(), expected, "{path}");
    }
    let script = world.command(r#"["EVAL","return redis.call('INCR',KEYS[1])",1,"a"]"#).await;
    assert!(script.starts_with(r#"{"error":"ERR value is not an int or out of range script: "#), "{script}");
}

pub(crate) async fn missing_scripts_have_the_services_text(world: World) {
    let expected = r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#;
    for name in ["EVALSHA", "EVALSHA_RO"] {
        let command = format!(r#"["{name}","{}",0]"#, "f".repeat(40));
        assert_eq!(world.command(&command).await, expected, "{name}");
    }
}

/// No engine of these tests has Search, and neither has JSON without a module.
pub(crate) async fn commands_that_the_engine_lacks_name_it(world: World) {
    let engine = world.command(r#"["INFO","server"]"#).await;
    let kind = if engine.contains("valkey_version") { "Valkey " } else { "Redis " };
    for name in ["SEARCH.QUERY", "SEARCH.CREATE"] {
        let response = world.command(&format!(r#"["{name}","a"]"#)).await;
        let start = format!(r#"{{"error":"ERR '{name}' is not available: the service has it, {kind}"#);
        assert!(response.starts_with(&start) && response.ends_with(" does not\"}"), "{response}");
    }
    let transaction = world.post("/multi-exec", r#"[["SET","a","1"],["SEARCH.QUERY","a"]]"#).await;
    assert_eq!(transaction.status, 400);
    assert!(transaction.text().contains(&format!("the service has it, {kind}")), "{}", transaction.text());
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn commands_that_the_server_lacks_say_so(world: World) {
    for command in [r#"["ACL","WHOAMI"]"#, r#"["ACL","SETUSER","a","on"]"#, r#"["WAITAOF",0,0,0]"#] {
        let response = world.command(command).await;
        assert!(response.contains("the service has it, this local server does not"), "{response}");
    }
}

pub(crate) async fn keyspace_events_are_configured(world: World) {
    let get = async |pattern| world.command(&format!(r#"["CONFIG","GET","{pattern}"]"#)).await;
    assert_eq!(get("*").await, r#"{"result":["notify-keyspace-events",""]}"#);
    assert_eq!(get("maxmemory").await, r#"{"result":[]}"#);
    let set = r#"["CONFIG","SET","notify-keyspace-events","KEA"]"#;
    assert_eq!(world.command(set).await, r#"{"result":"OK"}"#);
    assert_eq!(get("notify-*").await, r#"{"result":["notify-keyspace-events","AKE"]}"#);
    let other = world.command(r#"["CONFIG","SET","maxmemory","1"]"#).await;
    assert!(other.starts_with(r#"{"error":"ERR Unknown option"#), "{other}");
    assert_eq!(world.post("/multi-exec", r#"[["CONFIG","GET","*"]]"#).await.text().matches("AKE").count(), 1);
    let reads = world.request(reqwest::Method::POST, "/").bearer_auth(READ_ONLY).body(set);
    assert!(send(reads).await.text().contains("NOPERM"));
}

pub(crate) async fn wait_does_not_wait(world: World) {
    assert_eq!(world.command(r#"["WAIT",1,0]"#).await, r#"{"result":0}"#);
    assert_eq!(
        world.command(r#"["WAIT","x",0]"#).await,
        r#"{"error":"ERR value is not an int or out of range"}"#
    );
    let arity = r#"{"error":"ERR wrong number of arguments for 'wait' command"}"#;
    assert_eq!(world.command(r#"["WAIT",1]"#).await, arity);
}

/// Options are found by their places: names may be the same words.
pub(crate) async fn a_consumer_group_may_be_called_block(world: World) {
    for group in ["block", "count", "streams"] {
        world.command(&format!(r#"["XGROUP","CREATE","s","{group}","0","MKSTREAM"]"#)).await;
        let read = format!(r#"["XREADGROUP","GROUP","{group}","BLOCK","COUNT",1,"STREAMS","s",">"]"#);
        assert_eq!(world.command(&read).await, r#"{"result":null}"#, "{group}");
        let blocks = read.replace(r#""COUNT",1"#, r#""BLOCK",0"#);
        assert!(world.command(&blocks).await.contains("not allowed in REST"), "{group}");
    }
    assert_eq!(world.command(r#"["XREAD","STREAMS","block","0"]"#).await, r#"{"result":null}"#);
}
