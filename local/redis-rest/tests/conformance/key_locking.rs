//! Scripts and functions with the flag `allow-key-locking` (Upstash, feature page "Key-Based Locking").

use crate::scripts::without_hash;
use crate::world::World;

/// The service's text, with the key.
fn dynamic(key: &str) -> String {
    format!(
        "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: {key}"
    )
}

/// EVAL of a script with the flag; its only argument is `x`.
fn flagged(body: &str, keys: &[&str]) -> String {
    let list = keys.iter().map(|key| format!(r#""{key}","#)).collect::<String>();
    format!(r##"["EVAL","#!lua flags=allow-key-locking\n{body}",{},{list}"x"]"##, keys.len())
}

async fn exists(world: &World, key: &str) -> bool {
    world.command(&format!(r#"["EXISTS","{key}"]"#)).await == r#"{"result":1}"#
}

pub(crate) async fn undeclared_keys_are_refused(world: World) {
    for (body, keys, key) in [
        ("return redis.call('GET', 'a')", vec![], "a"),
        ("redis.call('SET', KEYS[1] .. ARGV[1], '1')", vec!["a"], "ax"),
        ("redis.call('MSET', KEYS[1], '1', 'b', '2')", vec!["a"], "b"),
        ("redis.call('RENAME', KEYS[1], 'b')", vec!["a"], "b"),
        ("redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[2], 'c')", vec!["a", "b"], "c"),
        ("redis.call('XADD', 'x', '*', 'a', 'b')", vec!["a"], "x"),
        ("KEYS[2] = 'b' redis.call('SET', KEYS[2], '1')", vec!["a"], "b"),
    ] {
        let command = flagged(body, &keys);
        let response = world.post("/", command.clone()).await;
        assert_eq!(response.status, 400, "{command}");
        assert!(response.text().contains(&dynamic(key)), "{command}: {}", response.text());
    }
    for key in ["a", "b", "c", "ax", "x"] {
        assert!(!exists(&world, key).await, "{key}");
    }
}

pub(crate) async fn declared_keys_may_be_computed(world: World) {
    let body = "redis.call('SET', 'a' .. 'b', '1') return redis.call('GET', KEYS[1])";
    assert_eq!(world.command(&flagged(body, &["ab"])).await, r#"{"result":"1"}"#);
    let keyless = "redis.call('PING') redis.call('PUBLISH', 'chat', 'x') return type(redis.call('TIME')[1])";
    assert_eq!(world.command(&flagged(keyless, &[])).await, r#"{"result":"string"}"#);
    let members = "return redis.sha1hex('') .. tostring(redis.status_reply('x').ok)";
    let expected = r#"{"result":"da39a3ee5e6b4b0d3255bfef95601890afd80709x"}"#;
    assert_eq!(world.command(&flagged(members, &[])).await, expected);
    // Without the flag every key is permitted.
    assert_eq!(world.command(r#"["EVAL","return redis.call('GET','ab')",0]"#).await, r#"{"result":"1"}"#);
}

pub(crate) async fn database_wide_writes_are_refused(world: World) {
    world.command(r#"["SET","a","1"]"#).await;
    for name in ["FLUSHDB", "flushall"] {
        let response = world.command(&flagged(&format!("return redis.call('{name}')"), &["a"])).await;
        let expected = format!(
            "ERR Command '{}' is not allowed in Lua scripts when 'allow-key-locking' flag is set",
            name.to_lowercase()
        );
        assert!(response.contains(&expected), "{response}");
    }
    assert!(exists(&world, "a").await);
    assert_eq!(world.command(&flagged("return redis.call('DBSIZE')", &[])).await, r#"{"result":1}"#);
    assert_eq!(world.command(r#"["EVAL","return redis.call('FLUSHDB')",0]"#).await, r#"{"result":"OK"}"#);
}

/// Scripts see the engine's own errors, where they would be without the flag.
pub(crate) async fn errors_are_those_of_the_script_without_the_flag(world: World) {
    world.command(r#"["SET","a","x"]"#).await;
    for body in [
        "redis.call('INCR', KEYS[1])",
        r"local x = 1\n\nreturn redis.call('LPUSH', KEYS[1], 'y')",
        r"local call = redis.call\nlocal reply = call('INCR', KEYS[1])\nreturn reply",
        "redis.call('GET')",
        "redis.call()",
        "redis.call('NOPE', 'x')",
        "redis.call('GET', {})",
        r"\nlocal x = nothing.here",
        r"error('own')",
        r"local _, e = pcall(redis.call, 'INCR', KEYS[1]) return e.err",
        r"return redis.pcall('INCR', KEYS[1])",
        r"return redis.pcall('INCR', KEYS[1]).err",
        "this is no Lua",
    ] {
        let plain = world.command(&format!(r#"["EVAL","\n{body}",1,"a"]"#)).await;
        let guarded = world.command(&flagged(body, &["a"])).await;
        assert_eq!(without_hash(&guarded), without_hash(&plain), "{body}");
    }
    let caught = "return redis.pcall('GET', 'b').err";
    assert_eq!(world.command(&flagged(caught, &["a"])).await, format!(r#"{{"result":"{}"}}"#, dynamic("b")));
}

pub(crate) async fn read_only_scripts_are_held_to_it(world: World) {
    world.command(r#"["SET","a","1"]"#).await;
    let header = r"#!lua flags=no-writes,allow-key-locking";
    for name in ["EVAL", "EVAL_RO"] {
        let command = |key| format!(r#"["{name}","{header}\nreturn redis.call('GET', '{key}')",1,"a"]"#);
        assert_eq!(world.command(&command("a")).await, r#"{"result":"1"}"#);
        assert!(world.command(&command("b")).await.contains(&dynamic("b")), "{name}");
    }
    let write = format!(r#"["EVAL","{header}\nreturn redis.call('SET', KEYS[1], '2')",1,"a"]"#);
    assert!(world.command(&write).await.contains("Write commands are not allowed"));
}

const LIBRARY: &str = r"#!lua name=lib
local function read(keys, args) return redis.call('GET', args[1]) end
redis.register_function{function_name='held', callback=read, flags={'no-writes', 'allow-key-locking'}}
redis.register_function{function_name='locked', callback=function(keys, args)
  return redis.call(unpack(args)) end, flags={'allow-key-locking'}}
redis.register_function{function_name='free', callback=read, flags={'no-writes'}}
redis.register_function('short', read)";

/// `["FUNCTION",…]` or `["FCALL",…]`, with words in JSON.
fn command(words: &[&str]) -> String {
    serde_json::to_string(words).unwrap()
}

pub(crate) async fn functions_are_held_to_it_each_by_its_flag(world: World) {
    assert_eq!(world.command(&command(&["FUNCTION", "LOAD", LIBRARY])).await, r#"{"result":"lib"}"#);
    world.command(r#"["SET","a","1"]"#).await;
    for name in ["held", "locked", "free", "short"] {
        let arguments: &[&str] = if name == "locked" { &["GET", "a"] } else { &["a"] };
        let declared = [&["FCALL", name, "1", "a"], arguments].concat();
        assert_eq!(world.command(&command(&declared)).await, r#"{"result":"1"}"#, "{name}");
        let undeclared = [&["FCALL", name, "0"], arguments].concat();
        let response = world.command(&command(&undeclared)).await;
        if ["held", "locked"].contains(&name) {
            assert!(response.contains(&dynamic("a")), "{name}: {response}");
        } else {
            assert_eq!(response, r#"{"result":"1"}"#, "{name}");
        }
    }
    let flush = world.command(r#"["FCALL","locked","0","FLUSHALL"]"#).await;
    assert!(flush.contains("Command 'flushall' is not allowed"), "{flush}");
    let read_only = world.command(r#"["FCALL_RO","held","0","b"]"#).await;
    assert!(read_only.contains(&dynamic("b")), "{read_only}");
    let list: serde_json::Value =
        serde_json::from_str(&world.command(r#"["FUNCTION","LIST","WITHCODE"]"#).await).unwrap();
    assert!(list.to_string().contains(&serde_json::to_string(LIBRARY).unwrap()), "the code as it was loaded");
}

pub(crate) async fn functions_keep_their_line_numbers(world: World) {
    let code = LIBRARY.replace("return redis.call('GET', args[1])", "\n\nlocal x = nil .. 'x'");
    world.command(&command(&["FUNCTION", "LOAD", "REPLACE", &code])).await;
    let error = world.command(r#"["FCALL","held","1","a","a"]"#).await;
    assert!(error.contains("user_function:4:"), "{error}");
    world.command(r#"["SET","a","x"]"#).await;
    let code = LIBRARY.replace("return redis.call('GET', args[1])", "\n\nredis.call('INCR', keys[1])");
    world.command(&command(&["FUNCTION", "LOAD", "REPLACE", &code.replace("'no-writes', ", "")])).await;
    let error = world.command(r#"["FCALL","held","1","a","a"]"#).await;
    assert!(error.contains("ERR value is not an int") && error.contains("on @user_function:4."), "{error}");
    let broken = world.command(&command(&["FUNCTION", "LOAD", &code.replace("held", "held ")])).await;
    assert!(broken.contains("ERR"), "{broken}");
}
