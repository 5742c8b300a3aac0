//! Clients with a secret.

use std::collections::HashMap;
use std::time::SystemTime;

use ring::digest::{SHA256, digest};

use super::oauth_error::OAuthError;
use crate::credentials::Credentials;

/// On which terms a client gets tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// When it no longer does; `None` for never.
    pub(crate) expiry: Option<SystemTime>,
    /// The id of the user in whose name its tokens are used, if it belongs to one.
    pub(crate) user: Option<String>,
    /// Whether its tokens must be bound to a key.
    pub(crate) require_dpop: bool,
}

/// What becomes of a client, which is known by its id.
#[derive(Debug)]
pub(crate) enum ClientChange {
    Added(Credentials, Terms),
    Expires(String, Option<SystemTime>),
    Removed(String),
}

/// A registered client.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) public_key: Vec<u8>,
    secret_hash: Vec<u8>,
    pub(super) terms: Terms,
}

impl Client {
    /// Checks the client secret.
    pub(super) fn check_secret(&self, secret: &str) -> Result<(), OAuthError> {
        // A comparison in constant time, of hashes, which have equal lengths.
        let different = hash(secret)
            .iter()
            .zip(&self.secret_hash)
            .fold(0, |different, (one, other)| different | (one ^ other));
        if different == 0 {
            Ok(())
        } else {
            Err(OAuthError::client("client_secret: wrong secret"))
        }
    }
}

fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// The registered clients by id.
#[derive(Default)]
pub(super) struct Clients(HashMap<String, Client>);

impl Clients {
    /// Registers a client.
    pub(super) fn add(&mut self, credentials: &Credentials, terms: Terms) {
        let client = Client {
            id: credentials.client_id.clone(),
            public_key: credentials.public_key.clone(),
            secret_hash: hash(&credentials.client_secret),
            terms,
        };
        self.0.insert(client.id.clone(), client);
    }

    /// Sets when a client expires.
    pub(super) fn set_expiry(&mut self, id: &str, expiry: Option<SystemTime>) {
        if let Some(client) = self.0.get_mut(id) {
            client.terms.expiry = expiry;
        }
    }

    /// Whether the tokens of the client must be bound to a key.
    pub(super) fn require_dpop(&self, id: Option<&str>) -> bool {
        let client = id.and_then(|id| self.0.get(id));
        client.is_some_and(|client| client.terms.require_dpop)
    }

    /// Forgets a client.
    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// The client with the id, unless it is expired.
    pub(super) fn get(&self, now: SystemTime, id: Option<&str>) -> Result<&Client, OAuthError> {
        let client = id.and_then(|id| self.0.get(id));
        let client = client.ok_or_else(|| OAuthError::client("client_id: unknown client"))?;
        match client.terms.expiry {
            Some(expiry) if expiry <= now => {
                Err(OAuthError::client("client_id: the client is expired"))
            }
            _ => Ok(client),
        }
    }
}
