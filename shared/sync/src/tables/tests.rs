use super::*;
use crate::policy::additive::Below;

/// The tables of SCOPE.md.
const SCOPE: &str = "products, product_categories, customers, suppliers, invoices, invoice_items, employees, shifts, \
    cash_movements, payment_methods, deposit_sources, deposits, expense_categories, expense_items, warehouses, \
    product_stock, purchases, purchase_items, sales_returns, purchase_returns, employee_advances, \
    employee_deductions, whatsapp_accounts, whatsapp_messages, whatsapp_campaigns, restaurant_tables, halls, \
    promotions, printers, payment_apps, settings";

#[test]
fn the_built_in_tables_are_those_of_the_scope() {
    let tables = Tables::built_in().unwrap();
    let mut scope: Vec<&str> = SCOPE.split(", ").collect();
    scope.sort_unstable();
    assert_eq!(tables.names().collect::<Vec<_>>(), scope);
    assert!(!tables.contains("nonsense"));
}

#[test]
fn the_built_in_policies_are_pinned() {
    let tables = Tables::built_in().unwrap();
    let policy = |table| tables.get(table).unwrap().policy;
    for table in ["invoices", "invoice_items", "cash_movements", "sales_returns", "purchase_returns"] {
        assert_eq!(policy(table), Policy::AppendOnly, "{table}");
    }
    assert_eq!((policy("products"), policy("settings")), (Policy::FieldMerge, Policy::LastWriterWins));
    let stock = tables.get("product_stock").unwrap();
    let Some(FieldRule::Additive(Some(floor))) = stock.fields.get("quantity") else { panic!("not additive") };
    assert_eq!(floor.below, Below::Flag);
    assert!(tables.get("invoices").unwrap().is_state("status"));
}

#[test]
fn a_cashier_writes_no_settings_and_reads_no_advances() {
    let tables = Tables::built_in().unwrap();
    assert!(tables.get("settings").unwrap().write > Role::Cashier);
    assert!(tables.may_read("settings", Role::Cashier));
    assert!(!tables.may_read("employee_advances", Role::Cashier));
    assert!(tables.may_read("employee_advances", Role::Manager));
    assert_eq!((tables.reader("invoices"), tables.reader("gone")), (Role::Cashier, Role::SuperAdmin));
}

#[test]
fn a_bad_file_is_refused_with_its_line_and_the_reason() {
    let cases = [
        ("[a]\npolicy = \"last-writer-wins\"\n\n[b]\npolicy = \"best\"\n", "line 5", "best"),
        ("[a]\n\n[\"a#b\"]\npolicy = \"manual\"\n", "line 1", "policy"),
        ("[a]\npolicy = \"manual\"\n[\"a#b\"]\npolicy = \"manual\"\n", "line 3", "no table name"),
        ("[a]\npolicy = \"manual\"\nread = \"admin\"\nwrite = \"cashier\"\n", "line 1", "may not read"),
        ("[a]\npolicy = \"manual\"\nwriter = \"admin\"\n", "line 3", "writer"),
        ("\n[a]\npolicy = \"manual\"\nwindow_days = 0\n", "line 2", "not from 1 to 36500"),
        ("[a]\npolicy = \"manual\"\nwindow_days = 36501\n", "line 1", "not from 1 to 36500"),
        ("[a]\npolicy = \"manual\"\nwindow_days = \"a month\"\n", "line 3", "a month"),
        ("[a]\npolicy = \"manual\"\nwindow_days = -1\n", "line 3", "window_days"),
        ("[a]\npolicy = \"manual\"\nwrite = \"boss\"\n", "line 3", "boss"),
        (
            "[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"additive\"\nfloor = \"0\"\n",
            "line 3",
            "go together",
        ),
        (
            "[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"additive\"\nfloor = \"1e3\"\nbelow = \"clamp\"\n",
            "line 3",
            "1e3",
        ),
        ("[a]\npolicy = \"append-only\"\n[a.fields.n]\npolicy = \"additive\"\n", "line 3", "never added to"),
        ("[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"state\"\n", "line 3", "initial"),
        (
            "[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"state\"\ninitial = [\"x\"]\n\
             transitions = { x = [\"y\"], y = [\"x\"] }\n",
            "line 3",
            "lead back",
        ),
        ("[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"client-wins\"\n", "line 3", "field-merge"),
        (
            "[a]\npolicy = \"manual\"\n[a.fields.n]\npolicy = \"additive\"\ninitial = []\n",
            "line 3",
            "state field",
        ),
    ];
    for (text, line, why) in cases {
        let error = Tables::parse(text).unwrap_err().to_string();
        assert!(error.contains(line) && error.contains(why), "{text}\n{error}");
    }
}
