//! Other spellings of the same JSON value: clients in other languages write other white space and escapes.

use protocol::json::JsonText;

use super::rng::Rng;

/// Share of values that are spelled in another way.
const RESPELLED_PERMILLE: u64 = 150;

/// The same value, sometimes with other white space and escapes. Numbers keep their text.
pub(crate) fn respelled(rng: &mut Rng, json: JsonText) -> JsonText {
    if !rng.chance(RESPELLED_PERMILLE) {
        return json;
    }
    let mut text = String::new();
    let (mut in_string, mut after_backslash, mut hex_digits) = (false, false, 0_u32);
    for c in json.as_str().chars() {
        let is_plain = in_string && !after_backslash && hex_digits == 0;
        hex_digits = if after_backslash && c == 'u' { 4 } else { hex_digits.saturating_sub(1) };
        after_backslash = is_plain && c == '\\';
        match c {
            '"' if is_plain || !in_string => in_string = !in_string,
            'a'..='z' | '/' if is_plain && rng.chance(300) => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            _ => {}
        }
        text.push(c);
        if !in_string && matches!(c, '{' | '[' | ',' | ':') && rng.chance(300) {
            text.push(' ');
        }
    }
    JsonText::from_text(text).unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_is_the_same_value() {
        let text = r#"{"name":"\"q\" \u00e4\\","n":{"$delta":"-2.50"},"list":[1.10,null,"a/b"]}"#;
        let json = JsonText::from_text(text.to_owned()).unwrap();
        let mut rng = Rng::new(7);
        let spellings: Vec<JsonText> = (0..200).map(|_| respelled(&mut rng, json.clone())).collect();
        assert!(spellings.iter().all(|other| *other == json));
        assert!(spellings.iter().filter(|other| other.as_str() != text).count() > 10);
    }
}
