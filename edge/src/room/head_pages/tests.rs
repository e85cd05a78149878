use super::*;
use crate::room::page_call::PAGE_BYTES_MAX;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
const BOUND: Duration = Duration::from_secs(15);

fn lookup(pull: &str) -> Lookup {
    Lookup { pull: pull.into(), reader: "cashier".into(), min: Stamp::ZERO, bound: BOUND }
}

fn look<'a>(pages: &'a mut HeadPages, pull: &str, now: Timestamp) -> Result<&'a str, Unanswered> {
    pages.look(&lookup(pull), true, now)
}

/// Has a function answer what the room did not, at `head`.
fn answer(pages: &mut HeadPages, pull: &str, head: u64, now: Timestamp) {
    let asked = look(pages, pull, now).unwrap_err();
    pages.keep(asked.answered(lookup(pull), "d1", Some((Stamp(head), format!("{pull}@{head}").as_bytes()))));
}

#[test]
fn a_page_is_given_out_while_the_head_is_confirmed() {
    let mut pages = HeadPages::new(NOW);
    let unknown = look(&mut pages, "a", NOW).unwrap_err();
    assert_eq!((unknown.head, unknown.digest), (None, None));
    answer(&mut pages, "a", 5, NOW);
    let end = NOW.plus_secs(15);
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(13)), Ok("a@5"));
    // One caller is sent to renew the confirmation.
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(14)).unwrap_err().head, Some(Stamp(5)));
    assert_eq!(look(&mut pages, "a", end), Ok("a@5"));
    assert!(look(&mut pages, "a", Timestamp(end.0 + 1)).is_err());
    let other = look(&mut pages, "b", end).unwrap_err();
    assert_eq!((other.head, other.digest.as_deref()), (Some(Stamp(5)), Some("d1")));
    // Another answer confirms the head for all pages.
    answer(&mut pages, "b", 5, NOW.plus_secs(10));
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(23)), Ok("a@5"));
    // Each lookup has its own bound, and none is answered while a write is under way.
    let strict = Lookup { bound: Duration::from_secs(1), ..lookup("a") };
    assert!(pages.look(&strict, true, NOW.plus_secs(12)).is_err());
    assert_eq!(pages.look(&lookup("a"), false, NOW.plus_secs(10)).unwrap_err().head, None);
}

#[test]
fn min_is_never_answered_by_an_older_page() {
    let mut pages = HeadPages::new(NOW);
    answer(&mut pages, "a", 5, NOW);
    for (min, answered) in [(4, true), (5, true), (6, false)] {
        let page = pages.look(&Lookup { min: Stamp(min), ..lookup("a") }, true, NOW);
        assert_eq!(page.is_ok(), answered, "{min}");
    }
}

#[test]
fn a_commit_ends_all_pages_and_confirms_the_head_if_it_had_its_turn() {
    let mut pages = HeadPages::new(NOW);
    answer(&mut pages, "a", 5, NOW);
    pages.committed(Stamp(9), Some(NOW));
    assert_eq!(look(&mut pages, "a", NOW).unwrap_err().head, Some(Stamp(9)));
    answer(&mut pages, "a", 9, NOW);
    // The same commit by the sure path, and an earlier one that was late.
    pages.committed(Stamp(9), None);
    pages.committed(Stamp(7), None);
    assert_eq!(look(&mut pages, "a", NOW), Ok("a@9"));
    pages.committed(Stamp(12), None);
    assert_eq!(look(&mut pages, "a", NOW).unwrap_err().head, None);
}

#[test]
fn an_answer_from_before_a_commit_is_not_kept() {
    let mut pages = HeadPages::new(NOW);
    let asked = look(&mut pages, "a", NOW).unwrap_err();
    let late = asked.answered(lookup("a"), "d1", Some((Stamp(5), b"a@5".as_slice())));
    // Made, and then published.
    pages.doubt();
    pages.keep(late.clone());
    assert!(look(&mut pages, "a", NOW).is_err());
    pages.committed(Stamp(9), Some(NOW));
    pages.keep(late);
    let head = look(&mut pages, "a", NOW).unwrap_err().head;
    assert_eq!(head, Some(Stamp(9)));
}

#[test]
fn an_answer_from_before_memory_was_lost_is_not_kept() {
    let mut before = HeadPages::new(NOW);
    let asked = look(&mut before, "a", NOW).unwrap_err();
    let mut after = HeadPages::new(NOW.plus_secs(1));
    after.keep(asked.answered(lookup("a"), "d1", Some((Stamp(5), b"a@5".as_slice()))));
    assert!(look(&mut after, "a", NOW).is_err());
}

#[test]
fn an_earlier_head_counts_if_nothing_was_published_since() {
    let mut pages = HeadPages::new(NOW);
    answer(&mut pages, "a", 9, NOW);
    // The tables were put back.
    answer(&mut pages, "b", 5, NOW);
    assert!(look(&mut pages, "a", NOW).is_err());
    assert_eq!(look(&mut pages, "b", NOW), Ok("b@5"));
}

#[test]
fn pages_and_digests_are_bounded() {
    let mut pages = HeadPages::new(NOW);
    let mut keep = |pull: &str, body: String| {
        let asked = look(&mut pages, pull, NOW).unwrap_err();
        let lookup = Lookup { reader: pull.into(), ..lookup(pull) };
        pages.keep(asked.answered(lookup, "d1", Some((Stamp(5), body.as_bytes()))));
        assert!(pages.bytes <= PAGES_BYTES_MAX && pages.digests.len() <= DIGESTS_MAX);
        assert_eq!(pages.bytes, pages.pages.values().map(String::len).sum::<usize>());
    };
    for i in 0..100 {
        keep(&format!("p{i}"), "x".repeat(PAGE_BYTES_MAX));
    }
    keep("large", "x".repeat(PAGE_BYTES_MAX + 1));
    assert!(look(&mut pages, "p99", NOW).is_ok());
    assert!(look(&mut pages, "large", NOW).is_err());
    // A page that two callers brought counts once.
    let asked = look(&mut pages, "new", NOW).unwrap_err();
    for _ in 0..2 {
        pages.keep(asked.answered(lookup("new"), "d1", Some((Stamp(5), b"x".as_slice()))));
    }
    assert_eq!(pages.bytes, pages.pages.values().map(String::len).sum::<usize>());
}
