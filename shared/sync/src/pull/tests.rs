mod branches;
mod log;
mod plan;
mod query;
mod shop;
mod walk;
