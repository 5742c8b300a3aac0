//! What the feature `rustls-aws-lc` negotiates: a key exchange that a quantum computer does not break either.

// native-tls comes before it where both are on, and negotiates what the operating system does.
#![cfg(not(feature = "native-tls"))]
#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::crypto::{SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, HandshakeKind, NamedGroup, ServerConfig, ServerConnection};

/// The head of an Ed25519 private key (RFC 8410, section 7); 32 bytes follow.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A server for one connection. The client trusts no certificate that a test could make, so this is none.
fn server() -> ServerConnection {
    let provider = aws_lc_rs::default_provider();
    let key = PrivatePkcs8KeyDer::from([&PKCS8[..], &[0x41; 32]].concat());
    let key = aws_lc_rs::sign::any_eddsa_type(&key).expect("a key");
    let certified = CertifiedKey::new(vec![CertificateDer::from(vec![0])], key);
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    ServerConnection::new(config.into()).expect("a server")
}

#[tokio::test]
async fn the_key_exchange_is_post_quantum() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a connection");
        let mut server = server();
        let ended = server.complete_io(&mut socket);
        (server, ended)
    });
    let tenant = "127.0.0.1".parse().expect("a tenant");
    let client = c1_api_ext::http::client_builder(&tenant).expect("trusted certificates");
    let client = client.build().expect("a client");
    let response = client.get(format!("https://{address}")).send().await;
    response.expect_err("no certificate");
    // In case that the client has not come: the server waits for one.
    drop(TcpStream::connect(address));

    let (server, ended) = serving.join().expect("a server");
    let group = server.negotiated_key_exchange_group();
    assert_eq!(
        group.map(SupportedKxGroup::name),
        Some(NamedGroup::X25519MLKEM768)
    );
    // The client begins with it; it does not have to be asked for it by another round trip.
    assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
    // The client says that it refuses the certificate with the secrets of this exchange, or it could not be read.
    let refusal = ended.expect_err("a refused certificate");
    let refusal = refusal.get_ref().and_then(|error| error.downcast_ref());
    assert!(
        matches!(refusal, Some(Error::AlertReceived(_))),
        "{refusal:?}"
    );
}
