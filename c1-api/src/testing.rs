//! What the unit tests of several modules share.

/// A client that can be made whatever features of reqwest other crates of the build ask for.
pub(crate) fn http() -> reqwest::Client {
    // Fails where another test was faster, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
