use proptest::prelude::*;

use super::*;
use crate::json::JsonText;

fn json(text: &str) -> JsonText {
    JsonText::from_text(text.to_owned()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn same(one: &str, other: &str) -> bool {
    let (one, other) = (json(one), json(other));
    let same = one == other;
    assert_eq!(same, other == one, "symmetric: {one:?} {other:?}");
    let [canonical, of_other] = [&one, &other].map(|json| json.value().canonical("no such member"));
    assert!(canonical.is_none() || same == (canonical == of_other), "canonical: {one:?} {other:?}");
    same
}

#[test]
fn spellings_of_one_value_are_equal() {
    for (one, other) in [
        (r#"{"a":{"x":1,"y":[1,2]}}"#, "{ \"a\" : {\n\t\"x\" : 1 , \"y\" : [ 1,2 ]\r} }"),
        (r#"{"a":{"x":1,"y":2},"b":[]}"#, r#"{"b":[ ],"a":{"y":2,"x":1}}"#),
        (r#"{"name":"Café"}"#, r#"{"n\u0061me":"Caf\u00E9"}"#),
        (r#""a/b""#, r#""a\/b""#),
        (r#""\u0022\u005c\b\f\n\r\t""#, r#""\"\\\u0008\u000C\u000a\u000D\u0009""#),
        (r#""😀""#, r#""\ud83d\uDE00""#),
        (r#""\ud800""#, r#""\uD800""#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
        ("[ ]", "[]"),
        ("[null , true,false]", "[null,true,false]"),
    ] {
        assert!(same(one, other), "{one} {other}");
    }
}

#[test]
fn other_values_differ() {
    for (one, other) in [
        ("1.10", "1.1"),
        ("1", "1.0"),
        ("1e0", "1E0"),
        ("0", "-0"),
        (r#""1""#, "1"),
        ("null", "false"),
        ("[1,2]", "[2,1]"),
        ("[1]", "[1,1]"),
        (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":1}"#),
        (r#"{"a":[1]}"#, r#"{"a":1}"#),
        (r#""é""#, "\"e\u{301}\""),
        (r#""\ud800""#, r#""\ud801""#),
        (r#""a\"b""#, r#""ab""#),
        (r#""\\u0061""#, r#""a""#),
        ("{}", "[]"),
    ] {
        assert!(!same(one, other), "{one} {other}");
    }
}

#[test]
fn values_that_nest_too_deeply_to_be_stored_are_compared_by_their_text() {
    let nested = |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(same(&nested(COMPARED_DEPTH_MAX, "1"), &nested(COMPARED_DEPTH_MAX, " 1")));
    assert!(!same(&nested(COMPARED_DEPTH_MAX + 1, "1"), &nested(COMPARED_DEPTH_MAX + 1, " 1")));
    assert!(same(&nested(10_000, "1"), &nested(10_000, "1")));
}

/// A value with random content, apart from its spelling.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Scalar(&'static str),
    Text(String),
    List(Vec<Tree>),
    Members(BTreeMap<String, Tree>),
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let scalar = prop::sample::select(vec!["null", "true", "0", "-0", "1.10", "1.1", "1e3"]);
    let leaf = prop_oneof![scalar.prop_map(Tree::Scalar), "[a-bé😀\"/\\\\\n]{0,3}".prop_map(Tree::Text)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
            prop::collection::btree_map("[a-bé\"/]{0,2}", inner, 0..4).prop_map(Tree::Members),
        ]
    })
}

/// Spells `tree`; `choices` decides on white space, escapes and order.
fn spell(tree: &Tree, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    let mut choose = |of: u8| choices.next().unwrap_or_default() % of;
    out.push_str(["", " ", "\n\t"][usize::from(choose(3))]);
    match tree {
        Tree::Scalar(text) => out.push_str(text),
        Tree::Text(text) => spell_text(text, &mut choose, out),
        Tree::List(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { " ," });
                spell(item, choices, out);
            }
            out.push(']');
        }
        Tree::Members(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if choose(2) == 0 {
                members.reverse();
            }
            out.push('{');
            for (i, (name, value)) in members.into_iter().enumerate() {
                out.push_str(if i == 0 { " " } else { ", " });
                spell_text(name, &mut |of| choices.next().unwrap_or_default() % of, out);
                out.push_str(" :");
                spell(value, choices, out);
            }
            out.push('}');
        }
    }
    out.push(' ');
}

fn spell_text(text: &str, choose: &mut impl FnMut(u8) -> u8, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let must = matches!(c, '"' | '\\' | '\n');
        match choose(3) {
            0 if !must => out.push(c),
            1 if matches!(c, '"' | '\\' | '/') => out.extend(['\\', c]),
            _ => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}"))),
        }
    }
    out.push('"');
}

fn spelled(tree: &Tree, choices: &[u8]) -> JsonText {
    let mut text = String::new();
    spell(tree, &mut choices.iter().copied(), &mut text);
    json(text.trim())
}

proptest! {
    /// Two values are equal exactly if their content is, however each is spelled.
    #[test]
    fn the_spelling_does_not_matter_and_the_content_does(
        (one, other) in (any_tree(), any_tree()),
        (a, b) in (prop::collection::vec(any::<u8>(), 200), prop::collection::vec(any::<u8>(), 200)),
    ) {
        prop_assert_eq!(spelled(&one, &a), spelled(&one, &b));
        prop_assert_eq!(spelled(&one, &a) == spelled(&other, &b), one == other);
    }
}

#[test]
fn a_canonical_text_lacks_one_member_of_the_outermost_object() {
    let without = |text: &str| json(text).value().canonical("at").unwrap();
    assert_eq!(without(r#"{"b":{"at":1},"\u0061t":2,"a":1.10}"#), r#"{"a":1.10,"b":{"at":1}}"#);
    assert_eq!(without(r#"[{"at":1}]"#), r#"[{"at":1}]"#);
    assert_eq!(json(&format!("{}{}", "[".repeat(100), "]".repeat(100))).value().canonical("at"), None);
}
