//! The HTTP client: TLS by cargo feature, no redirects, a connect timeout.

use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use crate::error::ConfigError;
use crate::identity::tenant::Tenant;

/// This crate as a product of a `User-Agent` (RFC 9110, section 10.1.5).
pub(crate) const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client builder that is safe for the credentials of `tenant`. Add proxies, headers or timeouts, and pass the client
/// to [`C1Builder::http`](crate::C1Builder::http).
///
/// - It follows no redirects, so that credentials stay with the tenant.
/// - It uses the proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), but none for a tenant on loopback:
///   such requests may be plain HTTP, and must not leave this machine. A proxy that you add is used in any case.
/// - It gives up connecting after 10 s.
/// - Its TLS is chosen by cargo features (`native-tls` before `rustls-aws-lc` before `rustls-ring`) and trusts what the
///   operating system trusts. With rustls, the builder's own TLS settings have no effect: for other roots or a client
///   certificate, build a client from scratch.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tenant = "acme".parse()?;
/// let http = c1_api_ext::http::client_builder(&tenant)?
///     .pool_max_idle_per_host(4)
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConfigError::Tls`] if the operating system's trusted certificates cannot be read.
pub fn client_builder(tenant: &Tenant) -> Result<ClientBuilder, ConfigError> {
    let mut builder = ClientBuilder::new()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    if tenant.is_loopback() {
        builder = builder.no_proxy();
    }
    tls(builder)
}

/// The client that [`C1Builder`](crate::C1Builder) uses by default: [`client_builder`] with this crate's user agent. Pass it
/// to a [`TokenEndpoint`](crate::TokenEndpoint).
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
    if !has_tls && !tenant.is_loopback() {
        return Err(ConfigError::NoTls);
    }
    client_builder(tenant)?
        .user_agent(PRODUCT)
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use httpmock::MockServer;

    use super::*;

    /// Set in the child: variables of the environment cannot be set in a process with threads.
    const CHILD: &str = "C1_API_EXT_TEST_CHILD";

    #[tokio::test]
    async fn proxies_of_the_environment_see_no_request_to_this_machine() {
        if std::env::var_os(CHILD).is_some() {
            return requests_in_the_child().await;
        }
        let proxy = MockServer::start_async().await;
        let seen = proxy
            .mock_async(|_, then| {
                then.status(200);
            })
            .await;
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child
            .args(["--exact", "--nocapture"])
            .arg("http::tests::proxies_of_the_environment_see_no_request_to_this_machine")
            .env(CHILD, "1");
        for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            child.env_remove(name);
        }
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            child.env(name, proxy.base_url());
        }
        let output = tokio::task::spawn_blocking(move || child.output())
            .await
            .expect("no panic")
            .expect("a child");
        assert!(output.status.success(), "{output:?}");
        // The one request to another machine.
        assert_eq!(seen.calls_async().await, 1);
    }

    async fn requests_in_the_child() {
        // Nobody listens on port 1, so only a proxy could respond.
        for url in [
            "http://127.0.0.1:1",
            "http://2130706433:1",
            "http://LOCALHOST:1",
            "https://localhost:1",
            "http://[::1]:1",
        ] {
            let tenant: Tenant = url.parse().expect("a tenant");
            assert!(tenant.is_loopback(), "{url}");
            let builder = client_builder(&tenant).expect("TLS");
            for http in [builder.build(), Ok(client(&tenant).expect("a client"))] {
                let request = http.expect("a client").post(tenant.token_url());
                let error = request.body("canary").send().await.expect_err(url);
                assert!(error.is_connect(), "{error:?}");
            }
        }
        let other = client_builder(&"acme".parse().expect("a tenant")).expect("TLS");
        let other = other.build().expect("a client");
        let response = other.get("http://acme.invalid/").send().await;
        assert_eq!(response.expect("the proxy's response").status(), 200);
    }
}
