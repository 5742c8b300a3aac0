//! Tenants: base URL, host and OAuth endpoints.

use std::fmt;
use std::str::FromStr;

use c1_api::{is_loopback, is_secure};
use url::{Host, Url};

/// Appended to a bare tenant name.
const DOMAIN: &str = ".conductor.one";

/// A C1 tenant, identified by the address of its server.
///
/// It is read from any of these:
///
/// | text | base URL |
/// | --- | --- |
/// | a name, `acme` | `https://acme.conductor.one` |
/// | a host, `acme.c1eu.ai` | `https://acme.c1eu.ai` |
/// | a URL, `https://acme.conductor.one/` | `https://acme.conductor.one` |
/// | a loopback address, `127.0.0.1:8080` or `localhost:8080` | `http://127.0.0.1:8080` |
///
/// Plain http is for loopback only: `127.0.0.0/8`, `[::1]`, `localhost`.
/// A [`ClientId`](crate::ClientId) contains its tenant: [`ClientId::tenant`](crate::ClientId::tenant).
///
/// ```
/// # fn main() -> Result<(), c1_api_ext::TenantError> {
/// let tenant: c1_api_ext::Tenant = "acme".parse()?;
/// assert_eq!(tenant.base_url(), "https://acme.conductor.one");
/// assert_eq!(tenant.host(), "acme.conductor.one");
/// assert_eq!(tenant.token_url(), "https://acme.conductor.one/auth/v1/token");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tenant {
    /// Without the trailing slash.
    base: String,
    /// Without the port; an IPv6 address in brackets.
    host: String,
    loopback: bool,
}

impl Tenant {
    /// The root of the API, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// The host, without port: the audience of an assertion.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/auth/v1/token", self.base)
    }

    /// The device authorization endpoint (RFC 8628, section 3.1).
    pub fn device_authorization_url(&self) -> String {
        format!("{}/auth/v1/device_authorization", self.base)
    }

    /// Whether the tenant is on this machine, like an emulator.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether `url` is on the tenant's server: same scheme, host and port, and no user name.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        // Both in the normal form that `Url` writes, in which the host ends where the path begins.
        let rest = url.as_str().strip_prefix(self.base.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// From `host` or `host:port`, not from a bare name: a client id has the full host.
    pub(crate) fn from_authority(authority: &str) -> Result<Self, TenantError> {
        if authority.is_empty() {
            return Err(TenantError::Empty);
        }
        // Whatever could make the URL parser see more than a host and a port.
        if authority.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '@' | '%')
        }) {
            return Err(TenantError::Host);
        }
        let http = Self::parse(&format!("http://{authority}"))?;
        // The URL parser reads `1`, `127.1` and `0x7f000001` as IPv4 addresses; here they are mistakes.
        if let Some(Host::Ipv4(address)) = http.host()
            && authority.split(':').next() != Some(&address.to_string())
        {
            return Err(TenantError::Host);
        }
        let tenant = if is_loopback(&http) {
            Self::from_url(&http)
        } else {
            // Parsed again, because each scheme omits its own default port.
            Self::from_url(&Self::parse(&format!("https://{authority}"))?)
        }?;
        if tenant.loopback || tenant.host.contains('.') || tenant.host.starts_with('[') {
            Ok(tenant)
        } else {
            Err(TenantError::Host)
        }
    }

    fn parse(url: &str) -> Result<Url, TenantError> {
        Url::parse(url).map_err(|error| match error {
            url::ParseError::InvalidPort => TenantError::Port,
            url::ParseError::RelativeUrlWithoutBase => TenantError::Scheme,
            _ => TenantError::Host,
        })
    }

    fn from_url(url: &Url) -> Result<Self, TenantError> {
        if !is_secure(url) {
            return Err(match url.scheme() {
                "http" => TenantError::NotHttps,
                _ => TenantError::Scheme,
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TenantError::UserInfo);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(TenantError::Path);
        }
        let host = url.host_str().ok_or(TenantError::Host)?;
        if host.split('.').any(str::is_empty) {
            return Err(TenantError::Host);
        }
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            loopback: is_loopback(url),
        })
    }
}

impl FromStr for Tenant {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        if text.contains("://") {
            // The URL parser removes these silently.
            if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(TenantError::Host);
            }
            return Self::from_url(&Self::parse(text)?);
        }
        let bare = !text.is_empty()
            && !text.contains(['.', ':', '['])
            && !text.eq_ignore_ascii_case("localhost");
        if !bare {
            return Self::from_authority(text);
        }
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !letters || text.starts_with('-') || text.ends_with('-') || text.len() > 63 {
            return Err(TenantError::Name);
        }
        Self::from_authority(&format!("{text}{DOMAIN}"))
    }
}

impl TryFrom<&str> for Tenant {
    type Error = TenantError;

    fn try_from(text: &str) -> Result<Self, TenantError> {
        text.parse()
    }
}

impl TryFrom<String> for Tenant {
    type Error = TenantError;

    fn try_from(text: String) -> Result<Self, TenantError> {
        text.parse()
    }
}

/// Shows the base URL.
impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.base)
    }
}

