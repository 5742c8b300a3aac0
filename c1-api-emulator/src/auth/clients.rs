//! The clients that have a secret.

use std::collections::HashMap;
use std::time::SystemTime;

use ring::digest::{SHA256, digest};

use super::refusal::Refusal;
use crate::credentials::Credentials;

/// A client and what it proves itself by.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) public_key: Vec<u8>,
    secret_hash: Vec<u8>,
    expiry: Option<SystemTime>,
}

impl Client {
    /// Checks the secret in its textual form.
    pub(super) fn check_secret(&self, secret: &str) -> Result<(), Refusal> {
        // Hashes have one length and nothing to guess from, and all of their bytes are looked at.
        let different = hash(secret)
            .iter()
            .zip(&self.secret_hash)
            .fold(0, |different, (one, other)| different | (one ^ other));
        if different == 0 {
            Ok(())
        } else {
            Err(Refusal::client("client_secret: not the client's secret"))
        }
    }
}

fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// The known clients by their ids.
#[derive(Default)]
pub(super) struct Clients(HashMap<String, Client>);

impl Clients {
    /// Makes a client known, until it expires.
    pub(super) fn add(&mut self, credentials: &Credentials, expiry: Option<SystemTime>) {
        let client = Client {
            id: credentials.client_id.clone(),
            public_key: credentials.public_key.clone(),
            secret_hash: hash(&credentials.client_secret),
            expiry,
        };
        self.0.insert(client.id.clone(), client);
    }

    /// The client that a request names.
    pub(super) fn get(&self, now: SystemTime, id: Option<&str>) -> Result<&Client, Refusal> {
        let client = id.and_then(|id| self.0.get(id));
        let client = client.ok_or_else(|| Refusal::client("no client has this client_id"))?;
        match client.expiry {
            Some(expiry) if expiry <= now => Err(Refusal::client("the client has expired")),
            _ => Ok(client),
        }
    }
}
