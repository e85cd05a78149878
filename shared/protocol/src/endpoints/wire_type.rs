//! The types of bodies and frames, as rows of the table of endpoints name them.

/// A type of the wire. It carries the type's JSON Schema where the feature `schema` is on, and nothing
/// elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct WireType {
    /// Adds the type's schema to those of a document, and refers to it.
    #[cfg(feature = "schema")]
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// A type with a JSON Schema, where the feature `schema` is on; any type elsewhere.
#[cfg(feature = "schema")]
pub trait Described: schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Described for T {}

/// A type with a JSON Schema, where the feature `schema` is on; any type elsewhere.
#[cfg(not(feature = "schema"))]
pub trait Described {}
#[cfg(not(feature = "schema"))]
impl<T> Described for T {}

impl WireType {
    /// The type `T`.
    pub const fn of<T: Described>() -> WireType {
        WireType {
            #[cfg(feature = "schema")]
            schema: schemars::SchemaGenerator::subschema_for::<T>,
        }
    }
}
