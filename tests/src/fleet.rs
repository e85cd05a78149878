//! Several tills of one branch that sell a day of invoices together.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use functions::accounts::Accounts;
use functions::accounts::users::NewUser;
use functions::sync::branches::Branches;
use protocol::ids::Room;
use protocol::json::JsonText;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::push::{PushRecord, PushRequest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sync::decimal::Decimal;

use crate::api::CallError;
use crate::day::{Invoice, InvoiceLine};
use crate::till::Till;

/// The time on this machine.
pub fn now() -> Timestamp {
    let micros =
        SystemTime::now().duration_since(UNIX_EPOCH).map(|elapsed| elapsed.as_micros()).unwrap_or_default();
    Timestamp(u64::try_from(micros).unwrap_or_default())
}

/// A fresh batch id.
pub fn batch_id() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or_default())
}

/// A random number below 2^52, from which a new installation counts its batches.
pub fn first_number() -> u64 {
    getrandom::u64().unwrap_or_default() >> 12
}

/// Creates a cashier of `room` with a random password, and the branch if it is missing. Returns the cashier's
/// login at `device`.
pub async fn cashier(
    accounts: &Accounts,
    branches: &Branches,
    room: &Room,
    device: &str,
) -> Result<LoginRequest, Box<dyn Error>> {
    branches.create(room, now()).await?;
    let (username, password) = (format!("{device}@{}", room.branch), batch_id());
    let new = NewUser {
        username: username.clone(),
        password: password.clone(),
        role: Role::Cashier,
        client_id: room.client.clone(),
        branch_id: Some(room.branch.clone()),
    };
    accounts.create(branches, new).await?;
    Ok(LoginRequest { username, password, device_id: Some(device.parse()?), refresh_token: None })
}

/// The data of an invoice line. Numbers keep the text of the file.
#[derive(Serialize)]
struct LineData<'a> {
    invoice: &'a str,
    product: &'a str,
    quantity: &'a RawValue,
    unit_price: &'a RawValue,
}

fn json(value: &impl Serialize) -> Result<JsonText, serde_json::Error> {
    JsonText::from_text(serde_json::to_string(value)?)
}

/// The id and data of every line of `invoice`.
pub fn lines(invoice: &Invoice) -> Result<Vec<(String, JsonText)>, serde_json::Error> {
    let line = |(i, line): (usize, &InvoiceLine)| {
        let data = LineData {
            invoice: &invoice.number,
            product: &line.stock_code,
            quantity: serde_json::from_str(&line.quantity)?,
            unit_price: serde_json::from_str(&line.unit_price)?,
        };
        Ok((format!("{}-{}", invoice.number, i + 1), json(&data)?))
    };
    invoice.lines.iter().enumerate().map(line).collect()
}

fn record(table: &str, id: &str, data: JsonText) -> PushRecord {
    PushRecord {
        table_name: table.to_owned(),
        record_id: id.to_owned(),
        data: Some(data),
        local_updated_at: Some(now().to_string()),
        base_version: Some(0),
        ..PushRecord::default()
    }
}

/// The stock movement of a line, as a delta: the till does not need to know the stock.
fn movement(line: &InvoiceLine) -> Result<PushRecord, serde_json::Error> {
    let taken =
        line.quantity.strip_prefix('-').map_or_else(|| format!("-{}", line.quantity), ToOwned::to_owned);
    let data = json(&serde_json::json!({ "quantity": { "$delta": taken } }))?;
    Ok(PushRecord { base_version: None, ..record("product_stock", &line.stock_code, data) })
}

