//! Scripts are found by the hashes that clients know.

use super::*;
use crate::request::arguments;

const FLAGGED: &str = "#!lua flags=allow-key-locking\nreturn 1";

fn alias(view: View) -> Alias {
    match view {
        View::Script(alias) => alias,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_is_found_by_the_hash_of_its_original_text() {
    let scripts = Scripts::default();
    let sent = hash(FLAGGED.as_bytes());
    let mut before = arguments(["EVALSHA", &sent, "0"]);
    assert_eq!(scripts.rewrite(&mut before), View::AsIs);
    assert_eq!(before, arguments(["EVALSHA", &sent, "0"]));

    let loaded = alias(scripts.rewrite(&mut arguments(["SCRIPT", "load", FLAGGED])));
    let kept = hash(&guard::script(&Bytes::from_static(FLAGGED.as_bytes())).unwrap());
    assert_eq!(loaded.restore(Reply::Bulk(kept.clone().into())), Reply::Bulk(sent.clone().into()));

    let mut by_hash = arguments(["evalsha", &sent.to_uppercase(), "0"]);
    let named = alias(scripts.rewrite(&mut by_hash));
    assert_eq!(by_hash, arguments(["evalsha", &kept, "0"]));
    let error = named.restore(Reply::error(format!("ERR script: {kept}, on @user_script:1.")));
    assert_eq!(error, Reply::error(format!("ERR script: {sent}, on @user_script:1.")));

    let mut exists = arguments(["SCRIPT", "EXISTS", &sent, "ff"]);
    scripts.rewrite(&mut exists);
    assert_eq!(exists, arguments(["SCRIPT", "EXISTS", &kept, "ff"]));

    scripts.rewrite(&mut arguments(["SCRIPT", "FLUSH"]));
    let mut after = arguments(["EVALSHA", &sent, "0"]);
    assert_eq!(scripts.rewrite(&mut after), View::AsIs);
}

#[test]
fn redis_names_scripts_by_sha_1() {
    assert_eq!(hash(b"return 1"), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}
