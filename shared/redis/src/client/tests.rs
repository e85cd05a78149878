//! The client over a scripted service.

mod budget;
mod circuit;
mod repeats;
mod requests;
mod secrets;
mod several;
