//! What a function is made of: read once, at start, from its own least-privilege environment.

pub mod kind;

use ::sync::cursor::seal::CursorKeys;
use ::sync::rules::SyncRules;
use auth::limits::{SESSIONS_PER_USER_DEFAULT, SESSIONS_PER_USER_MAX};
use auth::token::Verifier;
use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::endpoints::spec::Access;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::timestamp::Timestamp;

use crate::accounts::Accounts;
use crate::accounts::session_registry::SessionRegistry;
use crate::accounts::signer::Signer;
use crate::carts::store::CartStore;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::redis::{Cache, Redis};
use crate::sync::branches::Branches;
use crate::sync::publisher::Publisher;
use crate::sync::rules;
use crate::sync::store::Store;
use kind::{FunctionKind, Part};

/// The parts of one function. `FunctionKind::parts` lists which it has.
pub struct Context {
    function: FunctionKind,
    verifier: Option<Verifier>,
    branches: Option<Branches>,
    sync: Option<SyncContext>,
    accounts: Option<AccountsContext>,
    carts: Option<CartStore>,
    redis: Option<RedisContext>,
    publisher: Option<Publisher>,
    cursor_keys: Option<CursorKeys>,
}

/// Rooms and the rules of syncing.
pub struct SyncContext {
    /// The sync table.
    pub store: Store,
    /// Tables, policies and retention.
    pub rules: SyncRules,
}

/// Users and their sessions.
pub struct AccountsContext {
    /// The accounts table.
    pub accounts: Accounts,
    /// Signs access tokens.
    pub signer: Signer,
    /// Maximum number of sessions of one user.
    pub sessions_per_user: usize,
}

/// What the function keeps in Redis.
pub struct RedisContext {
    cache: Cache,
    sessions: SessionRegistry,
}

/// A function lacks a part that its handler needs: `FunctionKind::parts` is wrong.
#[derive(Debug, thiserror::Error)]
#[error("failed to handle the request: the function {function} has no {part}")]
struct MissingPart {
    function: &'static str,
    part: &'static str,
}

impl Context {
    /// Reads the parts of `function` from the names that `lookup` finds; `client` speaks to DynamoDB.
    pub fn new(
        function: FunctionKind,
        lookup: impl Fn(&str) -> Option<String>,
        client: &Client,
    ) -> Result<Context, BadConfig> {
        Context::with_redis(function, lookup, client, None)
    }

