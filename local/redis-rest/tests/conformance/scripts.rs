//! Scripts and functions.

use crate::world::World;

const FLAGGED: &str = r"#!lua flags=allow-key-locking\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])";
/// The hash of that text.
const FLAGGED_HASH: &str = "b1f91e9d608d67fd1c6a211935913d70e0f9cd29";

pub(crate) async fn key_locking_flag_is_accepted(world: World) {
    let command = format!(r#"["EVAL","{FLAGGED}",1,"n",5]"#);
    assert_eq!(world.command(&command).await, r#"{"result":5}"#);
    let pipeline = world.post("/pipeline", format!("[{command},{command}]")).await;
    assert_eq!(pipeline.text(), r#"[{"result":10},{"result":15}]"#);
    let transaction = world.post("/multi-exec", format!(r#"[{command},["GET","n"]]"#)).await;
    assert_eq!(transaction.text(), r#"[{"result":20},{"result":"20"}]"#);
}

pub(crate) async fn hashes_are_those_of_the_original_text(world: World) {
    let hash = FLAGGED_HASH;
    let by_hash = format!(r#"["EVALSHA","{hash}",1,"n",5]"#);
    assert!(world.command(&by_hash).await.starts_with(r#"{"error":"NOSCRIPT"#));
    let exists = format!(r#"["SCRIPT","EXISTS","{hash}","{}"]"#, "f".repeat(40));
    assert_eq!(world.command(&exists).await, r#"{"result":[0,0]}"#);
    let load = format!(r#"["SCRIPT","LOAD","{FLAGGED}"]"#);
    assert_eq!(world.command(&load).await, format!(r#"{{"result":"{hash}"}}"#));
    assert_eq!(world.command(&exists).await, r#"{"result":[1,0]}"#);
    assert_eq!(world.command(&by_hash).await, r#"{"result":5}"#);
    assert_eq!(world.command(&by_hash.replace(hash, &hash.to_uppercase())).await, r#"{"result":10}"#);
    assert_eq!(world.command(r#"["SCRIPT","FLUSH"]"#).await, r#"{"result":"OK"}"#);
    assert!(world.command(&by_hash).await.starts_with(r#"{"error":"NOSCRIPT"#));
    // EVAL makes the hash known, too; a restart of the engine forgets it.
    world.command(&format!(r#"["EVAL","{FLAGGED}",1,"n",5]"#)).await;
    assert_eq!(world.command(&by_hash).await, r#"{"result":20}"#);
    world.engine.restart().await.unwrap();
    assert!(world.command(&by_hash).await.starts_with(r#"{"error":"NOSCRIPT"#));
}

pub(crate) async fn errors_name_line_and_hash(world: World) {
    let text = r"#!lua flags=allow-key-locking\nlocal a = 1\nreturn a.b.c";
    let error = world.command(&format!(r#"["EVAL","{text}",0]"#)).await;
    assert!(error.contains("user_script:3:"), "{error}");
    let unflagged = world.command(r#"["EVAL","\nlocal a = 1\nreturn a.b.c",0]"#).await;
    // Equal except for the hash, which is that of the original text if the engine names one.
    assert_eq!(without_hash(&error), without_hash(&unflagged));
    if error != without_hash(&error) {
        assert!(error.contains("3ce50415ae8c66a6c0d74b3e898fd5765ef43678"), "{error}");
    }
    let own = world.command(r#"["EVAL","return redis.error_reply('MY own')",0]"#).await;
    assert_eq!(own, r#"{"error":"MY own"}"#);
}

pub(crate) async fn other_flags_reach_the_engine(world: World) {
    let text = r"#!lua flags=allow-key-locking,no-writes\nreturn redis.call('SET',KEYS[1],'1')";
    let response = world.command(&format!(r#"["EVAL","{text}",1,"a"]"#)).await;
    assert!(response.contains("Write commands are not allowed from read-only scripts"), "{response}");
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn functions_reach_the_engine(world: World) {
    let code = r"#!lua name=lib\nredis.register_function('f', function(keys, args) return args[1] end)";
    let response = world.command(&format!(r#"["FUNCTION","LOAD","{code}"]"#)).await;
    assert_eq!(response, r#"{"result":"lib"}"#);
    assert_eq!(world.command(r#"["FCALL","f",0,"x"]"#).await, r#"{"result":"x"}"#);
}

/// An error without the hash of the script, which Valkey leaves out.
pub(crate) fn without_hash(text: &str) -> String {
    let hash = text.split_once("script: ").and_then(|(_, after)| after.split_once(','));
    let is_hash = |hash: &str| hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match hash {
        Some((hash, _)) if is_hash(hash) => text.replace(&format!("{hash},"), ""),
        _ => text.to_owned(),
    }
}
