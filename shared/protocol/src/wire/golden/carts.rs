use super::{data, text};
use crate::stamp::Stamp;
use crate::wire::carts::{CartResponse, CartWritten, PutCart};

const AT: &str = "2025-12-07T10:30:01.000123Z";

#[test]
fn a_cart_that_is_put() {
    let put = PutCart { data: data(r#"{"price":1.10}"#), after_stamp: Some(Stamp(7)) };
    assert_eq!(text(&put), r#"{"data":{"price":1.10},"after_stamp":7}"#);
    let first = PutCart { after_stamp: None, ..put };
    assert_eq!(text(&first), r#"{"data":{"price":1.10}}"#);
}

#[test]
fn a_cart_and_what_became_of_it() {
    let (id, stamp) = ("c-1".parse().unwrap(), Stamp(1_765_103_401_000_123));
    let cart = CartResponse { id, stamp, data: data(r#"{"price":1.10}"#), server_updated_at: AT.into() };
    assert_eq!(
        text(&cart),
        r#"{"id":"c-1","stamp":1765103401000123,"data":{"price":1.10},"server_updated_at":"2025-12-07T10:30:01.000123Z"}"#
    );
    let written = CartWritten { id: cart.id, stamp, server_updated_at: AT.into() };
    assert_eq!(
        text(&written),
        r#"{"id":"c-1","stamp":1765103401000123,"server_updated_at":"2025-12-07T10:30:01.000123Z"}"#
    );
}
