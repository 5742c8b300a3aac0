//! Which base URLs a client accepts.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::{Error, ErrorKind};

/// The base URL of an API: `https`, or `http` to this machine; without user name, password, query and fragment.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`], which says what is wrong. It never quotes the URL, which may hold a password.
pub(crate) fn parse(text: &str) -> Result<Url, Error> {
    let invalid =
        |problem: &str| Error::new(ErrorKind::InvalidRequest, format!("the base URL {problem}"));
    let url = Url::parse(text).map_err(|error| invalid("is not a valid URL").with_source(error))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("has no host"));
    }
    if !is_secure(&url) {
        return Err(invalid(match url.scheme() {
            "http" => "must be https: plain http would expose the token to the network",
            _ => "must be https",
        }));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not have a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not have a query or fragment"));
    }
    Ok(url)
}

/// Whether credentials may be sent to `url`: over `https`, or over `http` to this machine.
#[must_use]
pub fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the host of `url` is this machine: `localhost`, `127.0.0.0/8` or `[::1]`. Only there may requests go without
/// TLS. A name that merely resolves to this machine does not count.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
