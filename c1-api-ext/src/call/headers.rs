//! The headers that go with every call of the API: who we are, and what the user adds.

use std::fmt;
use std::sync::Arc;

use c1_api::{BoxFuture, Error, Operation, Transport};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Request, Response};

use crate::error::ConfigError;

/// This crate as a product (RFC 9110, section 10.1.5).
pub(crate) const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// What is not the user's to set: it carries credentials, says where the request goes, how it is framed, or what the
/// answer is to be.
const RESERVED: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "dpop",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The headers, as they are gathered.
#[derive(Clone)]
pub(crate) struct Extra(HeaderMap);

impl Extra {
    pub(crate) fn new() -> Self {
        Self(HeaderMap::from_iter([(
            USER_AGENT,
            HeaderValue::from_static(PRODUCT),
        )]))
    }

    pub(crate) fn user_agent(&mut self, product: &str) -> Result<(), ConfigError> {
        let value = HeaderValue::try_from(format!("{PRODUCT} {}", product.trim()));
        let value = value.map_err(|_| refused("user-agent", UNFIT))?;
        self.0.insert(USER_AGENT, value);
        Ok(())
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        // A name that is none may be the value, in the wrong place.
        let name =
            HeaderName::try_from(name).map_err(|_| refused("", "that is no header's name"))?;
        if RESERVED.contains(&name.as_str()) {
            return Err(refused(name.as_str(), "the client sets it itself"));
        }
        let mut value = HeaderValue::try_from(value).map_err(|_| refused(name.as_str(), UNFIT))?;
        // It may be a gateway's key.
        value.set_sensitive(true);
        self.0.insert(name, value);
        Ok(())
    }
}

const UNFIT: &str = "the value has characters that no header can carry";

fn refused(name: &str, reason: &'static str) -> ConfigError {
    ConfigError::Header {
        name: name.to_owned(),
        reason,
    }
}

/// The layer: sets them on each request, whoever made the HTTP client.
pub(crate) struct Headers {
    inner: Arc<dyn Transport>,
    headers: HeaderMap,
}

impl Headers {
    pub(crate) fn new(inner: Arc<dyn Transport>, extra: Extra) -> Self {
        Self {
            inner,
            headers: extra.0,
        }
    }
}

impl Transport for Headers {
    fn execute<'a>(
        &'a self,
        mut request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name, value.clone());
        }
        self.inner.execute(request, operation)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
