//! A day of invoices, from a file or generated.

use std::path::Path;

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// The product.
    pub stock_code: String,
    /// The product's name.
    pub description: String,
    /// The quantity as the text of a whole number; negative in a return.
    pub quantity: String,
    /// The unit price in pounds, as the text of a decimal number.
    pub unit_price: String,
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The invoice number.
    pub number: String,
    /// Date and time in the format of the file.
    pub date: String,
    /// The customer; empty if unknown.
    pub customer: String,
    /// The customer's country.
    pub country: String,
    /// The lines.
    pub lines: Vec<InvoiceLine>,
}

/// Why a day cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadDayError {
    /// The file cannot be read as CSV.
    #[error("failed to read the day: {0}")]
    Csv(#[from] csv::Error),
    /// A number is malformed.
    #[error("failed to read the day: line {0} has a malformed quantity or price")]
    Number(u64),
}

type Columns = (String, String, String, String, String, String, String, String);

/// Reads the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID,
/// Country.
pub fn read(file: &Path) -> Result<Vec<Invoice>, ReadDayError> {
    let mut invoices: Vec<Invoice> = Vec::new();
    for row in csv::ReaderBuilder::new().trim(csv::Trim::Fields).from_path(file)?.records() {
        let row = row?;
        let columns: Columns = row.deserialize(None)?;
        let (number, stock_code, description, quantity, date, unit_price, customer, country) = columns;
        if !is_number(&quantity) || !is_number(&unit_price) {
            return Err(ReadDayError::Number(row.position().map_or(0, csv::Position::line)));
        }
        let line = InvoiceLine { stock_code, description, quantity, unit_price };
        match invoices.last_mut().filter(|invoice| invoice.number == number) {
            Some(invoice) => invoice.lines.push(line),
            None => invoices.push(Invoice { number, date, customer, country, lines: vec![line] }),
        }
    }
    Ok(invoices)
}

/// Whether a text is a number in JSON: an optional sign, digits, and optionally a point and digits.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    digits(whole) && digits(part)
}

/// A generated day, always the same. One invoice in ten has over 50 lines, one in twenty is a return, one in
/// seven has no customer.
pub fn generated(invoices: usize) -> Vec<Invoice> {
    let invoice = |i: usize| Invoice {
        number: format!("{}{}", if i % 20 == 19 { "C" } else { "" }, 900_000 + i),
        date: format!("2010-12-01 {:02}:{:02}:00", 8 + i / 60 % 10, i % 60),
        customer: if i % 7 == 6 { String::new() } else { format!("{}", 17_000 + i % 40) },
        country: "United Kingdom".to_owned(),
        lines: (0..if i % 10 == 9 { 60 } else { 1 + i % 12 })
            .map(|line| product(i * 13 + line * 7, i))
            .collect(),
    };
    (0..invoices).map(invoice).collect()
}

fn product(n: usize, invoice: usize) -> InvoiceLine {
    let code = n % 300;
    InvoiceLine {
        stock_code: format!("{}", 20_000 + code),
        description: format!("HANGING DECORATION NO {code} ROSE"),
        quantity: if invoice % 20 == 19 { "-1".to_owned() } else { format!("{}", 1 + n % 12) },
        unit_price: format!("{}.{:02}", n % 9, n % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_day_is_always_the_same_and_has_every_case() {
        let day = generated(100);
        assert_eq!(day, generated(100));
        assert!(day.iter().any(|invoice| invoice.lines.len() > 50));
        assert!(day.iter().any(|invoice| invoice.customer.is_empty()));
        assert!(day.iter().any(|invoice| invoice.number.starts_with('C')));
    }

    #[test]
    fn malformed_numbers_are_refused() {
        for good in ["6", "-6", "2.55", "0.001"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", "1e3", "1.", ".5", "--1", "NaN"] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
