//! What a deployment sets: read once per isolate, from variables and secrets alike.

use http::Uri;
use shared::config::{BadConfig, Reader, Secret};
use shared::token::Verifier;

use crate::functions::Function;

/// Everything the edge needs to know. No `Debug`: it holds secrets.
pub(crate) struct Config {
    /// The public keys that access tokens are verified with.
    pub(crate) verifier: Verifier,
    /// What functions seal their publications with.
    pub(crate) publish_secret: Secret,
    /// What calls to functions are signed with.
    pub(crate) keys: AwsKeys,
    urls: FunctionUrls,
}

/// The edge's own AWS user, which may invoke the function URLs and nothing else.
pub(crate) struct AwsKeys {
    /// Where the functions run.
    pub(crate) region: String,
    /// Names the secret key.
    pub(crate) access_key_id: String,
    /// Signs.
    pub(crate) secret_access_key: Secret,
}

struct FunctionUrls {
    auth: String,
    batch_push: String,
    pull_changes: String,
    resolve_conflict: String,
    sync_stats: String,
    dead_letters: String,
}

impl Config {
    /// Reads all names from `lookup`, or says everything that is wrong with them.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Config, BadConfig> {
        let mut reader = Reader::new(lookup);
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let publish_secret = reader.secret("PUBLISH_SECRET");
        let keys = AwsKeys {
            region: reader.text("AWS_REGION"),
            access_key_id: reader.text("AWS_ACCESS_KEY_ID"),
            secret_access_key: reader.secret("AWS_SECRET_ACCESS_KEY"),
        };
        // One that is missing is noted, and `finish` then gives nothing away.
        let mut url = |name| reader.parsed(name, function_url).unwrap_or_default();
        let urls = FunctionUrls {
            auth: url("AUTH_FUNCTION_URL"),
            batch_push: url("BATCH_PUSH_FUNCTION_URL"),
            pull_changes: url("PULL_CHANGES_FUNCTION_URL"),
            resolve_conflict: url("RESOLVE_CONFLICT_FUNCTION_URL"),
            sync_stats: url("SYNC_STATS_FUNCTION_URL"),
            dead_letters: url("DEAD_LETTERS_FUNCTION_URL"),
        };
        reader.finish(verifier.map(|verifier| Config { verifier, publish_secret, keys, urls }))
    }

    /// Where `function` is called; the path of the request follows.
    pub(crate) fn url(&self, function: Function) -> &str {
        match function {
            Function::Auth => &self.urls.auth,
            Function::BatchPush => &self.urls.batch_push,
            Function::PullChanges => &self.urls.pull_changes,
            Function::ResolveConflict => &self.urls.resolve_conflict,
            Function::SyncStats => &self.urls.sync_stats,
            Function::DeadLetters => &self.urls.dead_letters,
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

    // RFC 8037, appendix A.2.
    const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"test","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    const NAMES: [(&str, &str); 11] = [
        ("ACCESS_JWKS", JWKS),
        ("PUBLISH_SECRET", "s3cret"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
        ("AUTH_FUNCTION_URL", "https://a.lambda-url.eu-central-1.on.aws/"),
        ("BATCH_PUSH_FUNCTION_URL", "http://127.0.0.1:9000/batch-push"),
        ("PULL_CHANGES_FUNCTION_URL", "http://127.0.0.1:9000/pull-changes"),
        ("RESOLVE_CONFLICT_FUNCTION_URL", "http://127.0.0.1:9000/resolve-conflict"),
        ("SYNC_STATS_FUNCTION_URL", "http://127.0.0.1:9000/sync-stats"),
        ("DEAD_LETTERS_FUNCTION_URL", "http://127.0.0.1:9000/dead-letters"),
    ];

    fn read_but(change: impl Fn(&str) -> Option<&'static str>) -> Result<Config, BadConfig> {
        Config::read(|name| match change(name) {
            Some(value) => Some(value.to_owned()),
            None => NAMES.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        })
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let config = read_but(|_| None).ok().unwrap();
        assert_eq!(config.url(Function::Auth), "https://a.lambda-url.eu-central-1.on.aws");
        for (function, name) in [
            (Function::BatchPush, "batch-push"),
            (Function::PullChanges, "pull-changes"),
            (Function::ResolveConflict, "resolve-conflict"),
            (Function::SyncStats, "sync-stats"),
            (Function::DeadLetters, "dead-letters"),
        ] {
            assert_eq!(config.url(function), format!("http://127.0.0.1:9000/{name}"));
        }
    }

    #[test]
    fn every_missing_name_is_reported_at_once_and_no_secret_is_shown() {
        let problems = read_but(|_| Some("")).err().unwrap().to_string();
        for (name, _) in NAMES {
            assert!(problems.contains(&format!("{name} is not set")), "{problems}");
        }
        let problems = read_but(|name| (name == "ACCESS_JWKS").then_some("s3cret")).err().unwrap();
        assert!(!problems.to_string().contains("s3cret"), "{problems}");
    }

    #[test]
    fn a_function_url_has_scheme_and_host_and_no_query() {
        for bad in
            ["host", "/path", "ftp://host", "https://", "https://a?b", "https://u:p@host", "http://a b"]
        {
            assert!(function_url(bad).is_err(), "{bad}");
        }
    }
}
