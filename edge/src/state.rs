//! What an isolate keeps between requests.

use std::cell::OnceCell;
use std::rc::Rc;

use config::BadConfig;
use redis_client::client::Client;
use worker::Env;

use crate::admission::{Admission, AdmissionPolicy};
use crate::authenticate::Authenticator;
use crate::body::HeldBodies;
use crate::config::{Config, RedisAccess};
use crate::readiness::Readiness;
use crate::redis::RedisFetch;
use crate::upstream::CallsInFlight;

/// The configuration, caches of tokens, sessions and limits, and the bodies and calls that are on their way.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) authenticator: Authenticator,
    pub(crate) policy: AdmissionPolicy,
    pub(crate) admission: Admission<RedisFetch>,
    pub(crate) redis: Client<RedisFetch>,
    pub(crate) readiness: Readiness,
    pub(crate) bodies: HeldBodies,
    pub(crate) calls: CallsInFlight,
}

thread_local! {
    // A deployment that changes a variable starts new isolates, so the state never goes stale.
    static STATE: OnceCell<Rc<AppState>> = const { OnceCell::new() };
}

impl AppState {
    /// The state of the isolate. After a bad configuration the next request reads it again.
    pub(crate) fn of(env: &Env) -> Result<Rc<AppState>, BadConfig> {
        STATE.with(|known| {
            if let Some(state) = known.get() {
                return Ok(Rc::clone(state));
            }
            let config = Config::read(|name| env.var(name).ok().map(|value| value.to_string()))?;
            Ok(Rc::clone(known.get_or_init(|| Rc::new(AppState::new(config)))))
        })
    }

    fn new(config: Config) -> AppState {
        let authenticator = Authenticator::new(config.verifier.clone());
        let RedisAccess { address, token, keys } = &config.redis;
        let policy = AdmissionPolicy::new(keys.clone(), config.rates);
        let redis = Client::new(RedisFetch::new(address.clone()), token.clone(), random);
        let admission = Admission::new(&redis);
        let (readiness, bodies) = (Readiness::default(), HeldBodies::default());
        let calls = CallsInFlight::new(config.client_calls_max);
        AppState { config, authenticator, policy, admission, redis, readiness, bodies, calls }
    }
}

/// Fills `bytes` with randomness for the jitter of retries.
fn random(bytes: &mut [u8]) {
    // WebCrypto does not fail within an event, and jitter without randomness is harmless.
    let _ = getrandom::fill(bytes);
}
