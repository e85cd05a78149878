//! Cursors of head office: their sizes, and checkpoints.

use super::*;
use crate::cursor::vector::Positions;
use crate::limits::CURSOR_CHANGES_MAX;
use protocol::limits::{HEAD_OFFICE_BRANCHES_MAX, RECORD_ID_BYTES_MAX};

fn largest() -> Vector {
    let key = key(&"t".repeat(64), &"x".repeat(RECORD_ID_BYTES_MAX));
    let stamp = Timestamp::MAX.0;
    let (noted, skipped) = (Stamp(stamp - 1), Some(Stamp(stamp)));
    let walk = Walk { noted, started: Timestamp(stamp), skipped, after: Some(key) };
    let positions =
        (1..CURSOR_POSITIONS_MAX).map(|i| (tag(&format!("b{i}")), BranchPosition::Position(Stamp(stamp))));
    Vector {
        served: Some(tag("b1")),
        walk: Some((tag("b2"), walk)),
        tail: Some((tag("b3"), Stamp(stamp))),
        checked: Some(tag("b4")),
        positions: positions.collect(),
        others: Others::Beginning,
    }
}

#[test]
fn the_largest_cursors_fit_a_query() {
    let keys = CursorKeys::parse(&crate::tests::cursor_key(&"k".repeat(16), 1)).unwrap();
    let cursors = of_room(&keys);
    let (checkpoint, _) = Checkpoint::new(Positions::new());
    let mut changes = largest();
    while changes.positions.len() >= CURSOR_CHANGES_MAX {
        changes.positions.pop_first();
    }
    changes.others = Others::Checkpoint(checkpoint.id);
    let bytes = changes.to_bytes(TABLES, |walk| keys.seal("h1", "1:2", walk));
    let changes_text = format!("h2.{}.{}", checkpoint.id, BASE64_URL_SAFE_NO_PAD.encode(bytes));
    for (text, vector) in [(text(&keys, &Location::Vector(largest())), largest()), (changes_text, changes)] {
        assert!(text.len() <= CURSOR_BYTES_MAX, "{}", text.len());
        let query = format!("cursor={text}&limit=1000&tables=invoices,products");
        assert!(query.len() <= 4 * 1024, "{}", query.len());
        assert_eq!(cursors.read(&text), Ok(cursor(Location::Vector(vector))));
    }
}

/// A thousand branches at `stamp`.
fn thousand(stamp: u64) -> Vector {
    let position = BranchPosition::Position(Stamp(stamp));
    Vector { positions: (0..1000).map(|i| (tag(&format!("b{i}")), position)).collect(), ..largest() }
}

/// The vector of a cursor.
fn vector_of(keys: &CursorKeys, text: &str) -> Vector {
    match of_room(keys).read(text).unwrap().place {
        Location::Vector(vector) => vector,
        other => panic!("{other:?} is no vector"),
    }
}

#[test]
fn a_cursor_of_a_thousand_branches_names_a_checkpoint_and_what_has_changed_since() {
    let keys = cursor_keys(&["a"]);
    let (cursors, mut vector) = (of_room(&keys), thousand(7));
    let first = cursors.vector(&vector, None, TABLES);
    let stored = first.stores.unwrap();
    assert_eq!(stored.bytes.len(), 13_000);
    let checkpoint = Checkpoint::read(stored.id, &stored.bytes).unwrap();
    let mut text = first.text;
    let mut largest = text.len();
    for i in 0..CURSOR_CHANGES_MAX {
        let mut read = vector_of(&keys, &text);
        assert_eq!(read.others, Others::Checkpoint(checkpoint.id));
        read.resume(Some(&checkpoint));
        assert_eq!(read, vector, "after {i} changes");
        vector.positions.insert(tag(&format!("b{i}")), BranchPosition::Reset);
        let next = cursors.vector(&vector, Some(&checkpoint), TABLES);
        assert_eq!(next, cursors.vector(&vector, Some(&checkpoint), TABLES), "the same page, the same text");
        largest = largest.max(next.text.len());
        // The last change does not fit any more: `checked` takes one place.
        assert_eq!(next.stores.is_some(), i == CURSOR_CHANGES_MAX - 1);
        text = next.text;
    }
    assert!(largest > 3500 && largest <= CURSOR_BYTES_MAX, "{largest}");
}

