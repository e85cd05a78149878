//! The rules of the simulated tables, written out by hand from `tests/src/sim/tables.toml`.

use protocol::role::Role;

/// How a table settles concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    LastWriter,
    Merge,
    /// Rows never change, but for their states.
    AppendOnly,
    Server,
    Client,
    /// The stored write stays until a person decides.
    Manual,
}

/// The rule of a single member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldRule {
    /// A sum of deltas; with its floor in billionths and what happens below it.
    Additive(Option<(i128, BelowFloor)>),
    /// A state: the initial values and the transitions.
    State(&'static [&'static str], &'static [(&'static str, &'static str)]),
    LastWriter,
    /// In a conflict the stored value wins, without a report.
    Server,
    Client,
}

/// What happens to a sum that falls below its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BelowFloor {
    Reject,
    Clamp,
    /// The sum is stored, and the result has a flag.
    Flag,
}

/// The rules of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableRule {
    /// The policy for members without a rule of their own.
    pub(crate) policy: Policy,
    pub(crate) write: Role,
    /// The lowest role that may read.
    pub read: Role,
    pub(crate) fields: &'static [(&'static str, FieldRule)],
    /// The days of which a snapshot has the changed records; `None` for all records.
    pub window_days: Option<u64>,
}

impl TableRule {
    const fn new(policy: Policy, fields: &'static [(&'static str, FieldRule)]) -> TableRule {
        TableRule { policy, write: Role::Cashier, read: Role::Cashier, fields, window_days: None }
    }

    pub(crate) fn field(&self, name: &str) -> Option<FieldRule> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// Whether `role` may write.
    pub fn may_write(&self, role: Role) -> bool {
        role >= self.write
    }

    /// Whether rows never change.
    pub fn is_append_only(&self) -> bool {
        self.policy == Policy::AppendOnly
    }

    /// Whether a member is a sum.
    pub fn is_additive(&self, name: &str) -> bool {
        matches!(self.field(name), Some(FieldRule::Additive(_)))
    }

    /// Whether a member is a state.
    pub fn is_state(&self, name: &str) -> bool {
        matches!(self.field(name), Some(FieldRule::State(..)))
    }

    pub(crate) fn is_special(&self, name: &str) -> bool {
        self.is_additive(name) || self.is_state(name)
    }

    pub(crate) fn has_special(&self) -> bool {
        self.fields.iter().any(|(name, _)| self.is_special(name))
    }
}

const INVOICE: &[(&str, FieldRule)] = &[(
    "status",
    FieldRule::State(&["draft", "paid"], &[("draft", "paid"), ("draft", "void"), ("paid", "refunded")]),
)];
const PURCHASE: &[(&str, FieldRule)] = &[(
    "status",
    FieldRule::State(&["draft"], &[("draft", "ordered"), ("ordered", "received"), ("ordered", "void")]),
)];
const PRODUCT: &[(&str, FieldRule)] = &[
    ("price", FieldRule::LastWriter),
    ("cost", FieldRule::Server),
    ("note", FieldRule::Client),
    ("stock", FieldRule::Additive(None)),
];
const FLAGGED: &[(&str, FieldRule)] = &[("quantity", FieldRule::Additive(Some((0, BelowFloor::Flag))))];
const CLAMPED: &[(&str, FieldRule)] =
    &[("quantity", FieldRule::Additive(Some((-1_500_000_000, BelowFloor::Clamp))))];
const REJECTED: &[(&str, FieldRule)] = &[("quantity", FieldRule::Additive(Some((0, BelowFloor::Reject))))];

/// The rules of a table. `None` for an unknown table.
pub fn table_rule(table: &str) -> Option<TableRule> {
    let manager = |rule| TableRule { write: Role::Manager, ..rule };
    Some(match table {
        "settings" => TableRule::new(Policy::LastWriter, &[]),
        "products" => TableRule::new(Policy::Merge, PRODUCT),
        "product_stock" => TableRule::new(Policy::LastWriter, FLAGGED),
        "drinks" => TableRule::new(Policy::Merge, CLAMPED),
        "tickets" => TableRule::new(Policy::Client, REJECTED),
        "invoices" => TableRule::new(Policy::AppendOnly, INVOICE),
        "cash_movements" => TableRule { window_days: Some(30), ..TableRule::new(Policy::AppendOnly, &[]) },
        "employee_advances" => {
            TableRule { read: Role::Manager, ..manager(TableRule::new(Policy::AppendOnly, &[])) }
        }
        "purchases" => manager(TableRule::new(Policy::LastWriter, PURCHASE)),
        "payment_methods" => TableRule::new(Policy::Server, &[]),
        "printers" => TableRule { window_days: Some(14), ..TableRule::new(Policy::Client, &[]) },
        "promotions" => TableRule::new(Policy::Manual, &[]),
        "deposits" => manager(TableRule::new(Policy::AppendOnly, &[])),
        "vouchers" => TableRule::new(Policy::LastWriter, &[]),
        _ => return None,
    })
}
