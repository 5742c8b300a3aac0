//! A certificate made on the spot, for clients that insist on https.
//!
//! A certificate authority of its own signs the certificate of the server and is forgotten: its key, like that of the
//! server, is never written anywhere. Clients trust the authority's certificate.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::error::Error;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// What makes connections secure, and whom clients are to trust.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate of the authority, as PEM.
    pub(crate) certificate: String,
}

impl Tls {
    /// A certificate for `localhost`, the address and the hosts, for a year of the system's clock: that is the one by which
    /// clients judge it.
    pub(crate) fn new(address: IpAddr, hosts: &[String]) -> Result<Self, Error> {
        let mut names = vec!["localhost".to_owned(), address.to_string()];
        for host in ["127.0.0.1", "::1"]
            .into_iter()
            .chain(hosts.iter().map(String::as_str))
        {
            let host = host.trim_matches(['[', ']']);
            if !names.iter().any(|name| name == host) {
                names.push(host.to_owned());
            }
        }
        let (authority, certificate, key) = certificates(names).map_err(Error::Certificate)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .map_err(Error::Tls)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate: authority,
        })
    }
}

/// The authority's certificate as PEM, the server's, and the server's key.
fn certificates(names: Vec<String>) -> Result<(String, rcgen::Certificate, KeyPair), rcgen::Error> {
    let params = |names: Vec<String>, name: &str| {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + 365 * DAY).into();
        Ok::<_, rcgen::Error>(params)
    };
    let mut authority = params(Vec::new(), "c1-api-emulator")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut server = params(names, "localhost")?;
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &authority)?;
    Ok((authority.pem(), certificate, key))
}
