//! The valid access tokens.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::replay::sweep;
use crate::credentials::random_text;
use crate::error::Error;

pub(super) struct Token {
    expiry: SystemTime,
    /// The thumbprint of the key that the token is bound to, if any.
    pub(super) key: Option<String>,
    /// The id of the user in whose name it is used, if it is not the tenant's own.
    pub(super) user: Option<String>,
    /// The id of the client that got it, if it was one with credentials.
    client: Option<String>,
}

/// Whose token it is.
#[derive(Clone, Default)]
pub(crate) struct Holder {
    pub(crate) user: Option<String>,
    pub(crate) client: Option<String>,
}

pub(super) struct Tokens {
    lifetime: Duration,
    live: HashMap<String, Token>,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            live: HashMap::new(),
        }
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token, bound to `key` if given.
    pub(super) fn issue(
        &mut self,
        now: SystemTime,
        key: Option<String>,
        holder: Holder,
    ) -> Result<String, Error> {
        let text = random_text()?;
        let expiry = now + self.lifetime;
        sweep(&mut self.live, |token| token.expiry <= now);
        let Holder { user, client } = holder;
        let token = Token {
            expiry,
            key,
            user,
            client,
        };
        self.live.insert(text.clone(), token);
        Ok(text)
    }

    /// The token, if it is known and not expired.
    pub(super) fn find(&self, now: SystemTime, text: &str) -> Option<&Token> {
        self.live.get(text).filter(|token| token.expiry > now)
    }

    /// Revokes a token.
    pub(super) fn remove(&mut self, text: &str) {
        self.live.remove(text);
    }

    /// Revokes the tokens of a client.
    pub(super) fn revoke_client(&mut self, id: &str) {
        self.live
            .retain(|_, token| token.client.as_deref() != Some(id));
    }

    /// Revokes all tokens.
    pub(super) fn revoke(&mut self) {
        self.live.clear();
    }
}
