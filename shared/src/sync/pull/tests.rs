use proptest::prelude::*;

use super::*;
use crate::json::JsonText;

fn query(pairs: &[(&str, &str)]) -> Result<PullQuery, Code> {
    let tables = Tables::built_in().unwrap();
    PullQuery::parse(&tables, pairs.iter().copied()).map_err(|refusal| refusal.code)
}

/// A log whose items have these many changes, with gaps between the stamps of different items.
fn log(sizes: &[usize]) -> (Head, Vec<Publication>) {
    let (mut head, mut items) = (Head::default(), Vec::new());
    for &size in sizes {
        let change = |i: usize| PublishedChange {
            table_name: if i.is_multiple_of(2) { "products" } else { "customers" }.into(),
            record_id: format!("r{i}"),
            operation: Operation::Update,
            data: JsonText::null(),
            version: 1,
            read: crate::token::Role::Cashier,
        };
        let item = Publication {
            client_id: "1".parse().unwrap(),
            branch_id: "2".parse().unwrap(),
            device_id: "till-1".parse().unwrap(),
            prev: head.stamp,
            first: head.stamp.plus(10),
            changes: (0..size).map(change).collect(),
        };
        head.stamp = item.last();
        head.changes += size as u64;
        head.log_items += 1;
        items.push(item);
    }
    (head, items)
}

/// What the store answers: at most `items` log items after the position.
fn read(log: &[Publication], position: Stamp, items: usize) -> Vec<Publication> {
    log.iter().filter(|item| item.last() > position).take(items).cloned().collect()
}

/// Long after the stamps of these logs: what is not there has expired.
const LATE: Micros = Micros(2 * LOG_RETENTION_SECS * 1_000_000);

fn page(head: &Head, query: &PullQuery, position: Stamp, log: &[Publication]) -> Result<PullAnswer, Refusal> {
    page_at_time(head, query, position, log, LATE)
}

fn page_at_time(
    head: &Head,
    query: &PullQuery,
    position: Stamp,
    log: &[Publication],
    now: Micros,
) -> Result<PullAnswer, Refusal> {
    super::page(head, query, position, log.iter().cloned().map(Ok), now)
}

/// Follows `next_cursor` from the beginning until there is no more.
fn follow_all(head: &Head, log: &[Publication], mut query: PullQuery) -> Vec<ChangeBody> {
    let mut changes = Vec::new();
    loop {
        let Read::Log { position, items } = plan(head, &query).unwrap() else { return changes };
        let answer = page(head, &query, position, &read(log, position, items)).unwrap();
        assert!(answer.changes.len() <= query.limit && answer.stamp <= head.stamp && answer.stamp > position);
        assert_eq!(answer.has_more, answer.stamp < head.stamp);
        changes.extend(answer.changes);
        query.since = Since::Cursor(parse_cursor(&answer.next_cursor).unwrap());
    }
}

#[test]
fn reads_every_parameter_and_refuses_bad_ones() {
    let all = query(&[
        ("since", "5"),
        ("cursor", "v1.7"),
        ("tables", "products,customers"),
        ("limit", "1000"),
        ("min", "v1.3"),
    ]);
    let all = all.unwrap();
    assert_eq!((all.since, all.limit, all.min), (Since::Cursor(Stamp(7)), 1000, Stamp(3)));
    assert_eq!(all.tables.unwrap().len(), 2);
    assert_eq!(query(&[("since", "1970-01-01T00:00:01Z")]).unwrap().since, Since::Time(Micros(1_000_000)));
    assert_eq!(query(&[("newer", "x"), ("since", "")]).unwrap().limit, PULL_LIMIT_DEFAULT);
    let bad = [
        ("since", "yesterday", Code::BadSince),
        ("since", "-1", Code::BadSince),
        ("cursor", "abc", Code::BadCursor),
        ("limit", "0", Code::BadLimit),
        ("limit", "1001", Code::BadLimit),
        ("limit", "ten", Code::BadLimit),
        ("min", "soon", Code::BadMin),
        ("tables", "products,nonsense", Code::UnknownTable),
    ];
    for (name, value, code) in bad {
        assert_eq!(query(&[(name, value)]).unwrap_err(), code, "{name}={value}");
    }
}

#[test]
fn a_position_is_exact_and_exclusive() {
    let (head, log) = log(&[3]);
    for (since, expected) in [(9, 3), (10, 2), (11, 1)] {
        let query = query(&[("since", &since.to_string())]).unwrap();
        let answer = page(&head, &query, Stamp(since), &log).unwrap();
        assert_eq!((answer.changes.len(), answer.has_more), (expected, false));
    }
}

