//! The webhooks of the tenant on their way: signed, sent to loopback one after the other, and kept with what came back.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::auth::jwt;
use crate::credentials::{random, random_text};
use crate::error::Error;
use crate::lock::lock;

/// The path below which replies to webhooks are received: `{id}`.
pub(crate) const CALLBACK_PATH: &str = "/webhooks/callback/";
/// The path of the public keys.
pub(crate) const KEYS_PATH: &str = "/auth/v1/jwks";
/// How long a token is valid.
const LIFETIME: u64 = 120;
/// The limit on the time from connecting to the end of the response.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The limit on the size of a response: 64 KiB.
pub(crate) const REPLY_LIMIT: usize = 64 << 10;
/// How many deliveries are kept, and how many may wait.
const KEPT: usize = 1_000;

/// A webhook that is to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) id: String,
    /// The id of the endpoint.
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) event: String,
    pub(crate) body: Value,
    /// Whether somebody waits for a reply.
    pub(crate) has_reply: bool,
}

/// A webhook that the emulator sent, or could not send; see [`Emulator::deliveries`](crate::Emulator::deliveries).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// The id of the webhook, as in the header `Webhook-Id`.
    pub id: String,
    /// The id of the endpoint, the object of the group `webhooks`.
    pub endpoint_id: String,
    /// The URL of the endpoint.
    pub url: String,
    /// The message of the payload, such as `c1.webhooks.v1.PayloadTest`.
    pub event: String,
    /// The body of the request.
    pub body: Value,
    /// The status of the response and its body, or why there is none.
    pub outcome: Result<(u16, Bytes), String>,
}

/// The keys that webhooks are signed with.
pub(crate) struct Keys {
    current: Ed25519KeyPair,
    /// The one before, which verifies what is on its way when the keys are rotated.
    last: Option<Ed25519KeyPair>,
}

fn generate() -> Result<Ed25519KeyPair, Error> {
    Ed25519KeyPair::from_seed_unchecked(&random::<32>()?).map_err(|_| Error::Random)
}

/// The public key, and its id: its hash.
fn public(key: &Ed25519KeyPair) -> (String, String) {
    let public = key.public_key().as_ref();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    (
        encode(public),
        encode(&digest(&SHA256, public).as_ref()[..12]),
    )
}

impl Keys {
    pub(crate) fn generate() -> Result<Self, Error> {
        Ok(Self {
            current: generate()?,
            last: None,
        })
    }

    /// Signs with a new key from now on.
    pub(crate) fn rotate(&mut self) -> Result<(), Error> {
        self.last = Some(std::mem::replace(&mut self.current, generate()?));
        Ok(())
    }

    /// The public keys as a JWK set (RFC 7517).
    pub(crate) fn set(&self) -> Value {
        let keys = [Some(&self.current), self.last.as_ref()];
        let keys = keys.into_iter().flatten().map(|key| {
            let (x, kid) = public(key);
            json!({ "alg": "EdDSA", "crv": "Ed25519", "kid": kid, "kty": "OKP", "use": "sig", "x": x })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// A token of the tenant for a webhook to `url` with this body.
    fn token(
        &self,
        issuer: &str,
        url: &Uri,
        body: &[u8],
        now: SystemTime,
    ) -> Result<String, Error> {
        let (_, kid) = public(&self.current);
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let scheme = url.scheme_str().unwrap_or_default();
        let claims = json!({
            "c1typ": "wh",
            "iss": issuer,
            "aud": url.host(),
            "htm": "POST",
            "htu": format!("{scheme}://{authority}{}", url.path()),
            "htb_s256": URL_SAFE_NO_PAD.encode(digest(&SHA256, body)),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "jti": random_text()?,
        });
        let header = json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" });
        Ok(jwt::sign(&self.current, &header, &claims))
    }
}

/// The webhooks on their way, and those that were sent.
pub(crate) struct Webhooks {
    pub(crate) keys: Mutex<Keys>,
    waiting: Mutex<VecDeque<Outgoing>>,
    wake: Notify,
    /// How many are not sent yet.
    pending: watch::Sender<usize>,
    sent: Mutex<VecDeque<WebhookDelivery>>,
}

impl Webhooks {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self {
            keys: Mutex::new(Keys::generate()?),
            waiting: Mutex::default(),
            wake: Notify::new(),
            pending: watch::Sender::new(0),
            sent: Mutex::default(),
        })
    }

    /// The keys for a change.
    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        lock(&self.keys)
    }

