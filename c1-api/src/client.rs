//! The client: a base URL and a transport, shared by all operations.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;

use crate::base_url;
use crate::call::Call;
use crate::error::Error;
use crate::hook::{Dispatch, RawCall};
use crate::operation::Operation;
use crate::options::CallOptions;
use crate::raw;
use crate::transport::Transport;

/// A client of one C1 tenant. Cloning is cheap, and clones share everything.
///
/// Calls need a tokio runtime with I/O and timers
/// ([`enable_all`](https://docs.rs/tokio/latest/tokio/runtime/struct.Builder.html#method.enable_all)), which the HTTP client
/// uses. Without a runtime they fail with [`ErrorKind::NoRuntime`](crate::ErrorKind::NoRuntime); on one without I/O or timers
/// tokio panics. A [`Transport`] of your own need not depend on a runtime.
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
pub struct Client {
    shared: Arc<Shared>,
    options: CallOptions,
}

struct Shared {
    /// Without a trailing slash.
    base_url: String,
    base: Url,
    http: reqwest::Client,
    transport: Arc<dyn Transport>,
}

impl Client {
    /// A client that calls the API under `base_url` through `transport`.
    ///
    /// `base_url` is `https`, or `http` if the host is this machine (`localhost`, a loopback address); it may have a path,
    /// whose trailing slashes are dropped. `http` builds the requests and does not send them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) for any other `base_url`, and for one with a query,
    /// a fragment, a user name or a password.
    pub fn new(
        base_url: impl AsRef<str>,
        http: reqwest::Client,
        transport: impl Transport,
    ) -> Result<Self, Error> {
        let base = base_url::parse(base_url.as_ref())?;
        Ok(Self {
            shared: Arc::new(Shared {
                base_url: base.as_str().trim_end_matches('/').to_owned(),
                base,
                http,
                transport: Arc::new(transport),
            }),
            options: CallOptions::new(),
        })
    }

    /// A client of the same tenant that sends through a transport made from that of `client`.
    ///
    /// Not a method, so that a type that dereferences to a client does not offer it: the new transport need not
    /// authenticate.
    #[must_use]
    pub fn map_transport<T: Transport>(
        client: &Self,
        map: impl FnOnce(Arc<dyn Transport>) -> T,
    ) -> Self {
        let Shared {
            base_url,
            base,
            http,
            transport,
        } = &*client.shared;
        Self {
            shared: Arc::new(Shared {
                base_url: base_url.clone(),
                base: base.clone(),
                http: http.clone(),
                transport: Arc::new(map(transport.clone())),
            }),
            options: client.options.clone(),
        }
    }

    /// The same client, with these options for every call that does not set its own.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self {
            options,
            ..self.clone()
        }
    }

    /// The options with which every call begins.
    #[must_use]
    pub fn options(&self) -> &CallOptions {
        &self.options
    }

    /// The options of the call that is built on this clone.
    #[allow(dead_code, reason = "a build without features has no operations")]
    pub(crate) fn options_mut(&mut self) -> &mut CallOptions {
        &mut self.options
    }

    /// The URL under which the API is called, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// A call of `operation` by progenitor's own client, [`raw::Client`]. A request that does not match the operation's
    /// path is refused.
    ///
    /// ```no_run
    /// # #[cfg(feature = "apps")]
    /// # async fn list(client: c1_api::Client) -> Result<(), c1_api::Error> {
    /// let call = client.raw_call(c1_api::apps::Get::OPERATION);
    /// let result = call.raw().apps_get("app-id").await;
    /// let app = call.finish(result).await?.into_inner().app;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn raw_call(&self, operation: &'static Operation) -> RawCall {
        self.begin(operation, Some(self.shared.base.path().to_owned()))
    }

    /// A call by an operation builder, which has checked its path parameters.
    #[allow(dead_code, reason = "a build without features has no operations")]
    pub(crate) fn checked_call(&self, operation: &'static Operation) -> RawCall {
        self.begin(operation, None)
    }

    fn begin(&self, operation: &'static Operation, check_below: Option<String>) -> RawCall {
        let call = Call::new(operation, self.options.clone());
        let Shared { base_url, http, .. } = &*self.shared;
        let dispatch = self.dispatch(call, check_below);
        RawCall(raw::Client::new_with_client(
            base_url,
            http.clone(),
            dispatch,
        ))
    }

    pub(crate) fn dispatch(&self, call: Call, check_below: Option<String>) -> Dispatch {
        Dispatch {
            transport: self.shared.transport.clone(),
            call,
            check_below,
        }
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
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
            ("", "is not a valid URL"),
            ("t.conductor.one", "is not a valid URL"),
            ("https://", "is not a valid URL"),
            (
                "http://t.conductor.one",
                "must be https: plain http would expose the token to the network",
            ),
            (
                "http://localhost.evil.example",
                "must be https: plain http would expose the token to the network",
            ),
            (
                "http://127.0.0.1.evil.example",
                "must be https: plain http would expose the token to the network",
            ),
            (
                "http://0.0.0.0",
                "must be https: plain http would expose the token to the network",
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
        let two = Client::map_transport(&one, |_| bearer);
        assert_eq!(two.base_url(), one.base_url());
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
