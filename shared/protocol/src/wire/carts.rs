//! `GET`, `PUT` and `DELETE /api/carts/{id}`.

use serde::{Deserialize, Serialize};

use crate::ids::CartId;
use crate::json::JsonText;
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The body of a `PUT`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `data`")]
pub struct PutCart {
    /// What is in the cart: any JSON object of at most 64 KiB, which replaces what was there.
    pub data: JsonText,
    /// The change that the caller has seen: this one comes after it, whatever clocks say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_stamp: Option<Stamp>,
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CartResponse {
    /// Its id, as the caller chose it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: CartId,
    /// Its last change: grows with each.
    pub stamp: Stamp,
    /// What is in it, as it was sent.
    pub data: JsonText,
    /// When it was changed.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}

/// The answer to a `PUT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CartWritten {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: CartId,
    /// The change that was made.
    pub stamp: Stamp,
    /// When.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}
