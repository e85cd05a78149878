//! What the records of the simulated shop look like.

/// A member of a record.
#[derive(Clone, Copy, Debug)]
pub enum Member {
    /// Text.
    Text(&'static str),
    /// A number, in any of the ways to write one.
    Number(&'static str),
    /// One of these states, the declared ones and one that is none.
    State(&'static str, &'static [&'static str]),
    /// A sum of deltas.
    Sum(&'static str),
}

impl Member {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Member::Text(name) | Member::Number(name) | Member::State(name, _) | Member::Sum(name) => name,
        }
    }
}

/// A table, as tills write to it.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its name.
    pub table: &'static str,
    /// Its members.
    pub members: &'static [Member],
    /// Whether tills mostly write rows of their own.
    pub own_rows: bool,
    /// Whether anybody deletes there.
    pub deletes: bool,
}

const PLAIN: &[Member] = &[Member::Text("name"), Member::Number("size")];

const fn plain(table: &'static str) -> Shape {
    Shape { table, members: PLAIN, own_rows: false, deletes: true }
}

/// Every table.
pub const SHAPES: [Shape; 13] = [
    plain("settings"),
    plain("settings"),
    Shape {
        table: "products",
        members: &[
            Member::Text("name"),
            Member::Number("price"),
            Member::Number("cost"),
            Member::Text("note"),
            Member::Sum("stock"),
        ],
        own_rows: false,
        deletes: true,
    },
    // Nobody deletes stock, so that at the end it must be the sum of what was sold and brought.
    Shape {
        table: "product_stock",
        members: &[Member::Sum("quantity"), Member::Text("shelf")],
        own_rows: false,
        deletes: false,
    },
    Shape {
        table: "drinks",
        members: &[Member::Sum("quantity"), Member::Text("name")],
        own_rows: false,
        deletes: true,
    },
    Shape {
        table: "tickets",
        members: &[Member::Sum("quantity"), Member::Text("name")],
        own_rows: false,
        deletes: true,
    },
    Shape {
        table: "invoices",
        members: &[
            Member::Number("total"),
            Member::State("status", &["draft", "paid", "void", "refunded", "lost"]),
        ],
        own_rows: true,
        deletes: true,
    },
    Shape { table: "cash_movements", members: PLAIN, own_rows: true, deletes: true },
    Shape { table: "employee_advances", members: PLAIN, own_rows: true, deletes: false },
    Shape {
        table: "purchases",
        members: &[Member::Text("name"), Member::State("status", &["draft", "ordered", "received", "void"])],
        own_rows: false,
        deletes: true,
    },
    plain("payment_methods"),
    plain("printers"),
    plain("promotions"),
];
