//! Where the functions are.

use config::Reader;
use http::Uri;

use crate::functions::Function;

/// Where each function is called; the path of the request follows.
pub(crate) struct FunctionUrls {
    auth: String,
    batch_push: String,
    pull_changes: String,
    resolve_conflict: String,
    sync_stats: String,
    dead_letters: String,
    data: String,
    carts: String,
    cache_report: String,
    cache_warm: String,
}

impl FunctionUrls {
    /// Reads them all; one that is missing is noted.
    pub(super) fn read<L: Fn(&str) -> Option<String>>(reader: &mut Reader<L>) -> FunctionUrls {
        let mut url = |name| reader.parsed(name, function_url).unwrap_or_default();
        FunctionUrls {
            auth: url("AUTH_FUNCTION_URL"),
            batch_push: url("BATCH_PUSH_FUNCTION_URL"),
            pull_changes: url("PULL_CHANGES_FUNCTION_URL"),
            resolve_conflict: url("RESOLVE_CONFLICT_FUNCTION_URL"),
            sync_stats: url("SYNC_STATS_FUNCTION_URL"),
            dead_letters: url("DEAD_LETTERS_FUNCTION_URL"),
            data: url("DATA_FUNCTION_URL"),
            carts: url("CARTS_FUNCTION_URL"),
            cache_report: url("CACHE_REPORT_FUNCTION_URL"),
            cache_warm: url("CACHE_WARM_FUNCTION_URL"),
        }
    }

    /// Where `function` is.
    pub(crate) fn of(&self, function: Function) -> &str {
        match function {
            Function::Auth => &self.auth,
            Function::BatchPush => &self.batch_push,
            Function::PullChanges => &self.pull_changes,
            Function::ResolveConflict => &self.resolve_conflict,
            Function::SyncStats => &self.sync_stats,
            Function::DeadLetters => &self.dead_letters,
            Function::Data => &self.data,
            Function::Carts => &self.carts,
            Function::CacheReport => &self.cache_report,
            Function::CacheWarm => &self.cache_warm,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it must be like https://host or http://host:port/prefix, without a query")]
struct NotAFunctionUrl;

/// Checked here because the signer takes host and scheme for granted, and a panic resets the isolate.
fn function_url(text: &str) -> Result<String, NotAFunctionUrl> {
    let uri: Uri = text.parse().map_err(|_| NotAFunctionUrl)?;
    let scheme = uri.scheme_str().is_some_and(|scheme| scheme == "https" || scheme == "http");
    let host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    // AWS shows a function's URL with a slash at its end; a request's path begins with one.
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
