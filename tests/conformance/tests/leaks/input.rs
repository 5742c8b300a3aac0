//! Secrets in the wrong place or form: no error quotes what could not be read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api::{Bearer, Client};
use c1_api_ext::{C1, ClientId, ClientSecret, SubjectToken, Tenant};
use serde_json::{Value, json};

use crate::canaries::{Canaries, TOKEN, client_id, http, secret};

/// Whatever is to be read from text: given a secret in the wrong place.
#[test]
fn no_error_repeats_what_it_could_not_read() {
    let canaries = Canaries::default();
    let whole = secret().expose();
    let jwk = whole.rsplit_once(':').unwrap().1;
    for text in [
        TOKEN,
        &format!("{TOKEN}@"),
        &format!("{TOKEN}@h/pcc"),
        &format!("x@{TOKEN}/"),
        &format!("https://{TOKEN}"),
        &format!("http://{TOKEN}.example"),
        &format!("https://a:{TOKEN}@b.example"),
        &format!("secret-token:conductorone.com:v1:{TOKEN}"),
        &format!("secret-token:conductorone.com:v2:{jwk}"),
        &format!("secret-token:conductorone.com:v1:{jwk}x"),
    ] {
        // A canary can name a tenant, and is no secret then.
        if let Err(error) = text.parse::<Tenant>() {
            canaries.assert_not_in_error("TenantError", &error);
            let builder = C1::builder().tenant(text).access_token(text);
            canaries.assert_not_in("C1Builder", &builder);
            canaries.assert_not_in_error("ConfigError", &builder.build().unwrap_err());
        }
        canaries.assert_not_in_error("ClientIdError", &text.parse::<ClientId>().unwrap_err());
        let error = text.parse::<ClientSecret>().unwrap_err();
        canaries.assert_not_in_error("ClientSecretError", &error);
        for builder in [
            C1::builder().client_credentials(text, text),
            C1::builder().client_credentials(client_id(), text),
            C1::builder().client_secret_post(text, text),
            C1::builder().token_exchange(text, SubjectToken::new(text)),
        ] {
            canaries.assert_not_in("C1Builder", &builder);
            canaries.assert_not_in_error("ConfigError", &builder.build().unwrap_err());
        }
    }
}

#[test]
fn no_configuration_error_quotes_a_secret() {
    let whole = secret().expose().to_string();
    let canaries = Canaries::default();
    let (prefix, encoded) = whole.rsplit_once(':').unwrap();
    let id = "otter@acme.conductor.one/pcc";
    let mut other: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    other["x"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let mismatched = format!("{prefix}:{}", URL_SAFE_NO_PAD.encode(other.to_string()));
    for bad in [
        encoded.to_owned(),
        format!("{whole}!"),
        format!("{prefix}:!{encoded}"),
        format!("{prefix}:{}", &encoded[1..]),
        format!("{}:{encoded}", prefix.replace("v1", "v9")),
        mismatched,
    ] {
        let error = C1::builder().client_credentials(id, bad.as_str()).build();
        canaries.assert_not_in_error("the builder", &error.unwrap_err());
        let error = C1::from_vars(|name| match name {
            "CONDUCTORONE_CLIENT_ID" => Some(id.to_owned()),
            "CONDUCTORONE_CLIENT_SECRET" => Some(bad.clone()),
            _ => None,
        });
        canaries.assert_not_in_error("the environment", &error.unwrap_err());
        // A secret in the wrong place is still one.
        let error = C1::builder()
            .client_credentials(bad.as_str(), whole.as_str())
            .build();
        canaries.assert_not_in_error("as client id", &error.unwrap_err());
        let error = C1::builder()
            .tenant(bad.as_str())
            .access_token(TOKEN)
            .build();
        canaries.assert_not_in_error("as tenant", &error.unwrap_err());
    }
    let error = Bearer::new(http(), format!("{TOKEN}\n")).unwrap_err();
    canaries.assert_not_in_error("Bearer", &error);
    let url = format!("https://user:{TOKEN}@acme.conductor.one/?token={TOKEN}");
    let bearer = Bearer::new(http(), TOKEN).unwrap();
    canaries.assert_not_in_error("Client", &Client::new(&url, http(), bearer).unwrap_err());
    canaries.assert_not_in_error("Tenant", &url.parse::<Tenant>().unwrap_err());
}
