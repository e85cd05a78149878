//! The rules of the simulated tables, as somebody read them in `tables.toml`.

use protocol::role::Role;

/// How concurrent writes to a table are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The later one stays.
    LastWriter,
    /// Member by member.
    Merge,
    /// There are none: rows stay as they are.
    AppendOnly,
    /// The first one stays.
    Server,
    /// The last one stays.
    Client,
    /// The first one stays for now.
    Manual,
}

/// A member with a rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A sum; its floor in billionths and what happens below it.
    Additive(Option<(i128, Below)>),
    /// A state: how it may begin, and the steps it may take.
    State(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// In a conflict the later write's value stays.
    LastWriter,
    /// In a conflict the server's value stays, and nobody is told.
    Server,
    /// In a conflict the write's value is taken.
    Client,
}

/// What happens to a sum that falls below its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// The record is rejected.
    Reject,
    /// The floor is stored.
    Clamp,
    /// The sum is stored and flagged.
    Flag,
}

/// A table's rules.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// For what has no rule of its own.
    pub policy: Policy,
    /// The least role that writes.
    pub write: Role,
    /// The least role that reads.
    pub read: Role,
    /// Members with a rule of their own.
    pub fields: &'static [(&'static str, Field)],
}

impl Rule {
    const fn plain(policy: Policy) -> Rule {
        Rule { policy, write: Role::Cashier, read: Role::Cashier, fields: &[] }
    }

    const fn with(policy: Policy, fields: &'static [(&'static str, Field)]) -> Rule {
        Rule { policy, write: Role::Cashier, read: Role::Cashier, fields }
    }

    /// The rule of a member.
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// Whether rows stay as they are.
    pub fn is_append_only(&self) -> bool {
        self.policy == Policy::AppendOnly
    }

    /// Whether a member is a sum.
    pub fn is_additive(&self, name: &str) -> bool {
        matches!(self.field(name), Some(Field::Additive(_)))
    }

    /// Whether a member is a state.
    pub fn is_state(&self, name: &str) -> bool {
        matches!(self.field(name), Some(Field::State(..)))
    }
}

const INVOICE: &[(&str, Field)] = &[(
    "status",
    Field::State(&["draft", "paid"], &[("draft", "paid"), ("draft", "void"), ("paid", "refunded")]),
)];
const PURCHASE: &[(&str, Field)] = &[(
    "status",
    Field::State(&["draft"], &[("draft", "ordered"), ("ordered", "received"), ("ordered", "void")]),
)];
const PRODUCT: &[(&str, Field)] = &[
    ("price", Field::LastWriter),
    ("cost", Field::Server),
    ("note", Field::Client),
    ("stock", Field::Additive(None)),
];
const FLAGGED: &[(&str, Field)] = &[("quantity", Field::Additive(Some((0, Below::Flag))))];
const CLAMPED: &[(&str, Field)] = &[("quantity", Field::Additive(Some((-1_500_000_000, Below::Clamp))))];
const REJECTED: &[(&str, Field)] = &[("quantity", Field::Additive(Some((0, Below::Reject))))];

/// The rules of a table; none if there is no such table.
pub fn rule(table: &str) -> Option<Rule> {
    Some(match table {
        "settings" => Rule::plain(Policy::LastWriter),
        "products" => Rule::with(Policy::Merge, PRODUCT),
        "product_stock" => Rule::with(Policy::LastWriter, FLAGGED),
        "drinks" => Rule::with(Policy::Merge, CLAMPED),
        "tickets" => Rule::with(Policy::Client, REJECTED),
        "invoices" => Rule::with(Policy::AppendOnly, INVOICE),
        "cash_movements" => Rule::plain(Policy::AppendOnly),
        "employee_advances" => {
            Rule { write: Role::Manager, read: Role::Manager, ..Rule::plain(Policy::AppendOnly) }
        }
        "purchases" => Rule { write: Role::Manager, ..Rule::with(Policy::LastWriter, PURCHASE) },
        "payment_methods" => Rule::plain(Policy::Server),
        "printers" => Rule::plain(Policy::Client),
        "promotions" => Rule::plain(Policy::Manual),
        _ => return None,
    })
}
