//! Logs in with a browser and creates personal credentials, as environment variables for the other examples and for
//! C1's own tools.
//!
//! ```text
//! login [TENANT] --client-id ID (--out FILE | --show-secret)
//! ```
//!
//! The defaults are `CONDUCTORONE_SERVER_URL` or `CONDUCTORONE_TENANT_DOMAIN` for the tenant, and
//! `CONDUCTORONE_LOGIN_CLIENT_ID` for the id of the public client. The secret is written to a new file that only its owner
//! can read, or to standard output with `--show-secret`; everything else goes to standard error.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use c1_api_ext::c1_api::chrono::TimeDelta;
use c1_api_ext::c1_api::types::PersonalClientServiceCreateRequest;
use c1_api_ext::{
    C1, DeviceLogin, PersonalCredentials, Tenant, TokenEndpoint, create_personal_client, http,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "login [TENANT] --client-id ID (--out FILE | --show-secret)";

#[derive(Default)]
struct Arguments {
    tenant: Option<String>,
    client_id: Option<String>,
    out: Option<String>,
    show_secret: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments = arguments()?;
    let tenant: Tenant = arguments.tenant.ok_or(USAGE)?.parse()?;
    // Opened first: a failure afterwards would waste the login.
    let mut out: Box<dyn Write> = match (&arguments.out, arguments.show_secret) {
        (Some(path), false) => Box::new(create_private(path)?),
        (None, true) => Box::new(io::stdout()),
        _ => return Err(USAGE.into()),
    };
    let credentials = match login(tenant, arguments.client_id.ok_or(USAGE)?).await {
        Ok(credentials) => credentials,
        Err(error) => {
            // Created above, and still empty.
            arguments.out.map(std::fs::remove_file).transpose()?;
            return Err(error);
        }
    };
    writeln!(
        out,
        "export CONDUCTORONE_CLIENT_ID={}\nexport CONDUCTORONE_CLIENT_SECRET={}",
        quoted(credentials.client_id.as_str()),
        quoted(&credentials.client_secret.expose())
    )?;
    out.flush()?;
    eprintln!("Created {}, valid for 90 days.", credentials.client_id);
    Ok(())
}

async fn login(tenant: Tenant, client_id: String) -> Outcome<PersonalCredentials> {
    let endpoint = TokenEndpoint::new(http::client(&tenant)?, &tenant);
    let authorization = DeviceLogin::new(endpoint, client_id).start().await?;
    eprintln!(
        "Open {}\nand enter {} within {} min.",
        authorization.verification_uri(),
        authorization.user_code(),
        authorization.expires_in().as_secs() / 60
    );
    if let Some(complete) = authorization.verification_uri_complete() {
        eprintln!("Or open {complete}\nand compare the code.");
    }
    let token = authorization.wait().await?;
    let c1 = C1::builder().tenant(tenant).access_token(token).build()?;
    let request = PersonalClientServiceCreateRequest::new()
        .display_name("login example of the Rust SDK")
        .expires(TimeDelta::days(90));
    Ok(create_personal_client(&c1, request).await?)
}

fn arguments() -> Outcome<Arguments> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut read = Arguments {
        tenant: variable("CONDUCTORONE_SERVER_URL")
            .or_else(|| variable("CONDUCTORONE_TENANT_DOMAIN")),
        client_id: variable("CONDUCTORONE_LOGIN_CLIENT_ID"),
        ..Arguments::default()
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--client-id" => read.client_id = Some(arguments.next().ok_or(USAGE)?),
            "--out" => read.out = Some(arguments.next().ok_or(USAGE)?),
            "--show-secret" => read.show_secret = true,
            other if other.starts_with('-') => return Err(USAGE.into()),
            tenant => read.tenant = Some(tenant.to_owned()),
        }
    }
    Ok(read)
}

/// Quotes `text` for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Creates a file that only its owner can read. An existing file is an error.
fn create_private(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
