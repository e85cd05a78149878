//! What an isolate keeps from one request to the next.

use std::cell::OnceCell;
use std::rc::Rc;

use config::BadConfig;
use redis_client::client::Client;
use worker::Env;

use crate::authenticate::Authenticator;
use crate::config::{Config, RedisAccess};
use crate::gate::{Gate, Questions};
use crate::ready::Readiness;
use crate::redis::RedisFetch;

/// Configuration, read once, and what was found out about tokens, sessions and callers.
pub(crate) struct Door {
    /// What the deployment sets.
    pub(crate) config: Config,
    /// Who is let in.
    pub(crate) authenticator: Authenticator,
    /// What is asked about each request.
    pub(crate) questions: Questions,
    /// Who answers that.
    pub(crate) gate: Gate<RedisFetch>,
    /// Redis itself.
    pub(crate) redis: Client<RedisFetch>,
    /// How well it is.
    pub(crate) readiness: Readiness,
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
            Ok(Rc::clone(known.get_or_init(|| Rc::new(Door::new(config)))))
        })
    }

    fn new(config: Config) -> Door {
        let authenticator = Authenticator::new(config.verifier.clone());
        let RedisAccess { address, token, keys } = &config.redis;
        let questions = Questions::new(keys.clone(), config.rates);
        let redis = Client::new(RedisFetch::new(address.clone()), token.clone(), random);
        let gate = Gate::new(&redis);
        Door { config, authenticator, questions, gate, redis, readiness: Readiness::default() }
    }
}

/// Fills `bytes` with randomness, of which nothing but the spread of pauses depends.
fn random(bytes: &mut [u8]) {
    // WebCrypto always answers within an event; if it did not, what was there is as good.
    let _ = getrandom::fill(bytes);
}