#[test]
fn a_lost_checkpoint_means_a_snapshot_of_every_branch_that_the_cursor_does_not_name() {
    let keys = cursor_keys(&["a"]);
    let mut vector = thousand(7);
    let stored = of_room(&keys).vector(&vector, None, TABLES).stores.unwrap();
    let checkpoint = Checkpoint::read(stored.id, &stored.bytes).unwrap();
    vector.positions.insert(tag("b5"), BranchPosition::Position(Stamp(9)));
    let text = of_room(&keys).vector(&vector, Some(&checkpoint), TABLES).text;
    let mut lost = vector_of(&keys, &text);
    lost.resume(None);
    lost.settle(["b5", "b6", "new"].into_iter().map(tag));
    let expected = [("b5", BranchPosition::Position(Stamp(9))), ("b6", BranchPosition::Reset)];
    let expected = expected.into_iter().chain([("new", BranchPosition::Reset)]);
    assert_eq!(lost.positions, expected.map(|(branch, position)| (tag(branch), position)).collect());
    // Other tables reset all branches, and need no checkpoint for that.
    let mut reset = vector_of(&keys, &text);
    reset.reset();
    reset.resume(Some(&checkpoint));
    reset.settle(["b5", "b6"].into_iter().map(tag));
    let all = [tag("b2"), tag("b3"), tag("b5"), tag("b6")];
    assert_eq!(reset.positions, all.map(|tag| (tag, BranchPosition::Reset)).into());
    // Bytes of another checkpoint are none.
    assert_eq!(Checkpoint::read(stored.id, &stored.bytes[13..]), None);
    assert_eq!(Checkpoint::read(stored.id, &stored.bytes[1..]), None);
}

#[test]
fn a_checkpoint_holds_as_many_branches_as_head_office_follows() {
    let position = BranchPosition::Position(Stamp(1));
    let of =
        |branches: usize| -> Positions { (0..branches).map(|i| (tag(&format!("b{i}")), position)).collect() };
    let (checkpoint, bytes) = Checkpoint::new(of(HEAD_OFFICE_BRANCHES_MAX));
    assert_eq!(Checkpoint::read(checkpoint.id, &bytes), Some(checkpoint));
    let (checkpoint, bytes) = Checkpoint::new(of(HEAD_OFFICE_BRANCHES_MAX + 1));
    assert_eq!(Checkpoint::read(checkpoint.id, &bytes), None);
}

#[test]
fn texts_with_a_bad_checkpoint_or_a_bad_note_of_the_last_check_are_refused() {
    let keys = cursor_keys(&["a"]);
    let head = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    let checked = |number: [u8; 7]| {
        format!("h1.{}", BASE64_URL_SAFE_NO_PAD.encode([&head[..], &[0xff; 6], &number].concat()))
    };
    let texts = [
        checked([0x01, 0, 0, 0, 0, 0, 0]),
        checked([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        "h2.".into(),
        "h2.AAECAwQFBgcI".into(),
        "h2..AAECAwQFBgcI".into(),
        "h2.AAAAAAAAAAAAAAAAAAAA.AAECAwQFBgcI".into(),
        "h2.AAAAAAAAAAAAAAAAAAAAAB.AAECAwQFBgcI".into(),
        "h2.AAAAAAAAAAAAAAAAAAAAAA.".into(),
        "h2.AAAAAAAAAAAAAAAAAAAAAA.AAECAwQFBgcI=".into(),
    ];
    for text in texts {
        assert_eq!(of_room(&keys).read(&text), Err(CursorError::NotACursor), "{text}");
    }
    assert!(of_room(&keys).read("h2.AAAAAAAAAAAAAAAAAAAAAA.AAECAwQFBgcI").is_ok());
    assert!(of_room(&keys).read(&checked([0; 7])).is_ok());
}
