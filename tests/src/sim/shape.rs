//! The tables and members that simulated tills write.

#[derive(Clone, Copy, Debug)]
pub(crate) enum Member {
    Text(&'static str),
    /// A number in any JSON notation.
    Number(&'static str),
    /// One of these states. The last one is not declared in `tables.toml`.
    State(&'static str, &'static [&'static str]),
    Sum(&'static str),
}

impl Member {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Member::Text(name) | Member::Number(name) | Member::State(name, _) | Member::Sum(name) => name,
        }
    }
}

/// A table and how tills use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) table: &'static str,
    pub(crate) members: &'static [Member],
    /// Whether most rows belong to one till alone.
    pub(crate) own_rows: bool,
    pub(crate) deletes: bool,
}

const PLAIN: &[Member] = &[Member::Text("name"), Member::Number("size")];
const STOCK: &[Member] = &[Member::Sum("quantity"), Member::Text("name")];
const SHELF_STOCK: &[Member] = &[Member::Sum("quantity"), Member::Text("shelf")];
const PRODUCT: &[Member] = &[
    Member::Text("name"),
    Member::Number("price"),
    Member::Number("cost"),
    Member::Text("note"),
    Member::Sum("stock"),
];
const INVOICE_STATES: &[&str] = &["draft", "paid", "void", "refunded", "lost"];
const INVOICE: &[Member] = &[Member::Number("total"), Member::State("status", INVOICE_STATES)];
const PURCHASE_STATES: &[&str] = &["draft", "ordered", "received", "void"];
const PURCHASE: &[Member] = &[Member::Text("name"), Member::State("status", PURCHASE_STATES)];

const fn table(table: &'static str, members: &'static [Member]) -> Shape {
    Shape { table, members, own_rows: false, deletes: true }
}

/// Every table. `settings` stands twice, which makes it twice as likely.
pub(crate) const SHAPES: [Shape; 15] = [
    table("settings", PLAIN),
    table("settings", PLAIN),
    table("products", PRODUCT),
    // Tills do not delete stock, so that its final value must be the sum of all deltas.
    Shape { deletes: false, ..table("product_stock", SHELF_STOCK) },
    table("drinks", STOCK),
    table("tickets", STOCK),
    Shape { own_rows: true, ..table("invoices", INVOICE) },
    Shape { own_rows: true, ..table("cash_movements", PLAIN) },
    Shape { own_rows: true, deletes: false, ..table("employee_advances", PLAIN) },
    table("purchases", PURCHASE),
    table("payment_methods", PLAIN),
    table("printers", PLAIN),
    table("promotions", PLAIN),
    Shape { own_rows: true, deletes: false, ..table("deposits", PLAIN) },
    table("vouchers", PLAIN),
];
