//! The HTTP client underneath: TLS by cargo feature, no redirects, a limit on connecting.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Response, StatusCode};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::identity::tenant::Tenant;

/// This crate as a product of a `User-Agent` (RFC 9110, section 10.1.5).
pub(crate) const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Begins an HTTP client that is safe to carry credentials, to which proxies, headers and time limits can be added
/// before [`C1Builder::http`](crate::C1Builder::http) gets it:
///
/// - it follows no redirect, because credentials must not go along;
/// - it gives up connecting after 10 s;
/// - its TLS is the one that this crate's features ask for (`native-tls` before `rustls-aws-lc` before
///   `rustls-ring`) and trusts what the operating system trusts. With rustls, the builder's own settings for TLS have
///   no effect: for other roots or a client certificate, build a client from scratch.
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

/// The client that [`C1Builder`](crate::C1Builder) makes of it: with our user agent, and no proxy between this machine
/// and itself. For a [`TokenEndpoint`](crate::TokenEndpoint) of your own.
///
/// # Errors
/// [`ConfigError::Tls`], as above; [`ConfigError::NoTls`] without a TLS feature, for a tenant on another machine.
pub fn client(tenant: &Tenant) -> Result<reqwest::Client, ConfigError> {
    let has_tls = cfg!(any(
        feature = "rustls-ring",
        feature = "rustls-aws-lc",
        feature = "native-tls"
    ));
    let mut builder = client_builder()?.user_agent(PRODUCT);
    if tenant.is_loopback() {
        // What is for this machine has no business at a proxy, least of all without TLS.
        builder = builder.no_proxy();
    } else if !has_tls {
        return Err(ConfigError::NoTls);
    }
    builder
        .build()
        .map_err(|error| ConfigError::Tls(error.into()))
}

/// Whether a service that answers so may give another answer later: it has failed or is busy.
pub(crate) fn may_recover(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// The body of an answer that may hold a token, overwritten after use; none if it is longer than `limit`.
pub(crate) async fn read_secret(
    response: &mut Response,
    limit: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, reqwest::Error> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

#[cfg(feature = "native-tls")]
#[allow(clippy::unnecessary_wraps)]
fn tls(builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
    Ok(builder.tls_backend_native())
}

/// Handed over ready-made, so that no cryptography has to be installed for the whole process.
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

/// Without any of the features there is plain HTTP, which serves an emulator on this machine.
#[cfg(not(any(
    feature = "rustls-ring",
    feature = "rustls-aws-lc",
    feature = "native-tls"
)))]
#[allow(clippy::unnecessary_wraps)]
fn tls(builder: ClientBuilder) -> Result<ClientBuilder, ConfigError> {
    Ok(builder)
}
