//! Tables, converted to `CreateTable` requests.

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::UpdateTimeToLiveRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Resource, TemplateError};

/// A table of the template.
#[derive(Debug)]
pub struct Table {
    /// Its logical id, which is also its name on this machine.
    pub name: String,
    properties: Properties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    // CloudFormation and `CreateTable` agree on these, so they pass through unread; dynoxide validates them.
    key_schema: Value,
    attribute_definitions: Value,
    billing_mode: Value,
    #[serde(default)]
    stream_specification: Option<Stream>,
    #[serde(default)]
    time_to_live_specification: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    stream_view_type: String,
}

impl Table {
    pub(super) fn read(id: &str, resource: &Resource) -> Result<Table, TemplateError> {
        Ok(Table { name: id.to_owned(), properties: resource.properties(id)? })
    }

    /// The request that creates the table.
    pub fn create(&self) -> Result<CreateTableRequest, TemplateError> {
        let Properties { key_schema, attribute_definitions, billing_mode, .. } = &self.properties;
        let mut request = json!({
            "TableName": self.name,
            "KeySchema": key_schema,
            "AttributeDefinitions": attribute_definitions,
            "BillingMode": billing_mode,
        });
        if let (Some(stream), Value::Object(members)) = (&self.properties.stream_specification, &mut request)
        {
            // CloudFormation has no `StreamEnabled`.
            let specification = json!({ "StreamEnabled": true, "StreamViewType": stream.stream_view_type });
            members.insert("StreamSpecification".into(), specification);
        }
        serde_json::from_value(request).map_err(|error| TemplateError::resource(&self.name, error))
    }

    /// The request that enables its expiry, if it has one.
    pub fn expire(&self) -> Result<Option<UpdateTimeToLiveRequest>, TemplateError> {
        let Some(specification) = &self.properties.time_to_live_specification else { return Ok(None) };
        let request = json!({ "TableName": self.name, "TimeToLiveSpecification": specification });
        serde_json::from_value(request).map(Some).map_err(|error| TemplateError::resource(&self.name, error))
    }
}