/// The records of a sale: the customer and the products that `till` does not know, and as a group the
/// invoice, its lines and their stock movements. Another till may create the same products at the same time,
/// which must not undo the sale.
fn sale(till: &Till, invoice: &Invoice) -> Result<Vec<PushRecord>, serde_json::Error> {
    let knows = |table: &str, id: &str| till.read(|state| state.rows.get(table, id).is_some());
    let mut records = Vec::new();
    if !invoice.customer.is_empty() && !knows("customers", &invoice.customer) {
        let data = json(&serde_json::json!({ "country": invoice.country }))?;
        records.push(record("customers", &invoice.customer, data));
    }
    let mut seen = BTreeSet::new();
    for line in &invoice.lines {
        if seen.insert(&line.stock_code) && !knows("products", &line.stock_code) {
            let data = json(&serde_json::json!({ "name": line.description }))?;
            records.push(record("products", &line.stock_code, data));
        }
    }
    let head = serde_json::json!({ "date": invoice.date, "customer": invoice.customer, "lines": invoice.lines.len() });
    let mut sold = vec![record("invoices", &invoice.number, json(&head)?)];
    sold.extend(lines(invoice)?.into_iter().map(|(id, data)| record("invoice_items", &id, data)));
    for line in &invoice.lines {
        sold.push(movement(line)?);
    }
    let in_group = |record| PushRecord { group: Some(invoice.number.clone()), ..record };
    records.extend(sold.into_iter().map(in_group));
    Ok(records)
}

/// Sells `share` at `till` as fast as the server accepts it, and counts the invoices in `sold`.
pub async fn sell(till: &Till, share: &[Invoice], sold: &AtomicUsize) -> Result<(), CallError> {
    for invoice in share {
        let records =
            sale(till, invoice).map_err(|cause| CallError::Shape { cause, body: invoice.number.clone() })?;
        for part in records.chunks(PUSH_RECORDS_MAX) {
            till.enqueue(PushRequest {
                device_id: till.device.clone(),
                batch_id: Some(batch_id()),
                device_seq: None,
                base_stamp: None,
                atomic: false,
                device_time: None,
                branch_id: None,
                records: part.to_vec(),
            });
        }
        till.push_all().await?;
        sold.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Distributes the invoices of a day to `tills` tills, in turn.
pub fn deal(day: &[Invoice], tills: usize) -> Vec<Vec<Invoice>> {
    let share = |till: usize| day.iter().skip(till).step_by(tills.max(1)).cloned().collect();
    (0..tills).map(share).collect()
}

/// The stock of each product after a day that began with none.
fn stock(day: &[Invoice]) -> BTreeMap<&str, Decimal> {
    let mut stock = BTreeMap::new();
    for line in day.iter().flat_map(|invoice| &invoice.lines) {
        let left = stock.entry(line.stock_code.as_str()).or_insert(Decimal::ZERO);
        // Quantities are small. A sum that does not fit would show as a difference.
        *left = Decimal::parse(&line.quantity).and_then(|taken| left.plus(-taken)).unwrap_or(*left);
    }
    stock
}

#[derive(Deserialize)]
struct Stock<'a> {
    #[serde(borrow)]
    quantity: &'a RawValue,
}

/// What is wrong at the end of a day: differing tills, missing lines, wrong stock.
pub fn faults(tills: &[Arc<Till>], fresh: &Till, day: &[Invoice]) -> Result<Vec<String>, serde_json::Error> {
    const SHOWN_MAX: usize = 5;
    let truth = fresh.read(|state| state.rows.clone());
    let mut faults = Vec::new();
    for till in tills {
        let differences = till.read(|state| state.rows.differences(&truth, SHOWN_MAX));
        faults.extend(
            differences.into_iter().map(|text| format!("{} differs from a fresh pull: {text}", till.device)),
        );
        let errors = till.read(|state| state.queue.errors.clone());
        faults
            .extend(errors.iter().map(|error| format!("{}: {} {}", till.device, error.code, error.message)));
    }
    for invoice in day {
        for (id, data) in lines(invoice)? {
            if truth.get("invoice_items", &id).is_none_or(|row| row.data.as_str() != data.as_str()) {
                faults.push(format!("the line {id} is missing or changed"));
            }
        }
    }
    for (product, left) in stock(day) {
        let row = truth.get("product_stock", product);
        let held: Option<Stock<'_>> = row.and_then(|row| serde_json::from_str(row.data.as_str()).ok());
        let quantity = held.map(|stock| stock.quantity.get());
        if quantity.and_then(|text| Decimal::parse(text).ok()) != Some(left) {
            faults.push(format!("the stock of {product} is {quantity:?} and should be {left}"));
        }
    }
    Ok(faults)
}
