//! The sync rules of a deployment: read from optional environment variables, and listed for a client.

use std::path::Path;

use config::Reader;
use protocol::timestamp::DAY_SECS;
use protocol::wire::stats::{MemberRule, TableInfo, TablesResponse};
use sync::policy::{FieldPolicy, FieldRule, REPAIR_ROLE};
use sync::rules::{Retention, SyncRules};
use sync::tables::{ReadTablesError, Table, Tables};

use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Why the file of tables cannot be used.
#[derive(Debug, thiserror::Error)]
enum TablesFileError {
    /// It is missing or unreadable.
    #[error("failed to read the file: {0}")]
    File(#[from] std::io::Error),
    /// Its content is invalid.
    #[error(transparent)]
    Tables(#[from] ReadTablesError),
}

/// Reads `TABLES_FILE` (a path; default: the built-in tables), `LOG_RETENTION_DAYS`, `MARKER_RETENTION_DAYS`
/// and `TOMBSTONE_RETENTION_DAYS` (numbers).
pub fn read(reader: &mut Reader<impl Fn(&str) -> Option<String>>) -> Option<SyncRules> {
    let built_in = reader.checked("the built-in tables", Tables::built_in());
    let tables =
        reader.parsed_or("TABLES_FILE", built_in, |path| tables(Path::new(path)).map(Some)).flatten();
    let default = Retention::default();
    let mut secs = |name, default| reader.parsed_or(name, default, secs_of_days);
    let log = secs("LOG_RETENTION_DAYS", default.log_secs());
    let marker = secs("MARKER_RETENTION_DAYS", default.marker_secs());
    let tombstone = secs("TOMBSTONE_RETENTION_DAYS", default.tombstone_secs());
    let ((log, marker), tombstone) = log.zip(marker).zip(tombstone)?;
    let retention = reader.checked("the retention", Retention::new(log, marker, tombstone));
    tables.zip(retention).map(|(tables, retention)| SyncRules { tables, retention })
}

fn tables(path: &Path) -> Result<Tables, TablesFileError> {
    Ok(Tables::parse(&std::fs::read_to_string(path)?)?)
}

fn secs_of_days(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse::<u32>().map(|days| u64::from(days) * DAY_SECS)
}

/// `GET /api/sync/tables`: the tables that the caller's role may read.
pub fn list_tables(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (tables, role) = (&context.sync()?.rules.tables, request.claims()?.role);
    let readable = tables.names().filter(|name| tables.may_read(name, role));
    let tables = readable.filter_map(|name| Some(table_info(name, tables.get(name)?))).collect();
    HandlerResponse::json(&TablesResponse { tables })
}

fn table_info(name: &str, table: &Table) -> TableInfo {
    let members = table.fields.iter().map(|(name, rule)| (name.clone(), member_rule(rule)));
    TableInfo {
        table_name: name.to_owned(),
        policy: table.policy.as_str().to_owned(),
        read: table.read,
        write: table.write,
        window_days: table.window_days,
        members: members.collect(),
    }
}

fn member_rule(rule: &FieldRule) -> MemberRule {
    match rule {
        FieldRule::Additive(floor) => MemberRule::Additive {
            floor: floor.map(|floor| floor.at.to_string()),
            below: floor.map(|floor| floor.below.as_str().to_owned()),
            repair: REPAIR_ROLE,
        },
        FieldRule::State(states) => MemberRule::State {
            initial: states.initial().clone(),
            transitions: states.transitions().clone(),
            repair: REPAIR_ROLE,
        },
        FieldRule::Settled(FieldPolicy::LastWriterWins) => MemberRule::LastWriterWins,
        FieldRule::Settled(FieldPolicy::ServerWins) => MemberRule::ServerWins,
        FieldRule::Settled(FieldPolicy::ClientWins) => MemberRule::ClientWins,
    }
}

#[cfg(test)]
mod tests {
    use config::BadConfig;

    use super::*;

    fn read_from(values: &[(&str, &str)]) -> Result<SyncRules, BadConfig> {
        let find = |name: &str| values.iter().find(|(known, _)| *known == name);
        let mut reader = Reader::new(|name| find(name).map(|(_, value)| (*value).to_owned()));
        let rules = read(&mut reader);
        reader.finish(rules)
    }

    #[test]
    fn unset_variables_have_defaults() {
        let built_in = SyncRules { tables: Tables::built_in().unwrap(), retention: Retention::default() };
        assert_eq!(read_from(&[]).unwrap(), built_in);
        assert_eq!(read_from(&[("TABLES_FILE", ""), ("LOG_RETENTION_DAYS", "7")]).unwrap(), built_in);
        let longer = read_from(&[("LOG_RETENTION_DAYS", "30")]).unwrap();
        assert_eq!(longer.retention.log_secs(), 30 * DAY_SECS);
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let values = [
            ("TABLES_FILE", "/nowhere/tables.toml"),
            ("LOG_RETENTION_DAYS", "a week"),
            ("MARKER_RETENTION_DAYS", "-1"),
        ];
        let error = read_from(&values).unwrap_err().to_string();
        for (name, _) in values {
            assert!(error.contains(&format!("{name} is wrong")), "{error}");
        }
        let error = read_from(&[("LOG_RETENTION_DAYS", "90")]).unwrap_err().to_string();
        assert!(error.contains("tombstones must be kept longer"), "{error}");
    }

    #[test]
    fn a_file_of_tables_is_read_and_a_bad_file_is_refused_with_its_line() {
        let path = std::env::temp_dir().join(format!("tillsync-tables-{}.toml", std::process::id()));
        let name = path.to_str().unwrap();
        std::fs::write(&path, "[parrots]\npolicy = \"append-only\"\n").unwrap();
        let rules = read_from(&[("TABLES_FILE", name)]);
        std::fs::write(&path, "[parrots]\npolicy = \"best\"\n").unwrap();
        let error = read_from(&[("TABLES_FILE", name)]).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(rules.unwrap().tables.names().collect::<Vec<_>>(), ["parrots"]);
        assert!(error.contains("TABLES_FILE is wrong") && error.contains("line 2"), "{error}");
    }
}
