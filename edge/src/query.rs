//! The query of a URL: a single value, and the canonical form that signatures need.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::endpoints::parameter::BRANCH;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, DeviceId};

/// Bytes of a query as sent. With the largest token, and every byte encoded, it stays below the 16 KiB that
/// HTTP servers commonly allow for request line and headers.
pub(crate) const QUERY_BYTES_MAX: usize = 4 * 1024;

/// Everything but RFC 3986's unreserved characters is encoded, as Signature Version 4 requires.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The query of `url`, without the question mark; empty if there is none.
pub(crate) fn of(url: &str) -> &str {
    let before_fragment = url.split_once('#').map_or(url, |(before, _)| before);
    before_fragment.split_once('?').map_or("", |(_, query)| query)
}

/// The first value of `name` in `query`.
pub(crate) fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The device that `query` names.
pub(crate) fn device(query: &str) -> Result<DeviceId, ApiError> {
    value(query, "device_id").unwrap_or_default().parse().map_err(ApiError::from)
}

/// The branch that `query` names, if it does.
pub(crate) fn branch(query: &str) -> Result<Option<BranchId>, ApiError> {
    let named = value(query, BRANCH.name).filter(|branch| !branch.is_empty());
    Ok(named.map(|branch| branch.parse()).transpose()?)
}

/// A query of `pairs`.
pub(crate) fn write<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, ENCODED));
        query.push('=');
        query.extend(utf8_percent_encode(value, ENCODED));
    }
    query
}

/// The canonical form of `query`. One query has many spellings (`+` or `%20`, `a` or `a=`), and the signer
/// and the verifier must see the same.
pub(crate) fn canonical(query: &str) -> Result<String, ApiError> {
    if query.len() > QUERY_BYTES_MAX {
        let message = format!("The query may have {QUERY_BYTES_MAX} bytes; ask for fewer things at once.");
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    Ok(write(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))))
}

/// `parameters`, then the pairs of the canonical `query` with other names: a caller cannot override a path
/// parameter.
pub(crate) fn with(parameters: &[(&str, String)], query: &str) -> String {
    let sent: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let rest = sent.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let rest = rest.filter(|(name, _)| parameters.iter().all(|(taken, _)| taken != name));
    write(parameters.iter().map(|(name, value)| (*name, value.as_str())).chain(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_cut_out_of_a_url() {
        assert_eq!(of("https://a/ws?token=x&device_id=y"), "token=x&device_id=y");
        assert_eq!(of("https://a/ws?a=?#b?c"), "a=?");
        assert_eq!(of("https://a/ws"), "");
    }

    #[test]
    fn a_value_is_decoded() {
        assert_eq!(value("token=x&device_id=Kasse%201+%E2%80%93", "device_id").unwrap(), "Kasse 1 –");
        assert_eq!(value("a=1&a=2", "a").unwrap(), "1");
        assert_eq!(value("ab=1", "a"), None);
    }

    #[test]
    fn a_query_has_one_canonical_form() {
        let cases = [
            ("since=2025-12-07T10%3A30:00Z&limit=5", "since=2025-12-07T10%3A30%3A00Z&limit=5"),
            ("tables=a,b&&x", "tables=a%2Cb&x="),
            ("q=a+b%20c~d", "q=a%20b%20c~d"),
            ("", ""),
        ];
        for (sent, written) in cases {
            assert_eq!(canonical(sent).unwrap(), written);
            assert_eq!(canonical(written).unwrap(), written);
        }
    }

    #[test]
    fn a_query_one_byte_too_long_is_refused() {
        assert!(canonical(&"x".repeat(QUERY_BYTES_MAX)).is_ok());
        assert_eq!(canonical(&"x".repeat(QUERY_BYTES_MAX + 1)).unwrap_err().code, ErrorCode::BadRequest);
    }

    #[test]
    fn path_parameters_come_first_and_once() {
        let pairs = [("table", "products".to_owned()), ("id", "1/2 – Büro".to_owned())];
        let added = "table=products&id=1%2F2%20%E2%80%93%20B%C3%BCro";
        assert_eq!(with(&pairs, ""), added);
        assert_eq!(with(&pairs, "id=x&branch_id=2&table=y&id="), format!("{added}&branch_id=2"));
    }
}
