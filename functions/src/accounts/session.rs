//! Sign-ins: families of refresh tokens in the accounts table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::auth::User;
use shared::tenant::DeviceId;

use super::family::{Family, Presented, SecretBytes, read_token, write_token};
use super::{Accounts, key_attributes, keys};
use crate::http::Failed;
use crate::random;
use crate::store::error::StoreError;
use crate::store::item::{Item, as_number, as_text, get, number};

/// How often a refresh that met another one of the same token looks again.
const ATTEMPTS_MAX: usize = 4;

/// A refresh that went through.
pub struct Refreshed {
    /// The user as of now, so that a changed role or branch counts from the next refresh on.
    pub user: User,
    /// The device that the family is bound to.
    pub device: Option<DeviceId>,
    /// The next refresh token.
    pub token: String,
}

impl Accounts {
    /// Starts a family for a user that has just signed in; its first refresh token.
    pub async fn sign_in(
        &self,
        user: &str,
        device: Option<DeviceId>,
        now: Micros,
    ) -> Result<String, StoreError> {
        let secret: SecretBytes = random::bytes();
        let family = Family::new(random::token::<16>(), user.to_owned(), device, &secret, now);
        let request = self.client.put_item().table_name(&self.table).set_item(Some(to_item(&family)));
        request.send().await?;
        Ok(write_token(&family.id, &secret))
    }

    /// Exchanges a refresh token for the next one; a token that was used before revokes its family.
    pub async fn refresh(&self, token: &str, now: Micros) -> Result<Refreshed, Failed> {
        let invalid = || Refusal::new(Code::RefreshInvalid, "The refresh token is not valid; sign in again.");
        let (id, secret) = read_token(token).ok_or_else(invalid)?;
        for _ in 0..ATTEMPTS_MAX {
            let item = self.get(keys::family(id)).await?;
            let family = to_family(&item.ok_or_else(invalid)?)?;
            // Before anything is written: a refresh that fails here has not used the token up.
            let user = self.user(&family.user).await?.ok_or_else(invalid)?;
            let secret = match family.present(&secret, random::bytes(), now) {
                Presented::Dead => return Err(invalid().into()),
                Presented::Reused => {
                    self.revoke(id).await?;
                    let message = "The refresh token was used before, so every token of this sign-in is revoked; sign in again.";
                    return Err(Refusal::new(Code::RefreshReused, message).into());
                }
                Presented::Again { secret } => secret,
                Presented::Rotate { next, secret } => {
                    if !self.replace(&family, &next).await? {
                        continue;
                    }
                    secret
                }
            };
            return Ok(Refreshed { token: write_token(id, &secret), user, device: family.device });
        }
        Err(Refusal::new(Code::Busy, "The token is being refreshed elsewhere; try again.").into())
    }

    /// Ends the sign-in that a refresh token belongs to, if there is one.
    pub async fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        match read_token(token) {
            Some((id, _)) => self.revoke(id).await,
            None => Ok(()),
        }
    }

    /// Whether the family was still `old` and is now `next`.
    async fn replace(&self, old: &Family, next: &Family) -> Result<bool, StoreError> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(to_item(next)));
        let request = request
            .condition_expression("#current = :current AND revoked = :no")
            .expression_attribute_names("#current", "current")
            .expression_attribute_values(":current", AttributeValue::B(Blob::new(old.current)))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        unless_lost(request.send().await.map(|_| ()))
    }

    async fn revoke(&self, id: &str) -> Result<(), StoreError> {
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .set_key(Some(key_attributes(keys::family(id))))
            .update_expression("SET revoked = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        unless_lost(request.send().await.map(|_| ())).map(|_| ())
    }
}

/// Whether a conditional write went through; false if its condition failed.
fn unless_lost<E>(result: Result<(), SdkError<E>>) -> Result<bool, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn to_item(family: &Family) -> Item {
    let mut item = key_attributes(keys::family(&family.id));
    let mut put = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
    put("id", AttributeValue::S(family.id.clone()));
    put("user", AttributeValue::S(family.user.clone()));
    put("current", AttributeValue::B(Blob::new(family.current)));
    put("salt", AttributeValue::B(Blob::new(family.salt)));
    put("rotated_at", number(family.rotated_at.0));
    put("ttl", number(family.expires_at.as_secs()));
    put("revoked", AttributeValue::Bool(family.revoked));
    if let Some(previous) = family.previous {
        put("previous", AttributeValue::B(Blob::new(previous)));
    }
    if let Some(device) = &family.device {
        put("device", AttributeValue::S(device.to_string()));
    }
    item
}

fn as_hash(value: &AttributeValue) -> Option<[u8; 32]> {
    value.as_b().ok()?.as_ref().try_into().ok()
}

fn to_family(item: &Item) -> Result<Family, StoreError> {
    let device = item.get("device").map(|_| get(item, "device", |value| as_text(value)?.parse().ok()));
    let previous = item.get("previous").map(|_| get(item, "previous", as_hash));
    Ok(Family {
        id: get(item, "id", as_text)?.clone(),
        user: get(item, "user", as_text)?.clone(),
        device: device.transpose()?,
        current: get(item, "current", as_hash)?,
        previous: previous.transpose()?,
        salt: get(item, "salt", as_hash)?,
        rotated_at: Micros(get(item, "rotated_at", as_number)?),
        expires_at: Micros(0).plus_secs(get(item, "ttl", as_number)?),
        revoked: get(item, "revoked", |value| value.as_bool().ok().copied())?,
    })
}
