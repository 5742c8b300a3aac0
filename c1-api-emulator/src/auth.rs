//! Authentication: the token endpoint, device logins, and the access tokens of calls.
//!
//! OAuth 2.0 is RFC 6749; each grant has a file of its own.

mod access;
mod assertion;
mod clients;
mod device;
mod dpop;
mod exchange;
mod form;
mod jwk;
pub(crate) mod jwt;
mod oauth_error;
mod replay;
#[cfg(test)]
mod tests;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use self::assertion::Assertions;
use self::clients::Clients;
pub(crate) use self::clients::{ClientChange, Terms};
use self::device::{Devices, Started};
pub(crate) use self::dpop::{HEADER as DPOP, Realm};
use self::dpop::{Proofs, Target};
pub(crate) use self::exchange::Trust;
use self::form::Form;
pub(crate) use self::oauth_error::OAuthError;
pub(crate) use self::tokens::Holder;
use self::tokens::Tokens;
use crate::credentials::Credentials;
use crate::error::Error;

/// The path of the token endpoint.
pub(crate) const TOKEN_PATH: &str = "/auth/v1/token";
/// The path of the device authorization endpoint (RFC 8628).
pub(crate) const DEVICE_PATH: &str = "/auth/v1/device_authorization";

/// The longest lifetime or interval: a century. Any of them can then be added to any time of the tenant's.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How far the client's clock may be ahead of the tenant's, in seconds.
const SKEW: f64 = 30.0;

/// How tokens are issued.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) token_lifetime: Duration,
    pub(crate) device_interval: Option<Duration>,
    pub(crate) device_lifetime: Duration,
    pub(crate) require_dpop: bool,
    pub(crate) dpop_nonces: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(3600),
            device_interval: Some(Duration::from_secs(5)),
            device_lifetime: Duration::from_secs(600),
            require_dpop: false,
            dpop_nonces: false,
        }
    }
}

/// The spellings of the tenant's host, without port.
pub(crate) fn hosts(address: SocketAddr) -> Vec<String> {
    let mut hosts = vec![address.ip().to_string()];
    if address.is_ipv6() {
        // As written in URLs.
        hosts.push(format!("[{}]", address.ip()));
    }
    hosts
}

/// The clients, trusts and device logins of a tenant, and the tokens that are valid.
pub(crate) struct Auth {
    require_dpop: bool,
    clients: Clients,
    assertions: Assertions,
    trust: Arc<Trust>,
    devices: Devices,
    proofs: Proofs,
    tokens: Tokens,
}

impl Auth {
    /// Authentication with one client and one trust.
    pub(crate) fn new(
        settings: &Settings,
        scheme: &str,
        address: SocketAddr,
        client: &Credentials,
        trust: Arc<Trust>,
    ) -> Result<Self, Error> {
        let origin = format!("{scheme}://{address}");
        let mut clients = Clients::default();
        clients.add(client, Terms::default());
        Ok(Self {
            require_dpop: settings.require_dpop,
            clients,
            assertions: Assertions::new(hosts(address)),
            trust,
            devices: Devices::new(
                origin.clone(),
                settings.device_interval,
                settings.device_lifetime,
            ),
            proofs: Proofs::new(origin, settings.dpop_nonces)?,
            tokens: Tokens::new(settings.token_lifetime),
        })
    }

