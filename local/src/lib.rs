//! The whole stack on one machine: the real worker in workerd, the real function handlers, DynamoDB with its
//! stream. `tillsync-local dev` runs it for developers; tests run it in their own process.
//!
//! Nothing here knows a rule of syncing. It replaces the services of a deployment (Lambda, IAM, DynamoDB
//! Streams, Cloudflare) and is as strict as they are: roles, environments, tables and event filters come from
//! the real `template.yaml`, and calls to functions are signed. In reading order:

// The stack as a whole.
pub mod stack;

// The deployment's template.
pub mod template;

// The parts.
pub mod dynamo;
pub mod edge;
mod fault_plan;
pub mod function_host;
pub mod handlers;
pub mod redis;
pub mod stream;
pub mod telemetry;

// The files of a stack.
pub mod data_dir;
pub mod dev_file;
pub mod keys;
pub mod known_user;
pub mod private_file;

// The program.
pub mod branch;
pub mod command_line;
pub mod dev;
pub mod report;
pub mod user;