    /// Has the webhooks sent.
    pub(crate) fn enqueue(&self, outgoing: Vec<Outgoing>) {
        for one in outgoing {
            let mut waiting = lock(&self.waiting);
            if waiting.len() < KEPT {
                waiting.push_back(one);
                self.pending.send_modify(|pending| *pending += 1);
            } else {
                drop(waiting);
                self.keep(one, Err(format!("{KEPT} other webhooks are waiting")));
            }
        }
        self.wake.notify_one();
    }

    /// Those that were sent, when none is waiting.
    pub(crate) async fn sent(&self) -> Vec<WebhookDelivery> {
        // The sender is this one's own, so it is not closed.
        let mut pending = self.pending.subscribe();
        let _ = pending.wait_for(|pending| *pending == 0).await;
        lock(&self.sent).iter().cloned().collect()
    }

    fn keep(&self, one: Outgoing, outcome: Result<(u16, Bytes), String>) {
        let mut sent = lock(&self.sent);
        if sent.len() == KEPT {
            sent.pop_front();
        }
        sent.push_back(WebhookDelivery {
            id: one.id,
            endpoint_id: one.endpoint,
            url: one.url,
            event: one.event,
            body: one.body,
            outcome,
        });
    }

    /// Sends what is to be sent, forever. `end` gets the id of each, and what came back, before anybody can ask for it.
    pub(crate) async fn run(
        &self,
        issuer: &str,
        now: impl Fn() -> SystemTime,
        end: impl Fn(&str, &Result<(u16, Bytes), String>),
    ) {
        loop {
            let next = lock(&self.waiting).pop_front();
            let Some(one) = next else {
                self.wake.notified().await;
                continue;
            };
            let outcome = match timeout(TIME_LIMIT, self.send(&one, issuer, now())).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no response in {} s", TIME_LIMIT.as_secs())),
            };
            end(&one.id, &outcome);
            self.keep(one, outcome);
            self.pending.send_modify(|pending| *pending -= 1);
        }
    }

    async fn send(
        &self,
        one: &Outgoing,
        issuer: &str,
        now: SystemTime,
    ) -> Result<(u16, Bytes), String> {
        let url: Uri = one
            .url
            .parse()
            .map_err(|_| "the endpoint's url is no URL".to_owned())?;
        let address = loopback(&url)?;
        let body = one.body.to_string();
        let token = lock(&self.keys).token(issuer, &url, body.as_bytes(), now);
        let token = token.map_err(|error| error.to_string())?;
        let callback = one.body["callbackUrl"].as_str().unwrap_or_default();
        let target = url.path_and_query().map_or("/", |target| target.as_str());
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let request = Request::post(target)
            .header(HOST, authority)
            .header(AUTHORIZATION, format!("bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &one.id)
            .header("webhook-event", &one.event)
            .header("webhook-version", "v1")
            .header("webhook-callback-url", callback)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let response = sender.send_request(request).await;
            let response = response.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), REPLY_LIMIT)
                .collect()
                .await;
            let body = body.map_err(|error| format!("the response cannot be read: {error}"))?;
            Ok((status, body.to_bytes()))
        };
        // The connection makes progress only while it is polled, and ends after the response or with it.
        let mut exchange = std::pin::pin!(exchange);
        tokio::select! {
            outcome = &mut exchange => outcome,
            _ = connection => exchange.await,
        }
    }
}

/// The address of a URL on this machine, where alone an offline tenant sends something.
fn loopback(url: &Uri) -> Result<(IpAddr, u16), String> {
    let host = url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = match bare {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        bare => bare.parse().ok().filter(IpAddr::is_loopback),
    };
    match (url.scheme_str(), address) {
        (Some("http"), Some(address)) => Ok((address, url.port_u16().unwrap_or(80))),
        _ => Err(
            "not sent: expected an http URL of this machine, such as http://127.0.0.1:8080/hook"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn only_this_machine_is_sent_to() {
        let address =
            |url: &str| loopback(&url.parse().unwrap()).map(|(ip, port)| format!("{ip} {port}"));
        assert_eq!(address("http://127.0.0.1:81/x?y").unwrap(), "127.0.0.1 81");
        assert_eq!(address("http://localhost/x").unwrap(), "127.0.0.1 80");
        assert_eq!(address("http://[::1]:82").unwrap(), "::1 82");
        for other in [
            "http://192.0.2.1/",
            "https://127.0.0.1/",
            "http://localhost.example/",
            "/x",
        ] {
            assert!(address(other).is_err(), "{other}");
        }
    }
}
