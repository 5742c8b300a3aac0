//! The client: a base URL and a transport, shared by all operations.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use progenitor_client::ClientInfo as _;
use reqwest::Url;

use crate::error::{Error, ErrorKind};
use crate::raw;
use crate::transport::Transport;

/// A client of one C1 tenant. Cloning is cheap, and clones share everything.
///
/// One method per operation group leads to that group's operations, each of which is a builder to be awaited. c1-api-ext
/// builds this client with credentials, retries and timeouts; by itself this crate sends a fixed token:
///
/// ```
/// # fn main() -> Result<(), c1_api::Error> {
/// # let _ = rustls::crypto::ring::default_provider().install_default();
/// let http = reqwest::Client::new();
/// let transport = c1_api::Bearer::new(http.clone(), "a-token")?;
/// let client = c1_api::Client::new("http://127.0.0.1:8080/", http, transport)?;
/// assert_eq!(client.base_url(), "http://127.0.0.1:8080");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<raw::Client>);

impl Client {
    /// A client that calls the API under `base_url` through `transport`.
    ///
    /// `base_url` is `https`, or `http` where the host is this machine itself (`localhost`, a loopback address); it may have
    /// a path, whose trailing slashes are dropped. `http` builds the requests, and does not send them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], if `base_url` is no such URL, or has a query, a fragment, a user name or a password.
    pub fn new(
        base_url: impl AsRef<str>,
        http: reqwest::Client,
        transport: impl Transport,
    ) -> Result<Self, Error> {
        let base_url = check_base_url(base_url.as_ref())?;
        Ok(Self(Arc::new(raw::Client::new_with_client(
            &base_url,
            http,
            Arc::new(transport),
        ))))
    }

    /// A client of the same tenant that calls it through another transport.
    #[must_use]
    pub fn with_transport(&self, transport: impl Transport) -> Self {
        Self(Arc::new(raw::Client::new_with_client(
            self.0.baseurl(),
            self.0.client().clone(),
            Arc::new(transport),
        )))
    }

    /// The URL under which the API is called, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.0.baseurl()
    }

    /// progenitor's client, with one method per operation. Its errors become ours by [`Error::from_raw`]; do not print
    /// them as they are, for they quote bodies and headers.
    pub fn raw(&self) -> &raw::Client {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

/// The base URL in its normal form. No error quotes it, as it may hold a password.
fn check_base_url(text: &str) -> Result<String, Error> {
    let invalid =
        |problem: &str| Error::new(ErrorKind::InvalidRequest, format!("the base URL {problem}"));
    let url = Url::parse(text).map_err(|error| invalid("is not a URL").with_source(error))?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| invalid("has no host"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => {
            return Err(invalid(
                "must be https: plain http would show the token to the network",
            ));
        }
        _ => return Err(invalid("must be https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not have a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not have a query or fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Bearer;

    fn client(base_url: &str) -> Result<Client, Error> {
        let http = crate::testing::http();
        Client::new(base_url, http.clone(), Bearer::new(http, "canary")?)
    }

    #[test]
    fn good_base_urls() {
        for (given, normal) in [
            ("https://t.conductor.one", "https://t.conductor.one"),
            ("https://t.conductor.one///", "https://t.conductor.one"),
            (
                "HTTPS://T.Conductor.One:443/Base/",
                "https://t.conductor.one/Base",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.9.9.9/", "http://127.9.9.9"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
        ] {
            assert_eq!(client(given).unwrap().base_url(), normal);
        }
    }

    #[test]
    fn bad_base_urls() {
        for (given, problem) in [
            ("", "is not a URL"),
            ("t.conductor.one", "is not a URL"),
            ("https://", "is not a URL"),
            (
                "http://t.conductor.one",
                "must be https: plain http would show the token to the network",
            ),
            (
                "http://localhost.evil.example",
                "must be https: plain http would show the token to the network",
            ),
            (
                "http://127.0.0.1.evil.example",
                "must be https: plain http would show the token to the network",
            ),
            (
                "http://0.0.0.0",
                "must be https: plain http would show the token to the network",
            ),
            ("ftp://t.conductor.one", "must be https"),
            ("mailto:canary", "has no host"),
            ("file:///canary", "has no host"),
            (
                "https://canary@t.conductor.one",
                "must not have a user name or password",
            ),
            (
                "https://:canary@t.conductor.one",
                "must not have a user name or password",
            ),
            (
                "https://t.conductor.one?canary",
                "must not have a query or fragment",
            ),
            (
                "https://t.conductor.one/#canary",
                "must not have a query or fragment",
            ),
            (
                "https://t.conductor.one?",
                "must not have a query or fragment",
            ),
        ] {
            let error = client(given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(
                error.message(),
                format!("the base URL {problem}"),
                "{given}"
            );
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[test]
    fn another_transport_calls_the_same_tenant() {
        let one = client("https://t.conductor.one/base/").unwrap();
        let bearer = Bearer::new(crate::testing::http(), "canary").unwrap();
        assert_eq!(one.with_transport(bearer).base_url(), one.base_url());
    }

    #[test]
    fn debug_shows_the_base_url_only() {
        let shown = format!("{:?}", client("https://t.conductor.one").unwrap());
        assert_eq!(
            shown,
            "Client { base_url: \"https://t.conductor.one\", .. }"
        );
    }
}