/// Why a text is not a tenant. It never contains the text, which may be a misplaced secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantError {
    /// The text is empty.
    #[error(
        "invalid tenant: expected a name such as `acme`, a host or an https URL, found an empty string"
    )]
    Empty,
    /// A bare name that is not a DNS label.
    #[error(
        "invalid tenant name: expected at most 63 letters, digits and inner hyphens, such as `acme`"
    )]
    Name,
    /// The host is missing or malformed.
    #[error("invalid tenant: expected a full host name such as `acme.conductor.one`")]
    Host,
    /// The port is not a number up to 65535.
    #[error("invalid tenant: expected a port from 0 to 65535")]
    Port,
    /// A scheme other than https or http.
    #[error("invalid tenant URL: expected the scheme https")]
    Scheme,
    /// Plain http to another machine.
    #[error("invalid tenant URL: expected https; plain http is for loopback only")]
    NotHttps,
    /// A user name or password in the URL.
    #[error("invalid tenant URL: expected no user name or password")]
    UserInfo,
    /// A path, query or fragment.
    #[error("invalid tenant URL: expected no path, query or fragment")]
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_tenant() {
        for (text, base, host) in [
            ("acme", "https://acme.conductor.one", "acme.conductor.one"),
            (
                "ACME-2",
                "https://acme-2.conductor.one",
                "acme-2.conductor.one",
            ),
            (
                "acme.conductor.one",
                "https://acme.conductor.one",
                "acme.conductor.one",
            ),
            ("acme.c1eu.ai", "https://acme.c1eu.ai", "acme.c1eu.ai"),
            (
                "acme.c1eu.ai:8443",
                "https://acme.c1eu.ai:8443",
                "acme.c1eu.ai",
            ),
            ("acme.c1eu.ai:80", "https://acme.c1eu.ai:80", "acme.c1eu.ai"),
            (
                "https://Acme.C1EU.ai:443/",
                "https://acme.c1eu.ai",
                "acme.c1eu.ai",
            ),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1"),
            ("127.9.9.9:443", "http://127.9.9.9:443", "127.9.9.9"),
            ("LocalHost:1", "http://localhost:1", "localhost"),
            ("localhost", "http://localhost", "localhost"),
            ("[::1]:8080", "http://[::1]:8080", "[::1]"),
            (
                "http://localhost:8080",
                "http://localhost:8080",
                "localhost",
            ),
            (
                "https://127.0.0.1:8080",
                "https://127.0.0.1:8080",
                "127.0.0.1",
            ),
        ] {
            let tenant: Tenant = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(tenant.base_url(), base, "{text}");
            assert_eq!(tenant.host(), host, "{text}");
            assert_eq!(tenant.token_url(), format!("{base}/auth/v1/token"));
            assert_eq!(
                tenant.device_authorization_url(),
                format!("{base}/auth/v1/device_authorization")
            );
            assert_eq!(
                tenant.to_string().parse(),
                Ok(tenant),
                "{text} is read again"
            );
        }
    }

    #[test]
    fn what_is_refused_and_why() {
        use TenantError as E;
        let long = "a".repeat(64);
        for (text, why) in [
            ("", E::Empty),
            (" acme", E::Name),
            ("acme corp", E::Name),
            ("-acme", E::Name),
            ("acme/x", E::Name),
            ("user@acme", E::Name),
            (&long, E::Name),
            ("acme.conductor.one/api", E::Host),
            ("user@acme.conductor.one", E::Host),
            ("acme.conductor.one\n", E::Host),
            ("https://acme.conductor.one\n", E::Host),
            ("acme%2econductor.one", E::Host),
            ("acme..one", E::Host),
            ("acme.conductor.one.", E::Host),
            (".", E::Host),
            ("127.1", E::Host),
            ("0x7f.0.0.1:8080", E::Host),
            ("https://", E::Host),
            ("acme:8080", E::Host),
            ("acme.conductor.one:99999", E::Port),
            ("acme.conductor.one:http", E::Port),
            ("ftp://acme.conductor.one", E::Scheme),
            ("file:///etc/passwd", E::Scheme),
            ("://acme", E::Scheme),
            ("http://acme.conductor.one", E::NotHttps),
            ("http://localhost.evil.example", E::NotHttps),
            ("http://127.0.0.1.evil.example", E::NotHttps),
            ("http://0.0.0.0", E::NotHttps),
            ("http://[::ffff:10.0.0.1]", E::NotHttps),
            ("https://u:p@acme.conductor.one", E::UserInfo),
            ("https://acme.conductor.one/api/v1", E::Path),
            ("https://acme.conductor.one?x", E::Path),
            ("https://acme.conductor.one#x", E::Path),
        ] {
            assert_eq!(text.parse::<Tenant>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn serves_its_own_addresses_only() {
        let tenant: Tenant = "https://acme.conductor.one".parse().expect("a tenant");
        for (url, ours) in [
            ("https://acme.conductor.one/api/v1/apps?x=y", true),
            ("HTTPS://Acme.Conductor.One:443", true),
            ("https://acme.conductor.one:8443/api", false),
            ("http://acme.conductor.one/api", false),
            ("https://acme.conductor.one.evil.example/api", false),
            ("https://acme.conductor.one@evil.example/api", false),
            ("https://user@acme.conductor.one/api", false),
            ("https://other.conductor.one/api", false),
        ] {
            assert_eq!(tenant.serves(&url.parse().expect("a URL")), ours, "{url}");
        }
        let port: Tenant = "127.0.0.1:80".parse().expect("a tenant");
        assert!(port.serves(&"http://127.0.0.1/x".parse().expect("a URL")));
        let port: Tenant = "127.0.0.1:808".parse().expect("a tenant");
        assert!(!port.serves(&"http://127.0.0.1:8080/x".parse().expect("a URL")));
    }
}
