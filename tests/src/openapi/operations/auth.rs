//! Signing in and out.

use protocol::error::ErrorCode;
use protocol::wire::auth::{Login, Me, Refresh, Session};

use super::super::operation::{Body, Operation};
use super::super::schemas::{Shape, answer, request};

pub(super) fn operations() -> [Operation; 4] {
    let post = |path, name, summary, body, answer, codes: &'static [ErrorCode]| Operation {
        method: "POST",
        path,
        name,
        summary,
        token: false,
        body: Some(body),
        answers: vec![answer],
        codes,
        ..Operation::default()
    };
    let session = (200, Some(answer::<Session> as Shape));
    let login = Body { shape: request::<Login>, optional: false };
    let refresh = Body { shape: request::<Refresh>, optional: false };
    [
        post("/api/auth/login", "login", "Signs in.", login, session, &[ErrorCode::BadCredentials]),
        post(
            "/api/auth/refresh",
            "refresh",
            "Trades the refresh token for a new session.",
            refresh,
            session,
            &[ErrorCode::RefreshInvalid, ErrorCode::RefreshReused],
        ),
        post("/api/auth/logout", "logout", "Ends the sign-in.", refresh, (204, None), &[]),
        Operation {
            method: "GET",
            path: "/api/auth/me",
            name: "me",
            summary: "Who is signed in.",
            token: true,
            answers: vec![(200, Some(answer::<Me>))],
            codes: &[],
            cached: true,
            ..Operation::default()
        },
    ]
}
