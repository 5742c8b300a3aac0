//! The HTTP client: TLS by cargo feature, no redirects, a connect timeout.

use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use crate::error::ConfigError;
use crate::identity::tenant::Tenant;

/// This crate as a product of a `User-Agent` (RFC 9110, section 10.1.5).
pub(crate) const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client builder that is safe for credentials. Add proxies, headers or timeouts, and pass the client to
/// [`C1Builder::http`](crate::C1Builder::http).
///
/// - It follows no redirects, so that credentials stay with the tenant.
/// - It gives up connecting after 10 s.
/// - Its TLS is chosen by cargo features (`native-tls` before `rustls-aws-lc` before `rustls-ring`) and trusts what the
///   operating system trusts. With rustls, the builder's own TLS settings have no effect: for other roots or a client
///   certificate, build a client from scratch.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let http = c1_api_ext::http::client_builder()?
///     .pool_max_idle_per_host(4)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConfigError::Tls`] if the operating system's trusted certificates cannot be read.
pub fn client_builder() -> Result<ClientBuilder, ConfigError> {
    let builder = ClientBuilder::new()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    tls(builder)
}

/// The client that [`C1Builder`](crate::C1Builder) uses by default: [`client_builder`] with this crate's user agent, and
/// no proxy for a tenant on loopback. Pass it to a [`TokenEndpoint`](crate::TokenEndpoint).
///
/// # Errors
/// [`ConfigError::Tls`] if the operating system's trusted certificates cannot be read; [`ConfigError::NoTls`] without a
/// TLS feature, unless the tenant is on loopback.
pub fn client(tenant: &Tenant) -> Result<reqwest::Client, ConfigError> {
    let has_tls = cfg!(any(
        feature = "rustls-ring",
        feature = "rustls-aws-lc",
        feature = "native-tls"
    ));
    let mut builder = client_builder()?.user_agent(PRODUCT);
    if tenant.is_loopback() {
        // Requests to this machine must not reach a proxy, in plain text at that.
        builder = builder.no_proxy();
    } else if !has_tls {
        return Err(ConfigError::NoTls);
    }
    builder
        .build()
        .map_err(|error| ConfigError::Tls(error.into()))
}

#[cfg(feature = "native-tls")]
#[allow(clippy::unnecessary_wraps)]
fn tls(builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
    Ok(builder.tls_backend_native())
}

/// A complete configuration, so that no process-wide crypto provider has to be installed.
#[cfg(all(
    any(feature = "rustls-ring", feature = "rustls-aws-lc"),
    not(feature = "native-tls")
))]
fn tls(builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
    #[cfg(feature = "rustls-aws-lc")]
    use rustls::crypto::aws_lc_rs as crypto;
    #[cfg(not(feature = "rustls-aws-lc"))]
    use rustls::crypto::ring as crypto;
    use rustls_platform_verifier::BuilderVerifierExt;

    let config = rustls::ClientConfig::builder_with_provider(crypto::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| ConfigError::Tls(error.into()))?
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(config))
}

/// Without a TLS feature there is plain HTTP only, for an emulator on this machine.
#[cfg(not(any(
    feature = "rustls-ring",
    feature = "rustls-aws-lc",
    feature = "native-tls"
)))]
#[allow(clippy::unnecessary_wraps)]
fn tls(builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
    Ok(builder)
}