    /// The same with a `redis` that is not read from the names.
    pub fn with_redis(
        function: FunctionKind,
        lookup: impl Fn(&str) -> Option<String>,
        client: &Client,
        redis: Option<&Redis>,
    ) -> Result<Context, BadConfig> {
        let mut context = Context::empty(function);
        let mut reader = Reader::new(lookup);
        for part in function.parts() {
            match part {
                Part::Verifier => context.verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks),
                Part::Branches => {
                    context.branches = Some(Branches::new(client.clone(), reader.text("SYNC_TABLE")));
                }
                Part::Sync => {
                    let table = reader.text("SYNC_TABLE");
                    context.branches = Some(Branches::new(client.clone(), table.clone()));
                    context.sync = SyncContext::read(&mut reader, client, table);
                }
                Part::Accounts => context.accounts = AccountsContext::read(&mut reader, client),
                Part::Carts => {
                    context.carts = Some(CartStore::new(client.clone(), reader.text("CARTS_TABLE")));
                }
                Part::Redis => {
                    let redis = redis.cloned().or_else(|| Redis::read(&mut reader));
                    context.redis = redis.map(RedisContext::new);
                }
                Part::Publisher => context.publisher = Publisher::read(&mut reader),
                Part::Cursors => context.cursor_keys = reader.parsed("CURSOR_KEYS", CursorKeys::parse),
            }
        }
        // A part that could not be read has left a problem in the reader.
        reader.finish(Some(context))
    }

    fn empty(function: FunctionKind) -> Context {
        Context {
            function,
            verifier: None,
            branches: None,
            sync: None,
            accounts: None,
            carts: None,
            redis: None,
            publisher: None,
            cursor_keys: None,
        }
    }

    /// Which function this is.
    pub fn function(&self) -> FunctionKind {
        self.function
    }

    /// Rooms and the rules of syncing.
    pub fn sync(&self) -> Result<&SyncContext, HandlerError> {
        self.part(self.sync.as_ref(), "sync table")
    }

    /// Users and their sessions.
    pub fn accounts(&self) -> Result<&AccountsContext, HandlerError> {
        self.part(self.accounts.as_ref(), "accounts table")
    }

    /// The carts table.
    pub fn carts(&self) -> Result<&CartStore, HandlerError> {
        self.part(self.carts.as_ref(), "carts table")
    }

    /// The cache.
    pub fn cache(&self) -> Result<&Cache, HandlerError> {
        self.part(self.redis.as_ref(), "cache").map(|redis| &redis.cache)
    }

    /// The sessions in Redis.
    pub fn sessions(&self) -> Result<&SessionRegistry, HandlerError> {
        self.part(self.redis.as_ref(), "session registry").map(|redis| &redis.sessions)
    }

    /// Publishes to the edge.
    pub fn publisher(&self) -> Result<&Publisher, HandlerError> {
        self.part(self.publisher.as_ref(), "publisher")
    }

    /// Seal and open the cursors of pulls.
    pub fn cursor_keys(&self) -> Result<&CursorKeys, HandlerError> {
        self.part(self.cursor_keys.as_ref(), "keys of cursors")
    }

    /// The claims of a caller with this access token, if `access` needs any. Every function verifies tokens
    /// itself. Notes the `client` of a valid token, also if its role is refused.
    pub fn caller(
        &self,
        access: Access,
        token: Option<&str>,
        now: Timestamp,
        client: &mut Option<ClientId>,
    ) -> Result<Option<Claims>, HandlerError> {
        let role = match access {
            Access::Public | Access::Signature => return Ok(None),
            Access::Token => None,
            Access::Role(role) => Some(role),
        };
        let verifier = self.part(self.verifier.as_ref(), "token verifier")?;
        let missing = || ApiError::new(ErrorCode::TokenMissing, "The access token is missing.");
        let claims = verifier.verify(token.ok_or_else(missing)?, now)?;
        *client = Some(claims.client_id.clone());
        role.map_or(Ok(()), |role| claims.at_least(role))?;
        Ok(Some(claims))
    }

    /// The caller's own room, or for a super admin the room of the branch `named`, which must exist.
    pub async fn room(
        &self,
        claims: &Claims,
        named: Option<&BranchId>,
        cost: &mut Cost,
    ) -> Result<Room, HandlerError> {
        let room = claims.room_of(named)?;
        self.check_branch(claims, &room, cost).await?;
        Ok(room)
    }

    /// The room of the parameter `branch_id`, as [`Context::room`] finds it.
    pub async fn room_of_request(
        &self,
        request: &FunctionRequest<'_>,
        cost: &mut Cost,
    ) -> Result<Room, HandlerError> {
        self.room(request.claims()?, request.branch()?.as_ref(), cost).await
    }

    /// [`ErrorCode::BranchNotFound`] if a super admin named the branch of `room` and it does not exist. The
    /// branch of every other user was checked when the user was created.
    pub async fn check_branch(
        &self,
        claims: &Claims,
        room: &Room,
        cost: &mut Cost,
    ) -> Result<(), HandlerError> {
        match claims.branch_id {
            Some(_) => Ok(()),
            None => self.part(self.branches.as_ref(), "registry of branches")?.check(room, cost).await,
        }
    }

    fn part<'a, T>(&self, part: Option<&'a T>, name: &'static str) -> Result<&'a T, HandlerError> {
        let missing = || HandlerError::fault(MissingPart { function: self.function.name(), part: name });
        part.ok_or_else(missing)
    }
}

impl SyncContext {
    /// Reads the [`rules`] for the sync table `table`.
    fn read(
        reader: &mut Reader<impl Fn(&str) -> Option<String>>,
        client: &Client,
        table: String,
    ) -> Option<SyncContext> {
        let store = Store::new(client.clone(), table);
        rules::read(reader).map(|rules| SyncContext { store, rules })
    }
}

impl AccountsContext {
    /// Reads `ACCOUNTS_TABLE`, `ACCESS_KEY`, `ACCESS_KID` and `SESSIONS_PER_USER` (default 20).
    fn read(
        reader: &mut Reader<impl Fn(&str) -> Option<String>>,
        client: &Client,
    ) -> Option<AccountsContext> {
        let accounts = Accounts::new(client.clone(), reader.text("ACCOUNTS_TABLE"));
        let kid = reader.text("ACCESS_KID");
        let signer = reader.parsed("ACCESS_KEY", |pem| Signer::new(pem, kid));
        let sessions = reader.parsed_or("SESSIONS_PER_USER", SESSIONS_PER_USER_DEFAULT, sessions);
        let parts = signer.zip(sessions);
        parts.map(|(signer, sessions_per_user)| AccountsContext { accounts, signer, sessions_per_user })
    }
}

impl RedisContext {
    fn new(redis: Redis) -> RedisContext {
        RedisContext { cache: redis.cache(), sessions: SessionRegistry::new(redis) }
    }
}

/// `SESSIONS_PER_USER` is out of range.
#[derive(Debug, thiserror::Error)]
#[error("it must be a number from 1 to {SESSIONS_PER_USER_MAX}")]
struct BadSessions;

fn sessions(text: &str) -> Result<usize, BadSessions> {
    let number = text.parse().map_err(|_| BadSessions)?;
    if (1..=SESSIONS_PER_USER_MAX).contains(&number) { Ok(number) } else { Err(BadSessions) }
}

#[cfg(test)]
mod tests;
