use super::{data, text};
use crate::stamp::Stamp;
use crate::wire::dead_letters::{DeadLettersResponse, LetterBody, ReplayBody};

fn letter() -> LetterBody {
    LetterBody {
        id: "9.ab.0.1".into(),
        index: 1,
        device_id: "till-1".into(),
        batch_id: Some("b1".into()),
        received_at: Stamp(9).time().to_string(),
        table_name: Some("settings".into()),
        record_id: Some("s1".into()),
        code: "forbidden".into(),
        message: "m".into(),
        record: Some(data(r#"{"table_name":"settings","price":1.10}"#)),
        payload: None,
        bytes: 38,
        sha256: "ab".into(),
        is_cut: false,
    }
}

#[test]
fn a_letter_that_is_kept_whole() {
    assert_eq!(
        text(&letter()),
        r#"{"id":"9.ab.0.1","index":1,"device_id":"till-1","batch_id":"b1","received_at":"1970-01-01T00:00:00.000009Z","table_name":"settings","record_id":"s1","code":"forbidden","message":"m","record":{"table_name":"settings","price":1.10},"bytes":38,"sha256":"ab","is_cut":false}"#
    );
}

#[test]
fn a_letter_of_which_little_is_known() {
    let cut = LetterBody {
        batch_id: None,
        table_name: None,
        record_id: None,
        code: "record_too_large".into(),
        record: None,
        payload: Some(r#"{"data":"xxx"#.into()),
        bytes: 70_000,
        is_cut: true,
        ..letter()
    };
    assert_eq!(
        text(&cut),
        r#"{"id":"9.ab.0.1","index":1,"device_id":"till-1","received_at":"1970-01-01T00:00:00.000009Z","code":"record_too_large","message":"m","record":null,"payload":"{\"data\":\"xxx","bytes":70000,"sha256":"ab","is_cut":true}"#
    );
}

#[test]
fn a_page_and_a_correction() {
    let page =
        DeadLettersResponse { dead_letters: Vec::new(), has_more: false, next_cursor: "d1.9.ab.0.1".into() };
    assert_eq!(text(&page), r#"{"dead_letters":[],"has_more":false,"next_cursor":"d1.9.ab.0.1"}"#);
    assert_eq!(text(&ReplayBody::default()), "{}");
    let corrected = ReplayBody { data: Some(data(r#"{"price":1.10}"#)) };
    assert_eq!(text(&corrected), r#"{"data":{"price":1.10}}"#);
}