#[test]
fn nothing_beyond_head_is_returned_or_promised() {
    let (_, log) = log(&[2, 2]);
    let first = Head { stamp: log[0].last(), changes: 2, log_items: 1, ..Head::default() };
    let answer = page(&first, &query(&[]).unwrap(), Stamp::ZERO, &log).unwrap();
    assert_eq!((answer.changes.len(), answer.stamp, answer.has_more), (2, first.stamp, false));
}

#[test]
fn a_time_to_come_stands_at_head_and_a_position_to_come_is_another_history() {
    let (head, _) = log(&[2]);
    assert_eq!(plan(&head, &query(&[("since", "2200-01-01T00:00:00Z")]).unwrap()), Ok(Read::Nothing));
    for pair in [("since", "5000"), ("cursor", "v1.5000"), ("min", "5000")] {
        assert_eq!(plan(&head, &query(&[pair]).unwrap()).unwrap_err().code, Code::ResetRequired, "{pair:?}");
    }
}

#[test]
fn an_expired_log_asks_for_a_reset() {
    let (head, log) = log(&[2, 2, 2]);
    let query = query(&[]).unwrap();
    let reset = |log: &[Publication]| page(&head, &query, Stamp::ZERO, log).unwrap_err().code;
    assert_eq!(reset(&log[1..]), Code::ResetRequired);
    assert_eq!(reset(&[]), Code::ResetRequired);
    // What lies before a hole is returned; the next page finds the hole.
    let holed = [log[0].clone(), log[2].clone()];
    let answer = page(&head, &query, Stamp::ZERO, &holed).unwrap();
    assert_eq!((answer.changes.len(), answer.stamp, answer.has_more), (2, log[0].last(), true));
}

#[test]
fn a_commit_that_is_not_visible_yet_is_no_expired_log() {
    let (head, log) = log(&[2, 2]);
    for seen in [&log[..0], &log[1..]] {
        let refusal = page_at_time(&head, &query(&[]).unwrap(), Stamp::ZERO, seen, Micros(1000)).unwrap_err();
        assert_eq!(refusal.code, Code::Unavailable);
    }
}

#[test]
fn a_cursor_between_two_items_is_of_another_history() {
    let (head, log) = log(&[2, 2]);
    let between = log[1].first.0 - 1;
    let cursor = query(&[("cursor", &format!("v1.{between}"))]).unwrap();
    assert_eq!(page(&head, &cursor, Stamp(between), &log[1..]).unwrap_err().code, Code::ResetRequired);
    let since = query(&[("since", &between.to_string())]).unwrap();
    assert_eq!(page(&head, &since, Stamp(between), &log[1..]).unwrap().changes.len(), 2);
}

#[test]
fn a_page_ends_when_it_has_two_mebibytes() {
    let (head, mut log) = log(&[50]);
    for change in &mut log[0].changes {
        change.data = JsonText::from_text(format!("\"{}\"", "x".repeat(65_534))).unwrap();
    }
    let answer = page(&head, &query(&[]).unwrap(), Stamp::ZERO, &log).unwrap();
    assert_eq!((answer.changes.len(), answer.has_more), (PULL_BYTES_MAX / 65_536, true));
}

#[test]
fn a_pull_of_a_hundred_reads_two_full_items() {
    let (head, _) = log(&[50; 20]);
    assert_eq!(plan(&head, &query(&[]).unwrap()), Ok(Read::Log { position: Stamp::ZERO, items: 2 }));
}

proptest! {
    #[test]
    fn pages_of_any_size_add_up_to_the_whole_log(
        sizes in prop::collection::vec(1..50_usize, 0..12),
        limit in 1..120_usize,
        filtered in any::<bool>(),
    ) {
        let (head, log) = log(&sizes);
        let tables = filtered.then(|| BTreeSet::from(["customers".to_owned()]));
        let query = PullQuery { since: Since::Stamp(Stamp::ZERO), tables, limit, min: Stamp::ZERO };
        let found: Vec<Stamp> = follow_all(&head, &log, query).iter().map(|change| change.stamp).collect();
        let expected: Vec<Stamp> = log
            .iter()
            .flat_map(|item| (0..item.changes.len()).filter(|i| !filtered || i % 2 == 1).map(|i| item.first.plus(i)))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
