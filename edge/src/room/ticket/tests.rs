use super::super::socket_state::tests::{NOW, connect_request};
use super::*;

const ALL: FrameOptions = FrameOptions { batched: true, own: true, branch: None };
const SECRET: &str = "00112233445566778899aabbccddeeff";

fn id() -> TicketId {
    TicketId { expires_at_secs: NOW.as_secs() + 30, secret: SECRET.into() }
}

fn redemption() -> Redemption {
    let (id, device) = (id(), connect_request().device);
    Redemption { id, device, origin: Some("https://shop.example".into()), options: ALL }
}

fn kept() -> KeptTicket {
    KeptTicket { connect: connect_request(), origin: Some("https://shop.example".into()) }
}

#[test]
fn a_ticket_has_128_random_bits_and_expires_at_a_whole_second() {
    let (one, two) = (TicketId::new(NOW).unwrap(), TicketId::new(NOW).unwrap());
    assert_eq!((hex::decode(&one.secret).unwrap().len(), one.expires_at().as_secs()), (16, NOW.as_secs()));
    assert_ne!(one, two);
    assert_eq!(format!("{one:?}"), "TicketId(…)");
}

#[test]
fn only_the_one_spelling_of_a_ticket_is_read() {
    let (id, secs) = (id(), NOW.as_secs() + 30);
    let ticket = text("0a1b", &id.to_string());
    assert_eq!(ticket, format!("0a1b.{secs}.{SECRET}"));
    assert_eq!(parse(&ticket), Some(("0a1b", id)));
    let long = format!("0a1b.{secs}.{SECRET}0");
    let upper = format!("0a1b.{secs}.{}", SECRET.to_uppercase());
    let padded = format!("0a1b.0{secs}.{SECRET}");
    let signed = format!("0a1b.+{secs}.{SECRET}");
    for bad in ["", "0a1b", "0a1b.1", "0a1b.1.", "..", &long, &upper, &padded, &signed] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

#[test]
fn the_stored_name_sorts_by_expiry_and_hides_the_secret() {
    let sooner = TicketId { expires_at_secs: 999_999_999, ..id() };
    assert!(sooner.stored_name() < id().stored_name());
    assert!(!id().stored_name().contains(SECRET));
}

#[test]
fn a_ticket_connects_its_device_from_its_page_as_the_socket_asks() {
    let connected = redemption().connection(kept()).unwrap();
    assert_eq!(connected, ConnectRequest { options: ALL, ..connect_request() });
    for other in [
        Redemption { device: "another".parse().unwrap(), ..redemption() },
        Redemption { origin: Some("https://evil.example".into()), ..redemption() },
        Redemption { origin: None, ..redemption() },
    ] {
        assert_eq!(other.connection(kept()), None);
    }
    let named = |branch: &str| FrameOptions { branch: Some(branch.parse().unwrap()), ..ALL };
    assert!(Redemption { options: named("2"), ..redemption() }.connection(kept()).is_some());
    assert_eq!(Redemption { options: named("3"), ..redemption() }.connection(kept()), None);
    let outside = Redemption { origin: None, ..redemption() };
    assert!(outside.connection(KeptTicket { origin: None, ..kept() }).is_some());
}

#[test]
fn calls_survive_encoding() {
    for call in [
        TicketCall::Issue(kept()),
        TicketCall::Issue(KeptTicket { origin: None, ..kept() }),
        TicketCall::Redeem(redemption()),
        TicketCall::Redeem(Redemption { origin: None, options: FrameOptions::default(), ..redemption() }),
    ] {
        let target = call.target();
        let (path, url_query) = target.split_once('?').unwrap();
        assert_eq!(TicketCall::parse(path, url_query), Some(call));
    }
    for (path, url_query) in [(ISSUE, ""), (REDEEM, "ticket=1&device=d"), ("/ticket", "")] {
        assert_eq!(TicketCall::parse(path, url_query), None, "{path}");
    }
}
