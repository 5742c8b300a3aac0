//! Who may call: the token endpoint, device logins, and the tokens of calls.
//!
//! RFC 6749 (OAuth 2.0); what each grant adds stands in its file.

mod access;
mod assertion;
mod clients;
mod device;
mod dpop;
mod exchange;
mod form;
mod jwk;
mod jwt;
mod refusal;
mod replay;
#[cfg(test)]
mod tests;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use self::assertion::Assertions;
use self::clients::Clients;
use self::device::{Devices, Started};
pub(crate) use self::dpop::{HEADER as DPOP, Realm};
use self::dpop::{Proofs, Target};
pub(crate) use self::exchange::Trust;
use self::form::Form;
pub(crate) use self::refusal::Refusal;
use self::tokens::Tokens;
use crate::credentials::Credentials;
use crate::error::Error;

/// The path of the token endpoint.
pub(crate) const TOKEN_PATH: &str = "/auth/v1/token";
/// The path where device logins begin.
pub(crate) const DEVICE_PATH: &str = "/auth/v1/device_authorization";

/// How far the client's clock may be ahead of ours, in seconds.
const SKEW: f64 = 30.0;

/// How tokens are given out.
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

/// The ways to write a host without its port.
pub(crate) fn hosts(address: SocketAddr) -> Vec<String> {
    let mut hosts = vec![address.ip().to_string()];
    if address.is_ipv6() {
        // As it stands in URLs.
        hosts.push(format!("[{}]", address.ip()));
    }
    hosts
}

/// Who may get a token, and which tokens are live.
pub(crate) struct Auth {
    require_dpop: bool,
    clients: Clients,
    assertions: Assertions,
    trust: Arc<Trust>,
    devices: Devices,
    proofs: Proofs,
    tokens: Tokens,
    failures: (u32, StatusCode),
}

impl Auth {
    /// Knows one client and one trust.
    pub(crate) fn new(
        settings: &Settings,
        address: SocketAddr,
        client: &Credentials,
        trust: Arc<Trust>,
    ) -> Result<Self, Error> {
        let origin = format!("http://{address}");
        let mut clients = Clients::default();
        clients.add(client, None);
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
            failures: (0, StatusCode::INTERNAL_SERVER_ERROR),
        })
    }

    /// Answers a token request.
    pub(crate) fn token(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        self.fail_on_demand()?;
        if headers.contains_key(AUTHORIZATION) {
            return Err(Refusal::client(
                "credentials belong in the body, not in a header",
            ));
        }
        let form = Form::read(headers, body)?;
        // Before the grant, so that a client that needs a nonce can try again with the same grant.
        let key = self.prove(now, headers)?;
        let grant = form.need("grant_type")?;
        match grant {
            "client_credentials" => self.client_credentials(now, &form)?,
            exchange::GRANT => self.trust.verify(now, &form)?,
            device::GRANT => self.devices.poll(now, &form)?,
            _ => {
                return Err(Refusal::new(
                    "unsupported_grant_type",
                    "the grant_type is not known here",
                ));
            }
        }
        let token_type = if key.is_some() { "DPoP" } else { "Bearer" };
        let token = self.tokens.issue(now, key)?;
        let expires_in = self.tokens.lifetime().as_secs();
        let mut answer =
            json!({ "access_token": token, "token_type": token_type, "expires_in": expires_in });
        if grant == exchange::GRANT {
            answer["issued_token_type"] = json!(exchange::ISSUED);
        }
        Ok(answer)
    }

    /// The key that the token is to be bound to, if any.
    fn prove(&mut self, now: SystemTime, headers: &HeaderMap) -> Result<Option<String>, Refusal> {
        if !self.require_dpop && !headers.contains_key(DPOP) {
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

    fn client_credentials(&mut self, now: SystemTime, form: &Form) -> Result<(), Refusal> {
        let client = self.clients.get(now, form.get("client_id"))?;
        match (form.get("client_assertion"), form.get("client_secret")) {
            (Some(_), Some(_)) => Err(Refusal::request(
                "expected either client_assertion or client_secret",
            )),
            (None, Some(secret)) => client.check_secret(secret),
            (assertion, None) => {
                if form.get("client_assertion_type") != Some(assertion::TYPE) {
                    return Err(Refusal::client(
                        "client_assertion_type: expected the jwt-bearer type of RFC 7523",
                    ));
                }
                let assertion = assertion.unwrap_or_default();
                self.assertions.verify(now, client, assertion)
            }
        }
    }

    /// Begins a device login of whatever public client asks.
    pub(crate) fn start_device_login(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Started, Refusal> {
        let form = Form::read(headers, body)?;
        Ok(self.devices.start(now, form.need("client_id")?)?)
    }

    /// Decides a device login; whether there is one that waits for it.
    pub(crate) fn decide_device_login(
        &mut self,
        now: SystemTime,
        user_code: &str,
        approve: bool,
    ) -> bool {
        self.devices.decide(now, user_code, approve)
    }

    /// Makes a bearer token that lives from now on.
    pub(crate) fn issue(&mut self, now: SystemTime) -> Result<String, Error> {
        self.tokens.issue(now, None)
    }

    /// Makes a client known, until it expires.
    pub(crate) fn add_client(&mut self, credentials: &Credentials, expiry: Option<SystemTime>) {
        self.clients.add(credentials, expiry);
    }

    /// Forgets every token.
    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke();
    }

    /// The nonce that the next proof has to hold; `None` when it needs none.
    pub(crate) fn dpop_nonce(&self, realm: Realm) -> Option<String> {
        self.proofs.nonce(realm)
    }

    /// Makes other nonces needed, if any are.
    pub(crate) fn rotate_dpop_nonces(&mut self) {
        self.proofs.rotate();
    }

    /// Lets the next token requests fail.
    pub(crate) fn fail_token_requests(&mut self, count: u32, status: StatusCode) {
        self.failures = (count, status);
    }

    fn fail_on_demand(&mut self) -> Result<(), Refusal> {
        let (count, status) = &mut self.failures;
        if *count == 0 {
            return Ok(());
        }
        *count -= 1;
        Err(Refusal::on_demand(*status))
    }
}
