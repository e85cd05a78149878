//! `GET`, `PUT` and `DELETE /api/carts/{id}`.

use serde::{Deserialize, Serialize};

use crate::ids::CartId;
use crate::json::{JsonText, integer};
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The body of a `PUT`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `data`")]
pub struct PutCartRequest {
    /// The content: any JSON object of at most 64 KiB; replaces the old content.
    pub data: JsonText,
    /// The stamp of the last change that the caller saw. This change is ordered after it, whatever the clocks
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "integer::optional_stamp")]
    pub after_stamp: Option<Stamp>,
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CartResponse {
    /// The id, chosen by the caller.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: CartId,
    /// The stamp of the last change; increases with every change.
    pub stamp: Stamp,
    /// The content as it was sent.
    pub data: JsonText,
    /// The time of the last change.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}

/// The response to a `PUT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PutCartResponse {
    /// The id.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: CartId,
    /// The stamp of the change.
    pub stamp: Stamp,
    /// The time of the change.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}
