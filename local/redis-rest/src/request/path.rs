//! Arguments in paths and queries, percent-decoded into bytes: they need not be text.

use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// The query argument that is not an argument but the token.
pub(crate) const TOKEN: &str = "_token";

/// The segments of a path.
pub(super) fn segments(path: &str) -> Vec<Bytes> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split('/').map(|segment| percent_decode_str(segment).collect::<Vec<u8>>().into()).collect()
}

/// The names and values of a query, in order.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (Bytes, Bytes)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The arguments that follow a body: `?EX=100` is `EX 100`.
pub(super) fn query_arguments(query: &str) -> impl Iterator<Item = Bytes> {
    query_pairs(query)
        .filter(|(name, _)| name != TOKEN.as_bytes())
        .flat_map(|(name, value)| std::iter::once(name).chain((!value.is_empty()).then_some(value)))
}

fn decode(text: &str) -> Bytes {
    percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>().into()
}
