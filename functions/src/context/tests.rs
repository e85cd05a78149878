//! Contexts over the environments that template.yaml gives to the functions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::*;

const TEMPLATE: &str = include_str!("../../../template.yaml");
/// The key pair of RFC 8410, section 10.3.
const ACCESS_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----";
const ACCESS_JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"}]}"#;
/// Names that have a default.
const OPTIONAL: [&str; 6] = [
    "LOG_RETENTION_DAYS",
    "MARKER_RETENTION_DAYS",
    "REDIS_PREFIX",
    "SESSIONS_PER_USER",
    "TABLES_FILE",
    "TOMBSTONE_RETENTION_DAYS",
];

fn value(name: &str) -> &'static str {
    match name {
        "ACCESS_JWKS" => ACCESS_JWKS,
        "ACCESS_KEY" => ACCESS_KEY,
        "CACHE_KEYS" | "CURSOR_KEYS" => "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "EDGE_URL" | "UPSTASH_REDIS_REST_URL" => "https://127.0.0.1:1",
        "LOG_RETENTION_DAYS" => "7",
        "MARKER_RETENTION_DAYS" | "TOMBSTONE_RETENTION_DAYS" => "90",
        "SESSIONS_PER_USER" => "20",
        "TABLES_FILE" => "",
        _ => "text",
    }
}

/// The environment variables in one entry of the template.
fn variables(entry: &'static str) -> BTreeSet<&'static str> {
    let name = |line: &'static str| line.trim().split_once(": {").map(|(name, _)| name);
    let is_variable = |name: &&str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    entry.lines().filter_map(name).filter(is_variable).collect()
}

/// The environment of each function's own entry, without the rules that all functions are told.
fn environments() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let entry = |entry: &'static str| {
        let (name, rest) = entry.split_once(" }").unwrap();
        let (own, _) = rest.split_once("\n\n").unwrap();
        (name, variables(own))
    };
    TEMPLATE.split("BuildProperties: { Binary: ").skip(1).map(entry).collect()
}

fn client() -> Client {
    Client::from_conf(crate::start::dynamo_defaults().build())
}

#[test]
fn every_function_starts_with_the_environment_of_its_entry_and_reads_all_of_it() {
    let environments = environments();
    assert_eq!(environments.len(), FunctionKind::all().count());
    for function in FunctionKind::all() {
        let names = &environments[function.name()];
        let read = RefCell::new(BTreeSet::new());
        let lookup = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            names.contains(name).then(|| value(name).to_owned())
        };
        let context = Context::new(function, lookup, &client());
        assert!(context.is_ok(), "{}: {:?}", function.name(), context.err());
        for name in names {
            assert!(read.borrow().contains(*name), "{} does not read {name}", function.name());
        }
    }
}

#[test]
fn every_function_reports_the_name_that_its_environment_lacks() {
    for function in FunctionKind::all() {
        let names = &environments()[function.name()];
        for missing in names.iter().filter(|name| !OPTIONAL.contains(name)) {
            let lookup =
                |name: &str| (names.contains(name) && name != *missing).then(|| value(name).to_owned());
            let error = Context::new(function, lookup, &client()).err().unwrap().to_string();
            assert!(error.ends_with(&format!(": {missing} is not set")), "{}: {error}", function.name());
        }
        let error = Context::new(function, |_| None, &client()).err().unwrap().to_string();
        for name in names.iter().filter(|name| !OPTIONAL.contains(name)) {
            assert!(error.contains(&format!("{name} is not set")), "{}: {error}", function.name());
        }
    }
}

#[test]
fn a_missing_part_is_a_fault_that_names_function_and_part() {
    let lookup = |name: &str| Some(value(name).to_owned());
    let context = Context::new(FunctionKind::CacheMaintenance, lookup, &client()).unwrap();
    assert!(context.cache().is_ok());
    let Err(HandlerError::Fault(cause)) = context.sync() else { panic!("there is a sync table") };
    assert!(cause.to_string().ends_with("the function cache-maintenance has no sync table"), "{cause}");
}

#[test]
fn sessions_per_user_is_a_number_from_1_to_its_maximum() {
    assert_eq!(sessions("1").unwrap(), 1);
    assert_eq!(sessions(&SESSIONS_PER_USER_MAX.to_string()).unwrap(), SESSIONS_PER_USER_MAX);
    for bad in ["0", "-1", "many", &(SESSIONS_PER_USER_MAX + 1).to_string()] {
        assert!(sessions(bad).is_err(), "{bad}");
    }
}
