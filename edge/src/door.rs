//! What an isolate keeps from one request to the next.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::config::BadConfig;
use worker::Env;

use crate::authenticate::Authenticator;
use crate::config::Config;

/// Configuration, read once, and the tokens that were verified.
pub(crate) struct Door {
    /// What the deployment sets.
    pub(crate) config: Config,
    /// Who is let in.
    pub(crate) authenticator: Authenticator,
}

thread_local! {
    // A deployment that changes a variable starts new isolates, so nothing here ever goes stale.
    static DOOR: OnceCell<Rc<Door>> = const { OnceCell::new() };
}

impl Door {
    /// The isolate's door. A configuration that cannot be used is read again by the next request.
    pub(crate) fn of(env: &Env) -> Result<Rc<Door>, BadConfig> {
        DOOR.with(|known| {
            if let Some(door) = known.get() {
                return Ok(Rc::clone(door));
            }
            let config = Config::read(|name| env.var(name).ok().map(|value| value.to_string()))?;
            let authenticator = Authenticator::new(config.verifier.clone());
            Ok(Rc::clone(known.get_or_init(|| Rc::new(Door { config, authenticator }))))
        })
    }
}
