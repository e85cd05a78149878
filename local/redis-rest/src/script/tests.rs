//! The flag is removed; the line and the hashes stay.

use super::*;
use crate::request::arguments;

const FLAGGED: &str = "#!lua flags=allow-key-locking\nreturn 1";

fn stripped(text: &str) -> String {
    String::from_utf8(without_key_locking(&Bytes::copy_from_slice(text.as_bytes())).to_vec()).unwrap()
}

#[test]
fn the_flag_is_removed_and_the_line_stays() {
    assert_eq!(stripped(FLAGGED), "\nreturn 1");
    assert_eq!(stripped("#!lua flags=allow-key-locking"), "");
    assert_eq!(stripped("#!lua flags=allow-key-locking\r\nreturn 1"), "\nreturn 1");
    let both = "#!lua flags=no-writes,allow-key-locking,allow-stale\nx";
    assert_eq!(stripped(both), "#!lua flags=no-writes,allow-stale\nx");
    assert_eq!(stripped("#!lua name=a flags=allow-key-locking\nx"), "#!lua name=a\nx");
}

#[test]
fn other_scripts_are_not_changed() {
    let others = [
        "",
        "return 1",
        "#!lua\nreturn 1",
        "#!lua flags=no-writes\nx",
        "return '#!lua flags=allow-key-locking'",
    ];
    for text in others {
        assert_eq!(stripped(text), text);
    }
}

#[test]
fn a_script_is_found_by_the_hash_of_its_original_text() {
    let scripts = Scripts::default();
    let sent = hash(FLAGGED.as_bytes());
    let mut before = arguments(["EVALSHA", &sent, "0"]);
    assert_eq!(scripts.rewrite(&mut before, |text| text), None);
    assert_eq!(before, arguments(["EVALSHA", &sent, "0"]));

    let alias = scripts.rewrite(&mut arguments(["SCRIPT", "load", FLAGGED]), |text| text).unwrap();
    let kept = hash(b"\nreturn 1");
    assert_eq!(alias.restore(Reply::Bulk(kept.clone().into())), Reply::Bulk(sent.clone().into()));

    let mut by_hash = arguments(["evalsha", &sent.to_uppercase(), "0"]);
    let alias = scripts.rewrite(&mut by_hash, |text| text).unwrap();
    assert_eq!(by_hash, arguments(["evalsha", &kept, "0"]));
    let error = alias.restore(Reply::error(format!("ERR script: {kept}, on @user_script:1.")));
    assert_eq!(error, Reply::error(format!("ERR script: {sent}, on @user_script:1.")));

    let mut exists = arguments(["SCRIPT", "EXISTS", &sent, "ff"]);
    scripts.rewrite(&mut exists, |text| text);
    assert_eq!(exists, arguments(["SCRIPT", "EXISTS", &kept, "ff"]));

    scripts.rewrite(&mut arguments(["SCRIPT", "FLUSH"]), |text| text);
    let mut after = arguments(["EVALSHA", &sent, "0"]);
    assert_eq!(scripts.rewrite(&mut after, |text| text), None);
}

#[test]
fn redis_names_scripts_by_sha_1() {
    assert_eq!(hash(b"return 1"), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}
