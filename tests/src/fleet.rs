//! Several tills of one branch that sell a day together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::value::RawValue;
use shared::json::JsonText;
use shared::limits::PUSH_RECORDS_MAX;
use shared::micros::Micros;
use shared::protocol::push::{PushBody, RecordBody};

use crate::api::CallError;
use crate::day::{Invoice, Line};
use crate::till::Till;

/// The time, as a till writes it.
pub fn now() -> Micros {
    let micros =
        SystemTime::now().duration_since(UNIX_EPOCH).map(|elapsed| elapsed.as_micros()).unwrap_or_default();
    Micros(u64::try_from(micros).unwrap_or_default())
}

/// A batch id that nobody has used.
pub fn batch_id() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or_default())
}

/// The data of an invoice line; numbers keep the text of the file.
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

/// The table, id and data of every line of `invoice`.
pub fn lines(invoice: &Invoice) -> Result<Vec<(String, JsonText)>, serde_json::Error> {
    let line = |(i, line): (usize, &Line)| {
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

fn record(table: &str, id: &str, data: JsonText) -> RecordBody {
    RecordBody {
        table_name: table.to_owned(),
        record_id: id.to_owned(),
        data: Some(data),
        local_updated_at: now().to_string(),
        is_deleted: false,
        base_version: Some(0),
        fields: None,
    }
}

/// The records of a sale: the customer and the products that `till` has not heard of, the invoice, its lines.
fn sale(till: &Till, invoice: &Invoice) -> Result<Vec<RecordBody>, serde_json::Error> {
    let knows = |table: &str, id: &str| till.read(|state| state.rows.get(table, id).is_some());
    let mut records = Vec::new();
    if !invoice.customer.is_empty() && !knows("customers", &invoice.customer) {
        let data = json(&serde_json::json!({ "country": invoice.country }))?;
        records.push(record("customers", &invoice.customer, data));
    }
    let mut met = BTreeSet::new();
    for line in &invoice.lines {
        if met.insert(&line.stock_code) && !knows("products", &line.stock_code) {
            let data = json(&serde_json::json!({ "name": line.description }))?;
            records.push(record("products", &line.stock_code, data));
        }
    }
    let head = serde_json::json!({ "date": invoice.date, "customer": invoice.customer, "lines": invoice.lines.len() });
    records.push(record("invoices", &invoice.number, json(&head)?));
    records.extend(lines(invoice)?.into_iter().map(|(id, data)| record("invoice_items", &id, data)));
    Ok(records)
}

/// Sells `share` at `till`, as fast as the server takes it. `sold` counts invoices, for whoever shows progress.
pub async fn sell(till: &Till, share: &[Invoice], sold: &AtomicUsize) -> Result<(), CallError> {
    for invoice in share {
        let records =
            sale(till, invoice).map_err(|cause| CallError::Shape { cause, body: invoice.number.clone() })?;
        for part in records.chunks(PUSH_RECORDS_MAX) {
            till.enqueue(PushBody {
                device_id: till.device.clone(),
                batch_id: Some(batch_id()),
                atomic: false,
                device_time: Some(now().to_string()),
                branch_id: None,
                records: part.to_vec(),
            });
        }
        till.push_all().await?;
        sold.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Deals the invoices of a day out to `tills` tills, in turn.
pub fn deal(day: &[Invoice], tills: usize) -> Vec<Vec<Invoice>> {
    let share = |till: usize| day.iter().skip(till).step_by(tills.max(1)).cloned().collect();
    (0..tills).map(share).collect()
}

/// What is wrong at the end of a day: tills that hold different records, lines of the day that are not there.
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
            if truth.get("invoice_items", &id).is_none_or(|row| row.data != data.as_str()) {
                faults.push(format!("the line {id} is missing or changed"));
            }
        }
    }
    Ok(faults)
}
