//! Clients from the environment variables that C1's own tools read.

#[cfg(feature = "federation")]
use crate::auth::subject_token::{EnvVariable, SubjectToken};
use crate::builder::C1Builder;
use crate::error::ConfigError;
use crate::identity::client_id::ClientId;
use crate::identity::client_secret::ClientSecret;
use crate::identity::tenant::Tenant;

const ACCESS_TOKEN: &str = "CONDUCTORONE_ACCESS_TOKEN";
const OIDC_TOKEN: &str = "CONDUCTORONE_OIDC_TOKEN";
const CLIENT_ID: &str = "CONDUCTORONE_CLIENT_ID";
const CLIENT_SECRET: &str = "CONDUCTORONE_CLIENT_SECRET";
const TENANT_DOMAIN: &str = "CONDUCTORONE_TENANT_DOMAIN";
const SERVER_URL: &str = "CONDUCTORONE_SERVER_URL";

impl C1Builder {
    /// A client from the environment variables that C1's own tools read.
    ///
    /// | variable | |
    /// | --- | --- |
    /// | `CONDUCTORONE_ACCESS_TOKEN` | an access token |
    /// | `CONDUCTORONE_OIDC_TOKEN` | a token of another issuer to exchange; with the client id of the trust and the feature `federation` |
    /// | `CONDUCTORONE_CLIENT_ID`, `CONDUCTORONE_CLIENT_SECRET` | a client id and its secret |
    /// | `CONDUCTORONE_SERVER_URL`, `CONDUCTORONE_TENANT_DOMAIN` | the tenant, in any form that [`Tenant`] reads; optional with a client id |
    ///
    /// Of the first three rows, the first one that is set is used. Surrounding white space is removed; an empty value
    /// counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`], which names the missing or invalid variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        // A value that is not UTF-8 is then invalid, and not taken as missing.
        let get =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::read_vars(get, true)
    }

    /// Like [`from_env`](Self::from_env), with the variables read by `get`.
    ///
    /// # Errors
    /// [`ConfigError`], which names the missing or invalid variable.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read_vars(get, false)
    }

    /// With `process`, the variables are those of the process, and subject tokens are read anew at each exchange.
    fn read_vars(get: impl Fn(&str) -> Option<String>, process: bool) -> Result<Self, ConfigError> {
        let get = |name| {
            let value = get(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let client_id: Option<ClientId> = read(CLIENT_ID, get(CLIENT_ID))?;
        let server: Option<Tenant> = read(SERVER_URL, get(SERVER_URL))?;
        let domain: Option<Tenant> = read(TENANT_DOMAIN, get(TENANT_DOMAIN))?;

        let mut builder = Self::new();
        builder.alias = server.is_some().then(|| domain.clone()).flatten();
        builder.tenant = server
            .or(domain)
            .or_else(|| client_id.as_ref().map(|id| id.tenant().clone()));
        if let Some(token) = get(ACCESS_TOKEN) {
            if builder.tenant.is_none() {
                return Err(ConfigError::MissingVariable {
                    missing: TENANT_DOMAIN,
                    given: ACCESS_TOKEN,
                });
            }
            return Ok(builder.access_token(token));
        }
        if let Some(token) = get(OIDC_TOKEN) {
            let id = client_id.ok_or(ConfigError::MissingVariable {
                missing: CLIENT_ID,
                given: OIDC_TOKEN,
            })?;
            return exchange(builder, id, token, process);
        }
        let secret: Option<ClientSecret> = read(CLIENT_SECRET, get(CLIENT_SECRET))?;
        match (client_id, secret) {
            (Some(id), Some(secret)) => Ok(builder.client_credentials(id, secret)),
            (Some(_), None) => Err(ConfigError::MissingVariable {
                missing: CLIENT_SECRET,
                given: CLIENT_ID,
            }),
            (None, Some(_)) => Err(ConfigError::MissingVariable {
                missing: CLIENT_ID,
                given: CLIENT_SECRET,
            }),
            (None, None) => Err(ConfigError::NoCredentials),
        }
    }
}

/// `builder` with the subject token of a variable.
#[cfg(feature = "federation")]
#[allow(clippy::unnecessary_wraps, reason = "it fails without the feature")]
fn exchange(
    builder: C1Builder,
    id: ClientId,
    token: String,
    process: bool,
) -> Result<C1Builder, ConfigError> {
    Ok(if process {
        builder.token_exchange(id, EnvVariable::new(OIDC_TOKEN))
    } else {
        builder.token_exchange(id, SubjectToken::new(token))
    })
}

#[cfg(not(feature = "federation"))]
fn exchange(_: C1Builder, _: ClientId, _: String, _: bool) -> Result<C1Builder, ConfigError> {
    Err(ConfigError::MissingFeature {
        variable: OIDC_TOKEN,
        feature: "federation",
    })
}

/// Parses the value of a variable.
fn read<T>(variable: &'static str, value: Option<String>) -> Result<Option<T>, ConfigError>
where
    T: TryFrom<String>,
    ConfigError: From<T::Error>,
{
    value
        .map(T::try_from)
        .transpose()
        .map_err(|error| ConfigError::Variable {
            variable,
            source: Box::new(error.into()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::C1;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, secret, shown};

    const ID: &str = "otter@acme.conductor.one/pcc";

    fn from_vars(vars: &[(&str, &str)]) -> Result<C1, ConfigError> {
        C1::from_vars(|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_complete_environment_names_a_tenant() {
        let secret = secret().expose();
        let padded = format!(" {}\n", *secret);
        for (vars, base) in [
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, secret.as_str())][..],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &padded),
                    (ACCESS_TOKEN, " "),
                ],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (TENANT_DOMAIN, "acme"),
                ],
                "https://acme.conductor.one",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (SERVER_URL, "https://acme.conductor.one:8443"),
                ],
                "https://acme.conductor.one:8443",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (TENANT_DOMAIN, "acme.c1eu.ai")],
                "https://acme.c1eu.ai",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "http://127.0.0.1:8080/"),
                ],
                "http://127.0.0.1:8080",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (CLIENT_ID, ID)],
                "https://acme.conductor.one",
            ),
            #[cfg(feature = "federation")]
            (
                &[(OIDC_TOKEN, "canary"), (CLIENT_ID, ID)],
                "https://acme.conductor.one",
            ),
            // The access token comes first, whatever else there is.
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (OIDC_TOKEN, "canary"),
                    (CLIENT_SECRET, "canary"),
                    (TENANT_DOMAIN, "acme"),
                ],
                "https://acme.conductor.one",
            ),
        ] {
            let c1 = from_vars(vars).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(c1.tenant().base_url(), base);
            assert_eq!(c1.base_url(), base);
            assert_debug_is_clean(&c1);
        }
    }

    #[test]
    fn every_incomplete_environment_names_what_is_missing() {
        let secret = secret().expose();
        let public_only = "secret-token:conductorone.com:v1:e30";
        for (vars, message) in [
            (
                &[][..],
                "no credentials: set CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET",
            ),
            (
                &[(TENANT_DOMAIN, "acme")],
                "no credentials: set CONDUCTORONE_CLIENT_ID",
            ),
            (
                &[(CLIENT_ID, ID)],
                "CONDUCTORONE_CLIENT_ID is set, but CONDUCTORONE_CLIENT_SECRET is not",
            ),
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, " ")],
                "CONDUCTORONE_CLIENT_ID is set, but CONDUCTORONE_CLIENT_SECRET is not",
            ),
            (
                &[(CLIENT_SECRET, secret.as_str())],
                "CONDUCTORONE_CLIENT_SECRET is set, but CONDUCTORONE_CLIENT_ID is not",
            ),
            (
                &[(ACCESS_TOKEN, "canary")],
                "CONDUCTORONE_ACCESS_TOKEN is set, but CONDUCTORONE_TENANT_DOMAIN is not",
            ),
            (
                &[(OIDC_TOKEN, "canary"), (TENANT_DOMAIN, "acme")],
                "CONDUCTORONE_OIDC_TOKEN is set, but CONDUCTORONE_CLIENT_ID is not",
            ),
            #[cfg(not(feature = "federation"))]
            (
                &[(OIDC_TOKEN, "canary"), (CLIENT_ID, ID)],
                "CONDUCTORONE_OIDC_TOKEN is set, but c1-api-ext was built without its feature `federation`",
            ),
            (
                &[(ACCESS_TOKEN, "canary"), (TENANT_DOMAIN, "canary canary")],
                "CONDUCTORONE_TENANT_DOMAIN: invalid tenant name",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "http://canary.example"),
                ],
                "CONDUCTORONE_SERVER_URL: invalid tenant URL: expected https",
            ),
            (
                &[(CLIENT_ID, "canary"), (CLIENT_SECRET, &secret)],
                "CONDUCTORONE_CLIENT_ID: invalid client id",
            ),
            // Each in the other's place.
            (
                &[(CLIENT_ID, &secret), (CLIENT_SECRET, ID)],
                "CONDUCTORONE_CLIENT_ID: invalid client id",
            ),
            (
                &[(CLIENT_ID, ID), (CLIENT_SECRET, public_only)],
                "CONDUCTORONE_CLIENT_SECRET: invalid client secret: expected a key of type OKP",
            ),
            (
                &[
                    (CLIENT_ID, ID),
                    (CLIENT_SECRET, &secret),
                    (TENANT_DOMAIN, "other"),
                ],
                "the tenant is other.conductor.one, but the credentials or variables name acme.conductor.one",
            ),
            (
                &[
                    (ACCESS_TOKEN, "canary"),
                    (SERVER_URL, "https://evil.example"),
                    (TENANT_DOMAIN, "acme"),
                ],
                "the tenant is evil.example, but the credentials or variables name acme.conductor.one",
            ),
        ] {
            let error = from_vars(vars).expect_err(message);
            assert!(error.to_string().starts_with(message), "{error}");
            assert_no_secret(&shown(&error));
        }
    }
}
