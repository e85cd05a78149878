//! Sign-ins: families of refresh tokens in the accounts table. What is here is durable, and true whatever happens to
//! Redis.

use auth::limits::SESSION_ENDED_SECS;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;

use super::family::{Begin, Family, Presented, Privileges, SecretBytes, Token, surplus};
use super::family_item::{to_family, to_item};
use super::{Accounts, key_attributes, keys};
use crate::http::HandlerError;
use crate::random;
use crate::store::error::StoreError;
use crate::store::item::{Item, number};

use super::origin::Origin;

/// How often a refresh that met another one of the same token looks again.
const ATTEMPTS_MAX: usize = 4;

/// A sign-in that goes on.
pub struct SignedIn {
    /// The user as of now, so that a changed role or branch counts from the next refresh on.
    pub user: User,
    /// The sign-in.
    pub family: Family,
    /// The refresh token to go on with.
    pub token: String,
}

/// What a refresh comes to.
pub enum Refreshed {
    /// It went through.
    On(SignedIn),
    /// The token was used before: its family is revoked now.
    Reused(Family),
    /// The family is over.
    Dead(Family),
}

impl Accounts {
    /// Starts a family for `user`, who has just signed in.
    pub async fn sign_in(&self, user: User, begin: Begin, now: Timestamp) -> Result<SignedIn, StoreError> {
        let secret: SecretBytes = random::bytes();
        let family = Family::new(&user, begin, &secret, now);
        let request = self.client.put_item().table_name(&self.table).set_item(Some(to_item(&family)));
        request.send().await?;
        let token = Token { user: &user.id, family: &family.id, secret }.to_string();
        Ok(SignedIn { user, family, token })
    }

    /// Exchanges a refresh token for the next one; a token that was used before revokes its family.
    pub async fn refresh(
        &self,
        token: &str,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Refreshed, HandlerError> {
        let token = Token::read(token).ok_or_else(invalid)?;
        for _ in 0..ATTEMPTS_MAX {
            let item = self.get(keys::family(token.user, token.family)).await?;
            let family = to_family(&item.ok_or_else(invalid)?)?;
            // Before anything is written: a refresh that fails here has not used the token up.
            let user = self.user(&family.user).await?.ok_or_else(invalid)?;
            let (user, family, secret) = match family.present(&token.secret, random::bytes(), now) {
                Presented::Dead => return Ok(Refreshed::Dead(family)),
                Presented::Reused => {
                    let revoked = self.revoke(&family.user, &family.id, now).await?;
                    return Ok(Refreshed::Reused(revoked.unwrap_or(family)));
                }
                // As it was answered the first time; what has changed since counts from the next refresh on.
                Presented::Again { secret } => (family.privileges.clone().of_user(user), family, secret),
                Presented::Rotate { next, secret } => {
                    let next = Family { origin: origin.clone(), ..*next };
                    let next = next.with_privileges(Privileges::of(&user), random::session_id());
                    if !self.replace(&family, &next).await? {
                        continue;
                    }
                    (user, next, secret)
                }
            };
            let token = Token { secret, ..token }.to_string();
            return Ok(Refreshed::On(SignedIn { token, user, family }));
        }
        Err(ApiError::new(ErrorCode::Busy, "The token is being refreshed elsewhere; try again.").into())
    }

    /// Ends the sign-in that a refresh token belongs to; the family, if there is one.
    pub async fn sign_out(&self, token: &str, now: Timestamp) -> Result<Option<Family>, StoreError> {
        match Token::read(token) {
            Some(Token { user, family, .. }) => self.revoke(user, family, now).await,
            None => Ok(None),
        }
    }

    /// The user's sign-ins that can go on, the latest first.
    pub async fn sign_ins(&self, user: &str, now: Timestamp) -> Result<Vec<Family>, StoreError> {
        let mut families = self.families(user).await?;
        families.retain(|family| family.is_live(now));
        Ok(families)
    }

    /// All of the user's sign-ins that DynamoDB has not removed yet, the latest first.
    pub async fn families(&self, user: &str) -> Result<Vec<Family>, StoreError> {
        let [pk, _] = keys::family(user, "");
        let mut families = Vec::new();
        let mut from: Option<Item> = None;
        // One page as a rule: a user has at most a few hundred, of a few hundred bytes each, and those that are over are
        // removed soon.
        loop {
            let request = self.client.query().table_name(&self.table).consistent_read(true);
            let request = request
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", AttributeValue::S(pk.clone()))
                .expression_attribute_values(":prefix", AttributeValue::S(keys::FAMILY_PREFIX.to_owned()));
            let page = request.set_exclusive_start_key(from).send().await?;
            for item in page.items() {
                families.push(to_family(item)?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        families.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        Ok(families)
    }

    /// Those of the user's sign-ins that are more than `most`. To be looked at after a new one was written, so that two at
    /// once find the same ones to end.
    pub async fn surplus(&self, user: &str, most: usize, now: Timestamp) -> Result<Vec<Family>, StoreError> {
        Ok(surplus(self.sign_ins(user, now).await?, most))
    }

    /// Whether the family was still `old` and is now `next`.
    async fn replace(&self, old: &Family, next: &Family) -> Result<bool, StoreError> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(to_item(next)));
        let request = request
            .condition_expression("#current = :current AND revoked = :no")
            .expression_attribute_names("#current", "current")
            .expression_attribute_values(":current", AttributeValue::B(Blob::new(old.current)))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        Ok(unless_lost(request.send().await)?.is_some())
    }

    /// Ends a sign-in, if there is one: none of its refresh tokens works any more. It is kept for as long as its access
    /// tokens may live; the family as it is then.
    pub async fn revoke(
        &self,
        user: &str,
        family: &str,
        now: Timestamp,
    ) -> Result<Option<Family>, StoreError> {
        let ttl = now.plus_secs(SESSION_ENDED_SECS).as_secs();
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .set_key(Some(key_attributes(keys::family(user, family))))
            .update_expression("SET revoked = :yes, #ttl = :ttl")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":ttl", number(ttl))
            .return_values(ReturnValue::AllNew);
        let written = unless_lost(request.send().await)?;
        written.and_then(|written| written.attributes).as_ref().map(to_family).transpose()
    }
}

/// The refresh token is worth nothing.
pub fn invalid() -> ApiError {
    ApiError::new(ErrorCode::RefreshInvalid, "The refresh token is not valid; sign in again.")
}

/// What a conditional write came to; none, if its condition failed.
fn unless_lost<T, E>(result: Result<T, SdkError<E>>) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
