//! Carts.

use protocol::error::ErrorCode;
use protocol::wire::carts::{CartResponse, CartWritten, PutCart};

use super::super::operation::{Body, Operation};
use super::super::schemas::{answer, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 3] {
    let cart = |method, name, summary| Operation {
        method,
        path: "/api/carts/{id}",
        name,
        summary,
        parameters: parameters::CART,
        codes: &[ErrorCode::BranchRequired, ErrorCode::BranchForbidden],
        costs: true,
        ..Operation::default()
    };
    [
        Operation {
            answers: vec![(200, Some(answer::<CartResponse>))],
            codes: &[
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::BadMin,
                ErrorCode::CartNotFound,
            ],
            parameters: parameters::CART_TO_READ,
            cached: true,
            ..cart("GET", "cart", "A cart.")
        },
        Operation {
            body: Some(Body { shape: request::<PutCart>, optional: false }),
            answers: vec![(200, Some(answer::<CartWritten>))],
            ..cart("PUT", "putCart", "Replaces what is in a cart, or begins one.")
        },
        Operation { answers: vec![(204, None)], ..cart("DELETE", "deleteCart", "Removes a cart.") },
    ]
}
