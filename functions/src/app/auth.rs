//! What `auth` is made of.

use auth::limits::{SESSIONS_PER_USER_DEFAULT, SESSIONS_PER_USER_MAX};
use auth::token::Verifier;
use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;

use crate::accounts::Accounts;
use crate::accounts::live::LiveSessions;
use crate::accounts::signer::Signer;
use crate::cache::{self, Cache};
use crate::redis::Redis;

/// `auth`: signs users in and out. The only one that reads accounts or holds a private key.
pub struct AuthApp {
    /// Users and their refresh tokens.
    pub accounts: Accounts,
    /// The sessions that are in use.
    pub live: LiveSessions,
    /// Copies of users.
    pub cache: Cache,
    /// Signs access tokens.
    pub signer: Signer,
    /// Sign-ins that a user has at once.
    pub sessions_per_user: usize,
    verifier: Verifier,
}

/// Fewer sessions than one, or more than are listed in one answer.
#[derive(Debug, thiserror::Error)]
#[error("it must be a number from 1 to {SESSIONS_PER_USER_MAX}")]
struct BadSessions;

impl AuthApp {
    /// Reads `ACCOUNTS_TABLE`, `ACCESS_JWKS`, `ACCESS_KEY`, `ACCESS_KID`, `SESSIONS_PER_USER` (a number; 20, if it is
    /// not set), and what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<AuthApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let accounts = Accounts::new(client, reader.text("ACCOUNTS_TABLE"));
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let kid = reader.text("ACCESS_KID");
        let signer = reader.parsed("ACCESS_KEY", |pem| Signer::new(pem, kid));
        let sessions = reader.parsed_or("SESSIONS_PER_USER", SESSIONS_PER_USER_DEFAULT, sessions);
        let redis = Redis::read(&mut reader);
        let parts = verifier.zip(signer).zip(sessions).zip(redis);
        reader.finish(parts.map(|(((verifier, signer), sessions_per_user), redis)| {
            let (live, cache) = (LiveSessions::new(redis.clone()), cache::of(redis));
            AuthApp { accounts, live, cache, signer, sessions_per_user, verifier }
        }))
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
        super::claims(&self.verifier, request, now)
    }
}

fn sessions(text: &str) -> Result<usize, BadSessions> {
    let number = text.parse().map_err(|_| BadSessions)?;
    if (1..=SESSIONS_PER_USER_MAX).contains(&number) { Ok(number) } else { Err(BadSessions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_session_at_least_and_no_more_than_can_be_listed() {
        assert_eq!(sessions("1").unwrap(), 1);
        assert_eq!(sessions(&SESSIONS_PER_USER_MAX.to_string()).unwrap(), SESSIONS_PER_USER_MAX);
        for bad in ["0", "-1", "many", &(SESSIONS_PER_USER_MAX + 1).to_string()] {
            assert!(sessions(bad).is_err(), "{bad}");
        }
    }
}
