//! The client with the fake service.

mod budget;
mod circuit;
mod repeats;
mod requests;
mod secrets;
mod several;
