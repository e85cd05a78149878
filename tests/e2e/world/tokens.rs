//! Access tokens that tests sign themselves.

use auth::limits::ACCESS_TOKEN_SECS;
use functions::accounts::signer::Signer;
use local::keys::Keys;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;
use tests::fleet;

use super::{World, cashier};
use crate::shop::before_now;

impl World {
    /// An access token for a cashier of branch 1 of `client`, signed at `now` with this stack's key.
    pub(crate) fn token_at(&self, client: &str, now: Timestamp) -> String {
        self.token_of(&cashier(client), now)
    }

    /// An access token for `user`, signed at `now` with this stack's key.
    pub(crate) fn token_of(&self, user: &User, now: Timestamp) -> String {
        self.bound_token(user, None, None, now)
    }

    /// An access token for `user` that is bound to a device and a session, signed at `now` with this stack's
    /// key.
    pub(crate) fn bound_token(
        &self,
        user: &User,
        device: Option<&str>,
        session: Option<&str>,
        now: Timestamp,
    ) -> String {
        let device = device.map(|device| device.parse().unwrap());
        let session = session.map(|session| session.parse().unwrap());
        let signer = Signer::new(self.keys.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        let token = signer.sign(user, device, session, now).unwrap();
        self.secrets.add_token("an access token", &token);
        token
    }

    /// A token of this stack that has just expired.
    pub(crate) fn expired_token(&self, client: &str) -> String {
        self.token_at(client, before_now(ACCESS_TOKEN_SECS + 1))
    }

    /// A token that another stack's key signed under the key id of this stack.
    pub(crate) fn foreign_token(&self, client: &str) -> String {
        let folder = std::env::temp_dir().join(format!("tillsync-foreign-{}", fleet::batch_id()));
        std::fs::create_dir(&folder).unwrap();
        let foreign = Keys::load_or_make(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let signer = Signer::new(foreign.access_key.expose(), self.keys.access_kid.clone()).unwrap();
        signer.sign(&cashier(client), None, None, fleet::now()).unwrap()
    }
}
