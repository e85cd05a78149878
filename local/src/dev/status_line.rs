//! What `dev` shows while it runs: requests, cache share, sockets, publish delay and errors.

use std::convert::Infallible;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::report;
use crate::telemetry::{Figures, Telemetry};

/// How often a terminal shows the figures.
const ON_TERMINAL: Duration = Duration::from_secs(1);
/// How often they are a line of a log, if they have changed.
const IN_LOG: Duration = Duration::from_secs(10);

/// Shows the figures of `telemetry` until the future is dropped.
pub(super) async fn show(telemetry: &Telemetry) -> Infallible {
    let is_terminal = stderr().is_terminal();
    let every = if is_terminal { ON_TERMINAL } else { IN_LOG };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = telemetry.figures();
    loop {
        ticks.tick().await;
        let figures = telemetry.figures();
        let line = text(&figures, figures.requests.saturating_sub(shown.requests) / every.as_secs());
        if is_terminal {
            report::status(&line);
        } else if figures != shown {
            report::say("dev", &line);
        }
        shown = figures;
    }
}

/// The figures as one line of less than 80 columns.
fn text(figures: &Figures, per_second: u64) -> String {
    let Figures { requests, cached, cacheable, errors, sockets, delay_micros } = figures;
    let share = (cached * 100).checked_div(*cacheable).map_or("-".to_owned(), |share| format!("{share}%"));
    let delay = delay_micros.map_or("-".to_owned(), |micros| format!("{} ms", micros / 1000));
    format!(
        "{requests} requests ({per_second}/s), {share} cached, {sockets} sockets, publish {delay}, {errors} errors"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_one_line_and_unknown_ones_are_dashes() {
        let none = text(&Figures::default(), 0);
        assert_eq!(none, "0 requests (0/s), - cached, 0 sockets, publish -, 0 errors");
        let figures = Figures {
            requests: 1234,
            cached: 2,
            cacheable: 3,
            errors: 1,
            sockets: 12,
            delay_micros: Some(14_900),
        };
        let line = text(&figures, 56);
        assert_eq!(line, "1234 requests (56/s), 66% cached, 12 sockets, publish 14 ms, 1 errors");
        assert!(line.len() < 80);
    }
}
