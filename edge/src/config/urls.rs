//! The URLs of the functions.

use config::Reader;
use http::Uri;
use protocol::endpoints::function::Function;

/// The URL of each function, without a trailing slash.
pub(crate) struct FunctionUrls(Vec<(Function, String)>);

impl FunctionUrls {
    /// Reads the variable of every function; notes each that is missing or bad.
    pub(super) fn read<L: Fn(&str) -> Option<String>>(reader: &mut Reader<L>) -> FunctionUrls {
        let mut url =
            |function: Function| Some((function, reader.parsed(&function.url_variable(), function_url)?));
        FunctionUrls(Function::ALL.into_iter().filter_map(&mut url).collect())
    }

    /// The URL of `function`. Every function has one: a configuration without it is refused.
    pub(crate) fn of(&self, function: Function) -> &str {
        self.0.iter().find(|(known, _)| *known == function).map_or("", |(_, url)| url)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it must be like https://host or http://host:port/prefix, without a query")]
struct NotAFunctionUrl;

/// Checked here because the signer relies on host and scheme, and a panic resets the isolate.
fn function_url(text: &str) -> Result<String, NotAFunctionUrl> {
    let uri: Uri = text.parse().map_err(|_| NotAFunctionUrl)?;
    let scheme = uri.scheme_str().is_some_and(|scheme| scheme == "https" || scheme == "http");
    let host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    // AWS shows function URLs with a trailing slash.
    let url = text.trim_end_matches('/');
    if scheme && host && uri.query().is_none() { Ok(url.to_owned()) } else { Err(NotAFunctionUrl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_url_has_scheme_and_host_and_no_query() {
        for bad in
            ["host", "/path", "ftp://host", "https://", "https://a?b", "https://u:p@host", "http://a b"]
        {
            assert!(function_url(bad).is_err(), "{bad}");
        }
    }
}
