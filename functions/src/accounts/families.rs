//! Families of refresh tokens in the accounts table: the durable truth about sign-ins, independent of Redis.

use auth::limits::SESSION_ENDED_SECS;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;

use super::client_info::ClientInfo;
use super::family::{Family, NewFamily, Presented, Privileges, Token};
use super::family_item::{FAMILY, attributes, to_family};
use super::{Accounts, keys};
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::number;
use crate::dynamo::table::{all_pages, if_condition_held};
use crate::http::error::HandlerError;
use crate::random;

/// Maximum attempts of a refresh that collides with another refresh of the same token.
const ATTEMPTS_MAX: usize = 4;

/// A new or renewed sign-in.
pub struct SignedIn {
    /// The current user: a changed role or branch takes effect at the next refresh.
    pub user: User,
    /// The family.
    pub family: Family,
    /// The next refresh token.
    pub token: String,
}

/// The outcome of a refresh.
pub enum Refreshed {
    /// The token was exchanged.
    Renewed(SignedIn),
    /// The token was used before, so its family is revoked now.
    Reused(Family),
    /// The family has expired or was revoked.
    Over(Family),
}

impl Accounts {
    /// Creates a family for `user`, who has just signed in.
    pub async fn sign_in(&self, user: User, new: NewFamily, now: Timestamp) -> Result<SignedIn, StoreError> {
        let (family, secret) = Family::new(&user, new, &random::bytes(), random::bytes(), now);
        let mut item = attributes(&family);
        item.extend(keys::family(&family.user, &family.id));
        let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        request.send().await?;
        let token = Token { user: &user.id, family: &family.id, secret }.to_string();
        Ok(SignedIn { user, family, token })
    }

    /// Exchanges a refresh token for the next one; a token that was used before revokes its family.
    pub async fn refresh(
        &self,
        token: &str,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<Refreshed, HandlerError> {
        let token = Token::read(token).ok_or_else(invalid)?;
        for _ in 0..ATTEMPTS_MAX {
            let item = self.table.get(keys::family(token.user, token.family), &mut Cost::default()).await?;
            let family = readable(&FAMILY, &item.ok_or_else(invalid)?, to_family)?.ok_or_else(invalid)?;
            // Read before the write, so that a failure here does not use the token up.
            let user = self.user(&family.user).await?.ok_or_else(invalid)?;
            let (user, family, secret) = match family.present(&token.secret, random::bytes(), now) {
                Presented::Over => return Ok(Refreshed::Over(family)),
                Presented::Forged => return Err(invalid().into()),
                Presented::Reused => {
                    let revoked = self.revoke(&family.user, &family.id, now).await?;
                    return Ok(Refreshed::Reused(revoked.unwrap_or(family)));
                }
                // The same response as the first time; later changes take effect at the next refresh.
                Presented::Repeat { secret } => (family.privileges.clone().apply_to(user), family, secret),
                Presented::Rotate { next, secret } => {
                    let next = Family { client: client.clone(), ..*next };
                    let next = next.with_privileges(Privileges::of(&user), random::session_id());
                    if !self.replace(&family, &next).await? {
                        continue;
                    }
                    (user, next, secret)
                }
            };
            let token = Token { secret, ..token }.to_string();
            return Ok(Refreshed::Renewed(SignedIn { token, user, family }));
        }
        Err(ApiError::new(ErrorCode::Busy, "The token is being refreshed elsewhere; try again.").into())
    }

    /// Revokes the family of a refresh token and returns it; `None` if the token was never valid.
    pub async fn sign_out(&self, token: &str, now: Timestamp) -> Result<Option<Family>, StoreError> {
        match Token::read(token) {
            Some(token) if self.family_of(&token).await?.is_some() => {
                self.revoke(token.user, token.family, now).await
            }
            _ => Ok(None),
        }
    }

    /// The family that `token` belongs or belonged to; `None` if the token was never valid.
    pub async fn family_of(&self, token: &Token<'_>) -> Result<Option<Family>, StoreError> {
        let item = self.table.get(keys::family(token.user, token.family), &mut Cost::default()).await?;
        let family = item.map(|item| readable(&FAMILY, &item, to_family)).transpose()?.flatten();
        Ok(family.filter(|family| family.is_own(&token.secret)))
    }

    /// The user's live families, the latest first.
    pub async fn live_families(&self, user: &str, now: Timestamp) -> Result<Vec<Family>, StoreError> {
        let mut families = self.families(user).await?;
        families.retain(|family| family.is_live(now));
        Ok(families)
    }

    /// All families of the user that DynamoDB has not expired yet, the latest first. A damaged one is left
    /// out: its tokens are refused.
    pub async fn families(&self, user: &str) -> Result<Vec<Family>, StoreError> {
        let query = self.table.query_prefix(keys::families(user), keys::FAMILY_PREFIX);
        let items = all_pages(query, &mut Cost::default()).await?;
        let read = |item| readable(&FAMILY, item, to_family);
        let families = items.iter().filter_map(|item| read(item).transpose());
        let mut families: Vec<Family> = families.collect::<Result<_, _>>()?;
        families.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        Ok(families)
    }

    /// Replaces `old` by `next`; `false` if the family has changed meanwhile.
    async fn replace(&self, old: &Family, next: &Family) -> Result<bool, StoreError> {
        let key = keys::family(&next.user, &next.id);
        let request = self.table.rewrite_request(key, &FAMILY, attributes(next));
        let request = request
            .condition_expression("#current = :old AND #revoked = :no")
            .expression_attribute_values(":old", AttributeValue::B(Blob::new(old.current)))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        Ok(if_condition_held(request.send().await, &mut Cost::default())?.is_some())
    }

    /// Revokes a family and returns it, if it exists. The item is kept while access tokens of the family may
    /// be valid.
    pub async fn revoke(
        &self,
        user: &str,
        family: &str,
        now: Timestamp,
    ) -> Result<Option<Family>, StoreError> {
        let ttl = now.plus_secs(SESSION_ENDED_SECS).as_secs();
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(keys::family(user, family)))
            .update_expression("SET revoked = :yes, #ttl = :ttl")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":ttl", number(ttl))
            .return_values(ReturnValue::AllNew);
        let written = if_condition_held(request.send().await, &mut Cost::default())?;
        let written = written.and_then(|written| written.attributes);
        Ok(written.map(|item| readable(&FAMILY, &item, to_family)).transpose()?.flatten())
    }
}

/// The error for a refresh token that is not valid.
pub fn invalid() -> ApiError {
    ApiError::new(ErrorCode::RefreshInvalid, "The refresh token is not valid; sign in again.")
}
