//! The whole street on one machine: the real worker in workerd, the real function handlers, DynamoDB with
//! its stream. `tillsync-local dev` runs it for people, the tests run it in their own process.
//!
//! Nothing here knows a rule of syncing. It stands in for what is bought elsewhere (Lambda, IAM, DynamoDB
//! Streams, Cloudflare) and is as strict as they are: roles, environment names, tables and the event filter
//! come from the real `template.yaml`, calls to functions are signed. In reading order:

// All of it, started and stopped.
pub mod stack;

// What the deployment says.
pub mod template;

// The parts.
pub mod clock;
pub mod dynamo;
pub mod edge;
pub mod function_host;
pub mod handlers;
pub mod redis;
pub mod stream;

// What a stack keeps.
pub mod data_dir;
pub mod dev_file;
pub mod keys;
pub mod known_user;
pub mod private_file;
mod project;

// The program.
pub mod command_line;
pub mod dev;
pub mod report;
pub mod user;
