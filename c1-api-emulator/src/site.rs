//! Refuses requests that a web page may have caused.
//!
//! A page in the user's browser can reach loopback in two ways: with a name of its own that it makes
//! resolve to loopback (DNS rebinding), or with a cross-site request. The first shows in `Host`, the
//! second in `Origin` or `Sec-Fetch-Site`.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use crate::error::Error;
use crate::status::Status;

/// The hosts that are served besides those of loopback, in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// That of the tenant's URLs.
    scheme: &'static str,
    allowed: Vec<String>,
}

impl Hosts {
    /// Only those of loopback.
    pub(crate) fn new(scheme: &'static str) -> Self {
        Self {
            scheme,
            allowed: Vec::new(),
        }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Adds a host: a name or an address, without port.
    pub(crate) fn allow(&mut self, host: &str) -> Result<(), Error> {
        let authority: Option<Authority> = host.parse().ok();
        if authority.is_none_or(|authority| authority.host() != host) {
            return Err(Error::HostName(host.to_owned()));
        }
        self.allowed.push(normal(host));
        Ok(())
    }

    /// Refuses a request that is for another host or comes from another site.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Status> {
        let target = target(parts).ok_or_else(Status::no_host)?;
        if !self.serves(target.host()) {
            return Err(Status::misdirected());
        }
        if is_cross_site(&parts.headers, &format!("{}://{target}", self.scheme)) {
            return Err(Status::cross_site());
        }
        Ok(())
    }

    /// Whether the host is allowed, or is one that no other machine can have: a loopback address, or
    /// a name that RFC 6761, section 6.3, reserves for loopback. The port is not compared, because it
    /// may be forwarded.
    fn serves(&self, host: &str) -> bool {
        let host = normal(host);
        let loopback = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        loopback || self.allowed.contains(&host)
    }
}

/// In lower case, and without the dot of the DNS root.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The host and port that the request is for. In the absolute form of a request target, they take
/// precedence over `Host` (RFC 9112, section 3.2.2). `None` unless there is exactly one.
fn target(parts: &Parts) -> Option<Authority> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (host, None) = (hosts.next()?, hosts.next()) else {
        return None;
    };
    let host = Authority::try_from(host.as_bytes()).ok()?;
    let target = parts.uri.authority().cloned().unwrap_or(host);
    // A user name is no part of `Host`.
    (!target.as_str().contains('@')).then_some(target)
}

/// Whether a page of another origin than the tenant's own sent the request. Pages of other ports on this machine count as
/// such (`same-site`): they belong to other programs.
fn is_cross_site(headers: &HeaderMap, own: &str) -> bool {
    let foreign = |origin: &[u8]| !origin.eq_ignore_ascii_case(own.as_bytes());
    let origins = headers.get_all(ORIGIN);
    let sites = headers.get_all("sec-fetch-site");
    origins.iter().any(|origin| foreign(origin.as_bytes()))
        || sites
            .iter()
            .any(|site| site != "same-origin" && site != "none")
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    fn status(hosts: &Hosts, host: &str) -> u16 {
        let request = hyper::Request::builder().header("host", host).body(());
        match hosts.check(&request.unwrap().into_parts().0) {
            Ok(()) => 200,
            Err(status) => status.http.as_u16(),
        }
    }

    #[test]
    fn only_loopback_and_allowed_hosts_are_served() {
        let mut hosts = Hosts::new("http");
        for host in ["C1.Test", "192.0.2.1", "dotted.test."] {
            hosts.allow(host).unwrap();
        }
        for host in [
            "localhost",
            "LocalHost.:80",
            "acme.localhost:8080",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:8080",
            "c1.test",
            "C1.TEST:443",
            "192.0.2.1:80",
            "dotted.test",
        ] {
            assert_eq!(status(&hosts, host), 200, "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "sub.c1.test",
            "192.0.2.2",
            "0.0.0.0",
            "[::]",
            "[2001:db8::1]",
            "2130706433",
        ] {
            assert_eq!(status(&hosts, host), 421, "{host}");
        }
        for host in ["", "localhost@example.com", "a b", "example.com@localhost"] {
            assert_eq!(status(&hosts, host), 400, "{host}");
        }
    }

    #[test]
    fn allowed_hosts_have_no_port() {
        for host in ["", "c1:80", "http://c1", "c1/", "user@c1", "[::1", "a b"] {
            let error = Hosts::new("http").allow(host).unwrap_err();
            assert!(error.to_string().contains(host), "{error}");
        }
    }
}
