use super::*;
use crate::room::page_call::PAGE_BYTES_MAX;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
const BOUND: Duration = Duration::from_secs(15);

fn lookup(pull: &str) -> Lookup {
    Lookup { pull: pull.into(), reader: "cashier".into(), min: Stamp::ZERO }
}

fn look<'a>(pages: &'a mut HeadPages, pull: &str, now: Timestamp) -> Result<&'a str, Unanswered> {
    pages.look(&lookup(pull), true, BOUND, now).map(|page| page.body.as_str())
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
    assert_eq!(unknown.digest, None);
    answer(&mut pages, "a", 5, NOW);
    let end = NOW.plus_secs(15);
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(13)), Ok("a@5"));
    // One caller is sent to renew the confirmation.
    assert!(look(&mut pages, "a", NOW.plus_secs(14)).is_err());
    assert_eq!(look(&mut pages, "a", end), Ok("a@5"));
    assert!(look(&mut pages, "a", Timestamp(end.0 + 1)).is_err());
    assert_eq!(look(&mut pages, "b", end).unwrap_err().digest.as_deref(), Some("d1"));
    // Another answer confirms the head for all pages.
    answer(&mut pages, "b", 5, NOW.plus_secs(10));
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(23)), Ok("a@5"));
    assert!(pages.look(&lookup("a"), true, Duration::from_secs(1), NOW.plus_secs(12)).is_err());
    // None is answered while a write is under way.
    assert!(pages.look(&lookup("a"), false, BOUND, NOW.plus_secs(10)).is_err());
}

#[test]
fn min_is_never_answered_by_an_older_page() {
    let mut pages = HeadPages::new(NOW);
    answer(&mut pages, "a", 5, NOW);
    for (min, answered) in [(4, true), (5, true), (6, false)] {
        let page = pages.look(&Lookup { min: Stamp(min), ..lookup("a") }, true, BOUND, NOW);
        assert_eq!(page.is_ok(), answered, "{min}");
    }
}

#[test]
fn a_commit_ends_all_pages_and_confirms_the_head_if_it_had_its_turn() {
    let mut pages = HeadPages::new(NOW);
    answer(&mut pages, "a", 5, NOW);
    pages.committed(Stamp(9), Some(NOW));
    assert!(look(&mut pages, "a", NOW).is_err());
    answer(&mut pages, "a", 9, NOW);
    // The same commit by the sure path, and an earlier one that was late.
    pages.committed(Stamp(9), None);
    pages.committed(Stamp(7), None);
    assert_eq!(look(&mut pages, "a", NOW), Ok("a@9"));
    pages.committed(Stamp(12), None);
    assert_eq!(pages.head.unwrap().confirmed_at, Timestamp(0));
}

#[test]
fn a_page_ends_with_the_rules_that_its_reader_had() {
    let mut pages = HeadPages::new(NOW);
    let early = look(&mut pages, "a", NOW).unwrap_err();
    answer(&mut pages, "a", 5, NOW);
    // A reader of other tables confirms the head, whose digest is still the same.
    let later = NOW.plus_secs(10);
    let asked = look(&mut pages, "b", later).unwrap_err();
    let other = Lookup { reader: "cashier products".into(), ..lookup("b") };
    pages.keep(asked.answered(other, "d7", Some((Stamp(5), b"b@5"))));
    assert_eq!(look(&mut pages, "a", NOW.plus_secs(15)), Ok("a@5"));
    assert!(look(&mut pages, "a", NOW.plus_secs(16)).is_err(), "what cashiers may read is not confirmed");
    // A deployment has changed it; an answer from before it arrives late.
    let asked = look(&mut pages, "c", later).unwrap_err();
    pages.keep(asked.answered(lookup("c"), "d2", Some((Stamp(5), b"c@5"))));
    pages.keep(early.answered(lookup("a"), "d1", Some((Stamp(5), b"a@5"))));
    assert_eq!(look(&mut pages, "c", later), Ok("c@5"));
    assert_eq!(look(&mut pages, "a", later).unwrap_err().digest.as_deref(), Some("d2"));
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
    assert_eq!(pages.head.unwrap().stamp, Stamp(9));
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
    let mut keep = |lookup: Lookup, body: String| {
        let asked = pages.look(&lookup, true, BOUND, NOW).unwrap_err();
        pages.keep(asked.answered(lookup, "d1", Some((Stamp(5), body.as_bytes()))));
        assert!(pages.bytes <= PAGES_BYTES_MAX && pages.digests.len() <= DIGESTS_MAX);
        assert_eq!(pages.bytes, bytes_of(&pages));
    };
    for i in 0..100 {
        let pull = format!("p{i}");
        keep(Lookup { reader: pull.clone(), ..lookup(&pull) }, "x".repeat(PAGE_BYTES_MAX));
    }
    // Keys count as well: this one leaves room for one byte.
    keep(lookup(&"k".repeat(PAGES_BYTES_MAX - 1)), "x".into());
    keep(lookup("last"), "x".repeat(PAGE_BYTES_MAX));
    keep(lookup("large"), "x".repeat(PAGE_BYTES_MAX + 1));
    assert!(look(&mut pages, "last", NOW).is_ok());
    assert!(look(&mut pages, "large", NOW).is_err());
    // A page that two callers brought counts once.
    let asked = look(&mut pages, "new", NOW).unwrap_err();
    for _ in 0..2 {
        pages.keep(asked.answered(lookup("new"), "d1", Some((Stamp(5), b"x".as_slice()))));
    }
    assert_eq!(pages.bytes, bytes_of(&pages));
}

fn bytes_of(pages: &HeadPages) -> usize {
    pages.pages.iter().map(|(key, page)| key.len() + page.body.len()).sum()
}
