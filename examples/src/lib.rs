//! What the programs share: the tenant they run on, and their arguments. The programs are in `bin/`, and the objects that
//! some of them need on the offline tenant in `offline`.

pub mod offline;

use std::env::{args, vars_os};
use std::error::Error;

use c1_api_emulator::Emulator;
use c1_api_ext::types::{App, SearchAppsRequest, SearchUsersRequest};
use c1_api_ext::{C1, present};

/// What the programs return.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The tenant that a program runs on.
pub struct Tenant {
    /// Its client.
    pub c1: C1,
    /// The offline tenant, if it is one.
    pub offline: Option<Emulator>,
}

impl Tenant {
    /// The tenant of the credentials in `CONDUCTORONE_*`, or an offline one if there are none.
    ///
    /// # Errors
    /// If the credentials are incomplete or wrong, or no socket can be opened.
    pub async fn connect() -> Outcome<Self> {
        let is_set = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("CONDUCTORONE_");
        if vars_os().any(|(name, _)| is_set(&name)) {
            let c1 = C1::from_env()?;
            return Ok(Self { c1, offline: None });
        }
        // The same seed: ids are the same in each run.
        let emulator = Emulator::builder().seed(1).start().await?;
        let c1 = C1::builder()
            .client_credentials(emulator.client_id(), emulator.client_secret())
            .build()?;
        let offline = Some(emulator);
        Ok(Self { c1, offline })
    }

    /// The argument at this position, from 1. Offline, `example` stands for one that is missing.
    ///
    /// # Errors
    /// If it is missing on a real tenant; the error has its `name`.
    pub fn argument(&self, position: usize, name: &str, example: &str) -> Outcome<String> {
        match values().nth(position - 1) {
            Some(value) => Ok(value),
            None if self.offline.is_some() => Ok(example.to_owned()),
            None => Err(format!("the argument {position}, {name}, is missing").into()),
        }
    }

    /// Whether the program may write: it asks with the flag `--write`, or the tenant is offline.
    pub fn may_write(&self) -> bool {
        self.offline.is_some() || args().any(|argument| argument == "--write")
    }
}

/// The arguments that are no flags.
fn values() -> impl Iterator<Item = String> {
    args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
}

/// The app with the name.
///
/// # Errors
/// If there is none.
pub async fn app(c1: &C1, name: &str) -> Outcome<App> {
    let search = SearchAppsRequest::new().display_name(name);
    let mut apps = c1.app_search().search(search).items();
    while let Some(app) = apps.try_next().await? {
        if app.display_name.as_deref() == Some(name) {
            return Ok(app);
        }
    }
    Err(format!("no app is called {name:?}").into())
}

/// The id of the user with the address.
///
/// # Errors
/// If there is none.
pub async fn user(c1: &C1, email: &str) -> Outcome<String> {
    let search = SearchUsersRequest::new().email(email);
    let found = c1.user_search().search(search).items().try_next().await?;
    let found = found.ok_or_else(|| format!("no user has the address {email:?}"))?;
    Ok(present!(found.user.id)?.clone())
}
