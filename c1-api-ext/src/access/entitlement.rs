//! An entitlement that can be requested.

use std::fmt;

use c1_api::types::{AppEntitlement, AppEntitlementRef, AppEntitlementUserView};
use c1_api::{Client, Error, ErrorKind};

use crate::access::Recipient;

/// An entitlement that can be requested. `Display` shows its name, its alias and its ids.
#[derive(Clone)]
pub struct Entitlement {
    pub(super) client: Client,
    row: AppEntitlement,
    app_id: String,
    id: String,
}

impl Entitlement {
    pub(super) fn new(client: Client, app_id: String, id: String) -> Self {
        Self {
            client,
            row: AppEntitlement::default(),
            app_id,
            id,
        }
    }

    pub(super) fn of(client: Client, row: AppEntitlement) -> Result<Self, Error> {
        let id = |field: &str, id: &Option<String>| {
            let id = id.clone().filter(|id| !id.is_empty());
            let message = format!("AppEntitlement.{field}: found no id, expected one");
            id.ok_or_else(|| Error::new(ErrorKind::UnexpectedContent, message))
        };
        Ok(Self {
            app_id: id("appId", &row.app_id)?,
            id: id("id", &row.id)?,
            client,
            row,
        })
    }

    /// The id of its app.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Its id, which is unique only within the app.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name; empty if it was made of ids.
    pub fn name(&self) -> &str {
        self.row.display_name.as_deref().unwrap_or_default()
    }

    /// Its alias; empty if it has none or was made of ids.
    pub fn alias(&self) -> &str {
        self.row.alias.as_deref().unwrap_or_default()
    }

    /// All that the search has found of it; without fields if it was made of ids.
    pub fn row(&self) -> &AppEntitlement {
        &self.row
    }

    /// The grants of this entitlement that somebody has: none, one, or one for each account of a user. A new grant may
    /// take some minutes to show.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn held_by(
        &self,
        recipient: &Recipient,
    ) -> Result<Vec<AppEntitlementUserView>, Error> {
        let reference = AppEntitlementRef::new().app_id(&self.app_id).id(&self.id);
        let search = recipient.grants().entitlement_refs([reference]);
        let search = self.client.app_entitlement_search().search_grants(search);
        let mut rows = search.items();
        let mut grants = Vec::new();
        while let Some(row) = rows.try_next().await? {
            grants.extend(row.app_entitlement_user_binding);
        }
        Ok(grants)
    }
}

impl fmt::Display for Entitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name().is_empty() {
            write!(f, "`{}` ", self.name())?;
        }
        if !self.alias().is_empty() {
            write!(f, "with the alias `{}` ", self.alias())?;
        }
        write!(f, "(app {}, id {})", self.app_id, self.id)
    }
}

/// Shows name and ids.
impl fmt::Debug for Entitlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entitlement")
            .field("app_id", &self.app_id)
            .field("id", &self.id)
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