    /// Handles a token request. Returns the response, and whose token it is.
    pub(crate) fn token(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Value, Holder), OAuthError> {
        if headers.contains_key(AUTHORIZATION) {
            return Err(OAuthError::client(
                "expected credentials in the body, not in the authorization header",
            ));
        }
        let form = Form::parse(headers, body)?;
        // Before the grant, so that a client that needs a nonce can retry with the same grant.
        let client = form.get("client_id");
        let required = self.require_dpop || self.clients.require_dpop(client);
        let key = self.verify_proof(now, headers, required)?;
        let grant = form.require("grant_type")?;
        let mut holder = Holder::default();
        match grant {
            "client_credentials" => holder = self.client_credentials(now, &form)?,
            exchange::GRANT => self.trust.verify(now, &form)?,
            device::GRANT => self.devices.poll(now, &form)?,
            _ => {
                return Err(OAuthError::new(
                    "unsupported_grant_type",
                    "grant_type: not supported",
                ));
            }
        }
        let token_type = if key.is_some() { "DPoP" } else { "Bearer" };
        let token = self.tokens.issue(now, key, holder.clone())?;
        let expires_in = self.tokens.lifetime().as_secs();
        let mut response =
            json!({ "access_token": token, "token_type": token_type, "expires_in": expires_in });
        if grant == exchange::GRANT {
            response["issued_token_type"] = json!(exchange::ISSUED);
        }
        Ok((response, holder))
    }

    /// The thumbprint of the key to bind the token to, if any.
    fn verify_proof(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        required: bool,
    ) -> Result<Option<String>, OAuthError> {
        if !required && !headers.contains_key(DPOP) {
            return Ok(None);
        }
        let target = Target {
            realm: Realm::Token,
            method: "POST",
            path: TOKEN_PATH,
            token: None,
        };
        Ok(Some(self.proofs.verify(now, headers, &target)?))
    }

    fn client_credentials(&mut self, now: SystemTime, form: &Form) -> Result<Holder, OAuthError> {
        let client = self.clients.get(now, form.get("client_id"))?;
        let holder = Holder {
            user: client.terms.user.clone(),
            client: Some(client.id.clone()),
        };
        match (form.get("client_assertion"), form.get("client_secret")) {
            (Some(_), Some(_)) => Err(OAuthError::request(
                "expected either client_assertion or client_secret, not both",
            )),
            (None, Some(secret)) => client.check_secret(secret),
            (assertion, None) => {
                if form.get("client_assertion_type") != Some(assertion::TYPE) {
                    return Err(OAuthError::client(
                        "client_assertion_type: expected the jwt-bearer type of RFC 7523",
                    ));
                }
                let assertion = assertion.unwrap_or_default();
                self.assertions.verify(now, client, assertion)
            }
        }
        .map(|()| holder)
    }

    /// Starts a device login for any public client.
    pub(crate) fn start_device_login(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Started, OAuthError> {
        let form = Form::parse(headers, body)?;
        self.devices.start(now, form.require("client_id")?)
    }

    /// Approves or denies a device login. Returns whether one was pending.
    pub(crate) fn decide_device_login(
        &mut self,
        now: SystemTime,
        user_code: &str,
        approve: bool,
    ) -> bool {
        self.devices.decide(now, user_code, approve)
    }

    /// Issues a bearer token, in the name of `user` if given.
    pub(crate) fn issue(&mut self, now: SystemTime, user: Option<&str>) -> Result<String, Error> {
        let holder = Holder {
            user: user.map(str::to_owned),
            client: None,
        };
        self.tokens.issue(now, None, holder)
    }

    /// Changes a client. If it is removed, its tokens are revoked.
    pub(crate) fn change_client(&mut self, change: ClientChange) {
        match change {
            ClientChange::Added(credentials, terms) => self.clients.add(&credentials, terms),
            ClientChange::Expires(id, expiry) => self.clients.set_expiry(&id, expiry),
            ClientChange::Removed(id) => {
                self.clients.remove(&id);
                self.tokens.revoke_client(&id);
            }
        }
    }

    /// Revokes all tokens.
    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke();
    }

    /// The nonce that the next proof must contain; `None` if nonces are off.
    pub(crate) fn dpop_nonce(&self, realm: Realm) -> Option<String> {
        self.proofs.nonce(realm)
    }

    /// Replaces the nonces, if nonces are on.
    pub(crate) fn rotate_dpop_nonces(&mut self) {
        self.proofs.rotate();
    }
}
